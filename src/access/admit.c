#include "access/admit.h"

static const struct admit_rule rules[] = {
#define CAUSE(name, verdict, result, source, reason, text)                                         \
    [CAUSE_##name] = {ADMIT_##verdict, result, source, reason, STR_INIT(text)},
#include "access/causes.def"
#undef CAUSE
};

const struct admit_rule *admit_rule(enum admit_cause c)
{
    return &rules[c];
}

bool admit_source(const struct peers *p, const struct addr *from, bool tls)
{
    if (!tls && !addr_is_private(from))
        return false;
    for (size_t i = 0; i < p->n; i++)
        if (peer_has_address(&p->list[i], from))
            return true;
    return false;
}

const struct peer *peers_find(const struct peers *p, struct str aet)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(str_z(p->list[i].aet), aet))
            return &p->list[i];
    return NULL;
}

/* Spaces at both ends of an AE title mean nothing (PS3.5 6.2, VR AE). */
static struct str aet_trim(struct str aet)
{
    while (aet.n && aet.p[0] == ' ')
        aet = str_slice(aet, 1, aet.n);
    while (aet.n && aet.p[aet.n - 1] == ' ')
        aet.n--;
    return aet;
}

static bool is_revoked(const struct peers *p, const uint8_t *cert)
{
    for (size_t i = 0; i < p->n_revoked; i++)
        if (memcmp(p->revoked[i], cert, FINGERPRINT_SIZE) == 0)
            return true;
    return false;
}

/* Whether a certificate says that its holder is somebody else whom we know. */
static bool is_of_another(const struct peers *p, const struct peer *self,
                          const struct admit_query *q)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct peer *other = &p->list[i];
        if (other != self &&
            (peer_find_cert(other, q->cert) || str_eq(str_z(other->aet), q->cert_name)))
            return true;
    }
    return false;
}

/* A peer with certificates registered must show one of them: a name that our authority once signed
 * is proof only where nothing better is known. */
static enum admit_cause check_cert(const struct peers *p, const struct peer *self,
                                   const struct admit_query *q)
{
    if (!q->cert)
        return CAUSE_NO_CERT;
    const struct peer_cert *own = peer_find_cert(self, q->cert);
    if (own)
        return own->expires && own->expires < q->now_s ? CAUSE_CERT_EXPIRED : CAUSE_ADMITTED;
    if (is_of_another(p, self, q))
        return CAUSE_CERT_OF_ANOTHER;
    if (self->n_certs == 0 && str_eq(q->cert_name, str_z(self->aet)))
        return CAUSE_ADMITTED;
    return CAUSE_CERT_UNKNOWN;
}

static enum admit_cause check_called(const struct admit_query *q)
{
    struct str called = aet_trim(q->called);
    if (!aet_is_valid(called))
        return CAUSE_CALLED_INVALID;
    for (size_t i = 0; i < q->n_titles; i++)
        if (str_eq(q->titles[i], called))
            return CAUSE_ADMITTED;
    return CAUSE_CALLED_UNKNOWN;
}

/* What does not depend on who is calling: nothing may be answered at all. */
static enum admit_cause check_source(const struct peers *p, const struct admit_query *q)
{
    if (!q->tls && !addr_is_private(q->from))
        return CAUSE_PUBLIC_CLEARTEXT;
    if (!admit_source(p, q->from, q->tls))
        return CAUSE_UNKNOWN_SOURCE;
    if (q->tls && q->cert && is_revoked(p, q->cert))
        return CAUSE_CERT_REVOKED;
    return CAUSE_ADMITTED;
}

/* Identity first, and the called title last: only who has proved to be a peer learns our names. */
enum admit_cause admit(const struct peers *p, const struct admit_query *q,
                       const struct peer **ret_peer)
{
    enum admit_cause cause = check_source(p, q);
    if (cause != CAUSE_ADMITTED)
        return cause;
    struct str calling = aet_trim(q->calling);
    if (!aet_is_valid(calling))
        return CAUSE_CALLING_INVALID;
    const struct peer *self = peers_find(p, calling);
    if (!self)
        return CAUSE_CALLING_UNKNOWN;
    if (!peer_has_address(self, q->from))
        return CAUSE_WRONG_NETWORK;
    if (!q->tls && !peer_may_cleartext(self, q->from))
        return CAUSE_NEEDS_TLS;
    cause = q->tls ? check_cert(p, self, q) : CAUSE_ADMITTED;
    if (cause == CAUSE_ADMITTED)
        cause = check_called(q);
    if (cause == CAUSE_ADMITTED)
        *ret_peer = self;
    return cause;
}
