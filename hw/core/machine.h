/* A machine: an arena, the system address space, the devices in it, and the board that wired them.
 * A board is rows {class, id, base, irq, backend} plus one wire() for what a row can't say; the same rows give the
 * memory map, the irq wiring, the device tree, `info mtree`, the overlap check and the golden device-tree test. */
#ifndef MOSS_HW_CORE_MACHINE_H
#define MOSS_HW_CORE_MACHINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "hw/core/device.h"
#include "memory/memory.h"

struct vcpu;
struct kernel;
struct target;
struct opts;

enum part_backend { NO_BACKEND, SERIAL0, SERIAL1, SERIAL2, SERIAL3, PARALLEL0, PARALLEL1, PARALLEL2, PFLASH0, PFLASH1 };

struct part {
    const struct device_class *cls; /* NULL ends a table */
    const char *id;
    u64 base;
    int irq; /* first interrupt number at the board's controller, -1: none */
    enum part_backend backend;
    u64 size;         /* 0: the class's mmio_size */
    const char *when; /* NULL: always; else the board option that must be on; "!x": off */
    /* A row of equal parts: `count` (0: 1) windows `stride` apart, each with the irqs that follow the one before. Their
     * ids are "ID.0", "ID.1"... */
    u16 count;
    u32 stride;
    bool secure; /* seen by secure accesses only */
    bool io;     /* base is a port: in the machine's iospace */
};

/* -boot: what firmware is asked to do. Times are in milliseconds, -1: nothing was said. */
struct boot_wish {
    const char *order, *once; /* letters, a drive each; NULL: the board's own. once: until the first reset */
    bool menu, strict;
    int splash_time, reboot_timeout;
};

/* A drive of the board's own (-drive if=ide, -hda, -fda, -cdrom): the board makes the device for it, on the controller
 * it has for such drives. */
enum drive_kind { DRIVE_IDE, DRIVE_FLOPPY, DRIVE_SCSI, DRIVE_KINDS };
struct drive {
    enum drive_kind kind;
    unsigned bus, unit; /* unique for the kind, below what the board says */
    bool cdrom;
    struct blockdev *disk; /* never NULL; it may have no medium */
    const char *serial;    /* NULL: none was said */
};
/* How many drives of a kind a board takes; 0 buses: it has no controller for them. */
struct drive_room {
    u8 buses, units;
    bool when_used; /* without a drive there is no controller: no empty drive is put there */
};

/* What the command line says, handed to the board. Strings live as long as the machine. */
struct machine_config {
    u64 ram_size;                /* bytes; 0: the board's default */
    unsigned cpus;               /* 0: 1 */
    const struct target *target; /* which of the board's; NULL: its first */
    const char *cpu_model;       /* "cortex-a57,pmu=off" */
    struct opts *board_opts;     /* -machine X,key=value... */
    const char *kernel, *initrd, *append, *dtb, *dumpdtb, *firmware;
    struct chardev *serial[4], *parallel[3];
    struct blockdev *pflash[2];
    const struct drive *drives;
    unsigned ndrives;
    const char *vga; /* -vga: a name the board knows; NULL: the board's default, but for -nodefaults */
    bool no_defaults;
    bool semihosting;
    i64 rtc_offset;  /* seconds that the guest's calendar is ahead of the host's (-rtc base=) */
    bool rtc_stands; /* the calendar stands still while the machine is stopped (-rtc clock=vm) */
    bool rtc_slews;  /* a clock makes up for periodic interrupts that nobody answered (-rtc driftfix=slew) */
    bool nographic;
    bool watched; /* somebody will look at the screen, if there is one */
    /* What firmware is told of the machine. */
    u8 uuid[16];
    unsigned sockets, cores, threads; /* cores of a socket, threads of a core */
    struct opts *const *smbios;       /* -smbios, parsed */
    size_t nsmbios;
    struct boot_wish boot;
};

struct machine {
    const struct board *board;
    struct machine_config cfg;
    struct arena arena;
    struct mem_space *sysmem;
    struct mem_space *iospace; /* ports; NULL: the machine has none */
    struct ram ram;
    struct mem_region ram_region;
    struct device *devices; /* every device, newest first */
    struct vcpu **cpus;     /* cfg.cpus of them */
    void *board_data;       /* the board's own struct */
    unsigned ncpus;         /* how many of cpus are there; the board counts up */
    struct blob *blobs;     /* hw/core/loader.h: what is written to memory at each reset */
};

struct board {
    const char *name, *doc;
    bool is_default;                     /* of its ISAs, when no machine is named */
    const char *const *aliases;          /* NULL ended */
    const struct target *const *targets; /* ISAs it can carry, NULL ended */
    const char *default_cpu;
    u64 default_ram;
    unsigned max_cpus;
    const struct part *parts;
    const struct prop *options; /* -machine properties; offsets in a struct of options_size in board_data */
    size_t board_size;          /* of board_data */
    const char *default_nic;    /* device class for -nic/-net nic */
    const char *default_block;  /* device class for -drive if=virtio */
    const char *default_bus;    /* where a virtio device with no bus= goes: "virtio-mmio" or "pci" per class name */
    bool (*build)(struct machine *m, struct err *e);  /* parts are placed by machine_place_parts(); wires the rest */
    bool (*finish)(struct machine *m, struct err *e); /* after -device: device tree, kernel, firmware */
    void (*reset)(struct machine *m);                 /* after devices and images, before the cpus; may be NULL */
    void (*fini)(struct machine *m);                  /* may be NULL */
    void (*power_button)(struct machine *m);          /* somebody pressed it; NULL: the board has none */
    /* A file for the firmware (-fw_cfg); the bytes outlive the machine. NULL: the board has no fw_cfg. */
    bool (*fw_cfg_file)(struct machine *m, const char *name, const void *data, size_t len, struct err *e);
    /* A program for the board's processors into memory, as its segments say; NULL: it takes none. */
    bool (*load_program)(struct machine *m, const char *path, struct kernel *k, struct err *e);
    const char *ram_name; /* of the RAM region, NULL: "ram" */
    struct drive_room drive_room[DRIVE_KINDS];
    const char
        *default_drive;      /* the if= of a -drive that says none: "ide"; NULL: "virtio" if there is a default_block */
    const char *const *vgas; /* what -vga takes, the default first, NULL ended; NULL: the board has no VGA */
};

/* Sets up config, options, RAM (the board maps it) and runs build(). NULL: an option, a size or a number the board
 * can't take, or what build() refused. cfg is copied, the strings it points to are not. */
struct machine *machine_new(const struct board *b, const struct machine_config *cfg, struct err *e);
/* For build(): one more CPU, zeroed, with all set that is the machine's; the board calls t->init on it next. `size` is
 * t->cpu_size. */
struct vcpu *machine_cpu_new(struct machine *m, const struct target *t, size_t size);
/* After -device: runs finish(). The machine can then be reset and run. */
bool machine_finish(struct machine *m, struct err *e);
/* Creates, maps and wires every part; `pins(m, n)` turns a board irq number into a line. */
bool machine_place_parts(struct machine *m, struct irq (*pins)(struct machine *m, int n), struct err *e);
/* What a row's back end does, for devices that no row makes. Before device_init. */
void machine_give_backend(struct device *d, enum part_backend b);
/* Is the part of this row there, by its `when`? */
bool machine_has_part(const struct machine *m, const struct part *p);
struct device *machine_find(const struct machine *m, const char *id);
/* Devices, images, then cpus by the accelerator's reset hook. Vcpus are paused, the machine lock is held. */
void machine_reset(struct machine *m);
extern void (*machine_reset_cpus)(struct machine *m);
void machine_free(struct machine *m);
/* The devices with a bootindex, a line each, as firmware names them: the fw_cfg file `bootorder`. */
bool machine_boot_order(const struct machine *m, bool strict, struct buf *out, struct err *e);

/* -- requests that come from guest or user and are carried out by system/ -------------------------- */
enum shutdown_cause { SHUTDOWN_GUEST, SHUTDOWN_RESET, SHUTDOWN_HOST_QUIT, SHUTDOWN_SIGNAL, SHUTDOWN_PANIC };
/* Any thread. `code` is the exit status for SHUTDOWN_GUEST. */
extern void (*machine_request_shutdown)(enum shutdown_cause c, int code);
extern void (*machine_request_reset)(void);
extern void (*machine_request_panic)(void);    /* the guest says that it has crashed: -action panic= */
extern void (*machine_request_watchdog)(void); /* a watchdog ran out: -action watchdog= */

#endif
