/* A window by SDL2: follows the guest's mode, scales it by whole steps or as the window is dragged, shows the guest's
 * pointer. SDL belongs to the main thread; a timer asks it for events beside glib's loop. Events: sdl_input.c. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ui/display.h"
#include "ui/input.h"
#include "ui/sdl_priv.h"

#define TICK_NS  10000000ull
#define FRAME_NS 30000000ull

enum { LOAD_SHOWN = 5 }; /* percent of a processor: less is a guest that rests */

struct sdl_window sdl;
static struct timer tick;
static u64 next_frame;

/* -- the picture ----------------------------------------------------------------------------------------------------
 */

/* As large as it fits, in whole steps where that leaves little room, so that pixels stay square and sharp. */
void sdl_place(void)
{
    int ow, oh;
    SDL_GetRendererOutputSize(sdl.renderer, &ow, &oh);
    double scale = MIN((double)ow / sdl.w, (double)oh / sdl.h);
    int whole = (int)scale;
    if (whole >= 1 && scale - whole < 0.02 * whole) {
        scale = whole;
    }
    int w = MAX(1, (int)(sdl.w * scale + 0.5)), h = MAX(1, (int)(sdl.h * scale + 0.5));
    sdl.at = (SDL_Rect){(ow - w) / 2, (oh - h) / 2, w, h};
    SDL_SetTextureScaleMode(sdl.texture, scale == (int)scale ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    sdl.changed = true;
}

void sdl_to_guest(int x, int y, int *gx, int *gy)
{
    int ww, wh, ow, oh;
    SDL_GetWindowSize(sdl.window, &ww, &wh);
    SDL_GetRendererOutputSize(sdl.renderer, &ow, &oh);
    x = (int)((i64)x * ow / MAX(ww, 1)) - sdl.at.x; /* window and pixels differ on dense screens */
    y = (int)((i64)y * oh / MAX(wh, 1)) - sdl.at.y;
    *gx = MAX(0, MIN((int)((i64)x * sdl.w / sdl.at.w), sdl.w - 1));
    *gy = MAX(0, MIN((int)((i64)y * sdl.h / sdl.at.h), sdl.h - 1));
}

/* Where nobody manages windows, one that grew would hang over the edge. */
static void keep_on_screen(void)
{
    SDL_Rect r, all;
    SDL_GetWindowPosition(sdl.window, &r.x, &r.y);
    SDL_GetWindowSize(sdl.window, &r.w, &r.h);
    int n = SDL_GetWindowDisplayIndex(sdl.window);
    if (n >= 0 && !SDL_GetDisplayUsableBounds(n, &all) && (r.x + r.w > all.x + all.w || r.y + r.h > all.y + all.h)) {
        SDL_SetWindowPosition(sdl.window, SDL_WINDOWPOS_CENTERED_DISPLAY(n), SDL_WINDOWPOS_CENTERED_DISPLAY(n));
    }
}

void sdl_fit_window(void)
{
    int scale = (int)sdl.zoom * (sdl.w <= 400 && sdl.h <= 300 ? 2 : 1); /* games' modes are small */
    if (!sdl.full && !(SDL_GetWindowFlags(sdl.window) & SDL_WINDOW_MAXIMIZED)) {
        SDL_SetWindowSize(sdl.window, sdl.w * scale, sdl.h * scale);
        keep_on_screen();
    }
    sdl_place();
}

static void on_resized(void *opaque, struct screen *s)
{
    struct surface *f = screen_surface(s);
    (void)opaque;
    if (sdl.texture && f->w == sdl.w && f->h == sdl.h) {
        SDL_UpdateTexture(sdl.texture, NULL, f->px, f->w * 4);
        sdl.changed = true;
        return;
    }
    if (sdl.texture) {
        SDL_DestroyTexture(sdl.texture);
    }
    sdl.w = f->w;
    sdl.h = f->h;
    sdl.texture = SDL_CreateTexture(sdl.renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, f->w, f->h);
    must(sdl.texture);
    SDL_UpdateTexture(sdl.texture, NULL, f->px, f->w * 4);
    if (sdl.dragged) {
        sdl_place();
    } else {
        sdl_fit_window();
    }
}

static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    struct surface *f = screen_surface(s);
    SDL_Rect to = {r.x, r.y, r.w, r.h};
    (void)opaque;
    SDL_UpdateTexture(sdl.texture, &to, f->px + (size_t)r.y * (size_t)f->w + r.x, f->w * 4);
    sdl.changed = true;
}

/* -- the guest's pointer --------------------------------------------------------------------------------------------
 */

static void pointer_make(const struct pointer_image *p)
{
    SDL_Surface *pic =
        SDL_CreateRGBSurfaceWithFormatFrom((void *)p->px, p->w, p->h, 32, p->w * 4, SDL_PIXELFORMAT_ARGB8888);
    if (!pic) {
        return;
    }
    sdl.pointer = SDL_CreateTextureFromSurface(sdl.renderer, pic);
    sdl.cursor = SDL_CreateColorCursor(pic, p->hot_x, p->hot_y);
    SDL_FreeSurface(pic);
}

static void on_pointer(void *opaque, struct screen *s)
{
    static const struct pointer_image *made; /* the picture these were made of */
    static u32 first[64];
    int x, y;
    bool visible;
    const struct pointer_image *p = screen_pointer(s, &x, &y, &visible);
    (void)opaque;
    size_t n = p ? MIN(sizeof(first), (size_t)p->w * (size_t)p->h * 4) : 0;
    if (p != made || (p && memcmp(first, p->px, n) != 0)) {
        if (sdl.pointer) {
            SDL_DestroyTexture(sdl.pointer);
        }
        if (sdl.cursor) {
            SDL_FreeCursor(sdl.cursor);
        }
        sdl.pointer = NULL;
        sdl.cursor = NULL;
        if (p) {
            pointer_make(p);
            memcpy(first, p->px, n);
        }
        made = p;
    }
    sdl.pointer_at = p && visible ? (SDL_Rect){x - p->hot_x, y - p->hot_y, p->w, p->h} : (SDL_Rect){0};
    sdl.changed = true;
    sdl_cursor_update();
}

/* The host's pointer over the picture: the guest's picture of it, or none where the guest paints its own. */
void sdl_cursor_update(void)
{
    bool absolute = input_is_absolute();
    if (sdl.show_cursor || (!absolute && !sdl.grabbed)) {
        SDL_SetCursor(SDL_GetDefaultCursor());
        SDL_ShowCursor(SDL_ENABLE);
    } else if (absolute && sdl.cursor && sdl.pointer_at.w) {
        SDL_SetCursor(sdl.cursor);
        SDL_ShowCursor(SDL_ENABLE);
    } else {
        SDL_ShowCursor(SDL_DISABLE);
    }
}

static struct screen_watch watch = {.resized = on_resized, .dirty = on_dirty, .pointer = on_pointer};

static void present(void)
{
    SDL_SetRenderDrawColor(sdl.renderer, 0, 0, 0, 255);
    SDL_RenderClear(sdl.renderer);
    SDL_RenderCopy(sdl.renderer, sdl.texture, NULL, &sdl.at);
    if (sdl.pointer && sdl.pointer_at.w && !input_is_absolute()) {
        double k = (double)sdl.at.w / sdl.w;
        const SDL_Rect *p = &sdl.pointer_at;
        SDL_Rect to = {sdl.at.x + (int)(p->x * k), sdl.at.y + (int)(p->y * k), (int)(p->w * k), (int)(p->h * k)};
        SDL_RenderCopy(sdl.renderer, sdl.pointer, NULL, &to);
    }
    SDL_RenderPresent(sdl.renderer);
    sdl.changed = false;
}

void sdl_show(struct screen *s)
{
    if (!s || s == sdl.screen) {
        return;
    }
    input_release_all();
    if (sdl.screen) {
        screen_unwatch(sdl.screen, &watch);
    }
    sdl.screen = s;
    screen_invalidate(s);
    screen_watch(s, &watch);
    on_pointer(NULL, s);
    if (screen_is_console(s)) {
        sdl_grab(false);
        SDL_StartTextInput();
    } else {
        SDL_StopTextInput();
    }
    sdl_title();
}

/* -- window ---------------------------------------------------------------------------------------------------------
 */

/* What the guest's processors use of the host's, in percent of one, over the last second. */
static unsigned load(void)
{
    static u64 since, used;
    static unsigned percent;
    u64 now = clock_now(CLOCK_HOST);
    if (now - since >= 1000000000) {
        u64 all = display_host.cpu_time();
        percent = since ? (unsigned)((all - used) * 100 / (now - since)) : 0;
        since = now;
        used = all;
    }
    return percent;
}

void sdl_title(void)
{
    static char last[256];
    char text[256], state[32] = "";
    unsigned percent = load();
    const char *hint = sdl.grabbed ? sdl.grab_mods == KMOD_RCTRL ? " - right Ctrl-G releases the mouse"
                                                                 : " - Ctrl-Alt-G releases the mouse"
                                   : "";
    bool several = screen_next(screen_next(NULL)) != NULL;
    if (!display_host.running()) {
        snprintf(state, sizeof(state), " (paused)");
    } else if (percent >= LOAD_SHOWN) {
        snprintf(state, sizeof(state), " - CPU %u %%", percent);
    }
    snprintf(text, sizeof(text), "%s%s%s%s%s", display_host.title, several ? " - " : "",
             several ? screen_name(sdl.screen) : "", state, hint);
    if (strcmp(text, last) != 0) {
        SDL_SetWindowTitle(sdl.window, text);
        snprintf(last, sizeof(last), "%s", text);
    }
}

void sdl_grab(bool on)
{
    sdl.grabbed = on;
    SDL_SetWindowGrab(sdl.window, on ? SDL_TRUE : SDL_FALSE);
    SDL_SetRelativeMouseMode(on && !input_is_absolute() ? SDL_TRUE : SDL_FALSE);
    sdl_cursor_update();
    sdl_title();
}

void sdl_full_screen(bool on)
{
    sdl.full = on;
    SDL_SetWindowFullscreen(sdl.window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    if (!on) {
        sdl_fit_window();
    }
}

static void on_mode(void *opaque)
{
    (void)opaque;
    sdl_grab(sdl.grabbed && !input_is_absolute());
}
static struct input_watch mode_watch = {.mode = on_mode};

static void on_tick(void *opaque)
{
    u64 now = clock_now(CLOCK_HOST);
    (void)opaque;
    sdl_events();
    if (sdl.shown && now >= next_frame) {
        next_frame = now + FRAME_NS;
        screen_refresh(sdl.screen);
        sdl_title();
    }
    if (sdl.changed && sdl.shown) {
        present();
    }
    timer_set(&tick, clock_now(CLOCK_HOST) + TICK_NS);
}

/* -- life ------------------------------------------------------------------------------------------------------------
 */

static bool options_read(struct opts *o, bool *accelerated, struct err *e)
{
    static const char *const gls[] = {"off", "on", "core", "es", NULL};
    static const char *const mods[] = {"lctrl-lalt", "rctrl", "lshift-lctrl-lalt", NULL};
    static const unsigned masks[] = {KMOD_LCTRL | KMOD_LALT, KMOD_RCTRL, KMOD_LSHIFT | KMOD_LCTRL | KMOD_LALT};
    unsigned gl = 1, mod = 0;
    sdl.show_cursor = false;
    sdl.close_quits = true;
    bool ok = opts_choice(o, "gl", gls, &gl, e) && opts_choice(o, "grab-mod", mods, &mod, e) &&
              opts_bool(o, "show-cursor", &sdl.show_cursor, e) && opts_bool(o, "window-close", &sdl.close_quits, e) &&
              opts_bool(o, "full-screen", &display_host.full_screen, e);
    sdl.grab_mods = masks[mod];
    *accelerated = gl != 0;
    return ok;
}

static bool window_open(bool accelerated)
{
    u32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
    sdl.window =
        SDL_CreateWindow(display_host.title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 640, 480, flags);
    if (sdl.window) {
        sdl.renderer = SDL_CreateRenderer(sdl.window, -1, accelerated ? 0 : SDL_RENDERER_SOFTWARE);
    }
    if (sdl.window && !sdl.renderer) {
        sdl.renderer = SDL_CreateRenderer(sdl.window, -1, SDL_RENDERER_SOFTWARE);
    }
    return sdl.renderer != NULL;
}

static bool sdl_init(struct opts *o, struct err *e)
{
    bool accelerated;
    if (!options_read(o, &accelerated, e)) {
        return false;
    }
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_GRAB_KEYBOARD, "1");
    SDL_SetHint(SDL_HINT_RENDER_VSYNC, "0");
    if (SDL_Init(SDL_INIT_VIDEO) || !window_open(accelerated)) {
        err_set(e, "no window: %s", SDL_GetError());
        SDL_Quit();
        return false;
    }
    SDL_EnableScreenSaver();
    sdl.zoom = 1;
    sdl.shown = true;
    input_watch(&mode_watch);
    sdl_show(display_screen(0));
    if (display_host.full_screen) {
        sdl_full_screen(true);
    }
    timer_init(&tick, CLOCK_HOST, on_tick, NULL);
    on_tick(NULL);
    return true;
}

static void sdl_fini(void)
{
    timer_cancel(&tick);
    input_unwatch(&mode_watch);
    screen_unwatch(sdl.screen, &watch);
    SDL_Quit(); /* takes window, renderer, textures and cursors with it */
}

static const struct opt_key keys[] = {
    {"gl", "on|off", "off: pictures are scaled by the processor"},
    {"grab-mod", "lctrl-lalt|lshift-lctrl-lalt|rctrl", "what starts a key of the window's own"},
    {"show-cursor", "on|off", "the host's pointer stays visible"},
    {"window-close", "on|off", "closing the window ends moss"},
    {"full-screen", "on|off", "starts so"},
    {0},
};
const struct display display_sdl = {
    .name = "sdl", .doc = "a window (SDL2)", .keys = keys, .needs_server = true, .init = sdl_init, .fini = sdl_fini};
