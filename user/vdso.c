/* The vdso: a shared library of one page that the kernel would map: the code that returns from a signal handler and
 * reads clocks, under the names the C library and debuggers look for. The ELF image around the ABI's code is built
 * here. */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "user/user_priv.h"

#define PAGE    4096u
#define CODE_AT 0x800u

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

static const char *soname_of(const struct user_abi *abi)
{
    return abi->vdso->vsyscall ? "linux-gate.so.1" : "linux-vdso.so.1";
}

#define AT(member) offsetof(struct IMAGE, member)

#define ELF(x)  Elf64_##x
#define NAME(x) x##_64
#define IMAGE   image_64
#define CLASS   ELFCLASS64
#include "user/vdso_elf.h"
#undef ELF
#undef NAME
#undef IMAGE
#undef CLASS

#define ELF(x)  Elf32_##x
#define NAME(x) x##_32
#define IMAGE   image_32
#define CLASS   ELFCLASS32
#include "user/vdso_elf.h"

bool vdso_map(struct err *e)
{
    const struct user_abi *abi = user_cfg.abi;
    _Alignas(16) u8 page[PAGE] = {0};
    must(CODE_AT + abi->vdso->len <= PAGE);
    if (!abi->big_endian) {
        (abi->elf_class == ELFCLASS64 ? fill_64 : fill_32)(page, abi);
    }
    memcpy(page + CODE_AT, abi->vdso->code, abi->vdso->len);
    i64 at = user_mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 || !copy_to_guest((u64)at, page, PAGE) || user_mprotect((u64)at, PAGE, PROT_READ | PROT_EXEC) < 0) {
        return err_set(e, "no room for the vdso");
    }
    user_image.vdso = abi->big_endian ? 0 : (u64)at;
    user_image.vsyscall = abi->vdso->vsyscall ? (u64)at + CODE_AT + abi->vdso->vsyscall : 0;
    user_image.sigreturn = (u64)at + CODE_AT + abi->vdso->sigreturn;
    user_image.vdso_page = (u64)at;
    return true;
}
