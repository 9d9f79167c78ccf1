/* An option list as it is typed: "virtio,id=disk0,readonly,file=a,,b.img".
 *
 * `,,` is a comma inside a value. A first word without `=` is the value of the implied key. A bare word
 * is a boolean: `flag` is flag=on, and `noflag` answers a question about `flag` with off. A key may
 * come again: the last one counts, except where the reader walks through all of them. Getters remember
 * what was asked for, so that what nobody asked for can be refused. */
#ifndef MOSS_BASE_OPTS_H
#define MOSS_BASE_OPTS_H

#include "base/err.h"
#include "base/types.h"

struct opt {
    char *key, *value; /* value "on" for a bare word */
    bool bare;
    bool used;
};
struct opts {
    struct opt *v;
    size_t n;
};

/* A row of the table behind `help` and "did you mean". */
struct opt_key {
    const char *name;        /* NULL ends a table */
    const char *value, *doc; /* "PATH", "what it is for" */
};

/* implied: the key of a first word without `=`, or NULL. Appends to o, which starts zeroed. */
bool opts_parse(struct opts *o, const char *text, const char *implied, struct err *e);
void opts_add(struct opts *o, const char *key, const char *value);
void opts_free(struct opts *o);

bool opts_has(struct opts *o, const char *key);
/* The value lives as long as o. */
const char *opts_str(struct opts *o, const char *key, const char *def);
/* All values of a key in order: start with *iter = 0; NULL ends. */
const char *opts_next(struct opts *o, const char *key, size_t *iter);
/* These leave *out alone when the key is absent, and fail with a sentence when the value is bad. */
bool opts_bool(struct opts *o, const char *key, bool *out, struct err *e); /* on/off/yes/no/true/false */
bool opts_num(struct opts *o, const char *key, u64 *out, struct err *e);
bool opts_size(struct opts *o, const char *key, u64 *out, struct err *e); /* 0x1000, 64k, 1.5G */
/* Index of the value in a NULL-ended list of names. */
bool opts_choice(struct opts *o, const char *key, const char *const *names, unsigned *out, struct err *e);
/* Marks keys that others read, or that need no action: comma separated. */
void opts_ignore(struct opts *o, const char *keys);
/* Refuses the first key that no getter asked for. what: "-chardev socket"; known may be NULL. */
bool opts_all_used(const struct opts *o, const char *what, const struct opt_key *known, struct err *e);

/* The readers behind the getters, for single values; false leaves *out alone. Numbers: decimal, or hex with 0x. Sizes
 * are bytes, with a suffix B, k, M, G, T, P, E (powers of 1024) and a fraction before it. */
bool parse_bool(const char *s, bool *out);
bool parse_num(const char *s, u64 *out);
bool parse_size(const char *s, u64 *out);
bool parse_uuid(const char *s, u8 *out); /* 16 bytes as they are written */

#endif
