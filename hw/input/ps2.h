/* Devices on a PS/2 port: bytes to them, and two queues of bytes from them. Answers to commands go before what the
 * device says by itself. A port is a controller's: an 8042, or a PL050. Machine lock held. */
#ifndef MOSS_HW_INPUT_PS2_H
#define MOSS_HW_INPUT_PS2_H

#include "hw/core/device.h"

enum {
    PS2_REPLIES = 16,
    PS2_STREAM = 256, /* more than the 16 of a real keyboard: who pastes text is faster than who types */
    PS2_ACK = 0xfa,
    PS2_RESEND = 0xfe,
    PS2_BAT = 0xaa, /* the self-test that follows a reset went well */
};

struct ps2 {
    struct device dev;
    void (*receive)(struct ps2 *p, u8 v); /* the device's: a byte from the host */
    void (*ready)(void *to);              /* the controller's: there are bytes */
    void *to;
    u8 reply[PS2_REPLIES], replies;
    u8 stream[PS2_STREAM];
    u16 head, len;
    u8 last;   /* what was taken last, for those who ask again */
    bool held; /* what it says by itself waits: it waits for the rest of a command */
};
// clang-format off
#define PS2_FIELDS(T, m)                                                                                               \
    FIELDS(T, m.reply), FIELD(T, m.replies), FIELDS(T, m.stream), FIELD(T, m.head), FIELD(T, m.len), FIELD(T, m.last)
// clang-format on

/* -- for devices ----------------------------------------------------------------------------------------------------
 */

void ps2_reply(struct ps2 *p, const u8 *v, unsigned n);
void ps2_ack(struct ps2 *p);
bool ps2_say(struct ps2 *p, const u8 *v, unsigned n); /* all of it; false: there is no room */
void ps2_clear(struct ps2 *p, bool replies_too);
void ps2_hold(struct ps2 *p, bool on); /* after it was loaded, too */
bool ps2_loaded(const struct ps2 *p, struct err *e);

/* -- for controllers ------------------------------------------------------------------------------------------------
 */

static inline bool ps2_has_reply(const struct ps2 *p)
{
    return p->replies != 0;
}
static inline bool ps2_has_bytes(const struct ps2 *p)
{
    return p->replies || (p->len && !p->held);
}
u8 ps2_take(struct ps2 *p); /* there must be one */

extern const struct device_class ps2_keyboard_class, ps2_mouse_class;

#endif
