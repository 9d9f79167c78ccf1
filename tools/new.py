#!/usr/bin/env python3
"""Starts a device, a board or an ISA from a template that builds and passes its first test.

  new.py device KIND/NAME    hw/KIND/NAME.{c,h} with one register, its test, its row in hw/devices.def
  new.py board NAME          hw/board/NAME/ with RAM and nothing else, its row in registry.c
  new.py isa NAME            target/NAME/ whose every instruction is reported as unimplemented

Then follow docs/howto/add-device.md, add-board.md or add-isa.md."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

DEVICE_C = '''/* @NAME@: what it is, from which document and section.
 *
 * Not modelled: ... */
#include "hw/@KIND@/@NAME@.h"

struct @ID@ {
    struct device dev;
    u32 ctrl;
};

static const struct field @ID@_state[] = {
    FIELD(struct @ID@, ctrl, .reset = 0),
    {0},
};

static const struct reg @ID@_regs[] = {
    REG(0x00, "CTRL", struct @ID@, ctrl, .wmask = 0xff),
    {0},
};

const struct device_class @ID@_class = {
    .name = "@NAME@",
    .doc = "one line for -device help",
    .bus = "sysbus",
    .size = sizeof(struct @ID@),
    .mmio_size = 0x1000,
    .nirqs = 1,
    .state = @ID@_state,
    .regs = @ID@_regs,
};
'''

DEVICE_H = '''/* @NAME@: what boards must know of it. Pins: irq 0 = ... */
#ifndef MOSS_HW_@UKIND@_@UID@_H
#define MOSS_HW_@UKIND@_@UID@_H

#include "hw/core/device.h"

extern const struct device_class @ID@_class;

#endif
'''

DEVICE_TEST = '''/* @NAME@ on the bench. */
#include "hw/@KIND@/@NAME@.h"
#include "tests/hw/bench.h"

static void ctrl_keeps_its_mask(void **st)
{
    (void)st;
    struct bench *b = bench_new(&@ID@_class, NULL);
    bench_w(b, "CTRL", 0xffffffff);
    assert_int_equal(bench_r(b, "CTRL"), 0xff);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ctrl_keeps_its_mask)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
'''

BOARD_C = '''/* The @NAME@ board: what it is, from which document. */
#include "hw/board/@NAME@/@NAME@.h"

static const struct part parts[] = {
    /* class, id, base, irq, back end */
    {0},
};

static bool @ID@_build(struct machine *m, struct err *e)
{
    mem_map_region(m->sysmem, &m->ram_region, 0, 0);
    return machine_place_parts(m, NULL, e);
}

const struct board board_@ID@ = {
    .name = "@NAME@",
    .doc = "one line for -machine help",
    .default_ram = 128ull << 20,
    .max_cpus = 1,
    .parts = parts,
    .build = @ID@_build,
};
'''

BOARD_H = '''/* The @NAME@ board. */
#ifndef MOSS_HW_BOARD_@UID@_@UID@_H
#define MOSS_HW_BOARD_@UID@_@UID@_H

#include "hw/core/machine.h"

extern const struct board board_@ID@;

#endif
'''

ISA_C = '''/* @NAME@: the CPU struct, its state, and the translator's entry. SPEC: the manual's name and number. */
#include "target/@NAME@/@NAME@.h"

#include "base/log.h"
#include "tcg/build.h"

struct @ID@_cpu {
    struct vcpu v;
    u32 status;
};

static const struct field @ID@_state[] = {
    FIELDS(struct @ID@_cpu, v.rt.r),
    FIELD(struct @ID@_cpu, v.rt.pc),
    FIELD(struct @ID@_cpu, status),
    {0},
};
static const struct ir_slot slots[] = {{"r0", offsetof(struct rt, r), IR_I64}};
static const struct ir_target ir_target = {.slots = slots, .nslots = 1};

/* An instruction we lack ends the trace and stops the cpu. */
static void @ID@_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs)
{
    unimp("@NAME@", "instruction at page offset 0x%x", rq->off);
    ir_insn(ir, rq->off, 4);
    ir_exit_loop(ir, REASON_HALT);
    rs->end = rq->off + 4;
}

static u64 @ID@_mode(const struct vcpu *cpu)
{
    return ((const struct @ID@_cpu *)cpu)->status;
}

const struct target target_@ID@ = {
    .name = "@NAME@",
    .cpu_size = sizeof(struct @ID@_cpu),
    .xlen = 64,
    .views = 1,
    .state = @ID@_state,
    .ir = &ir_target,
    .mode = @ID@_mode,
    .translate = @ID@_translate,
};
'''

ISA_H = '''/* target/@NAME@'s public header. */
#ifndef MOSS_TARGET_@UID@_@UID@_H
#define MOSS_TARGET_@UID@_@UID@_H

#include "target/target.h"

extern const struct target target_@ID@;

#endif
'''


def write(path, template, kind, name):
    full = os.path.join(ROOT, path)
    if os.path.exists(full):
        sys.exit(f'new: {path} exists')
    os.makedirs(os.path.dirname(full), exist_ok=True)
    ident = name.replace('-', '_')
    text = (template.replace('@KIND@', kind).replace('@UKIND@', kind.upper()).replace('@NAME@', name)
            .replace('@ID@', ident).replace('@UID@', ident.upper()))
    with open(full, 'w', encoding='utf-8') as f:
        f.write(text)
    print(f'new: wrote {path}')


def edit(path, pattern, insert):
    full = os.path.join(ROOT, path)
    with open(full, encoding='utf-8') as f:
        text = f.read()
    m = re.search(pattern, text)
    if not m:
        sys.exit(f'new: {path} has no place for the new row; add it by hand: {insert.strip()}')
    with open(full, 'w', encoding='utf-8') as f:
        f.write(text[:m.end()] + insert + text[m.end():])
    print(f'new: added a row to {path}')


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ('device', 'board', 'isa'):
        sys.exit(__doc__)
    what, name = sys.argv[1:]
    if not re.fullmatch(r'([a-z0-9]+/)?[a-z][a-z0-9_-]*', name) or (what == 'device') != ('/' in name):
        sys.exit('new: a device is named KIND/NAME, a board or ISA NAME; small letters, digits, - and _')
    if what == 'device':
        kind, name = name.split('/')
        write(f'hw/{kind}/{name}.c', DEVICE_C, kind, name)
        write(f'hw/{kind}/{name}.h', DEVICE_H, kind, name)
        write(f'tests/hw/test_{name}.c', DEVICE_TEST, kind, name)
        edit('hw/meson.build', r'hw_src \+?= files\(\n', f"    '{kind}/{name}.c',\n")
        edit('tests/meson.build', r'hw_tests = \[\n', f"  '{name}',\n")
    elif what == 'board':
        write(f'hw/board/{name}/{name}.c', BOARD_C, '', name)
        write(f'hw/board/{name}/{name}.h', BOARD_H, '', name)
        edit('hw/meson.build', r'hw_src \+?= files\(\n', f"    'board/{name}/{name}.c',\n")
        edit('registry.c', r'registry_boards\[\] = \{', f'&board_{name.replace("-", "_")}, ')
        edit('registry.c', r'#include "system/registry.h"\n\n', f'#include "hw/board/{name}/{name}.h"\n')
    else:
        write(f'target/{name}/{name}.c', ISA_C, '', name)
        write(f'target/{name}/{name}.h', ISA_H, '', name)
        edit('target/meson.build', r'target_src \+?= files\(\n', f"    '{name}/{name}.c',\n")
        edit('registry.c', r'registry_targets\[\] = \{', f'&target_{name.replace("-", "_")}, ')
        edit('registry.c', r'#include "system/semihosting.h"\n', f'#include "target/{name}/{name}.h"\n')


if __name__ == '__main__':
    main()
