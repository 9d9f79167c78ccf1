/* What -kernel may name: ELF (32 and 64 bits, either byte order), the arm64 Image (Linux,
 * Documentation/arm64/booting.rst), U-Boot's legacy uImage (uncompressed or gzip), and bytes that say nothing of
 * themselves. Around any of them: gzip, zstd, EFI zboot. */
#include <elf.h>
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"

/* -- ELF ---------------------------------------------------------------------------------------------- */

struct elf {
    const struct image_file *f;
    bool big, is64;
};

static u64 elf_num(const struct elf *x, u64 off, unsigned size)
{
    u64 v = ldnle(x->f->data + off, size);
    return x->big ? __builtin_bswap64(v) >> (64 - 8 * size) : v;
}
/* A member of the 64-bit or the 32-bit form of a header at `base`. */
#define ELF_GET(x, base, S, m) \
    ((x)->is64 ? elf_num(x, (base) + offsetof(Elf64_##S, m), sizeof(((Elf64_##S *)0)->m)) \
               : elf_num(x, (base) + offsetof(Elf32_##S, m), sizeof(((Elf32_##S *)0)->m)))

struct segment {
    u64 off, vaddr, paddr, filesz, memsz;
    bool exec;
};

static bool segment_get(const struct elf *x, u64 at, struct segment *s, struct err *e)
{
    *s = (struct segment){
        .off = ELF_GET(x, at, Phdr, p_offset),
        .vaddr = ELF_GET(x, at, Phdr, p_vaddr),
        .paddr = ELF_GET(x, at, Phdr, p_paddr),
        .filesz = ELF_GET(x, at, Phdr, p_filesz),
        .memsz = ELF_GET(x, at, Phdr, p_memsz),
        .exec = ELF_GET(x, at, Phdr, p_flags) & PF_X,
    };
    if (ELF_GET(x, at, Phdr, p_type) != PT_LOAD) {
        s->memsz = 0;
        return true;
    }
    if (s->off > x->f->len || s->filesz > x->f->len - s->off || s->filesz > s->memsz ||
        s->paddr + s->memsz < s->paddr) {
        return err_set(e, "an ELF segment reaches outside the file");
    }
    return true;
}

/* The note "Xen", PHYS32_ENTRY: where a PVH guest is entered. SPEC: ELF gABI, "Note section" (names and descriptions
 * are padded to 4 bytes); Xen, include/public/elfnote.h. */
static u64 pvh_note(const struct elf *x, u64 at)
{
    enum { HEADER = 12, PHYS32_ENTRY = 18 };
    u64 off = ELF_GET(x, at, Phdr, p_offset), n = ELF_GET(x, at, Phdr, p_filesz);
    if (ELF_GET(x, at, Phdr, p_type) != PT_NOTE || off > x->f->len || n > x->f->len - off) {
        return 0;
    }
    while (n >= HEADER) {
        u64 name = align_up(elf_num(x, off, 4), 4), desc = elf_num(x, off + 4, 4), pad = align_up(desc, 4);
        if (name + pad > n - HEADER) {
            return 0;
        }
        bool xen = elf_num(x, off, 4) == 4 && !memcmp(x->f->data + off + HEADER, "Xen", 4);
        if (xen && elf_num(x, off + 8, 4) == PHYS32_ENTRY && (desc == 4 || desc == 8)) {
            return elf_num(x, off + HEADER + name, (unsigned)desc);
        }
        off += HEADER + name + pad;
        n -= HEADER + name + pad;
    }
    return 0;
}

static bool elf_machine_ok(const struct elf *x, const struct kernel_rules *r, struct err *e)
{
    u64 have = ELF_GET(x, 0, Ehdr, e_machine);
    for (unsigned i = 0; i < ARRAY_LEN(r->elf_machines) && r->elf_machines[i]; i++) {
        if (have == r->elf_machines[i]) {
            return true;
        }
    }
    return err_set(e, "The image is from incompatible architecture (ELF machine %llu)", (unsigned long long)have);
}

static bool elf_load(struct machine *m, const struct image_file *f, const char *name, const struct kernel_rules *r,
                     struct kernel *k, struct err *e)
{
    struct elf x = {.f = f, .big = f->data[EI_DATA] == ELFDATA2MSB, .is64 = f->data[EI_CLASS] == ELFCLASS64};
    if (f->len < (x.is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr))) {
        return err_set(e, "the ELF header is cut short");
    }
    u64 ph = ELF_GET(&x, 0, Ehdr, e_phoff), n = ELF_GET(&x, 0, Ehdr, e_phnum);
    u64 step = ELF_GET(&x, 0, Ehdr, e_phentsize);
    if (!elf_machine_ok(&x, r, e)) {
        return false;
    }
    if (step < (x.is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || ph > f->len || n * step > f->len - ph) {
        return err_set(e, "the ELF program headers reach outside the file");
    }
    *k = (struct kernel){.kind = KERNEL_ELF, .entry = ELF_GET(&x, 0, Ehdr, e_entry), .start = ~0ull, .elf64 = x.is64};
    u64 entry = k->entry;
    for (u64 i = 0; i < n; i++) {
        struct segment s;
        u64 pvh = pvh_note(&x, ph + i * step);
        k->pvh_entry = pvh ? pvh : k->pvh_entry;
        if (!segment_get(&x, ph + i * step, &s, e)) {
            return false;
        }
        if (!s.memsz) {
            continue;
        }
        /* The header gives the entry as a virtual address; execution starts at the physical one. */
        if (s.exec && entry >= s.vaddr && entry - s.vaddr < s.filesz) {
            k->entry = entry - s.vaddr + s.paddr;
        }
        char *seg = g_strdup_printf("%s ELF program header segment %u", name, (unsigned)i);
        loader_add(m, seg, s.paddr, g_memdup2(f->data + s.off, s.filesz), s.filesz, s.memsz);
        g_free(seg);
        k->start = MIN(k->start, s.paddr);
        k->end = MAX(k->end, s.paddr + s.memsz);
    }
    return k->end || err_set(e, "the ELF file has nothing to load");
}

/* -- flat images -------------------------------------------------------------------------------------- */

static bool flat_place(struct machine *m, struct image_file *f, const char *name, const struct kernel_rules *r,
                       struct kernel *k, u64 addr, u64 size, struct err *e)
{
    k->start = k->entry = addr;
    k->end = addr + MAX(size, f->len);
    if (k->start < r->ram_base || k->end < k->start || k->end - r->ram_base > r->ram_size) {
        return err_set(e, "kernel '%s' is too large to fit in RAM (kernel size %llu, RAM size %llu)", name,
                       (unsigned long long)(k->end - k->start), (unsigned long long)r->ram_size);
    }
    /* Past the file's end is bss, which the kernel clears itself. */
    loader_add_image(m, name, addr, f);
    return true;
}

enum { ARM64_TEXT_OFFSET = 8, ARM64_IMAGE_SIZE = 16, ARM64_MAGIC = 56, ARM64_HEADER = 64, TWO_MIB = 2 << 20 };

static bool arm64_image(const struct image_file *f)
{
    return f->len >= ARM64_HEADER && !memcmp(f->data + ARM64_MAGIC, "ARM\x64", 4);
}

/* A kernel that is an EFI program too: its PE header says how long the file is, which arm64's own (the size in memory)
 * does not. SPEC: PE format, "COFF file header", "Section table". */
enum {
    PE_AT = 0x3c,
    PE_SECTIONS = 6,
    PE_OPT_SIZE = 20,
    PE_HEADER = 24,
    PE_SECTION = 40,
    PE_RAW_SIZE = 16,
    PE_RAW_AT = 20
};

static bool pe_is_cut(const struct image_file *f)
{
    if (memcmp(f->data, "MZ", 2) != 0) {
        return false;
    }
    u64 pe = ld32le(f->data + PE_AT);
    if (pe > f->len - PE_HEADER) {
        return true;
    }
    if (memcmp(f->data + pe, "PE\0\0", 4) != 0) {
        return false;
    }
    u64 table = pe + PE_HEADER + ld16le(f->data + pe + PE_OPT_SIZE), n = ld16le(f->data + pe + PE_SECTIONS);
    if (table + n * PE_SECTION > f->len) {
        return true;
    }
    for (u64 i = 0; i < n; i++) {
        const u8 *s = f->data + table + i * PE_SECTION;
        if ((u64)ld32le(s + PE_RAW_AT) + ld32le(s + PE_RAW_SIZE) > f->len) {
            return true;
        }
    }
    return false;
}

/* image_size 0 means a kernel before 3.17, whose text_offset may be of either byte order and is always 0x80000. */
static bool arm64_load(struct machine *m, struct image_file *f, const char *name, const struct kernel_rules *r,
                       struct kernel *k, struct err *e)
{
    u64 size = ld64le(f->data + ARM64_IMAGE_SIZE), off = r->raw_offset;
    k->kind = KERNEL_IMAGE;
    if (pe_is_cut(f)) {
        return err_set(e, "the file ends before the kernel does (is it truncated?)");
    }
    if (size) {
        off = ld64le(f->data + ARM64_TEXT_OFFSET);
        if (off < r->keep_free) {
            off += TWO_MIB;
        }
    }
    return flat_place(m, f, name, r, k, r->ram_base + off, size, e);
}

/* The legacy header of U-Boot, include/image.h: 64 bytes, big-endian. */
enum { UIMAGE_SIZE = 12, UIMAGE_LOAD = 16, UIMAGE_ENTRY = 20, UIMAGE_TYPE = 30, UIMAGE_COMP = 31, UIMAGE_HEADER = 64 };
enum { UIMAGE_KERNEL = 2, UIMAGE_KERNEL_NOLOAD = 14, UIMAGE_NONE = 0, UIMAGE_GZIP = 1 };

static bool uimage(const struct image_file *f)
{
    return f->len > UIMAGE_HEADER && ld32be(f->data) == 0x27051956;
}

static bool uimage_load(struct machine *m, struct image_file *f, const char *name, const struct kernel_rules *r,
                        struct kernel *k, struct err *e)
{
    u64 load = ld32be(f->data + UIMAGE_LOAD), entry = ld32be(f->data + UIMAGE_ENTRY);
    u64 size = ld32be(f->data + UIMAGE_SIZE);
    u8 type = f->data[UIMAGE_TYPE], comp = f->data[UIMAGE_COMP];
    if (type != UIMAGE_KERNEL && type != UIMAGE_KERNEL_NOLOAD) {
        return err_set(e, "the uImage holds no kernel (type %u)", type);
    }
    if (comp != UIMAGE_NONE && comp != UIMAGE_GZIP) {
        return err_set(e, "the uImage's compression (%u) is not known; gzip is", comp);
    }
    if (type == UIMAGE_KERNEL_NOLOAD) { /* position independent: entry is an offset */
        load = r->ram_base + r->raw_offset;
        entry += load;
    }
    if (size > f->len - UIMAGE_HEADER) {
        return err_set(e, "the file ends before the uImage does (is it truncated?)");
    }
    u8 *payload = g_memdup2(f->data + UIMAGE_HEADER, size);
    image_free(f);
    *f = (struct image_file){.data = payload, .len = size};
    if (!image_unpack(f, e) || !flat_place(m, f, name, r, k, load, 0, e)) {
        return false;
    }
    k->kind = KERNEL_UIMAGE;
    k->entry = entry;
    return true;
}

/* -- any ------------------------------------------------------------------------------------------------ */

static bool any_load(struct machine *m, struct image_file *f, const char *name, const struct kernel_rules *r,
                     struct kernel *k, struct err *e)
{
    if (!image_unpack(f, e)) {
        return false;
    }
    if (!f->len) {
        return err_set(e, "the file is empty");
    }
    if (f->len > EI_NIDENT && !memcmp(f->data, ELFMAG, SELFMAG)) {
        return elf_load(m, f, name, r, k, e);
    }
    if (r->elf_only) {
        return err_set(e, "it is no kernel for this board: expected a bzImage, an ELF file or a Multiboot image");
    }
    if (uimage(f)) {
        return uimage_load(m, f, name, r, k, e);
    }
    if (arm64_image(f)) {
        return arm64_load(m, f, name, r, k, e);
    }
    k->kind = KERNEL_RAW;
    notice("'%s' is no kernel image that moss knows: its bytes run as they are", name);
    return flat_place(m, f, name, r, k, r->ram_base + r->raw_offset, 0, e);
}

bool kernel_load(struct machine *m, const char *path, const struct kernel_rules *r, struct kernel *k, struct err *e)
{
    struct image_file f;
    struct err why = {0};
    *k = (struct kernel){0};
    if (!image_map(&f, "kernel", path, e)) {
        return false;
    }
    bool ok = any_load(m, &f, path, r, k, &why);
    image_free(&f);
    return ok || err_set(e, "could not load kernel '%s': %s", path, why.msg);
}
