/* Connections as captures have them: in pieces, with holes, from their middle, in other orders. */
#include "unit.h"

#include <stdio.h>

#include "base/size.h"
#include "dicom/part10.h"
#include "dimse/pdu.h"
#include "survey/capture/capture_site.h"
#include "survey/source/capture/packet.h"
#include "survey/source/capture/table.h"

#define CANARY "CANARYMUELLER^ERIKA"

enum { CLIENT = 0x0a000001, SERVER = 0x0a000002, FILE_MAX = 64 << 20, FILE_HEAD = 24 };

static void take_and_close(struct make *m, struct capture_site *s)
{
    capture_site_open(s);
    assert_ok(capture_site_take(s, "t.pcap", wr_str(&m->w)));
    assert_null(strstr(capture_site_text(s), "CANARY"));
    make_done(m);
}

static void segments_of_one_byte_are_enough(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 104);
    (void)state;
    m.segment = 1;
    make_association(&m, &c, CANARY, 1, 1000);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_version_name OFFIS_DCMTK_364\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_command C-STORE 1\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 clear_field PatientName 1\n"));
    capture_site_close(&s);
}

/* An association of which the segments are held back and given in another order, none lost. */
struct stored {
    size_t at, n;
};

static size_t records_of(struct str file, struct stored *ret, size_t cap)
{
    size_t n = 0;
    for (size_t at = FILE_HEAD; at < file.n && n < cap;) {
        uint32_t length;
        memcpy(&length, file.p + at + 8, sizeof length);
        ret[n++] = (struct stored){at, 16 + length};
        at += 16 + length;
    }
    return n;
}

static struct wr reordered(struct str file, size_t (*place)(size_t i, size_t n))
{
    static struct stored records[4096];
    struct wr w = wr_heap(FILE_MAX);
    size_t n = records_of(file, records, COUNT(records));
    wr_put(&w, str_slice(file, 0, FILE_HEAD));
    for (size_t i = 0; i < 2 * n; i++) {
        size_t k = place(i, n);
        if (k < n)
            wr_put(&w, str_slice(file, records[k].at, records[k].n));
    }
    return w;
}

static size_t pairs_swapped(size_t i, size_t n)
{
    return i < 4 || (i ^ 1) >= n ? i : i ^ 1;
}

static size_t blocks_backwards(size_t i, size_t n)
{
    size_t block = i / 5 * 5;
    return i < 10 || block + 5 > n ? i : block + (4 - i % 5);
}

static size_t every_one_twice(size_t i, size_t n)
{
    return i / 2 < n ? i / 2 : n;
}

static void the_order_of_packets_makes_no_difference(void **state)
{
    static size_t (*const orders[])(size_t, size_t) = {pairs_swapped, blocks_backwards,
                                                       every_one_twice};
    struct make m = make_begin(LINK_ETHERNET, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 104);
    (void)state;
    make_association(&m, &c, CANARY, 3, 60000);
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct capture_site s;
        struct wr w = reordered(wr_str(&m.w), orders[i]);
        capture_site_open(&s);
        assert_ok(capture_site_take(&s, "o.pcap", wr_str(&w)));
        assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_command C-STORE 3\n"));
        assert_true(capture_site_has(&s, "10.0.0.2:104 clear_field PatientName 3\n"));
        assert_true(capture_site_has(&s, "dicom clear connections 1 "));
        capture_site_close(&s);
        wr_done(&w);
    }
    make_done(&m);
}

static size_t tenths_lost(size_t i, size_t n)
{
    return i > 12 && i % 10 == 3 ? n : i;
}

/* What the capture lost of pixel data costs nothing; what it lost of a head costs that object. */
static void finds_its_way_again_behind_a_hole(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_ETHERNET, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 104);
    (void)state;
    make_association(&m, &c, CANARY, 20, 60000);
    struct wr w = reordered(wr_str(&m.w), tenths_lost);
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "h.pcap", wr_str(&w)));
    const char *at = strstr(capture_site_text(&s), "dicom_command C-STORE ");
    assert_non_null(at);
    long stores = strtol(at + strlen("dicom_command C-STORE "), NULL, 10);
    assert_true(stores >= 12 && stores <= 20);
    assert_non_null(strstr(capture_site_text(&s), "gaps in connections"));
    capture_site_close(&s);
    wr_done(&w);
    make_done(&m);
}

static void a_refused_association_is_told(void **state)
{
    static const struct pdu_refusal refusal = {1, 1, 7}; /* called AE title not recognized */
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 104);
    struct wr w = wr_heap(1 << 16);
    (void)state;
    make_open(&m, &c);
    make_rq(&w, "STRANGER", "NOBODY");
    make_say(&m, &c, 0, wr_str(&w));
    wr_clear(&w);
    pdu_refusal_write(&refusal, PDU_ASSOCIATE_RJ, &w);
    make_say(&m, &c, 1, wr_str(&w));
    make_close(&m, &c);
    wr_done(&w);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_answer rejected 1/1/7\n"));
    assert_null(strstr(capture_site_text(&s), "dicom_ae "));
    capture_site_close(&s);
}

/* A server that stores back (C-GET), and one that answers a query with a name. */
static void what_a_server_sends_counts_for_its_flow(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 104);
    struct wr w = wr_heap(1 << 20);
    (void)state;
    make_open(&m, &c);
    make_rq(&w, "GETSCU", "PACS");
    make_say(&m, &c, 0, wr_str(&w));
    wr_clear(&w);
    make_ac(&w, "GETSCU", "PACS", "1.2.3", "X");
    make_store(&w, CANARY, "1", 100);
    make_find_rsp(&w, CANARY);
    make_say(&m, &c, 1, wr_str(&w));
    make_close(&m, &c);
    wr_done(&w);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "details PACS > GETSCU C-STORE 1;"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 clear_field PatientName 2\n"));
    assert_null(strstr(capture_site_text(&s), "dicom_command"));
    capture_site_close(&s);
}

static void a_port_that_is_used_again_is_another_connection(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct make_conn c = make_conn(CLIENT, SERVER, 104);
        c.seq[0] = 77777 * (i + 1);
        make_association(&m, &c, CANARY, 1, 100);
    }
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "dicom clear connections 3 "));
    assert_true(capture_site_has(&s, "C-STORE 3\n"));
    capture_site_close(&s);
}

static void answers_without_a_body_do_not_swallow_the_next(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 80);
    (void)state;
    make_open(&m, &c);
    make_say(&m, &c, 0, STR("HEAD /x HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
    make_say(&m, &c, 1,
             STR("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
                 "HTTP/1.1 401 No\r\nServer: gate/1\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"
                 "Content-Length: 0\r\n\r\n"));
    make_close(&m, &c);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:80 http_status 401\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:80 http_signin basic\n"));
    assert_true(capture_site_has(&s, "http clear connections 1 "));
    capture_site_close(&s);
}

/* STOW-RS: objects in parts of a request, as files are. */
static void objects_in_a_web_request_are_counted(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 80);
    struct wr body = wr_heap(1 << 20), head = wr_heap(1 << 16);
    struct dcm_meta meta = {.sop_class = STR("1.2.840.10008.5.1.4.1.1.2"),
                            .sop_instance = STR("1.2.3"),
                            .transfer_syntax = STR("1.2.840.10008.1.2.1")};
    (void)state;
    for (int i = 0; i < 2; i++) {
        wr_put(&body, STR("--b\r\nContent-Type: application/dicom\r\n\r\n"));
        dcm_meta_write(&meta, &body);
        wr_bytes(&body, "\x10\0\x10\0PN\x14\0" CANARY " ", 8 + 20);
        wr_bytes(&body,
                 "\x10\0\x30\0DA\x08\0"
                 "19700101",
                 16);
        wr_put(&body, STR("\r\n"));
    }
    wr_put(&body, STR("--b--\r\n"));
    wr_printf(&head,
              "POST /dicom-web/studies HTTP/1.1\r\nContent-Type: multipart/related; "
              "type=\"application/dicom\"; boundary=b\r\nContent-Length: %zu\r\n\r\n",
              body.n);
    make_open(&m, &c);
    make_say(&m, &c, 0, wr_str(&head));
    make_say(&m, &c, 0, wr_str(&body));
    make_say(&m, &c, 1, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    make_close(&m, &c);
    wr_done(&body);
    wr_done(&head);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:80 clear_objects 2\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:80 clear_field PatientName 2\n"));
    assert_true(capture_site_has(&s, "PatientBirthDate 2; details POST DICOMweb 1;"));
    capture_site_close(&s);
}

/* Somebody at work sees pages without being asked who they are: that says nothing of the door. */
static void a_page_of_who_has_signed_in_is_not_an_open_page(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 80);
    (void)state;
    make_open(&m, &c);
    make_say(&m, &c, 0, STR("GET / HTTP/1.1\r\nCookie: sid=1\r\n\r\n"));
    make_say(&m, &c, 1,
             STR("HTTP/1.1 200 OK\r\nServer: gate/1\r\nContent-Type: text/html\r\n"
                 "Content-Length: 43\r\n\r\n<title>" CANARY "</title>worklist"));
    make_close(&m, &c);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:80 http_header Server: gate/1\n"));
    assert_null(strstr(capture_site_text(&s), "http_signin"));
    assert_null(strstr(capture_site_text(&s), "http_title"));
    capture_site_close(&s);
}

static void greetings_are_kept_and_other_first_words_are_not(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn a = make_conn(CLIENT, SERVER, 22), b = make_conn(CLIENT, SERVER, 6000);
    (void)state;
    make_open(&m, &a);
    make_say(&m, &a, 1, STR("SSH-2.0-OpenSSH_9.2\r\n"));
    make_close(&m, &a);
    make_open(&m, &b);
    make_say(&m, &b, 1, STR("bed 7 " CANARY "\r\n"));
    make_close(&m, &b);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:22 banner SSH-2.0-OpenSSH_9.2\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:6000 protocol other\n"));
    assert_null(strstr(capture_site_text(&s), "bed 7"));
    capture_site_close(&s);
}

/* The hardware address beside many addresses is a router's; one beside packets that came over a
 * router is too. */
static void hardware_addresses_are_those_of_neighbours(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_ETHERNET, false, FILE_MAX);
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        /* The writer's hardware addresses end in those of the host: 10.i.0.9 share one. */
        struct make_conn c = make_conn(0x0a000009 + (i << 16), SERVER, 104);
        make_open(&m, &c);
        make_close(&m, &c);
    }
    struct make_conn far = make_conn(0x0a000077, SERVER, 104);
    m.ttl = 61;
    make_open(&m, &far);
    take_and_close(&m, &s);
    assert_true(capture_site_has(&s, "10.0.0.2:0 mac 00:1a:2b:00:02:01\n"));
    assert_null(strstr(capture_site_text(&s), "00:1a:2b:00:09:00"));
    assert_null(strstr(capture_site_text(&s), "00:1a:2b:00:77:00"));
    capture_site_close(&s);
}

static void feed(struct table *t, uint32_t client, uint32_t seq, uint8_t flags, struct str payload)
{
    struct packet p = {.src_port = 4000, .dst_port = 104, .seq = seq, .flags = flags};
    memcpy(p.src.b + 12, &client, sizeof client);
    p.dst.b[15] = 9;
    p.payload = payload;
    assert_ok(table_packet(t, &p));
}

/* Held segments of many connections: the oldest are forgotten, memory stays under its cap. */
static void memory_is_bounded_by_forgetting_the_oldest(void **state)
{
    enum { CAP = 1 << 20 };
    static char bytes[1400];
    static const struct source_run run = {.shards = 1};
    struct gather *g;
    struct table *t;
    (void)state;
    assert_ok(gather_new(&run, &g, NULL));
    assert_ok(table_new(g, 100, CAP, &t));
    for (uint32_t i = 1; i < 2000; i++) {
        feed(t, i, 4, TCP_SYN, STR(""));
        for (uint32_t k = 0; k < 20; k++)
            feed(t, i, 100 + k * 2000, TCP_ACK, str_of(bytes, sizeof bytes));
    }
    assert_true(table_sum(t).dropped > 1800);
    assert_true(table_sum(t).memory_max < CAP + 100000);
    table_free(t);
    gather_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_of_one_byte_are_enough),
        cmocka_unit_test(the_order_of_packets_makes_no_difference),
        cmocka_unit_test(finds_its_way_again_behind_a_hole),
        cmocka_unit_test(a_refused_association_is_told),
        cmocka_unit_test(what_a_server_sends_counts_for_its_flow),
        cmocka_unit_test(a_port_that_is_used_again_is_another_connection),
        cmocka_unit_test(answers_without_a_body_do_not_swallow_the_next),
        cmocka_unit_test(objects_in_a_web_request_are_counted),
        cmocka_unit_test(a_page_of_who_has_signed_in_is_not_an_open_page),
        cmocka_unit_test(greetings_are_kept_and_other_first_words_are_not),
        cmocka_unit_test(hardware_addresses_are_those_of_neighbours),
        cmocka_unit_test(memory_is_bounded_by_forgetting_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
