/* The MP table (SPEC: Intel 242016, MultiProcessor Specification 1.4, chapter 4) and $PIR (SPEC: Microsoft, PCI IRQ
 * Routing Table Specification 1.0). Not there: extended entries, processors' signatures. */
#include "hw/board/pc/mptable.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/board/pc/cpus.h"
#include "hw/core/isa.h"
#include "hw/core/loader.h"
#include "hw/intc/apic.h"

enum { MP_CPU, MP_BUS, MP_IOAPIC, MP_INTERRUPT, MP_LOCAL };
enum { INT, NMI, EXTINT = 3 };
enum { CPU_ENABLED = 1, CPU_BSP = 2, APIC_VERSION = 0x15, IOAPIC_VERSION = 0x20, ALL = 0xff };
enum { POINTER = 16, HEADER = 44, SLOTS = 32, PINS = 4, PIR_HEADER = 32 };

struct mp {
    const struct irq_facts *f;
    struct buf b;
    unsigned entries;
    u8 isa, ioapic; /* ids */
};

static unsigned ioapic_id(const struct irq_facts *f)
{
    return pc_cpu_apic_id(f->m, f->m->cfg.cpus - 1) + 1;
}

static void cpus(struct mp *t)
{
    enum { FAMILY_6 = 0x600, FPU_APIC = 0x201 };
    for (unsigned i = 0; i < t->f->m->cfg.cpus; i++, t->entries++) {
        const u8 head[4] = {MP_CPU, (u8)pc_cpu_apic_id(t->f->m, i), APIC_VERSION,
                            (u8)(CPU_ENABLED | (i ? 0 : CPU_BSP))};
        buf_put(&t->b, head, sizeof(head));
        buf_u32(&t->b, FAMILY_6);
        buf_u32(&t->b, FPU_APIC);
        buf_u64(&t->b, 0);
    }
}

static void bus(struct mp *t, u8 id, const char name[6])
{
    const u8 head[2] = {MP_BUS, id};
    buf_put(&t->b, head, sizeof(head));
    buf_put(&t->b, name, 6);
    t->entries++;
}

static void ioapics(struct mp *t)
{
    for (unsigned i = 0; i < ARRAY_LEN(t->f->ioapic) && t->f->ioapic[i]; i++, t->entries++) {
        const u8 head[4] = {MP_IOAPIC, (u8)(t->ioapic + i), IOAPIC_VERSION, 1};
        buf_put(&t->b, head, sizeof(head));
        buf_u32(&t->b, t->f->ioapic[i]);
    }
}

/* Polarity and trigger are the bus's own. */
static void interrupt(struct mp *t, u8 kind, u8 type, u8 from, u8 irq, u8 to, u8 input)
{
    const u8 e[8] = {kind, type, 0, 0, from, irq, to, input};
    buf_put(&t->b, e, sizeof(e));
    t->entries++;
}

static void interrupts(struct mp *t)
{
    const struct irq_facts *f = t->f;
    for (unsigned i = 0; f->pci_input && i < SLOTS * PINS; i++) {
        interrupt(t, MP_INTERRUPT, INT, 0, (u8)i, t->ioapic, (u8)f->pci_input(i / PINS, i % PINS));
    }
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        if (i != 2 && !(f->levels >> i & 1)) {
            interrupt(t, MP_INTERRUPT, INT, t->isa, (u8)i, t->ioapic, (u8)(i ? i : 2));
        }
    }
    interrupt(t, MP_LOCAL, EXTINT, t->isa, 0, (u8)pc_cpu_apic_id(f->m, 0), 0);
    interrupt(t, MP_LOCAL, NMI, t->isa, 0, ALL, 1);
}

static void sum(u8 *p, size_t n, unsigned at)
{
    u8 s = 0;
    for (size_t i = 0; i < n; i++) {
        s = (u8)(s + p[i]);
    }
    p[at] = (u8)(p[at] - s);
}

/* The pointer first, the table behind it. */
static void mp_make(const struct irq_facts *f, u64 at, struct buf *out)
{
    static const char names[] = "MOSS    PC          "; /* maker, product: 8 and 12 characters */
    struct mp t = {.f = f, .isa = f->pci_input ? 1 : 0, .ioapic = (u8)ioapic_id(f)};
    cpus(&t);
    if (f->pci_input) {
        bus(&t, 0, "PCI   ");
    }
    bus(&t, t.isa, "ISA   ");
    ioapics(&t);
    interrupts(&t);
    u8 head[POINTER + HEADER] = {0}, *h = head + POINTER;
    memcpy(head, "_MP_", 4);
    st32le(head + 4, (u32)at + POINTER);
    head[8] = 1; /* in units of 16 bytes */
    head[9] = 4; /* version 1.4 */
    sum(head, POINTER, 10);
    memcpy(h, "PCMP", 4);
    st16le(h + 4, (u16)(HEADER + t.b.len));
    h[6] = 4;
    memcpy(h + 8, names, sizeof(names) - 1);
    st16le(h + 34, (u16)t.entries);
    st32le(h + 36, (u32)APIC_BASE);
    buf_put(out, head, sizeof(head));
    buf_put(out, t.b.data, t.b.len);
    sum(out->data + POINTER, HEADER + t.b.len, 7);
    buf_free(&t.b);
}

/* Every slot of bus 0; a link is the register of its PIRQ. */
static void pir_make(const struct irq_facts *f, struct buf *out)
{
    u8 t[PIR_HEADER + SLOTS * 16] = {0};
    memcpy(t, "$PIR", 4);
    st16le(t + 4, 0x100);
    st16le(t + 6, sizeof(t));
    t[9] = f->router;
    st16le(t + 10, (u16)f->levels); /* nobody else has these */
    st32le(t + 12, f->router_id);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        u8 *e = t + PIR_HEADER + slot * 16;
        e[1] = (u8)(slot << 3);
        for (unsigned pin = 0; pin < PINS; pin++) {
            e[2 + 3 * pin] = f->link(slot, pin);
            st16le(e + 3 + 3 * pin, (u16)f->levels);
        }
    }
    sum(t, sizeof(t), 31);
    buf_put(out, t, sizeof(t));
}

static void blob(const struct irq_facts *f, const char *name, u64 at, const struct buf *b)
{
    loader_add((struct machine *)f->m, name, at, g_memdup2(b->data, b->len), b->len, b->len);
}

bool irq_tables_place(const struct irq_facts *f, u64 at, u64 room, struct err *e)
{
    struct buf mp = {0}, pir = {0};
    if (f->ioapic[0] && ioapic_id(f) + 1 < ALL) {
        mp_make(f, at, &mp);
    }
    if (f->link) {
        pir_make(f, &pir);
    }
    u64 behind = align_up(mp.len, 16);
    bool fits = behind + pir.len <= room;
    if (fits && mp.len) {
        blob(f, "mp table", at, &mp);
    }
    if (fits && pir.len) {
        blob(f, "$PIR", at + behind, &pir);
    }
    buf_free(&mp);
    buf_free(&pir);
    return fits || err_set(e, "the MP table takes more than %llu bytes", (unsigned long long)room);
}
