/* The log behind -d, -D and -dfilter, and the two counters of law 7: the guest's faults
 * (guest_error) and our gaps (unimp). Thread-safe. */
#ifndef MOSS_BASE_LOG_H
#define MOSS_BASE_LOG_H

#include "base/err.h"
#include "base/types.h"

enum log_item {
    LOG_IN_ASM = 1 << 0,  /* guest code as it is translated */
    LOG_IR = 1 << 1,      /* what the front end made of it */
    LOG_IR_OPT = 1 << 2,  /* after the passes */
    LOG_OUT_ASM = 1 << 3, /* host code */
    LOG_EXEC = 1 << 4,    /* blocks entered from the loop */
    LOG_INT = 1 << 5,     /* exceptions and interrupts */
    LOG_MMU = 1 << 6,     /* TLB fills */
    LOG_UNIMP = 1 << 7,
    LOG_GUEST_ERROR = 1 << 8,
    LOG_CPU = 1 << 9, /* registers before each of these blocks */
    LOG_CODE_CACHE = 1 << 11,
    LOG_NOCHAIN = 1 << 10, /* prints nothing: blocks are not linked */
};

/* The table behind `-d help`: name, what it prints. Ended by a NULL name. */
struct log_name {
    u32 item;
    const char *name, *doc;
};
extern const struct log_name log_names[];

extern u32 log_mask; /* read with log_on() */
static inline bool log_on(u32 items)
{
    return unlikely(log_mask & items);
}

bool log_set_items(const char *comma_list, struct err *e); /* "in_asm,int"; "help" is the caller's */
bool log_set_file(const char *path, struct err *e);        /* "%d" becomes the pid */
int log_fd(void);                                          /* of the log file; -1: there is none */
bool log_set_filter(const char *ranges, struct err *e);    /* "0x1000..0x1fff,0x8000+0x100,0x9000-0x10" */
bool log_in_filter(u64 addr);
void log_print(const char *fmt, ...) PRINTF_LIKE(1, 2); /* to the log file, else stderr */
/* Keeps lines of several log_print calls together. */
void log_lock(void);
void log_unlock(void);
void log_forked(void); /* in the child of a fork that was made with the log locked: instead of log_unlock */

/* `who` is a device or CPU name. Both count, print when -d asks, and are rate limited. */
void guest_error(const char *who, const char *fmt, ...) PRINTF_LIKE(2, 3);
void unimp(const char *who, const char *fmt, ...) PRINTF_LIKE(2, 3);
u64 guest_error_count(void); /* since the start, printed or not */
u64 unimp_count(void);
void unimp_report(void); /* with -d unimp: the distinct gaps met, with counts, at exit */

/* A sentence for the person who typed the command: on stderr, behind the program's name. */
void report(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What a person at the keyboard should know of a run that is well: nothing under a name whose users expect silence. */
#define notice(...) (notices_off ? (void)0 : report(__VA_ARGS__))
extern bool notices_off;
extern const char *report_program; /* "moss" */
extern bool report_time;           /* the time comes before it (-msg timestamp=on) */

/* A host-side mishap while running (disk error, lost socket): one line on stderr, once per text. */
void warn_once(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
