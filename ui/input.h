/* Input: keys, buttons and movements from displays to the guest's devices, through one queue. The machine lock is held.
 *
 * A display calls input_key() and its like, then input_sync(). Each kind of event goes to one device: the newest that
 * takes the kind and is awake (a USB tablet once its guest has set it up, else the PS/2 mouse); buttons and wheels to
 * the newest that points at all, so that a click comes from the device that moved. Keys have the numbers of Linux's
 * input-event-codes.h, which every display and every guest can be mapped to. Events while the machine is stopped are
 * dropped, but for releases; a release goes where the press went. */
#ifndef MOSS_UI_INPUT_H
#define MOSS_UI_INPUT_H

#include "base/types.h"

enum input_kind { INPUT_KEY, INPUT_BUTTON, INPUT_REL, INPUT_ABS, INPUT_WHEEL, INPUT_KINDS };
enum input_button { BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT, BUTTON_SIDE, BUTTON_EXTRA, BUTTONS };
enum input_axis { AXIS_X, AXIS_Y, AXIS_WHEEL /* up is positive */, AXIS_HWHEEL /* right is positive */ };
enum { INPUT_ABS_MAX = 0x7fff, INPUT_KEYS = 0x300 };
enum input_led { LED_SCROLL = 1, LED_NUM = 2, LED_CAPS = 4 };

struct input_event {
    enum input_kind kind;
    u16 code;  /* KEY_*, enum input_button, enum input_axis (INPUT_REL, INPUT_ABS: x, y; INPUT_WHEEL: wheels) */
    i32 value; /* 1 down, 0 up; steps; INPUT_ABS: 0..INPUT_ABS_MAX over the screen */
};

/* -- for devices ----------------------------------------------------------------------------------------------------
 */

struct input_sink {
    const char *name; /* "QEMU PS/2 Mouse": for info mice */
    u8 kinds;         /* 1 << enum input_kind */
    void (*event)(void *opaque, const struct input_event *e);
    void (*sync)(void *opaque); /* the events since the last one belong together; may be NULL */
    void *opaque;
    bool awake; /* input.c's from here on */
    bool touched;
    unsigned index;
    struct input_sink *next;
};
void input_add(struct input_sink *s); /* awake, the newest */
void input_remove(struct input_sink *s);
/* The guest's driver uses it now: it is put before the others; or no longer. */
void input_wake(struct input_sink *s);
void input_sleep(struct input_sink *s);
void input_set_leds(unsigned leds); /* from a keyboard: enum input_led */

/* -- for displays, the monitor ----------------------------------------------------------------------------------- */

void input_key(unsigned key, bool down); /* KEY_*; repeats are passed on as downs */
void input_button(enum input_button b, bool down);
void input_rel(enum input_axis a, int steps); /* wheels too */
void input_abs(int x, int y, int w, int h);   /* a place on a picture of w * h */
void input_sync(void);
void input_release_all(void); /* what is down goes up: a display lost the focus */
bool input_is_absolute(void); /* where the pointer is counts, not how it moves */
unsigned input_leds(void);
struct input_watch {
    void (*leds)(void *opaque); /* either may be NULL */
    void (*mode)(void *opaque); /* input_is_absolute() has another answer */
    void *opaque;
    struct input_watch *next; /* input.c's */
};
void input_watch(struct input_watch *w);
void input_unwatch(struct input_watch *w);
extern bool (*input_running)(void); /* set by system/: does the machine run? NULL: yes */
/* Names of keys as sendkey and QMP have them ("ret", "ctrl", "a", "kp_enter"); 0: there is none. */
unsigned input_key_by_name(const char *name);
const char *input_key_name(unsigned key); /* NULL: it has none */
/* The mice there are, the one in use first, for info mice; mouse_set by index. */
const struct input_sink *input_next_mouse(const struct input_sink *s);
bool input_choose(unsigned index); /* false: there is no such mouse */

#endif
