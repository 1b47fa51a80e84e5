/* The archive's own certificate authority and what it issues, as files in DATA/keys:
 *
 *     authority.pem   the authority's certificate: what peers trust, and what the server trusts
 *     authority.key   its private key; absent where the owner's own authority signs
 *     server.pem      the server's certificate (chain), server.key its private key
 *
 * An owner who has certificates of their own puts them there under these names. */
#ifndef LASTRA_ACCESS_AUTHORITY_H
#define LASTRA_ACCESS_AUTHORITY_H

#include "access/peer.h"
#include "base/wr.h"

#define AUTHORITY_CERT "authority.pem"
#define AUTHORITY_KEY "authority.key"
#define SERVER_CERT "server.pem"
#define SERVER_KEY "server.key"

enum { AUTHORITY_DAYS = 3650, CERT_DAYS = 825, CERT_DAYS_MAX = 3650, CERT_WARN_DAYS = 30 };

/* Makes authority and server certificate in keys_dir, whole or not at all. names: DNS names and
 * addresses separated by commas, besides localhost, 127.0.0.1 and ::1. E_EXISTS. */
err_t authority_create(int keys_dir, struct str host, struct str names, struct diag *d) MUST_CHECK;

/* A new server certificate from the authority, in place of the old (server.pem, server.key). */
err_t authority_renew_server(int keys_dir, struct str host, struct str names,
                             struct diag *d) MUST_CHECK;

/* A certificate and key for a peer, made out to its AE title, as PEM. names: DNS names and
 * addresses separated by commas, for a peer that is also connected to (it then serves as a server's
 * certificate, too); may be empty. The caller records *ret with the peer. E_NOTFOUND when there is
 * no authority.key. */
err_t authority_issue(int keys_dir, struct str aet, struct str names, unsigned days,
                      struct wr *ret_cert, struct wr *ret_key, struct peer_cert *ret,
                      struct diag *d) MUST_CHECK;

/* A certificate file's fingerprint and end. */
err_t authority_read_cert(int dir, const char *name, struct peer_cert *ret,
                          struct diag *d) MUST_CHECK;

/* When authority and server certificate end, seconds since 1970: for `lastra status`. */
struct authority_state {
    int64_t authority_expires, server_expires;
    bool can_issue; /* authority.key is there */
};
err_t authority_state(int keys_dir, struct authority_state *ret, struct diag *d) MUST_CHECK;

#endif
