/* The program's memory: a window of addresses reserved at start (memory/ram.c), into which its maps are placed with
 * MAP_FIXED at addresses chosen here, so that the host's kernel never chooses and a free address of the program is
 * never one of moss. What is unmapped becomes reservation again. PROT_EXEC stays in the table: the host runs translated
 * code only.
 *
 * Where the host's kernel has to leave a hole for a moment (mremap), nothing of moss may fall into it: malloc is
 * kept from calling mmap, and threads are made under mm_lock().
 *
 * SPEC: mmap(2), mremap(2), brk(2), shmat(2), madvise(2). Not modelled: MAP_GROWSDOWN (the stack is mapped whole),
 * MADV_DONTFORK (accepted: a hole in the child's window would be the host's to fill), PROT_MTE. */
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/map.h"
#include "user/user_priv.h"

#define PAGE      4096ull
#define WINDOW    (1ull << 46) /* tried first, then halves */
#define WINDOW_LO (1ull << 30)
#define MMAP_MIN  0x10000ull
#define STACK_GAP (16ull << 20)
#define PROT_RWX  (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_SEM  8

static struct {
    pthread_mutex_t lock;
    struct map map;
    u64 top;  /* chosen addresses are below */
    u64 hint; /* where a search starts: the last place found, or the end of what was freed above it */
    u64 brk_start, brk, brk_limit;
    bool random;
} mm = {.lock = PTHREAD_MUTEX_INITIALIZER};

void mm_lock(void)
{
    pthread_mutex_lock(&mm.lock);
}
void mm_unlock(void)
{
    pthread_mutex_unlock(&mm.lock);
}

/* -- the host's side ----------------------------------------------------------------------------------------------- */

int mm_host_prot(int prot)
{
    return (prot & (PROT_READ | PROT_WRITE)) | (prot & PROT_EXEC ? PROT_READ : 0);
}

static void reserve(u64 va, u64 len)
{
    void *p = mmap(g2h(va), len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    must(p == g2h(va));
}

/* After a failure that may have left a hole. */
static void reserve_holes(u64 va, u64 len)
{
    mmap(g2h(va), len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

/* -- set-up -------------------------------------------------------------------------------------------------------- */

static bool window_make(const struct user_config *c, struct err *e)
{
    u64 base = 0, size = 0;
    if (c->base && !parse_size(c->base, &base)) {
        return err_set(e, "-B %s: expected an address", c->base);
    }
    if (c->reserved && !parse_size(c->reserved, &size)) {
        return err_set(e, "-R %s: expected a size such as 4G", c->reserved);
    }
    base = align_down(base, PAGE);
    if (size) {
        return ram_window(MIN(align_up(MAX(size, WINDOW_LO), 2 << 20), c->abi->va_limit), base, e);
    }
    for (size = MIN(WINDOW, c->abi->va_limit); size > WINDOW_LO; size >>= 1) {
        struct err quiet = {{0}};
        if (ram_window(size, base, &quiet)) {
            return true;
        }
    }
    return ram_window(size, base, e);
}

static u64 random_pages(unsigned bits)
{
    u64 r = 0;
    if (mm.random && getrandom(&r, sizeof(r), 0) != sizeof(r)) {
        r = 0;
    }
    return (r & MASK(bits)) * PAGE;
}

bool mm_init(const struct user_config *c, struct err *e)
{
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_ARENA_MAX, 1);
    if (sysconf(_SC_PAGESIZE) > (long)BIT(c->abi->page_bits)) {
        return err_set(e, "this host's pages of %ld bytes are larger than those of %s programs", sysconf(_SC_PAGESIZE),
                       c->abi->name);
    }
    if (!window_make(c, e)) {
        return false;
    }
    mm.random = !c->seed && !(c->personality & 0x0040000 /* ADDR_NO_RANDOMIZE */);
    mm.top = ram_window_size() - (1ull << 20) - random_pages(ram_window_size() > 1ull << 36 ? 18 : 8);
    return true;
}

/* The main thread's stack, mapped whole. Gives its top. */
u64 mm_stack(u64 size, bool exec)
{
    size = align_up(size, PAGE);
    u64 low = mm.top - size;
    int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
    if (user_mmap(low, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) < 0) {
        return 0;
    }
    u64 top = mm.top;
    mm.top = mm.hint = low - STACK_GAP;
    return top;
}

/* Where a position-independent program goes: below the maps, as Linux does it, at two thirds. */
u64 mm_pie_base(u64 len, u64 align)
{
    u64 at = align_down(ram_window_size() / 3 * 2 + random_pages(16), MAX(align, PAGE));
    return map_free(&mm.map, at, at + len) ? at : map_place(&mm.map, len, MMAP_MIN, mm.top, MAX(align, PAGE));
}

/* -- mmap ---------------------------------------------------------------------------------------------------------- */

/* What the table keeps of a protection. */
static u8 kept_prot(int prot)
{
    return (u8)(prot & (PROT_RWX | user_cfg.abi->prot_guard));
}

/* What was translated there is not what the program means any more. */
static void code_gone(u64 va, u64 len)
{
    mm_cover_forget(va, len);
    accel_tcg_user.code_changed(va, len);
}

static void table_set(u64 va, u64 len, int prot, bool shared)
{
    bool was_code = map_any(&mm.map, va, va + len, PROT_EXEC);
    map_set(&mm.map, (struct map_range){va, va + len, kept_prot(prot), shared});
    if (was_code) {
        code_gone(va, len);
    }
}

static void table_clear(u64 va, u64 len)
{
    bool was_code = map_any(&mm.map, va, va + len, PROT_EXEC);
    map_clear(&mm.map, va, va + len);
    mm.hint = MAX(mm.hint, MIN(va + len, mm.top));
    if (was_code) {
        code_gone(va, len);
    }
}

static u64 place(u64 len, u64 align)
{
    u64 at = map_place(&mm.map, len, MMAP_MIN, mm.hint, align);
    if (!at) {
        at = map_place(&mm.map, len, MMAP_MIN, mm.top, align);
    }
    mm.hint = at ? at : mm.hint;
    return at;
}

static u64 huge_size(int flags)
{
    unsigned shift = (unsigned)flags >> 26 & 63;
    return !(flags & MAP_HUGETLB) ? PAGE : shift ? BIT(shift) : 2ull << 20;
}

/* The address for a new map, or -errno. */
static i64 mmap_where(u64 va, u64 len, int flags, u64 align)
{
    u64 size = ram_window_size();
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (va & (PAGE - 1)) {
            return -EINVAL;
        }
        if (va > size || len > size - va) {
            return -ENOMEM;
        }
        return !(flags & MAP_FIXED_NOREPLACE) || map_free(&mm.map, va, va + len) ? (i64)va : -EEXIST;
    }
    va = align_up(va, align);
    if (va >= MMAP_MIN && va < size && len <= size - va && map_free(&mm.map, va, va + len)) {
        return (i64)va;
    }
    u64 at = place(len, align);
    return at ? (i64)at : -ENOMEM;
}

static i64 mmap_locked(u64 va, u64 len, int prot, int flags, int fd, u64 off)
{
    u64 align = huge_size(flags);
    i64 at = mmap_where(va, len, flags, align);
    if (at < 0) {
        return at;
    }
    len = align_up(len, align);
    int host_flags = (flags & ~(MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | 0x40 /* MAP_32BIT */)) | MAP_FIXED;
    void *p = mmap(g2h((u64)at), len, mm_host_prot(prot), host_flags, fd, (off_t)off);
    if (p == MAP_FAILED) {
        int err = errno;
        reserve_holes((u64)at, len);
        return -err;
    }
    table_set((u64)at, len, prot, (flags & MAP_TYPE) != MAP_PRIVATE);
    if ((prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC && (flags & MAP_TYPE) == MAP_PRIVATE &&
        !(flags & MAP_ANONYMOUS)) {
        accel_tcg_user.code_file((u64)at, len, fd, off);
    }
    return at;
}

i64 user_mmap(u64 va, u64 len, int prot, int flags, int fd, u64 off)
{
    if (!len || off & (PAGE - 1)) {
        return -EINVAL;
    }
    len = align_up(len, PAGE);
    if (!len || len > ram_window_size()) {
        return -ENOMEM;
    }
    mm_lock();
    i64 r = mmap_locked(va, len, prot, flags, fd, off);
    mm_unlock();
    return r;
}

static bool range_bad(u64 va, u64 *len)
{
    u64 size = ram_window_size();
    *len = align_up(*len, PAGE);
    return va & (PAGE - 1) || va > size || *len > size - va;
}

i64 user_munmap(u64 va, u64 len)
{
    if (!len || range_bad(va, &len)) {
        return -EINVAL;
    }
    mm_lock();
    if (!map_free(&mm.map, va, va + len)) {
        reserve(va, len);
        table_clear(va, len);
    }
    mm_unlock();
    return 0;
}

i64 user_mprotect(u64 va, u64 len, int prot)
{
    if (va & (PAGE - 1)) {
        return -EINVAL;
    }
    if (!len) {
        return 0;
    }
    if (prot & ~(PROT_RWX | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP | user_cfg.abi->prot_guard)) {
        return -EINVAL;
    }
    if (range_bad(va, &len)) {
        return -ENOMEM;
    }
    mm_lock();
    i64 r = -ENOMEM;
    if (map_covered(&mm.map, va, va + len)) {
        bool was_code = map_any(&mm.map, va, va + len, PROT_EXEC);
        r = mprotect(g2h(va), len, mm_host_prot(prot)) < 0 ? -errno : 0;
        if (!r) {
            map_protect(&mm.map, va, va + len, kept_prot(prot));
        }
        if (was_code) {
            code_gone(va, len);
        }
    }
    mm_unlock();
    return r;
}

/* -- mremap -------------------------------------------------------------------------------------------------------- */

static i64 remap_move(u64 va, u64 old_len, u64 new_len, u64 to, int flags, struct map_range was)
{
    int keep = flags & MREMAP_DONTUNMAP;
    void *p = mremap(g2h(va), old_len, new_len, MREMAP_MAYMOVE | MREMAP_FIXED | keep, g2h(to));
    if (p == MAP_FAILED) {
        int err = errno;
        reserve_holes(to, new_len);
        return -err;
    }
    if (old_len && !keep) {
        reserve(va, old_len);
        table_clear(va, old_len);
    }
    table_set(to, new_len, was.prot, was.shared);
    return (i64)to;
}

/* Grows where it is, into what is free behind. */
static i64 remap_grow(u64 va, u64 old_len, u64 new_len, struct map_range was)
{
    u64 tail = va + old_len, more = new_len - old_len;
    munmap(g2h(tail), more);
    void *p = mremap(g2h(va), old_len, new_len, 0);
    if (p == MAP_FAILED) {
        int err = errno;
        reserve(tail, more);
        return -err;
    }
    table_set(tail, more, was.prot, was.shared);
    return (i64)va;
}

static i64 remap_locked(u64 va, u64 old_len, u64 new_len, int flags, u64 new_va)
{
    size_t i = map_find(&mm.map, va);
    if (i == mm.map.n || mm.map.v[i].start > va || !map_covered(&mm.map, va, va + old_len)) {
        return -EFAULT;
    }
    struct map_range was = mm.map.v[i];
    if (flags & MREMAP_FIXED) {
        return remap_move(va, old_len, new_len, new_va, flags, was);
    }
    if (flags & MREMAP_DONTUNMAP) {
        u64 at = place(new_len, PAGE);
        return at ? remap_move(va, old_len, new_len, at, flags, was) : -ENOMEM;
    }
    if (old_len && new_len <= old_len) {
        if (new_len < old_len) {
            reserve(va + new_len, old_len - new_len);
            table_clear(va + new_len, old_len - new_len);
        }
        return (i64)va;
    }
    u64 size = ram_window_size();
    if (old_len && new_len <= size - va && map_free(&mm.map, va + old_len, va + new_len)) {
        i64 r = remap_grow(va, old_len, new_len, was);
        if (r >= 0 || !(flags & MREMAP_MAYMOVE)) {
            return r;
        }
    }
    if (!(flags & MREMAP_MAYMOVE)) {
        return -ENOMEM;
    }
    u64 at = place(new_len, PAGE);
    return at ? remap_move(va, old_len, new_len, at, flags, was) : -ENOMEM;
}

i64 user_mremap(u64 va, u64 old_len, u64 new_len, int flags, u64 new_va)
{
    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) || !new_len || range_bad(va, &old_len)) {
        return -EINVAL;
    }
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)) {
        return -EINVAL;
    }
    new_len = align_up(new_len, PAGE);
    if (!new_len || new_len > ram_window_size()) {
        return -ENOMEM;
    }
    if (flags & MREMAP_FIXED) {
        u64 n = new_len;
        if (range_bad(new_va, &n) || (new_va < va + old_len && va < new_va + new_len)) {
            return -EINVAL;
        }
    }
    mm_lock();
    i64 r = remap_locked(va, old_len, new_len, flags, new_va);
    mm_unlock();
    return r;
}

/* -- brk ----------------------------------------------------------------------------------------------------------- */

void mm_set_brk(u64 start)
{
    mm.brk_start = mm.brk = align_up(start, PAGE) + random_pages(8);
}

static bool brk_grow(u64 from, u64 to)
{
    return map_free(&mm.map, from, to + PAGE) &&
           mmap_locked(from, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) >= 0;
}

i64 user_brk(u64 va)
{
    mm_lock();
    u64 from = align_up(mm.brk, PAGE), to = align_up(va, PAGE), size = ram_window_size();
    if (va >= mm.brk_start && va < size - PAGE) {
        if (to < from) {
            reserve(to, from - to);
            table_clear(to, from - to);
            mm.brk = va;
        } else if (to == from || brk_grow(from, to)) {
            mm.brk = va;
        }
    }
    u64 now = mm.brk;
    mm_unlock();
    return (i64)now;
}

/* -- advice -------------------------------------------------------------------------------------------------------- */

i64 user_madvise(u64 va, u64 len, int advice)
{
    if (va & (PAGE - 1)) {
        return -EINVAL;
    }
    if (!len) {
        return 0;
    }
    if (range_bad(va, &len)) {
        return -ENOMEM;
    }
    if (advice == MADV_DONTFORK || advice == MADV_DOFORK) {
        return 0;
    }
    mm_lock();
    i64 r = madvise(g2h(va), len, advice) < 0 ? -errno : 0;
    if (advice != MADV_NORMAL && map_any(&mm.map, va, va + len, PROT_EXEC)) {
        accel_tcg_user.code_changed(va, len);
    }
    if (!r && !map_covered(&mm.map, va, va + len)) {
        r = -ENOMEM;
    }
    mm_unlock();
    return r;
}

i64 user_msync(u64 va, u64 len, int flags)
{
    if (range_bad(va, &len)) {
        return va & (PAGE - 1) ? -EINVAL : -ENOMEM;
    }
    mm_lock();
    bool all = map_covered(&mm.map, va, va + len);
    mm_unlock();
    return all ? safe_syscall(SYS_msync, g2h(va), len, flags) : -ENOMEM;
}

/* -- System V shared memory: detached by putting the reservation over it ------------------------------------------- */

static struct shm_at {
    u64 va, len;
    struct shm_at *next;
} * shm_list;

i64 user_shmat(int shmid, u64 va, int flags)
{
    struct shmid_ds ds;
    if (shmctl(shmid, IPC_STAT, &ds) < 0) {
        return -errno;
    }
    u64 len = align_up(ds.shm_segsz, PAGE);
    if (va & (PAGE - 1)) {
        if (!(flags & SHM_RND)) {
            return -EINVAL;
        }
        va = align_down(va, PAGE);
    }
    mm_lock();
    i64 at = va ? mmap_where(va, len, flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE, PAGE)
                : mmap_where(0, len, 0, PAGE);
    at = at == -EEXIST ? -EINVAL : at;
    if (at >= 0) {
        void *p = shmat(shmid, g2h((u64)at), (flags & SHM_RDONLY) | SHM_REMAP);
        if (p == (void *)-1) {
            at = -errno;
        } else {
            table_set((u64)at, len,
                      PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0), true);
            struct shm_at *s = malloc(sizeof(*s));
            must(s);
            *s = (struct shm_at){(u64)at, len, shm_list};
            shm_list = s;
        }
    }
    mm_unlock();
    return at;
}

i64 user_shmdt(u64 va)
{
    i64 r = -EINVAL;
    mm_lock();
    for (struct shm_at **p = &shm_list; *p; p = &(*p)->next) {
        if ((*p)->va == va) {
            struct shm_at *s = *p;
            reserve(s->va, s->len);
            table_clear(s->va, s->len);
            *p = s->next;
            free(s);
            r = 0;
            break;
        }
    }
    mm_unlock();
    return r;
}

/* -- questions ----------------------------------------------------------------------------------------------------- */

int mm_prot_locked(u64 va, bool *shared)
{
    size_t i = map_find(&mm.map, va);
    bool there = i < mm.map.n && mm.map.v[i].start <= va;
    *shared = there && mm.map.v[i].shared;
    return there ? mm.map.v[i].prot : -1;
}

int mm_prot(u64 va)
{
    bool shared;
    mm_lock();
    int prot = mm_prot_locked(va, &shared);
    mm_unlock();
    return prot;
}

bool mm_next(u64 *start, u64 *end, int *prot, bool *shared)
{
    mm_lock();
    size_t i = map_find(&mm.map, *start);
    bool any = i < mm.map.n;
    if (any) {
        const struct map_range *r = &mm.map.v[i];
        *start = MAX(*start, r->start);
        *end = r->end;
        *prot = r->prot;
        *shared = r->shared;
    }
    mm_unlock();
    return any;
}

bool mm_is_free(u64 va, u64 len)
{
    return user_range_ok(va, len) && map_free(&mm.map, va, va + len);
}

u64 mm_place(u64 len, u64 align)
{
    return place(len, MAX(align, PAGE));
}

u64 mm_brk_start(u64 *end)
{
    *end = mm.brk;
    return mm.brk_start;
}

/* -- the system calls: those that change what is there take tagged addresses, those that choose a place do not ------
 */

i64 sys_mmap(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_mmap(a[0], a[1], (int)a[2], (int)a[3], (int)a[4], a[5]);
}
i64 sys_munmap(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_munmap(user_untag(a[0]), a[1]);
}
i64 sys_mprotect(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_mprotect(user_untag(a[0]), a[1], (int)a[2]);
}
i64 sys_mremap(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_mremap(user_untag(a[0]), a[1], a[2], (int)a[3], a[4]);
}
i64 sys_brk(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_brk(a[0]);
}
i64 sys_msync(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_msync(user_untag(a[0]), a[1], (int)a[2]);
}
i64 sys_madvise(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_madvise(user_untag(a[0]), a[1], (int)a[2]);
}
/* A range that is the host's own business but must be one of the program's. */
static i64 range_call(long nr, const u64 a[6], u64 third)
{
    u64 start = user_untag(a[0]), va = align_down(start, PAGE), len = a[1] + (start - va);
    if (range_bad(va, &len)) {
        return -ENOMEM;
    }
    mm_lock();
    bool all = map_covered(&mm.map, va, va + len);
    mm_unlock();
    return all ? safe_syscall(nr, g2h(va), len, third) : -ENOMEM;
}
/* Other pages of the file that is mapped there; the host's kernel makes a map of its own of them. */
i64 sys_remap_file_pages(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 va = align_down(user_untag(a[0]), PAGE), len = align_down(a[1], PAGE);
    if (a[2] || !len || range_bad(va, &len)) {
        return -EINVAL;
    }
    mm_lock();
    i64 r = -EINVAL;
    if (map_covered(&mm.map, va, va + len)) {
        bool code = map_any(&mm.map, va, va + len, PROT_EXEC);
        r = syscall(SYS_remap_file_pages, g2h(va), len, 0, a[3], a[4]) < 0 ? -errno : 0;
        if (code) { /* a page of it may have been kept from writing */
            mprotect(g2h(va), len, mm_host_prot(mm.map.v[map_find(&mm.map, va)].prot));
            code_gone(va, len);
        }
    }
    mm_unlock();
    return r;
}
i64 sys_mlock(struct user_thread *t UNUSED, const u64 a[6])
{
    return range_call(SYS_mlock, a, 0);
}
i64 sys_mlock2(struct user_thread *t UNUSED, const u64 a[6])
{
    return range_call(SYS_mlock2, a, a[2]);
}
i64 sys_munlock(struct user_thread *t UNUSED, const u64 a[6])
{
    return range_call(SYS_munlock, a, 0);
}
/* All of moss would be locked: the reservation too. Accepted as what a machine with enough memory does anyway. */
i64 sys_mlockall(struct user_thread *t UNUSED, const u64 a[6])
{
    return !a[0] || a[0] & ~7ull ? -EINVAL : 0;
}
i64 sys_munlockall(struct user_thread *t UNUSED, const u64 a[6] UNUSED)
{
    return 0;
}
i64 sys_mincore(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 n = align_up(a[1], PAGE) / PAGE;
    if (a[0] & (PAGE - 1)) {
        return -EINVAL;
    }
    return user_range_ok(a[2], n) ? range_call(SYS_mincore, a, (u64)(uintptr_t)g2h(a[2])) : -EFAULT;
}
i64 sys_shmat(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_shmat((int)a[0], a[1], (int)a[2]);
}
i64 sys_shmdt(struct user_thread *t UNUSED, const u64 a[6])
{
    return user_shmdt(a[0]);
}
