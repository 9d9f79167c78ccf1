/* A push button that moss presses: input pin 0 raised makes irq 0 high for 100 ms of guest time, long enough for a
 * driver that removes bounces. */
#include "base/clock.h"
#include "hw/misc/pl061.h"

enum { PRESS_NS = 100 * 1000 * 1000 };

struct gpio_key {
    struct device dev;
    struct timer release;
    u64 until; /* virtual time of the release; 0: not pressed */
};

static void key_released(void *opaque)
{
    struct gpio_key *s = opaque;
    s->until = 0;
    device_irq(&s->dev, 0, 0);
}

static void key_press(struct device *d, unsigned n, int level)
{
    struct gpio_key *s = (struct gpio_key *)d;
    (void)n;
    if (level) {
        s->until = clock_now(CLOCK_VIRTUAL) + PRESS_NS;
        timer_set(&s->release, s->until);
        device_irq(d, 0, 1);
    }
}

static const struct field gpio_key_state[] = {FIELD(struct gpio_key, until), {0}};

static bool key_init(struct device *d, struct err *e)
{
    (void)e;
    timer_init(&((struct gpio_key *)d)->release, CLOCK_VIRTUAL, key_released, d);
    return true;
}

static void key_reset(struct device *d)
{
    timer_cancel(&((struct gpio_key *)d)->release);
    device_irq(d, 0, 0);
}

static bool key_loaded(struct device *d, struct err *e)
{
    struct gpio_key *s = (struct gpio_key *)d;
    (void)e;
    timer_set(&s->release, s->until ? s->until : ~0ull);
    device_irq(d, 0, s->until != 0);
    return true;
}

static void key_fini(struct device *d)
{
    timer_cancel(&((struct gpio_key *)d)->release);
}

const struct device_class gpio_key_class = {
    .name = "gpio-key",
    .doc = "push button on a GPIO line",
    .bus = "sysbus",
    .size = sizeof(struct gpio_key),
    .nirqs = 1,
    .state = gpio_key_state,
    .init = key_init,
    .reset = key_reset,
    .loaded = key_loaded,
    .irq_in = key_press,
    .fini = key_fini,
};
