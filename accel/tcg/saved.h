/* Translations that outlive the process (user mode): private to accel/tcg. docs/decisions/saved-code.md says why and
 * what is trusted.
 *
 *   saved.c        which file of the program lies where, which blocks are new, from a record to a block
 *   saved_file.c   files of records: names, reading, writing, what is refused */
#ifndef MOSS_ACCEL_TCG_SAVED_H
#define MOSS_ACCEL_TCG_SAVED_H

#include "accel/tcg/tcg_priv.h"

/* -- a file: head, index, records -------------------------------------------------------------------------------- */

#define SAVED_MAGIC     0x32646576617373ull /* "ssaved2" */
#define SAVED_FILE_MAX  (48ull << 20)
#define SAVED_ALL_MAX   (256ull << 20)
#define SAVED_ALIGN     32u          /* of areas and their code */
#define SAVED_AREA_BITS 10           /* the program's file is cut into areas: what is wanted of one is loaded whole */
#define SAVED_CODE_MAX  (128u << 10) /* of an area; and CODE_MAP_CAP of records */

struct saved_head {
    u64 magic, key, id; /* key: what else decides over the code; id: the program's file */
    u64 size;           /* of the whole file */
    u32 nrecords, index_bits;
    u64 pad[2];
    u64 sum; /* saved_sum() of what is before it */
};
_Static_assert(sizeof(struct saved_head) % SAVED_ALIGN == 0, "areas are aligned");
/* u32 index[1 << index_bits] follows: open addressing, an area's place / SAVED_ALIGN, 0: none. */

/* All records of an area in one mode. Behind the head: the records, then the code of all. */
struct saved_area {
    u64 sum; /* saved_sum() of the rest of what is before the code, seeded with the file's key */
    u64 code_sum;
    u64 area, mode; /* area: offset in the program's file >> SAVED_AREA_BITS */
    u32 len;        /* whole, a multiple of SAVED_ALIGN */
    u32 code_at;    /* likewise */
    u32 nrecords, pad;
};
struct saved_record {
    u64 off;      /* of the first instruction in the program's file */
    u32 len;      /* without the code, a multiple of 8 */
    u32 pos;      /* offset in the code cache where the code ran: relocations count from it */
    u32 code_off; /* behind saved_area.code_at */
    u32 code_len, stale_off, map_len;
    u16 start, end, ninsns, nreloc, nguest;
    u8 nexits, loops;
    struct flags_in flags_in;
    /* struct saved_exit[nexits], u32 reloc[nreloc], the program's bytes [nguest], the deopt map [map_len] */
};
struct saved_exit {
    u32 patch_off, stub_off;
    i32 target_off;
    u8 lazy, slot[2], pad;
};

u64 saved_sum(const void *p, size_t n, u64 seed); /* n: a multiple of 8 */

struct saved_file {
    u64 id;
    const u8 *data; /* mapped, `size` bytes; NULL: none yet */
    u64 size;
    u32 index_bits, nrecords;
    unsigned fresh; /* blocks made that it does not have */
};

/* Opens what there is for f->id, or leaves f->data NULL. */
void saved_file_open(struct saved_file *f, const char *dir, u64 key);
/* A record in the making: `len` is saved_len(). */
struct saved_source {
    u64 off, mode;
    u32 len, code_len;
    const void *what;
};
/* Adds records to what the file holds now, and puts the whole in its place; `build` writes one, all but code_off.
 * False: it stays as it is. */
bool saved_file_write(const struct saved_file *f, const char *dir, u64 key, const struct saved_source *src, unsigned n,
                      void (*build)(const struct saved_source *s, struct saved_record *to, u8 *code));
/* The area, inside the file's memory, of which nothing is checked yet but that it lies inside; NULL: there is none.
 * That memory may be gone or change at any time: a caller is ready for SIGBUS, and checks a copy. */
const struct saved_area *saved_file_find(const struct saved_file *f, u64 area, u64 mode, struct saved_area *head);
/* The memory of a file is about to be read from p on. */
void saved_file_ready(const void *p, u64 n);
/* Lengths are consistent and the sums are right. */
bool saved_area_ok(const struct saved_area *a, const u8 *code, u64 room, u64 key);

static inline struct saved_record *saved_first(const struct saved_area *a)
{
    return (struct saved_record *)(a + 1);
}
static inline struct saved_record *saved_next(const struct saved_record *r)
{
    return (struct saved_record *)((u8 *)r + r->len);
}
static inline const struct saved_exit *saved_exits(const struct saved_record *r)
{
    return (const void *)(r + 1);
}
static inline const u32 *saved_relocs(const struct saved_record *r)
{
    return (const void *)(saved_exits(r) + r->nexits);
}
static inline const u8 *saved_guest(const struct saved_record *r)
{
    return (const u8 *)(saved_relocs(r) + r->nreloc);
}
static inline const u8 *saved_map(const struct saved_record *r)
{
    return saved_guest(r) + r->nguest;
}
static inline u64 saved_len(const struct saved_record *r)
{
    u64 n = sizeof(*r) + r->nexits * sizeof(struct saved_exit) + r->nreloc * sizeof(u32) + (u64)r->nguest + r->map_len;
    return align_up(n, 8);
}
static inline u64 saved_code_room(u32 code_len)
{
    return align_up(code_len, 16); /* as it lies in the code cache */
}

#endif
