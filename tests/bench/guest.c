/* The benchmark guest: pid 1 of an initrd. Says "bench go NAME", runs that kernel for a while and prints "bench NAME NS
 * N" (nanoseconds of one repetition, the best; how many there were), or says "bench lacks NAME"; then powers off.
 * Arguments: ms=N for how long each is repeated and port=N for where the host answers; then names, in the order they
 * are wanted, with @DEVICE where the kernel needs one (none: all that need none). The kernels are the ones emulators
 * are known to be weak at. */
#define _GNU_SOURCE
#include "guest.h"
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t sink;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t rng_state = 88172645463325252ull;
uint64_t bench_rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    return rng_state ^= rng_state << 17;
}

/* -- integer ------------------------------------------------------------------------------------------------ */

static uint32_t crc_table[256];
static NOINLINE uint32_t crc32_bytes(const uint8_t *p, size_t n)
{
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++) {
        c = crc_table[(c ^ p[i]) & 255] ^ c >> 8;
    }
    return ~c;
}

struct node {
    struct node *next;
    int key;
};
/* List walks and reversals, a small matrix, a state machine over text, a checksum: CoreMark's mix. */
static NOINLINE void k_coremark(void)
{
    static struct node nodes[64];
    static int16_t a[16][16], b[16][16];
    static int32_t c[16][16];
    static const char text[] = "5012,+1.5e3,0x1F,-77,.25,T3ab,9e,12345,";
    for (int r = 0; r < 200; r++) {
        struct node *head = NULL;
        for (int i = 0; i < 64; i++) {
            nodes[i].key = (i * 37 + r) & 63;
            nodes[i].next = head;
            head = &nodes[i];
        }
        struct node *rev = NULL;
        int found = 0;
        for (struct node *n = head; n;) {
            struct node *next = n->next;
            found += n->key == (r & 63);
            n->next = rev;
            rev = n;
            n = next;
        }
        for (int i = 0; i < 16; i++) {
            for (int j = 0; j < 16; j++) {
                a[i][j] = (int16_t)(i * j + r);
                b[i][j] = (int16_t)(i - j + found);
            }
        }
        for (int i = 0; i < 16; i++) {
            for (int j = 0; j < 16; j++) {
                int32_t s = 0;
                for (int k = 0; k < 16; k++) {
                    s += a[i][k] * b[k][j];
                }
                c[i][j] = s;
            }
        }
        int state = 0, counts[6] = {0};
        for (const char *p = text; *p; p++) {
            switch (state) {
            case 0:
                state = *p >= '0' && *p <= '9' ? 1 : *p == '+' || *p == '-' ? 2 : *p == '.' ? 3 : 4;
                break;
            case 1:
                state = *p == '.' ? 3 : *p == ',' ? 0 : *p >= '0' && *p <= '9' ? 1 : 4;
                break;
            case 2:
                state = *p == '.' ? 3 : 1;
                break;
            case 3:
                state = *p == 'e' ? 5 : *p == ',' ? 0 : 3;
                break;
            default:
                state = *p == ',' ? 0 : state;
            }
            counts[state]++;
        }
        sink += crc32_bytes((uint8_t *)c, sizeof(c)) + (uint64_t)counts[4];
    }
}

static NOINLINE unsigned fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static NOINLINE void k_recursion(void)
{
    sink += fib(24);
}

static NOINLINE void k_sort(void)
{
    static uint32_t v[4096];
    for (int i = 0; i < 4096; i++) {
        v[i] = (uint32_t)bench_rng();
    }
    for (int gap = 1750; gap > 0; gap = gap * 4 / 9) {
        for (int i = gap; i < 4096; i++) {
            uint32_t x = v[i];
            int j = i;
            for (; j >= gap && v[j - gap] > x; j -= gap) {
                v[j] = v[j - gap];
            }
            v[j] = x;
        }
    }
    sink += v[77];
}

/* -- branches -------------------------------------------------------------------------------------------------- */

static NOINLINE void k_interp(void)
{
    static uint8_t prog[64];
    static void *const ops[] = {&&add, &&sub, &&xor, &&shl, &&mul, &&dup, &&loop};
    if (!prog[0]) {
        for (int i = 0; i < 63; i++) {
            prog[i] = (uint8_t)(bench_rng() % 6);
        }
        prog[0] = 1;
        prog[63] = 6;
    }
    uint64_t acc = 1, x = 3, n = 3000;
    const uint8_t *pc = prog;
#define NEXT goto *ops[*pc++]
    NEXT;
add:
    acc += x;
    NEXT;
sub:
    acc -= x >> 1;
    NEXT;
    xor : acc ^= x;
    NEXT;
shl:
    acc = acc << 1 | acc >> 63;
    NEXT;
mul:
    acc *= 5;
    NEXT;
dup:
    x = acc;
    NEXT;
loop:
    pc = prog;
    if (--n) {
        NEXT;
    }
    sink += acc;
}

static NOINLINE uint64_t f0(uint64_t x)
{
    return x + 1;
}
static NOINLINE uint64_t f1(uint64_t x)
{
    return x ^ 0x55;
}
static NOINLINE uint64_t f2(uint64_t x)
{
    return x * 3;
}
static NOINLINE uint64_t f3(uint64_t x)
{
    return x - 7;
}
static uint64_t (*volatile const table[4])(uint64_t) = {f0, f1, f2, f3};
static NOINLINE void k_indirect(void)
{
    uint64_t x = 1;
    for (int i = 0; i < 100000; i++) {
        x = table[(x >> 3) & 3](x);
    }
    sink += x;
}

/* -- float --------------------------------------------------------------------------------------------------------- */

#define NBODY(name, real, root) \
    static NOINLINE void name(void) \
    { \
        static real p[5][3] = { \
            {0, 0, 0}, {4.8, -1.1, -0.1}, {8.3, 4.1, -0.4}, {12.8, -15.1, -0.2}, {15.3, -25.9, 0.1}}; \
        static real v[5][3] = {{0, 0, 0}, {0.6, 2.8, 0}, {-1, 1.8, 0}, {1.0, 0.8, 0}, {0.9, 0.5, 0}}; \
        static const real m[5] = {39.47, 0.03769, 0.011286, 0.0017237, 0.0020336}; \
        for (int step = 0; step < 1000; step++) { \
            for (int i = 0; i < 5; i++) { \
                for (int j = i + 1; j < 5; j++) { \
                    real d[3], dd = 0; \
                    for (int k = 0; k < 3; k++) { \
                        d[k] = p[i][k] - p[j][k]; \
                        dd += d[k] * d[k]; \
                    } \
                    real mag = 0.001 / (dd * root(dd)); \
                    for (int k = 0; k < 3; k++) { \
                        v[i][k] -= d[k] * m[j] * mag; \
                        v[j][k] += d[k] * m[i] * mag; \
                    } \
                } \
            } \
            for (int i = 0; i < 5; i++) { \
                for (int k = 0; k < 3; k++) { \
                    p[i][k] += 0.001 * v[i][k]; \
                } \
            } \
        } \
        sink += (uint64_t)p[0][0]; \
    }
NBODY(k_nbody, double, sqrt)
#ifdef __x86_64__
NBODY(k_x87, long double, sqrtl)
#endif

/* LU decomposition with partial pivoting, the heart of linpack; built without vectorisation. */
__attribute__((optimize("no-tree-vectorize"))) static NOINLINE void k_linpack(void)
{
    enum { N = 64 };
    static double a[N][N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(int32_t)bench_rng() * 0x1p-31;
        }
    }
    for (int k = 0; k < N - 1; k++) {
        int piv = k;
        for (int i = k + 1; i < N; i++) {
            piv = fabs(a[i][k]) > fabs(a[piv][k]) ? i : piv;
        }
        for (int j = 0; j < N; j++) {
            double t = a[k][j];
            a[k][j] = a[piv][j];
            a[piv][j] = t;
        }
        for (int i = k + 1; i < N; i++) {
            double f = a[i][k] / a[k][k];
            for (int j = k; j < N; j++) {
                a[i][j] -= f * a[k][j];
            }
        }
    }
    sink += (uint64_t)(a[N - 1][N - 1] * 1000);
}

static float fx[4096], fy[4096], fm[64][64], fn[64][64], fo[64][64];
#define SAXPY(name, ...) \
    __attribute__((optimize("O3") __VA_ARGS__)) static NOINLINE void name(void) \
    { \
        for (int r = 0; r < 20; r++) { \
            float k = 1.0f + (float)r * 1e-3f; \
            for (int i = 0; i < 4096; i++) { \
                fy[i] += k * fx[i]; \
            } \
        } \
        sink += (uint64_t)fy[17]; \
    }
SAXPY(k_saxpy)
__attribute__((optimize("O3,unsafe-math-optimizations"))) static NOINLINE void k_sgemm(void)
{
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 64; j++) {
            fo[i][j] = 0;
        }
        for (int k = 0; k < 64; k++) {
            float f = fm[i][k];
            for (int j = 0; j < 64; j++) {
                fo[i][j] += f * fn[k][j];
            }
        }
    }
    sink += (uint64_t)fo[3][3];
}

#ifdef __x86_64__
SAXPY(k_avx2, , target("avx2,fma"))
static bool have_avx2(const char *device)
{
    (void)device;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

/* -- memory and strings ------------------------------------------------------------------------------------------ */

static char text_a[8192], text_b[8192];
static NOINLINE void k_strings(void)
{
    size_t n = 0;
    for (int i = 0; i < 200; i++) {
        char *(*volatile chr)(const char *, int) = strchr;
        n += strlen(text_a + (i & 15)) + (size_t)(strcmp(text_a, text_b) != 0);
        n += (size_t)(chr(text_a, 'z') - text_a) + (size_t)(memcmp(text_a, text_b, 4000) == 0);
    }
    sink += n;
}

static NOINLINE void k_memcpy(void)
{
    static char from[65536], to[65536];
    for (int i = 0; i < 100; i++) {
        memcpy(to, from, sizeof(to));
        __asm__ volatile("" : : "r"(to) : "memory");
    }
}

static NOINLINE void k_chase(void)
{
    enum { N = 1 << 20 };
    static uint32_t *next;
    if (!next) {
        next = malloc(N * sizeof(*next));
        for (uint32_t i = 0; i < N; i++) {
            next[i] = i;
        }
        for (uint32_t i = N - 1; i > 0; i--) { /* one cycle */
            uint32_t j = (uint32_t)(bench_rng() % i), t = next[i];
            next[i] = next[j];
            next[j] = t;
        }
    }
    uint32_t p = 0;
    for (int i = 0; i < 200000; i++) {
        p = next[p];
    }
    sink += p;
}

/* -- the kernel's part ------------------------------------------------------------------------------------------- */

static NOINLINE void k_syscall(void)
{
    for (int i = 0; i < 2000; i++) {
        syscall(SYS_getppid);
    }
}

static volatile sig_atomic_t got;
static void on_signal(int no)
{
    got += no;
}
static NOINLINE void k_signal(void)
{
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < 500; i++) {
        kill(getpid(), SIGUSR1);
    }
}

static NOINLINE void k_mmap(void)
{
    for (int i = 0; i < 50; i++) {
        char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int k = 0; k < 16; k++) {
            p[k * 4096] = (char)k;
        }
        munmap(p, 16 * 4096);
    }
}

static NOINLINE void k_fork(void)
{
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
}

static NOINLINE void k_switch(void)
{
    int a[2], b[2];
    char c = 0;
    if (pipe(a) || pipe(b)) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 300; i++) {
            if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1) {
                break;
            }
        }
        _exit(0);
    }
    for (int i = 0; i < 300; i++) {
        if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) {
            break;
        }
    }
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

/* Page tables that change: each touch behind a change of rights misses the TLB, or faults. */
static NOINLINE void k_protect(void)
{
    enum { PAGES = 64 };
    static char *p;
    if (!p) {
        p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    for (int i = 0; i < 20; i++) {
        mprotect(p, PAGES * 4096, PROT_READ);
        for (int k = 0; k < PAGES; k++) {
            sink += (uint64_t)p[k * 4096];
        }
        mprotect(p, PAGES * 4096, PROT_READ | PROT_WRITE);
        for (int k = 0; k < PAGES; k++) {
            p[k * 4096] = (char)i;
        }
    }
}

static const struct kernel kernels[] = {
    {"integer", k_coremark},  {"recursion", k_recursion},
    {"sort", k_sort},         {"interpreter", k_interp},
    {"indirect", k_indirect}, {"nbody", k_nbody},
    {"linpack", k_linpack},   {"saxpy", k_saxpy},
    {"sgemm", k_sgemm},
#ifdef __x86_64__
    {"x87", k_x87},           {"avx2", k_avx2, have_avx2},
#endif
    {"strings", k_strings},   {"memcpy", k_memcpy},
    {"chase", k_chase},       {"syscall", k_syscall},
    {"signal", k_signal},     {"mmap", k_mmap},
    {"protect", k_protect},   {"fork", k_fork},
    {"switch", k_switch},     {0},
};

/* `name` as it was asked for, with the device. */
static void measure(const struct kernel *k, const char *name, uint64_t ns)
{
    const char *device = strchr(name, '@');
    if (k->open && !k->open(device ? device + 1 : "")) {
        printf("bench lacks %s\n", name);
        fflush(stdout);
        return;
    }
    k->fn(); /* warm */
    printf("bench go %s\n", name);
    fflush(stdout);
    uint64_t best = ~0ull, begin = now();
    unsigned n = 0;
    for (; n < 4 || now() - begin < ns; n++) {
        uint64_t t = now();
        k->fn();
        t = now() - t;
        best = t < best ? t : best;
    }
    printf("bench %s %llu %u\n", name, (unsigned long long)best, n);
    fflush(stdout);
    if (k->close) {
        k->close();
    }
}

static bool is_kernel(const struct kernel *k, const char *name)
{
    size_t n = strcspn(name, "@");
    return strlen(k->name) == n && !strncmp(k->name, name, n);
}

static void prepare(void)
{
    for (int i = 0; i < 256; i++) {
        uint32_t c = (uint32_t)i;
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        }
        crc_table[i] = c;
    }
    memset(text_a, 'a', sizeof(text_a) - 1);
    memset(text_b, 'a', sizeof(text_b) - 1);
    text_a[5000] = 'z';
    text_b[5000] = 'z';
    for (int i = 0; i < 4096; i++) {
        fx[i] = (float)i;
        (&fm[0][0])[i] = (float)(i % 7);
        (&fn[0][0])[i] = (float)(i % 5);
    }
}

static const struct kernel *find_kernel(const char *name)
{
    const struct kernel *const lists[] = {kernels, io_kernels};
    for (size_t l = 0; l < 2; l++) {
        for (const struct kernel *k = lists[l]; k->name; k++) {
            if (is_kernel(k, name)) {
                return k;
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t ms = 800;
    int names = 0;
    prepare();
    io_begin();
    for (int a = 1; a < argc; a++) {
        if (sscanf(argv[a], "ms=%lu", &ms) == 1 || sscanf(argv[a], "port=%u", &io_port) == 1) {
            continue;
        }
        const struct kernel *k = find_kernel(argv[a]);
        names++;
        if (k) {
            measure(k, argv[a], ms * 1000000);
        }
    }
    for (const struct kernel *k = kernels; !names && k->name; k++) {
        measure(k, k->name, ms * 1000000);
    }
    printf("bench end\n");
    fflush(stdout);
    sync();
    if (getpid() == 1) {
        reboot(RB_POWER_OFF);
    }
    return 0;
}
