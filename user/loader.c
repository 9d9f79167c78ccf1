/* An ELF program into memory: static, position-independent, or dynamic with its interpreter from the -L prefix; then
 * the stack as the kernel leaves it, strings, pointers and auxiliary vector. A file is believed nothing: what does not
 * fit is one sentence.
 *
 * SPEC: System V ABI (ELF), Linux fs/binfmt_elf.c, getauxval(3). Not modelled: core files.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "user/user_priv.h"

#define PAGE      4096ull
#define PHDRS_MAX 256
#ifndef PT_GNU_PROPERTY
#define PT_GNU_PROPERTY 0x6474e553
#endif
#define AT_MINSIG 51 /* AT_MINSIGSTKSZ: newer than some C libraries */

struct user_image user_image;

/* A header in one form for both classes. */
struct segment {
    u32 type, flags;
    u64 offset, va, filesz, memsz, align;
};
struct elf {
    const char *path;
    int fd;
    u64 file_size, entry, phoff;
    unsigned type, n;
    struct segment v[PHDRS_MAX];
    u64 low, high, align; /* of the loaded segments */
    u64 bias;
    bool guarded; /* its code asks for PROT_BTI or the like */
};

static bool read_at(const struct elf *f, void *p, size_t n, u64 off)
{
    return off <= f->file_size && n <= f->file_size - off && pread(f->fd, p, n, (off_t)off) == (ssize_t)n;
}

static bool bad(const struct elf *f, struct err *e, const char *what)
{
    return err_set(e, "%s: %s", f->path, what);
}

/* -- headers ------------------------------------------------------------------------------------------------------- */

#define READ_HEADERS(N) \
    static bool read_headers_##N(struct elf *f, struct err *e) \
    { \
        Elf##N##_Ehdr h; \
        Elf##N##_Phdr p; \
        if (!read_at(f, &h, sizeof(h), 0)) { \
            return bad(f, e, "the file is too short for an ELF header"); \
        } \
        if (h.e_phentsize != sizeof(p) || !h.e_phnum || h.e_phnum > PHDRS_MAX) { \
            return bad(f, e, "its program headers are damaged"); \
        } \
        f->type = h.e_type; \
        f->entry = h.e_entry; \
        f->phoff = h.e_phoff; \
        f->n = h.e_phnum; \
        for (unsigned i = 0; i < f->n; i++) { \
            if (f->phoff > f->file_size || !read_at(f, &p, sizeof(p), f->phoff + i * sizeof(p))) { \
                return bad(f, e, "the file ends before its program headers do"); \
            } \
            f->v[i] = (struct segment){p.p_type, p.p_flags, p.p_offset, p.p_vaddr, p.p_filesz, p.p_memsz, p.p_align}; \
        } \
        return true; \
    }
READ_HEADERS(32)
READ_HEADERS(64)

static bool check_segment(struct elf *f, const struct segment *s, struct err *e)
{
    u64 limit = ram_window_size();
    if (s->filesz > s->memsz || s->va > limit || s->memsz > limit - s->va) {
        return bad(f, e, "a segment does not fit into the program's addresses");
    }
    if ((s->va ^ s->offset) & (PAGE - 1)) {
        return bad(f, e, "a segment's address and its place in the file differ within a page");
    }
    if (s->filesz && (s->offset > f->file_size || s->filesz > f->file_size - s->offset)) {
        return bad(f, e, "the file ends before its segments do (is it truncated?)");
    }
    f->low = MIN(f->low, align_down(s->va, PAGE));
    f->high = MAX(f->high, s->va + s->memsz);
    f->align = is_pow2(s->align) && s->align <= 1ull << 30 ? MAX(f->align, s->align) : f->align;
    return true;
}

static bool elf_open(struct elf *f, const char *path, int fd, const struct user_abi *abi, struct err *e)
{
    u8 id[20] = {0};
    struct stat st;
    *f = (struct elf){.path = path, .fd = fd, .low = ~0ull, .align = PAGE};
    if (fd < 0) {
        f->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (f->fd < 0 || fstat(f->fd, &st) < 0) {
        return err_errno(e, "Could not open '%s'", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return bad(f, e, "this is no file to run");
    }
    f->file_size = (u64)st.st_size;
    if (!read_at(f, id, sizeof(id), 0) || memcmp(id, ELFMAG, SELFMAG)) {
        return bad(f, e, "Exec format error: this is no ELF program");
    }
    if (!elf_is_ours(id, sizeof(id), abi)) {
        return err_set(e, "%s: Invalid ELF image for this architecture (machine %u; %s is %u)", path, ld16le(id + 18),
                       abi->name, abi->elf_machine);
    }
    if (!(abi->elf_class == ELFCLASS64 ? read_headers_64 : read_headers_32)(f, e)) {
        return false;
    }
    if (f->type != ET_EXEC && f->type != ET_DYN) {
        return bad(f, e, "this ELF file is no program (an object file?)");
    }
    for (unsigned i = 0; i < f->n; i++) {
        if (f->v[i].type == PT_LOAD && f->v[i].memsz && !check_segment(f, &f->v[i], e)) {
            return false;
        }
    }
    return f->low < f->high || bad(f, e, "there is nothing to load in it");
}

/* -- segments ------------------------------------------------------------------------------------------------------ */

/* A note of properties: header, "GNU", then {type, size, data} in words of the class. */
static void read_properties(struct elf *f, const struct segment *s)
{
    const struct user_abi *abi = user_cfg.abi;
    u8 v[1024];
    size_t n = MIN(s->filesz, sizeof(v));
    if (n < 16 || !read_at(f, v, n, s->offset) || ld32le(v) != 4 || ld32le(v + 8) != NT_GNU_PROPERTY_TYPE_0 ||
        memcmp(v + 12, "GNU", 4)) {
        return;
    }
    n = MIN(n, 16 + (size_t)ld32le(v + 4));
    for (size_t at = 16; at + 12 <= n;) {
        u32 type = ld32le(v + at), size = ld32le(v + at + 4);
        if (type == abi->guard_property && size >= 4) {
            f->guarded = ld32le(v + at + 8) & abi->guard_bit;
            return;
        }
        at += 8 + align_up((u64)size, abi->word);
    }
}

static int prot_of(const struct elf *f, const struct segment *s)
{
    return (f->guarded && s->flags & PF_X ? user_cfg.abi->prot_guard : 0) | (s->flags & PF_R ? PROT_READ : 0) |
           (s->flags & PF_W ? PROT_WRITE : 0) | (s->flags & PF_X ? PROT_EXEC : 0);
}

static bool map_segment(struct elf *f, const struct segment *s, struct err *e)
{
    u64 va = s->va + f->bias, start = align_down(va, PAGE);
    u64 file_end = align_up(va + s->filesz, PAGE), end = align_up(va + s->memsz, PAGE);
    int prot = prot_of(f, s), flags = MAP_PRIVATE | MAP_FIXED;
    i64 r = 0;
    if (s->filesz) {
        r = user_mmap(start, file_end - start, prot, flags, f->fd, align_down(s->offset, PAGE));
    } else {
        file_end = start;
    }
    /* What lies behind the segment's bytes in its last page is the file's: a segment that can be written begins clean.
     */
    if (r >= 0 && s->filesz && s->memsz > s->filesz && (prot & PROT_WRITE) && ((va + s->filesz) & (PAGE - 1))) {
        zero_guest(va + s->filesz, file_end - (va + s->filesz));
    }
    if (r >= 0 && end > file_end) {
        r = user_mmap(file_end, end - file_end, prot, flags | MAP_ANONYMOUS, -1, 0);
    }
    return r >= 0 ||
           err_set(e, "%s: cannot map a segment at 0x%llx: %s", f->path, (unsigned long long)start, strerror((int)-r));
}

static bool has_interp(const struct elf *f)
{
    for (unsigned i = 0; i < f->n; i++) {
        if (f->v[i].type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

static bool elf_map(struct elf *f, bool main, struct err *e)
{
    u64 span = align_up(f->high, PAGE) - f->low;
    if (f->type == ET_EXEC) {
        u64 at = f->low;
        if (at < 4096 || !mm_is_free(at, span)) {
            return err_set(e, "%s: its addresses from 0x%llx on are not free", f->path, (unsigned long long)at);
        }
    } else {
        u64 at = main ? mm_pie_base(span, f->align) : mm_place(span, f->align);
        if (!at) {
            return bad(f, e, "there is no room for it");
        }
        f->bias = at - f->low;
    }
    for (unsigned i = 0; i < f->n && user_cfg.abi->prot_guard; i++) {
        /* The kernel's word counts for what it starts: the interpreter does the rest. */
        if (f->v[i].type == PT_GNU_PROPERTY && !has_interp(f)) {
            read_properties(f, &f->v[i]);
        }
    }
    for (unsigned i = 0; i < f->n; i++) {
        if (f->v[i].type == PT_LOAD && f->v[i].memsz && !map_segment(f, &f->v[i], e)) {
            return false;
        }
    }
    return true;
}

/* Where the program headers are in memory: in the segment that covers them in the file. */
static u64 phdr_address(const struct elf *f)
{
    for (unsigned i = 0; i < f->n; i++) {
        const struct segment *s = &f->v[i];
        if (s->type == PT_LOAD && s->offset <= f->phoff && f->phoff - s->offset < s->filesz) {
            return s->va + f->phoff - s->offset + f->bias;
        }
    }
    return 0;
}

static void note_image(const struct elf *f)
{
    struct user_image *im = &user_image;
    im->start_code = ~0ull;
    im->phdr = phdr_address(f);
    im->phnum = f->n;
    im->phent = user_cfg.abi->elf_class == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    im->load_bias = f->bias;
    im->entry = f->entry + f->bias;
    for (unsigned i = 0; i < f->n; i++) {
        const struct segment *s = &f->v[i];
        if (s->type == PT_GNU_STACK) {
            im->exec_stack = s->flags & PF_X;
        }
        if (s->type != PT_LOAD || !s->memsz) {
            continue;
        }
        u64 start = s->va + f->bias, end = start + s->filesz;
        im->brk_start = MAX(im->brk_start, start + s->memsz);
        if (s->flags & PF_X) {
            im->start_code = MIN(im->start_code, start);
            im->end_code = MAX(im->end_code, end);
        }
        im->start_data = MAX(im->start_data, start);
        im->end_data = MAX(im->end_data, end);
    }
}

/* -- the interpreter ----------------------------------------------------------------------------------------------- */

static bool load_interp(const struct elf *f, const struct segment *s, u64 *entry, struct err *e)
{
    char name[PATH_MAX], mapped[PATH_MAX];
    static struct elf in;
    if (!s->filesz || s->filesz > sizeof(name) || !read_at(f, name, s->filesz, s->offset) || name[s->filesz - 1]) {
        return bad(f, e, "the name of its interpreter is damaged");
    }
    const char *path = user_path(name, mapped);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(e, "Could not open '%s': %s (the interpreter of %s: -L DIR says where its libraries are)", path,
                       strerror(errno), f->path);
    }
    if (!elf_open(&in, path, fd, user_cfg.abi, e) || !elf_map(&in, false, e)) {
        return false;
    }
    user_image.interp_base = in.low + in.bias;
    *entry = in.entry + in.bias;
    close(in.fd);
    return true;
}

/* -- the stack ----------------------------------------------------------------------------------------------------- */

static u64 stack_size(struct err *e)
{
    u64 size = 0;
    struct rlimit r;
    if (user_cfg.stack && !parse_size(user_cfg.stack, &size)) {
        err_set(e, "-s %s: expected a size such as 8M", user_cfg.stack);
        return 0;
    }
    if (!size) {
        size = getrlimit(RLIMIT_STACK, &r) == 0 && r.rlim_cur != RLIM_INFINITY ? r.rlim_cur : 8 << 20;
    }
    return MIN(MAX(size, 128u << 10), MIN(1ull << 30, ram_window_size() / 8));
}

struct stack {
    u64 sp;
    bool ok;
};

static u64 push(struct stack *s, const void *p, size_t n)
{
    s->sp -= n;
    s->ok = s->ok && copy_to_guest(s->sp, p, n);
    return s->sp;
}
static u64 push_string(struct stack *s, const char *text)
{
    return push(s, text, strlen(text) + 1);
}
static void put(struct stack *s, u64 *at, u64 v)
{
    s->ok = s->ok && put_word(*at, v);
    *at += user_cfg.abi->word;
}

static void random_bytes(u8 b[16])
{
    if (user_cfg.seed || getrandom(b, 16, 0) != 16) {
        entropy_fill(b, 16);
    }
}

struct aux {
    u64 key, val;
};

static unsigned make_aux(struct aux *v, u64 random, u64 platform, u64 execfn)
{
    const struct user_image *im = &user_image;
    u64 cap[2];
    user_cfg.abi->hwcap(self->cpu, cap);
    const struct aux all[] = {
        {AT_SYSINFO, im->vsyscall},
        {AT_SYSINFO_EHDR, im->vdso},
        {AT_MINSIG, user_cfg.abi->min_sigstack},
        {AT_HWCAP, cap[0]},
        {AT_PAGESZ, BIT(user_cfg.abi->page_bits)},
        {AT_CLKTCK, (u64)sysconf(_SC_CLK_TCK)},
        {AT_PHDR, im->phdr},
        {AT_PHENT, im->phent},
        {AT_PHNUM, im->phnum},
        {AT_BASE, im->interp_base},
        {AT_FLAGS, 0},
        {AT_ENTRY, im->entry},
        {AT_UID, getuid()},
        {AT_EUID, geteuid()},
        {AT_GID, getgid()},
        {AT_EGID, getegid()},
        {AT_SECURE, getauxval(AT_SECURE)},
        {AT_RANDOM, random},
        {AT_HWCAP2, cap[1]},
        {AT_EXECFN, execfn},
        {AT_PLATFORM, platform},
        {AT_NULL, 0},
    };
    unsigned n = 0;
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        if ((all[i].key != AT_SYSINFO_EHDR && all[i].key != AT_SYSINFO) || all[i].val) {
            v[n++] = all[i];
        }
    }
    return n;
}

/* From the top: name, environment, arguments, platform, random bytes, auxiliary vector, pointers, count. */
static bool make_stack(int argc, char **argv, char **envp, u64 *sp, struct err *e)
{
    struct user_image *im = &user_image;
    unsigned w = user_cfg.abi->word;
    struct stack s = {im->stack_top - 8, true};
    u8 random[16];
    struct aux aux[32];
    size_t envc = 0, total = 0;
    for (int i = 0; i < argc; i++) {
        total += strlen(argv[i]) + 1 + w;
    }
    for (; envp[envc]; envc++) {
        total += strlen(envp[envc]) + 1 + w;
    }
    if (total + 4096 > im->stack_size / 4 * 3) {
        return err_set(e, "Argument list too long for a stack of %llu bytes (-s)", (unsigned long long)im->stack_size);
    }
    u64 *at = calloc((size_t)argc + envc + 1, sizeof(*at));
    must(at);
    u64 execfn = push_string(&s, user_cfg.exec_name);
    im->env_end = execfn;
    for (size_t i = envc; i-- > 0;) {
        at[(size_t)argc + i] = push_string(&s, envp[i]);
    }
    im->env_start = im->arg_end = s.sp;
    for (int i = argc; i-- > 0;) {
        at[i] = push_string(&s, argv[i]);
    }
    im->arg_start = s.sp;
    u64 platform = push_string(&s, user_cfg.abi->machine);
    random_bytes(random);
    s.sp = align_down(s.sp, 16);
    u64 random_at = push(&s, random, 16);
    unsigned naux = make_aux(aux, random_at, platform, execfn);
    u64 words = 1 + (u64)argc + 1 + envc + 1 + 2ull * naux;
    u64 p = *sp = im->stack_start = align_down(s.sp - words * w, 16);
    put(&s, &p, (u64)argc);
    for (int i = 0; i < argc; i++) {
        put(&s, &p, at[i]);
    }
    put(&s, &p, 0);
    for (size_t i = 0; i < envc; i++) {
        put(&s, &p, at[(size_t)argc + i]);
    }
    put(&s, &p, 0);
    im->auxv = p;
    im->auxv_len = 2ull * naux * w;
    for (unsigned i = 0; i < naux; i++) {
        put(&s, &p, aux[i].key);
        put(&s, &p, aux[i].val);
    }
    free(at);
    return s.ok || err_set(e, "cannot write the program's stack");
}

bool loader_load(int fd, int argc, char **argv, char **envp, struct err *e)
{
    static struct elf f;
    struct user_image *im = &user_image;
    u64 entry, sp;
    if (!elf_open(&f, user_cfg.exec_path, fd, user_cfg.abi, e) || !elf_map(&f, true, e)) {
        return false;
    }
    note_image(&f);
    mm_set_brk(im->brk_start);
    im->stack_size = stack_size(e);
    im->stack_top = im->stack_size ? mm_stack(im->stack_size, im->exec_stack) : 0;
    if (!im->stack_top) {
        return err_set(e, "no room for the program's stack");
    }
    entry = im->entry;
    for (unsigned i = 0; i < f.n; i++) {
        if (f.v[i].type == PT_INTERP && !load_interp(&f, &f.v[i], &entry, e)) {
            return false;
        }
    }
    close(f.fd);
    if (!vdso_map(e) || !make_stack(argc, argv, envp, &sp, e)) {
        return false;
    }
    user_cfg.abi->start(self->cpu, entry, sp);
    return true;
}
