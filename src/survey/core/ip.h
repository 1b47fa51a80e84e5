/* Addresses as the survey keeps them: 16 bytes, IPv4 as IPv4-mapped, so that one order and one
 * column serve both. Networks are `struct network` (io/net.h), which has the same shape. */
#ifndef LASTRA_SURVEY_CORE_IP_H
#define LASTRA_SURVEY_CORE_IP_H

#include "io/net.h"

struct ip {
    uint8_t b[16];
};

enum { IP_TEXT_MAX = 48 };

/* "10.0.0.7", "fd00::1", "[fd00::1]"; no port, no name, no zone. E_MALFORMED. */
err_t ip_parse(struct str text, struct ip *ret) MUST_CHECK;
/* Into buf; a view of it. */
struct str ip_text(const struct ip *ip, char buf[IP_TEXT_MAX]);
/* For connecting. */
void ip_addr(const struct ip *ip, uint16_t port, struct addr *ret);
bool ip_is_v4(const struct ip *ip);
/* memcmp order: all IPv4 together. */
int ip_cmp(const struct ip *a, const struct ip *b);
bool ip_in(const struct network *n, const struct ip *ip);
/* Reachable from the Internet as far as its number says: not RFC 1918, RFC 4193, RFC 6598,
 * link-local, loopback, documentation, multicast or reserved space. */
bool ip_is_public(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip);
/* The same part of n for every machine: which of n shards it belongs to (FNV-1a over its bytes). */
unsigned ip_shard(const struct ip *ip, unsigned n);

#endif
