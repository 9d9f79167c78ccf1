/* The human monitor: commands typed on a stream, answers printed there. It speaks QEMU's HMP where both have a command.
 * Main thread, machine lock held. */
#ifndef MOSS_SYSTEM_MONITOR_MONITOR_H
#define MOSS_SYSTEM_MONITOR_MONITOR_H

#include "base/buf.h"
#include "base/err.h"
#include "chardev/chardev.h"

/* A monitor on c, before or while the machine runs. On a mux it waits until it is given the input (Ctrl-A c). */
bool monitor_open(struct chardev *c, struct err *e);
/* One command line, as if it had been typed; what it prints is appended, lines ended by \n. */
void monitor_command(const char *line, struct buf *out);
void monitor_close_all(void);

#endif
