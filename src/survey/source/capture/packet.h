/* One packet of a capture, from its link to its TCP payload: Ethernet with VLAN tags (802.1Q,
 * 802.1ad), Linux cooked v1 and v2, BSD loopback, raw IP; IPv4 (RFC 791), IPv6 with extension
 * headers (RFC 8200), TCP (RFC 9293). Views of the packet; no I/O. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_PACKET_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_PACKET_H

#include "io/pcap.h"
#include "survey/core/ip.h"

enum packet_kind {
    PACKET_TCP,
    PACKET_OTHER,    /* IP, but not TCP */
    PACKET_FRAGMENT, /* a part of a packet: passed over */
    PACKET_FOREIGN,  /* not IP */
    PACKET_BAD       /* malformed, or cut before its TCP header's end */
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct packet {
    struct ip src, dst;
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint8_t ttl;
    struct str payload;
    uint32_t cut;       /* payload bytes behind it that the capture did not keep */
    struct str src_mac; /* 6 bytes, or empty */
};

/* Whether packets of this link can be read at all. */
bool packet_link_known(enum packets_link link);
/* wire: the packet's length on the wire. *ret is whole for PACKET_TCP only. */
enum packet_kind packet_decode(enum packets_link link, struct str bytes, uint32_t wire,
                               struct packet *ret);

#endif
