/* Where translations are kept between processes (-code-cache, MOSS_CODE_CACHE); accel/tcg/saved.c does it. */
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/user_priv.h"

/* Without a word of the user: moss in $XDG_CACHE_HOME, else in ~/.cache. That folder itself is made, none above it: in
 * a root that has no such place nothing is left behind, and none is made in another user's (sudo keeps HOME). */
static const char *default_dir(char path[PATH_MAX])
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct stat st;
    int n = xdg && xdg[0] == '/'     ? snprintf(path, PATH_MAX, "%s", xdg)
            : home && home[0] == '/' ? snprintf(path, PATH_MAX, "%s/.cache", home)
                                     : PATH_MAX;
    if (n + 6 > PATH_MAX || stat(path, &st) < 0 || st.st_uid != geteuid()) {
        return NULL;
    }
    strcpy(path + n, "/moss");
    return path;
}

void code_cache_start(struct user_config *c)
{
    static char path[PATH_MAX];
    const char *dir = c->code_cache;
    if (getauxval(AT_SECURE) || (dir && (!dir[0] || !strcmp(dir, "off")))) {
        return;
    }
    if (!dir) {
        dir = default_dir(path);
    } else if (dir[0] != '/') { /* the program may change its folder */
        char here[PATH_MAX];
        dir = getcwd(here, sizeof(here)) && snprintf(path, PATH_MAX, "%s/%s", here, dir) < PATH_MAX ? path : NULL;
    }
    c->code_cache = dir; /* for what the program becomes by execve */
    if (dir) {
        accel_tcg_user.keep_code(dir, c->cpu);
    }
}

static bool stopped;

void code_cache_stop(void)
{
    __atomic_store_n(&stopped, true, __ATOMIC_SEQ_CST);
}

void code_cache_save(void)
{
    if (!__atomic_load_n(&stopped, __ATOMIC_SEQ_CST) && !self->vforked) {
        accel_tcg_user.save_code();
    }
}
