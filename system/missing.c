/* Names of devices that QEMU has and moss has not, by how they begin, and what is missing: so that the sentence about
 * such a name says more than that it is unknown. Asked only for names that are not in the registry. */
#include <string.h>

#include "system/system.h"

static const struct {
    const char *begins, *what;
} missing[] = {
    {"usb-", "USB device of this kind"},
    {"nec-usb-", "USB controller but qemu-xhci"},
    {"usb-ehci", "USB controller but qemu-xhci"},
    {"ich9-usb-", "USB controller but qemu-xhci"},
    {"piix3-usb-", "USB controller but qemu-xhci"},
    {"piix4-usb-", "USB controller but qemu-xhci"},
    {"pci-ohci", "USB controller but qemu-xhci"},
    {"virtio-gpu-", "3D graphics: use virtio-gpu-pci"},
    {"virtio-vga-", "3D graphics: use virtio-vga"},
    {"vhost-user-gpu", "screen"},

    {"bochs-display", "screen of that kind: VGA, virtio-vga and ramfb are there"},

    {"cirrus-vga", "screen of that kind: VGA, virtio-vga and ramfb are there"},
    {"virtio-input", "input device"},
    {"vhost-scsi", "vhost"},
    {"scsi-", "SCSI pass-through: use scsi-hd or scsi-cd"},
    {"megasas", "SCSI adapter of this kind: use virtio-scsi-pci"},
    {"mptsas", "SCSI adapter of this kind: use virtio-scsi-pci"},
    {"lsi53c", "SCSI adapter of this kind: use virtio-scsi-pci"},
    {"pvscsi", "SCSI adapter of this kind: use virtio-scsi-pci"},
    {"am53c974", "SCSI adapter of this kind: use virtio-scsi-pci"},
    {"dc390", "SCSI adapter of this kind: use virtio-scsi-pci"},
    {"cmd646-ide", "IDE controller of this kind: use ich9-ahci"},
    {"piix4-ide", "IDE controller of this kind: use piix3-ide"},
    {"via-ide", "IDE controller of this kind: use ich9-ahci"},
    {"sii3112", "IDE controller of this kind: use ich9-ahci"},
    {"nvme", "NVMe: use virtio-blk-pci"},
    {"sdhci", "SD card"},
    {"sd-card", "SD card"},
    {"ne2k_pci", "network card of this kind: use virtio-net-pci"},
    {"pcnet", "network card of this kind: use virtio-net-pci"},
    {"vmxnet3", "network card of this kind: use virtio-net-pci"},
    {"i8255", "network card of this kind: use virtio-net-pci"},
    {"virtio-9p", "9p file sharing"},
    {"vhost-", "vhost"},
    {"vfio-", "VFIO"},
    {"virtio-mem", "memory hotplug"},
    {"pc-dimm", "memory hotplug"},
    {"nvdimm", "memory hotplug"},
    {"virtio-iommu", "IOMMU"},
    {"virtio-crypto", "virtio-crypto"},
    {"ioh3420", "root port of this kind: use pcie-root-port"},
    {"x3130-", "PCI Express switches: use pcie-root-port"},
    {"pxb", "further PCI roots: use pcie-root-port"},
    {"pci-serial", "serial port on PCI: use virtio-serial-pci and virtconsole"},
    {"ivshmem", "shared memory device"},
    {"tpm-", "TPM"},
    {"intel-hda", "sound"},
    {"ich9-intel-hda", "sound"},
    {"hda-", "sound"},
    {"AC97", "sound"},
    {"ES1370", "sound"},
    {"vmcoreinfo", "vmcoreinfo"},
    {"guest-loader", "guest loader: use -device loader"},
};

const char *device_missing(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        if (!strncmp(name, missing[i].begins, strlen(missing[i].begins))) {
            return missing[i].what;
        }
    }
    return NULL;
}
