/* The table of commands, and what reads it: a line is run, help is printed. `info` has a table of its own. */
#include <string.h>

#include "base/log.h"
#include "system/monitor/monitor_priv.h"

// clang-format off
#define FMT         {ARG_FMT, .name = "/fmt"}
#define EXPR(n)     {ARG_EXPR, .name = n}
#define EXPR_OPT(n) {ARG_EXPR, .name = n, .optional = true}
#define WORD(n, w)  {ARG_WORD, w, n}
#define WORD_OPT(n, w) {ARG_WORD, w, n, .optional = true}
#define FLAG(n)     {ARG_FLAG, .name = n}

const struct command monitor_commands[] = {
    {"change", NULL, {FLAG("f"), WORD("device", WORDS_DRIVE), WORD("filename", WORDS_FILE), WORD_OPT("format", WORDS_NONE),
                      WORD_OPT("read-only-mode", WORDS_NONE)},
     "put a medium into a drive; mode: retain, read-only, read-write; change vnc password [PASSWORD] sets that", hmp_change},
    {"cont", "c", {{0}}, "resume emulation", hmp_cont},
    {"cpu", NULL, {EXPR("index")}, "set the default CPU", hmp_cpu},
    {"eject", NULL, {FLAG("f"), WORD("device", WORDS_DRIVE)}, "eject a removable medium (-f: though it is locked)", hmp_eject},
    {"expire_password", NULL, {WORD("protocol", WORDS_NONE), WORD("time", WORDS_NONE), {ARG_OPTION, WORDS_NONE, "display"}},
     "until when the password of vnc is good: now, never, +SECONDS, or seconds since 1970", hmp_expire_password},
    {"gva2gpa", NULL, {EXPR("addr")}, "print the physical address that a virtual one stands for", hmp_gva2gpa},
    {"help", "?", {WORD_OPT("cmd", WORDS_COMMAND)}, "show the help", hmp_help},
    {"hostfwd_add", NULL, {WORD("netdev", WORDS_NETDEV), WORD_OPT("rule", WORDS_NONE)},
     "redirect TCP or UDP connections from host to guest: [tcp|udp]:[hostaddr]:hostport-[guestaddr]:guestport", hmp_hostfwd_add},
    {"hostfwd_remove", NULL, {WORD("netdev", WORDS_NETDEV), WORD_OPT("rule", WORDS_NONE)},
     "remove such a redirection: [tcp|udp]:[hostaddr]:hostport", hmp_hostfwd_remove},
    {"info", NULL, {WORD_OPT("subcommand", WORDS_INFO), {ARG_REST, .name = "arguments", .optional = true}},
     "show various information about the system state", hmp_info},
    {"log", NULL, {WORD("items", WORDS_NONE)}, "activate logging of the specified items (none: of nothing)", hmp_log},
    {"logfile", NULL, {WORD("filename", WORDS_FILE)}, "output logs to 'filename'", hmp_logfile},
    {"memsave", NULL, {EXPR("addr"), EXPR("size"), WORD("file", WORDS_FILE)},
     "save to disk virtual memory dump starting at 'addr' of size 'size'", hmp_memsave},
    {"mouse_button", NULL, {EXPR("state")}, "change mouse button state (1=L, 2=M, 4=R)", hmp_mouse_button},
    {"mouse_move", NULL, {EXPR("dx"), EXPR("dy"), EXPR_OPT("dz")}, "send mouse move events", hmp_mouse_move},
    {"mouse_set", NULL, {EXPR("index")}, "set which mouse device receives events", hmp_mouse_set},
    {"pmemsave", NULL, {EXPR("addr"), EXPR("size"), WORD("file", WORDS_FILE)},
     "save to disk physical memory dump starting at 'addr' of size 'size'", hmp_pmemsave},
    {"print", "p", {FMT, EXPR("expr")}, "print expression value (use $reg for CPU register access)", hmp_print},
    {"quit", "q", {{0}}, "quit the emulator", hmp_quit},
    {"screendump", NULL, {WORD("filename", WORDS_FILE), {ARG_OPTION, WORDS_NONE, "format"}, WORD_OPT("device", WORDS_NONE)},
     "save a screen to 'filename', as PPM or PNG (-f png, or by the name's ending)", hmp_screendump},
    {"sendkey", NULL, {WORD("keys", WORDS_KEYS), EXPR_OPT("hold-ms")},
     "send keys to the VM (e.g. 'sendkey ctrl-alt-f1', default hold time=100 ms)", hmp_sendkey},
    {"set_link", NULL, {WORD("name", WORDS_NETDEV), WORD("on|off", WORDS_NONE)}, "change the link status of a network back end",
     hmp_set_link},
    {"set_password", NULL, {WORD("protocol", WORDS_NONE), WORD("password", WORDS_NONE), {ARG_OPTION, WORDS_NONE, "display"},
                            WORD_OPT("action-if-connected", WORDS_NONE)}, "set the password of vnc", hmp_set_password},
    {"stop", "s", {{0}}, "stop emulation", hmp_stop},
    {"system_powerdown", NULL, {{0}}, "press the power button", hmp_powerdown},
    {"system_reset", NULL, {{0}}, "reset the system", hmp_reset},
    {"x", NULL, {FMT, EXPR("addr")}, "virtual memory dump starting at 'addr'", hmp_x},
    {"xp", NULL, {FMT, EXPR("addr")}, "physical memory dump starting at 'addr'", hmp_xp},
    {0},
};

const struct command monitor_infos[] = {
    {"block", NULL, {FLAG("n"), FLAG("v"), WORD_OPT("device", WORDS_DRIVE)},
     "show the block devices, or one (-n, -v: as without)", hmp_info_block},
    {"blockstats", NULL, {{0}}, "show block device statistics", hmp_info_blockstats},
    {"chardev", NULL, {{0}}, "show the character devices", hmp_info_chardev},
    {"cpus", NULL, {{0}}, "show infos for each CPU", hmp_info_cpus},
    {"jit", NULL, {{0}}, "show dynamic compiler info", hmp_info_jit},
    {"kvm", NULL, {{0}}, "show KVM information", hmp_info_kvm},
    {"mice", NULL, {{0}}, "show which guest mouse is receiving events", hmp_info_mice},
    {"mtree", NULL, {FLAG("f")}, "show memory tree (-f: flat view)", hmp_info_mtree},
    {"name", NULL, {{0}}, "show the current VM name", hmp_info_name},
    {"network", NULL, {{0}}, "show the network state", hmp_info_network},
    {"pci", NULL, {{0}}, "show PCI info", hmp_info_pci},
    {"pic", NULL, {{0}}, "show PIC state", hmp_info_pic},
    {"qtree", NULL, {{0}}, "show device tree", hmp_info_qtree},
    {"registers", NULL, {FLAG("a"), EXPR_OPT("vcpu")}, "show the cpu registers (-a: of all CPUs)", hmp_info_registers},
    {"roms", NULL, {{0}}, "show roms", hmp_info_roms},
    {"status", NULL, {{0}}, "show the current VM status (running|paused)", hmp_info_status},
    {"usernet", NULL, {{0}}, "show user network stack connection states", hmp_info_usernet},
    {"uuid", NULL, {{0}}, "show the current VM UUID", hmp_info_uuid},
    {"version", NULL, {{0}}, "show the version of the emulator", hmp_info_version},
    {"vnc", NULL, {{0}}, "show the vnc server status", hmp_info_vnc},
    {0},
};
// clang-format on

static bool has_name(const char *have, const char *name, size_t n)
{
    return have && strlen(have) == n && !strncmp(have, name, n);
}

const struct command *command_find(const struct command *table, const char *name, size_t n)
{
    for (const struct command *c = table; c->name; c++) {
        if (has_name(c->name, name, n) || has_name(c->alias, name, n)) {
            return c;
        }
    }
    return NULL;
}

/* -- help ---------------------------------------------------------------------------------------------------------- */

static void arg_help(const struct arg_spec *s, struct buf *out)
{
    switch (s->kind) {
    case ARG_FMT:
        buf_printf(out, " /fmt");
        break;
    case ARG_FLAG:
        buf_printf(out, " [-%s]", s->name);
        break;
    case ARG_OPTION:
        buf_printf(out, " [-%c %s]", *s->name, s->name);
        break;
    default:
        buf_printf(out, s->optional ? " [%s]" : " %s", s->name);
    }
}

static void command_help(const struct command *c, const char *before, struct buf *out)
{
    buf_printf(out, "%s%s", before, c->name);
    if (c->alias) {
        buf_printf(out, "|%s", c->alias);
    }
    for (unsigned i = 0; i < MAX_ARGS && c->args[i].kind; i++) {
        arg_help(&c->args[i], out);
    }
    buf_printf(out, " -- %s\n", c->doc);
}

static void table_help(const struct command *table, const char *before, struct buf *out)
{
    for (const struct command *c = table; c->name; c++) {
        command_help(c, before, out);
    }
}

void hmp_help(const struct args *a, struct buf *out)
{
    const char *name = a->s[0];
    const struct command *c = name ? command_find(monitor_commands, name, strlen(name)) : NULL;
    if (!name) {
        table_help(monitor_commands, "", out);
    } else if (!strcmp(name, "info")) {
        table_help(monitor_infos, "info ", out);
    } else if (!strcmp(name, "log")) {
        buf_printf(out, "Log items (comma separated):\n%-15s %s\n", "none", "remove all logs");
        for (const struct log_name *n = log_names; n->name; n++) {
            buf_printf(out, "%-15s %s\n", n->name, n->doc);
        }
    } else if (c) {
        command_help(c, "", out);
    } else {
        buf_printf(out, "unknown command: '%s'\n", name);
    }
}

/* -- running ------------------------------------------------------------------------------------------------------- */

static void command_run(const struct command *table, const char *family, const char *line, struct buf *out)
{
    struct args a = {0};
    struct err e = {0};
    size_t n = strcspn(line, " /");
    const struct command *c = command_find(table, line, n);
    if (!c) {
        buf_printf(out, "unknown command: '%s%.*s'\n", family, (int)n, line);
        return;
    }
    char *rest = g_strdup(line + n);
    if (args_parse(c, rest, &a, &e)) {
        c->run(&a, out);
    } else {
        buf_printf(out, "%s\nTry \"help %s%s\" for more information\n", e.msg, family, *family ? "" : c->name);
    }
    g_free(rest);
}

void hmp_info(const struct args *a, struct buf *out)
{
    if (!a->s[0]) {
        table_help(monitor_infos, "info ", out);
        return;
    }
    char *line = g_strdup_printf("%s %s", a->s[0], a->s[1] ? a->s[1] : "");
    command_run(monitor_infos, "info ", line, out);
    g_free(line);
}

void monitor_command(const char *line, struct buf *out)
{
    line += strspn(line, " \t");
    if (*line && *line != '#') {
        command_run(monitor_commands, "", line, out);
    }
}
