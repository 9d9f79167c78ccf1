/* ACPI's fixed hardware (ACPI 5.0, 4.8.3.1 to 4.8.3.3, 4.8.4.1): PM1 event and control registers, the power-management
 * timer, general-purpose events, and what a write of SLP_EN does.
 *
 * The timer counts 3.579545 MHz of guest time; its status bit is set when the top bit changes. S5 ends the machine. S3
 * is not offered, and a guest that goes there all the same is woken at once. Not modelled: SMIs instead of SCIs before
 * SCI_EN is set, the sleep button, throttling. */
#include "hw/acpi/pm.h"

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"

enum { NS = 1000000000 };

static void update(struct acpi_pm *p)
{
    const u16 events = ACPI_TMR | ACPI_GBL | ACPI_PWRBTN | ACPI_RTC;
    bool up = p->status & p->enable & events;
    for (unsigned i = 0; i < p->gpe_bytes; i++) {
        up |= (p->gpe_status[i] & p->gpe_enable[i]) != 0;
    }
    device_irq(p->dev, p->pin, up && p->control & ACPI_SCI_EN);
}

/* -- the timer --------------------------------------------------------------------------------------------------------
 */

static u64 ticks_at(u64 ns)
{
    return ns / NS * ACPI_PM_HZ + ns % NS * ACPI_PM_HZ / NS;
}
static u64 ns_of(u64 ticks)
{
    return ticks / ACPI_PM_HZ * NS + (ticks % ACPI_PM_HZ * NS + ACPI_PM_HZ - 1) / ACPI_PM_HZ;
}

static void turn_next(struct acpi_pm *p)
{
    unsigned top = p->timer_32 ? 31 : 23;
    p->turn = ns_of(((ticks_at(clock_now(CLOCK_VIRTUAL)) >> top) + 1) << top);
}
static void timer_arm(struct acpi_pm *p)
{
    timer_set(&p->timer, p->enable & ACPI_TMR && !(p->status & ACPI_TMR) ? p->turn : ~0ull);
}
/* The status bit is made when somebody looks; the host's timer is there for who wants an interrupt. */
static void turn_look(struct acpi_pm *p)
{
    if (clock_now(CLOCK_VIRTUAL) >= p->turn) {
        p->status |= ACPI_TMR;
        turn_next(p);
    }
}
static void timer_rings(void *opaque)
{
    struct acpi_pm *p = opaque;
    turn_look(p);
    timer_arm(p);
    update(p);
}

static u32 timer_read(const struct acpi_pm *p)
{
    return (u32)(ticks_at(clock_now(CLOCK_VIRTUAL)) & MASK(p->timer_32 ? 32 : 24));
}

/* -- sleep -------------------------------------------------------------------------------------------------------- */

static void sleep_enter(struct acpi_pm *p)
{
    unsigned type = p->control >> 10 & 7;
    if (type == p->s5) {
        machine_request_shutdown(SHUTDOWN_GUEST, 0);
        return;
    }
    unimp(device_name(p->dev), type == p->s3 ? "suspend to RAM (S3): the machine goes on" : "sleep type %u", type);
    p->status |= ACPI_WAK;
}

/* -- registers ---------------------------------------------------------------------------------------------------- */

u64 acpi_pm_read(struct acpi_pm *p, u64 off, unsigned size)
{
    u8 b[ACPI_PM_END + 8] = {0};
    turn_look(p);
    st16le(b + ACPI_PM1_STS, p->status);
    st16le(b + ACPI_PM1_EN, p->enable);
    st16le(b + ACPI_PM1_CNT, p->control);
    st32le(b + ACPI_PM_TMR, timer_read(p));
    return off < ACPI_PM_END ? ldnle(b + off, size) : 0;
}

static void byte_write(struct acpi_pm *p, u64 off, u8 v)
{
    unsigned shift = 8 * (off & 1);
    u16 mask = (u16)(0xff << shift), val = (u16)(v << shift);
    switch (off & ~1ull) {
    case ACPI_PM1_STS:
        p->status &= (u16)~val;
        break;
    case ACPI_PM1_EN:
        p->enable = (u16)((p->enable & ~mask) | (val & (ACPI_TMR | ACPI_GBL | ACPI_PWRBTN | ACPI_RTC)));
        break;
    case ACPI_PM1_CNT:
        p->control = (u16)((p->control & ~mask) | (val & 0x1c07));
        if (val & ACPI_SLP_EN) {
            sleep_enter(p);
        }
        break;
    default:
        break;
    }
}
void acpi_pm_write(struct acpi_pm *p, u64 off, unsigned size, u64 v)
{
    turn_look(p);
    for (unsigned i = 0; i < size; i++) {
        byte_write(p, off + i, (u8)(v >> 8 * i));
    }
    timer_arm(p);
    update(p);
}

u64 acpi_gpe_read(const struct acpi_pm *p, u64 off, unsigned size)
{
    u64 v = 0;
    for (unsigned i = 0; i < size; i++, off++) {
        u8 b = off < p->gpe_bytes        ? p->gpe_status[off]
               : off < 2u * p->gpe_bytes ? p->gpe_enable[off - p->gpe_bytes]
                                         : 0;
        v |= (u64)b << 8 * i;
    }
    return v;
}
void acpi_gpe_write(struct acpi_pm *p, u64 off, unsigned size, u64 v)
{
    for (unsigned i = 0; i < size; i++, off++) {
        u8 b = (u8)(v >> 8 * i);
        if (off < p->gpe_bytes) {
            p->gpe_status[off] &= (u8)~b;
        } else if (off < 2u * p->gpe_bytes) {
            p->gpe_enable[off - p->gpe_bytes] = b;
        }
    }
    update(p);
}
void acpi_gpe_raise(struct acpi_pm *p, unsigned n)
{
    must(n < 8u * p->gpe_bytes);
    p->gpe_status[n / 8] |= (u8)(1u << n % 8);
    update(p);
}

void acpi_pm_power_button(struct acpi_pm *p)
{
    p->status |= ACPI_PWRBTN;
    update(p);
}
void acpi_pm_enable(struct acpi_pm *p, bool on)
{
    p->control = (u16)(on ? p->control | ACPI_SCI_EN : p->control & ~ACPI_SCI_EN);
    update(p);
}

/* -- life --------------------------------------------------------------------------------------------------------- */

void acpi_pm_init(struct acpi_pm *p)
{
    must(p->gpe_bytes <= sizeof(p->gpe_status));
    timer_init(&p->timer, CLOCK_VIRTUAL, timer_rings, p);
}
void acpi_pm_reset(struct acpi_pm *p)
{
    turn_next(p);
    timer_arm(p);
    update(p);
}
void acpi_pm_loaded(struct acpi_pm *p)
{
    timer_arm(p);
    update(p);
}
void acpi_pm_fini(struct acpi_pm *p)
{
    timer_cancel(&p->timer);
}
