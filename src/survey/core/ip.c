#include "survey/core/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/size.h"

#define V4(a, b, c)                                                                                \
    {                                                                                              \
        [10] = 0xff, 0xff, a, b, c                                                                 \
    }

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* The registries of special-purpose addresses (RFC 6890 and its updates) as far as they are not
 * globally reachable. */
static const struct network special_v4[] = {
    {V4(0, 0, 0), 96 + 8},     {V4(10, 0, 0), 96 + 8},      {V4(100, 64, 0), 96 + 10},
    {V4(127, 0, 0), 96 + 8},   {V4(169, 254, 0), 96 + 16},  {V4(172, 16, 0), 96 + 12},
    {V4(192, 0, 0), 96 + 24},  {V4(192, 0, 2), 96 + 24},    {V4(192, 168, 0), 96 + 16},
    {V4(198, 18, 0), 96 + 15}, {V4(198, 51, 100), 96 + 24}, {V4(203, 0, 113), 96 + 24},
    {V4(224, 0, 0), 96 + 4},   {V4(240, 0, 0), 96 + 4},
};

/* Of IPv6 only 2000::/3 is given out at all. */
static const struct network global_v6 = {{0x20}, 3};
static const struct network special_v6[] = {
    {{0x20, 0x01}, 23},             /* IETF protocol assignments */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static const struct network loopback[] = {{V4(127, 0, 0), 96 + 8}, {{[15] = 1}, 128}};

static bool in_any(const struct network *table, size_t n, const struct ip *ip)
{
    for (size_t i = 0; i < n; i++)
        if (ip_in(&table[i], ip))
            return true;
    return false;
}

err_t ip_parse(struct str text, struct ip *ret)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4;
    bool bracketed = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    if (bracketed)
        text = str_slice(text, 1, text.n - 2);
    if (!str_to_z(text, host, sizeof host))
        return E_MALFORMED;
    if (!bracketed && inet_pton(AF_INET, host, &v4) == 1) {
        memcpy(ret->b, mapped, sizeof mapped);
        memcpy(ret->b + 12, &v4, 4);
        return OK;
    }
    struct in6_addr v6;
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return E_MALFORMED;
    memcpy(ret->b, &v6, sizeof ret->b);
    return OK;
}

struct str ip_text(const struct ip *ip, char buf[IP_TEXT_MAX])
{
    bool v4 = ip_is_v4(ip);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->b + 12 : ip->b, buf, IP_TEXT_MAX);
    return str_z(buf);
}

void ip_addr(const struct ip *ip, uint16_t port, struct addr *ret)
{
    *ret = (struct addr){0};
    if (ip_is_v4(ip)) {
        struct sockaddr_in *in = (struct sockaddr_in *)&ret->sa;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, ip->b + 12, 4);
        ret->n = sizeof *in;
        return;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->sa;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, ip->b, 16);
    ret->n = sizeof *in6;
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->b, mapped, sizeof mapped) == 0;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

bool ip_in(const struct network *n, const struct ip *ip)
{
    struct addr a;
    /* network_has knows that ::/0 does not mean IPv4's place within it. */
    ip_addr(ip, 0, &a);
    return network_has(n, &a);
}

bool ip_is_public(const struct ip *ip)
{
    if (ip_is_v4(ip))
        return !in_any(special_v4, COUNT(special_v4), ip);
    return ip_in(&global_v6, ip) && !in_any(special_v6, COUNT(special_v6), ip);
}

bool ip_is_loopback(const struct ip *ip)
{
    return in_any(loopback, COUNT(loopback), ip);
}

unsigned ip_shard(const struct ip *ip, unsigned n)
{
    uint64_t h = str_hash(str_of(ip->b, sizeof ip->b));
    /* FNV's low bits see only the low bits of what went in. */
    return n ? (unsigned)((h ^ h >> 32) % n) : 0;
}
