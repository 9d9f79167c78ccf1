/* The vdso: a shared library of one page that the kernel would map: the code that returns from a signal handler and
 * reads clocks, under the names the C library and debuggers look for. The ELF image around the ABI's code is built
 * here. */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "user/user_priv.h"

#define PAGE    4096u
#define SONAME  "linux-vdso.so.1"
#define CODE_AT 0x800u

/* Fixed places; the page has room for far more than an ABI has names. */
struct image {
    Elf64_Ehdr h;
    Elf64_Phdr ph[2];
    Elf64_Dyn dyn[10];
    Elf64_Sym sym[VDSO_SYMBOLS_MAX + 1];
    Elf64_Half versym[VDSO_SYMBOLS_MAX + 2];
    struct {
        Elf64_Verdef def;
        Elf64_Verdaux aux;
    } verdef[2];
    u32 hash[2 + 1 + VDSO_SYMBOLS_MAX + 1];
    char str[256];
};
_Static_assert(sizeof(struct image) <= CODE_AT, "the vdso's code lies behind its headers");

static u32 elf_hash(const char *s)
{
    u32 h = 0;
    for (; *s; s++) {
        h = (h << 4) + (u8)*s;
        u32 g = h & 0xf0000000;
        h = (h ^ g >> 24) & ~g;
    }
    return h;
}

static u32 string_put(struct image *im, u32 *len, const char *s)
{
    u32 at = *len;
    size_t n = strlen(s) + 1;
    must(at + n <= sizeof(im->str));
    memcpy(im->str + at, s, n);
    *len += (u32)n;
    return at;
}

#define AT(member) offsetof(struct image, member)

static void fill_symbols(struct image *im, const struct vdso_code *vdso, u32 *len, unsigned *nsyms)
{
    unsigned n = 1;
    for (; n <= VDSO_SYMBOLS_MAX && vdso->symbols[n - 1].name; n++) {
        u32 off = vdso->symbols[n - 1].off;
        im->sym[n] = (Elf64_Sym){.st_name = string_put(im, len, vdso->symbols[n - 1].name),
                                 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                 .st_shndx = 1,
                                 .st_value = CODE_AT + off,
                                 .st_size = vdso->len - off};
        im->versym[n] = 2;
        im->hash[3 + n] = im->hash[2]; /* one bucket: a chain of all */
        im->hash[2] = n;
    }
    im->hash[0] = 1;
    im->hash[1] = n;
    *nsyms = n;
}

static void fill_versions(struct image *im, const struct user_abi *abi, u32 *len, u32 soname)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *name = i ? abi->vdso->version : SONAME;
        im->verdef[i].def = (Elf64_Verdef){.vd_version = 1,
                                           .vd_flags = i ? 0 : VER_FLG_BASE,
                                           .vd_ndx = (Elf64_Half)(i + 1),
                                           .vd_cnt = 1,
                                           .vd_hash = elf_hash(name),
                                           .vd_aux = sizeof(Elf64_Verdef),
                                           .vd_next = i ? 0 : sizeof(im->verdef[0])};
        im->verdef[i].aux = (Elf64_Verdaux){.vda_name = i ? string_put(im, len, name) : soname};
    }
}

static void fill_dynamic(struct image *im, u32 soname, u32 strsz)
{
    const Elf64_Dyn d[] = {
        {DT_SONAME, {soname}},     {DT_HASH, {AT(hash)}},
        {DT_STRTAB, {AT(str)}},    {DT_SYMTAB, {AT(sym)}},
        {DT_STRSZ, {strsz}},       {DT_SYMENT, {sizeof(Elf64_Sym)}},
        {DT_VERSYM, {AT(versym)}}, {DT_VERDEF, {AT(verdef)}},
        {DT_VERDEFNUM, {2}},       {DT_NULL, {0}},
    };
    _Static_assert(sizeof(d) == sizeof(im->dyn), "all entries");
    memcpy(im->dyn, d, sizeof(d));
}

static void fill_headers(struct image *im, const struct user_abi *abi)
{
    memcpy(im->h.e_ident, ELFMAG, SELFMAG);
    im->h.e_ident[EI_CLASS] = ELFCLASS64;
    im->h.e_ident[EI_DATA] = ELFDATA2LSB;
    im->h.e_ident[EI_VERSION] = EV_CURRENT;
    im->h.e_type = ET_DYN;
    im->h.e_machine = abi->elf_machine;
    im->h.e_version = EV_CURRENT;
    im->h.e_phoff = AT(ph);
    im->h.e_ehsize = sizeof(Elf64_Ehdr);
    im->h.e_phentsize = sizeof(Elf64_Phdr);
    im->h.e_phnum = 2;
    u64 size = CODE_AT + abi->vdso->len;
    im->ph[0] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = size, .p_memsz = size, .p_align = PAGE};
    im->ph[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                             .p_flags = PF_R,
                             .p_offset = AT(dyn),
                             .p_vaddr = AT(dyn),
                             .p_paddr = AT(dyn),
                             .p_filesz = sizeof(im->dyn),
                             .p_memsz = sizeof(im->dyn),
                             .p_align = 8};
}

static void fill(u8 page[PAGE], const struct user_abi *abi)
{
    struct image *im = (struct image *)(void *)page;
    u32 len = 1;
    unsigned nsyms;
    u32 soname = string_put(im, &len, SONAME);
    fill_headers(im, abi);
    fill_symbols(im, abi->vdso, &len, &nsyms);
    fill_versions(im, abi, &len, soname);
    fill_dynamic(im, soname, len);
}

bool vdso_map(struct err *e)
{
    const struct user_abi *abi = user_cfg.abi;
    _Alignas(16) u8 page[PAGE] = {0};
    must(CODE_AT + abi->vdso->len <= PAGE);
    if (abi->elf_class == ELFCLASS64 && !abi->big_endian) {
        fill(page, abi);
    }
    memcpy(page + CODE_AT, abi->vdso->code, abi->vdso->len);
    i64 at = user_mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 || !copy_to_guest((u64)at, page, PAGE) || user_mprotect((u64)at, PAGE, PROT_READ | PROT_EXEC) < 0) {
        return err_set(e, "no room for the vdso");
    }
    user_image.vdso = abi->elf_class == ELFCLASS64 && !abi->big_endian ? (u64)at : 0;
    user_image.sigreturn = (u64)at + CODE_AT + abi->vdso->sigreturn;
    user_image.vdso_page = (u64)at;
    return true;
}
