/* virtio SCSI adapters: virtio-scsi-device, virtio-scsi-pci and its two kin; they provide "SCSI". */
#ifndef MOSS_HW_SCSI_VIRTIO_SCSI_H
#define MOSS_HW_SCSI_VIRTIO_SCSI_H

#include "hw/core/device.h"

extern const struct device_class virtio_scsi_class;
extern const struct device_class virtio_scsi_pci_class, virtio_scsi_pci_transitional_class,
    virtio_scsi_pci_non_transitional_class;

#endif
