/* Descriptors that moss keeps beside those of its input and output. */
#ifndef MOSS_BASE_FD_H
#define MOSS_BASE_FD_H

/* The same file under a high number, closed on exec: programs in user mode expect the low ones to be theirs. The old
 * number is closed, or kept when there is no high one. */
int fd_move_high(int fd);

#endif
