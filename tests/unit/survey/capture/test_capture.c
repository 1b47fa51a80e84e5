/* Whole captures into an inventory. */
#include "unit.h"

#include <stdio.h>
#include <zlib.h>

#include "base/size.h"
#include "survey/capture/capture_site.h"
#include "survey/source/capture/packet.h"

#define CANARY "CANARYMUELLER^ERIKA"

enum { CLIENT = 0x0a000001, SERVER = 0x0a000002, FILE_MAX = 64 << 20 };

static struct make capture_of_stores(unsigned n)
{
    struct make m = make_begin(LINK_ETHERNET, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 104);
    make_association(&m, &c, CANARY, n, 50000);
    return m;
}

static void takes_an_association_apart(void **state)
{
    struct capture_site s;
    struct make m = capture_of_stores(3);
    (void)state;
    capture_site_open(&s);
    s.run.vantage = STR("modalities");
    assert_ok(capture_site_take(&s, "a.pcap", wr_str(&m.w)));
    assert_true(capture_site_has(&s, "10.0.0.2:104 protocol dicom\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 transport clear\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 port_open yes\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_answer accepted\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_ae PACS\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_class_uid 1.2.276.0.7230010.3.0.3.6.4\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_version_name OFFIS_DCMTK_364\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_context 1.2.840.10008.5.1.4.1.1.2\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_context -1.2.840.10008.1.1\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_command C-STORE 3\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 clear_field PatientName 3\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 clear_field PatientID 3\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 clear_field PatientBirthDate 3\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:104 clear_objects 3\n"));
    assert_true(capture_site_has(&s, "10.0.0.1:0 dicom_client_ae STORESCU\n"));
    assert_true(capture_site_has(&s, "10.0.0.1:0 dicom_client_version OFFIS_DCMTK_367\n"));
    assert_true(capture_site_has(&s, "10.0.0.1:0 mac 00:1a:2b:00:01:00\n"));
    assert_true(capture_site_has(&s, "flow 10.0.0.1 10.0.0.2:104 dicom clear connections 1 "));
    assert_true(capture_site_has(&s, "messages 3 fields StudyDate 3, PatientName 3, PatientID 3, "
                                     "PatientBirthDate 3; details STORESCU > PACS C-STORE 3; from "
                                     "modalities\n"));
    /* An empty accession number passed, and says nothing of anybody. */
    assert_null(strstr(capture_site_text(&s), "AccessionNumber"));
    assert_int_equal(s.sum.bad, 0);
    capture_site_close(&s);
    make_done(&m);
}

static void hl7_over(struct make *m, struct make_conn *c, const char *message, const char *answer)
{
    char text[2048];
    int n = snprintf(text, sizeof text, "\x0b%s\x1c\r", message);
    make_say(m, c, 0, str_of(text, (size_t)n));
    n = snprintf(text, sizeof text, "\x0b%s\x1c\r", answer);
    make_say(m, c, 1, str_of(text, (size_t)n));
}

#define ADT                                                                                        \
    "MSH|^~\\&|REGIST|SANLUCA|HIS|SANLUCA|20260101||ADT^A01|1|P|2.5\r"                             \
    "PID|1||4711^^^H||" CANARY "||19700101|F|||" CANARY " street 1\r"
#define ACK                                                                                        \
    "MSH|^~\\&|HIS|SANLUCA|REGIST|SANLUCA|20260101||ACK^A01|1|P|2.5\rMSA|AE|1|" CANARY             \
    " is not known\r"

static void counts_hl7_messages_and_their_fields(void **state)
{
    struct capture_site s;
    struct make m = make_begin(LINK_SLL, true, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 7777);
    (void)state;
    m.segment = 33; /* messages come in pieces */
    make_open(&m, &c);
    hl7_over(&m, &c, ADT, ACK);
    hl7_over(&m, &c, ADT, ACK);
    make_close(&m, &c);
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "h.pcapng", wr_str(&m.w)));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 protocol hl7\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 hl7_mllp yes\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 hl7_app HIS\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 hl7_facility SANLUCA\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 hl7_version 2.5\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 hl7_peer REGIST\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 hl7_message ADT^A01 2\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 clear_field PatientName 2\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:7777 clear_field PatientAddress 2\n"));
    assert_true(capture_site_has(&s, "hl7 clear connections 1 "));
    capture_site_close(&s);
    make_done(&m);
}

static void say_text(struct make *m, struct make_conn *c, unsigned from, const char *text)
{
    make_say(m, c, from, str_z(text));
}

/* A talk over HTTP: requests and answers in turn. */
static struct make web(const char *const *said, size_t n)
{
    struct make m = make_begin(LINK_RAW, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 8042);
    make_open(&m, &c);
    for (size_t i = 0; i < n; i++)
        say_text(&m, &c, i % 2, said[i]);
    make_close(&m, &c);
    return m;
}

#define PATIENT                                                                                    \
    "{\"resourceType\":\"Patient\",\"id\":\"1\",\"name\":[{\"family\":\"" CANARY                   \
    "\"}],\"birthDate\":\"1970-01-01\",\"identifier\":[{\"value\":\"4711\"},{\"value\":\"12\"}]}"

static void reads_web_servers_fhir_and_dicomweb(void **state)
{
    static const char *const said[] = {
        "GET / HTTP/1.1\r\nHost: pacs\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer: Mongoose/6.18\r\nX-Patient: " CANARY
        "\r\nContent-Length: 40\r\nContent-Type: text/html\r\n\r\n"
        "<html><title>Orthanc Explorer</title>ab\n",
        "GET /patients/" CANARY "?name=" CANARY " HTTP/1.1\r\nHost: pacs\r\nCookie: a=b\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /patients/" CANARY "/show\r\nServer: Mongoose/6.18\r\n"
        "Content-Type: text/html\r\nContent-Length: 44\r\n\r\n"
        "<html><title>" CANARY " 4711</title>",
        "GET /fhir/Patient/1 HTTP/1.1\r\nHost: pacs\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
        "Connection: close\r\n\r\n" PATIENT,
    };
    struct capture_site s;
    struct make m = web(said, COUNT(said));
    (void)state;
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "w.pcap", wr_str(&m.w)));
    assert_true(capture_site_has(&s, "10.0.0.2:8042 protocol http\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:8042 http_header Server: Mongoose/6.18\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:8042 http_title Orthanc Explorer\n"));
    assert_true(capture_site_has(&s, "10.0.0.2:8042 http_status 200\n"));
    capture_site_close(&s);
    make_done(&m);
}

static void counts_fields_of_fhir_and_dicom_json(void **state)
{
    static const char *const said[] = {
        "GET /fhir/Patient/1 HTTP/1.1\r\nHost: pacs\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "10\r\n{\"resourceType\":\r\n"
        "52\r\n\"Patient\",\"name\":[{\"family\":\"" CANARY
        "\"}],\"birthDate\":\"1970-01-01\"         \r\n1\r\n}\r\n0\r\n\r\n",
        "GET /dicom-web/studies?limit=1 HTTP/1.1\r\nAccept: application/dicom+json\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nConnection: close\r\n\r\n"
        "[{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"" CANARY "\"}]},"
        "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"4711\"]},\"00080050\":{\"vr\":\"SH\"}},"
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"" CANARY "\"}]}}]",
    };
    struct capture_site s;
    struct make m = web(said, COUNT(said));
    (void)state;
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "f.pcap", wr_str(&m.w)));
    assert_true(capture_site_has(&s, "10.0.0.2:8042 protocol fhir\n"));
    assert_true(capture_site_has(&s, "fhir clear connections 1 "));
    assert_true(
        capture_site_has(&s, "fields PatientName 1, PatientBirthDate 1; details GET FHIR 1"));
    assert_true(capture_site_has(&s, "fields PatientName 2, PatientID 1; details GET DICOMweb 1"));
    assert_true(capture_site_has(&s, "10.0.0.2:8042 clear_field PatientName 3\n"));
    capture_site_close(&s);
    make_done(&m);
}

/* Everything that a patient's name can pass in, in one capture: it is in nothing that comes out. */
static void no_value_of_a_patient_comes_out(void **state)
{
    static const char *const said[] = {
        "GET /?patient=" CANARY " HTTP/1.1\r\nHost: pacs\r\nX-Patient: " CANARY "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Patient: " CANARY "\r\nSet-Cookie: sid=" CANARY
        "\r\nContent-Type: text/html\r\nContent-Length: 45\r\n\r\n"
        "<html><title>" CANARY "x</title>\nab",
        "POST /fhir/Patient HTTP/1.1\r\nContent-Type: application/fhir+json\r\n"
        "Content-Length: 124\r\n\r\n" PATIENT,
        "HTTP/1.1 404 Not found\r\nLocation: /fhir/Patient/" CANARY "\r\nContent-Length: 0\r\n\r\n",
        "GET /" CANARY "/metadata HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        "<title>" CANARY "</title>{\"software\":{\"name\":\"x\"}}",
    };
    struct capture_site s;
    struct make m = web(said, COUNT(said)), d = capture_of_stores(2);
    (void)state;
    struct make h = make_begin(LINK_ETHERNET, false, FILE_MAX);
    struct make_conn c = make_conn(CLIENT, SERVER, 2575);
    make_open(&h, &c);
    hl7_over(&h, &c, ADT, ACK);
    hl7_over(&h, &c, "MSH|^~\\&|A|B|C|D|20260101||" CANARY "^" CANARY "|1|P|2.5\rPID|||" CANARY,
             ACK);
    make_close(&h, &c);
    struct make_conn b = make_conn(CLIENT, SERVER, 4000);
    make_open(&h, &b);
    make_say(&h, &b, 1, STR("bed 7: " CANARY " HR 80\r\n"));
    make_close(&h, &b);
    struct wr w = wr_heap(1 << 20);
    struct make_conn f = make_conn(CLIENT, SERVER, 105);
    make_open(&h, &f);
    make_rq(&w, "FINDSCU", "PACS");
    make_say(&h, &f, 0, wr_str(&w));
    wr_clear(&w);
    make_ac(&w, "FINDSCU", "PACS", "1.2.3", "X");
    make_find_rsp(&w, CANARY);
    make_say(&h, &f, 1, wr_str(&w));
    make_close(&h, &f);
    wr_done(&w);

    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "1.pcap", wr_str(&m.w)));
    assert_ok(capture_site_take(&s, "2.pcap", wr_str(&d.w)));
    assert_ok(capture_site_take(&s, "3.pcap", wr_str(&h.w)));
    const char *text = capture_site_text(&s);
    if (strcasestr(text, "CANARY"))
        fprintf(stderr, "%s", text);
    assert_null(strcasestr(text, "CANARY"));
    assert_null(strcasestr(text, "ERIKA"));
    assert_null(strstr(text, "4711"));
    assert_null(strstr(text, "1970"));
    assert_non_null(strstr(text, "PatientName"));
    assert_null(
        strcasestr((const char *)wr_str(&s.notes).p ? (const char *)s.notes.p : "", "CANARY"));
    capture_site_close(&s);
    make_done(&m);
    make_done(&d);
    make_done(&h);
}

static void a_capture_that_breaks_off_counts_as_far_as_it_goes(void **state)
{
    struct capture_site s;
    struct make m = capture_of_stores(3);
    (void)state;
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "t.pcap", str_slice(wr_str(&m.w), 0, m.w.n - 1000)));
    assert_int_equal(s.sum.bad, 1);
    assert_non_null(memmem(s.notes.p, s.notes.n, "breaks off after packet", 23));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_command C-STORE 3\n"));
    assert_true(capture_site_has(&s, "what was whole counts"));
    capture_site_close(&s);
    make_done(&m);
}

static struct wr gzip_of(const struct wr *s)
{
    struct wr w = wr_heap(FILE_MAX);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, s->n);
    z.next_out = wr_reserve(&w, room);
    z.avail_out = (unsigned)room;
    z.next_in = s->p;
    z.avail_in = (unsigned)s->n;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    w.n = z.total_out;
    deflateEnd(&z);
    return w;
}

static void gzip_is_taken_off_whole_or_broken(void **state)
{
    struct capture_site s;
    struct make m = capture_of_stores(2);
    struct wr z = gzip_of(&m.w);
    (void)state;
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "z.pcap.gz", wr_str(&z)));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_command C-STORE 2\n"));
    assert_int_equal(s.sum.bad, 0);
    assert_ok(capture_site_take(&s, "y.pcap.gz", str_slice(wr_str(&z), 0, z.n - 100)));
    assert_int_equal(s.sum.bad, 1);
    capture_site_close(&s);
    wr_done(&z);
    make_done(&m);
}

static void what_is_no_capture_is_refused_in_words(void **state)
{
    struct capture_site s;
    (void)state;
    capture_site_open(&s);
    assert_err(capture_site_take(&s, "n.pcap", STR("this is no capture at all, not in the least")),
               E_UNSUPPORTED);
    assert_non_null(strstr(s.diag.text, "capture"));
    assert_err(capture_site_take(&s, "e.pcap", STR("")), E_UNSUPPORTED);
    struct make m = make_begin((enum packets_link)105, false, 4096); /* 802.11 */
    make_record(&m, STR("x"), 1);
    assert_err(capture_site_take(&s, "w.pcap", wr_str(&m.w)), E_UNSUPPORTED);
    make_done(&m);
    capture_site_close(&s);
}

/* The same packets again, as a mirror port or a routing loop gives them, or a file joined to
 * itself. */
static void a_capture_that_repeats_itself_counts_once(void **state)
{
    enum { HEAD = 24 };
    struct capture_site s;
    struct make m = capture_of_stores(2);
    (void)state;
    struct str once = wr_str(&m.w);
    struct wr again = wr_heap(FILE_MAX);
    wr_put(&again, once);
    for (int i = 0; i < 3; i++)
        wr_put(&again, str_slice(once, HEAD, once.n));
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "loop.pcap", wr_str(&again)));
    assert_true(capture_site_has(&s, "10.0.0.2:104 dicom_command C-STORE 2\n"));
    assert_true(capture_site_has(&s, "dicom clear connections 1 "));
    assert_non_null(memmem(s.notes.p, s.notes.n, "repeats itself", 14));
    capture_site_close(&s);
    wr_done(&again);
    make_done(&m);
}

static void the_same_file_again_is_not_counted_twice(void **state)
{
    struct capture_site s;
    struct make m = capture_of_stores(2);
    (void)state;
    capture_site_open(&s);
    assert_ok(capture_site_take(&s, "a.pcap", wr_str(&m.w)));
    assert_ok(capture_site_take(&s, "a.pcap", wr_str(&m.w)));
    assert_non_null(memmem(s.notes.p, s.notes.n, "taken before", 12));
    assert_true(capture_site_has(&s, "dicom clear connections 1 "));
    capture_site_close(&s);
    make_done(&m);
}

/* Flows are added up at each mark: a run that is broken off and taken up again adds what is new. */
static void a_run_that_was_stopped_goes_on_without_counting_twice(void **state)
{
    struct capture_site s, whole;
    struct make m = make_begin(LINK_ETHERNET, false, FILE_MAX);
    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        struct make_conn c = make_conn(CLIENT + i % 7, SERVER + 100, 104);
        c.client_port = (uint16_t)(20000 + i);
        make_association(&m, &c, CANARY, 2, 20000);
    }
    capture_site_open(&whole);
    assert_ok(capture_site_take(&whole, "r.pcap", wr_str(&m.w)));
    capture_site_open(&s);
    struct stop stop;
    assert_ok(stop_init(&stop));
    s.run.stop = &stop;
    stop_set(&stop); /* seen at the first look, in the middle of the file */
    assert_ok(capture_site_take(&s, "r.pcap", wr_str(&m.w)));
    assert_true(s.sum.stopped);
    assert_true(s.sum.records > 0 && s.sum.records < whole.sum.records);
    assert_true(capture_site_has(&s, "dicom clear connections"));
    s.run.stop = NULL;
    assert_ok(capture_site_take(&s, "r.pcap", wr_str(&m.w)));
    assert_true(s.sum.resumed);
    assert_int_equal(s.sum.records, whole.sum.records);
    char *all = strdup(capture_site_text(&whole));
    assert_string_equal(capture_site_text(&s), all);
    free(all);
    stop_done(&stop);
    capture_site_close(&s);
    capture_site_close(&whole);
    make_done(&m);
}

static void shards_of_a_capture_make_up_the_whole(void **state)
{
    struct capture_site s, whole;
    struct make m = make_begin(LINK_ETHERNET, false, FILE_MAX);
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct make_conn c = make_conn(CLIENT, SERVER + i, 104);
        make_association(&m, &c, CANARY, 1, 100);
    }
    capture_site_open(&whole);
    assert_ok(capture_site_take(&whole, "s.pcap", wr_str(&m.w)));
    capture_site_open(&s);
    s.run.shards = 3;
    uint64_t endpoints = 0;
    for (s.run.shard = 0; s.run.shard < 3; s.run.shard++) {
        assert_ok(capture_site_take(&s, "s.pcap", wr_str(&m.w)));
        assert_true(s.sum.endpoints > 0 && s.sum.endpoints < whole.sum.endpoints);
        endpoints += s.sum.endpoints;
    }
    assert_int_equal(endpoints, whole.sum.endpoints);
    char *all = strdup(capture_site_text(&whole));
    char *of_shards = strdup(capture_site_text(&s));
    *strstr(all, "\nrun ") = 0;
    *strstr(of_shards, "\nrun ") = 0;
    assert_string_equal(of_shards, all);
    free(all);
    free(of_shards);
    capture_site_close(&s);
    capture_site_close(&whole);
    make_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_an_association_apart),
        cmocka_unit_test(counts_hl7_messages_and_their_fields),
        cmocka_unit_test(reads_web_servers_fhir_and_dicomweb),
        cmocka_unit_test(counts_fields_of_fhir_and_dicom_json),
        cmocka_unit_test(no_value_of_a_patient_comes_out),
        cmocka_unit_test(a_capture_that_breaks_off_counts_as_far_as_it_goes),
        cmocka_unit_test(gzip_is_taken_off_whole_or_broken),
        cmocka_unit_test(what_is_no_capture_is_refused_in_words),
        cmocka_unit_test(a_capture_that_repeats_itself_counts_once),
        cmocka_unit_test(the_same_file_again_is_not_counted_twice),
        cmocka_unit_test(a_run_that_was_stopped_goes_on_without_counting_twice),
        cmocka_unit_test(shards_of_a_capture_make_up_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
