/* What echo, send, find, get and move have in common: how the other side is reached, and the
 * identifier of a query. */
#ifndef LASTRA_APP_CLIENT_H
#define LASTRA_APP_CLIENT_H

#include "app/cmd.h"
#include "scu/query.h"
#include "scu/scu.h"

/* The first options of each of them, by their places. */
enum {
    CLIENT_AET,
    CLIENT_TLS,
    CLIENT_CERT,
    CLIENT_KEY,
    CLIENT_TRUST,
    CLIENT_PIN,
    CLIENT_NO_NAME,
    CLIENT_TIMEOUT,
    CLIENT_PDU,
    CLIENT_JSON,
    CLIENT_OPTIONS
};

/* clang-format off */
#define CLIENT_ROWS                                                                                \
    [CLIENT_AET] = {.name = "aet", .letter = 'a', .arg = "AE",                                     \
                    .help = "our own AE title (LASTRA)"},                                          \
    [CLIENT_TLS] = {.name = "tls", .help = "use TLS; any of the next four says so too"},           \
    [CLIENT_CERT] = {.name = "cert", .arg = "FILE", .help = "our certificate chain, PEM"},         \
    [CLIENT_KEY] = {.name = "cert-key", .arg = "FILE", .help = "its private key, PEM"},            \
    [CLIENT_TRUST] = {.name = "trust", .arg = "FILE",                                              \
                      .help = "authorities that may have signed the other side's, PEM"},           \
    [CLIENT_PIN] = {.name = "pin", .arg = "SHA256",                                                \
                    .help = "the other side's certificate must have this fingerprint"},            \
    [CLIENT_NO_NAME] = {.name = "any-name",                                                        \
                        .help = "the certificate need not name the host it was reached by"},       \
    [CLIENT_TIMEOUT] = {.name = "timeout", .arg = "SECONDS", .type = CMD_NUMBER, .min = 1,         \
                        .max = 86400, .help = "for a connection and for each answer (60)"},        \
    [CLIENT_PDU] = {.name = "pdu", .arg = "BYTES", .type = CMD_NUMBER, .min = 4096,                \
                    .max = 1048576, .help = "the longest PDU that we take (128K)"},                \
    [CLIENT_JSON] = {.name = "json", .help = "write JSON"}
/* clang-format on */

struct client {
    struct scu_peer peer;
    struct tls *tls;
    bool json;
};

/* From the first argument and the options above. */
err_t client_init(struct client *c, const struct cmd_args *a, struct diag *d) MUST_CHECK;
void client_done(struct client *c);

/* The diagnosis of a failed call on an association, with what it was about. */
err_t client_failed(const struct assoc *a, err_t e, const char *what, struct diag *d);
/* A final status that is a failure, in words; OK for success, warnings and (if we asked) cancel. */
err_t client_status(const struct scu_outcome *o, const char *what, struct diag *d) MUST_CHECK;

/* Writes what a heap writer holds to standard output, and empties it. */
err_t client_print(struct wr *w, struct diag *d) MUST_CHECK;

#endif
