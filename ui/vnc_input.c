/* What VNC clients do: keys, pointer, coming and going. The library calls from clients' threads; here that becomes
 * posts to the main thread, in order.
 *
 * Keys come as keysyms, which stand for the keys of a US keyboard; or, from clients that know QEMU's extended key
 * events (SPEC: the community's rfbproto, "QEMU Extended Key Event Message"), as scan codes. A client
 * that knows QEMU's pointer motion change ("QEMU Pointer Motion Change Pseudo-encoding", there) sends movements where
 * the guest has no tablet; of others the movements between places are taken. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "base/loop.h"
#include "ui/display.h"
#include "ui/input.h"
#include "ui/keymap.h"
#include "ui/vnc_priv.h"

enum { ENCODING_EXT_KEY = -258, ENCODING_MOTION = -257, MESSAGE_QEMU = 255, SUBMESSAGE_EXT_KEY = 0 };
enum { MOTION_ZERO = 0x7fff }; /* of a movement by a client that was told that movements count */
enum happening { VNC_KEY, VNC_POINTER, VNC_MOVEMENT, VNC_SIZE, VNC_GONE };

struct post {
    struct vnc *v;
    enum happening what;
    int a, b;
    unsigned n;
};
/* A key's post has its keysym in b, 0 where none was sent. */
enum vnc_mod { MOD_SHIFT = 1, MOD_CTRL = 2, MOD_ALT = 4 };

/* -- on the main thread ----------------------------------------------------------------------------------------------
 */

static void pointer_buttons(struct vnc *v, unsigned mask)
{
    static const enum input_button buttons[] = {BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT};
    static const struct {
        enum input_axis axis;
        int steps;
    } wheels[] = {{AXIS_WHEEL, 1}, {AXIS_WHEEL, -1}, {AXIS_HWHEEL, -1}, {AXIS_HWHEEL, 1}};
    unsigned changed = mask ^ v->buttons;
    v->buttons = mask;
    for (unsigned i = 0; i < ARRAY_LEN(buttons); i++) {
        if (changed >> i & 1) {
            input_button(buttons[i], mask >> i & 1);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(wheels); i++) {
        if (changed & mask & 8u << i) {
            input_rel(wheels[i].axis, wheels[i].steps);
        }
    }
}

static void pointer_moved(struct vnc *v, int x, int y)
{
    struct surface *f = screen_surface(v->screen);
    if (input_is_absolute()) {
        input_abs(x, y, f->w, f->h);
    } else if (v->last_x >= 0) {
        input_rel(AXIS_X, x - v->last_x);
        input_rel(AXIS_Y, y - v->last_y);
    }
    v->last_x = x;
    v->last_y = y;
}

static void modifiers_follow(struct vnc *v, unsigned key, bool down)
{
    static const struct {
        u16 key, mod;
    } keys[] = {{KEY_LEFTSHIFT, MOD_SHIFT},
                {KEY_RIGHTSHIFT, MOD_SHIFT},
                {KEY_LEFTCTRL, MOD_CTRL},
                {KEY_RIGHTCTRL, MOD_CTRL},
                {KEY_LEFTALT, MOD_ALT}};
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].key == key) {
            v->mods = down ? v->mods | keys[i].mod : v->mods & ~keys[i].mod;
        }
    }
}

static void console_key(struct vnc *v, unsigned key, u32 sym)
{
    struct typed t = {
        .ch = sym ? char_of_keysym(sym) : char_of_key(key, v->mods & MOD_SHIFT),
        .key = key,
        .shift = v->mods & MOD_SHIFT,
        .ctrl = v->mods & MOD_CTRL,
        .alt = v->mods & MOD_ALT,
    };
    screen_type(v->screen, &t);
}

/* A letter tells whether the client has Caps Lock, a key of the keypad whether it has Num Lock. A guest that has
 * otherwise hears that lock's key first. */
static void lock_follow(struct vnc *v, unsigned led, unsigned key, bool on)
{
    if (v->syncs_locks && on != !!(v->locks & led)) {
        v->locks ^= led;
        input_key(key, true);
        input_sync();
        input_key(key, false);
        input_sync();
    }
}

static void locks_follow(struct vnc *v, unsigned key, u32 sym)
{
    bool upper = sym >= 'A' && sym <= 'Z', lower = sym >= 'a' && sym <= 'z', shift = v->mods & MOD_SHIFT;
    if (key == KEY_CAPSLOCK || key == KEY_NUMLOCK) {
        v->locks ^= key == KEY_CAPSLOCK ? LED_CAPS : LED_NUM;
    } else if (upper || lower) {
        lock_follow(v, LED_CAPS, KEY_CAPSLOCK, upper != shift);
    } else if ((sym >= 0xff95 && sym <= 0xff9f) || (sym >= 0xffb0 && sym <= 0xffb9) || sym == 0xffae) {
        lock_follow(v, LED_NUM, KEY_NUMLOCK, (sym >= 0xffae) != shift);
    }
}

static void on_leds(void *opaque)
{
    ((struct vnc *)opaque)->locks = input_leds();
}

/* Ctrl-Alt-1 to Ctrl-Alt-9 show the screens, as in a window. */
static void key_heard(struct vnc *v, unsigned key, u32 sym, bool down)
{
    struct screen *other = key >= KEY_1 && key <= KEY_9 ? display_screen(key - KEY_1) : NULL;
    modifiers_follow(v, key, down);
    if (v->mods == (MOD_CTRL | MOD_ALT) && other && screen_next(screen_next(NULL))) {
        if (down) {
            input_release_all();
            vnc_show(v, other);
        }
    } else if (!screen_is_console(v->screen)) {
        if (down) {
            locks_follow(v, key, sym);
        }
        input_key(key, down);
    } else if (down) {
        console_key(v, key, sym);
    }
}

static void wheel_console(struct vnc *v, unsigned mask)
{
    unsigned pressed = mask & ~v->buttons;
    struct typed t = {.key = pressed & 8 ? KEY_SCROLLUP : KEY_SCROLLDOWN};
    v->buttons = mask;
    if (pressed & (8 | 16)) {
        screen_type(v->screen, &t);
    }
}

static void heard(void *opaque)
{
    struct post *p = opaque;
    switch (p->what) {
    case VNC_KEY:
        key_heard(p->v, p->n, (u32)p->b, p->a);
        break;
    case VNC_POINTER:
        if (screen_is_console(p->v->screen)) {
            wheel_console(p->v, p->n);
            break;
        }
        pointer_moved(p->v, p->a, p->b);
        pointer_buttons(p->v, p->n);
        break;
    case VNC_MOVEMENT:
        if (!screen_is_console(p->v->screen)) {
            input_rel(AXIS_X, p->a);
            input_rel(AXIS_Y, p->b);
            pointer_buttons(p->v, p->n);
        }
        break;
    case VNC_SIZE:
        screen_wish_size(p->v->screen, p->a, p->b);
        break;
    case VNC_GONE:
        p->v->last_x = -1;
        p->v->buttons = p->v->mods = 0;
        input_release_all();
        break;
    }
    input_sync();
    free(p);
}

/* -- on clients' threads ------------------------------------------------------------------------------------------- */

static void post(rfbClientPtr cl, enum happening what, int a, int b, unsigned n)
{
    struct post *p = malloc(sizeof(*p));
    must(p);
    *p = (struct post){.v = cl->screen->screenData, .what = what, .a = a, .b = b, .n = n};
    loop_post(heard, p);
}

static void on_key(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
    unsigned key = key_of_keysym(sym);
    if (key || char_of_keysym(sym)) {
        post(cl, VNC_KEY, down != 0, (int)sym, key);
    }
}

/* An update of one rectangle that says what it stands for by its encoding, and its x. */
static void pseudo_send(rfbClientPtr cl, int encoding, unsigned x)
{
    u8 m[16] = {rfbFramebufferUpdate};
    m[3] = 1;
    st16be(m + 4, (u16)x);
    st32be(m + 12, (u32)encoding);
    LOCK(cl->sendMutex);
    rfbWriteExact(cl, (const char *)m, sizeof(m));
    UNLOCK(cl->sendMutex);
}

static void on_mode(void *opaque)
{
    __atomic_store_n(&((struct vnc *)opaque)->absolute, input_is_absolute(), __ATOMIC_SEQ_CST);
}

/* cl->clientData: 0: it does not know of it; else whether it was told that places count. */
enum { MOTION_UNKNOWN, MOTION_RELATIVE, MOTION_ABSOLUTE };

static void motion_tell(rfbClientPtr cl)
{
    struct vnc *v = cl->screen->screenData;
    bool absolute = __atomic_load_n(&v->absolute, __ATOMIC_SEQ_CST);
    cl->clientData = (void *)(uintptr_t)(absolute ? MOTION_ABSOLUTE : MOTION_RELATIVE);
    pseudo_send(cl, ENCODING_MOTION, absolute);
}

/* A client hears of another mode when it uses the pointer: what it sends until then is what it was told. */
static void on_pointer(int mask, int x, int y, rfbClientPtr cl)
{
    struct vnc *v = cl->screen->screenData;
    uintptr_t told = (uintptr_t)cl->clientData;
    if (told == MOTION_RELATIVE) {
        post(cl, VNC_MOVEMENT, x - MOTION_ZERO, y - MOTION_ZERO, (unsigned)mask);
    } else {
        post(cl, VNC_POINTER, x, y, (unsigned)mask);
    }
    if (told && (told == MOTION_ABSOLUTE) != __atomic_load_n(&v->absolute, __ATOMIC_SEQ_CST)) {
        motion_tell(cl);
    }
}

static int on_size(int w, int h, int n, struct rfbExtDesktopScreen *screens, rfbClientPtr cl)
{
    struct vnc *v = cl->screen->screenData;
    (void)n, (void)screens;
    if (!__atomic_load_n(&v->takes_size, __ATOMIC_SEQ_CST)) {
        return rfbExtDesktopSize_ResizeProhibited;
    }
    /* The guest does it, or does not: the answer has the size of the moment, and a new size comes by itself. */
    post(cl, VNC_SIZE, w, h, 0);
    return rfbExtDesktopSize_Success;
}

static void on_gone(rfbClientPtr cl)
{
    struct vnc *v = cl->screen->screenData;
    __atomic_fetch_sub(&v->clients, 1, __ATOMIC_SEQ_CST);
    post(cl, VNC_GONE, 0, 0, 0);
}

static enum rfbNewClientAction on_new(rfbClientPtr cl)
{
    struct vnc *v = cl->screen->screenData;
    __atomic_fetch_add(&v->clients, 1, __ATOMIC_SEQ_CST);
    cl->clientGoneHook = on_gone;
    return RFB_CLIENT_ACCEPT;
}

/* -- what QEMU added --------------------------------------------------------------------------------------------
 */

/* That the client names them, and an update with nothing but such a rectangle, is how both know that the other does. */
static rfbBool extension_enable(rfbClientPtr cl, void **data, int encoding)
{
    (void)data;
    if (encoding == ENCODING_EXT_KEY) {
        pseudo_send(cl, ENCODING_EXT_KEY, 0);
    } else if (encoding == ENCODING_MOTION) {
        motion_tell(cl);
    } else {
        return FALSE;
    }
    return TRUE;
}

static rfbBool ext_key_message(rfbClientPtr cl, void *data, const rfbClientToServerMsg *m)
{
    u8 rest[11];
    (void)data;
    if (m->type != MESSAGE_QEMU) {
        return FALSE;
    }
    if (rfbReadExact(cl, (char *)rest, sizeof(rest)) <= 0 || rest[0] != SUBMESSAGE_EXT_KEY) {
        rfbCloseClient(cl);
        return TRUE;
    }
    bool down = rest[1] || rest[2];
    u32 sym = ld32be(rest + 3), code = ld32be(rest + 7);
    unsigned key = code == 0xc6 ? KEY_PAUSE : key_of_scancode(code);
    key = key ? key : key_of_keysym(sym);
    if (key || char_of_keysym(sym)) {
        post(cl, VNC_KEY, down, (int)sym, key);
    }
    return TRUE;
}

void vnc_hear(struct vnc *v)
{
    static int encodings[] = {ENCODING_EXT_KEY, ENCODING_MOTION, 0};
    static rfbProtocolExtension ext = {
        .pseudoEncodings = encodings, .enablePseudoEncoding = extension_enable, .handleMessage = ext_key_message};
    static bool registered;
    if (!registered) {
        rfbRegisterProtocolExtension(&ext);
        registered = true;
    }
    v->last_x = -1;
    v->rfb->kbdAddEvent = on_key;
    v->rfb->ptrAddEvent = on_pointer;
    v->rfb->newClientHook = on_new;
    v->rfb->setDesktopSizeHook = on_size;
    v->input = (struct input_watch){.leds = on_leds, .mode = on_mode, .opaque = v};
    v->locks = input_leds();
    input_watch(&v->input);
    on_mode(v);
}
