/* binfmt_misc: the host's kernel runs programs of this ABI by moss, wherever they are called from. `-binfmt on` tells
 * it, `off` takes that back, `conf` prints the line for /etc/binfmt.d, which systemd reads at boot.
 *
 * SPEC: Linux Documentation/admin-guide/binfmt-misc.rst, binfmt.d(5). */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/options.h"

#define FOLDER "/proc/sys/fs/binfmt_misc"
/* Found in every chroot; argv[0] kept; the file opened by the kernel; set-user-ID as the file says. */
#define DEFAULT "FPOC"
#define HEAD    20 /* bytes of an ELF header up to e_machine */

/* The name this binary is to be called by: the static one beside it, which needs nothing inside a chroot. */
static bool interpreter(const struct user_config *c, char *out, size_t n, struct err *e)
{
    char self_path[PATH_MAX - 64];
    ssize_t len = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
    if (len < 0) {
        return err_errno(e, "cannot find this binary");
    }
    self_path[len] = 0;
    *strrchr(self_path, '/') = 0;
    snprintf(out, n, "%s/moss-%s-static", self_path, c->abi->name);
    if (access(out, X_OK) < 0) {
        snprintf(out, n, "%s/moss-%s", self_path, c->abi->name);
    }
    return access(out, X_OK) == 0 || err_errno(e, "the kernel needs a name to call moss by: %s", out);
}

static void put_bytes(struct buf *b, const u8 *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        buf_printf(b, "\\x%02x", v[i]);
    }
}

/* ":name:M::magic:mask:interpreter:flags". Of the ident the OS ABI may be any; the type is a program's or a library's.
 */
static bool make_line(const struct user_config *c, const char *flags, struct buf *b, struct err *e)
{
    char path[PATH_MAX];
    u8 magic[HEAD] = {0x7f, 'E', 'L', 'F', c->abi->elf_class, ELFDATA2LSB, EV_CURRENT}, mask[HEAD];
    unsigned low = c->abi->big_endian ? 1 : 0;
    if (!interpreter(c, path, sizeof(path), e)) {
        return false;
    }
    memset(mask, 0xff, sizeof(mask));
    mask[EI_OSABI] = 0;
    magic[EI_DATA] = c->abi->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
    magic[16 + low] = ET_EXEC;
    mask[16 + low] = 0xfe; /* ET_EXEC or ET_DYN */
    magic[18 + low] = (u8)c->abi->elf_machine;
    magic[18 + !low] = (u8)(c->abi->elf_machine >> 8);
    buf_printf(b, ":moss-%s:M::", c->abi->name);
    put_bytes(b, magic, HEAD);
    buf_printf(b, ":");
    put_bytes(b, mask, HEAD);
    buf_printf(b, ":%s:%s\n", path, flags);
    return true;
}

static bool write_file(const char *path, const void *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n;
    int err = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = err;
    return ok;
}

/* Registered, it would be called to run itself, and nothing would run any more. */
static bool is_host_abi(const struct user_abi *abi)
{
    struct utsname u;
    return uname(&u) == 0 && !strcmp(u.machine, abi->name);
}

static bool remove_entry(const struct user_config *c)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), FOLDER "/moss-%s", c->abi->name);
    return write_file(path, "-1", 2);
}

static bool turn_on(const struct user_config *c, const char *flags, struct err *e)
{
    struct buf line = {0};
    if (is_host_abi(c->abi)) {
        return err_set(e, "this host runs %s programs by itself, and moss is one of them", c->abi->name);
    }
    if (access(FOLDER "/register", F_OK) < 0 && mount("binfmt_misc", FOLDER, "binfmt_misc", 0, NULL) < 0) {
        return err_errno(e, "cannot mount binfmt_misc (are you root? has the kernel CONFIG_BINFMT_MISC?)");
    }
    if (!make_line(c, flags, &line, e)) {
        return false;
    }
    remove_entry(c);
    bool ok = write_file(FOLDER "/register", line.data, line.len - 1);
    if (ok) {
        printf("registered as %s/moss-%s, flags %s; to undo: %s -binfmt off\n", FOLDER, c->abi->name, flags,
               c->program);
    } else {
        err_errno(e, "cannot write %s/register (are you root?)", FOLDER);
    }
    buf_free(&line);
    return ok;
}

bool user_binfmt(const struct user_config *c, const char *action, struct err *e)
{
    struct buf line = {0};
    const char *flags = strchr(action, '=') ? strchr(action, '=') + 1 : DEFAULT;
    if (strspn(flags, DEFAULT) != strlen(flags)) {
        return err_set(e, "expected flags out of " DEFAULT);
    }
    size_t n = strcspn(action, "=");
    if (n == 2 && !strncmp(action, "on", n)) {
        return turn_on(c, flags, e);
    }
    if (n == 4 && !strncmp(action, "conf", n)) {
        bool ok = make_line(c, flags, &line, e);
        printf("%s", ok ? (const char *)line.data : "");
        buf_free(&line);
        return ok;
    }
    if (!strcmp(action, "off")) {
        return remove_entry(c) || err_errno(e, "cannot remove " FOLDER "/moss-%s", c->abi->name);
    }
    return err_set(e, "expected on, on=FLAGS, off or conf");
}
