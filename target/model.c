/* CPU models by name, of any target's list. */
#include <string.h>

#include "target/target.h"

const struct cpu_model *cpu_model_find(const struct cpu_model *list, const char *name, struct err *e)
{
    enum { MOST = 128 };
    const char *names[MOST + 1] = {NULL};
    for (unsigned n = 0; list[n].name; n++) {
        if (!strcmp(list[n].name, name)) {
            return &list[n];
        }
        must(n < MOST);
        names[n] = list[n].name;
    }
    const char *near = nearest_name(name, names);
    err_set(e, "no CPU model \"%s\"%s%s%s; -cpu help lists them", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    return NULL;
}
