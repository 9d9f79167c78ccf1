/* The machine's devices: which there are, and what each kind says of itself (device_class.print, by topic). */
#include <inttypes.h>
#include <string.h>

#include "hw/core/loader.h"
#include "system/monitor/monitor_priv.h"

static void device_line(const struct machine *m, const struct device *d, unsigned depth, struct buf *out)
{
    int in = 2 * (int)depth;
    buf_printf(out, "%*sdev: %s, id \"%s\"\n", in, "", d->cls->name, d->id ? d->id : "");
    for (const struct prop *p = d->cls->props; p && p->name; p++) {
        buf_printf(out, "%*s%s = ", in + 2, "", p->name);
        prop_print(d, p, out);
        buf_printf(out, "\n");
    }
    const struct mem_region *r;
    for (unsigned i = 0; (r = device_region(d, i)); i++) {
        buf_printf(out, "%*s%s %016" PRIx64 "/%016" PRIx64 "\n", in + 2, "", r->space == m->iospace ? "port" : "mmio",
                   r->base, r->size);
    }
}

static void devices_of(const struct machine *m, const struct device *owner, unsigned depth, struct buf *out)
{
    GPtrArray *v = g_ptr_array_new();
    for (struct device *d = m->devices; d; d = d->next) {
        if (d->parent == owner) {
            g_ptr_array_add(v, d);
        }
    }
    for (unsigned i = v->len; i-- > 0;) { /* oldest first */
        const struct device *d = v->pdata[i];
        device_line(m, d, depth, out);
        if (d->cls->provides) {
            buf_printf(out, "%*sbus: %s\n%*stype %s\n", 2 * (int)depth + 2, "", device_name(d), 2 * (int)depth + 4, "",
                       d->cls->provides);
            devices_of(m, d, depth + 2, out);
        }
    }
    g_ptr_array_free(v, TRUE);
}

void hmp_info_qtree(const struct args *a UNUSED, struct buf *out)
{
    buf_printf(out, "bus: main-system-bus\n  type System\n");
    devices_of(run_the_machine(), NULL, 1, out);
}

static void topic(const char *name, struct buf *out)
{
    const struct machine *m = run_the_machine();
    bool any = false;
    for (const struct device *d = m->devices; d; d = d->next) {
        if (d->cls->topic && !strcmp(d->cls->topic, name)) {
            d->cls->print(d, out);
            any = true;
        }
    }
    if (!any) {
        buf_printf(out, "this machine has nothing to show of that\n");
    }
}
void hmp_info_pci(const struct args *a UNUSED, struct buf *out)
{
    topic("pci", out);
}
void hmp_info_pic(const struct args *a UNUSED, struct buf *out)
{
    topic("pic", out);
}

void hmp_info_roms(const struct args *a UNUSED, struct buf *out)
{
    loader_print(run_the_machine(), out);
}
