/* Image formats by their first bytes. Only raw is read; the others are known so that an image of one
 * is refused with a sentence instead of being shown to the guest as garbage. */
#include <string.h>

#include "block/block_priv.h"

static const struct magic {
    const char *format;
    unsigned at, len;
    const char *bytes;
} magics[] = {
    {"qcow2", 0, 4, "QFI\xfb"},
    {"qed", 0, 4, "QED\0"},
    {"vmdk", 0, 4, "KDMV"},
    {"vmdk", 0, 4, "COWD"},
    {"vdi", 64, 4, "\x7f\x10\xda\xbe"},
    {"vhdx", 0, 8, "vhdxfile"},
    {"vpc", 0, 8, "conectix"},
    {"parallels", 0, 16, "WithoutFreeSpace"},
    {"parallels", 0, 16, "WithouFreSpacExt"},
    {"luks", 0, 6, "LUKS\xba\xbe"},
    {"dmg", 0, 4, "koly"},
};

const char *format_probe(const u8 *head, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        const struct magic *m = &magics[i];
        if (m->at + m->len <= n && !memcmp(head + m->at, m->bytes, m->len)) {
            return m->format;
        }
    }
    return "raw";
}

/* format: as given, or NULL to look. */
bool format_check(struct block_node *n, const char *path, const char *format, struct err *e)
{
    u8 head[512] = {0};
    struct iovec iov = {.iov_base = head, .iov_len = MIN(n->size, (u64)sizeof(head))};
    if (format && !strcmp(format, "raw")) {
        return true;
    }
    if (!format) {
        int rc = n->drv->readv(n, 0, &iov, 1);
        if (rc) {
            return err_set(e, "cannot read image '%s': %s", path, g_strerror(-rc));
        }
        format = format_probe(head, iov.iov_len);
        if (!strcmp(format, "raw")) {
            return true;
        }
        return err_set(e,
                       "image '%s' looks like %s, and moss reads raw images only: convert it with "
                       "'qemu-img convert -O raw' (or give format=raw to take its bytes as they are)",
                       path, format);
    }
    return err_set(e, "format=%s: moss reads raw images only; 'qemu-img convert -O raw' converts", format);
}
