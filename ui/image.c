/* Screens as PPM (binary, "P6") and, with libpng, as PNG. */
#include "ui/image.h"

#include <string.h>
#include <unistd.h>

#include "config.h"
#ifdef HAVE_PNG
#include <png.h>
#include <setjmp.h>
#endif

static void row_bytes(u8 *out, const u32 *px, int n)
{
    for (int i = 0; i < n; i++) {
        out[3 * i] = (u8)(px[i] >> 16);
        out[3 * i + 1] = (u8)(px[i] >> 8);
        out[3 * i + 2] = (u8)px[i];
    }
}

static bool ppm_write(FILE *f, const struct surface *s, u8 *row)
{
    fprintf(f, "P6\n%d %d\n255\n", s->w, s->h);
    for (int y = 0; y < s->h; y++) {
        row_bytes(row, s->px + (size_t)y * (size_t)s->w, s->w);
        fwrite(row, 3, (size_t)s->w, f);
    }
    return !ferror(f);
}

#ifdef HAVE_PNG
static bool png_write(FILE *f, const struct surface *s, u8 *row, struct err *e)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return err_set(e, "libpng failed");
    }
    png_init_io(png, f);
    png_set_compression_level(png, 3); /* screens compress well; time is the guest's */
    png_set_IHDR(png, info, (png_uint_32)s->w, (png_uint_32)s->h, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < s->h; y++) {
        row_bytes(row, s->px + (size_t)y * (size_t)s->w, s->w);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return true;
}
#else
static bool png_write(FILE *f, const struct surface *s, u8 *row, struct err *e)
{
    (void)f, (void)s, (void)row;
    return err_set(e, "moss was built without libpng: use format ppm");
}
#endif

bool image_write(struct screen *s, const char *path, bool png, struct err *e)
{
    screen_refresh(s);
    const struct surface *f = screen_surface(s);
    FILE *out = fopen(path, "wb");
    if (!out) {
        return err_errno(e, "cannot write '%s'", path);
    }
    u8 *row = malloc((size_t)f->w * 3);
    must(row);
    bool ok = png ? png_write(out, f, row, e) : ppm_write(out, f, row);
    free(row);
    ok = !fclose(out) && ok;
    if (!ok) {
        err_errno(e, "cannot write '%s'", path);
        unlink(path);
    }
    return ok;
}
