#include "survey/source/capture/packet.h"

#include "base/rd.h"
#include "base/size.h"

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    TYPE_QINQ = 0x88a8,
    TYPE_QINQ_OLD = 0x9100,
    TAGS_MAX = 4,
    EXTENSIONS_MAX = 8,
    MAC = 6,
    PROTO_HOP = 0,
    PROTO_TCP = 6,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_AUTH = 51,
    PROTO_DESTINATION = 60,
};

/* What stands before the IP header; the answer is an EtherType, 0 when it is none. */
static uint16_t after_tags(struct rd *r, uint16_t type)
{
    for (int i = 0; i < TAGS_MAX; i++) {
        if (type != TYPE_VLAN && type != TYPE_QINQ && type != TYPE_QINQ_OLD)
            return type;
        rd_skip(r, 2);
        type = rd_u16be(r);
    }
    return 0;
}

static uint16_t link_ethernet(struct rd *r, struct packet *p)
{
    rd_skip(r, MAC);
    p->src_mac = rd_take(r, MAC);
    return after_tags(r, rd_u16be(r));
}

/* ARPHRD_ETHER, ARPHRD_LOOPBACK, or devices without an address: only the first has one. */
static void cooked_mac(struct packet *p, uint16_t hardware, size_t length, struct str address)
{
    if (hardware == 1 && length == MAC)
        p->src_mac = str_slice(address, 0, MAC);
}

static uint16_t link_sll(struct rd *r, struct packet *p)
{
    rd_skip(r, 2);
    uint16_t hardware = rd_u16be(r);
    uint16_t length = rd_u16be(r);
    cooked_mac(p, hardware, length, rd_take(r, 8));
    return after_tags(r, rd_u16be(r));
}

static uint16_t link_sll2(struct rd *r, struct packet *p)
{
    uint16_t type = rd_u16be(r);
    rd_skip(r, 6);
    uint16_t hardware = rd_u16be(r);
    rd_skip(r, 1);
    uint8_t length = rd_u8(r);
    cooked_mac(p, hardware, length, rd_take(r, 8));
    return after_tags(r, type);
}

static uint16_t link_raw(struct rd *r, struct packet *p)
{
    (void)p;
    return r->n && r->p[0] >> 4 == 6 ? TYPE_IPV6 : TYPE_IPV4;
}

/* Four bytes of the recording system's address family, in its own byte order: what they are is
 * clear from the version that follows. */
static uint16_t link_null(struct rd *r, struct packet *p)
{
    rd_skip(r, 4);
    return link_raw(r, p);
}

static const struct {
    enum packets_link link;
    uint16_t (*head)(struct rd *r, struct packet *p);
} links[] = {
    {LINK_ETHERNET, link_ethernet}, {LINK_SLL, link_sll},   {LINK_SLL2, link_sll2},
    {LINK_RAW, link_raw},           {LINK_IPV4, link_raw},  {LINK_IPV6, link_raw},
    {LINK_NULL, link_null},         {LINK_LOOP, link_null},
};

static void v4_mapped(struct rd *r, struct ip *ret)
{
    struct str a = rd_take(r, 4);
    memset(ret->b, 0, 10);
    ret->b[10] = ret->b[11] = 0xff;
    if (a.n == 4)
        memcpy(ret->b + 12, a.p, 4);
}

static void v6(struct rd *r, struct ip *ret)
{
    struct str a = rd_take(r, sizeof ret->b);
    if (a.n == sizeof ret->b)
        memcpy(ret->b, a.p, a.n);
}

/* TCP in `r`, whose part of the packet was `wire` bytes long. */
static enum packet_kind tcp(struct rd *r, size_t wire, struct packet *p)
{
    p->src_port = rd_u16be(r);
    p->dst_port = rd_u16be(r);
    p->seq = rd_u32be(r);
    p->ack = rd_u32be(r);
    size_t head = (size_t)(rd_u8(r) >> 4) * 4;
    p->flags = rd_u8(r);
    rd_skip(r, 6);
    if (r->bad || head < 20 || head > wire)
        return PACKET_BAD;
    rd_skip(r, head - 20);
    if (r->bad)
        return PACKET_BAD;
    size_t payload = wire - head;
    p->payload = rd_take(r, size_min(payload, r->n));
    p->cut = (uint32_t)(payload - p->payload.n);
    return PACKET_TCP;
}

/* wire: bytes from the IP header on, as they were on the wire. What follows the packet (padding of
 * short frames) is left out; a length of 0 is what segmentation offload leaves. */
static enum packet_kind ipv4(struct rd *r, size_t wire, struct packet *p)
{
    uint8_t first = rd_u8(r);
    size_t head = (size_t)(first & 15) * 4;
    rd_skip(r, 1);
    size_t length = rd_u16be(r);
    rd_skip(r, 2);
    uint16_t fragment = rd_u16be(r);
    p->ttl = rd_u8(r);
    uint8_t protocol = rd_u8(r);
    rd_skip(r, 2);
    v4_mapped(r, &p->src);
    v4_mapped(r, &p->dst);
    length = length ? size_min(length, wire) : wire;
    if (r->bad || first >> 4 != 4 || head < 20 || head > length)
        return PACKET_BAD;
    rd_skip(r, head - 20);
    if (fragment & 0x3fff)
        return PACKET_FRAGMENT;
    if (protocol != PROTO_TCP)
        return PACKET_OTHER;
    return tcp(r, length - head, p);
}

/* Passes over one extension header; false when `next` is none. */
static bool extension(struct rd *r, uint8_t *next, size_t *length)
{
    if (*next != PROTO_HOP && *next != PROTO_ROUTING && *next != PROTO_DESTINATION &&
        *next != PROTO_AUTH)
        return false;
    bool auth = *next == PROTO_AUTH;
    *next = rd_u8(r);
    size_t units = rd_u8(r);
    size_t n = auth ? (units + 2) * 4 : (units + 1) * 8;
    rd_skip(r, n - 2);
    r->bad = r->bad || n > *length;
    *length -= size_min(n, *length);
    return !r->bad;
}

static enum packet_kind ipv6(struct rd *r, size_t wire, struct packet *p)
{
    uint8_t first = rd_u8(r);
    rd_skip(r, 3);
    size_t length = rd_u16be(r);
    uint8_t next = rd_u8(r);
    p->ttl = rd_u8(r);
    v6(r, &p->src);
    v6(r, &p->dst);
    if (r->bad || first >> 4 != 6 || wire < 40)
        return PACKET_BAD;
    length = length ? size_min(length, wire - 40) : wire - 40;
    for (int i = 0; i < EXTENSIONS_MAX && extension(r, &next, &length); i++)
        ;
    if (r->bad)
        return PACKET_BAD;
    if (next == PROTO_FRAGMENT)
        return PACKET_FRAGMENT;
    return next == PROTO_TCP ? tcp(r, length, p) : PACKET_OTHER;
}

bool packet_link_known(enum packets_link link)
{
    for (size_t i = 0; i < COUNT(links); i++)
        if (links[i].link == link)
            return true;
    return false;
}

enum packet_kind packet_decode(enum packets_link link, struct str bytes, uint32_t wire,
                               struct packet *ret)
{
    struct rd r = rd_of(bytes);
    uint16_t type = 0;
    ret->src_mac = str_of("", 0);
    for (size_t i = 0; i < COUNT(links); i++)
        if (links[i].link == link)
            type = links[i].head(&r, ret);
    if (r.bad)
        return PACKET_BAD;
    if (type != TYPE_IPV4 && type != TYPE_IPV6)
        return PACKET_FOREIGN;
    size_t rest = size_max(wire, bytes.n) - (bytes.n - r.n);
    return type == TYPE_IPV4 ? ipv4(&r, rest, ret) : ipv6(&r, rest, ret);
}
