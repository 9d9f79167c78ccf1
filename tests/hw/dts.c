#include "tests/hw/dts.h"

#include <libfdt.h>

#include "base/bits.h"

static bool is_strings(const char *p, int n)
{
    if (n == 0 || p[n - 1]) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        bool end = !p[i] && (i == 0 || !p[i - 1]); /* an empty string */
        if (end || (p[i] && (p[i] < ' ' || p[i] > '~'))) {
            return false;
        }
    }
    return true;
}

static void value_print(const char *p, int n, struct buf *out)
{
    if (is_strings(p, n)) {
        for (int i = 0; i < n; i++) {
            buf_printf(out, i == 0 ? " = \"" : !p[i - 1] ? ", \"" : "");
            buf_printf(out, p[i] ? "%c" : "\"", p[i]);
        }
    } else if (n && n % 4 == 0) {
        for (int i = 0; i < n; i += 4) {
            buf_printf(out, "%s0x%x", i ? " " : " = <", ld32be(p + i));
        }
        buf_printf(out, ">");
    } else if (n) {
        for (int i = 0; i < n; i++) {
            buf_printf(out, "%s%02x", i ? " " : " = [", (u8)p[i]);
        }
        buf_printf(out, "]");
    }
}

static void node_print(const void *blob, int node, int depth, struct buf *out)
{
    int n, off;
    buf_printf(out, "%*s%s {\n", depth * 4, "", depth ? fdt_get_name(blob, node, NULL) : "/");
    fdt_for_each_property_offset(off, blob, node)
    {
        const char *name;
        const void *p = fdt_getprop_by_offset(blob, off, &name, &n);
        buf_printf(out, "%*s%s", depth * 4 + 4, "", name);
        value_print(p, n, out);
        buf_printf(out, ";\n");
    }
    fdt_for_each_subnode(off, blob, node)
    {
        node_print(blob, off, depth + 1, out);
    }
    buf_printf(out, "%*s};\n", depth * 4, "");
}

void dts_print(const void *blob, struct buf *out)
{
    node_print(blob, 0, 0, out);
}
