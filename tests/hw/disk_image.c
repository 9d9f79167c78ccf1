#include "tests/hw/disk_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/lock.h"
#include "hw/core/device.h"

static void *backend(enum prop_kind kind, const char *id, struct err *e)
{
    (void)kind;
    struct blockdev *b = block_find(id);
    if (!b) {
        err_set(e, "no drive %s", id);
    }
    return b;
}

void image_file(struct image *i, u64 size)
{
    strcpy(i->path, "/tmp/moss-test-disk-XXXXXX");
    int fd = mkstemp(i->path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (u64 n = 0; n < size / 512 && n < 4096; n++) {
        u8 sector[512];
        memset(sector, (int)(n + 1), sizeof(sector));
        assert_int_equal(pwrite(fd, sector, sizeof(sector), (off_t)(n * 512)), 512);
    }
    close(fd);
}

void image_make(struct image *i, const char *id, u64 size, bool read_only)
{
    struct err e = {0};
    image_file(i, size);
    i->b = block_open_file(id, i->path, read_only, &e);
    if (!i->b) {
        fail_msg("%s", e.msg);
    }
    prop_backend = backend;
}

void disk_image_free(struct image *i)
{
    machine_lock();
    block_close_all();
    machine_unlock();
    unlink(i->path);
}

u8 image_byte(const struct image *i, u64 off)
{
    u8 v = 0;
    FILE *f = fopen(i->path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)off, SEEK_SET), 0);
    assert_int_equal(fread(&v, 1, 1, f), 1);
    fclose(f);
    return v;
}
