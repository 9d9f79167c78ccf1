/* Images: what is written to guest memory at each reset, and the files that kernels come in. */
#ifndef MOSS_HW_CORE_LOADER_H
#define MOSS_HW_CORE_LOADER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/types.h"

struct machine;

/* -- blobs: bytes that stand in memory (RAM or ROM) after each reset -------------------------------- */

struct blob {
    char *name;
    u64 addr, len; /* len bytes at addr: `filled` of data, zeros behind */
    u8 *data;      /* NULL: read from the file again at each reset */
    int fd;
    u64 filled;
    struct blob *next;
};
/* data is the machine's from now on, to be freed with g_free; it may be longer than filled. */
void loader_add(struct machine *m, const char *name, u64 addr, void *data, u64 filled, u64 len);
struct image_file;
/* The whole image, which is the machine's from now on; one that is mapped takes no memory beside the guest's. */
void loader_add_image(struct machine *m, const char *name, u64 addr, struct image_file *f);
/* Two blobs at one place, or one where there is no memory, is a mistake of the one who gave the command. */
bool loader_check(const struct machine *m, struct err *e);
void loader_reset(struct machine *m);
void loader_free(struct machine *m);
void loader_print(const struct machine *m, struct buf *out); /* `info roms` */

/* -- files ------------------------------------------------------------------------------------------- */

struct image_file {
    u8 *data; /* g_free, unless mapped; NULL: nothing read */
    u64 len;
    bool mapped; /* data is a view of fd, for reading only */
    int fd;
};
/* A file as named, else of that name in the folders where distributions put firmware; NULL: neither. g_free. */
char *image_find(const char *name);
/* Another folder to look into, before those; the string is kept. */
void image_dir_add(const char *dir);
/* The sentence is "could not load WHAT 'PATH'" and why. */
bool image_read(struct image_file *f, const char *what, const char *path, struct err *e);
/* The same, mapped when it is a file that can be: for what may be large and goes into memory as it is. */
bool image_map(struct image_file *f, const char *what, const char *path, struct err *e);
/* Looks through gzip, zstd and the EFI zboot wrapper around either (a kernel's vmlinuz.efi). */
bool image_unpack(struct image_file *f, struct err *e);
void image_free(struct image_file *f);

/* -- kernels ------------------------------------------------------------------------------------------ */

struct kernel_rules {
    u64 ram_base, ram_size;
    u16 elf_machines[3]; /* e_machine values that this board's cpus run; 0: end */
    u64 raw_offset;      /* from ram_base, for an image that says nothing */
    u64 keep_free;       /* bytes at ram_base that no Linux image may take */
    bool elf_only;       /* of what kernel_load knows, for boards that other images are nothing for */
};
enum kernel_kind {
    KERNEL_ELF,   /* bare metal: entered with no argument */
    KERNEL_IMAGE, /* arm64 Image */
    KERNEL_UIMAGE,
    KERNEL_RAW,
};
struct kernel {
    enum kernel_kind kind;
    u64 entry;      /* physical */
    u64 start, end; /* the bytes of memory it takes, bss included when that is known */
    bool elf64;
    u64 pvh_entry; /* what an ELF file's note for Xen names (PHYS32_ENTRY), 0: nothing */
};
bool kernel_load(struct machine *m, const char *path, const struct kernel_rules *r, struct kernel *k, struct err *e);

#endif
