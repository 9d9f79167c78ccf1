/* LPIs of a GICv3 redistributor (IHI 0069H, chapter 5): configuration and pending tables in guest memory.
 *
 * The pending table is the truth, always; what is cached is the best enabled pending LPI of each CPU. The tables must
 * lie in RAM: an LPI whose configuration is elsewhere is disabled. LPIs are of the Non-secure Group 1, so the priority
 * in their configuration is a Non-secure one. */
#include "hw/intc/gicv3_priv.h"

static u64 config_base(const struct gicv3_cpu *c)
{
    return c->propbaser & 0xffffffffff000ull;
}

static u64 pending_base(const struct gicv3_cpu *c)
{
    return c->pendbaser & 0xfffffffff0000ull;
}

/* One past the highest INTID that the tables have room for; 0 when LPIs are off. */
static u32 lpi_end(const struct gicv3_cpu *c)
{
    unsigned id_bits = (unsigned)bits(c->propbaser, 0, 5) + 1;
    if (!(c->r_ctlr & GICR_CTLR_ENABLE_LPIS) || id_bits < 14) {
        return 0;
    }
    return 1u << MIN(id_bits, GICV3_ID_BITS);
}

static u8 *table_byte(const struct gicv3_cpu *c, u64 addr, bool write)
{
    u64 n = 1;
    u8 *p = mem_map(c->gic->dev.dma, addr, &n, write);
    if (!p) {
        guest_error(device_name(&c->dev), "LPI table at 0x%llx is not in RAM", (unsigned long long)addr);
    }
    return p;
}

static void lpi_offer(struct gicv3_cpu *c, u32 irq)
{
    const u8 *config = table_byte(c, config_base(c) + irq - GICV3_LPI_BASE, false);
    if (!config || !(*config & 1)) {
        return;
    }
    u8 prio = gicv3_ds(c->gic) ? *config : gicv3_prio_from_ns(*config & 0xfc);
    prio &= GICV3_PRI_MASK;
    if (c->lpi.irq == INTID_SPURIOUS || prio < c->lpi.prio || (prio == c->lpi.prio && irq < c->lpi.irq)) {
        c->lpi = (struct gicv3_pend){irq, prio, G1NS};
    }
}

/* Looks through the whole pending table: after the best LPI went away, or configuration changed. */
void gicv3_lpi_rescan(struct gicv3_cpu *c)
{
    c->lpi = (struct gicv3_pend){INTID_SPURIOUS, GIC_IDLE, G1NS};
    u32 end = lpi_end(c);
    for (u32 irq = GICV3_LPI_BASE; irq < end;) {
        u64 n = (end - irq) / 8;
        const u8 *p = mem_map(c->gic->dev.dma, pending_base(c) + irq / 8, &n, false);
        if (!p) {
            guest_error(device_name(&c->dev), "the LPI pending table is not in RAM");
            return;
        }
        for (u64 i = 0; i < n; i++, irq += 8) {
            for (u8 b = p[i]; b; b &= (u8)(b - 1)) {
                lpi_offer(c, irq + ctz32(b));
            }
        }
    }
}

bool gicv3_lpi_pending(struct gicv3_cpu *c, u32 irq)
{
    const u8 *p = irq >= GICV3_LPI_BASE && irq < lpi_end(c) ? table_byte(c, pending_base(c) + irq / 8, false) : NULL;
    return p && bit(*p, irq % 8);
}

void gicv3_lpi_set(struct gicv3_cpu *c, u32 irq, bool pending)
{
    if (irq < GICV3_LPI_BASE || irq >= lpi_end(c)) {
        return;
    }
    u8 *p = table_byte(c, pending_base(c) + irq / 8, true);
    if (!p || bit(*p, irq % 8) == pending) {
        return;
    }
    *p ^= (u8)BIT(irq % 8);
    mem_wrote(p, 1);
    if (pending) {
        lpi_offer(c, irq);
    } else if (irq == c->lpi.irq) {
        gicv3_lpi_rescan(c);
    }
}

void gicv3_lpi_move(struct gicv3_cpu *from, struct gicv3_cpu *to, u32 irq)
{
    if (from != to && gicv3_lpi_pending(from, irq)) {
        gicv3_lpi_set(from, irq, false);
        gicv3_lpi_set(to, irq, true);
    }
}

void gicv3_lpi_move_all(struct gicv3_cpu *from, struct gicv3_cpu *to)
{
    u32 end = MIN(lpi_end(from), lpi_end(to));
    for (u32 irq = GICV3_LPI_BASE; irq < end; irq += 8) {
        u8 *p = table_byte(from, pending_base(from) + irq / 8, true);
        u8 *q = table_byte(to, pending_base(to) + irq / 8, true);
        if (!p || !q) {
            return;
        }
        if (*p && p != q) {
            *q |= *p;
            *p = 0;
            mem_wrote(p, 1);
            mem_wrote(q, 1);
        }
    }
    gicv3_lpi_rescan(from);
    gicv3_lpi_rescan(to);
}
