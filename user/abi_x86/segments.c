/* Descriptors that a program may have of its kernel: three of each thread's, and a local table of the process's.
 *
 * SPEC: set_thread_area(2), modify_ldt(2); Linux arch/x86/kernel/tls.c, ldt.c, include/asm/desc.h. */
#include <string.h>

#include "target/i386/i386.h"
#include "user/abi_x86/abi_x86.h"

enum { TLS_FIRST = 12, LDT_ENTRIES = 8192 };

struct user_desc {
    u32 entry, base, limit, flags;
};
enum {
    DESC_BIG = 1 << 0,
    DESC_CONTENTS_SHIFT = 1, /* 2 bits: data, expand-down data, code, conforming code */
    DESC_READ_ONLY = 1 << 3,
    DESC_PAGES = 1 << 4,
    DESC_ABSENT = 1 << 5,
    DESC_USEABLE = 1 << 6,
};
#define DESC_CONTENTS(d) ((d)->flags >> DESC_CONTENTS_SHIFT & 3)

static u64 table[LDT_ENTRIES]; /* the pages that are not written are no memory */
static unsigned used;          /* entries below may be filled */

/* How programs say "none": either of two. */
static bool is_empty(const struct user_desc *d)
{
    u32 flags = d->flags & 0x7f;
    return !d->base && !d->limit && (flags == (DESC_READ_ONLY | DESC_ABSENT) || flags == 0);
}

static u64 descriptor_of(const struct user_desc *d)
{
    u64 type = 0x91 | 3 << 5; /* a segment, accessed, there, of level 3 */
    type |= (d->flags & DESC_READ_ONLY ? 0 : 2) | DESC_CONTENTS(d) << 2;
    type &= d->flags & DESC_ABSENT ? ~0x80ull : ~0ull;
    u64 high = (d->flags & DESC_USEABLE ? 1 : 0) | (d->flags & DESC_BIG ? 4 : 0) | (d->flags & DESC_PAGES ? 8 : 0);
    return (d->limit & 0xffff) | (u64)(d->base & 0xffffff) << 16 | type << 40 | (u64)(d->limit >> 16 & 15) << 48 |
           high << 52 | (u64)(d->base >> 24) << 56;
}

static struct user_desc described(u64 v)
{
    u32 type = v >> 40 & 0xff, high = v >> 52 & 15;
    return (struct user_desc){
        .base = (u32)(v >> 16 & 0xffffff) | (u32)(v >> 56) << 24,
        .limit = (u32)(v & 0xffff) | (u32)(v >> 48 & 15) << 16,
        .flags = (high & 4 ? DESC_BIG : 0) | (type >> 2 & 3) << DESC_CONTENTS_SHIFT | (type & 2 ? 0 : DESC_READ_ONLY) |
                 (high & 8 ? DESC_PAGES : 0) | (type & 0x80 ? 0 : DESC_ABSENT) | (high & 1 ? DESC_USEABLE : 0),
    };
}

/* -- the thread's ----------------------------------------------------------------------------------------------------
 */

static i64 tls_set(struct vcpu *cpu, const struct user_desc *d)
{
    if (d->entry < TLS_FIRST || d->entry >= TLS_FIRST + X86_USER_TLS) {
        return -EINVAL;
    }
    if (!is_empty(d) && (!(d->flags & DESC_BIG) || DESC_CONTENTS(d) > 1 || d->flags & DESC_ABSENT)) {
        return -EINVAL;
    }
    x86_user_set_tls(cpu, d->entry - TLS_FIRST, is_empty(d) ? 0 : descriptor_of(d));
    return 0;
}

void x86_clone_tls(struct vcpu *cpu, u64 va)
{
    struct user_desc d;
    if (copy_from_guest(&d, va, sizeof(d))) {
        tls_set(cpu, &d);
    }
}

i64 sys_set_thread_area(struct user_thread *t, const u64 a[6])
{
    struct user_desc d;
    if (!copy_from_guest(&d, a[0], sizeof(d))) {
        return -EFAULT;
    }
    bool any = d.entry == ~0u;
    for (unsigned n = 0; n < X86_USER_TLS && d.entry == ~0u; n++) {
        d.entry = x86_user_tls(t->cpu, n) ? ~0u : TLS_FIRST + n;
    }
    if (any && d.entry == ~0u) {
        return -ESRCH;
    }
    i64 r = tls_set(t->cpu, &d);
    return r == 0 && any && !put_u32(a[0], d.entry) ? -EFAULT : r;
}

i64 sys_get_thread_area(struct user_thread *t, const u64 a[6])
{
    u32 entry;
    if (!get_u32(a[0], &entry)) {
        return -EFAULT;
    }
    if (entry < TLS_FIRST || entry >= TLS_FIRST + X86_USER_TLS) {
        return -EINVAL;
    }
    struct user_desc d = described(x86_user_tls(t->cpu, entry - TLS_FIRST));
    d.entry = entry;
    return copy_to_guest(a[0], &d, sizeof(d)) ? 0 : -EFAULT;
}

/* -- the process's ------------------------------------------------------------------------------------------------- */

void x86_use_ldt(struct vcpu *cpu)
{
    x86_user_set_ldt(cpu, table);
}

static i64 ldt_read(u64 va, u64 n)
{
    u64 filled = MIN(n, used * 8ull);
    if (!used) {
        return 0;
    }
    n = MIN(n, sizeof(table));
    return copy_to_guest(va, table, filled) && zero_guest(va + filled, n - filled) ? (i64)n : -EFAULT;
}

static i64 ldt_write(struct user_thread *t, u64 va, u64 n, bool old)
{
    struct user_desc d;
    if (n != sizeof(d)) {
        return -EINVAL;
    }
    if (!copy_from_guest(&d, va, sizeof(d))) {
        return -EFAULT;
    }
    if (d.entry >= LDT_ENTRIES || (DESC_CONTENTS(&d) == 3 && (old || !(d.flags & DESC_ABSENT)))) {
        return -EINVAL;
    }
    bool none = (old && !d.base && !d.limit) || (is_empty(&d) && d.flags);
    if (old) {
        d.flags &= ~(u32)DESC_USEABLE;
    }
    __atomic_store_n(&table[d.entry], none ? 0 : descriptor_of(&d), __ATOMIC_RELAXED);
    used = MAX(used, d.entry + 1);
    x86_user_segs_again(t->cpu, (u16)(d.entry << 3 | 4));
    return 0;
}

i64 sys_modify_ldt(struct user_thread *t, const u64 a[6])
{
    enum { DEFAULT_SIZE = 128 }; /* of a table that no 64-bit kernel has */
    i64 r;
    switch ((int)a[0]) {
    case 0:
        r = ldt_read(a[1], a[2]);
        break;
    case 1:
        r = ldt_write(t, a[1], a[2], true);
        break;
    case 2:
        r = zero_guest(a[1], MIN(a[2], (u64)DEFAULT_SIZE)) ? (i64)MIN(a[2], (u64)DEFAULT_SIZE) : -EFAULT;
        break;
    case 0x11:
        r = ldt_write(t, a[1], a[2], false);
        break;
    default:
        r = -ENOSYS;
    }
    return (i64)(u32)r; /* its result is an unsigned int, whatever it is */
}
