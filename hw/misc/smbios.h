/* SMBIOS tables, which firmware passes on to the operating system (DMTF DSP0134). Built once from what the machine is
 * and what the user said with -smbios. */
#ifndef MOSS_HW_MISC_SMBIOS_H
#define MOSS_HW_MISC_SMBIOS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/opts.h"

struct smbios_facts {
    const char *manufacturer, *product, *version;
    const u8 *uuid; /* 16 bytes as they are written */
    u64 ram_size;
    unsigned sockets, cores, threads; /* cores of a socket, threads of a core */
    struct opts *const *options;      /* -smbios, parsed; later ones count */
    size_t noptions;
    bool anchor32; /* the entry point that systems of any age know (2.8), not that of version 3: where the tables fit */
};
/* The tables, and the entry point whose address and check sum the firmware fills in. */
bool smbios_build(const struct smbios_facts *f, struct buf *tables, struct buf *anchor, struct err *e);

#endif
