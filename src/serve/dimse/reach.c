#include "serve/dimse/reach.h"

#include "scu/scu.h"

static struct scu_peer peer_of(const struct session *s, const struct peer *destination)
{
    struct scu_peer p = {
        .host = str_z(destination->host),
        .port = destination->port,
        .called = str_z(destination->aet),
        .calling = s->options->ae_title,
        .limits = s->options->limits,
        .stop = s->halt,
    };
    p.limits.artim_ms = s->options->move_ms;
    p.limits.max_ops = s->options->operations;
    return p;
}

/* With rules that are read anew, so that a certificate that was renewed counts at once. */
static err_t open_tls(const struct session *s, const struct peer *destination,
                      const struct peer_cert *pin, const struct pdu_associate *contexts,
                      struct assoc **ret, struct diag *d)
{
    struct tls_files files = *s->options->client_files;
    struct scu_peer p = peer_of(s, destination);
    struct pdu_associate rq = *contexts;
    struct tls *tls;
    files.pinned = pin != NULL;
    if (pin)
        memcpy(files.pin, pin->sha256, sizeof files.pin);
    TRY(tls_client(&files, &tls, d));
    p.tls = tls;
    err_t e = scu_open_with(&p, &rq, ret, d);
    tls_free(tls);
    return e;
}

err_t reach_destination(const struct session *s, const struct peer *destination,
                 const struct pdu_associate *contexts, struct assoc **ret, struct diag *d)
{
    struct scu_peer p = peer_of(s, destination);
    struct pdu_associate rq = *contexts;
    if (!destination->tls)
        return scu_open_with(&p, &rq, ret, d);
    if (!s->options->client_files)
        return diag_set(d, E_UNSUPPORTED, "the archive has no certificate for TLS");
    if (!destination->n_certs)
        return open_tls(s, destination, NULL, contexts, ret, d);
    err_t e = E_DENIED; /* it may show any of those it has, an old one or its successor */
    for (size_t i = 0; e == E_DENIED && i < destination->n_certs; i++)
        e = open_tls(s, destination, &destination->certs[i], contexts, ret, d);
    return e;
}
