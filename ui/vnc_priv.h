/* Shared by the files of the VNC server. */
#ifndef MOSS_UI_VNC_PRIV_H
#define MOSS_UI_VNC_PRIV_H

#include <pthread.h>
#include <rfb/rfb.h>
#undef MIN /* rfb's rfbconfig.h or glib may have brought others */
#undef MAX

#include "base/types.h"
#include "ui/input.h"
#include "ui/screen.h"
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

enum { VNC_LISTEN = 2 /* VNC itself, WebSocket */ };
struct vnc {
    rfbScreenInfoPtr rfb;
    struct screen *screen;
    struct screen_watch watch;
    u32 *fb; /* what clients' threads read: red in the low byte */
    size_t fb_room;
    unsigned clients; /* atomic */
    bool takes_size;  /* atomic: of the screen, for clients' threads */
    int listen[VNC_LISTEN], stop[2];
    char *socket_path;
    pthread_t acceptor;
    pthread_mutex_t lock; /* of the next two: clients' threads check them */
    char password[9];
    u64 expires; /* CLOCK_WALL */
    bool wants_password;
    int last_x, last_y; /* of the pointer, for movements */
    bool absolute;      /* atomic: input_is_absolute(), for clients' threads */
    bool syncs_locks;
    unsigned locks; /* enum input_led: what the guest has, as far as is known */
    struct input_watch input;
    unsigned buttons;
    unsigned mods; /* 1 << enum vnc_mod: keys that are down */
    struct vnc *next;
};
/* What a client did, on its way to the main thread. */
void vnc_show(struct vnc *v, struct screen *s); /* to all its clients */
void vnc_hear(struct vnc *v);                   /* sets the hooks of v->rfb */

#endif
