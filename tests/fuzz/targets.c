/* What can be fuzzed, and the command line that makes it: every class of hw/devices.def, on a board that has it or on
 * one that takes it, with back ends by the kinds of its properties. */
#include <glib.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/registry.h"
#include "tests/fuzz/fuzz.h"

enum { TARGETS = 256 };

/* Boards, with all that sits on them by themselves. Words without blanks in them. */
#define EVERY " -nodefaults -display none -m 32M -smp 2 -seed 1 -rtc base=2020-01-01,clock=vm -serial chardev:c1"
#define PC \
    EVERY " -bios bios.img -vga none -parallel chardev:c2 -drive if=ide,index=0,file=ide.img,format=raw" \
          " -drive if=ide,index=2,media=cdrom,file=ide-cd.img,format=raw"
#define VIRT EVERY " -cpu max -global virtio-mmio.force-legacy=off"
static const struct setting {
    const char *name, *args;
} settings[] = {
    {"pc", "moss-system-x86_64 -M pc -cpu max" PC " -drive if=floppy,file=floppy.img,format=raw"},
    {"q35", "moss-system-x86_64 -M q35 -cpu max" PC},
    {"virt", "moss-system-aarch64 -M virt,gic-version=3,virtualization=on" VIRT},
    {"virt-secure", "moss-system-aarch64 -M virt,gic-version=3,secure=on -bios bios.img -cpu max" EVERY},
    {"virt-gicv2", "moss-system-aarch64 -M virt,gic-version=2,virtualization=on -cpu cortex-a57" EVERY},
    {"microvm", "moss-system-x86_64 -M microvm,pcie=on -cpu max -bios bios.img" EVERY},
    {"bare", "moss-system-x86_64 -M x86-bare -cpu max -bios bios.img" EVERY},
};
enum { SETTINGS = ARRAY_LEN(settings) };
/* Bits of `settings`. */
enum { ON_I440FX = 1, ON_Q35 = 2, ON_GICV3 = 4, ON_GICV2 = 16, ON_MICROVM = 32 };
enum { ON_PC = ON_I440FX | ON_Q35, ON_VIRT = ON_GICV3 | ON_GICV2, ON_PCI = ON_PC | ON_GICV3 | ON_MICROVM };

/* Where -device puts what sits on a bus, and what must be there before. */
static const struct {
    const char *bus, *before;
    u32 on;
} buses[] = {
    {"pci", "", ON_PCI},
    {"isa", "", ON_PC},
    {"fw_cfg", "", ON_PC | ON_GICV3},
    {"virtio", "", ON_VIRT | ON_MICROVM},
    {"usb", " -device qemu-xhci", ON_PCI},
    {"SCSI", " -device virtio-scsi-pci", ON_PCI},
    {"IDE", "", ON_PC},
    {"floppy-bus", "", ON_I440FX},
    {"virtio-serial", " -device virtio-serial-pci", ON_PCI},
};

/* What a device is little without. */
static const struct {
    const char *name, *after;
} company[] = {
    {"virtio-scsi", " -device scsi-hd,drive=dx -device scsi-cd,drive=dy"},
    {"virtio-serial", " -device virtconsole,chardev=c0 -device virtserialport,chardev=c3,name=port"},
    {"qemu-xhci", " -device usb-kbd -device usb-tablet -device usb-storage,drive=dx"},
    {"usb-hub", " -device usb-mouse -device usb-kbd"},
    {"ich9-ahci", " -device ide-hd,drive=dx"},
    {"pci-bridge", " -device edu -device pci-testdev,bus=t0 -device virtio-rng-pci,bus=t0"},
    {"pcie-root-port", " -device virtio-rng-pci,bus=t0"},
    {"pcie-pci-bridge", " -device edu -device pci-testdev,bus=t0 -device virtio-rng-pci,bus=t0"},
    {"i440FX", " -device pci-testdev"},
    {"mch", " -device pci-testdev"},
    {"gpex", " -device virtio-rng-pci -device edu"},
};
#define MORE_DISKS \
    " -drive if=none,id=dx,file=disk2.img,format=raw -drive if=none,id=dy,file=cd2.img,format=raw,media=cdrom"

/* Classes that no board has and nobody can ask for. */
static const char *const apart[] = {"isa-vga"};

unsigned targets_list(const struct target_info **out)
{
    static struct target_info list[TARGETS];
    static unsigned n;
    static bool done;
    for (const struct device_class *const *c = registry_devices; !done && *c; c++) {
        bool out_of_reach = false;
        for (unsigned i = 0; i < ARRAY_LEN(apart); i++) {
            out_of_reach |= !strcmp((*c)->name, apart[i]);
        }
        if (!out_of_reach) {
            must(n < TARGETS);
            list[n++] = (struct target_info){.cls = *c, .group = (*c)->bus};
        }
    }
    done = true;
    *out = list;
    return n;
}

const struct target_info *target_find(const char *name)
{
    const struct target_info *list;
    unsigned n = targets_list(&list);
    for (unsigned i = 0; i < n; i++) {
        if (!strcmp(list[i].cls->name, name)) {
            return &list[i];
        }
    }
    return NULL;
}

/* -- which board has what by itself ------------------------------------------------------------------------------ */

static void args_set(struct tape *t, const char *words)
{
    t->args_len = strlen(words) + 1;
    must(t->args_len <= sizeof(t->args));
    memcpy(t->args, words, t->args_len);
    for (u64 i = 0; i < t->args_len; i++) {
        t->args[i] = (char)(t->args[i] == ' ' ? 0 : t->args[i]);
    }
}

/* In a process of its own, as there is one machine a process: bit i of have[class]: setting i has it. */
static void probe(unsigned i, u32 *have, struct tape *t)
{
    int status;
    struct err e = {0};
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (!pid) {
        struct world w;
        child_images();
        args_set(t, settings[i].args);
        if (!world_make(&w, t, 1, &e)) {
            fprintf(stderr, "fuzz: board '%s' cannot be made: %s\n", settings[i].name, e.msg);
            _exit(1);
        }
        for (struct device *d = w.m->devices; d; d = d->next) {
            for (unsigned k = 0; registry_devices[k]; k++) {
                have[k] |= registry_devices[k] == d->cls ? 1u << i : 0;
            }
        }
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid);
}

static u32 settings_with(const struct device_class *cls)
{
    static u32 *have;
    if (!have) {
        size_t n = TARGETS * sizeof(*have);
        have = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        must(have != MAP_FAILED);
        struct tape *t = tape_new();
        for (unsigned i = 0; i < SETTINGS; i++) {
            probe(i, have, t);
        }
        tape_free(t);
    }
    unsigned k = 0;
    while (registry_devices[k] && registry_devices[k] != cls) {
        k++;
    }
    return have[k];
}

/* -- a command line ---------------------------------------------------------------------------------------------- */

static u64 mix(u64 *seed)
{
    u64 z = *seed += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static void backend_add(GString *s, const struct device_class *c, const struct prop *p, GString *backs)
{
    switch (p->kind) {
    case PROP_BLOCK: {
        bool cd = strstr(c->name, "-cd"), floppy = !strcmp(c->bus, "floppy-bus");
        g_string_append_printf(s, ",%s=d0", p->name);
        g_string_append_printf(backs, " -drive if=none,id=d0,file=%s,format=raw%s",
                               cd       ? "cd.img"
                               : floppy ? "fd.img"
                                        : "disk.img",
                               cd ? ",media=cdrom" : "");
        break;
    }
    case PROP_NETDEV:
        g_string_append_printf(s, ",%s=n0", p->name);
        g_string_append(backs, " -netdev hubport,id=n0,hubid=0 -netdev hubport,id=n1,hubid=0");
        break;
    case PROP_CHARDEV:
        g_string_append_printf(s, ",%s=c0", p->name);
        break;
    default:
        break;
    }
}

/* Now and then a property is not what it is by default. */
static void prop_vary(GString *s, const struct prop *p, u64 *seed)
{
    u64 r = mix(seed);
    if (!strcmp(p->name, "packed")) { /* the other half of all there is about queues */
        g_string_append(s, r & 1 ? ",packed=on" : "");
        return;
    }
    if (r % 8) {
        return;
    }
    if (p->kind == PROP_BOOL) {
        g_string_append_printf(s, ",%s=%s", p->name, r & 64 ? "on" : "off");
    } else if (r % 64 == 0 && (p->kind == PROP_U16 || p->kind == PROP_U32)) {
        g_string_append_printf(s, ",%s=%u", p->name, 1u << (r >> 8) % 9);
    }
}

static void device_add(GString *args, const struct device_class *c, u64 *seed, bool plain)
{
    GString *s = g_string_new(NULL), *backs = g_string_new(NULL);
    g_string_append_printf(s, " -device %s,id=t0", c->name);
    for (const struct prop *p = c->props; p && p->name; p++) {
        backend_add(s, c, p, backs);
        if (!strcmp(p->name, "romfile")) {
            g_string_append(s, ",romfile=");
        } else if (!plain) {
            prop_vary(s, p, seed);
        }
    }
    g_string_append(args, backs->str);
    g_string_append(args, s->str);
    g_string_free(s, TRUE);
    g_string_free(backs, TRUE);
}

static unsigned pick(u32 bits, u64 *seed)
{
    u64 n = mix(seed) % (u64)__builtin_popcount(bits);
    while (n--) {
        bits &= bits - 1;
    }
    return (unsigned)__builtin_ctz(bits);
}

static void company_add(GString *args, const struct device_class *c)
{
    for (unsigned i = 0; i < ARRAY_LEN(company); i++) {
        if (!strncmp(c->name, company[i].name, strlen(company[i].name))) {
            g_string_append(args, MORE_DISKS);
            g_string_append(args, company[i].after);
            return;
        }
    }
}

bool target_args(const struct target_info *ti, u64 seed, struct tape *t)
{
    bool plain = seed % 4 == 0; /* no property but those that must be */
    const struct device_class *c = ti->cls;
    u32 has = settings_with(c), takes = 0;
    const char *before = "";
    for (unsigned i = 0; i < ARRAY_LEN(buses); i++) {
        if (!strcmp(buses[i].bus, c->bus)) {
            takes = buses[i].on;
            before = buses[i].before;
        }
    }
    takes = has ? takes & ~has : takes; /* a board's own is not added once more */
    if (!(has | takes)) {
        return false;
    }
    unsigned on = pick(has | takes, &seed);
    GString *args = g_string_new(settings[on].args);
    if (!(has >> on & 1)) {
        g_string_append(args, before);
        device_add(args, c, &seed, plain);
    }
    company_add(args, c);
    args_set(t, args->str);
    g_string_free(args, TRUE);
    return true;
}
