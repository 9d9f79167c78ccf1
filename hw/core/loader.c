/* Blobs: what a board or a user puts into guest memory before the first instruction, and again at each reset, since
 * the guest will have overwritten it. */
#include "hw/core/loader.h"

#include <glib.h>
#include <string.h>

#include "hw/core/machine.h"

void loader_add(struct machine *m, const char *name, u64 addr, void *data, u64 filled, u64 len)
{
    must(filled <= len);
    struct blob *b = g_new0(struct blob, 1), **p = &m->blobs;
    *b = (struct blob){.name = g_strdup(name), .addr = addr, .data = data, .filled = filled, .len = len};
    while (*p && (*p)->addr <= addr) {
        p = &(*p)->next;
    }
    b->next = *p;
    *p = b;
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

void loader_reset(struct machine *m)
{
    for (const struct blob *b = m->blobs; b; b = b->next) {
        mem_write_rom(m->sysmem, b->addr, b->data, b->filled);
        zeros_write(m->sysmem, b->addr + b->filled, b->len - b->filled);
    }
}

void loader_free(struct machine *m)
{
    for (struct blob *b = m->blobs, *next; b; b = next) {
        next = b->next;
        g_free(b->name);
        g_free(b->data);
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
