/* One HTTP/1 message over http-parser, which is fed bytes as they come and calls back. What is kept
 * is capped; what comes past the caps is counted (body) or ends the reading (head). */
#include <http_parser.h>
#include <stdlib.h>

#include "survey/wire/http_text.h"

enum { PATH_MAX_KEPT = 2048 };

struct http_reader {
    struct http_parser parser;
    struct http_message message;
    struct wr head, body, path;
    bool response, head_only;
    bool in_value; /* the last piece of the head belonged to a value */
    bool done, failed;
};

static struct http_reader *reader_of(struct http_parser *p)
{
    return p->data;
}

static void forget(struct http_reader *r)
{
    wr_clear(&r->head);
    wr_clear(&r->body);
    wr_clear(&r->path);
    r->message = (struct http_message){0};
    r->in_value = r->done = r->failed = false;
}

static int on_begin(struct http_parser *p)
{
    forget(reader_of(p));
    reader_of(p)->message.started = true;
    return 0;
}

static int on_url(struct http_parser *p, const char *at, size_t n)
{
    struct http_reader *r = reader_of(p);
    size_t room = PATH_MAX_KEPT - r->path.n;
    wr_bytes(&r->path, at, n < room ? n : room);
    return 0;
}

/* Fields after the body (trailers) tell nothing that is wanted. */
static int on_head(struct http_reader *r, bool value, const char *at, size_t n)
{
    if (r->message.head_done)
        return 0;
    if (r->in_value && !value)
        wr_u8(&r->head, '\n');
    else if (!r->in_value && value)
        wr_put(&r->head, STR(": "));
    r->in_value = value;
    wr_bytes(&r->head, at, n);
    return r->head.bad; /* over HTTP_HEAD_MAX: ends the reading */
}

static int on_name(struct http_parser *p, const char *at, size_t n)
{
    return on_head(reader_of(p), false, at, n);
}

static int on_value(struct http_parser *p, const char *at, size_t n)
{
    return on_head(reader_of(p), true, at, n);
}

static int on_head_done(struct http_parser *p)
{
    struct http_reader *r = reader_of(p);
    if (r->head.n)
        wr_u8(&r->head, '\n');
    r->message.head_done = true;
    if (!r->response)
        r->message.method = str_z(http_method_str((enum http_method)p->method));
    r->message.keep_alive = http_should_keep_alive(p) != 0;
    return r->head_only; /* 1: no body follows, whatever the head says */
}

static int on_body(struct http_parser *p, const char *at, size_t n)
{
    struct http_reader *r = reader_of(p);
    size_t room = HTTP_BODY_MAX - r->body.n;
    wr_bytes(&r->body, at, n < room ? n : room);
    r->message.body_size += n;
    return 0;
}

/* An interim answer (RFC 9110 15.2) is passed over; 101 is the last that is HTTP. */
static int on_done(struct http_parser *p)
{
    struct http_reader *r = reader_of(p);
    if (r->response && p->status_code / 100 == 1 && p->status_code != 101)
        return 0;
    r->done = true;
    http_parser_pause(p, 1);
    return 0;
}

static const struct http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head_done,
    .on_body = on_body,
    .on_message_complete = on_done,
};

void http_reader_reset(struct http_reader *r)
{
    forget(r);
    http_parser_init(&r->parser, r->response ? HTTP_RESPONSE : HTTP_REQUEST);
    r->parser.data = r;
}

err_t http_reader_new(bool response, bool head_only, struct http_reader **ret)
{
    struct http_reader *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->head = wr_heap(HTTP_HEAD_MAX);
    r->body = wr_heap(HTTP_BODY_MAX);
    r->path = wr_heap(PATH_MAX_KEPT);
    r->response = response;
    r->head_only = head_only;
    http_reader_reset(r);
    *ret = r;
    return OK;
}

void http_reader_free(struct http_reader *r)
{
    if (!r)
        return;
    wr_done(&r->head);
    wr_done(&r->body);
    wr_done(&r->path);
    free(r);
}

static void show(struct http_reader *r)
{
    r->message.head = wr_str(&r->head);
    r->message.body = wr_str(&r->body);
    r->message.path = wr_str(&r->path);
    r->message.done = r->done;
    r->message.status = r->response ? r->parser.status_code : 0;
}

enum step http_reader_feed(struct http_reader *r, struct str *in)
{
    if (r->failed)
        return STEP_FAIL;
    if (!r->done && in->n) {
        size_t n = http_parser_execute(&r->parser, &settings, in->p, in->n);
        *in = str_slice(*in, n, in->n);
        r->failed = !r->done && HTTP_PARSER_ERRNO(&r->parser) != HPE_OK;
        show(r);
    }
    return r->done ? STEP_DONE : r->failed ? STEP_FAIL : STEP_MORE;
}

void http_reader_eof(struct http_reader *r)
{
    if (r->failed || r->done || !r->message.started)
        return;
    (void)http_parser_execute(&r->parser, &settings, "", 0);
    show(r);
}

const struct http_message *http_reader_message(const struct http_reader *r)
{
    return &r->message;
}
