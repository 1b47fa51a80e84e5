#include "access/peer.h"

#include "base/size.h"

static const struct {
    struct str word, help;
} grants[] = {
#define GRANT(name, word, help) [GRANT_##name] = {STR_INIT(word), STR_INIT(help)},
#include "access/grants.def"
#undef GRANT
};

struct peer peer_new(void)
{
    return (struct peer){.tls = true, .limits = PEER_LIMITS_UNSET};
}

bool aet_is_valid(struct str aet)
{
    if (aet.n < 1 || aet.n > AET_MAX || aet.p[0] == ' ' || aet.p[aet.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < aet.n; i++)
        if (aet.p[i] < ' ' || aet.p[i] > '~' || aet.p[i] == '\\')
            return false;
    return true;
}

struct str grant_word(enum grant g)
{
    return grants[g].word;
}

struct str grant_help(enum grant g)
{
    return grants[g].help;
}

static err_t grant_parse(struct str word, uint32_t *grants_so_far, struct diag *d)
{
    for (unsigned g = 0; g < GRANTS; g++)
        if (str_eq(word, grants[g].word)) {
            *grants_so_far |= 1U << g;
            return OK;
        }
    if (str_eq(word, STR("all"))) {
        *grants_so_far |= (1U << GRANTS) - 1;
        return OK;
    }
    char known[128];
    struct wr w = wr_fixed(known, sizeof known);
    grants_write((1U << GRANTS) - 1, &w);
    return diag_set(d, E_USAGE, "%.*s is no grant; there are: %.*s, all", STR_ARG(word),
                    STR_ARG(wr_str(&w)));
}

err_t grants_parse(struct str text, uint32_t *ret, struct diag *d)
{
    uint32_t all = 0;
    struct str rest = text, part;
    while (str_split(&rest, ',', &part)) {
        struct str words = part, word;
        while (str_split(&words, ' ', &word))
            if (word.n)
                TRY(grant_parse(word, &all, d));
    }
    *ret = all;
    return OK;
}

void grants_write(uint32_t set, struct wr *w)
{
    bool first = true;
    for (unsigned g = 0; g < GRANTS; g++)
        if (set & 1U << g) {
            wr_put(w, first ? STR("") : STR(" "));
            wr_put(w, grants[g].word);
            first = false;
        }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

err_t fingerprint_parse(struct str text, uint8_t ret[FINGERPRINT_SIZE], struct diag *d)
{
    uint8_t bytes[FINGERPRINT_SIZE];
    size_t n = 0, i = 0;
    while (i + 1 < text.n && n < sizeof bytes) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0)
            break;
        bytes[n++] = (uint8_t)(high << 4 | low);
        i += 2;
        if (n < sizeof bytes && i < text.n && text.p[i] == ':')
            i++;
    }
    if (n != sizeof bytes || i != text.n)
        return diag_set(d, E_USAGE,
                        "a fingerprint is the SHA-256 of a certificate in DER: 64 hexadecimal "
                        "digits, as `openssl x509 -fingerprint -sha256` prints them");
    memcpy(ret, bytes, sizeof bytes);
    return OK;
}

err_t peer_set_aet(struct peer *p, struct str aet, struct diag *d)
{
    if (!aet_is_valid(aet))
        return diag_set(d, E_USAGE,
                        "'%.*s' cannot be an AE title: 1 to 16 letters, digits and signs of ASCII, "
                        "no backslash, no space at either end",
                        (int)size_min(aet.n, 64), aet.p);
    (void)str_to_z(aet, p->aet, sizeof p->aet);
    return OK;
}

err_t peer_add_network(struct peer *p, struct str text, struct diag *d)
{
    struct peer_network new = {0};
    if (network_parse(text, &new.net) != OK || !str_to_z(text, new.text, sizeof new.text))
        return diag_set(d, E_USAGE,
                        "'%.*s' is not a network; write 10.1.2.3, 10.1.0.0/16 or fd00:1::/64 (what "
                        "stands behind the prefix must be zero)",
                        (int)size_min(text.n, 64), text.p);
    for (size_t i = 0; i < p->n_networks; i++)
        if (memcmp(&p->networks[i].net, &new.net, sizeof new.net) == 0)
            return OK;
    if (p->n_networks == PEER_NETWORKS_MAX)
        return diag_set(d, E_LIMIT, "a peer may have %d networks at most; write one wider network",
                        PEER_NETWORKS_MAX);
    p->networks[p->n_networks++] = new;
    return OK;
}

err_t peer_add_cert(struct peer *p, const uint8_t sha256[FINGERPRINT_SIZE], int64_t expires,
                    struct diag *d)
{
    for (size_t i = 0; i < p->n_certs; i++)
        if (memcmp(p->certs[i].sha256, sha256, FINGERPRINT_SIZE) == 0)
            return OK;
    if (p->n_certs == PEER_CERTS_MAX)
        return diag_set(d, E_LIMIT,
                        "%s has %d certificates already; take one away with `lastra peer change "
                        "--no-cert FINGERPRINT` first",
                        p->aet, PEER_CERTS_MAX);
    struct peer_cert *c = &p->certs[p->n_certs++];
    memcpy(c->sha256, sha256, FINGERPRINT_SIZE);
    c->expires = expires;
    return OK;
}

err_t peer_set_cleartext(struct peer *p, struct str why, struct diag *d)
{
    struct str text = str_trim(why);
    bool clean = str_is_utf8(text);
    for (size_t i = 0; i < text.n; i++)
        clean = clean && (uint8_t)text.p[i] >= ' ' && text.p[i] != 0x7f;
    if (!text.n || text.n > PEER_REASON_MAX || !clean)
        return diag_set(d, E_USAGE,
                        "--cleartext needs a reason in words, at most %d bytes: it stands in the "
                        "audit trail and on the status page",
                        PEER_REASON_MAX);
    (void)str_to_z(text, p->cleartext, sizeof p->cleartext);
    return OK;
}

err_t peer_add_destination(struct peer *p, struct str aet, struct diag *d)
{
    if (!aet_is_valid(aet))
        return diag_set(d, E_USAGE, "'%.*s' cannot be an AE title", (int)size_min(aet.n, 64),
                        aet.p);
    for (size_t i = 0; i < p->n_destinations; i++)
        if (str_eq(str_z(p->destinations[i]), aet))
            return OK;
    if (p->n_destinations == PEER_DESTINATIONS_MAX)
        return diag_set(d, E_LIMIT, "a peer may have %d destinations at most",
                        PEER_DESTINATIONS_MAX);
    (void)str_to_z(aet, p->destinations[p->n_destinations++], AET_MAX + 1);
    return OK;
}

/* Letters, digits and what stands in names and addresses: nothing that a resolver, a log or a shell
 * could take for something else. */
static bool host_is_valid(struct str host)
{
    if (!host.n || host.n > PEER_HOST_MAX || host.p[0] == '-')
        return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '.' || c == '-' || c == ':';
        if (!good)
            return false;
    }
    return true;
}

err_t peer_set_host(struct peer *p, struct str host, uint16_t port, struct diag *d)
{
    if (!host_is_valid(host))
        return diag_set(d, E_USAGE, "'%.*s' is neither a host name nor an address",
                        (int)size_min(host.n, 64), host.p);
    if (port == 0)
        return diag_set(d, E_USAGE, "a destination needs its port: --port 104");
    (void)str_to_z(host, p->host, sizeof p->host);
    p->port = port;
    return OK;
}

/* Whether all of `in` lies inside `of`. */
static bool network_inside(const struct network *in, const struct network *of)
{
    if (in->bits < of->bits)
        return false;
    size_t whole = of->bits / 8;
    unsigned rest = of->bits % 8;
    if (memcmp(in->bytes, of->bytes, whole) != 0)
        return false;
    return !rest || (in->bytes[whole] ^ of->bytes[whole]) >> (8 - rest) == 0;
}

static bool network_is_loopback(const struct network *n)
{
    struct network four, six;
    return network_parse(STR("127.0.0.0/8"), &four) == OK &&
           network_parse(STR("::1"), &six) == OK &&
           (network_inside(n, &four) || network_inside(n, &six));
}

static err_t check_networks(const struct peer *p, const struct network *public_networks, size_t n,
                            struct diag *d)
{
    if (!p->n_networks)
        return diag_set(d, E_USAGE,
                        "%s needs a network that it comes from, such as 10.1.2.3 or 10.1.0.0/16",
                        p->aet);
    for (size_t i = 0; i < p->n_networks; i++) {
        const struct peer_network *net = &p->networks[i];
        if (network_is_private(&net->net))
            continue;
        if (p->cleartext[0])
            return diag_set(d, E_DENIED,
                            "cleartext is for private networks only, and %s is public: use TLS, or "
                            "a tunnel that ends in a private network",
                            net->text);
        bool named = false;
        for (size_t k = 0; k < n; k++)
            named = named || network_inside(&net->net, &public_networks[k]);
        if (!named)
            return diag_set(d, E_DENIED,
                            "%s is a public network; if a peer really lives there, name it in "
                            "lastra.conf first (networks-public)",
                            net->text);
    }
    return OK;
}

/* Patients' data leave without TLS only to an address that is certain to be near: a name could
 * resolve to anywhere. */
static err_t check_host(const struct peer *p, struct diag *d)
{
    if (!p->host[0] || p->tls)
        return OK;
    struct str host = str_z(p->host);
    struct network net;
    bool address = network_parse(host, &net) == OK && net.bits == 128;
    if (str_eq(host, STR("localhost")) || (address && network_is_loopback(&net)))
        return OK;
    if (!address || !network_is_private(&net))
        return diag_set(d, E_DENIED,
                        "sending to %s without TLS needs a private address for --host, not a name "
                        "or a public address",
                        p->aet);
    if (!p->cleartext[0])
        return diag_set(d, E_DENIED,
                        "sending to %s without TLS needs a reason: --cleartext \"why\"", p->aet);
    return OK;
}

err_t peer_check(const struct peer *p, const struct network *public_networks, size_t n,
                 struct diag *d)
{
    if (!aet_is_valid(str_z(p->aet)))
        return diag_set(d, E_USAGE, "a peer needs an AE title");
    TRY(check_networks(p, public_networks, n, d));
    TRY(check_host(p, d));
    if (p->n_destinations && !peer_may(p, GRANT_MOVE))
        return diag_set(d, E_USAGE,
                        "%s is given destinations but not the grant to move: --grant move", p->aet);
    if (p->limits.associations == 0)
        return diag_set(d, E_USAGE, "%s needs at least one association", p->aet);
    return OK;
}

bool peer_has_address(const struct peer *p, const struct addr *a)
{
    for (size_t i = 0; i < p->n_networks; i++)
        if (network_has(&p->networks[i].net, a))
            return true;
    return false;
}

const struct peer_cert *peer_find_cert(const struct peer *p, const uint8_t sha256[FINGERPRINT_SIZE])
{
    for (size_t i = 0; i < p->n_certs; i++)
        if (memcmp(p->certs[i].sha256, sha256, FINGERPRINT_SIZE) == 0)
            return &p->certs[i];
    return NULL;
}

bool peer_may(const struct peer *p, enum grant g)
{
    return p->grants & 1U << g;
}

bool peer_may_move_to(const struct peer *p, struct str aet)
{
    if (!peer_may(p, GRANT_MOVE))
        return false;
    for (size_t i = 0; i < p->n_destinations; i++)
        if (str_eq(str_z(p->destinations[i]), aet))
            return true;
    return false;
}

bool peer_may_cleartext(const struct peer *p, const struct addr *from)
{
    if (p->cleartext[0])
        return addr_is_private(from);
    return addr_is_loopback(from) && p->n_certs == 0;
}
