/* An EDID 1.4 block. SPEC: VESA E-EDID Standard release A, revision 2, section 3; detailed timings by CVT 1.2 with
 * reduced blanking, version 1. */
#include "hw/display/edid.h"

#include <string.h>

#include "base/bits.h"

enum { H_BLANK = 160, H_FRONT = 48, H_SYNC = 32, V_FRONT = 3, V_SYNC = 6, V_BLANK_US = 460, HZ = 60, DPI = 96 };

static unsigned vblank(unsigned h)
{
    /* the line time in ns when V_BLANK_US are left of a frame */
    u64 line = (1000000000ull / HZ - V_BLANK_US * 1000ull) / h;
    return MAX((unsigned)(V_BLANK_US * 1000ull / line) + 1, V_FRONT + V_SYNC + 6u);
}

static unsigned mm(unsigned pixels)
{
    return pixels * 254 / (DPI * 10);
}

/* 3.10.2: the detailed timing descriptor. */
static void timing(u8 *d, unsigned w, unsigned h)
{
    unsigned vb = vblank(h);
    u64 clock = (u64)(w + H_BLANK) * (h + vb) * HZ / 10000;
    st16le(d, (u16)MIN(clock, 0xffff));
    d[2] = (u8)w;
    d[3] = (u8)H_BLANK;
    d[4] = (u8)((w >> 8) << 4 | H_BLANK >> 8);
    d[5] = (u8)h;
    d[6] = (u8)vb;
    d[7] = (u8)((h >> 8) << 4 | vb >> 8);
    d[8] = H_FRONT;
    d[9] = H_SYNC;
    d[10] = V_FRONT << 4 | V_SYNC;
    d[12] = (u8)mm(w);
    d[13] = (u8)mm(h);
    d[14] = (u8)((mm(w) >> 8) << 4 | mm(h) >> 8);
    d[17] = 0x1a; /* digital separate sync, hsync positive */
}

/* 3.10.3: display descriptors. */
static void text(u8 *d, u8 tag, const char *s)
{
    d[3] = tag;
    memset(d + 5, ' ', 13);
    size_t n = MIN(strlen(s), 13);
    memcpy(d + 5, s, n);
    if (n < 13) {
        d[5 + n] = '\n';
    }
}

static void range_limits(u8 *d)
{
    static const u8 limits[] = {50, 125, 30, 160, 255, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' '};
    d[3] = 0xfd;
    memcpy(d + 5, limits, sizeof(limits));
}

void edid_make(u8 *out, unsigned w, unsigned h)
{
    static const u8 head[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    /* sRGB's primaries and white (3.7) */
    static const u8 color[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    /* 3.9: 640x480, 800x600, 1024x768, 1280x800, 1280x1024, 1440x900, 1680x1050, 1920x1080 at 60 Hz */
    static const u8 standard[] = {0x31, 0x40, 0x45, 0x40, 0x61, 0x40, 0x81, 0x00,
                                  0x81, 0x80, 0x95, 0x00, 0xb3, 0x00, 0xd1, 0xc0};
    w = MAX(1, MIN(w, 4095));
    h = MAX(1, MIN(h, 4095));
    memset(out, 0, EDID_SIZE);
    memcpy(out, head, sizeof(head));
    out[8] = ('M' - '@') << 2 | ('O' - '@') >> 3; /* manufacturer "MOS" */
    out[9] = (u8)(('O' - '@') << 5 | ('S' - '@'));
    out[10] = 1; /* product */
    out[16] = 1; /* week, year 2026 */
    out[17] = 2026 - 1990;
    out[18] = 1;
    out[19] = 4;
    out[20] = 0xa5; /* digital, 8 bits a color, DisplayPort */
    out[21] = (u8)MAX(1, MIN(mm(w) / 10, 255));
    out[22] = (u8)MAX(1, MIN(mm(h) / 10, 255));
    out[23] = 120;  /* gamma 2.2 */
    out[24] = 0x06; /* sRGB, the first timing is native */
    memcpy(out + 25, color, sizeof(color));
    out[35] = 0x21; /* 640x480, 800x600 at 60 Hz */
    out[36] = 0x08; /* 1024x768 at 60 Hz */
    memcpy(out + 38, standard, sizeof(standard));
    timing(out + 54, w, h);
    range_limits(out + 72);
    text(out + 90, 0xfc, "moss monitor");
    text(out + 108, 0xff, "1");
    u8 sum = 0;
    for (unsigned i = 0; i < EDID_SIZE - 1; i++) {
        sum = (u8)(sum + out[i]);
    }
    out[EDID_SIZE - 1] = (u8)-sum;
}
