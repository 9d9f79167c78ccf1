/* Fewer steps that fail too: runs of steps are left out, long ones first, then single ones. */
#include <glib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { TRIES_MAX = 2000 };

struct shrink {
    struct tape *program, *scratch;
    u8 *keep;
    u64 n;
    unsigned tries;
};

static bool fails(struct shrink *s)
{
    s->tries++;
    return child_replay(s->scratch, s->program, s->keep, true).verdict == RUN_FAILED;
}

/* Leaves out `len` kept steps from the k-th kept on; says how many there were. */
static u64 leave_out(struct shrink *s, u64 first, u64 len, u8 *out)
{
    u64 n = 0, kept = 0;
    for (u64 i = 0; i < s->n && n < len; i++) {
        if (out[i] && kept++ >= first) {
            out[i] = 0;
            n++;
        }
    }
    return n;
}

/* From the end, as what comes last matters most and what comes early often nothing. */
static bool pass(struct shrink *s, u64 len)
{
    bool any = false;
    u64 total = 0;
    for (u64 i = 0; i < s->n; i++) {
        total += s->keep[i];
    }
    for (u64 first = total; first > 0 && s->tries < TRIES_MAX;) {
        first = first > len ? first - len : 0;
        u8 *old = g_memdup2(s->keep, s->n);
        leave_out(s, first, len, s->keep);
        if (fails(s)) {
            any = true;
        } else {
            memcpy(s->keep, old, s->n);
        }
        g_free(old);
    }
    return any;
}

/* What is kept becomes the program. */
static void apply(struct shrink *s)
{
    struct step step;
    u64 n = 0;
    tape_clear(s->scratch);
    for (u64 at = 0; tape_next(s->program, &at, &step); n++) {
        if (s->keep[n]) {
            tape_add(s->scratch, &step);
        }
    }
    memcpy(s->program->bytes, s->scratch->bytes, s->scratch->used);
    s->program->used = s->scratch->used;
    s->program->nsteps = s->scratch->nsteps;
}

void shrink(struct tape *program, struct tape *scratch)
{
    struct shrink s = {.program = program, .scratch = scratch, .n = program->nsteps};
    s.keep = g_malloc(s.n + 1);
    memset(s.keep, 1, s.n);
    if (!fails(&s)) {
        fprintf(stderr, "fuzz: its steps alone do not fail: nothing to shrink\n");
        g_free(s.keep);
        return;
    }
    u64 len = s.n / 2;
    while (len >= 1 && s.tries < TRIES_MAX) {
        bool any = pass(&s, len);
        len = len > 1 ? len / 2 : any ? 1 : 0;
    }
    apply(&s);
    g_free(s.keep);
}
