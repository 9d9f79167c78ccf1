/* The float environment as programs use it: rounding, exceptions, those that trap, flushing. */
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "check.h"
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

static volatile double one = 1, three = 3, zero = 0, big = 1e308, least = 2.3e-308;
static sigjmp_buf back;
static volatile int code;

static void on_fpe(int sig, siginfo_t *si, void *uc)
{
    code = si->si_code;
    siglongjmp(back, 1);
}

static void provoke(int what)
{
    volatile double r;
    switch (what) {
    case FE_DIVBYZERO:
        r = one / zero;
        break;
    case FE_OVERFLOW:
        r = big * big;
        break;
    case FE_UNDERFLOW:
        r = least * least;
        break;
    case FE_INEXACT:
        r = one / three;
        break;
    default:
        r = zero / zero;
    }
}

static const int kinds[] = {FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT, FE_INVALID};

static void exceptions(void)
{
    for (int i = 0; i < 5; i++) {
        feclearexcept(FE_ALL_EXCEPT);
        CHECK(fetestexcept(FE_ALL_EXCEPT) == 0);
        provoke(kinds[i]);
        CHECK(fetestexcept(kinds[i]) == kinds[i]);
    }
    fenv_t env;
    feclearexcept(FE_ALL_EXCEPT);
    feholdexcept(&env);
    provoke(FE_DIVBYZERO);
    CHECK(fetestexcept(FE_ALL_EXCEPT) == FE_DIVBYZERO);
    fesetenv(&env);
    CHECK(fetestexcept(FE_ALL_EXCEPT) == 0);
}

static void rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const long of_half[] = {2, 3, 2, 2}, of_minus[] = {-2, -2, -3, -2};
    volatile double half = 2.5, minus = -2.5;
    for (int i = 0; i < 4; i++) {
        CHECK(fesetround(modes[i]) == 0 && fegetround() == modes[i]);
        volatile double third = one / three;
        CHECK(lrint(half) == of_half[i] && lrint(minus) == of_minus[i]);
        CHECK((third > 1.0 / 3) == (modes[i] == FE_UPWARD)); /* the compiler rounds down here */
    }
    fesetround(FE_TONEAREST);
}

static void traps(void)
{
    static const int codes[] = {FPE_FLTDIV, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES, FPE_FLTINV};
    struct sigaction sa = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGFPE, &sa, NULL);
    for (int i = 0; i < 5; i++) {
        if (FLT_EVAL_METHOD && (kinds[i] == FE_OVERFLOW || kinds[i] == FE_UNDERFLOW)) {
            continue; /* the x87 finds it when it stores, and waits with it */
        }
        feclearexcept(FE_ALL_EXCEPT);
        if (feenableexcept(kinds[i]) < 0) {
            return; /* not with this processor */
        }
        code = 0;
        if (sigsetjmp(back, 1) == 0) {
            provoke(kinds[i]);
        }
        CHECK(code == codes[i]);
        feclearexcept(FE_ALL_EXCEPT);
        fedisableexcept(FE_ALL_EXCEPT);
    }
}

static void flushing(void)
{
#ifdef __SSE2__
    volatile __m128 x = _mm_set1_ps(1e-40f), y;
    y = _mm_mul_ps(x, _mm_set1_ps(2));
    CHECK(y[0] > 0);
    _mm_setcsr(0x1f80 | 1 << 6); /* DAZ */
    y = _mm_mul_ps(x, _mm_set1_ps(1e30f));
    CHECK(y[0] == 0 && _mm_getcsr() == (0x1f80 | 1 << 6));
    _mm_setcsr(0x1f80 | 1 << 15); /* FZ */
    x = _mm_set1_ps(1e-30f);
    y = _mm_mul_ps(x, _mm_set1_ps(1e-9f));
    _mm_setcsr(_mm_getcsr() & ~(1u << 15));
    CHECK(y[3] == 0 && _mm_getcsr() == (0x1f80 | 1 << 4 | 1 << 5)); /* underflow, inexact */
    y = _mm_mul_ps(x, _mm_set1_ps(1e-9f));
    CHECK(y[3] > 0);
#endif
}

/* A new thread computes as the one that made it. */
static void *in_thread(void *arg)
{
    volatile long double widest = 1 + (long double)least;
    volatile double wide = one + least;
    volatile float narrow = (float)(one + least);
    CHECK(fegetround() == FE_UPWARD && widest > 1 && wide > 1 && narrow > 1);
    return arg;
}

static void threads(void)
{
    pthread_t t;
    CHECK(fesetround(FE_UPWARD) == 0);
    CHECK(pthread_create(&t, NULL, in_thread, NULL) == 0 && pthread_join(t, NULL) == 0);
    CHECK(fegetround() == FE_UPWARD);
    fesetround(FE_TONEAREST);
}

int main(void)
{
    exceptions();
    rounding();
    traps();
    flushing();
    threads();
    exceptions();
    return checks_end("floats");
}
