/* virtio over PCI: how a virtio device gets its PCI classes.
 *
 * VIRTIO_PCI_CLASSES(virtio_blk, "virtio-blk", doc, struct virtio_blk_conf, BLK_PROPS, 0x010000, NULL) makes the
 * classes virtio-blk-pci, -pci-transitional and -pci-non-transitional; VIRTIO_PCI_MODERN_CLASS, for devices that came
 * after the legacy interface, makes one. A proxy has the properties of the device and of
 * the transport; in its init it makes the device itself and hands it its conf. */
#ifndef MOSS_HW_VIRTIO_VIRTIO_PCI_H
#define MOSS_HW_VIRTIO_VIRTIO_PCI_H

#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"

enum virtio_pci_kind { VIRTIO_PCI_GENERIC, VIRTIO_PCI_TRANSITIONAL, VIRTIO_PCI_NON_TRANSITIONAL };

/* What the transport needs to know: bus_class of a proxy's class. */
struct virtio_pci_class {
    const struct device_class *device;
    u32 conf_off;
    u32 class_code;
    enum virtio_pci_kind kind;
};

struct virtio_pci {
    struct pci_device pci;
    struct virtio_device *v;
    const char *disable_legacy;
    bool disable_modern, ioeventfd, iommu_platform, ats, page_per_vq, modern_pio_notify;
    u32 vectors;         /* ~0: as many as pay off */
    bool legacy, modern; /* what is shown */
    struct mem_region io, mmio;
    u32 device_sel, driver_sel;
    u16 queue_sel, config_vector;
    u8 cfg_cap; /* the capability through which configuration space reaches the registers */
};

// clang-format off
#define VIRTIO_PCI_PROPS(T)                                                                                            \
    PCI_PROPS(T, p.pci),                                                                                               \
    PROP("disable-legacy", PROP_STR, T, p.disable_legacy, "auto", "no legacy interface; auto: off"),                   \
    PROP("disable-modern", PROP_BOOL, T, p.disable_modern, "off", "no modern interface"),                              \
    PROP("vectors", PROP_U32, T, p.vectors, "0xffffffff", "MSI-X vectors; 0: none"),                                   \
    PROP("ioeventfd", PROP_BOOL, T, p.ioeventfd, "on", "accepted, changes nothing"),                                   \
    PROP("iommu_platform", PROP_BOOL, T, p.iommu_platform, "off", "must be off"),                                      \
    PROP("ats", PROP_BOOL, T, p.ats, "off", "accepted, changes nothing"),                                              \
    PROP("page-per-vq", PROP_BOOL, T, p.page_per_vq, "off", "accepted, changes nothing"),                              \
    PROP("modern-pio-notify", PROP_BOOL, T, p.modern_pio_notify, "off", "accepted, changes nothing")
// clang-format on

#define VIRTIO_PCI_FIELDS(T) \
    PCI_FIELDS(T, p.pci), FIELD(T, p.legacy, .flags = F_CONFIG), FIELD(T, p.modern, .flags = F_CONFIG), \
        FIELD(T, p.device_sel), FIELD(T, p.driver_sel), FIELD(T, p.queue_sel), \
        FIELD(T, p.config_vector, .reset = VIRTIO_NO_VECTOR)

bool virtio_pci_init(struct device *d, struct err *e);
void virtio_pci_reset(struct device *d);
void virtio_pci_fw_path(const struct device *d, struct buf *out);
bool virtio_pci_loaded(struct device *d, struct err *e);
bool virtio_pci_plug(struct device *owner, struct device *child, struct err *e);

#define VIRTIO_PCI_CLASS_(sym, suffix, name_, doc_, provides_, class_code_, kind_) \
    static const struct virtio_pci_class sym##_pci##suffix##_info = { \
        .device = &sym##_class, \
        .conf_off = offsetof(struct sym##_pci, conf), \
        .class_code = (class_code_), \
        .kind = (kind_), \
    }; \
    const struct device_class sym##_pci##suffix##_class = { \
        .name = (name_), \
        .doc = (doc_), \
        .bus = "pci", \
        .provides = (provides_), \
        .fw_path = virtio_pci_fw_path, \
        .size = sizeof(struct sym##_pci), \
        .state = sym##_pci_state, \
        .props = sym##_pci_props, \
        .init = virtio_pci_init, \
        .reset = virtio_pci_reset, \
        .loaded = virtio_pci_loaded, \
        .plug = virtio_pci_plug, \
        .bus_class = &sym##_pci##suffix##_info, \
    }

#define VIRTIO_PCI_CLASSES(sym, name_, doc_, conf_type, device_props, class_code_, provides_) \
    struct sym##_pci { \
        struct virtio_pci p; \
        conf_type conf; \
    }; \
    static const struct field sym##_pci_state[] = {VIRTIO_PCI_FIELDS(struct sym##_pci), {0}}; \
    static const struct prop sym##_pci_props[] = { \
        VIRTIO_PCI_PROPS(struct sym##_pci), device_props(struct sym##_pci), {0}}; \
    VIRTIO_PCI_CLASS_(sym, , name_ "-pci", doc_, provides_, class_code_, VIRTIO_PCI_GENERIC); \
    VIRTIO_PCI_CLASS_(sym, _transitional, name_ "-pci-transitional", doc_, provides_, class_code_, \
                      VIRTIO_PCI_TRANSITIONAL); \
    VIRTIO_PCI_CLASS_(sym, _non_transitional, name_ "-pci-non-transitional", doc_, provides_, class_code_, \
                      VIRTIO_PCI_NON_TRANSITIONAL);

#define VIRTIO_PCI_MODERN_CLASS(sym, name_, doc_, conf_type, device_props, class_code_) \
    struct sym##_pci { \
        struct virtio_pci p; \
        conf_type conf; \
    }; \
    static const struct field sym##_pci_state[] = {VIRTIO_PCI_FIELDS(struct sym##_pci), {0}}; \
    static const struct prop sym##_pci_props[] = { \
        VIRTIO_PCI_PROPS(struct sym##_pci), device_props(struct sym##_pci), {0}}; \
    VIRTIO_PCI_CLASS_(sym, , name_, doc_, NULL, class_code_, VIRTIO_PCI_NON_TRANSITIONAL)

#endif
