/* HTTP/1 in the clear, FHIR and DICOMweb by path and content type: what the server says of itself,
 * and which identifying fields went by: names and counts.
 *
 * Pages, paths and headers of people at work may name a patient. So a path is told only where it is
 * one of a short list of ours, a page only where nobody had signed in to see it, and headers only
 * by a list of those that speak of the program. */
#include <stdlib.h>

#include "base/size.h"
#include "survey/source/capture/dialect.h"
#include "survey/source/capture/web_fields.h"
#include "survey/wire/http_text.h"

enum { QUEUE = 8, READER_COST = 4096 };

/* What is known of a request when its answer comes. */
struct asked {
    const char *page; /* one of ours; NULL: another */
    bool head;        /* its answer has no body */
    bool signed_in;
};

struct http {
    struct http_reader *side[2];
    bool lost[2];
    bool reads_heads;          /* the reader of answers is one for answers without a body */
    struct asked queue[QUEUE]; /* requests that were not answered yet */
    unsigned first, n;
    bool fhir; /* counted as a FHIR flow */
    size_t charged;
};

static const char *const methods[] = {"GET ",     "POST ",     "PUT ",    "HEAD ",
                                      "DELETE ",  "PATCH ",    "TRACE ",  "OPTIONS ",
                                      "CONNECT ", "PROPFIND ", "REPORT ", "LINK "};

static bool could_be(struct str head, struct str word)
{
    size_t n = size_min(head.n, word.n);
    return memcmp(head.p, word.p, n) == 0;
}

static enum looks looks(struct str head, bool first)
{
    static const struct str answer = STR_INIT("HTTP/1.");
    if (!head.n)
        return LOOKS_no;
    if (could_be(head, answer))
        return head.n >= answer.n ? LOOKS_server : first ? LOOKS_more : LOOKS_no;
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct str m = str_z(methods[i]);
        if (!could_be(head, m))
            continue;
        if (head.n <= m.n)
            return first ? LOOKS_more : LOOKS_no;
        return head.p[m.n] == '/' || head.p[m.n] == 'h' || head.p[m.n] == '*' ? LOOKS_client
                                                                              : LOOKS_no;
    }
    return LOOKS_no;
}

static void charge(struct http *h, struct budget *b)
{
    size_t now = sizeof *h;
    for (size_t i = 0; i < 2; i++) {
        const struct http_message *m = h->side[i] ? http_reader_message(h->side[i]) : NULL;
        /* Buffers double as they grow. */
        now += m ? READER_COST + 2 * (m->head.n + m->body.n) : 0;
    }
    b->used = b->used - h->charged + now;
    h->charged = now;
}

static void *begin(struct scene *s, bool first)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    if (http_reader_new(false, false, &h->side[SIDE_CLIENT]) != OK ||
        http_reader_new(true, false, &h->side[SIDE_SERVER]) != OK) {
        http_reader_free(h->side[SIDE_CLIENT]);
        free(h);
        return NULL;
    }
    h->lost[SIDE_CLIENT] = h->lost[SIDE_SERVER] = !first;
    charge(h, s->budget);
    return h;
}

/* Pages that tell of the product, by their exact path, and of any path that ends so. */
static const char *page_of(struct str path)
{
    static const char *const exact[] = {"/",
                                        "/system",
                                        "/api/server/version",
                                        "/ext/version",
                                        "/app/explorer.html",
                                        "/ui/app/",
                                        "/dcm4chee-arc/ui2/",
                                        "/login",
                                        "/login.html"};
    for (size_t i = 0; i < COUNT(exact); i++)
        if (str_eq(path, str_z(exact[i])))
            return exact[i];
    return str_ends(path, STR("/metadata")) ? "/metadata" : NULL;
}

static bool contains(struct str s, struct str word)
{
    return memmem(s.p ? s.p : "", s.n, word.p, word.n) != NULL;
}

static bool is_fhir(struct str path, struct str content)
{
    return contains(content, STR("fhir+json")) || contains(content, STR("fhir+xml")) ||
           contains(path, STR("/fhir/"));
}

static bool is_dicomweb(struct str path, struct str content)
{
    static const struct str paths[] = {STR_INIT("/dicom-web/"), STR_INIT("/dicomweb/"),
                                       STR_INIT("/dicomWeb/"),  STR_INIT("/wado?"),
                                       STR_INIT("/wado-rs/"),   STR_INIT("/qido-rs/"),
                                       STR_INIT("/stow-rs/"),   STR_INIT("/rs/studies")};
    for (size_t i = 0; i < COUNT(paths); i++)
        if (contains(path, paths[i]))
            return true;
    return contains(content, STR("application/dicom"));
}

static void tell_fields(struct scene *s, enum protocol p, const uint64_t counts[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++)
        if (counts[i]) {
            gather_fields(s->g, &s->ends, p, counts);
            return;
        }
}

static void objects_in(struct scene *s, struct str body, uint64_t counts[FIELDS])
{
    struct dicom_fields *f;
    if (dicom_fields_new(&f) != OK)
        return;
    for (unsigned n = web_objects(body, f); n > 0; n--)
        gather_object(s->g, &s->ends);
    memcpy(counts, dicom_fields_counts(f), DICOM_FIELDS * sizeof *counts);
    dicom_fields_free(f);
}

/* What a body says of patients, of either side. */
static void look_inside(struct scene *s, const struct http_message *m, enum protocol p)
{
    uint64_t counts[FIELDS] = {0};
    struct str content = http_header(m, STR("Content-Type"));
    if (contains(content, STR("fhir+json")) || contains(content, STR("dicom+json")))
        web_fields_json(m->body, counts);
    else if (contains(content, STR("application/dicom")))
        objects_in(s, m->body, counts);
    tell_fields(s, p, counts);
}

static enum protocol protocol_of(struct http *h, struct scene *s, bool fhir)
{
    if (fhir && !h->fhir) {
        h->fhir = true;
        gather_flow(s->g, &s->ends, PROTOCOL_fhir, 1, 0, 0);
    }
    return fhir ? PROTOCOL_fhir : PROTOCOL_http;
}

static void on_request(struct http *h, struct scene *s, const struct http_message *m)
{
    struct str content = http_header(m, STR("Content-Type"));
    struct str accept = http_header(m, STR("Accept"));
    bool fhir = is_fhir(m->path, content) || is_fhir(STR(""), accept);
    enum protocol p = protocol_of(h, s, fhir);
    if (fhir || is_dicomweb(m->path, content) || is_dicomweb(STR(""), accept)) {
        char text[32];
        struct wr w = wr_fixed(text, sizeof text);
        wr_printf(&w, "%.*s %s", STR_ARG(str_slice(m->method, 0, 10)), fhir ? "FHIR" : "DICOMweb");
        gather_detail(s->g, &s->ends, p, wr_str(&w));
    }
    gather_flow(s->g, &s->ends, p, 0, 0, 1);
    look_inside(s, m, p);
    if (h->n == QUEUE) { /* more than anybody sends ahead: an answer was missed */
        h->first = (h->first + 1) % QUEUE;
        h->n--;
    }
    h->queue[(h->first + h->n++) % QUEUE] = (struct asked){
        .page = page_of(m->path),
        .head = str_eq(m->method, STR("HEAD")),
        .signed_in = http_header(m, STR("Cookie")).n || http_header(m, STR("Authorization")).n,
    };
}

static struct asked take_asked(struct http *h)
{
    struct asked a = {.signed_in = true};
    if (h->n) {
        a = h->queue[h->first];
        h->first = (h->first + 1) % QUEUE;
        h->n--;
    }
    return a;
}

/* Header lines that speak of the program, and those that say how a body is to be read. */
static void keep_headers(const struct http_message *m, bool location, struct wr *w)
{
    static const struct str wanted[] = {
        STR_INIT("Server"),           STR_INIT("X-Powered-By"),        STR_INIT("WWW-Authenticate"),
        STR_INIT("X-AspNet-Version"), STR_INIT("X-AspNetMvc-Version"), STR_INIT("Generator"),
        STR_INIT("X-Generator"),      STR_INIT("OData-Version"),       STR_INIT("Content-Encoding"),
        STR_INIT("Content-Type"),
    };
    for (size_t i = 0; i < COUNT(wanted); i++) {
        struct str value = http_header(m, wanted[i]);
        if (value.n)
            wr_printf(w, "%.*s: %.*s\n", STR_ARG(wanted[i]), STR_ARG(value));
    }
    struct str cookie = http_header(m, STR("Set-Cookie"));
    if (cookie.n)
        wr_printf(w, "Set-Cookie: %.*s=\n", STR_ARG(str_slice(cookie, 0, str_find(cookie, '='))));
    struct str to = location ? http_header(m, STR("Location")) : STR("");
    if (to.n)
        wr_printf(w, "Location: %.*s\n", STR_ARG(to));
}

/* How it looks to who has signed in says nothing of how one gets in. */
static void drop_private(struct evidence *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        enum ev_kind k = e->facts[i].kind;
        if (k != EV_http_signin && k != EV_http_title && k != EV_http_status && k != EV_http_path &&
            k != EV_raw_http_body)
            e->facts[n++] = e->facts[i];
    }
    e->n = n;
}

/* The headers alone: of a page that is not ours, or that only some may see. */
static err_t header_facts(const struct http_message *m, struct evidence *e)
{
    struct http_message bare = *m;
    bare.body = STR("");
    bare.status = 0;
    TRY(http_facts(&bare, STR(""), BY_TRAFFIC, e));
    drop_private(e);
    return OK;
}

static void tell_server(struct scene *s, const struct http_message *m, const struct asked *a)
{
    char head[HTTP_HEAD_MAX];
    struct wr w = wr_fixed(head, sizeof head);
    struct evidence *e = gather_scratch(s->g);
    bool shown = a->page && !a->signed_in;
    struct http_message told = *m;
    keep_headers(m, shown && strcmp(a->page, "/") == 0, &w);
    told.head = wr_str(&w);
    err_t err = a->page ? http_facts(&told, str_z(a->page), BY_TRAFFIC, e) : header_facts(&told, e);
    if (err == OK && a->signed_in)
        drop_private(e);
    if (err == OK)
        gather_evidence(s->g, &s->ends.server, s->ends.port);
}

/* Looking at an answer is dear, and most are of the same few kinds. */
static bool worth_telling(struct scene *s, const struct http_message *m, const struct asked *a)
{
    char text[512];
    struct wr w = wr_fixed(text, sizeof text);
    struct str server = str_slice(http_header(m, STR("Server")), 0, 200);
    wr_printf(&w, "%s %u %d %.*s %.*s", a->page ? a->page : "", a->page ? m->status : 0,
              a->signed_in, STR_ARG(server),
              STR_ARG(str_slice(http_header(m, STR("X-Powered-By")), 0, 100)));
    return gather_unseen(s->g, &s->ends.server, s->ends.port, wr_str(&w));
}

static void on_answer(struct http *h, struct scene *s, const struct http_message *m)
{
    struct asked a = take_asked(h);
    struct str content = http_header(m, STR("Content-Type"));
    bool fhir = is_fhir(STR(""), content);
    enum protocol p = protocol_of(h, s, fhir);
    if (fhir)
        gather_fact(s->g, &s->ends.server, s->ends.port, EV_protocol, STR("fhir"));
    look_inside(s, m, p);
    if (worth_telling(s, m, &a))
        tell_server(s, m, &a);
}

/* The reader of answers has to know before their first byte whether a body follows. */
static bool choose_reader(struct http *h)
{
    bool heads = h->n && h->queue[h->first].head;
    if (heads == h->reads_heads || http_reader_message(h->side[SIDE_SERVER])->started)
        return true;
    struct http_reader *r;
    if (http_reader_new(true, heads, &r) != OK)
        return false;
    http_reader_free(h->side[SIDE_SERVER]);
    h->side[SIDE_SERVER] = r;
    h->reads_heads = heads;
    return true;
}

static void on_message(struct http *h, struct scene *s, enum side side)
{
    const struct http_message *m = http_reader_message(h->side[side]);
    if (!m->head_done)
        return;
    if (side == SIDE_CLIENT)
        on_request(h, s, m);
    else
        on_answer(h, s, m);
}

static void bytes(void *state, struct scene *s, enum side side, struct str in)
{
    struct http *h = state;
    if (h->lost[side]) {
        enum looks l = looks(in, false);
        if (l != (side == SIDE_CLIENT ? LOOKS_client : LOOKS_server))
            return;
        http_reader_reset(h->side[side]);
        h->lost[side] = false;
    }
    while (in.n && !h->lost[side]) {
        enum step step = STEP_FAIL;
        if (side == SIDE_CLIENT || choose_reader(h))
            step = http_reader_feed(h->side[side], &in);
        if (step == STEP_MORE)
            break;
        on_message(h, s, side);
        h->lost[side] = step != STEP_DONE;
        http_reader_reset(h->side[side]);
    }
    charge(h, s->budget);
}

/* What came before the hole counts; the next message is found where a segment begins with one. */
static void gap(void *state, struct scene *s, enum side side, uint32_t n)
{
    struct http *h = state;
    (void)n;
    if (!h->lost[side])
        on_message(h, s, side);
    http_reader_reset(h->side[side]);
    h->lost[side] = true;
    charge(h, s->budget);
}

static void end(void *state, struct scene *s)
{
    struct http *h = state;
    for (unsigned side = 0; side < 2; side++) {
        if (!h->lost[side]) {
            http_reader_eof(h->side[side]);
            on_message(h, s, side);
        }
        http_reader_free(h->side[side]);
    }
    s->budget->used -= h->charged;
    free(h);
}

const struct dialect dialect_http = {"http", PROTOCOL_http, looks, begin, bytes, gap, end};
