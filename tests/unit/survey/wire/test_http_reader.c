/* HTTP messages in any pieces, and what a hostile server sends. */
#include "facts.h"

#include "survey/wire/http_text.h"

static const char orthanc[] = "HTTP/1.1 401 Unauthorized\r\n"
                              "Server: Mongoose\r\n"
                              "WWW-Authenticate: Basic realm=\"Orthanc Secure Area\"\r\n"
                              "Content-Length: 5\r\n\r\nnope.";

static struct http_reader *reader(bool response)
{
    struct http_reader *r;
    assert_ok(http_reader_new(response, false, &r));
    return r;
}

static enum step feed(struct http_reader *r, const char *p, size_t n)
{
    struct str in = str_of(p, n);
    return http_reader_feed(r, &in);
}

static void a_response_reads_the_same_in_any_pieces(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    for (size_t piece = 1; piece < sizeof orthanc; piece++) {
        http_reader_reset(r);
        enum step s = STEP_MORE;
        for (size_t at = 0; at < sizeof orthanc - 1; at += piece)
            s = feed(r, orthanc + at,
                     piece < sizeof orthanc - 1 - at ? piece : sizeof orthanc - 1 - at);
        assert_int_equal(s, STEP_DONE);
        const struct http_message *m = http_reader_message(r);
        assert_int_equal(m->status, 401);
        assert_str(m->body, "nope.");
        assert_str(http_header(m, STR("server")), "Mongoose");
        assert_str(m->head, "Server: Mongoose\nWWW-Authenticate: Basic realm=\"Orthanc Secure "
                            "Area\"\nContent-Length: 5\n");
        assert_true(m->keep_alive && m->done && m->head_done);
    }
    http_reader_free(r);
}

static void pipelined_requests_come_one_after_another(void **state)
{
    (void)state;
    struct http_reader *r = reader(false);
    struct str in = STR("GET /system HTTP/1.1\r\nHost: a\r\n\r\nPOST /x?y=1 HTTP/1.1\r\n"
                        "Content-Length: 2\r\n\r\nabGET");
    assert_int_equal(http_reader_feed(r, &in), STEP_DONE);
    assert_str(http_reader_message(r)->path, "/system");
    assert_str(http_reader_message(r)->method, "GET");
    http_reader_reset(r);
    assert_int_equal(http_reader_feed(r, &in), STEP_DONE);
    assert_str(http_reader_message(r)->path, "/x?y=1");
    assert_str(http_reader_message(r)->body, "ab");
    assert_str(in, "GET");
    http_reader_free(r);
}

static void a_body_without_a_length_ends_with_the_connection(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    const char text[] = "HTTP/1.0 200 OK\r\n\r\n<html>";
    assert_int_equal(feed(r, text, sizeof text - 1), STEP_MORE);
    assert_false(http_reader_message(r)->done);
    http_reader_eof(r);
    assert_true(http_reader_message(r)->done);
    assert_str(http_reader_message(r)->body, "<html>");
    http_reader_free(r);
}

static void chunks_are_put_together_and_trailers_dropped(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nServer: late\r\n\r\n";
    assert_int_equal(feed(r, text, sizeof text - 1), STEP_DONE);
    assert_str(http_reader_message(r)->body, "abcde");
    assert_int_equal(http_header(http_reader_message(r), STR("Server")).n, 0);
    http_reader_free(r);
}

static void an_interim_answer_is_passed_over(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    const char text[] = "HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    assert_int_equal(feed(r, text, sizeof text - 1), STEP_DONE);
    assert_int_equal(http_reader_message(r)->status, 204);
    assert_int_equal(http_header(http_reader_message(r), STR("X-A")).n, 0);
    http_reader_free(r);
}

static void an_answer_to_head_has_no_body(void **state)
{
    (void)state;
    struct http_reader *r;
    assert_ok(http_reader_new(true, true, &r));
    const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    assert_int_equal(feed(r, text, sizeof text - 1), STEP_DONE);
    http_reader_free(r);
}

static void an_endless_body_is_counted_and_not_kept(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    static char block[1 << 16];
    memset(block, 'A', sizeof block);
    const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1844674407370955160\r\n\r\n";
    assert_int_equal(feed(r, head, sizeof head - 1), STEP_MORE);
    for (int i = 0; i < 64; i++)
        assert_int_equal(feed(r, block, sizeof block), STEP_MORE);
    assert_int_equal(http_reader_message(r)->body.n, HTTP_BODY_MAX);
    assert_int_equal(http_reader_message(r)->body_size, 64 * sizeof block);
    http_reader_free(r);
}

static void a_bomb_of_tiny_chunks_stays_bounded(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_int_equal(feed(r, head, sizeof head - 1), STEP_MORE);
    for (int i = 0; i < 200000; i++)
        assert_int_equal(feed(r, "1\r\nA\r\n", 6), STEP_MORE);
    assert_int_equal(http_reader_message(r)->body.n, HTTP_BODY_MAX);
    http_reader_free(r);
}

/* Repeats a piece until the reader gives up; fails when it never does. */
static void gives_up(const char *head, const char *piece)
{
    struct http_reader *r = reader(true);
    enum step s = feed(r, head, strlen(head));
    for (int i = 0; i < 1 << 20 && s == STEP_MORE; i++)
        s = feed(r, piece, strlen(piece));
    assert_int_equal(s, STEP_FAIL);
    assert_true(http_reader_message(r)->head.n <= HTTP_HEAD_MAX);
    assert_int_equal(feed(r, piece, strlen(piece)), STEP_FAIL);
    http_reader_free(r);
}

static void floods_end_the_reading(void **state)
{
    (void)state;
    gives_up("HTTP/1.1 200 OK\r\nServer: x\r\n", "X-Flood: 1\r\n");
    gives_up("HTTP/1.1 200 OK\r\nServer: ", "AAAAAAAA");
    gives_up("HTTP/1.1 200 ", "OKOKOKOK");
    gives_up("HTTP/1.1 200 OK\r\n", "NNNN");
    gives_up("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "extension");
}

static void a_flood_leaves_what_was_there(void **state)
{
    (void)state;
    struct http_reader *r = reader(true);
    const char head[] = "HTTP/1.1 200 OK\r\nServer: Mongoose\r\n";
    enum step s = feed(r, head, sizeof head - 1);
    while (s == STEP_MORE)
        s = feed(r, "X-Flood: 1\r\n", 12);
    assert_str(http_header(http_reader_message(r), STR("Server")), "Mongoose");
    assert_int_equal(http_reader_message(r)->status, 200);
    http_reader_free(r);
}

static void other_protocols_are_not_http(void **state)
{
    (void)state;
    static const struct str others[] = {
        STR_INIT("SSH-2.0-OpenSSH_9.2\r\n"),
        STR_INIT("\x16\3\1\0\5"),
        STR_INIT("\2\0\0\0\0\xab\0\1"),
        STR_INIT("\x0bMSH|^~\\&|"),
        STR_INIT("<html>"),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct http_reader *r = reader(true);
        struct str in = others[i];
        assert_int_equal(http_reader_feed(r, &in), STEP_FAIL);
        http_reader_eof(r);
        assert_false(http_reader_message(r)->head_done);
        http_reader_free(r);
    }
}

static void a_long_request_target_is_cut(void **state)
{
    (void)state;
    struct http_reader *r = reader(false);
    assert_int_equal(feed(r, "GET /", 5), STEP_MORE);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(feed(r, "aaaaaaaa", 8), STEP_MORE);
    assert_int_equal(feed(r, " HTTP/1.1\r\n\r\n", 13), STEP_DONE);
    assert_int_equal(http_reader_message(r)->path.n, 2048);
    http_reader_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_reads_the_same_in_any_pieces),
        cmocka_unit_test(pipelined_requests_come_one_after_another),
        cmocka_unit_test(a_body_without_a_length_ends_with_the_connection),
        cmocka_unit_test(chunks_are_put_together_and_trailers_dropped),
        cmocka_unit_test(an_interim_answer_is_passed_over),
        cmocka_unit_test(an_answer_to_head_has_no_body),
        cmocka_unit_test(an_endless_body_is_counted_and_not_kept),
        cmocka_unit_test(a_bomb_of_tiny_chunks_stays_bounded),
        cmocka_unit_test(floods_end_the_reading),
        cmocka_unit_test(a_flood_leaves_what_was_there),
        cmocka_unit_test(other_protocols_are_not_http),
        cmocka_unit_test(a_long_request_target_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
