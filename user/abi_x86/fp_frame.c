/* The floating-point state in a signal frame: an image of XSAVE with marks of Linux's in bytes that are left to
 * software, and for programs of 32 bits what FNSAVE would store before it.
 *
 * SPEC: Linux include/uapi/asm/sigcontext.h of x86; arch/x86/kernel/fpu/signal.c, regset.c (convert_from_fxsr). */
#include <string.h>

#include "target/i386/i386.h"
#include "user/abi_x86/abi_x86.h"

#define FP_MAGIC1      0x46505853u
#define FP_MAGIC2      0x46505845u
#define FP_MAGIC2_SIZE 4u
#define SW_RESERVED    464u /* of the FXSAVE area: bytes for software */

struct sw_bytes {
    u32 magic1, extended_size;
    u64 features;
    u32 size, pad[7];
};
_Static_assert(sizeof(struct sw_bytes) == 48, "as the kernel lays it out");

enum { FP_ROOM = 4096 };

/* -- FNSAVE's form ---------------------------------------------------------------------------------------------------
 */

struct fnsave {
    u32 cw, sw, tag, ip, cs, dp, ds;
    u8 st[8][10];
    u16 status, magic; /* 0: an FXSAVE area follows */
};
_Static_assert(sizeof(struct fnsave) == 112, "as the kernel lays it out");
enum { FX_CW = 0, FX_SW = 2, FX_TAG = 4, FX_OP = 6, FX_IP = 8, FX_CS = 12, FX_DP = 16, FX_DS = 20, FX_ST = 32 };

/* Two bits a physical register: valid, zero, special, empty. */
static u32 tags_of(const u8 *fx)
{
    unsigned top = ld16le(fx + FX_SW) >> 11 & 7, full = fx[FX_TAG];
    u32 tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        const u8 *st = fx + FX_ST + 16 * ((i - top) & 7);
        unsigned exp = ld16le(st + 8) & 0x7fff;
        u64 frac = ld64le(st);
        u32 tag = !(full >> i & 1) ? 3 : exp == 0x7fff ? 2 : exp ? (frac >> 63 ? 0 : 2) : frac ? 2 : 1;
        tags |= tag << 2 * i;
    }
    return tags;
}

static void fnsave_of(struct fnsave *f, const u8 *fx)
{
    memset(f, 0, sizeof(*f));
    f->cw = ld16le(fx + FX_CW) | 0xffff0000u;
    f->sw = ld16le(fx + FX_SW) | 0xffff0000u;
    f->tag = tags_of(fx) | 0xffff0000u;
    f->ip = ld32le(fx + FX_IP);
    f->cs = ld16le(fx + FX_CS) | (u32)ld16le(fx + FX_OP) << 16;
    f->dp = ld32le(fx + FX_DP);
    f->ds = ld16le(fx + FX_DS) | 0xffff0000u;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(f->st[i], fx + FX_ST + 16 * i, 10);
    }
    f->status = ld16le(fx + FX_SW);
}

/* The x87's part comes from here, not from the area behind it. */
static void fnsave_into(const struct fnsave *f, u8 *fx)
{
    u8 full = 0;
    for (unsigned i = 0; i < 8; i++) {
        full |= (u8)(((f->tag >> 2 * i & 3) != 3) << i);
        memcpy(fx + FX_ST + 16 * i, f->st[i], 10);
        memset(fx + FX_ST + 16 * i + 10, 0, 6);
    }
    st16le(fx + FX_CW, (u16)f->cw);
    st16le(fx + FX_SW, (u16)f->sw);
    st16le(fx + FX_TAG, full);
    st16le(fx + FX_OP, (u16)(f->cs >> 16));
    st32le(fx + FX_IP, f->ip);
    st32le(fx + FX_CS, (u16)f->cs);
    st32le(fx + FX_DP, f->dp);
    st32le(fx + FX_DS, (u16)f->ds);
}

/* -- frames ----------------------------------------------------------------------------------------------------------
 */

static u32 fp_size(const struct vcpu *cpu)
{
    return x86_user_fp_size(cpu) + (x86_user_xcr0(cpu) ? FP_MAGIC2_SIZE : 0);
}

u64 x86_fp_push(struct user_thread *t, u64 sp, bool narrow)
{
    _Alignas(16) u8 area[FP_ROOM] = {0};
    u32 size = x86_user_fp_size(t->cpu), all = fp_size(t->cpu), before = narrow ? sizeof(struct fnsave) : 0;
    struct fnsave f;
    must(all <= sizeof(area));
    x86_user_fp_save(t->cpu, area);
    fnsave_of(&f, area);
    if (all > size) {
        const struct sw_bytes sw = {FP_MAGIC1, all + before, x86_user_xcr0(t->cpu), size, {0}};
        memcpy(area + SW_RESERVED, &sw, sizeof(sw));
        st32le(area + size, FP_MAGIC2);
    }
    u64 at = align_down(sp - all, 64);
    bool ok = copy_to_guest(at, area, all) && (!narrow || copy_to_guest(at - before, &f, sizeof(f)));
    return ok ? at - before : 0;
}

/* A frame without the marks has what FXSAVE saves, and the rest is as it is initially. */
bool x86_fp_pop(struct user_thread *t, u64 at, bool narrow)
{
    _Alignas(16) u8 area[FP_ROOM] = {0};
    u32 size = x86_user_fp_size(t->cpu);
    struct fnsave f;
    struct sw_bytes sw;
    if (!at) {
        x86_user_fp_init(t->cpu);
        return true;
    }
    if (narrow && !copy_from_guest(&f, at, sizeof(f))) {
        return false;
    }
    at += narrow ? sizeof(f) : 0;
    if (!copy_from_guest(area, at, 512)) {
        return false;
    }
    memcpy(&sw, area + SW_RESERVED, sizeof(sw));
    bool whole = x86_user_xcr0(t->cpu) && sw.magic1 == FP_MAGIC1 && sw.size >= 576 && sw.size <= size &&
                 sw.size <= sw.extended_size && copy_from_guest(area, at, sw.size + FP_MAGIC2_SIZE) &&
                 ld32le(area + sw.size) == FP_MAGIC2;
    if (narrow) {
        fnsave_into(&f, area);
        if (whole) { /* else it would not be loaded */
            st64le(area + 512, ld64le(area + 512) | 1);
        }
    }
    return x86_user_fp_load(t->cpu, area, whole ? sw.features : 0);
}
