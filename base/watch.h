/* A file descriptor's input on the main loop, with back pressure.
 *
 * Each turn the loop asks wanted(); only then is the descriptor watched, and ready() called when there
 * is input or the other end is gone. While nobody wants input the descriptor is not looked at at all,
 * so that a peer that hung up with bytes under way does not spin the loop. */
#ifndef MOSS_BASE_WATCH_H
#define MOSS_BASE_WATCH_H

#include "base/types.h"

/* Main thread, as all of this; the callbacks hold the machine lock. The descriptor stays the caller's. */
struct watch;
struct watch *watch_new(int fd, bool (*wanted)(void *opaque), void (*ready)(void *opaque), void *opaque);
void watch_free(struct watch *w); /* NULL is legal; also from inside ready() */

#endif
