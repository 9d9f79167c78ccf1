/* What no tr_ function translates yet: the program is told that the instruction is undefined, and the log that it is
 * not. */
#include "base/log.h"
#include "target/i386/x86.h"

static bool missing(struct x86 *t)
{
    unimp("x86", "%s", t->in.row->name);
    return false;
}
#define FUNCTION(name) \
    bool tr_##name(struct x86 *t) \
    { \
        return missing(t); \
    }
#include "target/i386/missing.def"
