/* Vector instructions whose accesses depend on a mask. What an element does not select is not touched. */
#include <string.h>

#include "base/bits.h"
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

static bool selected(const union v128 *mask, unsigned es, unsigned i)
{
    return lane_get(mask, es, i) >> ((8u << es) - 1);
}
static bool all_selected(const union v128 *mask, unsigned es)
{
    for (unsigned i = 0; i < 16u >> es; i++) {
        if (!selected(mask, es, i)) {
            return false;
        }
    }
    return true;
}

/* -- masked moves -----------------------------------------------------------------------------------------------------
 */

void x86_h_masked_load(struct vcpu *v, union v128 *ret, u64 va, const union v128 *mask, u64 es)
{
    union v128 r = {0};
    if (all_selected(mask, (unsigned)es)) {
        v->sv->load(v, va, &r, 16, x86_view(x86_cpu(v)));
    }
    for (unsigned i = 0; i < 16u >> es && !all_selected(mask, (unsigned)es); i++) {
        if (selected(mask, (unsigned)es, i)) {
            v->sv->load(v, va + (i << es), r.b + (i << es), 1u << es, x86_view(x86_cpu(v)));
        }
    }
    *ret = r;
}

void x86_h_masked_check(struct vcpu *v, u64 va, const union v128 *mask, u64 es)
{
    unsigned first = 16, last = 0;
    for (unsigned i = 0; i < 16u >> es; i++) {
        if (selected(mask, (unsigned)es, i)) {
            first = MIN(first, i << es);
            last = (i + 1) << es;
        }
    }
    if (last) {
        x86_h_store_check(v, va + first, last - first);
    }
}
void x86_h_masked_store(struct vcpu *v, u64 va, const union v128 *mask, const union v128 *x, u64 es)
{
    if (all_selected(mask, (unsigned)es)) {
        v->sv->store(v, va, x, 16, x86_view(x86_cpu(v)));
        return;
    }
    for (unsigned i = 0; i < 16u >> es; i++) {
        if (selected(mask, (unsigned)es, i)) {
            v->sv->store(v, va + (i << es), x->b + (i << es), 1u << es, x86_view(x86_cpu(v)));
        }
    }
}

/* -- gathers: an element is in the destination, and its mask clear, before the next is loaded -------------------------
 */

static u64 lane256(const union v128 *low, const union v128 *high, unsigned es, unsigned i)
{
    unsigned n = 16u >> es;
    return lane_get(i < n ? low : high, es, i & (n - 1));
}
static void lane256_set(union v128 *low, union v128 *high, unsigned es, unsigned i, u64 x)
{
    unsigned n = 16u >> es;
    lane_set(i < n ? low : high, es, i & (n - 1), x);
}

static u64 element_address(struct x86_cpu *cpu, const struct x86_gather_key *k, u64 base, unsigned i)
{
    unsigned es = k->wide ? 3 : 2;
    u64 index = (u64)sext(lane256(&cpu->xmm[k->index], &cpu->ymmh[k->index], es, i), 8u << es);
    u64 off = (base + (index << k->scale)) & MASK(8u * k->addr_bytes);
    if (k->mode64) {
        return off + (k->seg >= SEG_FS ? cpu->seg[k->seg].base : 0);
    }
    x86_h_seg_check(&cpu->vcpu, k->seg, off, 1u << k->es, false);
    return (u32)(off + cpu->seg[k->seg].base);
}

void x86_h_gather(struct vcpu *v, u64 base, u64 word)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct x86_gather_key k;
    u32 w = (u32)word;
    memcpy(&k, &w, sizeof(k));
    union v128 *to[2] = {&cpu->xmm[k.to], &cpu->ymmh[k.to]}, *mask[2] = {&cpu->xmm[k.mask], &cpu->ymmh[k.mask]};
    unsigned width = 8u << k.es;
    for (unsigned i = 0; i < k.lanes; i++) {
        u64 x = 0;
        if (lane256(mask[0], mask[1], k.es, i) >> (width - 1)) {
            v->sv->load(v, element_address(cpu, &k, base, i), &x, 1u << k.es, x86_view(x86_cpu(v)));
            lane256_set(to[0], to[1], k.es, i, x);
        }
        lane256_set(mask[0], mask[1], k.es, i, 0);
    }
    *mask[0] = *mask[1] = (union v128){0};
    for (unsigned at = (unsigned)k.lanes << k.es; at < 32; at += 8) {
        to[at / 16]->d[at / 8 & 1] = 0;
    }
}
