/* virtio memory balloons: virtio-balloon-device, virtio-balloon-pci and its two kin; and what a monitor does with them.
 */
#ifndef MOSS_HW_VIRTIO_VIRTIO_BALLOON_H
#define MOSS_HW_VIRTIO_VIRTIO_BALLOON_H

#include "hw/core/device.h"

extern const struct device_class virtio_balloon_class;
extern const struct device_class virtio_balloon_pci_class, virtio_balloon_pci_transitional_class,
    virtio_balloon_pci_non_transitional_class;

enum { BALLOON_STATS = 16 };
/* The machine's balloon (the newest); NULL: it has none. */
struct device *virtio_balloon_find(struct machine *m);
/* Asks the guest to live with so many bytes of its RAM. */
void virtio_balloon_ask(struct device *d, u64 bytes);
u64 virtio_balloon_left(const struct device *d); /* RAM less what the guest has given */
/* What the guest last said of its memory, by the tags of Virtio 1.2, 5.5.6.3; ~0: not said. Asks for it anew. */
void virtio_balloon_stats(struct device *d, u64 stats[BALLOON_STATS]);

#endif
