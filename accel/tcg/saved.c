/* Saved translations: which file of the program lies where, which blocks are new, and from a record to a block.
 *
 * Records are asked for when code_for_pc() would translate, and all of an area come at once: one look, one sum, one
 * piece of memory, and they are linked before they run. One is used when the program's bytes are
 * those it was made from; so neither a changed file nor a map that is gone can give code that is not theirs. What is
 * loaded is published like what was translated. */
#include "accel/tcg/saved.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host_cpu.h"
#include "base/log.h"

#define PAGE_MASK   (~(u64)((1u << TLB_PAGE_BITS) - 1))
#define FILES_MAX   256u
#define PLACES_MAX  512u
#define TRIED       512u
#define FRESH_LEAST 24u /* so many new blocks, and an eighth of what there is, are worth a new file */

static struct {
    const char *dir; /* NULL: nothing is kept */
    u64 key;
    struct saved_file file[FILES_MAX];
    unsigned nfiles;
    /* Where files are mapped. Written under the program's map lock, read without: a torn one gives a record whose bytes
     * are not the program's, which is none. */
    struct place {
        u64 start, end, off;
        struct saved_file *file;
    } place[PLACES_MAX];
    unsigned nplaces;
    struct saved_fresh *fresh; /* under tcg.lock */
    u64 loaded, refused;
    u64 avoid[1024]; /* bits by a hash of the address: what is there died and is made anew */
    /* By a hash of the area: the one that was looked at last, so that what it lacks is not looked for again. Not exact:
     * who finds another one there looks in the file, and loads no block that is there. */
    struct tried {
        u64 area, mode, evictions;
    } tried[TRIED];
} saved;

/* Of a block that the next file shall have; in its chunk's arena. */
struct saved_fresh {
    struct saved_fresh *next;
    struct block *b;
    struct saved_file *file;
    u64 off;
    u32 nreloc, nguest;
    u32 reloc[]; /* then the program's bytes */
};

/* -- the key ------------------------------------------------------------------------------------------------------- */

static int find_build_id(struct dl_phdr_info *info, size_t n UNUSED, void *out)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const u8 *p = (const u8 *)(uintptr_t)(info->dlpi_addr + ph->p_vaddr), *end = p + ph->p_memsz; // NOLINT
        while (ph->p_type == PT_NOTE && p + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *h = (const void *)p;
            const u8 *name = p + sizeof(*h), *desc = name + align_up(h->n_namesz, 4);
            if (h->n_type == NT_GNU_BUILD_ID && h->n_namesz == 4 && !memcmp(name, "GNU", 4) && h->n_descsz >= 8) {
                memcpy(out, desc, MIN(h->n_descsz, 32u));
            }
            p = desc + align_up(h->n_descsz, 4);
        }
    }
    return 1; /* the first is this program */
}

/* All that decides over the code of a block besides its bytes and its mode. False: this moss does not know itself. */
static bool key_make(const char *extra, u64 *key)
{
    struct {
        u8 build[32];
        struct host_cpu cpu;
        u64 thunks[ARRAY_LEN(tcg.thunks.slow) + 5], extra;
    } all;
    memset(&all, 0, sizeof(all));
    dl_iterate_phdr(find_build_id, all.build);
    static const u8 none[32];
    if (!memcmp(all.build, none, sizeof(none))) {
        return false;
    }
    all.cpu = host_cpu;
    const void *const single[] = {tcg.thunks.enter, tcg.thunks.leave, tcg.thunks.lookup, tcg.thunks.leave_event,
                                  tcg.thunks.ret_stale};
    for (unsigned i = 0; i < ARRAY_LEN(single); i++) {
        all.thunks[i] = (u64)((const u8 *)single[i] - tcg.cache_rx);
    }
    for (unsigned i = 0; i < ARRAY_LEN(tcg.thunks.slow); i++) {
        const u8 *p = tcg.thunks.slow[i];
        all.thunks[ARRAY_LEN(single) + i] = p ? (u64)(p - tcg.cache_rx) : 0;
    }
    u64 h = 0;
    for (const char *p = extra ? extra : ""; *p; p++) {
        h = (h ^ (u8)*p) * 0x100000001b3ull;
    }
    all.extra = h;
    *key = saved_sum(&all, sizeof(all) / 8 * 8, tcg.max_insns);
    return true;
}

void saved_init(const char *dir, const char *extra)
{
    const u32 seen = LOG_IN_ASM | LOG_IR | LOG_IR_OPT | LOG_OUT_ASM | LOG_EXEC | LOG_CPU;
    bool whole = tcg.host && (tcg.addressed || !tcg.host->set_base); /* kept code is all of one kind */
    if (dir && tcg.direct && whole && tcg.host->relocate && tcg.max_insns > 1 && !tcg.cfg.no_chain && !log_on(seen) &&
        key_make(extra, &saved.key)) {
        saved.dir = dir;
        tcg.saves = true;
    }
}

/* -- where files are ----------------------------------------------------------------------------------------------- */

/* The same contents have the same beginning, with a build id mostly, and length; whether they are the same is asked of
 * each block. */
static bool identify(int fd, u64 *id)
{
    u8 head[1024] = {0};
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || pread(fd, head, sizeof(head), 0) < 64) {
        return false;
    }
    *id = saved_sum(head, sizeof(head), (u64)st.st_size);
    return true;
}

static struct saved_file *file_of(u64 id)
{
    for (unsigned i = 0; i < saved.nfiles; i++) {
        if (saved.file[i].id == id) {
            return &saved.file[i];
        }
    }
    if (saved.nfiles == FILES_MAX) {
        return NULL;
    }
    struct saved_file *f = &saved.file[saved.nfiles];
    f->id = id;
    saved_file_open(f, saved.dir, saved.key);
    saved.nfiles++;
    return f;
}

void saved_unmap(u64 va, u64 n)
{
    u64 end = va + n;
    for (unsigned i = 0; i < saved.nplaces; i++) {
        struct place *p = &saved.place[i];
        if (p->start >= end || va >= p->end) {
            continue;
        }
        if (va <= p->start && end < p->end) {
            p->off += end - p->start;
            p->start = end;
        } else {
            p->end = MAX(va, p->start);
        }
    }
}

void saved_map_file(u64 va, u64 n, int fd, u64 off)
{
    u64 id;
    if (!tcg.saves || !identify(fd, &id)) {
        return;
    }
    struct saved_file *f = file_of(id);
    unsigned i = 0;
    while (i < saved.nplaces && saved.place[i].start < saved.place[i].end) {
        i++;
    }
    memset(saved.tried, 0, sizeof(saved.tried));
    if (f && i < PLACES_MAX) {
        saved.place[i] = (struct place){va, va + n, off, f};
        if (i == saved.nplaces) {
            __atomic_store_n(&saved.nplaces, i + 1, __ATOMIC_RELEASE);
        }
    }
}

static struct saved_file *place_of(u64 va, u64 *off)
{
    unsigned n = __atomic_load_n(&saved.nplaces, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < n; i++) {
        const struct place *p = &saved.place[i];
        if (va >= p->start && va < p->end) {
            *off = va - p->start + p->off;
            return p->file;
        }
    }
    return NULL;
}

static unsigned avoid_bit(u64 ram_off)
{
    return (unsigned)((ram_off >> 1) * 0x9e3779b97f4a7c15ull >> 48);
}

/* A record that did not fit what stands around it would be loaded and die again and again. */
void saved_avoid(u64 ram_off)
{
    unsigned i = avoid_bit(ram_off);
    __atomic_fetch_or(&saved.avoid[i / 64], BIT(i % 64), __ATOMIC_RELAXED);
}

/* -- from records to blocks ---------------------------------------------------------------------------------------- */

static bool avoided(u64 ram_off)
{
    unsigned i = avoid_bit(ram_off);
    return bit(__atomic_load_n(&saved.avoid[i / 64], __ATOMIC_RELAXED), i % 64);
}

static bool tried_before(u64 ram_area, u64 mode)
{
    u64 evictions = __atomic_load_n(&tcg.stat_evicted, __ATOMIC_RELAXED) + 1; /* 0: empty */
    struct tried *t = &saved.tried[(ram_area ^ ram_area >> 9 ^ mode) % TRIED];
    if (t->area == ram_area && t->mode == mode && t->evictions == evictions) {
        return true;
    }
    *t = (struct tried){ram_area, mode, evictions};
    return false;
}

/* The area's records in t->map_buf and its code behind what the chunk *c holds, both checked; and the page it is of in
 * t->page_copy. NULL: there is none. */
static const struct saved_area *fetch_area(struct tcpu *t, struct saved_file *f, u64 area, u64 ram_page,
                                           struct chunk **c)
{
    struct saved_area head;
    const struct saved_area *in_file;
    if (setjmp(t->copy_failed)) { /* one of the two files was cut short */
        return NULL;
    }
    copying(t, true);
    in_file = saved_file_find(f, area, t->mode, &head);
    copying(t, false);
    u32 room = in_file ? head.len - head.code_at : 0;
    if (!in_file || head.code_at > CODE_MAP_CAP || room > SAVED_CODE_MAX || !(*c = chunk_get(t, room + 64))) {
        return NULL;
    }
    saved_file_ready(in_file, head.len);
    u8 *code = (*c)->rw + align_up((*c)->used, 16);
    copying(t, true);
    memcpy(t->map_buf, in_file, head.code_at);
    memcpy(code, (const u8 *)in_file + head.code_at, room);
    memcpy(t->page_copy, ram_base + ram_page, 1u << TLB_PAGE_BITS);
    copying(t, false);
    const struct saved_area *mine = (const void *)t->map_buf;
    if (memcmp(mine, &head, sizeof(head)) != 0 || !saved_area_ok(mine, code, head.len, saved.key)) {
        saved.refused++;
        f->data = NULL; /* who wrote that cannot be asked again and again */
        return NULL;
    }
    return mine;
}

static struct block *block_of(struct tcpu *t, struct chunk *c, const struct saved_record *r, u32 at, u64 ram_off,
                              struct block *b)
{
    u32 id = block_id_take();
    *b = (struct block){.ram_off = ram_off,
                        .mode = t->mode,
                        .code = c->rx + at,
                        .code_len = r->code_len,
                        .stale_off = r->stale_off,
                        .start = r->start,
                        .end = r->end,
                        .ninsns = r->ninsns,
                        .loops = r->loops,
                        .nexits = r->nexits,
                        .id = id,
                        .flags_in = r->flags_in,
                        .chunk = c,
                        .map = memcpy(&b->exits[r->nexits], saved_map(r), r->map_len),
                        .map_len = r->map_len};
    for (unsigned i = 0; i < r->nexits; i++) {
        const struct saved_exit *x = &saved_exits(r)[i];
        b->exits[i] = (struct block_exit){.number = (u8)i,
                                          .patch_off = x->patch_off,
                                          .stub_off = x->stub_off,
                                          .target_off = x->target_off,
                                          .lazy = x->lazy,
                                          .slot = {x->slot[0], x->slot[1]}};
    }
    const struct gen_move move = {
        .by = (b->code - tcg.cache_rx) - (i64)r->pos, .target = t->cpu->target->ir, .block_id = id};
    tcg.host->relocate(c->rw + at, saved_relocs(r), r->nreloc, &move);
    block_add(b, at + r->code_len);
    saved.loaded++;
    return b;
}

static u64 block_size(const struct saved_record *r)
{
    return align_up(sizeof(struct block) + r->nexits * sizeof(struct block_exit) + r->map_len, 8);
}

/* Blocks of the area's records that fit, all in one piece of memory; how many. */
static unsigned blocks_of(struct tcpu *t, struct chunk *c, const struct saved_area *a, u64 ram_page, struct block **out)
{
    u64 in_page = a->area << SAVED_AREA_BITS & ~PAGE_MASK, size = 0;
    const struct saved_record *r = saved_first(a);
    for (u32 i = 0; i < a->nrecords; i++, r = saved_next(r)) {
        size += block_size(r);
    }
    u8 *mem = arena_alloc(&c->arena, size);
    u32 base = (u32)align_up(c->used, 16), used = base + a->len - a->code_at;
    unsigned n = 0;
    r = saved_first(a);
    for (u32 i = 0; i < a->nrecords; i++, r = saved_next(r)) {
        u64 ram_off = ram_page + r->start;
        if (r->start >> SAVED_AREA_BITS == in_page >> SAVED_AREA_BITS && !avoided(ram_off) &&
            memcmp(t->page_copy + r->start, saved_guest(r), r->nguest) == 0 &&
            !code_tagged(ram_page, r->start, r->end) && !code_find(ram_off, t->mode)) {
            out[n++] = block_of(t, c, r, base + r->code_off, ram_off, (void *)mem);
            mem += block_size(r);
        }
    }
    c->used = n ? used : c->used;
    return n;
}

/* What they would find out one by one: where their direct exits lead. */
static void join(struct block *const *b, unsigned n)
{
    pthread_mutex_lock(&tcg.lock);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < b[i]->nexits; k++) {
            struct block_exit *x = &b[i]->exits[k];
            struct block *to = x->patch_off ? code_find(exit_target(x), b[i]->mode) : NULL;
            if (to && (!x->lazy || flags_in_allow(&to->flags_in, x->slot))) {
                code_link(x, to);
            }
        }
    }
    pthread_mutex_unlock(&tcg.lock);
}

struct block *saved_load(struct tcpu *t, u64 ram_off)
{
    u64 off, ram_page = ram_off & PAGE_MASK;
    struct saved_file *f = avoided(ram_off) ? NULL : place_of(ram_off, &off);
    struct chunk *c = NULL;
    if (!f || !f->data || tried_before(ram_off >> SAVED_AREA_BITS, t->mode)) {
        return NULL;
    }
    const struct saved_area *a = fetch_area(t, f, off >> SAVED_AREA_BITS, ram_page, &c);
    if (!a) {
        return NULL;
    }
    struct block **b = arena_alloc(&t->scratch, a->nrecords * sizeof(*b));
    unsigned n = blocks_of(t, c, a, ram_page, b);
    code_publish(t, b, n);
    join(b, n);
    arena_free(&t->scratch);
    return code_find(ram_off, t->mode);
}

/* -- what is new --------------------------------------------------------------------------------------------------- */

void saved_note(struct tcpu *t, struct block *b, const struct gen_out *out)
{
    u64 off;
    struct saved_file *f = place_of(b->ram_off, &off);
    u32 nguest = (u32)b->end - b->start;
    if (!f || out->fixed || b->tagged || b->end > 1u << TLB_PAGE_BITS || b->start != (b->ram_off & ~PAGE_MASK)) {
        return;
    }
    struct saved_fresh *n = arena_alloc(&b->chunk->arena, sizeof(*n) + out->nreloc * sizeof(u32) + nguest);
    *n = (struct saved_fresh){.b = b, .file = f, .off = off, .nreloc = out->nreloc, .nguest = nguest};
    memcpy(n->reloc, out->reloc, out->nreloc * sizeof(u32));
    memcpy(n->reloc + out->nreloc, t->page_copy + b->start, nguest);
    pthread_mutex_lock(&tcg.lock);
    n->next = saved.fresh;
    saved.fresh = n;
    f->fresh++;
    pthread_mutex_unlock(&tcg.lock);
}

void saved_forget(void)
{
    saved.fresh = NULL;
    for (unsigned i = 0; i < saved.nfiles; i++) {
        saved.file[i].fresh = 0;
    }
}

static struct saved_record record_head(const struct saved_fresh *n)
{
    const struct block *b = n->b;
    struct saved_record r = {.off = n->off,
                             .pos = (u32)(b->code - tcg.cache_rx),
                             .code_len = b->code_len,
                             .stale_off = b->stale_off,
                             .map_len = b->map_len,
                             .start = b->start,
                             .end = b->end,
                             .ninsns = b->ninsns,
                             .nreloc = (u16)n->nreloc,
                             .nguest = (u16)n->nguest,
                             .nexits = b->nexits,
                             .loops = b->loops,
                             .flags_in = b->flags_in};
    r.len = (u32)saved_len(&r);
    return r;
}

/* As the block was before any exit was linked; tcg.lock held. */
static void record_build(const struct saved_source *s, struct saved_record *r, u8 *code)
{
    const struct saved_fresh *n = s->what;
    const struct block *b = n->b;
    *r = record_head(n);
    u8 *p = (u8 *)(r + 1);
    for (unsigned i = 0; i < b->nexits; i++, p += sizeof(struct saved_exit)) {
        const struct block_exit *x = &b->exits[i];
        struct saved_exit e = {.patch_off = x->patch_off,
                               .stub_off = x->stub_off,
                               .target_off = x->target_off,
                               .lazy = x->lazy,
                               .slot = {x->slot[0], x->slot[1]}};
        memcpy(p, &e, sizeof(e));
    }
    memcpy(p, n->reloc, n->nreloc * sizeof(u32) + n->nguest);
    memcpy(p + n->nreloc * sizeof(u32) + n->nguest, b->map, b->map_len);
    memcpy(code, to_rw(b->code), b->code_len);
    for (unsigned i = 0; i < b->nexits; i++) {
        const struct block_exit *x = &b->exits[i];
        if (x->patch_off) {
            tcg.host->patch_jump(code + x->patch_off, b->code + x->patch_off, b->code + x->stub_off);
        }
    }
}

/* The lock is held all the time: what is written lies in the code cache. */
static void store_file(struct saved_file *f)
{
    struct saved_source *s = calloc(f->fresh, sizeof(*s));
    unsigned n = 0, most = s ? f->fresh : 0;
    pthread_mutex_lock(&tcg.lock);
    for (const struct saved_fresh *k = saved.fresh; k && n < most; k = k->next) {
        struct saved_record head = record_head(k);
        if (k->file == f && !k->b->dead) {
            s[n++] = (struct saved_source){
                .off = k->off, .mode = k->b->mode, .len = head.len, .code_len = head.code_len, .what = k};
        }
    }
    f->fresh = 0;
    bool ok = n && saved_file_write(f, saved.dir, saved.key, s, n, record_build);
    pthread_mutex_unlock(&tcg.lock);
    if (log_on(LOG_CODE_CACHE)) {
        log_print("code cache: %016llx: %u new blocks beside %u: %s\n", (unsigned long long)f->id, n, f->nrecords,
                  ok ? "saved" : "not saved");
    }
    free(s);
}

void saved_store(void)
{
    if (!tcg.saves) {
        return;
    }
    for (unsigned i = 0; i < saved.nfiles; i++) {
        struct saved_file *f = &saved.file[i];
        if (f->fresh >= FRESH_LEAST && f->fresh >= f->nrecords / 8) {
            store_file(f);
        }
    }
    if (log_on(LOG_CODE_CACHE)) {
        u64 made = 0;
        for (unsigned i = 0; i < tcg.ncpus; i++) {
            made += tcg.cpus[i]->stat_blocks;
        }
        log_print("code cache: %llu blocks loaded, %llu refused, %llu translated\n", (unsigned long long)saved.loaded,
                  (unsigned long long)saved.refused, (unsigned long long)made);
    }
}
