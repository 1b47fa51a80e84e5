#include "unit.h"

#include "base/size.h"
#include "survey/capture/pcap_make.h"
#include "survey/source/capture/packet.h"

enum { RECORD_HEAD = 16, FILE_HEAD = 24 };

static const struct str HELLO = STR_INIT("hello");

/* The bytes of the only record of a capture. */
static struct str only(const struct make *m)
{
    return str_slice(wr_str(&m->w), FILE_HEAD + RECORD_HEAD, m->w.n);
}

static void reads(enum packets_link link, bool v6, unsigned vlans)
{
    struct make m = make_begin(link, false, 4096);
    struct make_conn c = make_conn(0x0a000001, 0x0a000002, 104);
    struct packet p;
    char text[IP_TEXT_MAX];
    c.v6 = v6;
    m.vlans = vlans;
    make_segment(&m, &c, 0, 77, TCP_ACK, HELLO);
    assert_int_equal(packet_decode(link, only(&m), (uint32_t)only(&m).n, &p), PACKET_TCP);
    assert_str(p.payload, "hello");
    assert_int_equal(p.seq, 77);
    assert_int_equal(p.ack, 500000);
    assert_int_equal(p.src_port, 40000);
    assert_int_equal(p.dst_port, 104);
    assert_int_equal(p.flags, TCP_ACK);
    assert_int_equal(p.ttl, 64);
    assert_int_equal(p.cut, 0);
    assert_str(ip_text(&p.src, text), v6 ? "fd00::a00:1" : "10.0.0.1");
    assert_str(ip_text(&p.dst, text), v6 ? "fd00::a00:2" : "10.0.0.2");
    assert_int_equal(p.src_mac.n,
                     link == LINK_ETHERNET || link == LINK_SLL || link == LINK_SLL2 ? 6 : 0);
    make_done(&m);
}

static void reads_every_link_and_both_families(void **state)
{
    static const enum packets_link links[] = {LINK_ETHERNET, LINK_SLL,  LINK_SLL2,
                                              LINK_RAW,      LINK_NULL, LINK_LOOP};
    (void)state;
    for (size_t i = 0; i < COUNT(links); i++) {
        assert_true(packet_link_known(links[i]));
        reads(links[i], false, 0);
        reads(links[i], true, 0);
    }
    assert_false(packet_link_known((enum packets_link)105));
}

static void passes_over_vlan_and_qinq_tags(void **state)
{
    (void)state;
    reads(LINK_ETHERNET, false, 1);
    reads(LINK_ETHERNET, true, 2);
}

static struct make one_segment(struct str payload)
{
    struct make m = make_begin(LINK_ETHERNET, false, 70000);
    struct make_conn c = make_conn(0x0a000001, 0x0a000002, 104);
    make_segment(&m, &c, 0, 1, TCP_ACK, payload);
    return m;
}

static void counts_what_the_capture_cut(void **state)
{
    struct make m = one_segment(STR("0123456789"));
    struct packet p;
    (void)state;
    struct str all = only(&m);
    struct str cut = str_slice(all, 0, all.n - 4);
    assert_int_equal(packet_decode(LINK_ETHERNET, cut, (uint32_t)all.n, &p), PACKET_TCP);
    assert_str(p.payload, "012345");
    assert_int_equal(p.cut, 4);
    make_done(&m);
}

static void leaves_out_the_padding_of_short_frames(void **state)
{
    struct make m = one_segment(STR("x"));
    struct packet p;
    (void)state;
    wr_fill(&m.w, 0, 20);
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), (uint32_t)only(&m).n, &p), PACKET_TCP);
    assert_str(p.payload, "x");
    assert_int_equal(p.cut, 0);
    make_done(&m);
}

/* A card that joins segments writes a length of 0 when it does not fit 16 bits. */
static void takes_the_frame_for_the_length_that_offloading_left_out(void **state)
{
    static char big[66000];
    struct make m = one_segment(str_of(big, sizeof big));
    struct packet p;
    (void)state;
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), (uint32_t)only(&m).n, &p), PACKET_TCP);
    assert_int_equal(p.payload.n, sizeof big);
    make_done(&m);
}

static void tells_fragments_and_other_packets_apart(void **state)
{
    struct make m = one_segment(HELLO);
    struct packet p;
    (void)state;
    size_t ip = FILE_HEAD + RECORD_HEAD + 14;
    uint32_t n = (uint32_t)only(&m).n;
    m.w.p[ip + 6] = 0x20; /* more fragments */
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_FRAGMENT);
    m.w.p[ip + 6] = 0;
    m.w.p[ip + 7] = 8; /* an offset */
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_FRAGMENT);
    m.w.p[ip + 7] = 0;
    m.w.p[ip + 9] = 17;
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_OTHER);
    m.w.p[ip - 2] = 8;
    m.w.p[ip - 1] = 6; /* ARP */
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_FOREIGN);
    make_done(&m);
}

static void put_v6(struct wr *w, uint8_t next, size_t length)
{
    wr_u32be(w, 0x60000000);
    wr_u16be(w, (uint16_t)length);
    wr_u8(w, next);
    wr_u8(w, 255);
    wr_fill(w, 1, 32);
}

static void put_tcp(struct wr *w)
{
    wr_u32be(w, 104 << 16 | 40000);
    wr_u64be(w, 5);
    wr_u32be(w, 0x50100000);
    wr_u32be(w, 0);
    wr_put(w, HELLO);
}

static void walks_ipv6_extension_headers(void **state)
{
    uint8_t buf[256];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct packet p;
    (void)state;
    put_v6(&w, 0, 8 + 16 + 25);
    wr_bytes(&w, "\x3c\0\0\0\0\0\0\0", 8);                  /* hop by hop, then destination */
    wr_bytes(&w, "\x06\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* 16 bytes, then TCP */
    put_tcp(&w);
    assert_int_equal(packet_decode(LINK_RAW, wr_str(&w), (uint32_t)w.n, &p), PACKET_TCP);
    assert_str(p.payload, "hello");
    wr_clear(&w);
    put_v6(&w, 44, 8 + 25);
    wr_bytes(&w, "\x06\0\0\1\0\0\0\1", 8);
    put_tcp(&w);
    assert_int_equal(packet_decode(LINK_RAW, wr_str(&w), (uint32_t)w.n, &p), PACKET_FRAGMENT);
    wr_clear(&w);
    put_v6(&w, 0, 8 + 25);
    wr_bytes(&w, "\x06\xff\0\0\0\0\0\0", 8); /* an extension longer than the packet */
    put_tcp(&w);
    assert_int_equal(packet_decode(LINK_RAW, wr_str(&w), (uint32_t)w.n, &p), PACKET_BAD);
}

static void every_cut_of_a_packet_is_answered(void **state)
{
    struct make m = one_segment(HELLO);
    (void)state;
    struct str all = only(&m);
    for (size_t n = 0; n < all.n; n++) {
        /* A copy of its own, so that reading past its end is seen. */
        char *copy = malloc(n ? n : 1);
        struct packet p;
        memcpy(copy, all.p, n);
        enum packet_kind kind = packet_decode(LINK_ETHERNET, str_of(copy, n), (uint32_t)all.n, &p);
        assert_int_equal(kind, n < 14 + 20 + 20 ? PACKET_BAD : PACKET_TCP);
        free(copy);
    }
    make_done(&m);
}

static void lying_header_lengths_are_malformed(void **state)
{
    struct make m = one_segment(HELLO);
    struct packet p;
    (void)state;
    size_t ip = FILE_HEAD + RECORD_HEAD + 14;
    uint32_t n = (uint32_t)only(&m).n;
    m.w.p[ip] = 0x41; /* an IP header of 4 bytes */
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_BAD);
    m.w.p[ip] = 0x45;
    m.w.p[ip + 20 + 12] = 0xf0; /* a TCP header past the packet */
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_BAD);
    m.w.p[ip + 20 + 12] = 0x10;
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_BAD);
    m.w.p[ip + 20 + 12] = 0x50;
    m.w.p[ip + 3] = 10; /* a total length shorter than its headers */
    m.w.p[ip + 2] = 0;
    assert_int_equal(packet_decode(LINK_ETHERNET, only(&m), n, &p), PACKET_BAD);
    make_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_link_and_both_families),
        cmocka_unit_test(passes_over_vlan_and_qinq_tags),
        cmocka_unit_test(counts_what_the_capture_cut),
        cmocka_unit_test(leaves_out_the_padding_of_short_frames),
        cmocka_unit_test(takes_the_frame_for_the_length_that_offloading_left_out),
        cmocka_unit_test(tells_fragments_and_other_packets_apart),
        cmocka_unit_test(walks_ipv6_extension_headers),
        cmocka_unit_test(every_cut_of_a_packet_is_answered),
        cmocka_unit_test(lying_header_lengths_are_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
