/* A kernel behind firmware: an option ROM (genroms/, a file that SeaBIOS takes for one) whose boot entry fetches setup
 * code, kernel, command line and initrd by fw_cfg and enters the setup code (SPEC: Linux,
 * Documentation/arch/x86/boot.rst, "Running the kernel"; Plug and Play BIOS 1.0A, 3.2 "bootstrap entry vector"). So a
 * kernel finds the screen that the VGA's BIOS has set up, and asks the BIOS for modes and memory as on any PC.
 *
 * The code is these instructions; what they fetch is a table of ready requests behind them:
 *
 *   60 cli; xor esi,esi; mov si,cs; shl esi,4; add esi,100h; mov cx,REQUESTS
 *   74 mov dx,514h; xor eax,eax; out dx,eax; mov eax,esi; bswap eax; mov dx,518h; out dx,eax; add esi,16; loop 74
 *   8d mov ax,SETUP>>4; mov ds,ax; mov es,ax; mov fs,ax; mov gs,ax; mov ss,ax; mov sp,STACK; jmp far SETUP>>4+20h:0 */
#include "hw/board/pc/linux.h"

#include <string.h>

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/misc/fw_cfg.h"

enum { ROM_SIZE = 512, ENTRY = 0x60, TABLE = 0x100, REQUESTS = 4, REQUEST = 16, CHECKSUM = ROM_SIZE - 1 };
enum { DMA_READ = 2, DMA_SELECT = 8 };

static const u8 header[] = {
    0x55,
    0xaa,
    ROM_SIZE / 512,
    0xcb,          /* nothing to initialise: retf */
    [0x1a] = 0x20, /* where the next one is */
    [0x20] = '$',
    'P',
    'n',
    'P',
    1,
    2, /* revision, 32 bytes */
    [0x2e] = 0x40,
    0,
    0x45,
    0,              /* maker, product */
    [0x3a] = ENTRY, /* bootstrap entry vector */
    [0x40] = 'm',
    'o',
    's',
    's',
    0,
    'L',
    'i',
    'n',
    'u',
    'x',
    ' ',
    'k',
    'e',
    'r',
    'n',
    'e',
    'l',
    0,
};
static const u8 code[] = {
    0xfa,
    0x66,
    0x31,
    0xf6,
    0x8c,
    0xce,
    0x66,
    0xc1,
    0xe6,
    0x04,
    0x66,
    0x81,
    0xc6,
    0x00,
    0x01,
    0x00,
    0x00,
    0xb9,
    REQUESTS,
    0x00,
    0xba,
    0x14,
    0x05,
    0x66,
    0x31,
    0xc0,
    0x66,
    0xef,
    0x66,
    0x89,
    0xf0,
    0x66,
    0x0f,
    0xc8,
    0xba,
    0x18,
    0x05,
    0x66,
    0xef,
    0x66,
    0x83,
    0xc6,
    0x10,
    0xe2,
    0xe7,
    0xb8,
    LINUX_SETUP >> 4 & 0xff,
    LINUX_SETUP >> 12,
    0x8e,
    0xd8,
    0x8e,
    0xc0,
    0x8e,
    0xe0,
    0x8e,
    0xe8,
    0x8e,
    0xd0,
    0xbc,
    LINUX_STACK & 0xff,
    LINUX_STACK >> 8,
    0xea,
    0x00,
    0x00,
    (LINUX_SETUP >> 4 & 0xff) + 0x20,
    LINUX_SETUP >> 12,
};

const u8 *linux_rom_make(struct machine *m, const struct linux_item items[4], size_t *size)
{
    u8 *rom = arena_alloc(&m->arena, ROM_SIZE), sum = 0;
    memcpy(rom, header, sizeof(header));
    memcpy(rom + ENTRY, code, sizeof(code));
    for (unsigned i = 0; i < REQUESTS; i++) {
        u8 *r = rom + TABLE + i * REQUEST;
        st32be(r, (u32)items[i].key << 16 | DMA_SELECT | DMA_READ);
        st32be(r + 4, (u32)items[i].len);
        st64be(r + 8, items[i].at);
    }
    for (unsigned i = 0; i < ROM_SIZE; i++) {
        sum = (u8)(sum + rom[i]);
    }
    rom[CHECKSUM] = (u8)-sum;
    *size = ROM_SIZE;
    return rom;
}
