/* Image files: read, and freed from the wrappers that kernels are shipped in. gzip (RFC 1952), zstd (RFC 8878), and
 * Linux's EFI zboot image (drivers/firmware/efi/libstub/zboot-header.S), whose compression is one of the two. */
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#if __has_include(<zstd.h>)
#include <zstd.h>
#define HAVE_ZSTD_H
#endif

#include "base/bits.h"
#include "config.h"
#include "hw/core/loader.h"

/* Far above any kernel; a small file that unpacks to more is an attack or a mistake. */
#define UNPACK_MAX (1ull << 30)

bool image_read(struct image_file *f, const char *what, const char *path, struct err *e)
{
    gchar *data = NULL;
    gsize n;
    GError *why = NULL;
    *f = (struct image_file){0};
    if (!g_file_get_contents(path, &data, &n, &why)) {
        err_set(e, "could not load %s '%s': %s", what, path,
                why->code == G_FILE_ERROR_NOENT   ? "No such file or directory"
                : why->code == G_FILE_ERROR_ACCES ? "Permission denied"
                                                  : why->message);
        g_error_free(why);
        return false;
    }
    *f = (struct image_file){.data = (u8 *)data, .len = n};
    return true;
}

bool image_map(struct image_file *f, const char *what, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) {
            *f = (struct image_file){.data = p, .len = (u64)st.st_size, .mapped = true, .fd = fd};
            return true;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return image_read(f, what, path, e); /* which knows why not, or how to read a pipe */
}

static const char *added_dirs[8];
static unsigned nadded_dirs;

void image_dir_add(const char *dir)
{
    if (nadded_dirs < ARRAY_LEN(added_dirs)) {
        added_dirs[nadded_dirs++] = dir;
    }
}

char *image_find(const char *name)
{
    if (g_file_test(name, G_FILE_TEST_EXISTS)) {
        return g_strdup(name);
    }
    char *found = NULL;
    for (unsigned i = 0; i < nadded_dirs && !strchr(name, '/'); i++) {
        char *path = g_build_filename(added_dirs[i], name, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            return path;
        }
        g_free(path);
    }
    gchar **dirs = g_strsplit(MOSS_DATADIRS, ":", 0);
    for (gchar **d = dirs; *d && !found && !strchr(name, '/'); d++) {
        char *path = g_build_filename(*d, name, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            found = path;
        } else {
            g_free(path);
        }
    }
    g_strfreev(dirs);
    return found;
}

void image_free(struct image_file *f)
{
    if (f->mapped) {
        munmap(f->data, f->len);
        close(f->fd);
    } else {
        g_free(f->data);
    }
    *f = (struct image_file){0};
}

static void image_replace(struct image_file *f, u8 *data, u64 len)
{
    image_free(f);
    *f = (struct image_file){.data = data, .len = len};
}

static bool gunzip(struct image_file *f, struct err *e)
{
    z_stream z = {.next_in = f->data, .avail_in = (uInt)MIN(f->len, UINT32_MAX)};
    u64 cap = MAX(f->len * 4, 1u << 16);
    u8 *out = g_malloc(cap);
    int rc = inflateInit2(&z, 16 + MAX_WBITS);
    while (rc == Z_OK && cap <= UNPACK_MAX) {
        z.next_out = out + z.total_out;
        z.avail_out = (uInt)(cap - z.total_out);
        rc = inflate(&z, Z_NO_FLUSH);
        if (rc == Z_OK && z.avail_out == 0) {
            out = g_realloc(out, cap *= 2);
        } else if (rc == Z_OK || rc == Z_BUF_ERROR) {
            rc = Z_DATA_ERROR; /* the input ended early */
        }
    }
    u64 len = z.total_out;
    inflateEnd(&z);
    if (rc != Z_STREAM_END) {
        g_free(out);
        return err_set(e, "its gzip data is damaged or too large");
    }
    image_replace(f, out, len);
    return true;
}

#ifdef HAVE_ZSTD_H
static bool unzstd(struct image_file *f, struct err *e)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer in = {f->data, f->len, 0};
    ZSTD_outBuffer out = {g_malloc(1 << 16), 1 << 16, 0};
    size_t rc = 1;
    while (rc && !ZSTD_isError(rc) && out.size <= UNPACK_MAX) {
        size_t was_in = in.pos, was_out = out.pos;
        rc = ZSTD_decompressStream(z, &out, &in);
        if (out.pos == out.size) {
            out.dst = g_realloc(out.dst, out.size *= 2);
        } else if (rc && in.pos == was_in && out.pos == was_out) {
            break; /* the input ended early */
        }
    }
    ZSTD_freeDStream(z);
    if (rc) {
        g_free(out.dst);
        return err_set(e, "its zstd data is damaged or too large");
    }
    image_replace(f, out.dst, out.pos);
    return true;
}
#else
static bool unzstd(struct image_file *f, struct err *e)
{
    (void)f;
    return err_set(e, "it is compressed with zstd, which this build lacks (libzstd)");
}
#endif

/* struct linux_efi_zboot_header: "MZ\0\0", "zimg", payload offset, payload size, 8 bytes, the compression's name. */
static bool unwrap_zboot(struct image_file *f, struct err *e)
{
    u32 off = ld32le(f->data + 8), size = ld32le(f->data + 12);
    if (off > f->len || size > f->len - off) {
        return err_set(e, "its EFI zboot header points outside the file");
    }
    u8 *payload = g_memdup2(f->data + off, size);
    image_replace(f, payload, size);
    return true;
}

static bool has_magic(const struct image_file *f, u64 at, const void *magic, size_t n)
{
    return f->len >= at + n && !memcmp(f->data + at, magic, n);
}

bool image_unpack(struct image_file *f, struct err *e)
{
    if (has_magic(f, 0, "MZ\0\0zimg", 8) && f->len > 64 && !unwrap_zboot(f, e)) {
        return false;
    }
    if (has_magic(f, 0, "\x1f\x8b", 2)) {
        return gunzip(f, e);
    }
    if (has_magic(f, 0, "\x28\xb5\x2f\xfd", 4)) {
        return unzstd(f, e);
    }
    return true;
}
