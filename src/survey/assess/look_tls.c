/* TLS versions and certificates, against BCP 195 (RFC 8996, RFC 9325). */
#include "base/size.h"
#include "survey/assess/inside.h"

enum { SOON_DAYS = 30, RSA_BITS_MIN = 2048, EC_BITS_MIN = 224 };

static struct finding about(const char *kind, const struct endpoint *p)
{
    return (struct finding){
        .kind = str_z(kind), .severity = SEV_OF_KIND, .level = VER_protocol, .port = p->port};
}

static bool is_obsolete(struct str version)
{
    static const struct str old[] = {STR_INIT("SSL2"), STR_INIT("SSL3"), STR_INIT("TLS1.0"),
                                     STR_INIT("TLS1.1")};
    for (size_t i = 0; i < COUNT(old); i++)
        if (str_eq_nocase(version, old[i]))
            return true;
    return false;
}

static err_t versions(const struct look *l, const struct endpoint *p)
{
    static const enum ev_kind kinds[] = {EV_tls_version, EV_tls_offers};
    const struct fact *f;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; (f = evidence_next(p->e, kinds[k], &i));) {
            if (!is_obsolete(f->value))
                continue;
            struct finding found = about("obsolete_tls", p);
            if (str_starts(f->value, STR("SSL")))
                found.severity = SEV_high;
            return look_tell(l, found, "port %u: %.*s was accepted",
                             "porta %u: %.*s è stato accettato", p->port, STR_ARG(f->value));
        }
    return OK;
}

/* Days since some day long ago: enough for differences. False for what is not YYYY-MM-DD. */
static bool day_number(struct str s, int64_t *ret)
{
    uint64_t y, m, d;
    if (s.n < 10 || s.p[4] != '-' || s.p[7] != '-' || !str_to_u64(str_slice(s, 0, 4), 9999, &y) ||
        !str_to_u64(str_slice(s, 5, 2), 12, &m) || !str_to_u64(str_slice(s, 8, 2), 31, &d) || !m ||
        !d)
        return false;
    /* March as the first month puts the odd day of February last. */
    int64_t year = (int64_t)y - (m <= 2), month = ((int64_t)m + 9) % 12;
    *ret = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + (int64_t)d;
    return true;
}

static err_t validity(const struct look *l, const struct endpoint *p)
{
    struct str from = evidence_get(p->e, EV_tls_from), until = evidence_get(p->e, EV_tls_until);
    int64_t today, begins, ends;
    if (!day_number(str_z(l->o->today), &today))
        return OK;
    if (day_number(until, &ends)) {
        if (ends < today)
            return look_tell(l, about("expired_certificate", p),
                             "port %u: the certificate was valid until %.*s, %lld days ago",
                             "porta %u: il certificato era valido fino al %.*s, %lld giorni fa",
                             p->port, STR_ARG(until), (long long)(today - ends));
        if (ends - today <= SOON_DAYS)
            TRY(look_tell(l, about("expiring_certificate", p),
                          "port %u: the certificate is valid until %.*s, %lld days more",
                          "porta %u: il certificato è valido fino al %.*s, ancora %lld giorni",
                          p->port, STR_ARG(until), (long long)(ends - today)));
    }
    if (day_number(from, &begins) && begins > today)
        return look_tell(
            l, about("expired_certificate", p), "port %u: the certificate is not valid before %.*s",
            "porta %u: il certificato non è valido prima del %.*s", p->port, STR_ARG(from));
    return OK;
}

static bool holds_nocase(struct str s, struct str what)
{
    for (size_t i = 0; i + what.n <= s.n; i++)
        if (str_eq_nocase(str_slice(s, i, what.n), what))
            return true;
    return false;
}

/* "RSA 1024", "EC 192". */
static bool is_weak_key(struct str key)
{
    uint64_t bits;
    size_t gap = str_find(key, ' ');
    if (gap == key.n || !str_to_u64(str_slice(key, gap + 1, key.n), 1 << 20, &bits))
        return false;
    bool ec = str_starts(key, STR("EC")) || holds_nocase(key, STR("ed25519"));
    return bits < (ec ? EC_BITS_MIN : RSA_BITS_MIN);
}

static bool is_weak_signature(struct str s)
{
    return holds_nocase(s, STR("md5")) || holds_nocase(s, STR("md2")) ||
           holds_nocase(s, STR("sha1")) || holds_nocase(s, STR("sha-1"));
}

static err_t strength(const struct look *l, const struct endpoint *p)
{
    struct str key = evidence_get(p->e, EV_tls_key), sig = evidence_get(p->e, EV_tls_signature);
    if (is_weak_key(key))
        return look_tell(l, about("weak_key_or_signature", p), "port %u: the key is %.*s",
                         "porta %u: la chiave è %.*s", p->port, STR_ARG(key));
    if (is_weak_signature(sig))
        return look_tell(l, about("weak_key_or_signature", p), "port %u: it is signed with %.*s",
                         "porta %u: è firmato con %.*s", p->port, STR_ARG(sig));
    return OK;
}

err_t look_at_tls(const struct look *l)
{
    const struct endpoint *p;
    for (size_t i = 0; (p = look_next(l, &i));) {
        if (evidence_is(p->e, EV_transport, STR("tls")) || has(p->e, EV_tls_version))
            l->s->tls = 1;
        TRY(versions(l, p));
        TRY(validity(l, p));
        TRY(strength(l, p));
        if (evidence_is(p->e, EV_tls_self_signed, STR("yes")))
            TRY(look_tell(l, about("self_signed_certificate", p),
                          "port %u: the certificate vouches for itself",
                          "porta %u: il certificato garantisce di sé stesso", p->port));
    }
    return OK;
}
