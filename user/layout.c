/* Structures between a program's layout and the host's. Fields are copied one by one by a walk over both forms at once,
 * each field aligned as its ABI's compiler does. */
#include "user/layout.h"

#include <fcntl.h>
#include <linux/hdreg.h>
#include <mqueue.h>
#include <net/if.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <utime.h>

#include "user/user_priv.h"

const struct widths layout_host = {8, 8};

static const struct {
    const char *fields;
    u16 host_size;
    char letter;
} layouts[] = {
#define L(name, letter, fields, type) [LAYOUT_##name] = {fields, sizeof(type), letter},
#include "user/layouts.def"
#undef L
};

const char *layout_fields(enum layout l)
{
    return layouts[l].fields;
}
size_t layout_host_size(enum layout l)
{
    return layouts[l].host_size;
}
enum layout layout_by_letter(char letter)
{
    enum layout l = 0;
    while (l < LAYOUTS && layouts[l].letter != letter) {
        l++;
    }
    return letter ? l : LAYOUTS;
}

static unsigned size_of(char kind, struct widths w)
{
    return kind == 'c' ? 1 : kind == 'h' ? 2 : kind == 'i' ? 4 : kind == 'l' || kind == 'L' ? w.word : 8;
}
static unsigned align_of(char kind, struct widths w)
{
    return kind == 'Q' ? MIN(w.word, 4u) : kind == 'q' || kind == 'n' ? w.align64 : size_of(kind, w);
}

/* The next kind and how many fields of it. */
static char next_kind(const char **f, unsigned *n)
{
    for (*n = 0; **f >= '0' && **f <= '9'; (*f)++) {
        *n = *n * 10 + (unsigned)(**f - '0');
    }
    *n = MAX(*n, 1u);
    return *(*f)++;
}

size_t layout_size(const char *fields, struct widths w)
{
    size_t at = 0, align = 1;
    unsigned n;
    while (*fields) {
        char kind = next_kind(&fields, &n);
        at = align_up(at, align_of(kind, w)) + (size_t)n * size_of(kind, w);
        align = MAX(align, (size_t)align_of(kind, w));
    }
    return align_up(at, align);
}

static void copy_field(char kind, u8 *to, unsigned tn, const u8 *from, unsigned fn, struct widths fw)
{
    if (tn <= fn && kind != 'n') {
        memcpy(to, from, tn);
        return;
    }
    u64 v = fn == 4 || (kind == 'n' && fw.word == 4) ? ld32le(from) : ld64le(from);
    v = kind == 'l' ? (u64)(i64)(i32)v : v;
    memcpy(to, &v, tn);
}

void layout_copy(const char *fields, void *to, struct widths tw, const void *from, struct widths fw)
{
    u8 *t = to;
    const u8 *f = from;
    size_t tat = 0, fat = 0;
    unsigned n;
    while (*fields) {
        char kind = next_kind(&fields, &n);
        unsigned tn = size_of(kind, tw), fn = size_of(kind, fw);
        tat = align_up(tat, align_of(kind, tw));
        fat = align_up(fat, align_of(kind, fw));
        for (; n; n--, tat += tn, fat += fn) {
            copy_field(kind, t + tat, tn, f + fat, fn, fw);
        }
    }
}

/* -- the program's ------------------------------------------------------------------------------------------------- */

static struct widths guest_widths(void)
{
    return (struct widths){user_cfg.abi->word, user_cfg.abi->align64};
}

u64 struct_size(enum layout l)
{
    return user_cfg.abi->word == 8 ? layouts[l].host_size : layout_size(layouts[l].fields, guest_widths());
}

bool get_struct(enum layout l, u64 va, void *host)
{
    u8 guest[LAYOUT_MAX];
    if (user_cfg.abi->word == 8) {
        return copy_from_guest(host, va, layouts[l].host_size);
    }
    if (!copy_from_guest(guest, va, struct_size(l))) {
        return false;
    }
    memset(host, 0, layouts[l].host_size);
    layout_copy(layouts[l].fields, host, layout_host, guest, guest_widths());
    return true;
}

bool put_struct(enum layout l, u64 va, const void *host)
{
    u8 guest[LAYOUT_MAX];
    if (user_cfg.abi->word == 8) {
        return copy_to_guest(va, host, layouts[l].host_size);
    }
    memset(guest, 0, sizeof(guest));
    layout_copy(layouts[l].fields, guest, guest_widths(), host, layout_host);
    return copy_to_guest(va, guest, struct_size(l));
}
