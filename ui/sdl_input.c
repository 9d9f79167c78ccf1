/* What happens in the SDL window: keys, the mouse, focus, and the window's own keys: with Ctrl-Alt, f full screen, g
 * grab, u the guest's size, + and - by whole steps, 1 to 9 the screens. */
#include <glib.h>
#include <linux/input-event-codes.h>

#include "ui/display.h"
#include "ui/input.h"
#include "ui/keymap.h"
#include "ui/sdl_priv.h"

static unsigned locks; /* KMOD_CAPS, KMOD_NUM when the focus went */
enum { LOCKS = KMOD_CAPS | KMOD_NUM, REPEAT_MS = 1000, AGAIN_MS = 300 };

/* SDL's scancodes are HID's of the keyboard page, and beyond 255 its own, of power, sound and programs. */
static unsigned key_of_sdl(SDL_Scancode c)
{
    static const u16 more[] = {
        [0] = KEY_NEXTSONG,
        [SDL_SCANCODE_AUDIOPREV - SDL_SCANCODE_AUDIONEXT] = KEY_PREVIOUSSONG,
        [SDL_SCANCODE_AUDIOSTOP - SDL_SCANCODE_AUDIONEXT] = KEY_STOPCD,
        [SDL_SCANCODE_AUDIOPLAY - SDL_SCANCODE_AUDIONEXT] = KEY_PLAYPAUSE,
        [SDL_SCANCODE_AUDIOMUTE - SDL_SCANCODE_AUDIONEXT] = KEY_MUTE,
        [SDL_SCANCODE_MEDIASELECT - SDL_SCANCODE_AUDIONEXT] = KEY_MEDIA,
        [SDL_SCANCODE_WWW - SDL_SCANCODE_AUDIONEXT] = KEY_WWW,
        [SDL_SCANCODE_MAIL - SDL_SCANCODE_AUDIONEXT] = KEY_MAIL,
        [SDL_SCANCODE_CALCULATOR - SDL_SCANCODE_AUDIONEXT] = KEY_CALC,
        [SDL_SCANCODE_COMPUTER - SDL_SCANCODE_AUDIONEXT] = KEY_COMPUTER,
        [SDL_SCANCODE_AC_SEARCH - SDL_SCANCODE_AUDIONEXT] = KEY_SEARCH,
        [SDL_SCANCODE_AC_HOME - SDL_SCANCODE_AUDIONEXT] = KEY_HOMEPAGE,
        [SDL_SCANCODE_AC_BACK - SDL_SCANCODE_AUDIONEXT] = KEY_BACK,
        [SDL_SCANCODE_AC_FORWARD - SDL_SCANCODE_AUDIONEXT] = KEY_FORWARD,
        [SDL_SCANCODE_AC_STOP - SDL_SCANCODE_AUDIONEXT] = KEY_STOP,
        [SDL_SCANCODE_AC_REFRESH - SDL_SCANCODE_AUDIONEXT] = KEY_REFRESH,
        [SDL_SCANCODE_AC_BOOKMARKS - SDL_SCANCODE_AUDIONEXT] = KEY_BOOKMARKS,
        [SDL_SCANCODE_BRIGHTNESSDOWN - SDL_SCANCODE_AUDIONEXT] = KEY_BRIGHTNESSDOWN,
        [SDL_SCANCODE_BRIGHTNESSUP - SDL_SCANCODE_AUDIONEXT] = KEY_BRIGHTNESSUP,
        [SDL_SCANCODE_DISPLAYSWITCH - SDL_SCANCODE_AUDIONEXT] = KEY_SWITCHVIDEOMODE,
        [SDL_SCANCODE_EJECT - SDL_SCANCODE_AUDIONEXT] = KEY_EJECTCD,
        [SDL_SCANCODE_SLEEP - SDL_SCANCODE_AUDIONEXT] = KEY_SLEEP,
    };
    unsigned n = (unsigned)c - SDL_SCANCODE_AUDIONEXT;
    return c >= SDL_SCANCODE_AUDIONEXT && n < ARRAY_LEN(more) ? more[n] : key_of_usage(c);
}

static bool own_key(SDL_Scancode c)
{
    switch (c) {
    case SDL_SCANCODE_F:
        sdl_full_screen(!sdl.full);
        break;
    case SDL_SCANCODE_G:
        sdl_grab(!sdl.grabbed);
        break;
    case SDL_SCANCODE_U:
        sdl.zoom = 1;
        sdl_fit_window();
        break;
    case SDL_SCANCODE_EQUALS:
    case SDL_SCANCODE_KP_PLUS:
        sdl.zoom = MIN(sdl.zoom + 1, 8);
        sdl_fit_window();
        break;
    case SDL_SCANCODE_MINUS:
    case SDL_SCANCODE_KP_MINUS:
        sdl.zoom = MAX(sdl.zoom, 2) - 1;
        sdl_fit_window();
        break;
    default:
        if (c < SDL_SCANCODE_1 || c > SDL_SCANCODE_9 || !display_screen(c - SDL_SCANCODE_1)) {
            return false;
        }
        sdl_show(display_screen(c - SDL_SCANCODE_1));
    }
    return true;
}

/* A change to or from full screen takes the focus away and gives it back: SDL then forgets a release, or tells of a key
 * that is still down as of a new one. Time tells what is meant. */
static bool held(const SDL_KeyboardEvent *k)
{
    static u32 last;
    static SDL_Scancode code;
    u32 ago = k->keysym.scancode == code ? k->timestamp - last : UINT32_MAX;
    if (k->keysym.scancode < SDL_SCANCODE_LCTRL || k->keysym.scancode > SDL_SCANCODE_RGUI) {
        code = k->keysym.scancode;
        last = k->timestamp;
    }
    return ago < (k->repeat ? REPEAT_MS : AGAIN_MS);
}

/* A text console. Characters come as text, of the user's own layout, but for those with Ctrl or Alt; so do a keypad's,
 * which with NumLock off has none. */
static void console_key(const SDL_KeyboardEvent *k)
{
    SDL_Keycode sym = k->keysym.sym;
    SDL_Scancode code = k->keysym.scancode;
    unsigned mods = k->keysym.mod;
    struct typed t = {.shift = mods & KMOD_SHIFT, .ctrl = mods & KMOD_CTRL, .alt = mods & KMOD_LALT};
    bool digits = code >= SDL_SCANCODE_KP_1 && code <= SDL_SCANCODE_KP_PERIOD;
    if ((digits && mods & KMOD_NUM) || (code >= SDL_SCANCODE_KP_DIVIDE && code <= SDL_SCANCODE_KP_PLUS)) {
        return;
    }
    if (sym >= ' ' && sym < SDLK_DELETE) {
        t.ch = t.ctrl || t.alt ? (u32)sym : 0;
    } else {
        t.key = key_of_usage(code);
    }
    if (t.ch || t.key) {
        screen_type(sdl.screen, &t);
    }
}

static void on_text(const SDL_TextInputEvent *e)
{
    SDL_Keymod mods = SDL_GetModState();
    bool held = mods & KMOD_LALT || (mods & KMOD_CTRL && !(mods & KMOD_RALT)); /* came as a key already */
    for (const char *p = e->text; screen_is_console(sdl.screen) && !held && *p; p = g_utf8_next_char(p)) {
        struct typed t = {.ch = g_utf8_get_char(p)};
        screen_type(sdl.screen, &t);
    }
}

static void on_key(const SDL_KeyboardEvent *k)
{
    bool down = k->type == SDL_KEYDOWN;
    unsigned mods = k->keysym.mod & (KMOD_CTRL | KMOD_SHIFT | KMOD_ALT);
    if (down && mods == sdl.grab_mods) {
        if (held(k)) {
            return;
        }
        if (own_key(k->keysym.scancode)) {
            input_release_all();
            return;
        }
    }
    if (screen_is_console(sdl.screen)) {
        if (down) {
            console_key(k);
        }
        return;
    }
    input_key(key_of_sdl(k->keysym.scancode), down);
    input_sync();
}

static void on_motion(const SDL_MouseMotionEvent *m)
{
    if (screen_is_console(sdl.screen)) {
        return;
    }
    if (input_is_absolute()) {
        int x, y;
        sdl_to_guest(m->x, m->y, &x, &y);
        input_abs(x, y, sdl.w, sdl.h);
    } else if (sdl.grabbed) {
        input_rel(AXIS_X, m->xrel);
        input_rel(AXIS_Y, m->yrel);
    }
    input_sync();
}

static void on_button(const SDL_MouseButtonEvent *b)
{
    static const enum input_button buttons[] = {[SDL_BUTTON_LEFT] = BUTTON_LEFT,
                                                [SDL_BUTTON_MIDDLE] = BUTTON_MIDDLE,
                                                [SDL_BUTTON_RIGHT] = BUTTON_RIGHT,
                                                [SDL_BUTTON_X1] = BUTTON_SIDE,
                                                [SDL_BUTTON_X2] = BUTTON_EXTRA};
    bool down = b->type == SDL_MOUSEBUTTONDOWN;
    if (screen_is_console(sdl.screen)) {
        return;
    }
    if (!input_is_absolute() && !sdl.grabbed) {
        if (down && b->button == SDL_BUTTON_LEFT) {
            sdl_grab(true);
        }
        return;
    }
    if (b->button >= SDL_BUTTON_LEFT && b->button < ARRAY_LEN(buttons)) {
        input_button(buttons[b->button], down);
        input_sync();
    }
}

static void on_wheel(const SDL_MouseWheelEvent *w)
{
    int turn = w->direction == SDL_MOUSEWHEEL_FLIPPED ? -1 : 1;
    if (screen_is_console(sdl.screen)) {
        if (w->y) {
            struct typed t = {.key = w->y * turn > 0 ? KEY_SCROLLUP : KEY_SCROLLDOWN};
            screen_type(sdl.screen, &t);
        }
    } else if (input_is_absolute() || sdl.grabbed) {
        input_rel(AXIS_WHEEL, w->y * turn);
        input_rel(AXIS_HWHEEL, w->x * turn);
        input_sync();
    }
}

static void tap(unsigned key)
{
    input_key(key, true);
    input_sync();
    input_key(key, false);
    input_sync();
}

/* The host's locks may have changed while the guest did not see it. */
static void on_focus(bool got)
{
    unsigned now = SDL_GetModState() & LOCKS;
    if (!got) {
        locks = now;
        input_release_all();
        if (sdl.grabbed) {
            sdl_grab(false);
        }
        return;
    }
    if ((locks ^ now) & KMOD_CAPS) {
        tap(KEY_CAPSLOCK);
    }
    if ((locks ^ now) & KMOD_NUM) {
        tap(KEY_NUMLOCK);
    }
}

static void on_window(const SDL_WindowEvent *w)
{
    switch (w->event) {
    case SDL_WINDOWEVENT_EXPOSED:
        sdl.changed = true;
        break;
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        sdl_place();
        break;
    case SDL_WINDOWEVENT_RESIZED: /* by its user */
        if (!sdl.full) {
            sdl.dragged = true;
            screen_wish_size(sdl.screen, w->data1 / (int)sdl.zoom, w->data2 / (int)sdl.zoom);
            sdl.dragged = false;
        }
        break;
    case SDL_WINDOWEVENT_MINIMIZED:
    case SDL_WINDOWEVENT_HIDDEN:
        sdl.shown = false;
        break;
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_MAXIMIZED:
        sdl.shown = sdl.changed = true;
        break;
    case SDL_WINDOWEVENT_FOCUS_GAINED:
        on_focus(true);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        on_focus(false);
        break;
    default:
        break;
    }
}

void sdl_events(void)
{
    SDL_Event e;
    while (SDL_PollEvent(&e)) {
        switch (e.type) {
        case SDL_KEYDOWN:
        case SDL_KEYUP:
            on_key(&e.key);
            break;
        case SDL_TEXTINPUT:
            on_text(&e.text);
            break;
        case SDL_MOUSEMOTION:
            on_motion(&e.motion);
            break;
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP:
            on_button(&e.button);
            break;
        case SDL_MOUSEWHEEL:
            on_wheel(&e.wheel);
            break;
        case SDL_WINDOWEVENT:
            on_window(&e.window);
            break;
        case SDL_QUIT:
            if (sdl.close_quits) {
                display_host.quit();
            }
            break;
        case SDL_RENDER_TARGETS_RESET: /* textures lost what was in them */
        case SDL_RENDER_DEVICE_RESET:
            screen_invalidate(sdl.screen);
            break;
        default:
            break;
        }
    }
}
