/* -device loader: bytes of a file, or a number, that stand in memory after each reset, and where a processor starts
 * (QEMU's manual, "Generic Loader"). It is no device: nothing of it is left once the machine runs.
 *
 * An ELF file goes where its segments say, any other file to addr=; with cpu-num= that processor starts at the entry
 * point, or at addr=. Left out: files in Intel hex. */
#include <string.h>

#include "base/bits.h"
#include "hw/core/loader.h"
#include "system/system.h"

struct start {
    unsigned cpu;
    u64 pc;
    struct start *next;
};
static struct start *starts;

const struct opt_key loader_keys[] = {
    {"file", "FILE", "what is loaded: ELF, or bytes for addr="},
    {"addr", "ADDRESS", "where"},
    {"force-raw", "on|off", "take an ELF file as bytes"},
    {"data", "NUMBER", "a number instead of a file"},
    {"data-len", "BYTES", "its length, 1 to 8"},
    {"data-be", "on|off", "its bytes are in big-endian order"},
    {"cpu-num", "N", "the processor that starts there"},
    {0},
};

static bool data_load(struct machine *m, struct opts *o, u64 addr, struct err *e)
{
    u64 v = 0, len = 0;
    bool big = false;
    if (!opts_num(o, "data", &v, e) || !opts_num(o, "data-len", &len, e) || !opts_bool(o, "data-be", &big, e)) {
        return false;
    }
    if (!len || len > 8) {
        return err_set(e, "data= wants data-len=, 1 to 8 bytes");
    }
    if (len < 8 && v >> (8 * len)) {
        return err_set(e, "data=0x%llx does not fit into data-len=%u", (unsigned long long)v, (unsigned)len);
    }
    u8 *p = malloc(8);
    must(p);
    stnle(p, 8, big ? __builtin_bswap64(v) >> (64 - 8 * len) : v);
    loader_add(m, "loader data", addr, p, len, len);
    return true;
}

static bool is_elf(const struct image_file *f)
{
    static const char magic[] = {0x7f, 'E', 'L', 'F'};
    return f->len > sizeof(magic) && !memcmp(f->data, magic, sizeof(magic));
}

/* *pc: where an ELF file wants to be entered; else it stays. */
static bool file_load(struct machine *m, struct opts *o, const char *path, u64 addr, u64 *pc, struct err *e)
{
    bool raw = false;
    struct image_file f;
    if (!opts_bool(o, "force-raw", &raw, e) || !image_map(&f, "file", path, e)) {
        return false;
    }
    if (!raw && is_elf(&f)) {
        struct kernel k;
        image_free(&f);
        if (!m->board->load_program || !m->board->load_program(m, path, &k, e)) {
            return err_set(e, "this board takes no programs");
        }
        *pc = k.entry;
        return true;
    }
    if (!opts_has(o, "addr")) {
        image_free(&f);
        return err_set(e, "'%s' is no ELF file, so addr= has to say where it goes", path);
    }
    loader_add_image(m, path, addr, &f);
    return true;
}

bool loader_device(struct machine *m, struct opts *o, struct err *e)
{
    u64 addr = 0, cpu = 0;
    const char *file = opts_str(o, "file", NULL);
    if (!opts_num(o, "addr", &addr, e) || !opts_num(o, "cpu-num", &cpu, e)) {
        return false;
    }
    u64 pc = addr;
    if (file && opts_has(o, "data")) {
        return err_set(e, "file= and data= cannot be used together");
    }
    if (!file && !opts_has(o, "data") && !opts_has(o, "cpu-num")) {
        return err_set(e, "expected one of file=, data= and cpu-num=");
    }
    if ((file && !file_load(m, o, file, addr, &pc, e)) || (opts_has(o, "data") && !data_load(m, o, addr, e))) {
        return false;
    }
    if (opts_has(o, "cpu-num")) {
        struct start *s = calloc(1, sizeof(*s));
        must(s);
        *s = (struct start){.cpu = (unsigned)cpu, .pc = pc, .next = starts};
        starts = s;
        if (cpu >= m->ncpus) {
            return err_set(e, "cpu-num=%llu: the last processor is %u", (unsigned long long)cpu, m->ncpus - 1);
        }
    }
    opts_ignore(o, "driver,id");
    return opts_all_used(o, "-device loader", loader_keys, e);
}

void loader_starts(struct machine *m)
{
    for (const struct start *s = starts; s; s = s->next) {
        m->cpus[s->cpu]->rt.pc = s->pc;
    }
}
