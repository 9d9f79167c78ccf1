/* Commands as a table: name, arguments, text and function; parser, help, completion and `info` are its readers. */
#ifndef MOSS_SYSTEM_MONITOR_MONITOR_PRIV_H
#define MOSS_SYSTEM_MONITOR_MONITOR_PRIV_H

#include <glib.h>

#include "base/buf.h"
#include "base/err.h"
#include "system/monitor/monitor.h"
#include "system/system.h"

enum arg_kind {
    ARG_NONE,
    ARG_WORD,   /* "..." may hold spaces */
    ARG_REST,   /* all that is left of the line */
    ARG_EXPR,   /* a number: expr.c; ends at a space outside parentheses */
    ARG_FMT,    /* /4xw; may be left out */
    ARG_FLAG,   /* "-f", "-a": may be left out; `name` is the letter */
    ARG_OPTION, /* "-f VALUE": may be left out; `name` begins with the letter */
};
/* How an argument is completed. */
enum arg_words {
    WORDS_NONE,
    WORDS_FILE,
    WORDS_DRIVE,
    WORDS_NETDEV,
    WORDS_KEYS,
    WORDS_COMMAND,
    WORDS_INFO,
    WORDS_CHARDEV
};

struct arg_spec {
    u8 kind, words; /* enum arg_kind, enum arg_words */
    const char *name;
    bool optional;
};
/* Of x and xp: what is printed, how large it is, and how many. 0: not said. */
struct fmt {
    unsigned count;
    char kind, size; /* x o d u c i; b h w g */
};
enum { MAX_ARGS = 5 };
struct args {
    const char *s[MAX_ARGS]; /* words; NULL: not given */
    u64 n[MAX_ARGS];         /* expressions; flags: 1 */
    bool has[MAX_ARGS];
    struct fmt fmt;
};
struct command {
    const char *name, *alias; /* NULL name ends a table */
    struct arg_spec args[MAX_ARGS];
    const char *doc;
    void (*run)(const struct args *a, struct buf *out);
};
extern const struct command monitor_commands[], monitor_infos[];

/* -- what a command works on ------------------------------------------------------------------------------------ */

struct vcpu *monitor_cpu(void); /* the one that `cpu` chose, at first the first */
bool monitor_choose_cpu(unsigned index);
/* Runs fn on the cpu's own thread, at an instruction boundary; the machine lock is let go meanwhile. */
void monitor_on_cpu(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg);
/* Guest memory by physical address, or through the chosen cpu's translation; how many bytes could be had. */
size_t monitor_read(bool physical, u64 addr, void *p, size_t n);

/* The next line of this session is not a command but an answer, not shown while it is typed. */
void monitor_ask(const char *prompt, void (*answer)(const char *text, struct buf *out));

/* expr.c: reads an expression from *p on and leaves *p behind it. Registers are $rax, $x0, $pc... */
bool expr_read(const char **p, u64 *out, struct err *e);
/* args.c */
bool args_parse(const struct command *c, char *line, struct args *a, struct err *e);
/* complete.c */
void monitor_complete(const char *head, GPtrArray *words);
const struct command *command_find(const struct command *table, const char *name, size_t n);

/* -- commands, by subject --------------------------------------------------------------------------------------- */

#define HMP(fn) void fn(const struct args *a, struct buf *out)
HMP(hmp_help);
HMP(hmp_info);
/* cmd_machine.c */
HMP(hmp_quit);
HMP(hmp_stop);
HMP(hmp_cont);
HMP(hmp_reset);
HMP(hmp_powerdown);
HMP(hmp_cpu);
HMP(hmp_log);
HMP(hmp_logfile);
HMP(hmp_info_status);
HMP(hmp_info_version);
HMP(hmp_info_name);
HMP(hmp_info_uuid);
HMP(hmp_info_kvm);
HMP(hmp_info_cpus);
HMP(hmp_info_registers);
HMP(hmp_info_jit);
/* cmd_memory.c */
HMP(hmp_x);
HMP(hmp_xp);
HMP(hmp_print);
HMP(hmp_memsave);
HMP(hmp_pmemsave);
HMP(hmp_gva2gpa);
HMP(hmp_info_mtree);
/* cmd_input.c */
HMP(hmp_sendkey);
HMP(hmp_mouse_move);
HMP(hmp_mouse_button);
HMP(hmp_mouse_set);
HMP(hmp_screendump);
HMP(hmp_info_mice);
/* cmd_backend.c */
HMP(hmp_eject);
HMP(hmp_change);
HMP(hmp_set_link);
HMP(hmp_set_password);
HMP(hmp_expire_password);
HMP(hmp_info_vnc);
HMP(hmp_hostfwd_add);
HMP(hmp_hostfwd_remove);
HMP(hmp_info_block);
HMP(hmp_info_blockstats);
HMP(hmp_info_network);
HMP(hmp_info_usernet);
HMP(hmp_info_chardev);
/* cmd_devices.c */
HMP(hmp_info_qtree);
HMP(hmp_info_pci);
HMP(hmp_info_pic);
HMP(hmp_info_roms);
#undef HMP

#endif
