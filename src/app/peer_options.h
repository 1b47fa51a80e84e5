/* The options of `lastra peer add` and `lastra peer change`, and what each does to a peer. */
#ifndef LASTRA_APP_PEER_OPTIONS_H
#define LASTRA_APP_PEER_OPTIONS_H

#include "access/peer.h"
#include "app/cmd.h"

enum {
    OPT_GRANT,
    OPT_TO,
    OPT_HOST,
    OPT_PORT,
    OPT_SEND,
    OPT_CLEARTEXT,
    OPT_CERT,
    OPT_CERT_FILE,
    OPT_ASSOCIATIONS,
    OPT_OBJECTS,
    OPT_BYTES,
    OPTS_OF_ADD, /* what follows only changes */
    OPT_FROM = OPTS_OF_ADD,
    OPT_NO_FROM,
    OPT_NO_TO,
    OPT_NO_HOST,
    OPT_NO_CLEARTEXT,
    OPT_NO_CERT,
    OPT_NO_LIMITS,
    OPTS_OF_CHANGE
};

extern const struct cmd_option peer_options[OPTS_OF_CHANGE];

/* What both verbs share. */
err_t peer_options_apply(const struct cmd_args *a, struct peer *p, struct diag *d) MUST_CHECK;

/* What `change` alone has. It takes away first, so that a change can make room for what it adds. */
err_t peer_options_change(const struct cmd_args *a, struct peer *p, struct diag *d) MUST_CHECK;

#endif
