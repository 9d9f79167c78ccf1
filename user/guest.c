/* Copies between moss and the program that a refused access cannot kill: the handler of SIGSEGV comes back to the
 * guard. And paths: what lies under the -L prefix is found there first. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "user/user_priv.h"

__thread struct user_thread *self;

/* Volatile pointers would make memcpy slow; the barriers keep it between the two stores. */
static bool guarded_copy(void *to, const void *from, size_t n)
{
    struct user_thread *t = self;
    if (sigsetjmp(t->guard, 0)) {
        t->guarded = false;
        return false;
    }
    t->guarded = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memcpy(to, from, n);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t->guarded = false;
    return true;
}

bool copy_from_guest(void *to, u64 va, size_t n)
{
    return user_range_ok(va, n) && guarded_copy(to, g2h(va), n);
}

bool copy_to_guest(u64 va, const void *from, size_t n)
{
    return user_range_ok(va, n) && guarded_copy(g2h(va), from, n);
}

u64 user_untag(u64 va)
{
    return va & MASK(64 - user_cfg.abi->tag_bits);
}

bool zero_guest(u64 va, size_t n)
{
    struct user_thread *t = self;
    if (!user_range_ok(va, n)) {
        return false;
    }
    if (sigsetjmp(t->guard, 0)) {
        t->guarded = false;
        return false;
    }
    t->guarded = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memset(g2h(va), 0, n);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t->guarded = false;
    return true;
}

/* Page by page: the string may end right before a page that is not there. */
i64 guest_string(u64 va, char *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t piece = MIN(n - done, 4096 - ((va + done) & 4095));
        if (!copy_from_guest(out + done, va + done, piece)) {
            return -EFAULT;
        }
        char *end = memchr(out + done, 0, piece);
        if (end) {
            return end - out;
        }
        done += piece;
    }
    return -ENAMETOOLONG;
}

/* Does the file exist, as a name (a dangling link counts)? The program's own absolute links inside the prefix lead out
 * of it for the host's kernel: such a link counts as absent when its target is not there. */
const char *user_path(const char *path, char *buf)
{
    const char *prefix = user_cfg.prefix;
    if (path[0] != '/' || !prefix) {
        return path;
    }
    int n = snprintf(buf, PATH_MAX, "%s%s", prefix, path);
    if (n >= PATH_MAX || (path[1] == 0) || faccessat(AT_FDCWD, buf, F_OK, AT_EACCESS) < 0) {
        return path;
    }
    return buf;
}

i64 guest_path(u64 va, char *out)
{
    char name[PATH_MAX], mapped[PATH_MAX];
    i64 n = guest_string(va, name, sizeof(name));
    if (n < 0) {
        return n;
    }
    const char *p = user_path(name, mapped);
    memcpy(out, p, strlen(p) + 1);
    return 0;
}

/* False: it was another value, or cannot be written. */
bool user_cas_u32(u64 va, u32 old, u32 new)
{
    struct user_thread *t = self;
    if ((va & 3) || !user_range_ok(va, 4) || sigsetjmp(t->guard, 0)) {
        t->guarded = false;
        return false;
    }
    t->guarded = true;
    bool done = __atomic_compare_exchange_n((u32 *)g2h(va), &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    t->guarded = false;
    return done;
}

bool get_u32(u64 va, u32 *v)
{
    return copy_from_guest(v, va, 4);
}
bool put_u32(u64 va, u32 v)
{
    return copy_to_guest(va, &v, 4);
}
bool get_u64(u64 va, u64 *v)
{
    return copy_from_guest(v, va, 8);
}
bool put_u64(u64 va, u64 v)
{
    return copy_to_guest(va, &v, 8);
}
bool get_word(u64 va, u64 *v)
{
    *v = 0;
    return copy_from_guest(v, va, user_cfg.abi->word);
}
bool put_word(u64 va, u64 v)
{
    return copy_to_guest(va, &v, user_cfg.abi->word);
}
