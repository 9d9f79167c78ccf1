/* Fixed-width names, and the few macros every folder uses. */
#ifndef MOSS_BASE_TYPES_H
#define MOSS_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef unsigned __int128 u128;
typedef __int128 i128;

/* A 128-bit vector register as memory holds it: lane 0 first on every host. */
union v128 {
    u8 b[16];
    u16 h[8];
    u32 s[4];
    u64 d[2];
    i8 sb[16];
    i16 sh[8];
    i32 ss[4];
    i64 sd[2];
    float f[4];
    double g[2];
} __attribute__((aligned(16)));

#define likely(x)             __builtin_expect(!!(x), 1)
#define unlikely(x)           __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a)          (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, T, m) ((T *)((char *)(p)-offsetof(T, m)))
/* glib has the same two; whichever header comes last wins, silently. */
#undef MIN
#undef MAX
#define MIN(a, b)              ((a) < (b) ? (a) : (b))
#define MAX(a, b)              ((a) > (b) ? (a) : (b))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN               __attribute__((noreturn))
#define UNUSED                 __attribute__((unused))

/* must(): an invariant of moss itself, checked in every build. check(): in debug builds only. */
NORETURN void must_fail(const char *expr, const char *file, int line);
#define must(c) (likely(c) ? (void)0 : must_fail(#c, __FILE__, __LINE__))
#ifdef NDEBUG
#define check(c) ((void)0)
#else
#define check(c) must(c)
#endif

#endif
