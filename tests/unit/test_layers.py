#!/usr/bin/env python3
"""tools/check-layers.py: what it lets pass and what it refuses."""
import importlib.util
import os
import sys
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools', 'check-layers.py')
spec = importlib.util.spec_from_file_location('check_layers', TOOL)
layers = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(layers)

PASS = [
    ('base/log.c', 'base/buf.h'),
    ('tcg/interp/float.c', 'fpu/softfloat.h'),
    ('target/arm/a64/a64.h', 'target/arm/cpu_slots.h'),
    ('target/new/cpu.c', 'target/target.h'),
    ('accel/tcg/tlb.c', 'target/vcpu.h'),
    ('hw/char/pl011.c', 'chardev/chardev.h'),
    ('hw/board/virt/cpus.c', 'target/arm/arm.h'),
    ('hw/board/new/new.c', 'target/new/new.h'),
    ('tcg/host/host.c', 'tcg/host/host.h'),
    ('registry.c', 'target/arm/arm.h'),
    ('tests/unit/test_tcg.c', 'accel/tcg/tcg_priv.h'),
]
REFUSE = [
    ('base/log.c', 'memory/memory.h'),
    ('fpu/fp_core.c', 'tcg/ir.h'),
    ('tcg/build.c', 'fpu/softfloat.h'),
    ('tcg/build.c', 'tcg/host/x86_64/enc.h'),
    ('target/target.h', 'target/arm/arm.h'),
    ('target/new/cpu.c', 'target/arm/arm.h'),
    ('target/arm/cpu.c', 'accel/accel.h'),
    ('target/arm/a64/translate.c', 'tcg/host/host.h'),
    ('accel/tcg/tlb.c', 'target/arm/arm.h'),
    ('accel/tcg/tlb.c', 'hw/core/device.h'),
    ('hw/char/pl011.c', 'block/block.h'),
    ('hw/char/pl011.c', 'hw/intc/gic.h'),
    ('hw/char/pl011.c', 'target/vcpu.h'),
    ('hw/board/virt/cpus.c', 'target/arm/cpu.h'),
    ('hw/board/virt/cpus.c', 'accel/accel.h'),
    ('system/run.c', 'hw/board/virt/virt.h'),
    ('system/run.c', 'target/arm/arm.h'),
    ('system/run.c', 'accel/tcg/tcg_priv.h'),
    ('elsewhere/x.c', 'base/log.h'),
]


class Layers(unittest.TestCase):
    def test_passes(self):
        for path, inc in PASS:
            self.assertIsNone(layers.check(path, inc), (path, inc))

    def test_refuses(self):
        for path, inc in REFUSE:
            self.assertIsNotNone(layers.check(path, inc), (path, inc))


if __name__ == '__main__':
    unittest.main()
