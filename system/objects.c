/* -object: small things that others name by id. And where RAM comes from: -machine memory-backend=, -numa, of which
 * moss takes what one node can say: the kinds are all one: nobody is there to share it with. */
#include <glib.h>
#include <string.h>

#include "block/block.h"
#include "net/net.h"
#include "system/system.h"

struct memory {
    char *id;
    u64 size;
    struct memory *next;
};
static struct memory *memories;
struct secret {
    char *id, *text;
    struct secret *next;
};
static struct secret *secrets;
static struct strings ids; /* of the objects there are */

static const struct opt_key memory_keys[] = {
    {"size", "SIZE", "bytes, or with a unit"},
    {"share", "on|off", "accepted: it can always be shared"},
    {"prealloc", "on|off", "accepted: memory is taken as it is used"},
    {"merge", "on|off", "accepted"},
    {"dump", "on|off", "accepted"},
    {"reserve", "on|off", "accepted"},
    {"seal", "on|off", "accepted"},
    {0},
};
static const struct opt_key rng_keys[] = {
    {"filename", "FILE", "accepted: numbers come from the host's kernel, or -seed"}, {0}};
static const struct opt_key dump_keys[] = {{"netdev", "ID", "the network back end"},
                                           {"file", "FILE", "where the packets go, as pcap"},
                                           {"maxlen", "N", "bytes of a packet that are kept"},
                                           {0}};
static const struct opt_key secret_keys[] = {{"data", "TEXT", "the secret itself, which `ps` shows"},
                                             {"file", "FILE", "where it is"},
                                             {"format", "raw|base64", "how it is written"},
                                             {0}};
static const struct opt_key no_keys[] = {{0}};

static bool memory_make(const char *id, struct opts *o, struct err *e)
{
    struct memory *m = calloc(1, sizeof(*m));
    must(m);
    m->id = strdup(id);
    m->next = memories;
    memories = m;
    opts_ignore(o, "share,prealloc,merge,dump,reserve,seal,policy,host-nodes,prealloc-threads,"
                   "x-use-canonical-path-for-ramblock-id");
    return opts_size(o, "size", &m->size, e) && (m->size || err_set(e, "property 'size' of the memory is zero"));
}

static bool rng_make(const char *id UNUSED, struct opts *o, struct err *e UNUSED)
{
    opts_ignore(o, "filename");
    return true;
}

static bool dump_make(const char *id UNUSED, struct opts *o, struct err *e)
{
    const char *netdev = opts_str(o, "netdev", "");
    struct netdev *n = net_find(netdev);
    u64 max = 65536;
    return n ? opts_num(o, "maxlen", &max, e) && net_dump(n, opts_str(o, "file", ""), (u32)MIN(max, UINT32_MAX), e)
             : err_set(e, "netdev=%s is not there", netdev);
}

static bool secret_make(const char *id, struct opts *o, struct err *e)
{
    static const char *const formats[] = {"raw", "base64", NULL};
    const char *data = opts_str(o, "data", NULL), *file = opts_str(o, "file", NULL);
    unsigned format = 0;
    gchar *text = g_strdup(data);
    GError *why = NULL;
    if (!opts_choice(o, "format", formats, &format, e)) {
        return false;
    }
    if (!data == !file) {
        return err_set(e, "expected either data= or file=");
    }
    if (file && !g_file_get_contents(file, &text, NULL, &why)) {
        err_set(e, "%s", why->message);
        g_error_free(why);
        return false;
    }
    if (format) {
        gsize n;
        guchar *plain = g_base64_decode(text, &n);
        g_free(text);
        text = g_strndup((char *)plain, n);
        g_free(plain);
    }
    struct secret *s = g_new0(struct secret, 1);
    *s = (struct secret){.id = g_strdup(id), .text = text, .next = secrets};
    secrets = s;
    return true;
}

const char *object_secret(const char *id)
{
    const struct secret *s = secrets;
    while (s && strcmp(s->id, id) != 0) {
        s = s->next;
    }
    return s ? s->text : NULL;
}

static bool thread_make(const char *id UNUSED, struct opts *o, struct err *e UNUSED)
{
    opts_ignore(o, "poll-max-ns,poll-grow,poll-shrink,aio-max-batch,thread-pool-min,thread-pool-max");
    return true;
}

const struct object_kind object_kinds[] = {
    {"filter-dump", "packets of a network back end, into a file", dump_keys, dump_make},
    {"iothread", "accepted: disks have threads of their own", no_keys, thread_make},
    {"memory-backend-memfd", "the machine's RAM", memory_keys, memory_make},
    {"memory-backend-ram", "the machine's RAM", memory_keys, memory_make},
    {"rng-builtin", "a source of random numbers", no_keys, rng_make},
    {"rng-random", "a source of random numbers", rng_keys, rng_make},
    {"secret", "a password, for instance of -vnc", secret_keys, secret_make},
    {0},
};

static bool no_kind(const char *kind, struct err *e)
{
    const char *names[ARRAY_LEN(object_kinds)] = {0};
    for (size_t i = 0; object_kinds[i].name; i++) {
        names[i] = object_kinds[i].name;
    }
    const char *near = nearest_name(kind, names);
    return near ? err_set(e, "moss has no object '%s'; did you mean '%s'?", kind, near)
                : err_set(e, "moss has no object '%s' (-object help lists them)", kind);
}

static bool object_make(struct opts *o, struct err *e)
{
    const char *kind = opts_str(o, "qom-type", ""), *id = opts_str(o, "id", NULL);
    char what[64];
    if (!id) {
        return err_set(e, "Parameter 'id' is missing");
    }
    for (size_t i = 0; i < ids.n; i++) {
        if (!strcmp(ids.v[i], id)) {
            return err_set(e, "there is an object '%s' already", id);
        }
    }
    for (const struct object_kind *k = object_kinds; k->name; k++) {
        if (!strcmp(k->name, kind)) {
            snprintf(what, sizeof(what), "-object %s", kind);
            strings_add(&ids, strdup(id));
            return k->make(id, o, e) && opts_all_used(o, what, k->keys, e);
        }
    }
    return no_kind(kind, e);
}

bool object_item(const char *text, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_from_text(&o, text, "qom-type", e) && object_make(&o, e);
    opts_free(&o);
    return ok;
}

/* -- where RAM comes from ------------------------------------------------------------------------------------------ */

static bool memory_take(const char *id, u64 said, u64 *size, struct err *e)
{
    for (const struct memory *m = memories; m; m = m->next) {
        if (strcmp(m->id, id) != 0) {
            continue;
        }
        if (said && said != m->size) {
            return err_set(e, "-m says %llu MiB and memory-backend '%s' has %llu MiB: they must agree",
                           (unsigned long long)(said >> 20), id, (unsigned long long)(m->size >> 20));
        }
        *size = m->size;
        return true;
    }
    return err_set(e, "there is no memory-backend '%s'", id);
}

static bool numa_read(const char *text, const char **memdev, unsigned *nodes, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "type", e);
    const char *type = ok ? opts_str(&o, "type", "") : "", *dev = ok ? opts_str(&o, "memdev", NULL) : NULL;
    u64 nodeid = 0;
    if (ok && strcmp(type, "node") != 0) {
        ok = err_set(e, "not there yet: moss has no NUMA: one node with all processors and all memory is all it takes");
    }
    ok = ok && opts_num(&o, "nodeid", &nodeid, e);
    if (ok && (++*nodes > 1 || nodeid)) {
        ok = err_set(e, "not there yet: moss has no NUMA: more than one node");
    }
    if (ok && dev) {
        *memdev = strdup(dev);
    }
    opts_ignore(&o, "cpus,mem,initiator");
    ok = ok && opts_all_used(&o, "-numa node", NULL, e);
    opts_free(&o);
    return ok;
}

bool memory_from(const struct config *c, const char *from_machine, u64 *size, struct err *e)
{
    const char *id = from_machine;
    unsigned nodes = 0;
    for (size_t i = 0; i < c->numa.n; i++) {
        if (!numa_read(c->numa.v[i], &id, &nodes, e)) {
            err_prefix(e, "-numa %s", c->numa.v[i]);
            return false;
        }
    }
    return !id || memory_take(id, c->memory.n ? *size : 0, size, e);
}
