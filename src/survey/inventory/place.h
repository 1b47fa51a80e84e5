/* Keys of addresses and endpoints in the inventory: bytes whose order (memcmp, then length) is that
 * of ip_cmp and then of the port, and that are short for IPv4. The address as a number without its
 * leading zero bytes, behind a byte that says how many are left; a place has the port behind it,
 * high byte first. 10.0.0.7:104 is 06 FF FF 0A 00 00 07 00 68. */
#ifndef LASTRA_SURVEY_INVENTORY_PLACE_H
#define LASTRA_SURVEY_INVENTORY_PLACE_H

#include "survey/core/ip.h"

enum { PLACE_MAX = 1 + 16 + 2 };

struct place {
    uint8_t b[PLACE_MAX];
    uint8_t n;
};

struct place place_of(const struct ip *ip, uint16_t port);
/* Without the port. */
struct place host_of(const struct ip *ip);
/* From bytes of a database, which may be anybody's: E_DAMAGED unless place_of made them. */
err_t place_parse(struct str bytes, struct ip *ret_ip, uint16_t *ret_port) MUST_CHECK;
err_t host_parse(struct str bytes, struct ip *ret) MUST_CHECK;
int place_cmp(const struct place *a, const struct place *b);

static inline struct str place_str(const struct place *p)
{
    return str_of(p->b, p->n);
}

#endif
