/* Reading and writing guest memory by address: RAM directly, registers through their ops under the machine lock.
 * Registers are little-endian to the bus; the order of a big-endian guest or device is the CPU's or the device's
 * business. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "memory/memory.h"
#include "memory/memory_priv.h"

static enum mem_result worse(enum mem_result a, enum mem_result b)
{
    return MAX(a, b);
}

/* An aligned power of two goes in one host access, as guests with several CPUs expect of it. */
static u64 host_load(const u8 *p, unsigned size)
{
    switch ((u64)p & (size - 1) ? 0 : size) {
    case 1:
        return __atomic_load_n(p, __ATOMIC_RELAXED);
    case 2:
        return __atomic_load_n((const u16 *)p, __ATOMIC_RELAXED);
    case 4:
        return __atomic_load_n((const u32 *)p, __ATOMIC_RELAXED);
    case 8:
        return __atomic_load_n((const u64 *)p, __ATOMIC_RELAXED);
    default:
        return ldnle(p, size);
    }
}

static void host_store(u8 *p, unsigned size, u64 v)
{
    switch ((u64)p & (size - 1) ? 0 : size) {
    case 1:
        __atomic_store_n(p, (u8)v, __ATOMIC_RELAXED);
        break;
    case 2:
        __atomic_store_n((u16 *)p, (u16)v, __ATOMIC_RELAXED);
        break;
    case 4:
        __atomic_store_n((u32 *)p, (u32)v, __ATOMIC_RELAXED);
        break;
    case 8:
        __atomic_store_n((u64 *)p, v, __ATOMIC_RELAXED);
        break;
    default:
        stnle(p, size, v);
    }
}

/* -- registers ------------------------------------------------------------------------------------- */

static unsigned ops_min(const struct mem_ops *ops)
{
    return ops->min_size ? ops->min_size : 1;
}

static unsigned ops_max(const struct mem_ops *ops)
{
    return ops->max_size ? ops->max_size : 8;
}

/* The largest naturally aligned piece of [off, off + left) that is at most max. */
static unsigned piece(u64 off, unsigned left, unsigned max)
{
    unsigned n = max;
    while (n > left || off & (n - 1)) {
        n >>= 1;
    }
    return n;
}

static enum mem_result ops_load(struct mem_region *r, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    const struct mem_ops *ops = r->ops;
    enum mem_result worst = MEM_OK;
    *val = 0;
    if (!ops->read) {
        return MEM_SLAVE_ERROR;
    }
    for (unsigned done = 0; done < size;) {
        unsigned n = piece(off + done, size - done, ops_max(ops));
        unsigned wide = MAX(n, ops_min(ops));
        u64 at = align_down(off + done, wide), v = 0;
        worst = worse(worst, ops->read(r->opaque, at, wide, &v, a));
        v = v >> 8 * (off + done - at) & MASK(8 * n);
        *val |= v << 8 * done;
        done += n;
    }
    return worst;
}

static enum mem_result ops_store(struct mem_region *r, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    const struct mem_ops *ops = r->ops;
    enum mem_result worst = MEM_OK;
    if (!ops->write) {
        return MEM_SLAVE_ERROR;
    }
    for (unsigned done = 0; done < size;) {
        unsigned n = piece(off + done, size - done, ops_max(ops));
        if (n < ops_min(ops)) {
            worst = MEM_SLAVE_ERROR;
        } else {
            worst = worse(worst, ops->write(r->opaque, off + done, n, val >> 8 * done & MASK(8 * n), a));
        }
        done += n;
    }
    return worst;
}

static bool ops_lock(const struct mem_region *r)
{
    if (r->ops->unlocked || machine_locked()) {
        return false;
    }
    machine_lock();
    return true;
}

static void ops_unlock(bool locked)
{
    if (locked) {
        machine_unlock();
    }
}

enum mem_result mem_region_load(struct mem_region *r, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    *val = 0;
    if (unlikely(r->secure_only && !a.secure)) {
        return MEM_DECODE_ERROR;
    }
    if (region_is_direct(r)) {
        *val = host_load(r->host + off, size);
        return MEM_OK;
    }
    bool locked = ops_lock(r);
    enum mem_result res = ops_load(r, off, size, val, a);
    ops_unlock(locked);
    return res;
}

enum mem_result mem_region_store(struct mem_region *r, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    if (unlikely(r->secure_only && !a.secure)) {
        return MEM_DECODE_ERROR;
    }
    if (r->kind == MEM_RAM) {
        host_store(r->host + off, size, val);
        ram_wrote(ram_offset(r->host + off), size);
        return MEM_OK;
    }
    if (r->kind == MEM_ROM) {
        return MEM_OK;
    }
    bool locked = ops_lock(r);
    enum mem_result res = ops_store(r, off, size, val, a);
    ops_unlock(locked);
    return res;
}

/* -- by address ------------------------------------------------------------------------------------ */

/* What stands at addr, with the machine lock taken when it takes ops that want it; the map may have changed while
 * we waited for the lock, so it is asked again. */
static bool find_locked(struct mem_space *s, u64 addr, struct mem_attrs a, struct mem_hit *h)
{
    mem_find_as(s, addr, a, h);
    if (!h->region || h->region->kind == MEM_RAM || h->region->kind == MEM_ROM || !ops_lock(h->region)) {
        return false;
    }
    mem_find_as(s, addr, a, h);
    return true;
}

enum mem_result mem_load(struct mem_space *s, u64 addr, unsigned size, u64 *val, struct mem_attrs a)
{
    struct mem_hit h;
    bool locked = find_locked(s, addr, a, &h);
    enum mem_result res = MEM_DECODE_ERROR;
    *val = 0;
    if (h.region && h.len >= size) {
        res = mem_region_load(h.region, h.offset, size, val, a);
    }
    ops_unlock(locked);
    if (unlikely(h.len < size)) {
        u8 raw[8] = {0};
        res = mem_read(s, addr, raw, size, a);
        *val = ldnle(raw, size);
    }
    return res;
}

enum mem_result mem_store(struct mem_space *s, u64 addr, unsigned size, u64 val, struct mem_attrs a)
{
    struct mem_hit h;
    bool locked = find_locked(s, addr, a, &h);
    enum mem_result res = MEM_DECODE_ERROR;
    if (h.region && h.len >= size) {
        res = mem_region_store(h.region, h.offset, size, val, a);
    }
    ops_unlock(locked);
    if (unlikely(h.len < size)) {
        u8 raw[8];
        st64le(raw, val);
        res = mem_write(s, addr, raw, size, a);
    }
    return res;
}

static bool is_ops(const struct mem_hit *h, unsigned size)
{
    return h->region && h->len >= size && !region_is_direct(h->region);
}

void mem_load_again(struct mem_space *s, u64 addr, unsigned size, void *p, unsigned count, struct mem_attrs a)
{
    struct mem_hit h;
    bool locked = find_locked(s, addr, a, &h);
    for (unsigned i = 0; i < count; i++) {
        u64 v;
        enum mem_result res =
            is_ops(&h, size) ? ops_load(h.region, h.offset, size, &v, a) : mem_load(s, addr, size, &v, a);
        stnle((u8 *)p + (u64)i * size, size, res == MEM_OK ? v : ~0ull);
    }
    ops_unlock(locked);
}

void mem_store_again(struct mem_space *s, u64 addr, unsigned size, const void *p, unsigned count, struct mem_attrs a)
{
    struct mem_hit h;
    bool locked = find_locked(s, addr, a, &h);
    for (unsigned i = 0; i < count; i++) {
        u64 v = ldnle((const u8 *)p + (u64)i * size, size);
        if (is_ops(&h, size)) {
            ops_store(h.region, h.offset, size, v, a);
        } else {
            mem_store(s, addr, size, v, a);
        }
    }
    ops_unlock(locked);
}

/* One piece of a block transfer: as much as lies in one region, but of registers 8 bytes at most. */
static enum mem_result read_piece(struct mem_space *s, u64 addr, u8 *p, u64 *n, struct mem_attrs a)
{
    struct mem_hit h;
    bool locked = find_locked(s, addr, a, &h);
    enum mem_result res = MEM_DECODE_ERROR;

    *n = MIN(*n, h.len);
    if (!h.region) {
        memset(p, 0, *n);
    } else if (h.host) {
        memcpy(p, h.host, *n);
        res = MEM_OK;
    } else {
        u64 v;
        *n = piece(h.offset, (unsigned)MIN(*n, 8), 8);
        res = ops_load(h.region, h.offset, (unsigned)*n, &v, a);
        stnle(p, (unsigned)*n, v);
    }
    ops_unlock(locked);
    return res;
}

static enum mem_result write_piece(struct mem_space *s, u64 addr, const u8 *p, u64 *n, struct mem_attrs a)
{
    struct mem_hit h;
    bool locked = find_locked(s, addr, a, &h);
    enum mem_result res = MEM_DECODE_ERROR;

    *n = MIN(*n, h.len);
    if (!h.region) {
        /* nothing there */
    } else if (h.writable) {
        memcpy(h.host, p, *n);
        ram_wrote(ram_offset(h.host), *n);
        res = MEM_OK;
    } else if (h.region->kind == MEM_ROM) {
        res = MEM_OK;
    } else {
        *n = piece(h.offset, (unsigned)MIN(*n, 8), 8);
        res = ops_store(h.region, h.offset, (unsigned)*n, ldnle(p, (unsigned)*n), a);
    }
    ops_unlock(locked);
    return res;
}

enum mem_result mem_read(struct mem_space *s, u64 addr, void *p, u64 n, struct mem_attrs a)
{
    enum mem_result worst = MEM_OK;
    for (u64 done = 0, part; done < n; done += part) {
        part = n - done;
        worst = worse(worst, read_piece(s, addr + done, (u8 *)p + done, &part, a));
    }
    return worst;
}

enum mem_result mem_write(struct mem_space *s, u64 addr, const void *p, u64 n, struct mem_attrs a)
{
    enum mem_result worst = MEM_OK;
    for (u64 done = 0, part; done < n; done += part) {
        part = n - done;
        worst = worse(worst, write_piece(s, addr + done, (const u8 *)p + done, &part, a));
    }
    return worst;
}

enum mem_result mem_write_rom(struct mem_space *s, u64 addr, const void *p, u64 n)
{
    enum mem_result worst = MEM_OK;
    for (u64 done = 0, part; done < n; done += part) {
        struct mem_hit h;
        mem_find(s, addr + done, &h);
        part = MIN(n - done, h.len);
        if (!h.region || h.region->kind == MEM_MMIO) {
            worst = MEM_DECODE_ERROR;
            continue;
        }
        u8 *to = h.region->host + h.offset;
        memcpy(to, (const u8 *)p + done, part);
        ram_wrote(ram_offset(to), part);
    }
    return worst;
}

void *mem_map(struct mem_space *s, u64 addr, u64 *n, bool write)
{
    struct mem_hit h;
    mem_find(s, addr, &h);
    *n = MIN(*n, h.len);
    if (!h.host || (write && !h.writable) || h.region->secure_only) {
        return NULL;
    }
    return h.host;
}

void mem_wrote(void *host, u64 n)
{
    ram_wrote(ram_offset(host), n);
}
