/* Expansion ROMs (PCI Firmware 3.0, chapter 5; PCI Local Bus 3.0, 6.2.5.2 and 6.3): a file behind the ROM's base
 * address register.
 *
 * The files of distributions are made for one function; its ids are written over those in the file, as the images check
 * them, with the checksum that follows. Firmware copies a ROM and runs the copy, so reads through functions are fast
 * enough. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"
#include "hw/pci/pci_bus.h"

enum {
    ROM_SIZE = 2,     /* of an image, in units of 512 bytes */
    ROM_CHECKSUM = 6, /* a byte that PC images leave for it */
    ROM_PCIR = 0x18,  /* where the PCI data structure is */
    PCIR_VENDOR = 4,
    PCIR_DEVICE = 6,
    PCIR_LENGTH = 16,
    PCIR_CODE = 20,      /* 0: a PC's */
    PCIR_INDICATOR = 21, /* bit 7: the last image */
    PCIR_SIZE = 24,
};
#define ROM_MAX (16u << 20)

/* Every image of the file by turns. */
static void ids_patch(u8 *rom, u64 len, u16 vendor, u16 device)
{
    for (u64 at = 0; at + 0x20 <= len && rom[at] == 0x55 && rom[at + 1] == 0xaa;) {
        u64 pcir = at + ld16le(rom + at + ROM_PCIR);
        if (pcir + PCIR_SIZE > len || memcmp(rom + pcir, "PCIR", 4) != 0) {
            return;
        }
        u8 *p = rom + pcir, sum = 0;
        for (unsigned i = 0; i < 4; i++) {
            sum = (u8)(sum + p[PCIR_VENDOR + i]);
        }
        st16le(p + PCIR_VENDOR, vendor);
        st16le(p + PCIR_DEVICE, device);
        for (unsigned i = 0; i < 4; i++) {
            sum = (u8)(sum - p[PCIR_VENDOR + i]);
        }
        if (!p[PCIR_CODE]) {
            rom[at + ROM_CHECKSUM] = (u8)(rom[at + ROM_CHECKSUM] + sum);
        }
        u64 step = 512ull * ld16le(p + PCIR_LENGTH);
        if (p[PCIR_INDICATOR] & 0x80 || !step) {
            return;
        }
        at += step;
    }
}

static enum mem_result rom_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    const struct pci_device *p = opaque;
    (void)a;
    *val = ldnle(p->rom_data + off, size);
    return MEM_OK;
}
static enum mem_result rom_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)size, (void)val, (void)a;
    return MEM_OK;
}
static const struct mem_ops rom_ops = {.read = rom_read, .write = rom_write};

static bool size_choose(const struct pci_device *p, u64 len, u64 *size, struct err *e)
{
    *size = p->romsize;
    if (!*size) {
        for (*size = 2048; *size < len;) {
            *size *= 2;
        }
    }
    if (!len || len > ROM_MAX) {
        return err_set(e, "romfile=%s: its size must be between 1 byte and 16 MiB", p->romfile);
    }
    return (is_pow2(*size) && *size >= len && *size >= 2048) ||
           err_set(e, "romsize=%u: expected a power of two that is not below the file's %llu bytes", p->romsize,
                   (unsigned long long)len);
}

/* Nobody runs it where a kernel is entered without firmware. */
static void missing_tell(const struct machine *m, const char *file)
{
    bool vga = !strncmp(file, "vgabios", 7);
    if (!m->cfg.kernel || m->cfg.firmware || m->cfg.pflash[0]) {
        warn_once("the option ROM '%s' is not installed (Debian: %s): %s", file, vga ? "seabios" : "ipxe-qemu",
                  vga ? "there will be no text on the screen" : "the network card boots nothing");
    }
}

bool pci_add_rom(struct pci_device *p, const char *file, struct err *e)
{
    struct machine *m = p->dev.machine;
    struct image_file f;
    bool given = p->romfile != NULL;
    p->romfile = given ? p->romfile : m->iospace ? file : NULL;
    if (!p->romfile || !*p->romfile || !p->rombar) {
        return true;
    }
    char *path = image_find(p->romfile);
    if (!path && !given) { /* a machine boots without its cards' firmware, if that is not installed */
        missing_tell(m, p->romfile);
        return true;
    }
    bool ok = path && image_read(&f, "option ROM", path, e);
    free(path);
    if (!ok) {
        return err_set(e, "failed to find romfile \"%s\"", p->romfile);
    }
    u64 size = 0;
    if ((ok = size_choose(p, f.len, &size, e))) {
        u8 *data = arena_alloc(&m->arena, size);
        memset(data, 0xff, size);
        memcpy(data, f.data, f.len);
        ids_patch(data, f.len, ld16le(p->initial), ld16le(p->initial + 2));
        p->rom_data = data;
        p->rom =
            (struct mem_region){.name = "option-rom", .kind = MEM_MMIO, .size = size, .ops = &rom_ops, .opaque = p};
        pci_row(p, PCI_ROM, 4, 0, (u32) ~(size - 1) | PCI_ROM_ENABLE, 0);
    }
    image_free(&f);
    return ok;
}
