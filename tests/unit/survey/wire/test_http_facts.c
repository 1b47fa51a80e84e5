/* What a web server's answer tells: title, headers, how one gets in, product pages. */
#include "facts.h"

#include <zlib.h>

#include "base/size.h"
#include "data.h"
#include "survey/wire/http_text.h"

static struct facts *page(void **state, const char *head, const char *body, const char *path)
{
    struct facts *f = *state;
    facts_clear(f);
    assert_ok(http_facts_text(str_z(head), str_z(body), str_z(path), BY_PROBE, &f->e));
    return f;
}

#define OK_HTML "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

static void a_title_is_decoded_and_folded(void **state)
{
    static const struct {
        const char *html, *title;
    } rows[] = {
        {"<html><head><title>Orthanc Explorer</title>", "Orthanc Explorer"},
        {"<TITLE lang=it>\r\n\t Radiologia &amp; Referti\n &ndash; accesso </TITLE>",
         "Radiologia & Referti \xe2\x80\x93 accesso"},
        {"<title>&#x41;&#66;&eacute;&bogus;&#0;&#xD800;</title>", "AB\xc3\xa9&bogus;&#0;&#xD800;"},
        {"<title>citt\xe0</title>", "citt\xc3\xa0"},
        {"<title>never ends", "never ends"},
        {"<script>'<title>no</title>'</script><title>yes</title>", "yes"},
        {"<title>first</title><svg><title>second</title></svg>", "first"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct facts *f = page(state, OK_HTML, rows[i].html, "/");
        assert_fact(f, http_title, rows[i].title);
    }
    assert_none(page(state, OK_HTML, "<title> \n </title>", "/"), http_title);
    assert_none(page(state, OK_HTML, "no markup", "/"), http_title);
}

static void a_hostile_title_never_carries_control_bytes(void **state)
{
    struct facts *f =
        page(state, OK_HTML, "<title>\x1b]0;x\x07&#27;[2J<script>alert(1)</script></title>", "/");
    struct str t = evidence_get(&f->e, EV_http_title);
    for (size_t i = 0; i < t.n; i++)
        assert_true((uint8_t)t.p[i] >= 0x20 && t.p[i] != 0x7f);
}

static void telling_headers_stay_and_secrets_do_not(void **state)
{
    struct facts *f = page(state,
                           "HTTP/1.1 200 OK\r\nserver: Dicoogle/3.1.0\r\nX-Powered-By: PHP/7.4\r\n"
                           "Set-Cookie: JSESSIONID=5ECRE7; Path=/\r\nX-Request-Id: 99\r\n"
                           "X-Frame-Options: DENY\r\nX-CSRF-Token: abc\r\nDate: today\r\n"
                           "X-Super-Powered-By: VIZTEK EXA\r\nETag: \"1\"\r\n",
                           "x", "/");
    assert_has(f, http_header, "server: Dicoogle/3.1.0");
    assert_has(f, http_header, "X-Powered-By: PHP/7.4");
    assert_has(f, http_header, "Set-Cookie: JSESSIONID");
    assert_has(f, http_header, "X-Super-Powered-By: VIZTEK EXA");
    assert_has(f, raw_http_header, "X-Frame-Options: DENY"); /* a line each, to be looked at */
    size_t i = 0, n = 0;
    while (evidence_next(&f->e, EV_http_header, &i))
        n++;
    assert_int_equal(n, 4);
}

static void a_flood_of_headers_leaves_room_for_other_facts(void **state)
{
    char head[8192];
    struct wr w = wr_fixed(head, sizeof head - 1);
    wr_put(&w, STR("HTTP/1.1 200 OK\n"));
    for (int i = 0; i < 300; i++)
        wr_printf(&w, "X-A%d: 1\nB%d: 2\n", i, i);
    head[w.n] = 0;
    struct facts *f = page(state, head, "<title>PACS</title>", "/");
    assert_false(f->e.full);
    assert_fact(f, http_title, "PACS");
    assert_true(f->e.n < 80);
}

static void a_challenge_keeps_its_realm_and_loses_its_nonce(void **state)
{
    struct facts *f = page(state,
                           "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest nonce=\"f00\", "
                           "realm=\"PACS\", qop=\"auth\"\r\n",
                           "", "/");
    assert_has(f, http_header, "WWW-Authenticate: Digest realm=\"PACS\"");
    f = page(state, "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate TlRMTVNTUA==\r\n", "", "/");
    assert_has(f, http_header, "WWW-Authenticate: Negotiate");
}

static void how_one_gets_in_is_told_from_the_first_page(void **state)
{
    static const struct {
        const char *head, *body, *how;
    } rows[] = {
        {"HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"a\"\r\n", "", "basic"},
        {"HTTP/1.1 401 X\r\nwww-authenticate: DIGEST realm=\"a\"\r\n", "", "digest"},
        {"HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer\r\n", "", "bearer"},
        {"HTTP/1.1 401 X\r\nWWW-Authenticate: NTLM\r\n", "", "other"},
        {"HTTP/1.1 403 X\r\n", "", "other"},
        {"HTTP/1.1 302 X\r\nLocation: /user/login?next=/\r\n", "", "redirect"},
        {"HTTP/1.1 302 X\r\nLocation: app/explorer.html\r\n", "", NULL},
        {"HTTP/1.1 404 X\r\n", "nothing", NULL},
        {OK_HTML, "<form><INPUT name=p TYPE='Password'></form>", "form"},
        {OK_HTML, "<input type = password>", "form"},
        {OK_HTML, "<input data-type=\"password\" type=text> some words that make up a page",
         "none"},
        {OK_HTML, "<title>OpenEMR Login</title><p>Everything else is drawn by a script.", "form"},
        {OK_HTML, "<p>Plain page of an archive, open to everybody who finds it.", "none"},
        {OK_HTML, "<meta http-equiv=\"refresh\" content=\"0;url=/login.jsp\">", "redirect"},
        {OK_HTML, "<div id=root></div><script src=app.js></script>", NULL},
        {OK_HTML, "<script>window.location='login.php'</script>", "redirect"},
        {OK_HTML, "", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct facts *f = page(state, rows[i].head, rows[i].body, "/");
        if (rows[i].how)
            assert_fact(f, http_signin, rows[i].how);
        else
            assert_none(f, http_signin);
    }
}

static void a_public_version_page_does_not_prove_that_signing_in_is_off(void **state)
{
    assert_none(page(state, OK_HTML, "{\"resourceType\":\"CapabilityStatement\"}", "/metadata"),
                http_signin);
    assert_none(page(state, OK_HTML, "4.5.0", "/api/server/version"), http_signin);
    assert_fact(page(state, OK_HTML, "{\"Version\":\"1.12.6\"}", "/system"), http_signin, "none");
    assert_none(page(state, OK_HTML, "<html>catch-all page of somebody else", "/system"),
                http_signin);
    assert_fact(page(state, "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"Orthanc\"\r\n", "",
                     "/system"),
                http_signin, "basic");
}

static void orthanc_names_its_version(void **state)
{
    struct facts *f =
        page(state, "HTTP/1.1 200 OK\r\n",
             "{\"ApiVersion\":27,\"DicomAet\":\"ORTHANC\",\"Name\":\"Sala 3\",\"Version\":"
             "\"1.12.6\",\"PatientsCount\":3,\"ThirdPartyVersions\":{\"dcmtk\":\"3.6.9\"}}",
             "/system");
    assert_fact(f, http_path, "200 /system");
    assert_none(f, http_status);
    assert_has(f, http_json, "/system Version=1.12.6");
    assert_has(f, http_json, "/system DicomAet=ORTHANC");
    assert_has(f, http_json, "/system ThirdPartyVersions.dcmtk=3.6.9");
    assert_has_not(f, http_json, "/system PatientsCount=3");
}

/* A recorded answer through the reader, as a probe does it. */
static struct facts *recorded(void **state, const char *name, const char *path)
{
    static char buf[4096];
    static struct http_reader *r;
    struct facts *f = *state;
    struct str in = data_read(name, buf, sizeof buf);
    http_reader_free(r);
    assert_ok(http_reader_new(true, false, &r));
    assert_int_equal(http_reader_feed(r, &in), STEP_DONE);
    facts_clear(f);
    assert_ok(http_facts(http_reader_message(r), str_z(path), BY_PROBE, &f->e));
    return f;
}

static void a_real_orthanc_is_read(void **state)
{
    struct facts *f = recorded(state, "orthanc_system_open.bin", "/system");
    assert_has(f, http_json, "/system Version=1.10.1");
    assert_has(f, http_json, "/system ApiVersion=16");
    assert_fact(f, http_signin, "none");
    f = recorded(state, "orthanc_system_guarded.bin", "/system");
    assert_fact(f, http_signin, "basic");
    assert_fact(f, http_path, "401 /system");
    assert_has(f, http_header, "WWW-Authenticate: Basic realm=\"Orthanc Secure Area\"");
}

#define CAPABILITY                                                                                 \
    "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"software\":{\"name\":"  \
    "\"HAPI FHIR Server\",\"version\":\"6.8.0\"},\"rest\":[{\"mode\":\"server\""

static void a_fhir_server_names_software_version_and_security(void **state)
{
    struct facts *f = page(state, "HTTP/1.1 200 OK\r\n",
                           CAPABILITY ",\"security\":{\"service\":[{\"coding\":[{\"code\":"
                                      "\"SMART-on-FHIR\"}]}]}}]}",
                           "/openmrs/ws/fhir2/R4/metadata?_format=json");
    assert_fact(f, fhir_version, "4.0.1");
    assert_fact(f, fhir_software, "HAPI FHIR Server 6.8.0");
    assert_fact(f, fhir_security, "SMART-on-FHIR");
    assert_has(f, protocol, "fhir");
    assert_has(f, http_json, "/openmrs/ws/fhir2/R4/metadata resourceType=CapabilityStatement");
    f = page(state, "HTTP/1.1 200 OK\r\n", CAPABILITY "}]}", "/fhir/metadata");
    assert_fact(f, fhir_security, "none");
}

static void a_statement_that_breaks_off_tells_what_it_held(void **state)
{
    struct facts *f = page(state, "HTTP/1.1 200 OK\r\n", CAPABILITY, "/metadata");
    assert_fact(f, fhir_version, "4.0.1");
    assert_none(f, fhir_security); /* what was cut off may have said */
    f = page(state, "HTTP/1.1 200 OK\r\n", "{\"resourceType\":\"Patient\",\"fhirVersion\":\"1\"}",
             "/metadata");
    assert_none(f, fhir_version);
    assert_has_not(f, protocol, "fhir");
}

static void a_version_as_text_has_to_look_like_one(void **state)
{
    struct facts *f = page(state, "HTTP/1.1 200 OK\r\n", "3.12.0\n", "/api/server/version");
    assert_has(f, http_json, "/api/server/version version=3.12.0");
    assert_none(page(state, "HTTP/1.1 200 OK\r\n", "<html>", "/api/server/version"), http_json);
    assert_none(page(state, "HTTP/1.1 404 X\r\n", "3.12.0", "/api/server/version"), http_json);
    f = page(state, "HTTP/1.1 200 OK\r\n", "[{\"dicomAETitle\":\"DCM4CHEE\"}]",
             "/dcm4chee-arc/aets");
    assert_has(f, http_json, "/dcm4chee-arc/aets dicomAETitle=DCM4CHEE");
}

static void a_redirect_is_told_without_its_visitor(void **state)
{
    struct facts *f =
        page(state, "HTTP/1.1 302 X\r\nLocation: /app/;jsessionid=77?token=5\r\n", "", "/");
    assert_fact(f, http_location, "/app/");
}

/* "<title>Archivio</title><input type=password>" in each coding. */
static const char gzipped[] =
    "\037\213\010\000\000\000\000\000\002\003\263\051\311\054\311\111\265\163\054\112\316\310\054"
    "\313\314\267\321\207\360\155\062\363\012\112\113\024\112\052\013\122\155\013\022\213\213\313"
    "\363\213\122\354\000\204\250\274\054\054\000\000\000";
static const char zlibbed[] = "\170\234\263\051\311\054\311\111\265\163\054\112\316\310\054\313\314"
                              "\267\321\207\360\155\062\363\012\112\113\024\112\052\013\122\155\013"
                              "\022\213\213\313\363\213\122\354\000\166\204\020\331";
static const char deflated[] =
    "\263\051\311\054\311\111\265\163\054\112\316\310\054\313\314\267\321\207\360\155\062\363\012"
    "\112\113\024\112\052\013\122\155\013\022\213\213\313\363\213\122\354\000";

static struct facts *coded(void **state, const char *coding, struct str body)
{
    struct facts *f = *state;
    char head[128];
    struct wr w = wr_fixed(head, sizeof head);
    wr_printf(&w, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n", coding);
    facts_clear(f);
    assert_ok(http_facts_text(wr_str(&w), body, STR("/"), BY_PROBE, &f->e));
    return f;
}

static void a_compressed_page_is_read(void **state)
{
    static const struct {
        const char *coding;
        struct str body;
    } rows[] = {
        {"gzip", {gzipped, sizeof gzipped - 1}},
        {"GZIP", {gzipped, sizeof gzipped - 9}}, /* cut */
        {"deflate", {zlibbed, sizeof zlibbed - 1}},
        {"deflate", {deflated, sizeof deflated - 1}},
        {"gzip", STR_INIT("<title>Archivio</title><input type=password>")}, /* an export's */
        {"br", STR_INIT("<title>Archivio</title><input type=password>")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct facts *f = coded(state, rows[i].coding, rows[i].body);
        assert_fact(f, http_title, "Archivio");
        assert_fact(f, http_signin, "form");
    }
}

static void a_coding_that_is_not_read_tells_nothing(void **state)
{
    static const struct str bodies[] = {STR_INIT("\x1f\x8b\x08"), STR_INIT("\x1f\x8b<title>x"),
                                        STR_INIT("\0\1<title>x")};
    static const char *const codings[] = {"gzip", "deflate", "br"};
    for (size_t i = 0; i < COUNT(bodies) * COUNT(codings); i++) {
        struct facts *f = coded(state, codings[i / COUNT(bodies)], bodies[i % COUNT(bodies)]);
        assert_none(f, http_title);
        assert_none(f, http_signin);
    }
}

static void a_compressed_bomb_is_cut(void **state)
{
    struct facts *f = *state;
    size_t n = 8 << 20;
    char *zeros = calloc(1, n), *bomb = malloc(1 << 16);
    uLongf size = 1 << 16;
    memset(zeros, ' ', n);
    assert_int_equal(compress2((Bytef *)bomb, &size, (const Bytef *)zeros, n, 9), Z_OK);
    (void)coded(state, "deflate", str_of(bomb, size));
    assert_int_equal(evidence_get(&f->e, EV_raw_http_body).n, HTTP_BODY_MAX);
    free(zeros);
    free(bomb);
}

static void markup_bombs_are_read_in_linear_time(void **state)
{
    struct facts *f = *state;
    static char body[HTTP_BODY_MAX];
    static const char *const pieces[] = {"<", "<a", "<input type ", "<title>", "<script>",
                                         "&", " "};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t n = strlen(pieces[i]);
        for (size_t at = 0; at + n <= sizeof body; at += n)
            memcpy(body + at, pieces[i], n);
        body[sizeof body - 1] = '>';
        facts_clear(f);
        assert_ok(
            http_facts_text(STR(OK_HTML), str_of(body, sizeof body), STR("/"), BY_PROBE, &f->e));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACTS_TEST(a_title_is_decoded_and_folded),
        FACTS_TEST(a_hostile_title_never_carries_control_bytes),
        FACTS_TEST(telling_headers_stay_and_secrets_do_not),
        FACTS_TEST(a_flood_of_headers_leaves_room_for_other_facts),
        FACTS_TEST(a_challenge_keeps_its_realm_and_loses_its_nonce),
        FACTS_TEST(how_one_gets_in_is_told_from_the_first_page),
        FACTS_TEST(a_public_version_page_does_not_prove_that_signing_in_is_off),
        FACTS_TEST(orthanc_names_its_version),
        FACTS_TEST(a_real_orthanc_is_read),
        FACTS_TEST(a_fhir_server_names_software_version_and_security),
        FACTS_TEST(a_statement_that_breaks_off_tells_what_it_held),
        FACTS_TEST(a_version_as_text_has_to_look_like_one),
        FACTS_TEST(a_redirect_is_told_without_its_visitor),
        FACTS_TEST(a_compressed_page_is_read),
        FACTS_TEST(a_coding_that_is_not_read_tells_nothing),
        FACTS_TEST(a_compressed_bomb_is_cut),
        FACTS_TEST(markup_bombs_are_read_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
