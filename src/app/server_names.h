/* The names that stand in the server's certificate: this machine's own, and what --name gives. */
#ifndef LASTRA_APP_SERVER_NAMES_H
#define LASTRA_APP_SERVER_NAMES_H

#include "app/cmd.h"

struct server_names {
    char host[256];  /* empty where the machine's name is none for a certificate */
    char more[1024]; /* separated by commas */
};

/* `option` is the CMD_LIST of names. E_USAGE when they are too many. */
err_t server_names(const struct cmd_args *a, size_t option, struct server_names *ret,
                   struct diag *d) MUST_CHECK;

#endif
