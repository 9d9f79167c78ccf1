/* What Tab offers, by the rows of the tables. */
#include <string.h>

#include "block/block.h"
#include "net/net.h"
#include "system/monitor/monitor_priv.h"
#include "ui/input.h"

static void offer(GPtrArray *words, const char *have, const char *typed)
{
    if (have && g_str_has_prefix(have, typed)) {
        g_ptr_array_add(words, g_strdup(have));
    }
}

static void offer_files(GPtrArray *words, const char *typed)
{
    const char *slash = strrchr(typed, '/');
    char *folder = slash ? g_strndup(typed, (size_t)(slash - typed) + 1) : g_strdup("");
    GDir *d = g_dir_open(*folder ? folder : ".", 0, NULL);
    for (const char *name; d && (name = g_dir_read_name(d));) {
        char *path = g_strconcat(folder, name, NULL);
        char *whole = g_file_test(path, G_FILE_TEST_IS_DIR) ? g_strconcat(path, "/", NULL) : g_strdup(path);
        offer(words, whole, typed);
        g_free(whole);
        g_free(path);
    }
    if (d) {
        g_dir_close(d);
    }
    g_free(folder);
}

/* The key behind the last dash; what comes before it stays. */
static void offer_keys(GPtrArray *words, const char *typed)
{
    const char *dash = strrchr(typed, '-');
    char *before = dash ? g_strndup(typed, (size_t)(dash - typed) + 1) : g_strdup("");
    for (unsigned k = 1; k < INPUT_KEYS; k++) {
        const char *name = input_key_name(k);
        char *whole = name ? g_strconcat(before, name, NULL) : NULL;
        offer(words, whole, typed);
        g_free(whole);
    }
    g_free(before);
}

static void offer_commands(GPtrArray *words, const struct command *table, const char *typed)
{
    for (const struct command *c = table; c->name; c++) {
        offer(words, c->name, typed);
    }
}

static void offer_words(GPtrArray *words, enum arg_words kind, const char *typed)
{
    switch (kind) {
    case WORDS_FILE:
        offer_files(words, typed);
        break;
    case WORDS_KEYS:
        offer_keys(words, typed);
        break;
    case WORDS_COMMAND:
        offer_commands(words, monitor_commands, typed);
        break;
    case WORDS_INFO:
        offer_commands(words, monitor_infos, typed);
        break;
    case WORDS_DRIVE:
        for (struct blockdev *b = NULL; (b = block_next(b));) {
            offer(words, block_id(b), typed);
        }
        break;
    case WORDS_NETDEV:
        for (struct netdev *n = NULL; (n = net_next(n));) {
            offer(words, net_id(n), typed);
        }
        break;
    default:
        break;
    }
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void monitor_complete(const char *head, GPtrArray *words)
{
    char **v = g_strsplit(head, " ", -1);
    unsigned n = g_strv_length(v), at = n ? n - 1 : 0, row = 0;
    if (n <= 1) {
        offer_commands(words, monitor_commands, n ? v[0] : "");
    } else {
        const struct command *c = command_find(monitor_commands, v[0], strlen(v[0]));
        for (unsigned i = 1; c && i < at && row < MAX_ARGS; i++) { /* options that were left out take no word */
            while (row < MAX_ARGS && (c->args[row].kind == ARG_FLAG || c->args[row].kind == ARG_OPTION) &&
                   *v[i] != '-') {
                row++;
            }
            row++;
        }
        while (c && row < MAX_ARGS && (c->args[row].kind == ARG_FLAG || c->args[row].kind == ARG_OPTION)) {
            row++;
        }
        if (c && row < MAX_ARGS) {
            offer_words(words, c->args[row].words, v[at]);
        }
    }
    g_ptr_array_sort(words, by_name);
    g_strfreev(v);
}
