#include "base/fd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bits.h"

#define TOP  1024 /* where most limits are, and what select() knows */
#define OURS 16

int fd_move_high(int fd)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur < 4 * OURS) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, (int)MIN(r.rlim_cur, TOP) - OURS);
    if (moved < 0) {
        return fd;
    }
    close(fd);
    return moved;
}
