/* Code that changes without notice. A page that blocks were made from is covered: the host refuses to write it, though
 * the program may. The refusal uncovers it; its blocks are gone then, and the write happens.
 *
 * Not all pages are worth that, or can have it: one written again and again (data beside code, code that patches itself
 * in a loop), and one of shared memory, which may be written through another map of it. These are unsteady: their
 * blocks look at their bytes each time they run. See docs/decisions/self-modifying.md. */
#include <sys/mman.h>

#include "base/clock.h"
#include "user/user_priv.h"

#define PAGE     4096ull
#define SLOTS    1024u
#define OFTEN    32u           /* writes in */
#define OFTEN_NS 20000000ull   /* make a page unsteady */
#define CALM_NS  2000000000ull /* for so long */

static struct {
    unsigned covered; /* pages, at most */
    struct slot {
        u64 page, since, unsteady_until;
        unsigned writes;
    } slot[SLOTS]; /* by a hash; the last of two pages counts */
} cover;

static struct slot *slot_of(u64 page)
{
    return &cover.slot[(page / PAGE * 0x9e3779b97f4a7c15ull) >> 54];
}

static bool is_covered(u64 page)
{
    return *ram_page_flags(page) & RAM_COVERED;
}
static void set_covered(u64 page, bool on)
{
    u8 *f = ram_page_flags(page);
    if (on) {
        __atomic_fetch_or(f, RAM_COVERED, __ATOMIC_SEQ_CST);
        cover.covered++;
    } else if (is_covered(page)) {
        __atomic_fetch_and(f, (u8)~RAM_COVERED, __ATOMIC_SEQ_CST);
        cover.covered--;
    }
}

static void count_write(u64 page)
{
    struct slot *s = slot_of(page);
    u64 now = clock_now(CLOCK_HOST);
    if (s->page != page || now - s->since > OFTEN_NS) {
        *s = (struct slot){.page = page, .since = now, .unsteady_until = s->page == page ? s->unsteady_until : 0};
    }
    if (++s->writes >= OFTEN) {
        s->unsteady_until = now + CALM_NS;
    }
}

bool mm_code_unsteady(u64 page)
{
    bool shared;
    const struct slot *s = slot_of(page);
    mm_lock();
    int prot = mm_prot_locked(page, &shared);
    bool yes = prot >= 0 && (shared || (s->page == page && s->unsteady_until > clock_now(CLOCK_HOST)));
    mm_unlock();
    return yes;
}

void mm_cover(u64 page)
{
    bool shared;
    mm_lock();
    int prot = mm_prot_locked(page, &shared);
    if (prot >= 0 && prot & PROT_WRITE && !is_covered(page) && !shared &&
        mprotect(g2h(page), PAGE, mm_host_prot(prot & ~PROT_WRITE)) == 0) {
        set_covered(page, true);
    }
    mm_unlock();
}

/* Two threads may come here for one write each. */
static bool uncover(u64 page)
{
    bool shared;
    int prot = mm_prot_locked(page, &shared);
    if (prot < 0 || !(prot & PROT_WRITE) || mprotect(g2h(page), PAGE, mm_host_prot(prot)) < 0) {
        return false;
    }
    set_covered(page, false);
    return true;
}

bool mm_uncover(u64 page)
{
    mm_lock();
    bool done = uncover(page);
    if (done) {
        count_write(page);
    }
    mm_unlock();
    return done;
}

bool mm_uncover_all(void)
{
    u64 start = 0, end;
    int prot;
    bool shared, any = false;
    for (; cover.covered && mm_next(&start, &end, &prot, &shared); start = end) {
        for (u64 page = start; prot & PROT_WRITE && page < end; page += PAGE) {
            if (is_covered(page)) {
                mm_uncover(page);
                accel_tcg_user.code_changed(page, PAGE);
                any = true;
            }
        }
    }
    return any;
}

/* With the map locked: the host's protection is the program's own again. */
void mm_cover_forget(u64 va, u64 len)
{
    for (u64 page = va; cover.covered && page < va + len; page += PAGE) {
        set_covered(page, false);
    }
}
