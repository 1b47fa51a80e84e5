/* Which hardware address stands beside which addresses. What stands beside many is a router. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_MACS_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_MACS_H

#include "survey/core/ip.h"

/* A device has one IPv4 address, two when it is being moved, and a handful of IPv6 addresses. */
enum { MACS_MAX = 8192, MAC_V4_MAX = 2, MAC_V6_MAX = 6, MAC_SIZE = 6, MAC_TEXT = 18 };

struct mac_entry {
    uint8_t mac[MAC_SIZE];
    uint8_t n_v4, n_v6;
    bool used, router;
    struct ip v4[MAC_V4_MAX], v6[MAC_V6_MAX];
};

struct macs {
    struct mac_entry *table; /* MACS_MAX; open addressing */
    size_t n;
};

err_t macs_init(struct macs *m) MUST_CHECK;
void macs_done(struct macs *m);
/* mac: 6 bytes. Group addresses and zero are nobody's; past the cap nothing is noted. */
void macs_note(struct macs *m, struct str mac, const struct ip *ip);
/* "aa:bb:cc:dd:ee:ff"; empty for a router's or one that is not known. */
struct str macs_text(const struct macs *m, struct str mac, char buf[MAC_TEXT]);

#endif
