/* A set of ACPI tables, and the two ways to a guest: through firmware, which places them by the script that fw_cfg
 * hands to it (etc/table-loader, as SeaBIOS and OVMF execute it), or into memory where no firmware runs.
 *
 *   acpi_begin(t, "MCFG", 1); acpi_u64(t, 0); ... acpi_end(t);      each table
 *   acpi_pointer(t, at, size, to)                                   bytes at `at` will hold the address of `to`
 *   acpi_finish(t)                                                  RSDT, XSDT, RSDP
 *
 * Places are offsets in `body`. */
#ifndef MOSS_HW_ACPI_TABLES_H
#define MOSS_HW_ACPI_TABLES_H

#include "base/buf.h"
#include "hw/core/device.h"

enum { ACPI_MAX_TABLES = 16, ACPI_MAX_POINTERS = 48, ACPI_RSDP_SIZE = 36, ACPI_HEADER = 36 };

struct acpi_tables {
    const char *oem_id, *oem_table_id; /* NULL: "MOSS", "MOSSTABL" */
    struct buf body;
    u8 rsdp[ACPI_RSDP_SIZE];
    size_t start;                  /* of the table under way */
    size_t table[ACPI_MAX_TABLES]; /* those with a check sum */
    bool listed[ACPI_MAX_TABLES];  /* RSDT and XSDT name it */
    unsigned ntables;
    struct {
        size_t at, to;
        u8 size;
        bool in_rsdp;
    } pointer[ACPI_MAX_POINTERS];
    unsigned npointers;
};

/* A table's header; the DSDT is not listed, the FADT points to it. */
void acpi_begin(struct acpi_tables *t, const char *signature, u8 revision);
void acpi_end(struct acpi_tables *t);
size_t acpi_here(const struct acpi_tables *t);
void acpi_align(struct acpi_tables *t, unsigned n);
void acpi_u8(struct acpi_tables *t, u8 v);
void acpi_u16(struct acpi_tables *t, u16 v);
void acpi_u32(struct acpi_tables *t, u32 v);
void acpi_u64(struct acpi_tables *t, u64 v);
void acpi_zeros(struct acpi_tables *t, unsigned n);
/* A generic address (ACPI 6.4, 5.2.3.2). */
enum { ACPI_IN_MEMORY = 0, ACPI_IN_IO = 1 };
void acpi_address(struct acpi_tables *t, u8 space, u8 bits, u8 access, u64 at);
/* The FACS, and the FADT that points to it and to the DSDT (5.2.9, 5.2.10). Zero: there is none. */
struct acpi_fadt {
    u8 revision;
    size_t facs, dsdt;
    bool has_facs;
    bool below_4g; /* of hardware-reduced machines: the tables are, so the narrow pointer to the DSDT holds too */
    u16 sci, boot_arch, arm_boot_arch;
    u32 smi_port, flags;
    u8 smi_on, smi_off, reset_value, century;
    u16 pm_port, gpe_port, reset_port; /* events, control and timer from pm_port on */
    u8 gpe_bytes;                      /* status and enables together */
    /* Of hardware-reduced machines, in memory; 0: there is none. */
    u64 reset_at, sleep_control, sleep_status;
};
enum { /* flags */
       FADT_WBINVD = 1 << 0,
       FADT_PROC_C1 = 1 << 2,
       FADT_SLEEP_BUTTON = 1 << 5, /* is no fixed hardware */
       FADT_TMR_32 = 1 << 8,
       FADT_RESET = 1 << 10,
       FADT_CLUSTER = 1 << 18,
       FADT_HW_REDUCED = 1 << 20,
       /* boot_arch */
       FADT_LEGACY = 1 << 0,
       FADT_8042 = 1 << 1,
       FADT_NO_VGA = 1 << 2,
       /* arm_boot_arch */
       FADT_PSCI = 1 << 0,
       FADT_PSCI_HVC = 1 << 1,
};
size_t acpi_facs(struct acpi_tables *t);
void acpi_fadt(struct acpi_tables *t, const struct acpi_fadt *f);
/* Where a PCI segment's configuration space is in memory. */
void acpi_mcfg(struct acpi_tables *t, u64 base, u8 last_bus);

/* The bytes must be written already, or be of the table under way. */
void acpi_pointer(struct acpi_tables *t, size_t at, unsigned size, size_t to);
/* rsdt: also one of 32-bit addresses, for guests that know no other. */
void acpi_finish(struct acpi_tables *t, bool rsdt);
void acpi_free(struct acpi_tables *t);

/* The script for firmware. */
void acpi_script(const struct acpi_tables *t, struct buf *script);
/* What the script would do, for tables that stand at `at` (a multiple of 64). */
void acpi_place(struct acpi_tables *t, u64 at);

/* -- the three files of fw_cfg ------------------------------------------------------------------------------------ */

/* Makes the tables; called anew when the guest begins to read them, for what firmware has placed meanwhile. Must give
 * the same lengths and places each time. */
struct acpi_files {
    void (*make)(void *opaque, struct acpi_tables *t);
    void *opaque;
    u8 *body, *rsdp;
    size_t len;
};
/* f lives as long as the machine. add: how the board adds a file, of which acpi_files_selected(f) is told that it was
 * selected. */
typedef bool acpi_add_file(struct machine *m, const char *name, const void *data, size_t len, struct acpi_files *f,
                           struct err *e);
void acpi_files_selected(void *acpi_files);
/* Into memory instead, where no firmware runs: at `at` (64-byte aligned), the RSDP at `rsdp`. False: more than `room`
 * bytes. */
bool acpi_blobs_add(struct machine *m, const struct acpi_files *f, u64 at, u64 room, u64 rsdp, struct err *e);
bool acpi_files_add(struct machine *m, struct acpi_files *f, acpi_add_file *add, struct err *e);

/* In a MADT: ISA's irq is the IO-APIC's gsi, with MPS INTI flags (ACPI 6.4, 5.2.12.5). */
void acpi_madt_override(struct acpi_tables *t, u8 irq, u32 gsi, u16 flags);

#endif
