/* The VNC server, for the monitor. */
#ifndef MOSS_UI_VNC_H
#define MOSS_UI_VNC_H

#include "base/buf.h"
#include "base/types.h"

/* Of all servers with password=on; eight characters count. False: there is no server. */
bool vnc_set_password(const char *password);
void vnc_print(struct buf *out); /* a line a server */

#endif
