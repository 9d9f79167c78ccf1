/* The vdso's ELF image, for one class of ELF: vdso.c includes it for each, with ELF(x) the class's type x, NAME(x) and
 * IMAGE names of its own, and CLASS. */
/* Fixed places; the page has room for far more than an ABI has names. */
struct IMAGE {
    ELF(Ehdr) h;
    ELF(Phdr) ph[2];
    ELF(Dyn) dyn[10];
    ELF(Sym) sym[VDSO_SYMBOLS_MAX + 1];
    ELF(Half) versym[VDSO_SYMBOLS_MAX + 2];
    struct {
        ELF(Verdef) def;
        ELF(Verdaux) aux;
    } verdef[3];
    u32 hash[2 + 1 + VDSO_SYMBOLS_MAX + 1];
    char str[256];
};
_Static_assert(sizeof(struct IMAGE) <= CODE_AT, "the vdso's code lies behind its headers");

static u32 NAME(string_put)(struct IMAGE *im, u32 *len, const char *s)
{
    u32 at = *len;
    size_t n = strlen(s) + 1;
    must(at + n <= sizeof(im->str));
    memcpy(im->str + at, s, n);
    *len += (u32)n;
    return at;
}

static void NAME(fill_symbols)(struct IMAGE *im, const struct vdso_code *vdso, u32 *len, unsigned *nsyms)
{
    unsigned n = 1;
    for (; n <= VDSO_SYMBOLS_MAX && vdso->symbols[n - 1].name; n++) {
        u32 off = vdso->symbols[n - 1].off;
        im->sym[n] = (ELF(Sym)){.st_name = NAME(string_put)(im, len, vdso->symbols[n - 1].name),
                                .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                .st_shndx = 1,
                                .st_value = CODE_AT + off,
                                .st_size = vdso->len - off};
        im->versym[n] = vdso->symbols[n - 1].old ? 3 : 2;
        im->hash[3 + n] = im->hash[2]; /* one bucket: a chain of all */
        im->hash[2] = n;
    }
    im->hash[0] = 1;
    im->hash[1] = n;
    *nsyms = n;
}

static void NAME(fill_versions)(struct IMAGE *im, const struct user_abi *abi, u32 *len, u32 soname)
{
    for (unsigned i = 0, n = 2 + (abi->vdso->version2 != NULL); i < n; i++) {
        const char *name = i == 2 ? abi->vdso->version2 : i ? abi->vdso->version : soname_of(abi);
        im->verdef[i].def = (ELF(Verdef)){.vd_version = 1,
                                          .vd_flags = i ? 0 : VER_FLG_BASE,
                                          .vd_ndx = (ELF(Half))(i + 1),
                                          .vd_cnt = 1,
                                          .vd_hash = elf_hash(name),
                                          .vd_aux = sizeof(ELF(Verdef)),
                                          .vd_next = i + 1 < n ? sizeof(im->verdef[0]) : 0};
        im->verdef[i].aux = (ELF(Verdaux)){.vda_name = i ? NAME(string_put)(im, len, name) : soname};
    }
}

static void NAME(fill_dynamic)(struct IMAGE *im, u32 soname, u32 strsz, u32 versions)
{
    const ELF(Dyn) d[] = {
        {DT_SONAME, {soname}},      {DT_HASH, {AT(hash)}},
        {DT_STRTAB, {AT(str)}},     {DT_SYMTAB, {AT(sym)}},
        {DT_STRSZ, {strsz}},        {DT_SYMENT, {sizeof(ELF(Sym))}},
        {DT_VERSYM, {AT(versym)}},  {DT_VERDEF, {AT(verdef)}},
        {DT_VERDEFNUM, {versions}}, {DT_NULL, {0}},
    };
    _Static_assert(sizeof(d) == sizeof(im->dyn), "all entries");
    memcpy(im->dyn, d, sizeof(d));
}

static void NAME(fill_headers)(struct IMAGE *im, const struct user_abi *abi)
{
    memcpy(im->h.e_ident, ELFMAG, SELFMAG);
    im->h.e_ident[EI_CLASS] = CLASS;
    im->h.e_ident[EI_DATA] = ELFDATA2LSB;
    im->h.e_ident[EI_VERSION] = EV_CURRENT;
    im->h.e_type = ET_DYN;
    im->h.e_machine = abi->elf_machine;
    im->h.e_version = EV_CURRENT;
    im->h.e_phoff = AT(ph);
    im->h.e_ehsize = sizeof(ELF(Ehdr));
    im->h.e_phentsize = sizeof(ELF(Phdr));
    im->h.e_phnum = 2;
    u64 size = CODE_AT + abi->vdso->len;
    im->ph[0] =
        (ELF(Phdr)){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = size, .p_memsz = size, .p_align = PAGE};
    im->ph[1] = (ELF(Phdr)){.p_type = PT_DYNAMIC,
                            .p_flags = PF_R,
                            .p_offset = AT(dyn),
                            .p_vaddr = AT(dyn),
                            .p_paddr = AT(dyn),
                            .p_filesz = sizeof(im->dyn),
                            .p_memsz = sizeof(im->dyn),
                            .p_align = 8};
}

static void NAME(fill)(u8 page[PAGE], const struct user_abi *abi)
{
    struct IMAGE *im = (struct IMAGE *)(void *)page;
    u32 len = 1;
    unsigned nsyms;
    u32 soname = NAME(string_put)(im, &len, soname_of(abi));
    NAME(fill_headers)(im, abi);
    NAME(fill_symbols)(im, abi->vdso, &len, &nsyms);
    NAME(fill_versions)(im, abi, &len, soname);
    NAME(fill_dynamic)(im, soname, len, 2 + (abi->vdso->version2 != NULL));
}
