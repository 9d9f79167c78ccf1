/* An image in a file for tests of disks: sector n (of 512 bytes) is filled with the low byte of n + 1. */
#ifndef MOSS_TESTS_HW_DISK_IMAGE_H
#define MOSS_TESTS_HW_DISK_IMAGE_H

#include "block/block.h"

struct image {
    char path[64];
    struct blockdev *b;
};
/* Also sets prop_backend, so that "drive=ID" works. */
void image_make(struct image *i, const char *id, u64 size, bool read_only);
void image_file(struct image *i, u64 size); /* the file only */
void disk_image_free(struct image *i);      /* closes every drive */
u8 image_byte(const struct image *i, u64 off);

#endif
