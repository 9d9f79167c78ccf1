/* What displays share (display.h). */
#include "ui/display.h"

static void nothing(void)
{
}
static bool always(void)
{
    return true;
}
static u64 none_used(void)
{
    return 0;
}
static const char *no_secret(const char *id)
{
    (void)id;
    return NULL;
}
struct display_host display_host = {
    .title = "moss", .quit = nothing, .power = nothing, .running = always, .cpu_time = none_used, .secret = no_secret};

bool display_server_found(void)
{
    const char *x = getenv("DISPLAY"), *w = getenv("WAYLAND_DISPLAY");
    return (x && *x) || (w && *w);
}

struct screen *display_screen(unsigned n)
{
    struct screen *s = screen_next(NULL);
    while (s && n--) {
        s = screen_next(s);
    }
    return s;
}

static bool none_init(struct opts *o, struct err *e)
{
    (void)o, (void)e;
    return true;
}
static void none_fini(void)
{
}
const struct display display_none = {
    .name = "none", .doc = "no display; screens can still be dumped", .init = none_init, .fini = none_fini};
