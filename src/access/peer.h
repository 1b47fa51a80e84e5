/* A peer: an application entity that was let in, with all that binds and limits it. AE titles are
 * names, never proof: the networks and the certificates are. Plain data and its rules, no storage;
 * the registry that keeps peers is access/access.h. */
#ifndef LASTRA_ACCESS_PEER_H
#define LASTRA_ACCESS_PEER_H

#include "base/err.h"
#include "base/str.h"
#include "base/wr.h"
#include "io/net.h"

enum grant {
#define GRANT(name, word, help) GRANT_##name,
#include "access/grants.def"
#undef GRANT
    GRANTS
};

enum {
    AET_MAX = 16,
    PEERS_MAX = 4096,
    PEER_NETWORKS_MAX = 16,
    PEER_CERTS_MAX = 4,
    PEER_DESTINATIONS_MAX = 32,
    PEER_REASON_MAX = 200,
    PEER_HOST_MAX = 253,
    NETWORK_TEXT_MAX = 48, /* an IPv6 network in full */
    FINGERPRINT_SIZE = 32,
    FINGERPRINT_TEXT = 64, /* as lower-case hexadecimal */
};

struct peer_network {
    struct network net;
    char text[NETWORK_TEXT_MAX]; /* as it was given */
};

struct peer_cert {
    uint8_t sha256[FINGERPRINT_SIZE]; /* of the certificate in DER */
    int64_t expires;                  /* seconds since 1970; 0: not known */
};

/* Each is a number, 0 for no limit (associations: at least 1), or LIMIT_DEFAULT for the
 * registry's own default. */
struct peer_limits {
    uint64_t associations;       /* at once; one more is refused */
    uint64_t objects_per_second; /* past it, the peer is slowed down */
    uint64_t bytes_per_second;   /* likewise */
};
#define LIMIT_DEFAULT UINT64_MAX
#define PEER_LIMITS_UNSET ((struct peer_limits){LIMIT_DEFAULT, LIMIT_DEFAULT, LIMIT_DEFAULT})
#define PEER_LIMITS_DEFAULT ((struct peer_limits){64, 0, 0})

struct peer {
    char aet[AET_MAX + 1];
    struct peer_network networks[PEER_NETWORKS_MAX]; /* where it may come from */
    size_t n_networks;
    struct peer_cert certs[PEER_CERTS_MAX]; /* over TLS it must show one of these; none: one that
                                               the archive's authority made out to its AE title */
    size_t n_certs;
    char cleartext[PEER_REASON_MAX + 1]; /* why it may come without TLS; empty: it may not */
    uint32_t grants;                     /* 1 << GRANT_ECHO ... */
    char destinations[PEER_DESTINATIONS_MAX][AET_MAX + 1]; /* peers that it may move to */
    size_t n_destinations;
    char host[PEER_HOST_MAX + 1]; /* where we reach it as a destination; empty: nowhere */
    uint16_t port;
    bool tls; /* how we reach it; cleartext only to an address, loopback or private with a reason */
    struct peer_limits limits;
    int64_t added_us; /* wall clock */
};

/* 1 to 16 bytes of the default repertoire (PS3.5 6.1.2.1, VR AE): no backslash, no control
 * characters, no space at either end. */
bool aet_is_valid(struct str aet);

/* An empty peer: no networks, no grants, limits unset, TLS. */
struct peer peer_new(void);

/* Words separated by commas or spaces, "store,find" or "all"; E_USAGE naming the one that is not
 * known. Empty text is no grant. */
err_t grants_parse(struct str text, uint32_t *ret, struct diag *d) MUST_CHECK;
/* "echo store find" */
void grants_write(uint32_t grants, struct wr *w);
/* The word of one, and what it allows. */
struct str grant_word(enum grant g);
struct str grant_help(enum grant g);

/* 64 hexadecimal digits, with colons between pairs or without. E_USAGE. */
err_t fingerprint_parse(struct str text, uint8_t ret[FINGERPRINT_SIZE], struct diag *d) MUST_CHECK;

/* Setters that check; E_USAGE or E_LIMIT with the reason. A network or destination that is there
 * already is OK. */
err_t peer_set_aet(struct peer *p, struct str aet, struct diag *d) MUST_CHECK;
err_t peer_add_network(struct peer *p, struct str text, struct diag *d) MUST_CHECK;
err_t peer_add_cert(struct peer *p, const uint8_t sha256[FINGERPRINT_SIZE], int64_t expires,
                    struct diag *d) MUST_CHECK;
err_t peer_set_cleartext(struct peer *p, struct str why, struct diag *d) MUST_CHECK;
err_t peer_add_destination(struct peer *p, struct str aet, struct diag *d) MUST_CHECK;
err_t peer_set_host(struct peer *p, struct str host, uint16_t port, struct diag *d) MUST_CHECK;

/* What must hold for the whole: has a network; public networks only inside those that the
 * configuration names; a cleartext reason only where every network is private; cleartext sending
 * only to a loopback address, or to a private one with a reason; destinations only with the move
 * grant; limits. E_USAGE, or E_DENIED where a rule forbids it, with what to do. */
err_t peer_check(const struct peer *p, const struct network *public_networks, size_t n,
                 struct diag *d) MUST_CHECK;

bool peer_has_address(const struct peer *p, const struct addr *a);
/* NULL when it is not the peer's. */
const struct peer_cert *peer_find_cert(const struct peer *p,
                                       const uint8_t sha256[FINGERPRINT_SIZE]);
bool peer_may(const struct peer *p, enum grant g);
/* Has the move grant and is given this destination. */
bool peer_may_move_to(const struct peer *p, struct str aet);
/* May come without TLS from this address: for the reason given and the address private, or loopback
 * without a certificate registered. */
bool peer_may_cleartext(const struct peer *p, const struct addr *from);

#endif
