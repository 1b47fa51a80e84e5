#include "survey/inventory/place.h"

struct place host_of(const struct ip *ip)
{
    struct place p = {.n = 1};
    size_t zeros = 0;
    while (zeros < sizeof ip->b && ip->b[zeros] == 0)
        zeros++;
    size_t left = sizeof ip->b - zeros;
    p.b[0] = (uint8_t)left;
    memcpy(p.b + 1, ip->b + zeros, left);
    p.n = (uint8_t)(1 + left);
    return p;
}

struct place place_of(const struct ip *ip, uint16_t port)
{
    struct place p = host_of(ip);
    p.b[p.n++] = (uint8_t)(port >> 8);
    p.b[p.n++] = (uint8_t)port;
    return p;
}

err_t host_parse(struct str bytes, struct ip *ret)
{
    struct ip ip = {{0}};
    size_t left = bytes.n ? bytes.n - 1 : 0;
    if (!bytes.n || left > sizeof ip.b || (uint8_t)bytes.p[0] != left ||
        (left > 0 && bytes.p[1] == 0))
        return E_DAMAGED;
    memcpy(ip.b + sizeof ip.b - left, bytes.p + 1, left);
    *ret = ip;
    return OK;
}

err_t place_parse(struct str bytes, struct ip *ret_ip, uint16_t *ret_port)
{
    if (bytes.n < 3)
        return E_DAMAGED;
    TRY(host_parse(str_slice(bytes, 0, bytes.n - 2), ret_ip));
    const uint8_t *port = (const uint8_t *)bytes.p + bytes.n - 2;
    *ret_port = (uint16_t)(port[0] << 8 | port[1]);
    return OK;
}

int place_cmp(const struct place *a, const struct place *b)
{
    return str_cmp(place_str(a), place_str(b));
}
