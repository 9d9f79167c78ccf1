/* The command line of user mode. */
#ifndef MOSS_USER_OPTIONS_H
#define MOSS_USER_OPTIONS_H

#include "user/user_priv.h"

/* Index of the first word that is no option; -1: an error. c->done: something was printed and that is all. */
int user_options(struct user_config *c, int argc, char **argv, struct err *e);
/* envp with -E and -U done; NULL: an error. */
char **user_environment(const struct user_config *c, char **envp, struct err *e);
/* binfmt.c: -binfmt */
bool user_binfmt(const struct user_config *c, const char *action, struct err *e);

#endif
