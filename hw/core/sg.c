/* Lists of guest memory for bus masters; see sg.h. */
#include "hw/core/sg.h"

#include <string.h>

#define BOUNCE_MAX 0x10000u

/* Segment number `seg` of the list stands for memory at addr that can't be had in place. */
struct sg_bounce {
    u64 addr;
    int seg;
};

void sg_begin(struct sg *s, struct mem_space *space, bool to_guest, struct mem_attrs a)
{
    s->space = space;
    s->to_guest = to_guest;
    s->attrs = a;
    s->len = 0;
    s->n = s->nbounce = 0;
    s->bounces = NULL;
}

static void *bounce_new(struct sg *s, u64 addr, u64 n)
{
    void *p = calloc(1, n);
    s->bounces = realloc(s->bounces, ((size_t)s->nbounce + 1) * sizeof(*s->bounces));
    must(p && s->bounces);
    s->bounces[s->nbounce++] = (struct sg_bounce){.addr = addr, .seg = s->n};
    if (!s->to_guest) {
        mem_read(s->space, addr, p, n, s->attrs);
    }
    return p;
}

u64 sg_add(struct sg *s, u64 addr, u64 len)
{
    u64 done = 0;
    while (done < len && s->n < SG_MAX) {
        u64 n = len - done;
        void *p = mem_map(s->space, addr + done, &n, s->to_guest);
        n = n ? n : 1;
        if (!p) {
            n = MIN(n, BOUNCE_MAX);
            p = bounce_new(s, addr + done, n);
            s->iov[s->n++] = (struct iovec){p, n};
        } else if (s->n && !(s->nbounce && s->bounces[s->nbounce - 1].seg == s->n - 1) &&
                   (u8 *)s->iov[s->n - 1].iov_base + s->iov[s->n - 1].iov_len == (u8 *)p) {
            s->iov[s->n - 1].iov_len += n;
        } else {
            s->iov[s->n++] = (struct iovec){p, n};
        }
        done += n;
    }
    s->len += done;
    return done;
}

void sg_end(struct sg *s, u64 written)
{
    u64 at = 0;
    for (int i = 0, b = 0; i < s->n; i++) {
        const struct iovec *v = &s->iov[i];
        u64 n = written > at ? MIN(written - at, v->iov_len) : 0;
        bool bounced = b < s->nbounce && s->bounces[b].seg == i;
        if (s->to_guest && n && bounced) {
            mem_write(s->space, s->bounces[b].addr, v->iov_base, n, s->attrs);
        } else if (s->to_guest && n) {
            mem_wrote(v->iov_base, n);
        }
        if (bounced) {
            free(v->iov_base);
            b++;
        }
        at += v->iov_len;
    }
    free(s->bounces);
    s->bounces = NULL;
    s->n = s->nbounce = 0;
    s->len = 0;
}

static u64 sg_move(const struct sg *s, u64 off, u8 *p, u64 n, bool to_list)
{
    u64 done = 0;
    for (int i = 0; i < s->n && done < n; i++) {
        if (off >= s->iov[i].iov_len) {
            off -= s->iov[i].iov_len;
            continue;
        }
        u64 part = MIN(n - done, s->iov[i].iov_len - off);
        u8 *at = (u8 *)s->iov[i].iov_base + off;
        memcpy(to_list ? at : p + done, to_list ? p + done : at, part);
        done += part;
        off = 0;
    }
    return done;
}

u64 sg_write(struct sg *s, u64 off, const void *p, u64 n)
{
    return sg_move(s, off, (u8 *)p, n, true);
}

u64 sg_read(const struct sg *s, u64 off, void *p, u64 n)
{
    return sg_move(s, off, p, n, false);
}

/* Segments stay, some of them empty: bounce memory is found by its segment's number. */
void sg_cut(struct sg *s, u64 len)
{
    u64 at = 0;
    for (int i = 0; i < s->n; i++) {
        s->iov[i].iov_len = MIN(s->iov[i].iov_len, len - at);
        at += s->iov[i].iov_len;
    }
    s->len = at;
}
