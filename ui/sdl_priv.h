/* Shared by the files of the SDL window. */
#ifndef MOSS_UI_SDL_PRIV_H
#define MOSS_UI_SDL_PRIV_H

#include <SDL.h>

#include "ui/screen.h"

/* The picture lies in the window at `at`, in pixels of the renderer. */
struct sdl_window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture, *pointer; /* pointer: the guest's, where movements count */
    SDL_Cursor *cursor;             /* the same, where places count */
    SDL_Rect at, pointer_at;
    struct screen *screen;
    int w, h; /* of the screen */
    bool changed, grabbed, full, shown, show_cursor, close_quits;
    bool dragged;             /* its user gave the window this size: it is not fitted to the picture */
    unsigned zoom, grab_mods; /* KMOD_* that start a key of ours */
};
extern struct sdl_window sdl;

void sdl_title(void);
void sdl_grab(bool on);
void sdl_full_screen(bool on);
void sdl_fit_window(void); /* to the guest's picture and the zoom */
void sdl_show(struct screen *s);
void sdl_place(void); /* the window has another size */
/* A place in the window as one of the guest's picture. */
void sdl_to_guest(int x, int y, int *gx, int *gy);
void sdl_events(void);
void sdl_cursor_update(void);

#endif
