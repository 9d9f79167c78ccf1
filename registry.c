/* What this build holds: the one list of boards, targets, accelerators and devices (of user mode: registry_user.c). */
#include "system/registry.h"

#include "config.h"
#include "hw/board/microvm/microvm.h"
#include "hw/board/pc/pc.h"
#include "hw/board/virt/virt.h"
#include "hw/board/x86_bare/x86_bare.h"
#include "system/semihosting.h"
#include "target/arm/arm.h"
#include "target/i386/i386.h"
#include "ui/display.h"

const struct board *const registry_boards[] = {&board_pc,   &board_q35,      &board_isapc, &board_microvm,
                                               &board_virt, &board_x86_bare, NULL};
const struct target *const registry_targets[] = {&target_aarch64, &target_i386, &target_x86_64, NULL};
const struct accel *const registry_accels[] = {&accel_tcg, NULL};

#define D(name) extern const struct device_class name##_class;
#include "hw/devices.def"
#undef D
const struct device_class *const registry_devices[] = {
#define D(name) &name##_class,
#include "hw/devices.def"
#undef D
    NULL};

const struct display *const registry_displays[] = {&display_none,
#ifdef HAVE_SDL
                                                   &display_sdl,
#endif
#ifdef HAVE_CURSES
                                                   &display_curses,
#endif
#ifdef HAVE_VNC
                                                   &display_vnc,
#endif
                                                   NULL};

static void system_off(void)
{
    machine_request_shutdown(SHUTDOWN_GUEST, 0);
}

static void system_reset(void)
{
    machine_request_reset();
}

void registry_wire(void)
{
    arm_system_off = system_off;
    arm_system_reset = system_reset;
    x86_system_reset = system_reset;
    arm_semihosting = semihosting_call;
}
