/* The tcg accelerator: set-up, and the machine-wide controls of accel.h. */
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/pages.h"

#define DEFAULT_CODE_CACHE (256ull << 20)
#define MAX_INSNS          64
#define MAX_CPUS           64 /* of a machine: tlb_protect_page answers with a set of them */
#define WRITERS_SIZE       (sizeof(u64) << (40 - TLB_PAGE_BITS)) /* RAM offsets are below 1 TiB */

struct tcg tcg = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .run_lock = PTHREAD_MUTEX_INITIALIZER, .run_cond = PTHREAD_COND_INITIALIZER};

static void map_changed(void *opaque UNUSED)
{
    tlb_flush_everything();
}

bool tcg_init(const struct accel_config *cfg, struct mem_space *space, struct err *e)
{
    tcg.cfg = *cfg;
    tcg.space = space;
    tcg.paused = !tcg.direct;
    held_update();
    if (!tcg.funcs) {
        tcg.funcs = &tcg_rt_funcs;
        tcg.interp_mem = &tcg_interp_mem;
    }
    tcg.code_funcs = cfg->verify ? &verify_funcs : tcg.funcs;
    tcg.max_insns = cfg->single_step ? 1 : MAX_INSNS;
    tcg.host = cfg->interp ? NULL : host_native();
    if (cfg->verify && !tcg.host) {
        return err_set(
            e, "verify=on compares host code with the interpreter, and there is none (interp=on, or this host)");
    }
    const char *why = tcg.host ? tcg.host->unavailable() : NULL;
    if (why) {
        return err_set(e, "this processor cannot run translated code: %s (-accel tcg,interp=on interprets)", why);
    }
    blocks_init();
    u64 size = cfg->code_cache ? cfg->code_cache : cfg->hostile ? 16ull * HOSTILE_CHUNK : DEFAULT_CODE_CACHE;
    if (tcg.host && !code_cache_init(size, e)) {
        return false;
    }
    if (space) {
        void *p = mmap(NULL, WRITERS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        tcg.writers = p == MAP_FAILED ? NULL : p;
        mem_space_listen(space, map_changed, NULL);
    }
    return true;
}

/* -- cpus -------------------------------------------------------------------------------------------------------------
 *
 * Programs start and end threads by the thousand. What is large stays: trace buffer, TLBs and jump caches, emptied
 * where they were used, and the table of recent code, which holds for all threads. */

enum { MAX_SPARE = 16 };

static struct tcpu *tcpu_new(void)
{
    struct tcpu *t = pages_new(sizeof(*t));
    t->ir = pages_new(sizeof(*t->ir));
    t->map_buf = malloc(1u << 16);
    must(t->map_buf);
    t->ncode = tcg.direct ? RECENT_CODE_DIRECT : RECENT_CODE;
    t->code = pages_new(t->ncode * sizeof(*t->code));
    t->evictions = __atomic_load_n(&tcg.stat_evicted, __ATOMIC_RELAXED);
    return t;
}

static struct tcpu *tcpu_take(void)
{
    pthread_mutex_lock(&tcg.lock);
    struct tcpu *t = tcg.spare;
    if (t) {
        tcg.spare = t->next_spare;
        tcg.nspare--;
    }
    pthread_mutex_unlock(&tcg.lock);
    return t ? t : tcpu_new();
}

/* Everything else is as in a new one. */
static void tcpu_clean(struct tcpu *t)
{
    struct ir *ir = t->ir;
    u8 *map_buf = t->map_buf;
    struct recent_code *code = t->code;
    u64 evictions = t->evictions;
    unsigned ncode = t->ncode;
    tlb_forget(t);
    memset(t, 0, offsetof(struct tcpu, ctx));
    memset(t->view, 0, sizeof(*t) - offsetof(struct tcpu, view));
    t->ir = ir;
    t->map_buf = map_buf;
    t->code = code;
    t->ncode = ncode;
    t->evictions = evictions;
}

static void tcpu_leave(struct tcpu *t)
{
    tcpu_clean(t);
    pthread_mutex_lock(&tcg.lock);
    bool kept = tcg.direct && tcg.nspare < MAX_SPARE;
    if (kept) {
        t->next_spare = tcg.spare;
        tcg.spare = t;
        tcg.nspare++;
    }
    pthread_mutex_unlock(&tcg.lock);
    if (!kept) {
        tlb_free(t);
        pages_free(t->ir, sizeof(*t->ir));
        free(t->map_buf);
        pages_free(t->code, t->ncode * sizeof(*t->code));
        pages_free(t, sizeof(*t));
    }
}

bool tcg_add(struct vcpu *cpu, struct err *e)
{
    if (!tcg.direct && tcg.ncpus == MAX_CPUS) {
        return err_set(e, "at most %d cpus", MAX_CPUS);
    }
    if (tcg.host && !tcg.thunks.enter && !code_cache_thunks(cpu->target->ir, e)) {
        return false;
    }
    struct tcpu *t = tcpu_take();
    t->cpu = cpu;
    t->store_page = NO_PAGE;
    pthread_cond_init(&t->wake, NULL);
    cpu->accel = t;
    cpu->sv = &tcg_services;
    tlb_init(t);
    if (tcg.cfg.verify && tcg.host) {
        verify_init(t);
    }
    pthread_mutex_lock(&tcg.lock);
    pthread_mutex_lock(&tcg.run_lock);
    if (tcg.ncpus == tcg.cap_cpus) {
        tcg.cap_cpus = tcg.cap_cpus ? tcg.cap_cpus * 2 : 16;
        tcg.cpus = realloc(tcg.cpus, tcg.cap_cpus * sizeof(struct tcpu *));
        must(tcg.cpus);
    }
    tcg.cpus[tcg.ncpus++] = t;
    if (t->evictions != tcg.stat_evicted) { /* nobody emptied it meanwhile */
        memset(t->code, 0, t->ncode * sizeof(*t->code));
    }
    pthread_mutex_unlock(&tcg.run_lock);
    pthread_mutex_unlock(&tcg.lock);
    return true;
}

void tcg_remove(struct tcpu *t)
{
    pthread_mutex_lock(&tcg.lock);
    pthread_mutex_lock(&tcg.run_lock);
    unsigned i = 0;
    while (tcg.cpus[i] != t) {
        i++;
    }
    tcg.cpus[i] = tcg.cpus[--tcg.ncpus];
    t->evictions = tcg.stat_evicted;
    if (t->chunk) {
        t->chunk->owner = NULL; /* what is in it stays good; nobody appends */
    }
    pthread_cond_broadcast(&tcg.run_cond); /* it may have been killed while it ran */
    pthread_mutex_unlock(&tcg.run_lock);
    pthread_mutex_unlock(&tcg.lock);
    verify_free(t);
    arena_free(&t->arena);
    arena_free(&t->scratch);
    t->cpu->accel = NULL;
    tcpu_leave(t);
}

static void start_threads(void)
{
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        if (!tcg.cpus[i]->started) {
            tcg.cpus[i]->started = true;
            must(pthread_create(&tcg.cpus[i]->thread, NULL, cpu_thread, tcg.cpus[i]) == 0);
        }
    }
}

static void tcg_resume_all(void)
{
    start_threads();
    pthread_mutex_lock(&tcg.run_lock);
    tcg.paused = false;
    held_update();
    pthread_cond_broadcast(&tcg.run_cond);
    /* Who sleeps looks again: a reset or a snapshot may have changed why. */
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        pthread_cond_broadcast(&tcg.cpus[i]->wake);
    }
    pthread_mutex_unlock(&tcg.run_lock);
}

/* A vcpu may need the machine lock to reach its safe point: the caller's is given up for the wait. */
static bool lock_drop(void)
{
    bool held = machine_locked();
    if (held) {
        machine_unlock();
    }
    return held;
}

static void wait_all_safe(void)
{
    watch_begin();
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *t = tcg.cpus[i];
        if (__atomic_load_n(&t->running, __ATOMIC_SEQ_CST)) {
            __atomic_fetch_or(&t->cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
        }
    }
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        while (__atomic_load_n(&tcg.cpus[i]->running, __ATOMIC_SEQ_CST)) {
            pthread_cond_wait(&tcg.run_cond, &tcg.run_lock);
        }
    }
    watch_end();
}

static void tcg_pause_all(void)
{
    bool held = lock_drop();
    pthread_mutex_lock(&tcg.run_lock);
    tcg.paused = true;
    held_update();
    wait_all_safe();
    pthread_mutex_unlock(&tcg.run_lock);
    if (held) {
        machine_lock();
    }
}

static void tcg_stop_all(void)
{
    bool held = lock_drop();
    pthread_mutex_lock(&tcg.run_lock);
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *t = tcg.cpus[i];
        __atomic_store_n(&t->stop, true, __ATOMIC_SEQ_CST);
        __atomic_fetch_or(&t->cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
        pthread_cond_broadcast(&t->wake);
    }
    tcg.paused = false;
    held_update();
    pthread_cond_broadcast(&tcg.run_cond);
    pthread_mutex_unlock(&tcg.run_lock);
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        if (tcg.cpus[i]->started) {
            pthread_join(tcg.cpus[i]->thread, NULL);
            tcg.cpus[i]->started = false;
        }
    }
    if (held) {
        machine_lock();
    }
}

static void tcg_run_on(struct vcpu *cpu, void (*fn)(struct vcpu *, void *), void *arg)
{
    struct tcpu *t = tcpu_of(cpu);
    if (!t->started || tcg.paused) { /* it stands still */
        fn(cpu, arg);
        return;
    }
    bool held = lock_drop();
    struct work w = {.fn = fn, .arg = arg};
    pthread_mutex_lock(&tcg.run_lock);
    struct work **p = &t->work;
    while (*p) {
        p = &(*p)->next;
    }
    __atomic_store_n(p, &w, __ATOMIC_RELEASE);
    __atomic_fetch_or(&cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&t->wake);
    pthread_cond_broadcast(&tcg.run_cond);
    while (!w.done) {
        pthread_cond_wait(&tcg.run_cond, &tcg.run_lock);
    }
    pthread_mutex_unlock(&tcg.run_lock);
    if (held) {
        machine_lock();
    }
}

static u64 tcg_cpu_time(void)
{
    u64 ns = 0;
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        clockid_t id;
        if (tcg.cpus[i]->started && !pthread_getcpuclockid(tcg.cpus[i]->thread, &id)) {
            ns += clock_of_host(id);
        }
    }
    return ns;
}

static void tcg_print_stats(struct buf *out)
{
    u64 insns = 0, blocks = 0, fills = 0, ns = 0, verified = 0, unjudged = 0;
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        insns += tcg.cpus[i]->stat_translated;
        blocks += tcg.cpus[i]->stat_blocks;
        fills += tcg.cpus[i]->stat_fills;
        ns += tcg.cpus[i]->stat_ns;
        verified += tcg.cpus[i]->stat_verified;
        unjudged += tcg.cpus[i]->stat_unjudged;
    }
    buf_printf(out, "guest instructions translated  %llu\n", (unsigned long long)insns);
    buf_printf(out, "translated per second          %llu\n",
               (unsigned long long)(ns ? (u64)((double)insns * 1e9 / (double)ns) : 0));
    buf_printf(out, "blocks                         %llu\n", (unsigned long long)blocks);
    buf_printf(out, "blocks invalidated             %llu\n", (unsigned long long)tcg.stat_invalidated);
    buf_printf(out, "chunks used, evictions         %u, %llu\n", tcg.chunks_used, (unsigned long long)tcg.stat_evicted);
    buf_printf(out, "TLB fills                      %llu\n", (unsigned long long)fills);
    if (tcg.cfg.verify) {
        buf_printf(out, "runs verified, not judged      %llu, %llu\n", (unsigned long long)verified,
                   (unsigned long long)unjudged);
    }
}

const struct accel accel_tcg = {
    .name = "tcg",
    .doc = "dynamic binary translation",
    .init = tcg_init,
    .add = tcg_add,
    .resume_all = tcg_resume_all,
    .pause_all = tcg_pause_all,
    .stop_all = tcg_stop_all,
    .run_on = tcg_run_on,
    .tlb_flush_all = tlb_flush_everything,
    .cpu_time = tcg_cpu_time,
    .print_stats = tcg_print_stats,
};
