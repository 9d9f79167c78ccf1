/* `moss FILE`: what the file is decides which machine runs it. Kernels and programs are booted, disks are given to the
 * board's firmware. Only under moss's own names: as qemu-system-*, a file without an option is a disk and nothing more.
 *
 * The magic numbers: ELF's e_machine; Linux Documentation/arch/arm64/booting.rst and arch/x86/boot.rst; the EFI zboot
 * header; U-Boot's uImage and the start of its arm64 image (arch/arm/cpu/armv8/start.S); UEFI's firmware volumes (PI
 * specification, volume 3); the MBR's and GPT's signatures; ISO 9660; qcow2. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "hw/core/loader.h"
#include "system/system.h"

enum { LOOK_AT = 0x9000, UNPACK_LIMIT = 256 << 20 };

/* What is seen at the start of a file. */
struct guess {
    bool kernel, disk, is_firmware;
    const char *machine;  /* NULL: runs on no machine that moss has */
    const char *firmware; /* of disks: what finds the boot loader, if the machine has none of its own */
    const char *drive;    /* of disks: the option that puts it in; NULL: -hda */
    const char *what;     /* for messages */
};

static u32 be32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u16 le16(const u8 *p)
{
    return (u16)(p[0] | p[1] << 8);
}

static struct guess elf_guess(const u8 *p)
{
    static const struct {
        u16 machine;
        const char *name, *board;
    } isas[] = {
        {183, "an ELF program for AArch64", "virt"}, {40, "an ELF program for 32-bit Arm", NULL},
        {62, "an ELF program for x86-64", "pc"},     {3, "an ELF program for x86", "pc"},
        {243, "an ELF program for RISC-V", NULL},    {21, "an ELF program for 64-bit PowerPC", NULL},
        {20, "an ELF program for PowerPC", NULL},    {8, "an ELF program for MIPS", NULL},
        {258, "an ELF program for LoongArch", NULL}, {22, "an ELF program for S/390", NULL},
    };
    u16 machine = p[5] == 2 ? (u16)(p[18] << 8 | p[19]) : le16(p + 18);
    for (size_t i = 0; i < ARRAY_LEN(isas); i++) {
        if (isas[i].machine == machine) {
            return (struct guess){.kernel = true, .machine = isas[i].board, .what = isas[i].name};
        }
    }
    return (struct guess){.kernel = true, .what = "an ELF program for a processor that moss does not know"};
}

static bool has(const u8 *p, size_t n, size_t off, const char *magic, size_t len)
{
    return n >= off + len && !memcmp(p + off, magic, len);
}

static bool is_branch(const u8 *p)
{
    return (p[3] & 0xfc) == 0x14; /* A64: B */
}

/* A branch, the address it was linked for, then where it and its bss end. */
static bool is_u_boot(const u8 *p, size_t n)
{
    enum { MOST = 64 << 20 };
    return n >= 0x28 && is_branch(p) && !(ld64le(p + 8) >> 40) && ld64le(p + 0x10) > 0x1000 &&
           ld64le(p + 0x10) <= MOST && ld64le(p + 0x18) > 0x1000 && ld64le(p + 0x18) <= ld64le(p + 0x20) &&
           ld64le(p + 0x20) <= MOST;
}

/* The first firmware volume lies at the start, or behind a page that only jumps into it. */
static bool is_uefi(const u8 *p, size_t n)
{
    return has(p, n, 0x1028, "_FVH", 4) && is_branch(p);
}

/* A PC's disk has code in its first sector; without it, and with a program that has no PC in its name, what is in the
 * partitions is for UEFI on Arm. A qcow2 image does not show it. */
static struct guess disk_guess(const u8 *p, size_t n, u64 size)
{
    enum { CODE = 440, FLOPPY_MOST = 2949120 };
    bool iso = has(p, n, 0x8001, "CD001", 5), code = false;
    struct guess g = {.disk = true, .what = "a disk"};
    for (unsigned i = 0; i < CODE && n >= 512 && !has(p, n, 0, "QFI\xfb", 4); i++) {
        code |= p[i] != 0;
    }
    g.drive = iso ? "cdrom" : code && size <= FLOPPY_MOST ? "fda" : "hda";
    if (target_named() ? board_find("pc") != NULL : code) {
        g.machine = "pc";
    } else {
        g.machine = "virt";
        g.firmware = "AAVMF_CODE.fd";
    }
    return g;
}

static struct guess bytes_guess(const u8 *p, size_t n, u64 size)
{
    enum { UIMAGE_ARM64 = 22 };
    if (has(p, n, 0,
            "\x7f"
            "ELF",
            4) &&
        n >= 64) {
        return elf_guess(p);
    }
    if (has(p, n, 56, "ARM\x64", 4) || (has(p, n, 0, "MZ\0\0zimg", 8))) {
        return (struct guess){.kernel = true, .machine = "virt", .what = "a Linux kernel for AArch64"};
    }
    if (n >= 64 && be32(p) == 0x27051956) {
        return (struct guess){.kernel = true, .machine = p[29] == UIMAGE_ARM64 ? "virt" : NULL, .what = "a uImage"};
    }
    if (is_uefi(p, n) || is_u_boot(p, n)) {
        return (struct guess){.is_firmware = true, .machine = "virt", .what = is_uefi(p, n) ? "UEFI" : "U-Boot"};
    }
    if (has(p, n, 0x28, "_FVH", 4)) {
        return (struct guess){.what = "a UEFI variable store: it is the second of two -drive if=pflash"};
    }
    if (has(p, n, 0x202, "HdrS", 4)) {
        return (struct guess){.kernel = true, .machine = "pc", .what = "a Linux kernel for x86"};
    }
    if (n >= 4 && be32(p) == 0xd00dfeed) {
        return (struct guess){.what = "a device tree: use -dtb"};
    }
    if (has(p, n, 512, "EFI PART", 8) || has(p, n, 510, "\x55\xaa", 2) || has(p, n, 0x8001, "CD001", 5) ||
        has(p, n, 0, "QFI\xfb", 4)) {
        return disk_guess(p, n, size);
    }
    return (struct guess){0};
}

static bool file_guess(const char *path, struct guess *g, struct err *e)
{
    u8 *head = calloc(1, LOOK_AT);
    struct stat st;
    must(head);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || fstat(fd, &st) < 0 ? -1 : read(fd, head, LOOK_AT);
    bool ok = n >= 0 || err_errno(e, "Could not open '%s'", path);
    if (fd >= 0) {
        close(fd);
    }
    if (ok && has(head, (size_t)n, 0, "\x1f\x8b", 2) && st.st_size < UNPACK_LIMIT) {
        struct image_file f;
        ok = image_read(&f, "image", path, e) && image_unpack(&f, e);
        *g = ok ? bytes_guess(f.data, f.len, f.len) : (struct guess){0};
        image_free(&f);
    } else if (ok) {
        *g = bytes_guess(head, (size_t)n, (u64)st.st_size);
    }
    free(head);
    return ok;
}

static bool firmware_guess(struct config *c, const struct guess *g, struct err *e)
{
    if (!g->firmware) {
        return true;
    }
    char *path = image_find(g->firmware);
    if (!path) {
        return err_set(
            e, "'%s' is %s, and the firmware that would boot it, %s, is not installed (Debian: qemu-efi-aarch64)",
            c->image, g->what, g->firmware);
    }
    c->firmware = path;
    return true;
}

static void defaults(struct config *c, const char *machine)
{
    strings_add(&c->machine, machine);
    c->cpu = c->cpu ? c->cpu : "max";
    if (!c->memory.n) {
        strings_add(&c->memory, "1G");
    }
}

/* Was a board named? Properties alone do not name one. */
static bool machine_is_named(const struct config *c)
{
    for (size_t i = 0; i < c->machine.n; i++) {
        struct opts o = {0};
        bool named = opts_parse(&o, c->machine.v[i], "type", NULL) && opts_has(&o, "type");
        opts_free(&o);
        if (named) {
            return true;
        }
    }
    return false;
}

bool guess_machine(struct config *c, struct err *e)
{
    bool named = machine_is_named(c), bare = c->image && !c->kernel;
    const char *path = bare ? c->image : c->kernel;
    struct guess g;
    if (c->as_qemu || !path || (named && !bare)) {
        return true;
    }
    if (!file_guess(path, &g, e)) {
        return false;
    }
    if (!g.kernel && !g.disk && !g.is_firmware && !named) {
        return err_set(e,
                       g.what
                           ? "'%s' is %s"
                           : "'%s': cannot tell what this is; name a machine with -machine, and say -kernel or -drive",
                       path, g.what);
    }
    if (!g.machine && !named) {
        return err_set(e, "'%s' is %s: moss has no machine for it yet", path, g.what);
    }
    if (bare && g.kernel) {
        c->kernel = c->image;
        c->image = NULL;
    } else if (bare && g.is_firmware && !c->firmware && !c->pflash.n) {
        c->firmware = c->image;
        c->image = NULL;
    } else if (bare && g.disk && !c->firmware && !c->pflash.n && !named && !firmware_guess(c, &g, e)) {
        return false;
    }
    if (bare && g.disk && g.drive && c->image) {
        items_add(c, g.drive, c->image);
        c->image = NULL;
    }
    if (!named) {
        defaults(c, g.machine);
    }
    return true;
}
