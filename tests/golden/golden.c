/* The golden runner: files of IR with what becomes of it.
 *
 *   ; run: build dce compact      a case: the passes, in order
 *   insn 0x0, 4                   IR in
 *   ...
 *   ; expect:                     IR out
 *   ...
 *
 * A file holds any number of cases; text before the first is kept. `golden [--bless] PATH...` takes files and folders;
 * --bless rewrites the expected parts. Each pass is also run against the interpreter: on random states, the trace must
 * do the same before and after it. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tcg/opt/opt.h"
#include "tcg/text.h"
#include "tests/diff/ir_random.h"

static struct ir trace, other;
static struct ir_cpu start, one, two;
static unsigned failures, cases;

/* -- passes -------------------------------------------------------------------------------------------------------- */

static void pass_build(struct ir *ir)
{
    ir_rebuild(&other, ir);
    *ir = other;
}
static const struct pass {
    const char *name;
    void (*run)(struct ir *);
} passes[] = {
    {"build", pass_build}, {"dce", opt_dead_code}, {"compact", opt_compact}, {"opt", opt_run}, {NULL, NULL},
};

static bool same_meaning(const struct ir *a, const struct ir *b, struct buf *why)
{
    struct rng r = {a->nops};
    for (unsigned i = 0; i < 50; i++) {
        ir_cpu_random(&start, &r);
        one = two = start;
        struct ir_outcome oa = ir_cpu_interp(a, &one), ob = ir_cpu_interp(b, &two);
        if (!ir_cpu_same(&one, &oa, &two, &ob, ~0u, why)) {
            return false;
        }
    }
    return true;
}

static bool run_pass(const char *name, size_t n, struct err *e)
{
    static struct ir before;
    struct buf why = {0};
    const struct pass *p = passes;
    while (p->name && (strlen(p->name) != n || strncmp(p->name, name, n))) {
        p++;
    }
    if (!p->name) {
        return err_set(e, "no pass '%.*s'", (int)n, name);
    }
    before = trace;
    p->run(&trace);
    if (!ir_verify(&trace, e)) {
        err_prefix(e, "after %s", p->name);
        return false;
    }
    return same_meaning(&before, &trace, &why) || err_set(e, "%s changed the meaning:\n%s", p->name, (char *)why.data);
}

/* The words of "; run: ..." up to `end`. */
static bool run_passes(const char *p, const char *end, struct err *e)
{
    while (p < end) {
        size_t n = strcspn(p, " \n");
        if (n && !run_pass(p, n, e)) {
            return false;
        }
        p += n + 1;
    }
    return true;
}

/* -- cases ------------------------------------------------------------------------------------------------------- */

static const char run_mark[] = "; run:", expect_mark[] = "; expect:";

/* The next line that starts with `mark`, or the end of the text. */
static const char *find_line(const char *p, const char *mark)
{
    while (*p && strncmp(p, mark, strlen(mark))) {
        p = strchrnul(p, '\n');
        p += *p == '\n';
    }
    return p;
}
static const char *next_line(const char *p)
{
    p = strchrnul(p, '\n');
    return p + (*p == '\n');
}

/* Lines of one text that are not in the other, between what both begin and end with. */
static void print_difference(const char *want, size_t nwant, const char *got, size_t ngot)
{
    size_t head = 0, tail = 0;
    while (head < nwant && head < ngot && want[head] == got[head]) {
        head++;
    }
    while (head && want[head - 1] != '\n') {
        head--;
    }
    while (tail < nwant - head && tail < ngot - head && want[nwant - 1 - tail] == got[ngot - 1 - tail]) {
        tail++;
    }
    while (tail && want[nwant - tail - 1] != '\n') {
        tail--;
    }
    printf("expected:\n%.*s", (int)(nwant - head - tail), want + head);
    printf("got:\n%.*s", (int)(ngot - head - tail), got + head);
}

/* Runs the case at `p`; appends it, with the outcome as expectation, to out. Returns where it ends. */
static const char *run_case(const char *file, const char *p, struct buf *out)
{
    const char *body = next_line(p), *expect = find_line(body, expect_mark),
               *end = find_line(next_line(expect), run_mark);
    const char *want = next_line(expect);
    struct buf text = {0}, got = {0};
    struct err e = {""};
    buf_put(&text, body, (size_t)(expect - body));
    ir_init(&trace, &ir_cpu_target, 0, 12);
    bool ok =
        ir_parse(&trace, (char *)text.data, &e) && ir_verify(&trace, &e) && run_passes(p + strlen(run_mark), body, &e);
    cases++;
    buf_put(out, p, (size_t)(expect - p));
    if (!ok) {
        printf("%s: %s\n%.*s", file, e.msg, (int)(expect - p), p);
        buf_put(out, expect, (size_t)(end - expect));
    } else {
        ir_print(&trace, &got);
        size_t nwant = (size_t)(end - want);
        while (nwant && want[nwant - 1] == '\n' && (nwant < 2 || want[nwant - 2] == '\n')) {
            nwant--; /* empty lines before the next case */
        }
        ok = nwant == got.len && memcmp(want, got.data, nwant) == 0;
        if (!ok) {
            printf("%s:\n%.*s", file, (int)(expect - p), p);
            print_difference(want, nwant, (char *)got.data, got.len);
        }
        buf_printf(out, "%s\n%s%s", expect_mark, (char *)got.data, *end ? "\n" : "");
    }
    failures += !ok;
    buf_free(&text);
    buf_free(&got);
    return end;
}

/* -- files ------------------------------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "rb");
    char chunk[4096];
    size_t n;
    if (!f) {
        return false;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        buf_put(b, chunk, n);
    }
    fclose(f);
    return b->data;
}

static void run_file(const char *path, bool bless)
{
    struct buf in = {0}, out = {0};
    if (!read_file(path, &in)) {
        printf("%s: %s\n", path, strerror(errno));
        failures++;
        return;
    }
    const char *p = find_line((char *)in.data, run_mark);
    buf_put(&out, in.data, (size_t)(p - (char *)in.data));
    unsigned failed_before = failures;
    while (*p) {
        p = run_case(path, p, &out);
    }
    if (bless && failures > failed_before) {
        FILE *f = fopen(path, "wb");
        must(f && fwrite(out.data, 1, out.len, f) == out.len && fclose(f) == 0);
        printf("%s: blessed\n", path);
    }
    buf_free(&in);
    buf_free(&out);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_path(const char *path, bool bless)
{
    struct dirent **names;
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
        run_file(path, bless);
        return;
    }
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(names[i]->d_name, '.');
        if (dot && !strcmp(dot, ".ir")) {
            char file[4096];
            snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
            run_file(file, bless);
        }
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    bool bless = argc > 1 && !strcmp(argv[1], "--bless");
    for (int i = 1 + bless; i < argc; i++) {
        run_path(argv[i], bless);
    }
    printf("golden: %u cases, %u failed\n", cases, failures);
    return failures || !cases;
}
