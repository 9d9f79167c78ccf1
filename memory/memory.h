/* Guest physical memory: RAM, and address spaces that map RAM and device registers.
 *
 *   ram_new()  ->  struct ram       bytes on the host, in one reservation, so that a byte of any RAM has one
 *                                   number, its RAM offset (host pointer minus ram_base)
 *   mem_region                      a window: RAM, ROM, or functions (MMIO), at an address in a space
 *   mem_space                       regions by priority, flattened to a sorted array that lookups search
 *
 * Translated code is keyed by RAM offset; page flags tell who must hear of a write.
 * Sizes and addresses are bytes. Lookups take no lock; changes of the map take the machine lock. */
#ifndef MOSS_MEMORY_MEMORY_H
#define MOSS_MEMORY_MEMORY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/types.h"

#define RAM_PAGE_BITS 12
#define RAM_PAGE_SIZE (1u << RAM_PAGE_BITS)

/* -- RAM -------------------------------------------------------------------------------------- */

struct ram {
    const char *name;
    u8 *host;
    u64 size; /* a multiple of RAM_PAGE_SIZE */
};
/* Zero-filled, not touched until used. False: the host has no room for it. size is a multiple of RAM_PAGE_SIZE and not
 * 0; `name` is kept. */
bool ram_new(struct ram *r, const char *name, u64 size, struct err *e);
/* User mode, instead of any RAM: offsets are a program's addresses, 0..size - 1, host address ram_base + offset. All
 * of it is reserved without access rights; the caller maps into it. `at`: where ram_base is to be, 0 for anywhere. */
bool ram_window(u64 size, u64 at, struct err *e);
u64 ram_window_size(void); /* of the reservation: offsets are below it */
/* Only when nothing runs that could still hold a pointer into it. */
void ram_free(struct ram *r);

extern u8 *ram_base; /* the reservation all RAM lies in */
static inline u64 ram_offset(const void *host)
{
    return (u64)((const u8 *)host - ram_base);
}

/* One byte of flags a RAM page, indexed by RAM offset >> RAM_PAGE_BITS; changed with atomic or/and.
 * Law: whoever makes something of a page's bytes (a translation, a picture) changes the flag first (sets RAM_CODE,
 * clears RAM_DIRTY) and reads the bytes after; whoever writes does so first and looks at the flags after, with a
 * full barrier between on both sides. So no write is missed. */
enum {
    RAM_CODE = 1,     /* translated code was made from this page: writes must call ram_code_written */
    RAM_WRITTEN = 2,  /* some vcpu's TLB holds it writable without asking: set by the TLB, cleared by its flush */
    RAM_DIRTY = 4,    /* written since the flag was cleared (display, migration); set by every write */
    RAM_MONITOR = 16, /* some vcpu watches bytes of it: no TLB holds it writable without asking */
    RAM_COVERED = 32, /* user mode: the host refuses writes, for the code made from it */
    RAM_WATCH = 8,    /* dirty tracking is on: a TLB must not cache it writable while RAM_DIRTY is clear */
};
extern u8 *ram_flags;
static inline u8 *ram_page_flags(u64 off)
{
    return &ram_flags[off >> RAM_PAGE_BITS];
}
/* Set by the accelerator: bytes of a RAM_CODE or RAM_MONITOR page are about to be, or were, written by somebody else
 * than the translated code itself (DMA, a loader, the debugger). */
extern void (*ram_code_written)(u64 ram_off, u64 len);
/* Dirty tracking of a range, from now on; all of it counts as written. */
void ram_watch(u64 ram_off, u64 len);
/* Was the page written since the last call (or since its watch began)? Read its bytes after. */
bool ram_take_dirty(u64 ram_off);
/* Set by the accelerator: nobody may write the page any more without asking. Not 0: somebody may still be at it. */
extern u64 (*ram_protect)(u64 ram_off);

/* -- regions and spaces ------------------------------------------------------------------------ */

enum mem_result { MEM_OK, MEM_DECODE_ERROR /* nothing there */, MEM_SLAVE_ERROR /* the device refused */ };

struct mem_attrs {
    u16 requester; /* PCI requester id of a DMA, 0 for a CPU */
    u8 cpu;        /* vcpu number when is_cpu */
    bool is_cpu, user;
    bool secure; /* Arm: of the secure world; x86: in system-management mode */
};

/* Offsets are from the region's start. The bus splits and widens accesses to min_size..max_size
 * (a wider one is split, a narrower read is a wider read cut down; a narrower write is passed as it is
 * when min_size is 1, else refused as MEM_SLAVE_ERROR). Called with the machine lock held. */
struct mem_ops {
    enum mem_result (*read)(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a);
    enum mem_result (*write)(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a);
    u8 min_size, max_size; /* 1, 2, 4, 8; 0 means 1 and 8 */
    bool unlocked;         /* may be called without the machine lock */
};

enum mem_kind {
    MEM_RAM,
    MEM_ROM,  /* reads from host, writes ignored */
    MEM_ROMD, /* reads from host while romd_reads, else and for writes through ops (CFI flash) */
    MEM_MMIO,
};
struct mem_space;
struct mem_region {
    const char *name;
    enum mem_kind kind;
    u64 size;
    u8 *host; /* RAM, ROM, ROMD: first byte, inside the RAM reservation */
    const struct mem_ops *ops;
    void *opaque;
    bool romd_reads;
    bool secure_only; /* others see what is below it */
    /* set by mem_map_region */
    struct mem_space *space;
    u64 base;
    int priority; /* the higher one is seen where two overlap */
    struct mem_region *next;
};

struct mem_space *mem_space_new(const char *name);
void mem_space_free(struct mem_space *s);
/* Machine lock held, or no thread running yet; so for all changes of the map. The region stays the caller's and must
 * outlive its mapping. base + size does not pass 2^64. */
void mem_map_region(struct mem_space *s, struct mem_region *r, u64 base, int priority);
void mem_unmap_region(struct mem_region *r);
/* After a change of kind, romd_reads, or size of a mapped region. */
void mem_region_changed(struct mem_region *r);
/* Runs fn after every change of the map (the accelerator flushes its TLBs). */
void mem_space_listen(struct mem_space *s, void (*fn)(void *opaque), void *opaque);
/* `info mtree` and `info mtree -f`. */
void mem_space_print(struct mem_space *s, bool flat, struct buf *out);

/* What stands at an address, for a TLB fill. `len`: bytes from addr to the end of the flat range (or of the hole).
 * As a secure access sees it. */
struct mem_hit {
    struct mem_region *region; /* NULL: nothing */
    u64 offset, len;
    u8 *host;      /* direct pointer for reads; NULL: through ops */
    bool writable; /* host may be written directly */
};
void mem_find(struct mem_space *s, u64 addr, struct mem_hit *out);
/* The same as an access with these attributes sees it. */
void mem_find_as(struct mem_space *s, u64 addr, struct mem_attrs a, struct mem_hit *out);

/* -- access ------------------------------------------------------------------------------------- */

/* One access of size 1, 2, 4, 8 at any address, little-endian value with zeros above; takes the machine lock for MMIO
 * if it is not held. Where nothing is, *val becomes 0. */
enum mem_result mem_load(struct mem_space *s, u64 addr, unsigned size, u64 *val, struct mem_attrs a);
enum mem_result mem_store(struct mem_space *s, u64 addr, unsigned size, u64 val, struct mem_attrs a);
/* The same when region and offset are known; off + size lies within the region. */
/* The same address `count` times, one after the other, as a port's string asks for it: `size` bytes each from or to p,
 * in the guest's order. What nobody answers reads as ones. */
void mem_load_again(struct mem_space *s, u64 addr, unsigned size, void *p, unsigned count, struct mem_attrs a);
void mem_store_again(struct mem_space *s, u64 addr, unsigned size, const void *p, unsigned count, struct mem_attrs a);
enum mem_result mem_region_load(struct mem_region *r, u64 off, unsigned size, u64 *val, struct mem_attrs a);
enum mem_result mem_region_store(struct mem_region *r, u64 off, unsigned size, u64 val, struct mem_attrs a);
/* Any number of bytes, RAM and MMIO mixed; goes on behind an error and tells the worst. Not atomic. */
enum mem_result mem_read(struct mem_space *s, u64 addr, void *p, u64 n, struct mem_attrs a);
enum mem_result mem_write(struct mem_space *s, u64 addr, const void *p, u64 n, struct mem_attrs a);
/* Loads images: also writes ROM. */
enum mem_result mem_write_rom(struct mem_space *s, u64 addr, const void *p, u64 n);
/* A host pointer to guest RAM for DMA; *n is cut to what is contiguous. NULL: not RAM (or ROM, for a write):
 * use mem_read/mem_write. After writing through it call mem_wrote. */
void *mem_map(struct mem_space *s, u64 addr, u64 *n, bool write);
void mem_wrote(void *host, u64 n);

#endif
