/* An interrupt line as a value: whom to tell, and as what number. Source and controller never know each other's types.
 * A zeroed irq is legal and goes nowhere. A level is 0 or not 0; telling the same level twice is legal, and edges are
 * the receiver's to find. Machine lock held, unless the receiver says otherwise (a vcpu's pins take any thread). */
#ifndef MOSS_BASE_IRQ_H
#define MOSS_BASE_IRQ_H

#include "base/types.h"

struct irq {
    void (*fn)(void *to, unsigned n, int level);
    void *to;
    unsigned n;
};
static inline void irq_set(const struct irq *i, int level)
{
    if (i->fn) {
        i->fn(i->to, i->n, level);
    }
}

#endif
