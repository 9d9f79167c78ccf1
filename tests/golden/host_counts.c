/* Golden counts: how many host instructions fixed A64 snippets become.
 *
 *   name
 *       f8408402  ldr x2, [x0], #8        words of A64 code; the text is for readers
 *       ...
 *   > hot 12 cold 5 bytes 160             what it becomes; no-operations do not count
 *
 * `host_counts [--bless] FILE` compiles each snippet as one trace, for a processor that has everything (nothing of it
 * runs), and compares; --bless rewrites the lines with ">". A change of code quality shows as a difference here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/arm/a64/a64.h"
#include "tcg/host/x86_64/x_priv.h"
#include "tcg/opt/opt.h"

enum { START = 0x400, CODE = 1 << 18, MAPS = 1 << 16, LINE = 256, MAX_INSNS = 64 };

static u8 code[CODE] __attribute__((aligned(4096))), map[MAPS], page[1 << TLB_PAGE_BITS];
static struct ir ir;
static struct host_thunks thunks;
static u32 thunks_len;

static void set_up(void)
{
    static const struct rt_funcs none;
    memset(&x_cpu, true, sizeof(x_cpu)); /* nothing but flags */
    thunks_len = host_x86_64.make_thunks(code, code, CODE / 4, &arm_ir_target, &none, false, &thunks);
    must(thunks_len);
}

static void compile(const u32 *insns, unsigned n, struct gen_out *out)
{
    for (unsigned k = 0; k < n; k++) {
        st32le(page + START + 4 * k, insns[k]);
    }
    struct tr_request rq = {.mode = (u64)arm_features_id(~0ull) << MODE_FEAT_SHIFT | MODE_SP_CHECK,
                            .page = page,
                            .off = START,
                            .max_insns = n,
                            .follow = true};
    struct tr_result rs = {.start = START, .end = START};
    ir_init(&ir, &arm_ir_target, START, TLB_PAGE_BITS);
    a64_translate(&ir, &rq, &rs);
    opt_run(&ir);
    static const struct rt_funcs none;
    struct gen_config cfg = {.target = &arm_ir_target, .funcs = &none, .thunks = &thunks, .block_id = 1};
    u32 at = (u32)align_up(thunks_len, 64);
    *out = (struct gen_out){.rw = code + at, .rx = code + at, .cap = CODE - at, .map = map, .map_cap = MAPS};
    must(host_x86_64.compile(&ir, &cfg, out));
}

static unsigned count(const struct gen_out *out, u32 from, u32 to)
{
    unsigned n = 0;
    char text[160];
    while (from < to) {
        int len = host_x86_64.disas(text, sizeof(text), from, out->rw + from, to - from);
        if (len <= 0) {
            break;
        }
        n += strncmp(text, "nop", 3) != 0;
        from += (u32)len;
    }
    return n;
}

static void measure(const u32 *insns, unsigned n, char *line)
{
    struct gen_out out;
    compile(insns, n, &out);
    snprintf(line, LINE, "> hot %u cold %u bytes %u\n", count(&out, 0, out.hot_len),
             count(&out, out.hot_len, out.text_len), out.code_len);
}

/* Copies the file to `to` with the lines as they are now; returns how many differ. */
static unsigned run_file(FILE *in, FILE *to)
{
    char line[LINE], name[LINE] = "", now[LINE];
    u32 insns[MAX_INSNS];
    unsigned n = 0, differ = 0;
    while (fgets(line, LINE, in)) {
        if (line[0] == ' ' && n < MAX_INSNS) {
            insns[n++] = (u32)strtoul(line, NULL, 16);
        } else if (line[0] == '>') {
            must(n);
            measure(insns, n, now);
            if (strcmp(line, now) != 0) {
                printf("%.*s\n-%s+%s", (int)strcspn(name, "\n"), name, line, now);
                differ++;
            }
            fputs(now, to);
            n = 0;
            continue;
        } else {
            memcpy(name, line, LINE);
        }
        fputs(line, to);
    }
    return differ;
}

int main(int argc, char **argv)
{
    bool bless = argc == 3 && !strcmp(argv[1], "--bless");
    const char *path = argv[argc - 1];
    FILE *in = argc >= 2 ? fopen(path, "r") : NULL;
    if (!in) {
        fprintf(stderr, "usage: host_counts [--bless] FILE\n");
        return 2;
    }
    set_up();
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    unsigned differ = run_file(in, to);
    fclose(in);
    fclose(to);
    if (bless) {
        FILE *f = fopen(path, "w");
        must(f && fwrite(text, 1, size, f) == size && fclose(f) == 0);
    } else if (differ) {
        printf("%u counts differ; if that is right: host_counts --bless %s\n", differ, path);
    }
    free(text);
    return differ && !bless;
}
