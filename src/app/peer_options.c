#include "app/peer_options.h"

#include <fcntl.h>

#include "access/authority.h"

const struct cmd_option peer_options[OPTS_OF_CHANGE] = {
    [OPT_GRANT] = {.name = "grant",
                   .letter = 'g',
                   .arg = "LIST",
                   .help = "what it may do: echo store find get move worklist mpps commit print, "
                           "or all"},
    [OPT_TO] = {.name = "to",
                .arg = "AET",
                .type = CMD_LIST,
                .help = "a peer that it may have objects sent to (C-MOVE)"},
    [OPT_HOST] = {.name = "host", .arg = "HOST", .help = "where it is reached as a destination"},
    [OPT_PORT] = {.name = "port",
                  .arg = "PORT",
                  .type = CMD_NUMBER,
                  .min = 1,
                  .max = 65535,
                  .help = "and at which port"},
    [OPT_SEND] = {.name = "send",
                  .arg = "tls|cleartext",
                  .help = "how it is reached; as it comes unless this says otherwise"},
    [OPT_CLEARTEXT] = {.name = "cleartext",
                       .arg = "WHY",
                       .help = "let it in without TLS, from private networks, for this reason"},
    [OPT_CERT] = {.name = "cert",
                  .arg = "SHA256",
                  .type = CMD_LIST,
                  .help = "fingerprint of a certificate that it shows"},
    [OPT_CERT_FILE] = {.name = "cert-file",
                       .arg = "FILE",
                       .type = CMD_LIST,
                       .help = "such a certificate itself (PEM)"},
    [OPT_ASSOCIATIONS] = {.name = "associations",
                          .arg = "N",
                          .type = CMD_NUMBER,
                          .min = 1,
                          .max = 100000,
                          .help = "associations at once (64)"},
    [OPT_OBJECTS] = {.name = "objects",
                     .arg = "N",
                     .type = CMD_NUMBER,
                     .max = 1000000,
                     .help = "objects a second (0: no limit)"},
    [OPT_BYTES] = {.name = "bytes",
                   .arg = "N",
                   .type = CMD_NUMBER,
                   .max = 1ULL << 40,
                   .help = "bytes a second, 20M for instance (0: no limit)"},
    [OPT_FROM] = {.name = "from",
                  .arg = "NETWORK",
                  .type = CMD_LIST,
                  .help = "another network that it comes from"},
    [OPT_NO_FROM] = {.name = "no-from",
                     .arg = "NETWORK",
                     .type = CMD_LIST,
                     .help = "a network that it no longer comes from"},
    [OPT_NO_TO] = {.name = "no-to",
                   .arg = "AET",
                   .type = CMD_LIST,
                   .help = "a destination that it loses"},
    [OPT_NO_HOST] = {.name = "no-host", .help = "it is no destination any more"},
    [OPT_NO_CLEARTEXT] = {.name = "no-cleartext", .help = "from now on it must use TLS"},
    [OPT_NO_CERT] = {.name = "no-cert",
                     .arg = "SHA256",
                     .type = CMD_LIST,
                     .help = "withdraw a certificate, for good; or all"},
    [OPT_NO_LIMITS] = {.name = "no-limits", .help = "back to the default limits"},
};

static err_t add_cert_file(struct peer *p, struct str path, struct diag *d)
{
    struct peer_cert c;
    TRY(authority_read_cert(AT_FDCWD, path.p, &c, d));
    return peer_add_cert(p, c.sha256, c.expires, d);
}

static err_t add_certs(const struct cmd_args *a, struct peer *p, struct diag *d)
{
    for (size_t i = 0; i < cmd_count(a, OPT_CERT); i++) {
        uint8_t sha256[FINGERPRINT_SIZE];
        TRY(fingerprint_parse(cmd_at(a, OPT_CERT, i), sha256, d));
        TRY(peer_add_cert(p, sha256, 0, d));
    }
    for (size_t i = 0; i < cmd_count(a, OPT_CERT_FILE); i++)
        TRY(add_cert_file(p, cmd_at(a, OPT_CERT_FILE, i), d));
    return OK;
}

static bool is_loopback_host(struct str host)
{
    return str_eq(host, STR("localhost")) || str_starts(host, STR("127.")) ||
           str_eq(host, STR("::1"));
}

/* Unless it is said, a peer is reached as it comes. */
static err_t set_send(const struct cmd_args *a, struct peer *p, struct diag *d)
{
    struct str how = cmd_text(a, OPT_SEND);
    if (str_eq(how, STR("tls")) || str_eq(how, STR("cleartext")))
        p->tls = str_eq(how, STR("tls"));
    else if (how.p)
        return diag_set(d, E_USAGE, "--send is tls or cleartext, not %s", how.p);
    else if (cmd_flag(a, OPT_HOST) || cmd_flag(a, OPT_CLEARTEXT))
        p->tls = !p->cleartext[0] && !(is_loopback_host(str_z(p->host)) && !p->n_certs);
    return OK;
}

static err_t set_host(const struct cmd_args *a, struct peer *p, struct diag *d)
{
    if (cmd_flag(a, OPT_HOST) && !cmd_flag(a, OPT_PORT) && !p->port)
        return diag_set(d, E_USAGE, "--host needs --port as well");
    if (cmd_flag(a, OPT_HOST) || cmd_flag(a, OPT_PORT)) {
        struct str host = cmd_flag(a, OPT_HOST) ? cmd_text(a, OPT_HOST) : str_z(p->host);
        if (!host.n)
            return diag_set(d, E_USAGE, "--port needs --host as well");
        char copy[PEER_HOST_MAX + 1];
        if (!str_to_z(host, copy, sizeof copy))
            return diag_set(d, E_USAGE, "--host is too long");
        TRY(peer_set_host(p, str_z(copy), (uint16_t)cmd_number(a, OPT_PORT, p->port), d));
    }
    return set_send(a, p, d);
}

err_t peer_options_apply(const struct cmd_args *a, struct peer *p, struct diag *d)
{
    if (cmd_flag(a, OPT_GRANT))
        TRY(grants_parse(cmd_text(a, OPT_GRANT), &p->grants, d));
    for (size_t i = 0; i < cmd_count(a, OPT_TO); i++)
        TRY(peer_add_destination(p, cmd_at(a, OPT_TO, i), d));
    if (cmd_flag(a, OPT_CLEARTEXT))
        TRY(peer_set_cleartext(p, cmd_text(a, OPT_CLEARTEXT), d));
    TRY(add_certs(a, p, d));
    TRY(set_host(a, p, d));
    p->limits.associations = cmd_number(a, OPT_ASSOCIATIONS, p->limits.associations);
    p->limits.objects_per_second = cmd_number(a, OPT_OBJECTS, p->limits.objects_per_second);
    p->limits.bytes_per_second = cmd_number(a, OPT_BYTES, p->limits.bytes_per_second);
    return OK;
}

/* Takes one entry out of an array of n; false when it is not there. */
static bool take_out(void *list, size_t size, size_t *n, size_t place)
{
    if (place >= *n)
        return false;
    char *at = (char *)list + place * size;
    memmove(at, at + size, (*n - place - 1) * size);
    memset((char *)list + (*n - 1) * size, 0, size);
    --*n;
    return true;
}

static err_t remove_network(struct peer *p, struct str text, struct diag *d)
{
    struct network net;
    size_t i = 0;
    if (network_parse(text, &net) == OK)
        while (i < p->n_networks && memcmp(&p->networks[i].net, &net, sizeof net) != 0)
            i++;
    else
        i = p->n_networks;
    if (!take_out(p->networks, sizeof *p->networks, &p->n_networks, i))
        return diag_set(d, E_NOTFOUND, "%s does not come from %s", p->aet, text.p);
    return OK;
}

static err_t remove_destination(struct peer *p, struct str aet, struct diag *d)
{
    size_t i = 0;
    while (i < p->n_destinations && !str_eq(str_z(p->destinations[i]), aet))
        i++;
    if (!take_out(p->destinations, sizeof *p->destinations, &p->n_destinations, i))
        return diag_set(d, E_NOTFOUND, "%s does not move to %s", p->aet, aet.p);
    return OK;
}

static err_t remove_cert(struct peer *p, struct str text, struct diag *d)
{
    uint8_t sha256[FINGERPRINT_SIZE];
    if (str_eq(text, STR("all"))) {
        p->n_certs = 0;
        return OK;
    }
    TRY(fingerprint_parse(text, sha256, d));
    const struct peer_cert *c = peer_find_cert(p, sha256);
    size_t i = c ? (size_t)(c - p->certs) : p->n_certs;
    if (!take_out(p->certs, sizeof *p->certs, &p->n_certs, i))
        return diag_set(d, E_NOTFOUND, "%s has no certificate %.16s...", p->aet, text.p);
    return OK;
}

static err_t apply_removals(const struct cmd_args *a, struct peer *p, struct diag *d)
{
    for (size_t i = 0; i < cmd_count(a, OPT_NO_FROM); i++)
        TRY(remove_network(p, cmd_at(a, OPT_NO_FROM, i), d));
    for (size_t i = 0; i < cmd_count(a, OPT_NO_TO); i++)
        TRY(remove_destination(p, cmd_at(a, OPT_NO_TO, i), d));
    for (size_t i = 0; i < cmd_count(a, OPT_NO_CERT); i++)
        TRY(remove_cert(p, cmd_at(a, OPT_NO_CERT, i), d));
    if (cmd_flag(a, OPT_NO_HOST)) {
        p->host[0] = '\0';
        p->port = 0;
        p->tls = true;
    }
    if (cmd_flag(a, OPT_NO_CLEARTEXT)) {
        p->cleartext[0] = '\0';
        p->tls = true;
    }
    if (cmd_flag(a, OPT_NO_LIMITS))
        p->limits = PEER_LIMITS_UNSET;
    return OK;
}

err_t peer_options_change(const struct cmd_args *a, struct peer *p, struct diag *d)
{
    TRY(apply_removals(a, p, d));
    for (size_t i = 0; i < cmd_count(a, OPT_FROM); i++)
        TRY(peer_add_network(p, cmd_at(a, OPT_FROM, i), d));
    return peer_options_apply(a, p, d);
}
