/* Random bytes for the guest: the host's, or a repeatable stream (xoshiro256**, Blackman and Vigna,
 * seeded through splitmix64) once a seed was given. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/bits.h"
#include "base/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool seeded;
static u64 state[4];

static u64 rol64(u64 v, unsigned n)
{
    return ror64(v, 64 - n);
}

static u64 stream_next(void)
{
    u64 out = rol64(state[1] * 5, 7) * 9;
    u64 t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rol64(state[3], 45);
    return out;
}

void entropy_seed(u64 seed)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < 4; i++) {
        u64 z = seed += 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        state[i] = z ^ z >> 31;
    }
    seeded = true;
    pthread_mutex_unlock(&lock);
}

static void host_fill(u8 *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, MIN(n, (size_t)256), 0);
        if (got < 0) {
            must(errno == EINTR);
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

void entropy_fill(void *p, size_t n)
{
    u8 *out = p;
    pthread_mutex_lock(&lock);
    if (!seeded) {
        pthread_mutex_unlock(&lock);
        host_fill(out, n);
        return;
    }
    while (n) {
        u64 v = stream_next();
        size_t part = MIN(n, sizeof(v));
        memcpy(out, &v, part);
        out += part;
        n -= part;
    }
    pthread_mutex_unlock(&lock);
}
