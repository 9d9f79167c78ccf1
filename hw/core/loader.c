/* Blobs: what a board or a user puts into guest memory before the first instruction, and again at each reset, since
 * the guest will have overwritten it. */
#include "hw/core/loader.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"

static void blob_insert(struct machine *m, const struct blob *what)
{
    struct blob *b = g_memdup2(what, sizeof(*what)), **p = &m->blobs;
    const u64 addr = b->addr;
    while (*p && (*p)->addr <= addr) {
        p = &(*p)->next;
    }
    b->next = *p;
    *p = b;
}

void loader_add(struct machine *m, const char *name, u64 addr, void *data, u64 filled, u64 len)
{
    must(filled <= len);
    blob_insert(m, &(struct blob){.name = g_strdup(name), .addr = addr, .data = data, .filled = filled, .len = len});
}

void loader_add_image(struct machine *m, const char *name, u64 addr, struct image_file *f)
{
    struct blob b = {.name = g_strdup(name), .addr = addr, .data = f->data, .filled = f->len, .len = f->len};
    if (f->mapped) {
        munmap(f->data, f->len);
        b.data = NULL;
        b.fd = f->fd;
    }
    blob_insert(m, &b);
    *f = (struct image_file){0};
}

bool loader_check(const struct machine *m, struct err *e)
{
    for (const struct blob *b = m->blobs; b; b = b->next) {
        if (b->next && b->len > b->next->addr - b->addr) {
            return err_set(e, "'%s' (0x%llx bytes at 0x%llx) reaches into '%s' at 0x%llx", b->name,
                           (unsigned long long)b->len, (unsigned long long)b->addr, b->next->name,
                           (unsigned long long)b->next->addr);
        }
        for (u64 at = 0; at < b->len;) {
            struct mem_hit h;
            mem_find(m->sysmem, b->addr + at, &h);
            if (!h.region || h.region->kind == MEM_MMIO) {
                return err_set(e, "there is no memory at 0x%llx for '%s' (0x%llx bytes from 0x%llx)",
                               (unsigned long long)(b->addr + at), b->name, (unsigned long long)b->len,
                               (unsigned long long)b->addr);
            }
            at += MIN(h.len, b->len - at);
        }
    }
    return true;
}

static void zeros_write(struct mem_space *s, u64 addr, u64 n)
{
    static const u8 zeros[1 << 16];
    for (u64 done = 0, part; done < n; done += part) {
        part = MIN(n - done, sizeof(zeros));
        mem_write_rom(s, addr + done, zeros, part);
    }
}

/* Straight from the file into guest memory. What a file that has become shorter lacks is zeros. */
static void file_write(struct mem_space *s, const struct blob *b)
{
    for (u64 done = 0, part; done < b->filled; done += part) {
        struct mem_hit h;
        mem_find(s, b->addr + done, &h);
        part = MIN(b->filled - done, MIN(h.len, 1u << 30));
        must(h.region && h.region->host);
        u8 *to = h.region->host + h.offset;
        ssize_t n = pread(b->fd, to, part, (off_t)done);
        if (n <= 0) {
            warn_once("'%s' cannot be read again: %s", b->name, n ? strerror(errno) : "the file has become shorter");
            zeros_write(s, b->addr + done, b->filled - done);
            return;
        }
        part = (u64)n;
        mem_wrote(to, part);
    }
}

void loader_reset(struct machine *m)
{
    for (const struct blob *b = m->blobs; b; b = b->next) {
        if (b->data) {
            mem_write_rom(m->sysmem, b->addr, b->data, b->filled);
        } else {
            file_write(m->sysmem, b);
        }
        zeros_write(m->sysmem, b->addr + b->filled, b->len - b->filled);
    }
}

void loader_free(struct machine *m)
{
    for (struct blob *b = m->blobs, *next; b; b = next) {
        next = b->next;
        g_free(b->name);
        if (b->data) {
            g_free(b->data);
        } else {
            close(b->fd);
        }
        g_free(b);
    }
    m->blobs = NULL;
}

void loader_print(const struct machine *m, struct buf *out)
{
    for (const struct blob *b = m->blobs; b; b = b->next) {
        struct mem_hit h;
        mem_find(m->sysmem, b->addr, &h);
        buf_printf(out, "addr=%016llx size=0x%06llx mem=%s name=\"%s\"\n", (unsigned long long)b->addr,
                   (unsigned long long)b->len, h.region && h.region->kind == MEM_RAM ? "ram" : "rom", b->name);
    }
}
