/* Compares the A64 front end with another implementation of the architecture, one instruction at a time. A developer's
 * tool, not part of the build or its tests: see README.md.
 *
 * compare [-n CASES] [-s SEED] [-r RANDOM] [-p PATTERN] [-m SHOWN] [-c] [-g GOLDEN] PEER...
 *
 * PEER... is the command that runs peer.c's program; the file of cases is appended to it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/arm/a64/a64.h"
#include "target/arm/a64/helpers_simd.h"
#include "tests/diff/a64_peer/case.h"
#include "tests/unit/a64_one.h"

static u64 seed = 1;
static u64 rnd(void)
{
    return peer_random(&seed);
}

/* -- cases ------------------------------------------------------------------------------------------------------- */

static struct peer_case *cases;
static size_t ncases;

static void add_case(u32 insn)
{
    static const u32 rmodes = 3u << 22;
    u32 fpcr = 0;
    switch (rnd() & 7) {
    case 0:
    case 1:
    case 2:
        break;
    case 3:
        fpcr = (u32)rnd() & (rmodes | 1u << 25);
        break;
    default:
        fpcr = (u32)rnd() & (rmodes | 1u << 19 | 7u << 24);
        break;
    }
    if ((ncases & (ncases - 1)) == 0) {
        cases = realloc(cases, (ncases ? 2 * ncases : 1) * sizeof(*cases));
        must(cases);
    }
    cases[ncases++] = (struct peer_case){.insn = insn, .fpcr = fpcr, .seed = rnd()};
}

/* Rd and Rn, which may be general registers, are none of the runner's own. */
static bool registers_ok(u32 insn)
{
    u32 rd = insn & 31, rn = insn >> 5 & 31;
    return (rd < PEER_NX || rd == 31) && (rn < PEER_NX || rn == 31);
}
static bool add_pattern(const struct pattern *p)
{
    for (unsigned tries = 0; tries < 100000; tries++) {
        u32 insn = p->fixed | (~p->mask & (u32)rnd());
        if (registers_ok(insn) && pattern_allows(p, insn)) {
            add_case(insn);
            return true;
        }
    }
    return false;
}
/* QEMU 7.2 stops at some unallocated half-precision words, runs others, and has SM3 and SM4. */
static bool peer_oddity(u32 insn)
{
    bool half_misc = (insn & 0x8f7e0c00) == 0x0e780800 || (insn & 0xdf7e0c00) == 0x5e780800;
    bool half_across = (insn & 0x8f7ecc00) == 0x0e70c800, half_fmov = (insn & 0xbff8fc00) == 0x2f00fc00;
    return (half_misc || half_across || half_fmov || insn >> 24 == 0xce) && !a64_find(insn);
}
/* Any word of the encoding group, allocated or not. */
static void add_random(void)
{
    u32 insn;
    do {
        insn = ((u32)rnd() & ~(7u << 25)) | 7u << 25;
    } while (!registers_ok(insn) || peer_oddity(insn));
    add_case(insn);
}

/* -- answers ----------------------------------------------------------------------------------------------------- */

static FILE *ask(char **peer, const char *file)
{
    char cmd[4096] = "";
    for (; *peer; peer++) {
        strncat(cmd, *peer, sizeof(cmd) - strlen(cmd) - 1);
        strncat(cmd, " ", sizeof(cmd) - strlen(cmd) - 1);
    }
    strncat(cmd, file, sizeof(cmd) - strlen(cmd) - 1);
    FILE *f = popen(cmd, "r");
    must(f);
    return f;
}

static void to_one(struct one_state *st, const struct peer_state *p)
{
    memset(st, 0, sizeof(*st));
    memcpy(st->x, p->x, sizeof(p->x));
    memcpy(st->v, p->v, sizeof(p->v));
    st->nzcv = (u32)p->nzcv;
    st->fpcr = (u32)p->fpcr;
    st->fpsr = (u32)p->fpsr;
}

static void print_inputs(FILE *f, const struct one_state *st, const struct one_used *u)
{
    for (unsigned i = 0; i < 31; i++) {
        if (u->x_in >> i & 1) {
            fprintf(f, " x%u=%llx", i, (unsigned long long)st->x[i]);
        }
    }
    for (unsigned i = 0; i < 32; i++) {
        if (u->v_in >> i & 1) {
            fprintf(f, " v%u=%016llx:%016llx", i, (unsigned long long)st->v[i].d[1], (unsigned long long)st->v[i].d[0]);
        }
    }
    if (u->nzcv_in) {
        fprintf(f, " nzcv=%x", st->nzcv >> 28);
    }
    if (st->fpcr) {
        fprintf(f, " fpcr=%x", st->fpcr);
    }
}
static void print_outputs(FILE *f, const struct one_state *st, const struct one_used *u)
{
    struct one_used out = {.x_in = u->x_out, .v_in = u->v_out, .nzcv_in = u->nzcv_out};
    struct one_state s = *st;
    s.fpcr = 0;
    fprintf(f, " ->");
    print_inputs(f, &s, &out);
    if (st->fpsr) {
        fprintf(f, " fpsr=%x", st->fpsr);
    }
}

struct tally {
    unsigned good, bad, undefined;
};
static unsigned max_shown = 3;

static void compare(const struct peer_case *c, const struct peer_state *peer, struct tally *t, const char *name,
                    FILE *golden)
{
    struct peer_state start;
    struct one_state in, got, want;
    struct one_used u = {0};
    peer_fill(&start, c);
    to_one(&in, &start);
    got = in;
    to_one(&want, peer);
    bool defined = one_run(c->insn, &got, &u);
    want.fpcr = got.fpcr;
    bool same = defined == !peer->undefined && (!defined || !memcmp(&got, &want, sizeof(got)));
    t->undefined += !defined;
    t->good += same;
    t->bad += !same;
    if (!same && t->bad <= max_shown) {
        printf("%s %08x", name, c->insn);
        if (defined == !peer->undefined) {
            print_inputs(stdout, &in, &u);
            printf("\n    got ");
            print_outputs(stdout, &got, &u);
            printf("\n    want");
            print_outputs(stdout, &want, &u);
            printf("\n");
        } else {
            printf(" %s here\n", defined ? "defined" : "undefined");
        }
    }
    if (golden && same && defined) {
        fprintf(golden, "%s %08x", name, c->insn);
        print_inputs(golden, &in, &u);
        print_outputs(golden, &want, &u);
        fprintf(golden, "\n");
    }
}

/* -- all of it --------------------------------------------------------------------------------------------------- */

static const char *name_of(u32 insn)
{
    const struct pattern *p = a64_find(insn);
    return p ? p->name : "(none)";
}

static unsigned run(char **peer, struct tally *tally, const u16 *pattern_of, FILE *golden)
{
    char file[] = "/tmp/a64_peer.XXXXXX";
    int fd = mkstemp(file);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    must(f && fwrite(cases, sizeof(*cases), ncases, f) == ncases && fclose(f) == 0);
    FILE *answers = ask(peer, file);
    unsigned bad = 0, undefined = 0;
    for (size_t i = 0; i < ncases; i++) {
        struct peer_state st;
        if (fread(&st, sizeof(st), 1, answers) != 1) {
            fprintf(stderr, "the peer stopped at case %zu: %08x\n", i, cases[i].insn);
            unlink(file);
            exit(1);
        }
        struct tally *t = &tally[pattern_of[i]];
        compare(&cases[i], &st, t, name_of(cases[i].insn), golden);
    }
    pclose(answers);
    unlink(file);
    for (unsigned i = 0; i <= a64_npatterns; i++) {
        if (tally[i].bad) {
            const char *name = i < a64_npatterns ? a64_patterns[i].name : "(random words)";
            printf("%-12s %u of %u differ\n", name, tally[i].bad, tally[i].good + tally[i].bad);
            bad += tally[i].bad;
        }
        undefined += tally[i].undefined;
    }
    printf("%zu cases, %u of them undefined, %u differ\n", ncases, undefined, bad);
    return bad;
}

int main(int argc, char **argv)
{
    unsigned n = 100, nrandom = 0;
    const char *only = NULL;
    FILE *golden = NULL;
    for (int c; (c = getopt(argc, argv, "+n:s:r:p:g:m:c")) != -1;) {
        switch (c) {
        case 'n':
            n = (unsigned)atoi(optarg);
            break;
        case 's':
            seed = strtoull(optarg, NULL, 0);
            break;
        case 'r':
            nrandom = (unsigned)atoi(optarg);
            break;
        case 'p':
            only = optarg;
            break;
        case 'm':
            max_shown = (unsigned)atoi(optarg);
            break;
        case 'c':
            arm_crypto_without_host();
            break;
        case 'g':
            golden = fopen(optarg, "w");
            must(golden);
            break;
        default:
            return 2;
        }
    }
    one_init();
    printf("seed %llu\n", (unsigned long long)seed);
    u16 *pattern_of = malloc(sizeof(u16) * ((size_t)n * a64_npatterns + nrandom + 1));
    struct tally *tally = calloc(a64_npatterns + 1, sizeof(*tally));
    must(pattern_of && tally);
    for (unsigned i = 0; i < a64_npatterns; i++) {
        const struct pattern *p = &a64_patterns[i];
        bool wanted = (p->klass == A64_simd || p->klass == A64_fp) && (!only || !strncmp(p->name, only, strlen(only)));
        for (unsigned k = 0; wanted && k < n; k++) {
            pattern_of[ncases] = (u16)i;
            if (!add_pattern(p)) {
                printf("%s: no instruction found\n", p->name);
            }
        }
    }
    for (unsigned k = 0; k < nrandom; k++) {
        pattern_of[ncases] = (u16)a64_npatterns;
        add_random();
    }
    unsigned bad = run(argv + optind, tally, pattern_of, golden);
    if (golden) {
        fclose(golden);
    }
    return bad != 0;
}
