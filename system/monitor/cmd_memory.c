/* Commands that look at guest memory. A look is a read of memory as it stands: through a processor's tables it leaves
 * no accessed bit behind, and where a device is it shows nothing rather than touch its registers. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "system/monitor/monitor_priv.h"
#include "target/target.h"

enum { LOOK_PAGE = 4096 };

/* Memory alone, of one page. */
static bool look_physical(struct mem_space *s, u64 pa, void *p, size_t n)
{
    u64 room = n;
    const void *host = mem_map(s, pa, &room, false);
    if (host && room >= n) {
        memcpy(p, host, n);
    }
    return host && room >= n;
}

struct look {
    u64 va, pa;
    u8 *p; /* NULL: only the address is wanted */
    size_t n, done;
};

static bool look_page(struct vcpu *cpu, struct look *l, size_t n)
{
    struct walk_result w = {0};
    cpu->looking = true;
    bool ok = cpu->target->walk(cpu, l->va + l->done, MMU_LOAD, 0, &w) ||
              cpu->target->walk(cpu, l->va + l->done, MMU_FETCH, 0, &w);
    cpu->looking = false;
    l->pa = w.pa;
    return ok && (!l->p || look_physical(cpu->space, w.pa, l->p + l->done, n));
}

static void look_virtual(struct vcpu *cpu, void *arg)
{
    struct look *l = arg;
    while (l->done < l->n) {
        u64 at = l->va + l->done;
        size_t n = MIN(l->n - l->done, (size_t)(LOOK_PAGE - at % LOOK_PAGE));
        if (!look_page(cpu, l, n)) {
            break;
        }
        l->done += n;
    }
}

size_t monitor_read(bool physical, u64 addr, void *p, size_t n)
{
    struct vcpu *cpu = monitor_cpu();
    struct look l = {.va = addr, .p = p, .n = n};
    if (!cpu) {
        return 0;
    }
    if (!physical) {
        monitor_on_cpu(cpu, look_virtual, &l);
        return l.done;
    }
    while (l.done < n) {
        u64 at = addr + l.done;
        size_t part = MIN(n - l.done, (size_t)(LOOK_PAGE - at % LOOK_PAGE));
        if (!look_physical(cpu->space, at, l.p + l.done, part)) {
            break;
        }
        l.done += part;
    }
    return l.done;
}

/* -- x, xp, print -------------------------------------------------------------------------------------------------- */

static unsigned fmt_bytes(const struct fmt *f)
{
    return f->size == 'b' ? 1 : f->size == 'h' ? 2 : f->size == 'g' ? 8 : 4;
}

static void put_char(u64 v, struct buf *out)
{
    static const char escapes[] = "\n\r\t\\'", names[] = "nrt\\'";
    u8 c = (u8)v;
    const char *e = c ? strchr(escapes, c) : NULL;
    if (e) {
        buf_printf(out, "'\\%c'", names[e - escapes]);
    } else {
        buf_printf(out, c >= ' ' && c < 0x7f ? "'%c'" : "'\\x%02x'", c);
    }
}

static void put_number(const struct fmt *f, unsigned bytes, u64 v, bool padded, struct buf *out)
{
    static const u8 octal[] = {[1] = 3, [2] = 6, [4] = 11, [8] = 22},
                    decimal[] = {[1] = 3, [2] = 5, [4] = 10, [8] = 20};
    switch (f->kind) {
    case 'o':
        buf_printf(out, "0%0*" PRIo64, padded ? octal[bytes] : 1, v);
        break;
    case 'd':
        buf_printf(out, "%*" PRId64, padded ? decimal[bytes] + 1 : 1, sext(v, 8 * bytes));
        break;
    case 'u':
        buf_printf(out, "%*" PRIu64, padded ? decimal[bytes] : 1, v);
        break;
    case 'c':
        put_char(v, out);
        break;
    default:
        buf_printf(out, "0x%0*" PRIx64, padded ? 2 * (int)bytes : 1, v);
    }
}

static void address(bool physical, u64 at, struct buf *out)
{
    buf_printf(out, "%0*" PRIx64 ":", physical || at >> 32 ? 16 : 16, at);
}

static void dump_numbers(bool physical, u64 at, const struct fmt *f, struct buf *out)
{
    unsigned bytes = f->kind == 'c' ? 1 : fmt_bytes(f), a_line = f->kind == 'c' ? 8 : MAX(1, 16 / bytes);
    for (unsigned i = 0; i < f->count; i++, at += bytes) {
        u8 raw[8] = {0};
        if (i % a_line == 0) {
            address(physical, at, out);
        }
        if (monitor_read(physical, at, raw, bytes) != bytes) {
            buf_printf(out, " Cannot access memory\n");
            return;
        }
        buf_printf(out, " ");
        put_number(f, bytes, ldnle(raw, bytes), true, out);
        if (i % a_line == a_line - 1 || i + 1 == f->count) {
            buf_printf(out, "\n");
        }
    }
}

static void mode_get(struct vcpu *cpu, void *arg)
{
    *(u64 *)arg = cpu->target->mode(cpu);
}

static void dump_code(bool physical, u64 at, unsigned count, struct buf *out)
{
    struct vcpu *cpu = monitor_cpu();
    u64 mode = 0;
    if (cpu) {
        monitor_on_cpu(cpu, mode_get, &mode);
    }
    for (unsigned i = 0; cpu && i < count; i++) {
        u8 bytes[16];
        char text[128];
        size_t n = monitor_read(physical, at, bytes, sizeof(bytes));
        int len = n ? cpu->target->disas(text, sizeof(text), at, bytes, n, mode) : 0;
        if (!n) {
            buf_printf(out, "0x%08" PRIx64 ": Cannot access memory\n", at);
            return;
        }
        buf_printf(out, "0x%08" PRIx64 ": ", at);
        len = len > 0 ? len : 1;
        for (int k = 0; k < 8 || k < len; k++) {
            buf_printf(out, k < len ? " %02x" : "   ", bytes[k]);
        }
        buf_printf(out, "  %s\n", len > 0 ? text : "(bad)");
        at += (unsigned)len;
    }
}

/* What was not said is as it was the last time. */
static struct fmt last_fmt = {.count = 1, .kind = 'x', .size = 'w'};

static void dump(bool physical, const struct args *a, struct buf *out)
{
    struct fmt f = a->fmt;
    f.count = f.count ? f.count : 1;
    last_fmt.kind = f.kind = f.kind ? f.kind : last_fmt.kind;
    last_fmt.size = f.size = f.size ? f.size : last_fmt.size;
    if (!monitor_cpu()) {
        buf_printf(out, "No CPU\n");
    } else if (f.kind == 'i') {
        dump_code(physical, a->n[1], f.count, out);
    } else {
        dump_numbers(physical, a->n[1], &f, out);
    }
}

void hmp_x(const struct args *a, struct buf *out)
{
    dump(false, a, out);
}
void hmp_xp(const struct args *a, struct buf *out)
{
    dump(true, a, out);
}

void hmp_print(const struct args *a, struct buf *out)
{
    struct fmt f = a->fmt;
    f.kind = f.kind && f.kind != 'i' ? f.kind : 'd';
    put_number(&f, 8, a->n[1], false, out);
    buf_printf(out, "\n");
}

void hmp_gva2gpa(const struct args *a, struct buf *out)
{
    struct vcpu *cpu = monitor_cpu();
    struct look l = {.va = a->n[0], .n = 1};
    if (!cpu) {
        buf_printf(out, "No cpu\n");
        return;
    }
    monitor_on_cpu(cpu, look_virtual, &l);
    if (l.done) {
        buf_printf(out, "gpa: 0x%" PRIx64 "\n", l.pa);
    } else {
        buf_printf(out, "Unmapped\n");
    }
}

/* -- to a file ----------------------------------------------------------------------------------------------------- */

/* Where there is no memory a file of physical memory has zeros, so that an offset in it is an address. */
static bool save(bool physical, u64 addr, u64 size, FILE *f, struct buf *out)
{
    u8 page[LOOK_PAGE];
    for (u64 done = 0; done < size;) {
        size_t n = (size_t)MIN(size - done, (u64)(LOOK_PAGE - (addr + done) % LOOK_PAGE));
        size_t got = monitor_read(physical, addr + done, page, n);
        if (got != n && physical) {
            memset(page + got, 0, n - got);
        } else if (got != n) {
            buf_printf(out, "Error: Invalid addr 0x%016" PRIx64 "/size %" PRIu64 " specified\n", addr + done,
                       size - done);
            return false;
        }
        if (fwrite(page, 1, n, f) != n) {
            return false;
        }
        done += n;
    }
    return true;
}

static void save_to(bool physical, const struct args *a, struct buf *out)
{
    FILE *f = fopen(a->s[2], "wb");
    if (!f) {
        buf_printf(out, "Error: Could not open '%s': %s\n", a->s[2], strerror(errno));
        return;
    }
    errno = 0;
    bool ok = save(physical, a->n[0], a->n[1], f, out);
    int why = errno;
    if (fclose(f) || (!ok && why)) {
        buf_printf(out, "Error: could not write '%s': %s\n", a->s[2], strerror(why ? why : errno));
    }
}

void hmp_memsave(const struct args *a, struct buf *out)
{
    save_to(false, a, out);
}
void hmp_pmemsave(const struct args *a, struct buf *out)
{
    save_to(true, a, out);
}

void hmp_info_mtree(const struct args *a, struct buf *out)
{
    struct machine *m = run_the_machine();
    mem_space_print(m->sysmem, a->has[0], out);
    if (m->iospace) {
        mem_space_print(m->iospace, a->has[0], out);
    }
}
