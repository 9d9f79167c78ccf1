/* See ide_pc.h. */
#include "tests/hw/ide_pc.h"

#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/loop.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"

static void heard(void *to, unsigned n, int level)
{
    struct pc *p = to;
    p->rises[n] += level && !p->irq[n];
    p->irq[n] = level != 0;
}

struct pc *pc_new(bool read_only, const char *hd_props)
{
    struct pc *p = calloc(1, sizeof(*p));
    struct err e = {0};
    p->b = bench_make(&gpex_class, NULL);
    pci_host_place(p->b->d, &(struct pci_layout){.ecam = ECAM,
                                                 .ecam_size = 0x1000000,
                                                 .mmio32 = 0x20000000,
                                                 .mmio32_size = 0x1000000,
                                                 .io = PIO,
                                                 .io_size = 0x10000});
    bench_start(p->b);
    image_make(&p->disk, "disk", 4 << 20, read_only);
    image_make(&p->disc, "disc", 1 << 20, true);
    machine_lock();
    p->ide = device_new(&p->b->m, &piix3_ide_class, "ide");
    assert_true(device_plug(p->ide, NULL, &e) && device_init(p->ide, &e));
    for (unsigned i = 0; i < 2; i++) {
        p->ide->irqs[i] = (struct irq){.fn = heard, .to = p, .n = i};
    }
    if (hd_props) {
        p->hd = device_new(&p->b->m, &ide_hd_class, NULL);
        struct opts o = {0};
        assert_true(opts_parse(&o, hd_props, NULL, &e));
        for (size_t i = 0; i < o.n; i++) {
            assert_true(device_set_prop(p->hd, o.v[i].key, o.v[i].value, &e));
        }
        opts_free(&o);
        if (!device_plug(p->hd, "ide.0", &e) || !device_init(p->hd, &e)) {
            fail_msg("%s", e.msg);
        }
    } else {
        p->hd = ide_attach(machine_find(&p->b->m, "ide.0"), 0, p->disk.b, false, "SN1", &e);
    }
    p->cd = ide_attach(machine_find(&p->b->m, "ide.1"), 0, p->disc.b, true, NULL, &e);
    if (!p->hd || !p->cd) {
        fail_msg("%s", e.msg);
    }
    device_reset(p->ide);
    device_reset(machine_find(&p->b->m, "ide.0"));
    device_reset(machine_find(&p->b->m, "ide.1"));
    device_reset(p->hd);
    device_reset(p->cd);
    machine_unlock();
    wr(p, ECAM + 0x8020, 4, BM);
    wr(p, ECAM + 0x8004, 2, 5);
    return p;
}

void pc_free(struct pc *p)
{
    machine_lock();
    for (struct device *d = p->b->m.devices; d; d = d->next) {
        device_fini(d);
    }
    machine_unlock();
    unlink(p->disc.path);
    disk_image_free(&p->disk);
    bench_free(p->b);
    free(p);
}

u8 wait_status(struct pc *p, unsigned channel)
{
    for (unsigned i = 0; i < 2000; i++) {
        u8 s = in(p, base(channel) + 0x206);
        if (!(s & BSY)) {
            return s;
        }
        loop_turn(1000000);
    }
    fail_msg("busy for ever");
    return 0;
}

void taskfile(struct pc *p, unsigned ch, u64 lba, unsigned count, u8 features, u8 device)
{
    unsigned b = base(ch);
    out(p, b + DEV_R, device);
    out(p, b + ERROR_R, features);
    out(p, b + COUNT_R, (u8)(count >> 8));
    out(p, b + LOW_R, (u8)(lba >> 24));
    out(p, b + MID_R, (u8)(lba >> 32));
    out(p, b + HIGH_R, (u8)(lba >> 40));
    out(p, b + ERROR_R, features);
    out(p, b + COUNT_R, (u8)count);
    out(p, b + LOW_R, (u8)lba);
    out(p, b + MID_R, (u8)(lba >> 8));
    out(p, b + HIGH_R, (u8)(lba >> 16));
}

void read_block(struct pc *p, unsigned ch, u8 *to, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2) {
        st16le(to + i, (u16)rd(p, PIO + base(ch), 2));
    }
}
void write_block(struct pc *p, unsigned ch, const u8 *from, unsigned n)
{
    for (unsigned i = 0; i < n; i += 4) {
        wr(p, PIO + base(ch), 4, ld32le(from + i));
    }
}
