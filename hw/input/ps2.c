/* The queues of a PS/2 device (ps2.h). */
#include "hw/input/ps2.h"

#include <string.h>

static void tell(struct ps2 *p)
{
    if (p->ready) {
        p->ready(p->to);
    }
}

/* A host that sends commands and reads no answers loses them. */
void ps2_reply(struct ps2 *p, const u8 *v, unsigned n)
{
    n = MIN(n, (unsigned)PS2_REPLIES - p->replies);
    memcpy(p->reply + p->replies, v, n);
    p->replies += (u8)n;
    tell(p);
}
void ps2_ack(struct ps2 *p)
{
    ps2_reply(p, &(u8){PS2_ACK}, 1);
}

bool ps2_say(struct ps2 *p, const u8 *v, unsigned n)
{
    if (n > (unsigned)PS2_STREAM - p->len) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        p->stream[(p->head + p->len++) % PS2_STREAM] = v[i];
    }
    tell(p);
    return true;
}

u8 ps2_take(struct ps2 *p)
{
    must(ps2_has_bytes(p));
    if (p->replies) {
        p->last = p->reply[0];
        memmove(p->reply, p->reply + 1, --p->replies);
    } else {
        p->last = p->stream[p->head];
        p->head = (p->head + 1) % PS2_STREAM;
        p->len--;
    }
    return p->last;
}

void ps2_clear(struct ps2 *p, bool replies_too)
{
    p->head = p->len = 0;
    if (replies_too) {
        p->replies = 0;
    }
}

void ps2_hold(struct ps2 *p, bool on)
{
    bool was = p->held;
    p->held = on;
    if (was && !on) {
        tell(p);
    }
}

bool ps2_loaded(const struct ps2 *p, struct err *e)
{
    if (p->replies > PS2_REPLIES || p->head >= PS2_STREAM || p->len > PS2_STREAM) {
        return err_set(e, "the queue's state makes no sense");
    }
    return true;
}
