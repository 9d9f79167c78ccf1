#!/bin/sh
# Runs the AArch64 build of moss under this host's: nested.sh MOSS SYSROOT BUILD. Tests of the translator first, then
# programs and machines under both. One line each; fails when one does.
set -u
moss=$1 root=$2 build=$3
export MOSS_COUNT="${MOSS_COUNT:-60}"
bad=0
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
try() { # NAME CMD...
    name=$1
    shift
    if "$@" >"$out/log" 2>&1; then
        echo "ok      $name"
    else
        tail -n 25 "$out/log"
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

# Without FEAT_LSE, FEAT_LSE2 and FEAT_FP16.
for t in diff_jit tcg diff_fpexact; do
    try "$t on a Cortex-A53" "$moss" -cpu cortex-a53 -L "$root" "$build/tests/test_$t"
done

# The benchmark's kernels print check sums: the same under one moss and under two.
aarch64-linux-gnu-gcc -O2 -march=armv8-a+crc -ftree-vectorize -ffp-contract=off -static -pthread -o "$out/kernels" \
    tests/bench/kernels.c -lm || exit 1
same() { [ "$("$moss" "$out/kernels" "$1" 1)" = "$(in_moss "$build/moss-aarch64" "$out/kernels" "$1" 1)" ]; }
for kernel in $("$moss" "$out/kernels" | cut -d' ' -f1); do
    try "kernel $kernel" same "$kernel"
done

# Machines, by a program that is both.
printf '#!/bin/sh\nexec "%s" -L "%s" "%s" "$@"\n' "$(realpath "$moss")" "$(realpath "$root")" \
    "$(realpath "$build")/moss-system-aarch64" >"$out/moss-system-aarch64"
chmod +x "$out/moss-system-aarch64"
for case in small primes primes-verify small-hostile; do
    try "boot $case" python3 tests/boot/boot.py "$out/moss-system-aarch64" "$case"
done
exit $bad
