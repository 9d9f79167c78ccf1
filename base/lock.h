/* The machine lock. The bus takes it around every device access, the main loop around every
 * callback; so devices never lock. Vcpu threads run guest code without it. Not recursive;
 * machine_locked() tells whether this thread holds it. */
#ifndef MOSS_BASE_LOCK_H
#define MOSS_BASE_LOCK_H

#include "base/types.h"

/* Order: the machine lock before any of the accelerator's (docs/engine.md). */
void machine_lock(void);
void machine_unlock(void);
bool machine_locked(void);
/* Called around a wait for the lock, on the thread that waits; NULL: nobody cares. */
extern void (*machine_lock_waits)(bool begin);

#endif
