/* Pictures of screens as files. */
#ifndef MOSS_UI_IMAGE_H
#define MOSS_UI_IMAGE_H

#include "base/err.h"
#include "ui/screen.h"

/* What the screen shows now, as PNG or PPM. */
bool image_write(struct screen *s, const char *path, bool png, struct err *e);

#endif
