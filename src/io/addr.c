#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/size.h"
#include "io/net.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* The address as 16 bytes, IPv4 as IPv4-mapped; false for another family. */
static bool bytes_of(const struct addr *a, uint8_t ret[16], uint16_t *ret_port)
{
    if (a->sa.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;
        memcpy(ret, mapped, sizeof mapped);
        memcpy(ret + 12, &in->sin_addr, 4);
        *ret_port = ntohs(in->sin_port);
        return true;
    }
    if (a->sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sa;
        memcpy(ret, &in6->sin6_addr, 16);
        *ret_port = ntohs(in6->sin6_port);
        return true;
    }
    return false;
}

static bool is_mapped(const uint8_t bytes[16])
{
    return memcmp(bytes, mapped, sizeof mapped) == 0;
}

struct str addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
    uint8_t bytes[16];
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    if (!bytes_of(a, bytes, &port))
        return STR("unknown");
    bool v4 = is_mapped(bytes);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? bytes + 12 : bytes, host, sizeof host);
    snprintf(buf, ADDR_TEXT_MAX, v4 ? "%s:%u" : "[%s]:%u", host, port);
    return str_z(buf);
}

static bool prefix_same(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) & (0xff00u >> rest & 0xffu)) == 0;
}

/* Which networks are private: RFC 1918, RFC 6598 is not one of them; loopback and link-local. */
static const struct network private_networks[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10}, 96 + 8},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 16}, 96 + 12},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168}, 96 + 16},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}, 96 + 16},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}, 96 + 8},
    {{[15] = 1}, 128},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
};

static const struct network loopback_networks[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}, 96 + 8},
    {{[15] = 1}, 128},
};

static bool within(const struct network *table, size_t n, const uint8_t bytes[16], unsigned bits)
{
    for (size_t i = 0; i < n; i++)
        if (bits >= table[i].bits && prefix_same(table[i].bytes, bytes, table[i].bits))
            return true;
    return false;
}

bool addr_is_loopback(const struct addr *a)
{
    uint8_t bytes[16];
    uint16_t port;
    return bytes_of(a, bytes, &port) &&
           within(loopback_networks, COUNT(loopback_networks), bytes, 128);
}

bool addr_is_private(const struct addr *a)
{
    uint8_t bytes[16];
    uint16_t port;
    return bytes_of(a, bytes, &port) &&
           within(private_networks, COUNT(private_networks), bytes, 128);
}

static bool host_bits_are_zero(const struct network *n)
{
    for (unsigned bit = n->bits; bit < 128; bit++)
        if (n->bytes[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

err_t network_parse(struct str text, struct network *ret)
{
    char host[INET6_ADDRSTRLEN];
    struct network n = {.bits = 128};
    size_t slash = str_find(text, '/');
    if (!str_to_z(str_slice(text, 0, slash), host, sizeof host))
        return E_MALFORMED;
    bool v4 = inet_pton(AF_INET, host, n.bytes + 12) == 1;
    if (!v4 && inet_pton(AF_INET6, host, n.bytes) != 1)
        return E_MALFORMED;
    if (v4)
        memcpy(n.bytes, mapped, sizeof mapped);
    unsigned base = v4 ? 96 : 0;
    uint64_t bits = 128 - base;
    if (slash < text.n && !str_to_u64(str_slice(text, slash + 1, text.n), 128 - base, &bits))
        return E_MALFORMED;
    n.bits = base + (unsigned)bits;
    /* 10.1.2.3/8 is more likely a slip than a wish. */
    if (!host_bits_are_zero(&n))
        return E_MALFORMED;
    *ret = n;
    return OK;
}

bool network_has(const struct network *n, const struct addr *a)
{
    uint8_t bytes[16];
    uint16_t port;
    if (!bytes_of(a, bytes, &port))
        return false;
    /* ::/0 means every IPv6 address, not IPv4's place within them. */
    if (is_mapped(bytes) != (n->bits >= 96 && is_mapped(n->bytes)))
        return false;
    return prefix_same(n->bytes, bytes, n->bits);
}

bool network_is_private(const struct network *n)
{
    return within(private_networks, COUNT(private_networks), n->bytes, n->bits);
}
