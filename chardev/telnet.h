/* Telnet's in-band commands, as a filter beside a socket. */
#ifndef MOSS_CHARDEV_TELNET_H
#define MOSS_CHARDEV_TELNET_H

#include "base/buf.h"
#include "base/types.h"

struct telnet {
    u8 state, verb;
    bool binary, after_cr;
};
extern const u8 telnet_hello[12]; /* what we say first */
/* Takes the commands out of p, in place; gives the bytes left. *brk is set when a break came; what has
 * to be answered is added to answer. */
size_t telnet_input(struct telnet *t, u8 *p, size_t n, bool *brk, struct buf *answer);
void telnet_output(const u8 *p, size_t n, struct buf *out);

#endif
