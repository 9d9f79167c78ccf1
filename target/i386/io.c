/* Port accesses (SDM volume 1, chapter 19): IN, OUT, INS, OUTS, who may (IOPL, the task's permission bitmap), and the
 * string forms with faults half way. A port where nothing is reads as ones. */
#include <string.h>

#include "base/log.h"
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

enum { RAX, RCX, RDX, RSI = 6, RDI };

/* 19.5.2: the bits of all ports must lie in the segment and be 0. */
static bool bitmap_allows(struct x86_cpu *cpu, unsigned port, unsigned n)
{
    const struct x86_seg *tr = &cpu->sys.tr;
    if (!(tr->attr & ATTR_PRESENT) || !(tr->attr & 8) || tr->limit < 103) {
        return false;
    }
    u64 at = x86_sys_load(cpu, tr->base + 102, 2) + port / 8;
    if (at + 1 > tr->limit) {
        return false;
    }
    return !(x86_sys_load(cpu, tr->base + at, 2) >> (port & 7) & MASK(n));
}
bool x86_io_allowed(struct x86_cpu *cpu, unsigned port, unsigned n)
{
    bool free = !(cpu->cr0 & CR0_PE) || (!(cpu->eflags & EFL_VM) && cpu->cpl <= (cpu->eflags & EFL_IOPL) >> 12);
    return free || bitmap_allows(cpu, port, n);
}
static void io_check(struct x86_cpu *cpu, unsigned port, unsigned n)
{
    if (!x86_io_allowed(cpu, port, n)) {
        x86_throw(cpu, EXC_GP, 0);
    }
}

static u64 port_in(struct x86_cpu *cpu, unsigned port, unsigned n)
{
    u64 v;
    struct mem_attrs a = {.is_cpu = true, .cpu = (u8)cpu->vcpu.index};
    if (!cpu->sys.io || mem_load(cpu->sys.io, port, n, &v, a) != MEM_OK) {
        v = MASK(8 * n);
    }
    x86_io_break(cpu, port, n);
    return v;
}
static void port_out(struct x86_cpu *cpu, unsigned port, unsigned n, u64 v)
{
    if (cpu->sys.io) {
        mem_store(cpu->sys.io, port, n, v & MASK(8 * n),
                  (struct mem_attrs){.is_cpu = true, .cpu = (u8)cpu->vcpu.index});
    }
    x86_io_break(cpu, port, n);
    x86_pins_sync(cpu);
}

u64 x86_h_in(struct vcpu *v, u64 port, u64 n)
{
    io_check(x86_cpu(v), (u16)port, (unsigned)n);
    return port_in(x86_cpu(v), (u16)port, (unsigned)n);
}
void x86_h_out(struct vcpu *v, u64 port, u64 n, u64 val)
{
    io_check(x86_cpu(v), (u16)port, (unsigned)n);
    port_out(x86_cpu(v), (u16)port, (unsigned)n, val);
}

/* -- strings
 * --------------------------------------------------------------------------------------------------------------
 */

static u64 index_of(const struct x86_cpu *cpu, unsigned r, unsigned addr)
{
    return cpu->vcpu.rt.r[r] & MASK(8 * addr);
}
static void index_add(struct x86_cpu *cpu, unsigned r, unsigned addr, u64 by)
{
    u64 *p = &cpu->vcpu.rt.r[r], v = *p + by;
    *p = addr == 8 ? v : addr == 4 ? (u32)v : (*p & ~0xffffull) | (u16)v;
}
static u64 linear(struct x86_cpu *cpu, const struct x86_string_key *k, unsigned seg, unsigned r, bool write)
{
    u64 off = index_of(cpu, r, k->addr_bytes);
    if (k->mode64) {
        return seg < SEG_FS ? off : cpu->seg[seg].base + off;
    }
    x86_h_seg_check(&cpu->vcpu, seg, off, k->bytes, write);
    return (u32)(cpu->seg[seg].base + off);
}

/* Memory is known to take the value before the port gives it. */
static void ins_one(struct x86_cpu *cpu, const struct x86_string_key *k)
{
    struct vcpu *v = &cpu->vcpu;
    unsigned n = k->bytes;
    u64 va = linear(cpu, k, SEG_ES, RDI, true), first = MIN(n, 4096 - (va & 4095));
    v->sv->probe(v, va, (unsigned)first, MMU_STORE, x86_view(cpu));
    if (first < n) {
        v->sv->probe(v, va + first, (unsigned)(n - first), MMU_STORE, x86_view(cpu));
    }
    u64 x = port_in(cpu, (u16)v->rt.r[RDX], n);
    v->sv->store(v, va, &x, n, x86_view(cpu));
    index_add(cpu, RDI, k->addr_bytes, cpu->df == 1 ? n : -(u64)n);
}
static void outs_one(struct x86_cpu *cpu, const struct x86_string_key *k)
{
    struct vcpu *v = &cpu->vcpu;
    u64 x = 0;
    v->sv->load(v, linear(cpu, k, k->seg, RSI, false), &x, k->bytes, x86_view(cpu));
    port_out(cpu, (u16)v->rt.r[RDX], k->bytes, x);
    index_add(cpu, RSI, k->addr_bytes, cpu->df == 1 ? k->bytes : -(u64)k->bytes);
}

/* Elements that lie in one page of memory, upward: the port is asked for all of them at once. How many were done. */
static unsigned run(struct x86_cpu *cpu, const struct x86_string_key *k, u64 count)
{
    enum { AT_ONCE = 512 }; /* bytes: a sector, for interrupts are to come between */
    struct vcpu *v = &cpu->vcpu;
    bool in = k->op == STRING_INS;
    unsigned n = k->bytes, seg = in ? SEG_ES : k->seg, r = in ? RDI : RSI, view = x86_view(cpu);
    struct mem_attrs a = {.is_cpu = true, .cpu = (u8)cpu->vcpu.index};
    u8 data[AT_ONCE];
    if (count < 2 || cpu->df != 1 || !cpu->sys.io || x86_debug_on(cpu) || cpu->eflags & EFL_TF) {
        return 0;
    }
    u64 va = linear(cpu, k, seg, r, in), off = index_of(cpu, r, k->addr_bytes);
    unsigned most = MIN(AT_ONCE, 4096 - (unsigned)(va & 4095)) / n, done = (unsigned)MIN(count, (u64)most);
    u64 last = off + (done - 1) * n;
    if (done < 2 || last > MASK(8 * k->addr_bytes) || (!k->mode64 && !x86_seg_holds(&cpu->seg[seg], last, n, in))) {
        return 0;
    }
    if (in) {
        if (!v->sv->probe(v, va, done * n, MMU_STORE, view)) {
            return 0;
        }
        mem_load_again(cpu->sys.io, (u16)v->rt.r[RDX], n, data, done, a);
        v->sv->store(v, va, data, done * n, view);
    } else {
        const u8 *src = v->sv->probe(v, va, done * n, MMU_LOAD, view);
        if (!src) {
            return 0;
        }
        memcpy(data, src, done * n);
        mem_store_again(cpu->sys.io, (u16)v->rt.r[RDX], n, data, done, a);
        x86_pins_sync(cpu);
    }
    index_add(cpu, r, k->addr_bytes, done * n);
    return done;
}

/* As the string helper: 1 when it is to run again, so that interrupts and steps come between. */
u64 x86_h_io_string(struct vcpu *v, u64 word)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct x86_string_key key;
    u32 low = (u32)word;
    memcpy(&key, &low, sizeof(key));
    bool rep = word >> 32 & 1;
    if (rep && !index_of(cpu, RCX, key.addr_bytes)) {
        return 0;
    }
    io_check(cpu, (u16)v->rt.r[RDX], key.bytes);
    unsigned done = rep ? run(cpu, &key, index_of(cpu, RCX, key.addr_bytes)) : 0;
    if (!done) {
        (key.op == STRING_INS ? ins_one : outs_one)(cpu, &key);
        done = 1;
    }
    if (rep) {
        index_add(cpu, RCX, key.addr_bytes, -(u64)done);
    }
    return rep && index_of(cpu, RCX, key.addr_bytes);
}
