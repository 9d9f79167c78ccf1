/* Control messages (ancillary data) of programs whose longs have 32 bits. */
#ifndef MOSS_USER_CONTROL_H
#define MOSS_USER_CONTROL_H

#include <sys/socket.h>

#include "user/layout.h"

/* Each leaves memory of malloc in h->msg_control, or NULL. 0 or -errno. */
i64 control_in(struct msghdr *h, const struct flat_msghdr *g); /* the program's messages, for sending */
i64 control_room(struct msghdr *h, const struct flat_msghdr *g);
/* What was received, into the program's; sets g->controllen, and MSG_CTRUNC in g->flags. False: EFAULT. */
bool control_out(const struct msghdr *h, struct flat_msghdr *g);

#endif
