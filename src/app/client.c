#include "app/client.h"

#include <stdio.h>

#include "access/peer.h"
#include "io/tls.h"

static bool wants_tls(const struct cmd_args *a)
{
    return cmd_flag(a, CLIENT_TLS) || cmd_flag(a, CLIENT_CERT) || cmd_flag(a, CLIENT_TRUST) ||
           cmd_flag(a, CLIENT_PIN);
}

static err_t make_tls(struct client *c, const struct cmd_args *a, struct diag *d)
{
    struct tls_files f = {.cert = cmd_text(a, CLIENT_CERT).p,
                          .key = cmd_text(a, CLIENT_KEY).p,
                          .trust = cmd_text(a, CLIENT_TRUST).p,
                          .pinned = cmd_flag(a, CLIENT_PIN),
                          .no_name_check = cmd_flag(a, CLIENT_NO_NAME)};
    if (!f.cert != !f.key)
        return diag_set(d, E_USAGE, "--cert and --cert-key go together");
    if (!f.trust && !f.pinned)
        return diag_set(d, E_USAGE,
                        "TLS needs --trust or --pin: whom shall we believe to be there?");
    if (f.pinned)
        TRY(fingerprint_parse(cmd_text(a, CLIENT_PIN), f.pin, d));
    return tls_client(&f, &c->tls, d);
}

err_t client_init(struct client *c, const struct cmd_args *a, struct diag *d)
{
    *c = (struct client){.json = cmd_flag(a, CLIENT_JSON)};
    TRY(scu_peer_parse(a->args[0], &c->peer, d));
    struct str aet = cmd_text(a, CLIENT_AET);
    c->peer.calling = aet.p ? aet : STR("LASTRA");
    if (!pdu_ae_ok(c->peer.calling))
        return diag_set(d, E_USAGE, "--aet: not an AE title (1 to 16 characters)");
    int64_t ms = (int64_t)cmd_number(a, CLIENT_TIMEOUT, 60) * 1000;
    c->peer.limits = ASSOC_LIMITS_DEFAULT;
    c->peer.limits.artim_ms = c->peer.limits.dimse_ms = c->peer.limits.idle_ms = ms;
    c->peer.limits.max_pdu = (uint32_t)cmd_number(a, CLIENT_PDU, c->peer.limits.max_pdu);
    c->peer.stop = a->stop;
    if (wants_tls(a))
        TRY(make_tls(c, a, d));
    c->peer.tls = c->tls;
    return OK;
}

void client_done(struct client *c)
{
    tls_free(c->tls);
    c->tls = NULL;
}

err_t client_failed(const struct assoc *a, err_t e, const char *what, struct diag *d)
{
    return diag_set(d, e, "%s: %s", what, diag_text(assoc_diag(a), e));
}

err_t client_status(const struct scu_outcome *o, const char *what, struct diag *d)
{
    if (dimse_is_success(o->status) || dimse_is_warning(o->status) ||
        (o->cancelled && o->status == DIMSE_CANCEL))
        return OK;
    return diag_set(d, E_REJECTED, "%s: %s (%04X)%s%s", what, dimse_status_text(o->status),
                    o->status, o->comment[0] ? ": " : "", o->comment);
}

err_t client_print(struct wr *w, struct diag *d)
{
    if (w->bad)
        return diag_set(d, E_LIMIT, "too much to write");
    bool written = fwrite(w->p, 1, w->n, stdout) == w->n && fflush(stdout) == 0;
    wr_clear(w);
    return written ? OK : diag_set(d, E_IO, "standard output cannot be written");
}
