#!/bin/sh
# Runs the AArch64 build of moss under this host's: nested.sh MOSS SYSROOT BUILD. Tests of the translator first, then a
# program of the guest's under both, then a machine. Prints one line each; fails when one does.
set -u
moss=$1 root=$2 build=$3
export MOSS_COUNT="${MOSS_COUNT:-60}"
bad=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
try() { # NAME CMD...
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok      $name"
    else
        tail -n 25 "$log"
        echo "FAILED  $name"
        bad=1
    fi
}
in_moss() { "$moss" -L "$root" "$@"; }
for t in enc_aarch64 ir_eval ir_interp ir_build ir_opt tcg user_engine arm_exception arm_mmu arm_sysreg fpu_arm memory \
    diff_jit diff_a64 diff_fpexact; do
    try "$t" in_moss "$build/tests/test_$t"
done
try golden in_moss "$build/tests/golden" tests/golden/ir
for program in "$build"/nested/*; do
    [ -x "$program" ] && try "program $(basename "$program")" in_moss "$build/moss-aarch64" "$program"
done
exit $bad
