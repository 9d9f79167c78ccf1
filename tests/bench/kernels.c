/* The user-mode benchmark: one program, built for the host and for the guest with the same flags; `kernels NAME
 * [ROUNDS]` runs one kernel, prints a check sum (equal on both, or the row is void) and ends. The driver takes the CPU
 * time of the whole process. `kernels` alone lists "name group runs". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__aarch64__)
#include <arm_acle.h>
#elif defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

#define NOINLINE __attribute__((noinline))
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint8_t u8;

static u64 rng_state = 88172645463325252ull;
static u64 rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    return rng_state ^= rng_state << 17;
}
static u64 mix(u64 h, u64 v)
{
    return (h ^ v) * 0x9e3779b97f4a7c15ull + (h >> 29);
}
static u64 bits(double d)
{
    u64 v;
    memcpy(&v, &d, 8);
    return v;
}

/* -- integer ------------------------------------------------------------------------------------------------------- */

static NOINLINE u64 k_integer(unsigned n)
{
    u64 h = 1;
    u32 a[64];
    for (unsigned i = 0; i < 64; i++) {
        a[i] = (u32)rng();
    }
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < 64; i++) {
            u32 x = a[i], y = a[(i + 7) & 63];
            x = (x << 5 | x >> 27) + y * 3;
            x ^= x >> 3;
            if ((x & 7) == 3) {
                x += h & 0xff;
            }
            a[i] = x;
            h += x;
        }
        h = mix(h, a[r & 63]);
    }
    return h;
}

static NOINLINE u64 k_matrix(unsigned n)
{
    static int a[64][64], b[64][64], c[64][64];
    u64 h = 0;
    for (unsigned i = 0; i < 64; i++) {
        for (unsigned j = 0; j < 64; j++) {
            a[i][j] = (int)(i * 3 + j);
            b[i][j] = (int)(i - 2 * j);
        }
    }
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < 64; i++) {
            for (unsigned j = 0; j < 64; j++) {
                int s = 0;
                for (unsigned k = 0; k < 64; k++) {
                    s += a[i][k] * b[k][j];
                }
                c[i][j] = s;
            }
        }
        a[r & 63][r >> 6 & 63] ^= c[5][r & 63];
        h = mix(h, (u64)c[r & 63][7]);
    }
    return h;
}

static int compare_u32(const void *a, const void *b)
{
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    return (x > y) - (x < y);
}
static NOINLINE u64 k_qsort(unsigned n)
{
    static u32 v[20000];
    u64 h = 0;
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < 20000; i++) {
            v[i] = (u32)rng();
        }
        qsort(v, 20000, sizeof(v[0]), compare_u32);
        h = mix(h, v[r % 20000]);
    }
    return h;
}

static NOINLINE u64 k_sha256(unsigned n)
{
    static const u32 k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    u32 s[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    u32 w[64];
#define ROR(x, c) ((x) >> (c) | (x) << (32 - (c)))
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < 16; i++) {
            w[i] = s[i & 7] * (i + 1) + r;
        }
        for (unsigned i = 16; i < 64; i++) {
            u32 a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (ROR(a, 7) ^ ROR(a, 18) ^ a >> 3) + w[i - 7] + (ROR(b, 17) ^ ROR(b, 19) ^ b >> 10);
        }
        u32 v[8];
        memcpy(v, s, sizeof(v));
        for (unsigned i = 0; i < 64; i++) {
            u32 t1 =
                v[7] + (ROR(v[4], 6) ^ ROR(v[4], 11) ^ ROR(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
            u32 t2 = (ROR(v[0], 2) ^ ROR(v[0], 13) ^ ROR(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            memmove(&v[1], &v[0], 28);
            v[4] += t1;
            v[0] = t1 + t2;
        }
        for (unsigned i = 0; i < 8; i++) {
            s[i] += v[i];
        }
    }
    return (u64)s[0] << 32 | s[7];
}

static u32 crc_table[256];
static NOINLINE u64 k_crc32_table(unsigned n)
{
    static u8 p[4096];
    u32 c = ~0u;
    for (unsigned i = 0; i < 4096; i++) {
        p[i] = (u8)(i * 7);
    }
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < 4096; i++) {
            c = crc_table[(c ^ p[i]) & 255] ^ c >> 8;
        }
    }
    return c;
}

#if defined(__aarch64__)
#define CRC32C(c, v) __crc32cd(c, v)
#elif defined(__x86_64__)
#define CRC32C(c, v) (u32) _mm_crc32_u64(c, v)
#elif defined(__SSE4_2__)
#define CRC32C(c, v) _mm_crc32_u32(_mm_crc32_u32(c, (u32)(v)), (u32)((v) >> 32))
#endif
#ifdef CRC32C /* the processor has the instruction */
static NOINLINE u64 k_crc32_insn(unsigned n)
{
    static u64 p[512];
    u32 c = ~0u;
    for (unsigned i = 0; i < 512; i++) {
        p[i] = i * 0x0101010101ull;
    }
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < 512; i++) {
            c = CRC32C(c, p[i]);
        }
    }
    return c;
}
#endif

/* -- control flow -------------------------------------------------------------------------------------------------- */

static NOINLINE u64 k_interpreter(unsigned n)
{
    enum { INC, ADD, XOR, SHL, SKIP, DEC, LOOP, END };
    static const u8 prog[] = {INC, ADD, XOR, SHL, INC, SKIP, ADD, XOR, DEC, ADD, INC, XOR, SHL, SKIP, LOOP, END};
    static void *const go[] = {&&inc, &&add, &&xor, &&shl, &&skip, &&dec, &&loop, &&end};
    u64 a = 1, b = 3, left = n * 100ull;
    const u8 *p = prog;
#define NEXT goto *go[*p++]
    NEXT;
inc:
    a++;
    NEXT;
add:
    a += b;
    NEXT;
    xor : b ^= a;
    NEXT;
shl:
    b = b << 1 | b >> 63;
    NEXT;
skip:
    p += a & 1;
    NEXT;
dec:
    b -= 5;
    NEXT;
loop:
    if (--left) {
        p = prog;
    }
    NEXT;
end:
    if (left) {
        p = prog;
        left--;
        NEXT;
    }
    return a ^ b;
}

static NOINLINE u64 k_switch(unsigned n)
{
    u64 h = 7;
    for (unsigned i = 0; i < n * 100; i++) {
        switch (h >> 7 & 15) {
        case 0:
            h += 13;
            break;
        case 1:
            h ^= h << 3;
            break;
        case 2:
            h -= i;
            break;
        case 3:
            h = h >> 1 | h << 63;
            break;
        case 4:
            h *= 5;
            break;
        case 5:
            h += h >> 11;
            break;
        case 6:
            h ^= 0x5555;
            break;
        case 7:
            h = ~h;
            break;
        case 8:
            h += 99 * i;
            break;
        case 9:
            h ^= i;
            break;
        case 10:
            h -= h << 7;
            break;
        case 11:
            h = h << 9 | h >> 55;
            break;
        case 12:
            h += 1;
            break;
        case 13:
            h ^= (h >> 17) + i;
            break;
        case 14:
            h *= 3;
            break;
        default:
            h += 0x1234567;
            break;
        }
    }
    return h;
}

typedef u64 step_fn(u64);
static NOINLINE u64 step0(u64 x)
{
    return x + 1;
}
static NOINLINE u64 step1(u64 x)
{
    return x * 3;
}
static NOINLINE u64 step2(u64 x)
{
    return x ^ x >> 5;
}
static NOINLINE u64 step3(u64 x)
{
    return x - 77;
}
static NOINLINE u64 step4(u64 x)
{
    return x << 1 | x >> 63;
}
static NOINLINE u64 step5(u64 x)
{
    return ~x;
}
static NOINLINE u64 step6(u64 x)
{
    return x + (x >> 3);
}
static NOINLINE u64 step7(u64 x)
{
    return x ^ 0xabcdef;
}
static step_fn *volatile steps[8] = {step0, step1, step2, step3, step4, step5, step6, step7};
static NOINLINE u64 k_indirect(unsigned n)
{
    u64 h = 1;
    for (unsigned i = 0; i < n * 100; i++) {
        h = steps[(h ^ i) & 7](h);
    }
    return h;
}

static NOINLINE unsigned fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static NOINLINE u64 k_recursion(unsigned n)
{
    u64 h = 0;
    for (unsigned i = 0; i < n; i++) {
        h = mix(h, fib(20 + (i & 1)));
    }
    return h;
}

/* Thousands of functions, each run a few times: what a translator pays for code that does not repeat. */
// clang-format off
#define C1(n) \
    static NOINLINE u64 cold##n(u64 x) \
    { \
        return (x ^ (n##ull * 2654435761u)) * (2 * n##ull + 1) + (x >> (n % 13 + 1)); \
    }
#define C4(n) C1(n##0) C1(n##1) C1(n##2) C1(n##3) C1(n##4) C1(n##5) C1(n##6) C1(n##7)
#define C5(n) C4(n##0) C4(n##1) C4(n##2) C4(n##3) C4(n##4) C4(n##5) C4(n##6) C4(n##7)
#define C6(n) C5(n##0) C5(n##1) C5(n##2) C5(n##3) C5(n##4) C5(n##5) C5(n##6) C5(n##7)
C6(1)
C6(2) C6(3) C6(4) C6(5) C6(6) C6(7)
#define R1(n) x = cold##n(x);
#define R4(n) R1(n##0) R1(n##1) R1(n##2) R1(n##3) R1(n##4) R1(n##5) R1(n##6) R1(n##7)
#define R5(n) R4(n##0) R4(n##1) R4(n##2) R4(n##3) R4(n##4) R4(n##5) R4(n##6) R4(n##7)
#define R6(n) R5(n##0) R5(n##1) R5(n##2) R5(n##3) R5(n##4) R5(n##5) R5(n##6) R5(n##7)
    static NOINLINE u64 k_cold(unsigned n)
{
    u64 x = 1;
    for (unsigned i = 0; i < n; i++) {
        R6(1) R6(2) R6(3) R6(4) R6(5) R6(6) R6(7)
    }
    return x;
}
// clang-format on

/* -- floating point ------------------------------------------------------------------------------------------------ */

static NOINLINE u64 k_nbody(unsigned n)
{
    struct body {
        double x[3], v[3], m;
    } b[5];
    for (unsigned i = 0; i < 5; i++) {
        b[i] = (struct body){{i * 1.3, 2.0 - i * 0.7, i * 0.4 - 1}, {0.1 * i, 0.2 - 0.05 * i, 0.03 * i}, 1.0 / (i + 1)};
    }
    for (unsigned s = 0; s < n * 10; s++) {
        for (unsigned i = 0; i < 5; i++) {
            for (unsigned j = i + 1; j < 5; j++) {
                double d[3], r2 = 0.01;
                for (unsigned k = 0; k < 3; k++) {
                    d[k] = b[i].x[k] - b[j].x[k];
                    r2 += d[k] * d[k];
                }
                double f = 0.001 / (r2 * sqrt(r2));
                for (unsigned k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].m * f;
                    b[j].v[k] += d[k] * b[i].m * f;
                }
            }
        }
        for (unsigned i = 0; i < 5; i++) {
            for (unsigned k = 0; k < 3; k++) {
                b[i].x[k] += 0.001 * b[i].v[k];
            }
        }
    }
    return bits(b[0].x[0]) ^ bits(b[4].v[2]);
}

#define MANDEL(name, type) \
    static NOINLINE u64 name(unsigned n) \
    { \
        u64 h = 0; \
        for (unsigned r = 0; r < n; r++) { \
            for (int py = 0; py < 40; py++) { \
                for (int px = 0; px < 40; px++) { \
                    type cx = (type)px / 20 - (type)1.5, cy = (type)py / 20 - 1, x = 0, y = 0; \
                    unsigned i = 0; \
                    while (i < 100 && x * x + y * y < 4) { \
                        type t = x * x - y * y + cx; \
                        y = 2 * x * y + cy; \
                        x = t; \
                        i++; \
                    } \
                    h += i; \
                } \
            } \
        } \
        return h; \
    }
MANDEL(k_mandel_f32, float)
MANDEL(k_mandel_f64, double)

static NOINLINE u64 k_linpack(unsigned n)
{
    static double a[60][60], b[60];
    u64 h = 0;
    for (unsigned r = 0; r < n; r++) {
        for (int i = 0; i < 60; i++) {
            b[i] = i;
            for (int j = 0; j < 60; j++) {
                a[i][j] = (double)((i * 17 + j * 31 + (int)r) % 101) / 50 + (i == j ? 40 : 0);
            }
        }
        for (int k = 0; k < 60; k++) {
            for (int i = k + 1; i < 60; i++) {
                double f = a[i][k] / a[k][k];
                for (int j = k; j < 60; j++) {
                    a[i][j] -= f * a[k][j];
                }
                b[i] -= f * b[k];
            }
        }
        for (int i = 59; i >= 0; i--) {
            for (int j = i + 1; j < 60; j++) {
                b[i] -= a[i][j] * b[j];
            }
            b[i] /= a[i][i];
        }
        h = mix(h, bits(b[r % 60]));
    }
    return h;
}

static NOINLINE u64 k_fp_convert(unsigned n)
{
    double d = 0;
    float f = 1;
    long s = 0;
    for (unsigned i = 0; i < n * 100; i++) {
        s += (long)(d * 3.7) + (int)f;
        d = (double)(s & 0xffff) * 0.25 + f;
        f = (float)(d / 3) + (float)(int)(i & 1023);
    }
    return bits(d) ^ (u64)s;
}

static NOINLINE u64 k_libm(unsigned n)
{
    double s = 0;
    for (unsigned i = 0; i < n; i++) {
        double x = (double)(i % 1000) / 100 + 0.1;
        s += floor(exp(x * 0.1) * 1e3) + floor(log(x) * 1e3) + floor(sin(x) * 1e3) + floor(pow(x, 1.5) * 1e2);
    }
    return bits(s);
}

/* -- vectors (the compiler's) -------------------------------------------------------------------------------------- */

static float fx[4096], fy[4096];
static u8 ba[4096], bb[4096];
static NOINLINE u64 k_saxpy(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        float k = (float)(r & 3) * 0.25f;
        for (unsigned i = 0; i < 4096; i++) {
            fy[i] = fy[i] * 0.5f + k * fx[i];
        }
        __asm__ volatile("" ::: "memory");
    }
    return bits(fy[77]);
}
static NOINLINE u64 k_sgemm(unsigned n)
{
    static float a[48][48], b[48][48], c[48][48];
    u64 h = 0;
    for (unsigned i = 0; i < 48; i++) {
        for (unsigned j = 0; j < 48; j++) {
            a[i][j] = (float)(i + j);
            b[i][j] = (float)(i - j);
        }
    }
    for (unsigned r = 0; r < n; r++) {
        memset(c, 0, sizeof(c));
        for (unsigned i = 0; i < 48; i++) {
            for (unsigned k = 0; k < 48; k++) {
                float x = a[i][k];
                for (unsigned j = 0; j < 48; j++) {
                    c[i][j] += x * b[k][j];
                }
            }
        }
        __asm__ volatile("" ::: "memory");
        h = mix(h, bits(c[r % 48][3]));
    }
    return h;
}
static NOINLINE u64 k_dot(unsigned n)
{
    double s = 0;
    for (unsigned r = 0; r < n; r++) {
        float t[4] = {0};
        for (unsigned i = 0; i < 4096; i += 4) {
            for (unsigned k = 0; k < 4; k++) {
                t[k] += fx[i + k] * fy[i + k];
            }
        }
        __asm__ volatile("" ::: "memory");
        s += (double)(t[0] + t[1] + t[2] + t[3]);
    }
    return bits(s);
}
static NOINLINE u64 k_sad(unsigned n)
{
    u64 h = 0;
    for (unsigned r = 0; r < n; r++) {
        u32 s = 0;
        for (unsigned i = 0; i < 4096; i++) {
            s += (u32)abs((int)ba[i] - (int)bb[i]);
        }
        ba[r & 4095] ^= (u8)s;
        h += s;
    }
    return h;
}

/* -- memory, strings ----------------------------------------------------------------------------------------------- */

static NOINLINE u64 k_memcpy_cache(unsigned n)
{
    static u8 a[16384], b[16384];
    for (unsigned r = 0; r < n; r++) {
        memcpy(b, a, sizeof(a) - (r & 63));
        __asm__ volatile("" ::: "memory");
        a[r & 16383]++;
    }
    return b[100];
}
static NOINLINE u64 k_memcpy_big(unsigned n)
{
    enum { SIZE = 32 << 20 };
    u8 *a = malloc(SIZE), *b = malloc(SIZE);
    memset(a, 1, SIZE);
    for (unsigned r = 0; r < n; r++) {
        memcpy(b, a, SIZE);
        a[r]++;
    }
    u64 h = b[3];
    free(a);
    free(b);
    return h;
}
static NOINLINE u64 k_chase(unsigned n)
{
    enum { SLOTS = 1 << 19 };
    static u32 next[SLOTS];
    for (u32 i = 0; i < SLOTS; i++) {
        next[i] = i;
    }
    for (u32 i = SLOTS - 1; i > 0; i--) { /* one cycle through all */
        u32 j = (u32)(rng() % i), x = next[i];
        next[i] = next[j];
        next[j] = x;
    }
    u32 at = 0;
    for (unsigned i = 0; i < n * 1000; i++) {
        at = next[at];
    }
    return at;
}
static NOINLINE u64 k_strings(unsigned n)
{
    static char a[2048], b[2048];
    u64 h = 0;
    memset(a, 'x', 2047);
    for (unsigned r = 0; r < n; r++) {
        unsigned len = 1000 + (r & 511);
        a[len] = 0;
        strcpy(b, a);
        h += strlen(b) + (u64)(strcmp(a, b) == 0) + (u64)(memchr(b, 0, 2048) != NULL);
        h += (u64)(strchr(b, 'q') == NULL) + (u64)(strrchr(b, 'x') - b);
        h += (u64)(memcmp(a, b, len) == 0) + (u64)(strstr(b, "xy") == NULL);
        a[len] = 'x';
    }
    return h;
}

/* -- the kernel's services ----------------------------------------------------------------------------------------- */

static NOINLINE u64 k_syscall(unsigned n)
{
    u64 h = 0;
    for (unsigned i = 0; i < n * 10; i++) {
        h += syscall(SYS_getppid) > 0;
    }
    return h;
}
static volatile sig_atomic_t got;
static void on_signal(int sig)
{
    got += sig == SIGUSR1;
}
static NOINLINE u64 k_signal(unsigned n)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &sa, NULL);
    for (unsigned i = 0; i < n; i++) {
        raise(SIGUSR1);
    }
    return (u64)got;
}
static NOINLINE u64 k_fork(unsigned n)
{
    u64 h = 0;
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit((int)(i & 7));
        }
        int st;
        waitpid(pid, &st, 0);
        h += (u64)WEXITSTATUS(st);
    }
    return h;
}
static void *thread_main(void *arg)
{
    return (char *)arg + 1;
}
static NOINLINE u64 k_threads(unsigned n)
{
    u64 h = 0;
    for (unsigned i = 0; i < n; i++) {
        pthread_t t;
        void *r;
        pthread_create(&t, NULL, thread_main, (void *)(uintptr_t)i);
        pthread_join(t, &r);
        h += (u64)(uintptr_t)r;
    }
    return h;
}
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static u64 shared;
static unsigned mutex_rounds;
static void *mutex_main(void *arg)
{
    for (unsigned i = 0; i < mutex_rounds; i++) {
        pthread_mutex_lock(&mutex);
        shared++;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}
static NOINLINE u64 k_mutex(unsigned n)
{
    pthread_t t;
    mutex_rounds = n * 10;
    pthread_create(&t, NULL, mutex_main, NULL);
    mutex_main(NULL);
    pthread_join(t, NULL);
    return shared;
}
static NOINLINE u64 k_startup(unsigned n)
{
    return n;
}

/* -- the list: rounds so that the host's own code takes about a tenth of a second; runs of the whole process ------- */

static const struct kernel {
    const char *name, *group;
    u64 (*fn)(unsigned rounds);
    unsigned rounds, runs;
} kernels[] = {
    {"integer", "integer", k_integer, 800000, 1},
    {"matrix", "integer", k_matrix, 2000, 1},
    {"qsort", "integer", k_qsort, 40, 1},
    {"sha256", "integer", k_sha256, 100000, 1},
    {"crc32-table", "integer", k_crc32_table, 8000, 1},
#ifdef CRC32C
    {"crc32-insn", "integer", k_crc32_insn, 200000, 1},
#endif
    {"chase", "integer", k_chase, 5000, 1},
    {"interpreter", "control", k_interpreter, 40000, 1},
    {"switch", "control", k_switch, 100000, 1},
    {"indirect", "control", k_indirect, 300000, 1},
    {"recursion", "control", k_recursion, 3000, 1},
    {"cold", "cold", k_cold, 3, 20},
    {"n-body", "float", k_nbody, 40000, 1},
    {"mandelbrot-f32", "float", k_mandel_f32, 400, 1},
    {"mandelbrot-f64", "float", k_mandel_f64, 400, 1},
    {"linpack", "float", k_linpack, 3000, 1},
    {"fp-convert", "float", k_fp_convert, 50000, 1},
    {"libm", "float", k_libm, 1000000, 1},
    {"saxpy", "float", k_saxpy, 80000, 1},
    {"sgemm", "float", k_sgemm, 4000, 1},
    {"dot", "float", k_dot, 20000, 1},
    {"sad", "float", k_sad, 500000, 1},
    {"strings", "strings", k_strings, 300000, 1},
    {"memcpy-cache", "strings", k_memcpy_cache, 300000, 1},
    {"memcpy-big", "strings", k_memcpy_big, 20, 1},
    {"syscall", "kernel", k_syscall, 60000, 1},
    {"signal", "kernel", k_signal, 60000, 1},
    {"fork", "kernel", k_fork, 1000, 1},
    {"threads", "kernel", k_threads, 3000, 1},
    {"mutex", "kernel", k_mutex, 300000, 1},
    {"start-up", "start", k_startup, 1, 50},
};

static void tables_fill(void)
{
    for (unsigned i = 0; i < 256; i++) {
        u32 c = i;
        for (unsigned k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        }
        crc_table[i] = c;
    }
    for (unsigned i = 0; i < 4096; i++) {
        fx[i] = (float)(i % 97) * 0.125f;
        fy[i] = (float)(i % 31) * 0.5f;
        ba[i] = (u8)(i * 5);
        bb[i] = (u8)(i * 3 + 1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        for (unsigned i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
            printf("%s %s %u\n", kernels[i].name, kernels[i].group, kernels[i].runs);
        }
        return 0;
    }
    for (unsigned i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (!strcmp(argv[1], kernels[i].name)) {
            tables_fill();
            unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : kernels[i].rounds;
            printf("%016llx\n", (unsigned long long)kernels[i].fn(rounds));
            return 0;
        }
    }
    fprintf(stderr, "kernels: there is no '%s'\n", argv[1]);
    return 2;
}
