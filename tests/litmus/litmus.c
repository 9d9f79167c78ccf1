/* Litmus tests of memory ordering, exclusives and atomics, run by several cpus for a while each. Bare metal: start.S.
 *
 * Ordering tests run one program a cpu over an array of places, thousands of times, and look for the outcome that
 * DDI 0487 B2.3 forbids. Others keep an invariant under fire. Exit status: 0, or the number of the test that failed.
 *
 * NCPUS: cpus that take part. MS: milliseconds a test. */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

void guest_exit(u64 status) __attribute__((noreturn));
void secondary_entry(void);
u64 exclusive_across_svc(u64 *p);
u64 exclusive_across_clrex(u64 *p);
static void fail(void) __attribute__((noreturn));

#define ALIGNED(n) __attribute__((aligned(n)))
enum { PLACES = 256 };

static volatile u32 current; /* the test that runs */

static void fail(void)
{
    guest_exit(current);
}

/* -- instructions -------------------------------------------------------------------------------------------------- */

static u64 now(void)
{
    u64 v;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v)::"memory");
    return v;
}
static u64 frequency(void)
{
    u64 v;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(v));
    return v;
}
static int has_lse(void)
{
    u64 v;
    __asm__ volatile("mrs %0, id_aa64isar0_el1" : "=r"(v));
    return (v >> 20 & 15) >= 2;
}
static u32 ld(volatile u32 *p)
{
    u32 v;
    __asm__ volatile("ldr %w0, %1" : "=r"(v) : "Q"(*p) : "memory");
    return v;
}
static void st(volatile u32 *p, u32 v)
{
    __asm__ volatile("str %w1, %0" : "=Q"(*p) : "r"(v) : "memory");
}
static u32 ldar(volatile u32 *p)
{
    u32 v;
    __asm__ volatile("ldar %w0, %1" : "=r"(v) : "Q"(*p) : "memory");
    return v;
}
static void stlr(volatile u32 *p, u32 v)
{
    __asm__ volatile("stlr %w1, %0" : "=Q"(*p) : "r"(v) : "memory");
}
static void dmb(void)
{
    __asm__ volatile("dmb ish" ::: "memory");
}
static u32 add_ex(volatile u32 *p, u32 n)
{
    u32 v, failed;
    __asm__ volatile("1: ldaxr %w0, %2\n add %w0, %w0, %w3\n stlxr %w1, %w0, %2\n cbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed), "+Q"(*p)
                     : "r"(n)
                     : "memory");
    return v;
}
static u64 ldxr64(volatile u64 *p)
{
    u64 v;
    __asm__ volatile("ldxr %0, %1" : "=r"(v) : "Q"(*p) : "memory");
    return v;
}
static u32 stxr64(volatile u64 *p, u64 v)
{
    u32 failed;
    __asm__ volatile("stxr %w0, %2, %1" : "=&r"(failed), "=Q"(*p) : "r"(v) : "memory");
    return failed;
}

/* -- running a test on all cpus ------------------------------------------------------------------------------------ */

static volatile u32 arrived ALIGNED(64), generation ALIGNED(64);

static void barrier(void)
{
    u32 g = ldar(&generation);
    if (add_ex(&arrived, 1) == NCPUS) {
        st(&arrived, 0);
        stlr(&generation, g + 1);
        __asm__ volatile("dsb ish\n sev");
    } else {
        while (ldar(&generation) == g) {
            __asm__ volatile("wfe");
        }
    }
}

static volatile u32 stop ALIGNED(64);
static u64 deadline;

/* Cpu 0 says when the time of a test is over; the others ask in step, and all have the answer before it may change. */
static int time_left(u32 cpu)
{
    if (cpu == 0 && now() > deadline) {
        stlr(&stop, 1);
    }
    barrier();
    int left = !ldar(&stop);
    barrier();
    return left;
}

/* -- ordering ------------------------------------------------------------------------------------------------------ */

static struct {
    volatile u32 x;
    u32 pad[31];
    volatile u32 y;
    u32 pad2[31];
} place[PLACES] ALIGNED(128);
static volatile u32 out[4][PLACES];

/* One program a cpu: what it does at place i. Two results a cpu fit into out: low and high half. */
struct program {
    void (*cpu[4])(u32 i);
    int (*forbidden)(u32 i);
    u32 ncpus;
};

static void run_program(const struct program *p, u32 cpu)
{
    do {
        for (u32 i = cpu; i < PLACES; i += NCPUS) {
            place[i].x = place[i].y = 0;
            out[0][i] = out[1][i] = out[2][i] = out[3][i] = 0;
        }
        dmb();
        barrier();
        for (u32 i = 0; i < PLACES && cpu < p->ncpus; i++) {
            p->cpu[cpu](i);
        }
        dmb();
        barrier();
        for (u32 i = cpu; i < PLACES; i += NCPUS) {
            if (p->forbidden(i)) {
                fail();
            }
        }
    } while (time_left(cpu));
}

#define X                  &place[i].x
#define Y                  &place[i].y
#define TWO(first, second) (out[0][i] |= (first), (void)(second))

static void mp_write_rel(u32 i)
{
    st(X, 1);
    stlr(Y, 1);
}
static void mp_read_acq(u32 i)
{
    u32 a = ldar(Y), b = ld(X);
    out[1][i] = a << 1 | b;
}
static void mp_write_dmb(u32 i)
{
    st(X, 1);
    dmb();
    st(Y, 1);
}
static void mp_read_dmb(u32 i)
{
    u32 a = ld(Y);
    dmb();
    u32 b = ld(X);
    out[1][i] = a << 1 | b;
}
static int mp_forbidden(u32 i)
{
    return out[1][i] == 2;
}
static void sb0_ra(u32 i)
{
    stlr(X, 1);
    out[0][i] = ldar(Y);
}
static void sb1_ra(u32 i)
{
    stlr(Y, 1);
    out[1][i] = ldar(X);
}
static void sb0_dmb(u32 i)
{
    st(X, 1);
    dmb();
    out[0][i] = ld(Y);
}
static void sb1_dmb(u32 i)
{
    st(Y, 1);
    dmb();
    out[1][i] = ld(X);
}
static int sb_forbidden(u32 i)
{
    return !out[0][i] && !out[1][i];
}
static void lb0(u32 i)
{
    out[0][i] = ldar(X);
    stlr(Y, 1);
}
static void lb1(u32 i)
{
    out[1][i] = ldar(Y);
    stlr(X, 1);
}
static int lb_forbidden(u32 i)
{
    return out[0][i] && out[1][i];
}
/* Exclusives as the only ordering: SB through a read-modify-write with release and a load-acquire. */
static void sbx0(u32 i)
{
    add_ex(X, 1);
    out[0][i] = ldar(Y);
}
static void sbx1(u32 i)
{
    add_ex(Y, 1);
    out[1][i] = ldar(X);
}
static void iriw0(u32 i)
{
    stlr(X, 1);
}
static void iriw1(u32 i)
{
    stlr(Y, 1);
}
static void iriw2(u32 i)
{
    u32 a = ldar(X), b = ldar(Y);
    out[2][i] = a << 1 | b;
}
static void iriw3(u32 i)
{
    u32 a = ldar(Y), b = ldar(X);
    out[3][i] = a << 1 | b;
}
static int iriw_forbidden(u32 i)
{
    return out[2][i] == 2 && out[3][i] == 2;
}

static const struct program mp_ra = {{mp_write_rel, mp_read_acq}, mp_forbidden, 2};
static const struct program mp_dmb = {{mp_write_dmb, mp_read_dmb}, mp_forbidden, 2};
static const struct program sb_ra = {{sb0_ra, sb1_ra}, sb_forbidden, 2};
static const struct program sb_dmb = {{sb0_dmb, sb1_dmb}, sb_forbidden, 2};
static const struct program sb_ex = {{sbx0, sbx1}, sb_forbidden, 2};
static const struct program lb = {{lb0, lb1}, lb_forbidden, 2};
static const struct program iriw = {{iriw0, iriw1, iriw2, iriw3}, iriw_forbidden, 4};

/* -- exclusives against stores that put the old value back --------------------------------------------------------- */

static struct {
    volatile u64 word, beside[6];
    u8 last[8];
} aba ALIGNED(64);
static volatile u32 rounds ALIGNED(64);
static volatile u32 watching ALIGNED(64);

enum aba_kind { ABA_STR, ABA_SILENT, ABA_BESIDE, ABA_STP, ABA_VECTOR, ABA_ZVA, ABA_EX, ABA_SWP, ABA_KINDS };

/* The word is 0 before and after. */
static void aba_store(enum aba_kind k)
{
    volatile u64 *p = &aba.word;
    u64 one = 1, old;
    u32 failed;
    switch (k) {
    case ABA_STR:
        __asm__ volatile("str %1, %0\n str xzr, %0" : "=Q"(*p) : "r"(one) : "memory");
        break;
    case ABA_SILENT:
        __asm__ volatile("str xzr, %0" : "=Q"(*p)::"memory");
        break;
    case ABA_BESIDE:
        __asm__ volatile("strb wzr, %0" : "=Q"(aba.last[7])::"memory");
        break;
    case ABA_STP:
        __asm__ volatile("stp %1, xzr, [%0]\n stp xzr, xzr, [%0]" ::"r"(p), "r"(one) : "memory");
        break;
    case ABA_VECTOR:
        __asm__ volatile("movi v0.16b, #0\n str q0, [%0]" ::"r"(p) : "memory", "v0");
        break;
    case ABA_ZVA:
        __asm__ volatile("dc zva, %0" ::"r"(p) : "memory");
        break;
    case ABA_EX:
        __asm__ volatile("1: ldxr %0, %2\n add %0, %0, #1\n stxr %w1, %0, %2\n cbnz %w1, 1b\n"
                         "2: ldxr %0, %2\n sub %0, %0, #1\n stxr %w1, %0, %2\n cbnz %w1, 2b"
                         : "=&r"(old), "=&r"(failed), "+Q"(*p)::"memory");
        break;
    default:
        if (has_lse()) {
            __asm__ volatile(".arch_extension lse\n swp %2, %0, %1\n swp xzr, %0, %1"
                             : "=&r"(old), "+Q"(*p)
                             : "r"(one)
                             : "memory");
        } else {
            __asm__ volatile("str %1, %0\n str xzr, %0" : "=Q"(*p) : "r"(one) : "memory");
        }
    }
}

static void aba_writer(enum aba_kind k)
{
    while (!ldar(&stop)) {
        aba_store(k);
        dmb();
        st(&rounds, rounds + 1);
    }
}

/* Watches the word, waits until the writer has surely been there, and must not get its store through. */
static void aba_reader(void)
{
    u64 beaten = 0;
    do {
        u64 v = ldxr64(&aba.word);
        u32 from = ldar(&rounds);
        for (u32 spins = 0; ldar(&rounds) - from < 2 && spins < 100000; spins++) {
        }
        u32 passed = ldar(&rounds) - from;
        if (!stxr64(&aba.word, v) && passed >= 2) {
            fail();
        }
        beaten += passed >= 2;
    } while (now() < deadline || (!beaten && now() < deadline + 20 * frequency()));
    stlr(&stop, 1);
    if (!beaten) {
        fail();
    }
}

static void aba_kind_run(u32 cpu, enum aba_kind k)
{
    if (cpu == 0) {
        aba_reader();
    } else if (cpu == 1) {
        aba_writer(k);
    }
    barrier();
    if (cpu == 0) { /* undisturbed, a store gets through soon */
        u32 tries = 0, failed;
        do {
            u64 v = ldxr64(&aba.word);
            watching = (u32)aba.beside[0];
            failed = stxr64(&aba.word, v);
        } while (failed && ++tries < 10);
        if (failed || aba.word) {
            fail();
        }
    }
}

/* -- a stack that only exact exclusives keep whole ----------------------------------------------------------------- */

enum { NODES = 8 };
static struct node {
    struct node *volatile next;
    volatile u32 owners;
    u32 pad[13];
} nodes[NODES] ALIGNED(64);
static struct node *volatile top ALIGNED(64);

static struct node *pop(void)
{
    struct node *n, *next;
    u32 failed;
    do {
        n = (struct node *)ldxr64((volatile u64 *)&top);
        if (!n) {
            __asm__ volatile("clrex");
            return n;
        }
        next = n->next;
        failed = stxr64((volatile u64 *)&top, (u64)next);
    } while (failed);
    dmb();
    return n;
}
static void push(struct node *n)
{
    u32 failed;
    do {
        struct node *old = (struct node *)ldxr64((volatile u64 *)&top);
        n->next = old;
        dmb();
        failed = stxr64((volatile u64 *)&top, (u64)n);
    } while (failed);
}

static void stack_run(u32 cpu)
{
    if (cpu == 0) {
        top = 0;
        for (u32 i = 0; i < NODES; i++) {
            nodes[i].owners = 0;
            push(&nodes[i]);
        }
    }
    barrier();
    do {
        for (u32 k = 0; k < 20; k++) {
            struct node *a = pop(), *b = pop();
            if (a && add_ex(&a->owners, 1) != 1) {
                fail();
            }
            if (b && add_ex(&b->owners, 1) != 1) {
                fail();
            }
            if (a) {
                add_ex(&a->owners, -1u);
                push(a);
            }
            if (b) {
                add_ex(&b->owners, -1u);
                push(b);
            }
        }
    } while (time_left(cpu));
    if (cpu == 0) {
        u32 n = 0;
        while (pop()) {
            n++;
        }
        if (n != NODES) {
            fail();
        }
    }
}

/* -- counters: no update is lost, in any size ---------------------------------------------------------------------- */

static struct {
    volatile u64 d;
    volatile u32 w;
    volatile u16 h;
    volatile u8 b;
    volatile u64 pair[2] ALIGNED(16);
    volatile u32 wpair[2] ALIGNED(8);
    volatile u64 casp[2] ALIGNED(16);
} count ALIGNED(64);
static volatile u64 done[8];

#define ADD_EX(sfx, r, p) \
    __asm__ volatile("1: ldaxr" sfx " %" r "0, %2\n add %" r "0, %" r "0, #1\n stlxr" sfx " %w1, %" r \
                     "0, %2\n cbnz %w1, 1b" \
                     : "=&r"(v), "=&r"(failed), "+Q"(p)::"memory")

static void add_pairs(void)
{
    u64 a, b;
    u32 failed;
    __asm__ volatile("1: ldaxp %0, %1, %3\n add %0, %0, #1\n sub %1, %1, #1\n stlxp %w2, %0, %1, %3\n cbnz %w2, 1b"
                     : "=&r"(a), "=&r"(b), "=&r"(failed), "+Q"(count.pair)::"memory");
    if (a + b) {
        fail();
    }
    __asm__ volatile(
        "1: ldxp %w0, %w1, %3\n add %w0, %w0, #1\n sub %w1, %w1, #1\n stxp %w2, %w0, %w1, %3\n cbnz %w2, 1b"
        : "=&r"(a), "=&r"(b), "=&r"(failed), "+Q"(count.wpair)::"memory");
    if ((u32)(a + b)) {
        fail();
    }
}
static void add_casp(void)
{
    for (;;) {
        register u64 lo __asm__("x0") = count.casp[0];
        register u64 hi __asm__("x1") = count.casp[1];
        register u64 nlo __asm__("x2") = lo + 1;
        register u64 nhi __asm__("x3") = -lo - 1;
        u64 was_lo = lo, was_hi = hi;
        __asm__ volatile(".arch_extension lse\n caspal x0, x1, x2, x3, %2"
                         : "+r"(lo), "+r"(hi), "+Q"(count.casp)
                         : "r"(nlo), "r"(nhi)
                         : "memory");
        if (lo + hi) {
            fail();
        }
        if (lo == was_lo && hi == was_hi) {
            return;
        }
    }
}

static void counters_run(u32 cpu)
{
    u64 mine = 0, v;
    u32 failed;
    if (cpu == 0) {
        count.d = count.w = count.h = count.b = 0;
        count.pair[0] = count.pair[1] = count.casp[0] = count.casp[1] = 0;
        count.wpair[0] = count.wpair[1] = 0;
    }
    barrier();
    do {
        for (u32 k = 0; k < 20; k++, mine++) {
            ADD_EX("", "x", count.d);
            ADD_EX("", "w", count.w);
            ADD_EX("h", "w", count.h);
            ADD_EX("b", "w", count.b);
            add_pairs();
            if (has_lse()) {
                add_casp();
            }
        }
    } while (time_left(cpu));
    done[cpu] = mine;
    dmb();
    barrier();
    if (cpu == 0) {
        u64 sum = 0;
        for (u32 i = 0; i < NCPUS; i++) {
            sum += done[i];
        }
        if (count.d != sum || count.w != (u32)sum || count.h != (u16)sum || count.b != (u8)sum ||
            count.pair[0] != sum || count.pair[1] != -sum || count.wpair[0] != (u32)sum ||
            (has_lse() && count.casp[0] != sum)) {
            fail();
        }
    }
}

/* -- a ticket lock ------------------------------------------------------------------------------------------------- */

static volatile u32 ticket ALIGNED(64), serving ALIGNED(64);
static volatile u64 guarded[4] ALIGNED(64);

static void lock_run(u32 cpu)
{
    do {
        for (u32 k = 0; k < 10; k++) {
            u32 mine = add_ex(&ticket, 1) - 1;
            while (ldar(&serving) != mine) {
                __asm__ volatile("wfe");
            }
            u64 v = guarded[0];
            for (u32 i = 1; i < 4; i++) {
                if (guarded[i] != v) {
                    fail();
                }
            }
            for (u32 i = 0; i < 4; i++) {
                guarded[i] = v + 1;
            }
            stlr(&serving, mine + 1);
        }
    } while (time_left(cpu));
    if (cpu == 0 && guarded[0] != ticket) {
        fail();
    }
}

static void local_run(u32 cpu)
{
    if (cpu == 0) {
        u64 word = 5;
        for (u32 i = 0; i < 1000; i++) {
            if (!exclusive_across_svc(&word) || !exclusive_across_clrex(&word)) {
                fail();
            }
        }
    }
}

/* -- the list ------------------------------------------------------------------------------------------------------ */

static void run_test(u32 n, u32 cpu)
{
    static const struct program *const programs[] = {&mp_ra, &mp_dmb, &sb_ra, &sb_dmb, &sb_ex, &lb, &iriw};
    enum { PROGRAMS = sizeof(programs) / sizeof(*programs) };
    if (n < PROGRAMS) {
        if (programs[n]->ncpus <= NCPUS) {
            run_program(programs[n], cpu);
        }
    } else if (n < PROGRAMS + ABA_KINDS) {
        aba_kind_run(cpu, n - PROGRAMS);
    } else if (n == PROGRAMS + ABA_KINDS) {
        stack_run(cpu);
    } else if (n == PROGRAMS + ABA_KINDS + 1) {
        counters_run(cpu);
    } else if (n == PROGRAMS + ABA_KINDS + 2) {
        lock_run(cpu);
    } else if (n == PROGRAMS + ABA_KINDS + 3) {
        local_run(cpu);
    } else {
        guest_exit(0);
    }
}

static void cpus_on(void)
{
    for (u64 i = 1; i < NCPUS; i++) {
        register u64 x0 __asm__("x0") = 0xc4000003;
        register u64 x1 __asm__("x1") = i;
        register u64 x2 __asm__("x2") = (u64)secondary_entry;
        register u64 x3 __asm__("x3") = i;
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "memory");
        if (x0) {
            guest_exit(98);
        }
    }
}

void cpu_main(u32 cpu)
{
    if (cpu == 0) {
        cpus_on();
    }
    for (u32 n = 0;; n++) {
        barrier();
        if (cpu == 0) {
            current = n + 1;
            stop = 0;
            deadline = now() + frequency() * MS / 1000;
            dmb();
        }
        barrier();
        run_test(n, cpu);
        barrier();
    }
}
