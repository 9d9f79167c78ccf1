/* DMA as devices on an ISA bus see it (SPEC: Intel 8237A; IBM PC AT Technical Reference): a request line to the
 * controller, and the controller's calls when the channel is served. The floppy controller and sound cards are such
 * devices, the 8237 pair is the controller; neither includes the other. Machine lock held. */
#ifndef MOSS_HW_CORE_ISA_DMA_H
#define MOSS_HW_CORE_ISA_DMA_H

#include "base/irq.h"
#include "base/types.h"

/* A channel is served while its request is up, it is not masked, and bytes are left of its count. `verify` transfers
 * have neither. */
struct isa_dma_peer {
    /* The device gives (from_device) or takes up to n bytes; how many it did. 0: none now. */
    unsigned (*from_device)(void *opaque, u8 *p, unsigned n);
    unsigned (*to_device)(void *opaque, const u8 *p, unsigned n);
    void (*terminal_count)(void *opaque); /* the channel's count has run out */
    void *opaque;
};

/* What a controller offers; a device has it as a pointer that the board sets. NULL: there is no DMA. */
struct isa_dma {
    void (*attach)(void *opaque, unsigned channel, const struct isa_dma_peer *peer); /* 0..7 but 4 */
    void (*request)(void *opaque, unsigned channel, bool on);                        /* DREQ */
    void *opaque;
};

#endif
