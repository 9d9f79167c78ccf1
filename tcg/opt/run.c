/* Tier 1's passes in order. The builder has already folded and forwarded: what is left is to throw away. */
#include "base/log.h"
#include "tcg/opt/opt.h"

static void verify_after(const struct ir *ir, const char *pass)
{
#ifndef NDEBUG
    struct err e = {""};
    if (!ir_verify(ir, &e)) {
        log_print("after %s: %s\n", pass, e.msg);
        must(!"a well-formed trace");
    }
#else
    (void)ir;
    (void)pass;
#endif
}

void opt_run(struct ir *ir)
{
    verify_after(ir, "the front end");
    opt_dead_code(ir);
    verify_after(ir, "opt_dead_code");
    opt_compact(ir);
    verify_after(ir, "opt_compact");
}
