/* Linux's asynchronous I/O (libaio). A context is an address of the host's kernel, where it has a ring of events for
 * the C library to read; a program gets a page of its own instead, which holds the host's context behind a header that
 * is no ring's, so the library asks the kernel. Requests are handed over where they lie: the kernel tells a finished
 * one by its address.
 *
 * SPEC: io_setup(2), io_submit(2), io_getevents(2), io_cancel(2), include/uapi/linux/aio_abi.h. */
#include <linux/aio_abi.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "user/syscall.h"

#define HANDLE_SIZE    4096u
#define HANDLE_CONTEXT 64u /* behind struct aio_ring's header, whose magic number stays 0 */

/* -EINVAL: no page of sys_io_setup()'s; that what it holds is a context is the kernel's to check. */
static i64 context_of(u64 handle, aio_context_t *ctx)
{
    u64 v;
    if (handle % HANDLE_SIZE || !get_u64(handle + HANDLE_CONTEXT, &v)) {
        return -EINVAL;
    }
    *ctx = v;
    return 0;
}

i64 sys_io_setup(struct user_thread *t UNUSED, const u64 a[6])
{
    aio_context_t ctx = 0;
    u64 old;
    if (!get_word(a[1], &old)) {
        return -EFAULT;
    }
    if (old) {
        return -EINVAL;
    }
    i64 r = host_syscall(SYS_io_setup, (unsigned)a[0], &ctx);
    if (r < 0) {
        return r;
    }
    i64 page = user_mmap(0, HANDLE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page < 0 || !put_u64((u64)page + HANDLE_CONTEXT, ctx) || !put_word(a[1], (u64)page)) {
        host_syscall(SYS_io_destroy, ctx);
        return page < 0 ? page : -EFAULT;
    }
    user_mprotect((u64)page, HANDLE_SIZE, PROT_READ);
    return 0;
}

i64 sys_io_destroy(struct user_thread *t UNUSED, const u64 a[6])
{
    aio_context_t ctx;
    i64 r = context_of(a[0], &ctx);
    if (r == 0) {
        r = host_syscall(SYS_io_destroy, ctx);
    }
    return r < 0 ? r : user_munmap(a[0], HANDLE_SIZE);
}

/* One request. The kernel has read all of it, a vector's entries too, when the call returns. */
static i64 submit(aio_context_t ctx, u64 va)
{
    const u64 buf_va = va + offsetof(struct iocb, aio_buf);
    struct iocb cb, *host = g2h(va);
    struct iovec v[IOV_MAX];
    i64 n = 0;
    if (!copy_from_guest(&cb, va, sizeof(cb))) {
        return -EFAULT;
    }
    u64 buf = cb.aio_buf;
    switch (cb.aio_lio_opcode) {
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
        n = user_iovec(v, buf, cb.aio_nbytes);
        cb.aio_buf = (u64)(uintptr_t)v;
        break;
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
        n = user_range_ok(buf, cb.aio_nbytes) ? 0 : -EFAULT;
        cb.aio_buf = (u64)(uintptr_t)g2h(buf);
        break;
    default: /* no address */
        break;
    }
    if (n < 0 || !put_u64(buf_va, cb.aio_buf)) {
        return n < 0 ? n : -EFAULT;
    }
    i64 r = host_syscall(SYS_io_submit, ctx, 1, &host);
    put_u64(buf_va, buf);
    return r;
}

i64 sys_io_submit(struct user_thread *t UNUSED, const u64 a[6])
{
    aio_context_t ctx;
    i64 r = context_of(a[0], &ctx), n = (i64)a[1], done = 0;
    if (r < 0 || n < 0) {
        return -EINVAL;
    }
    for (; done < n; done++) {
        u64 va, word = user_cfg.abi->word;
        r = get_word(a[2] + (u64)done * word, &va) ? submit(ctx, va) : -EFAULT;
        if (r < 0) {
            break;
        }
    }
    return done ? done : r;
}

i64 sys_io_cancel(struct user_thread *t UNUSED, const u64 a[6])
{
    aio_context_t ctx;
    i64 r = context_of(a[0], &ctx);
    if (r < 0) {
        return r;
    }
    return user_range_ok(a[1], sizeof(struct iocb)) ? host_syscall(SYS_io_cancel, ctx, g2h(a[1]), g2h(a[2])) : -EFAULT;
}

static i64 get_events(long nr, const u64 a[6], enum layout time, void *mask)
{
    aio_context_t ctx;
    struct timespec ts;
    i64 r = context_of(a[0], &ctx), most = (i64)a[2];
    if (r < 0 || most < 0) {
        return -EINVAL;
    }
    if ((u64)most > ram_window_size() / sizeof(struct io_event) ||
        !user_range_ok(a[3], (u64)most * sizeof(struct io_event)) || (a[4] && !get_struct(time, a[4], &ts))) {
        return -EFAULT;
    }
    r = safe_syscall(nr, ctx, a[1], most, g2h(a[3]), a[4] ? &ts : NULL, mask);
    for (i64 i = 0; i < r; i++) {
        u64 obj_va = a[3] + (u64)i * sizeof(struct io_event) + offsetof(struct io_event, obj), obj;
        if (!get_u64(obj_va, &obj) || !put_u64(obj_va, obj - (u64)(uintptr_t)ram_base)) {
            return -EFAULT;
        }
    }
    return r;
}

i64 sys_io_getevents(struct user_thread *t UNUSED, const u64 a[6])
{
    return get_events(SYS_io_getevents, a, LAYOUT_TIMESPEC, NULL);
}

static i64 get_events_masked(const u64 a[6], enum layout time)
{
    u64 word = user_cfg.abi->word, va = 0, size = 0;
    user_sigset set;
    struct {
        user_sigset *mask;
        u64 size;
    } host = {NULL, sizeof(set)};
    if (a[5] && (!get_word(a[5], &va) || !get_word(a[5] + word, &size))) {
        return -EFAULT;
    }
    if (va) {
        if (size != sizeof(set)) {
            return -EINVAL;
        }
        if (!get_sigset(va, size, &set)) {
            return -EFAULT;
        }
        set = signal_host_mask(set);
        host.mask = &set;
    }
    return get_events(SYS_io_pgetevents, a, time, &host);
}
i64 sys_io_pgetevents(struct user_thread *t UNUSED, const u64 a[6])
{
    return get_events_masked(a, LAYOUT_TIMESPEC);
}
i64 sys_io_pgetevents_time64(struct user_thread *t UNUSED, const u64 a[6])
{
    return get_events_masked(a, LAYOUT_TIMESPEC64);
}
