/* -readconfig FILE: options in sections, as QEMU's docs/config has them.
 *
 *   [device "net0"]             is  -device driver=virtio-net-pci,bus=pcie.0,id=net0
 *     driver = "virtio-net-pci"
 *     bus = "pcie.0"
 *
 * Lines that begin with # and empty ones are passed over. What the file says comes where the option stands. */
#include <string.h>

#include "base/buf.h"
#include "system/options.h"

/* Sections that are not called like their option. */
static const char *const renamed[][2] = {
    {"memory", "m"},
    {"smp-opts", "smp"},
    {"boot-opts", "boot"},
};

struct section {
    const char *option; /* NULL: none yet */
    struct buf text;    /* "key=value,...": lives on as the option's value */
};

static const char *option_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(renamed); i++) {
        if (!strcmp(name, renamed[i][0])) {
            return renamed[i][1];
        }
    }
    return name;
}

static void pair_add(struct section *s, const char *key, const char *value)
{
    buf_printf(&s->text, "%s%s=", s->text.len ? "," : "", key);
    for (; *value; value++) {
        buf_printf(&s->text, *value == ',' ? ",," : "%c", *value);
    }
}

static bool section_end(struct config *c, struct section *s, struct err *e)
{
    bool ok = !s->option || options_apply(c, s->option, s->text.len ? (char *)s->text.data : strdup(""), e);
    s->text = (struct buf){0}; /* the option keeps it */
    s->option = NULL;
    return ok;
}

static bool line_read(struct config *c, struct section *s, char *line, struct err *e)
{
    char name[64], id[128], value[1024];
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = 0;
    if (!*line || *line == '#') {
        return true;
    }
    int n = sscanf(line, "[%63[^] \"] \"%127[^\"]\"]", name, id);
    if (*line == '[' && n >= 1) {
        if (!section_end(c, s, e)) {
            return false;
        }
        s->option = strdup(option_of(name));
        if (n == 2) {
            pair_add(s, "id", id);
        }
        return true;
    }
    value[0] = 0; /* "" */
    if (!s->option || sscanf(line, "%63[^ \t=] = \"%1023[^\"]\"", name, value) < 1 || !strchr(line, '"')) {
        return err_set(e, "expected [section], [section \"id\"] or key = \"value\", not '%s'", line);
    }
    pair_add(s, name, value);
    return true;
}

bool readconfig(struct config *c, const char *path, struct err *e)
{
    FILE *f = fopen(path, "r");
    struct section s = {0};
    char line[2048];
    bool ok = f != NULL;
    if (!f) {
        return err_errno(e, "Could not open '%s'", path);
    }
    for (unsigned n = 1; ok && fgets(line, sizeof(line), f); n++) {
        if (!(ok = line_read(c, &s, line, e))) {
            err_prefix(e, "%s:%u", path, n);
        }
    }
    fclose(f);
    ok = ok && section_end(c, &s, e);
    buf_free(&s.text);
    return ok;
}
