/* GET "/" and, on the same connection, the few pages that it points to (http_pages.def), or where
 * it sends one on the same host. Never a sign-in, never a patient's resource. */
#include <ctype.h>

#include "base/size.h"
#include "survey/source/probe/talk.h"
#include "survey/wire/http_text.h"

enum {
    PAGES_MAX = 4,
    PAGE_MAX = 48 << 10,
    PATH_MAX_LEN = 120,
    LOOK_MAX = 32 << 10, /* of a page, for needles */
    PACKETS_A_PAGE = 3,  /* request, acknowledgement of the answer, a repeat */
    PACKETS_TO_CLOSE = 2,
};

#define PAGE(needle, path, header) {STR_INIT(needle), path, header, "GET " path},
static const struct page {
    struct str needle;
    const char *path, *header, *said;
} pages[] = {
#include "survey/source/probe/http_pages.def"
};
#undef PAGE

/* A path that holds one of these may lead to a patient's data, do something, or sign somebody in:
 * the server made it up, and what it stands for is not ours to try. */
static const struct str forbidden[] = {
    STR_INIT("patient"),  STR_INIT("studies"),  STR_INIT("study"),    STR_INIT("series"),
    STR_INIT("instance"), STR_INIT("wado"),     STR_INIT("qido"),     STR_INIT("dicom-web"),
    STR_INIT("logout"),   STR_INIT("delete"),   STR_INIT("report"),   STR_INIT("observation"),
    STR_INIT("passw"),    STR_INIT("pwd"),      STR_INIT("user="),    STR_INIT("username"),
    STR_INIT("login="),   STR_INIT("token"),    STR_INIT("auth="),    STR_INIT("apikey"),
    STR_INIT("api_key"),  STR_INIT("secret"),   STR_INIT("reboot"),   STR_INIT("restart"),
    STR_INIT("reset"),    STR_INIT("shutdown"), STR_INIT("poweroff"), STR_INIT("upgrade"),
    STR_INIT("cmd="),     STR_INIT("command"),  STR_INIT("action="),  STR_INIT("print"),
    STR_INIT("remove"),   STR_INIT("%"),        STR_INIT("@"),
};

struct http_machine {
    struct talk t;
    struct http_reader *reader;
    struct evidence *facts; /* of the pages that are whole; values in the talk's arena */
    char path[PATH_MAX_LEN + 1];
    struct str asked[PAGES_MAX];
    unsigned n_asked;
    size_t taken; /* bytes of this page */
    struct wr raw;
    bool http;
    bool nothing_there; /* "/" was no page */
    err_t failed;
};

/* Where it stands in the text, any case. */
static bool holds(struct str text, struct str needle)
{
    for (size_t i = 0; i + needle.n <= text.n; i++)
        if (tolower((unsigned char)text.p[i]) == needle.p[0] &&
            str_eq_nocase(str_slice(text, i, needle.n), needle))
            return true;
    return false;
}

static void write_request(struct http_machine *m, const char *header, struct wr *out)
{
    const struct talk *t = &m->t;
    char text[IP_TEXT_MAX];
    bool v4 = ip_is_v4(&t->ip), standard = t->port == (t->tls ? 443 : 80);
    struct str ip = ip_text(&t->ip, text);
    wr_printf(out, "GET %s HTTP/1.1\r\nHost: %s%.*s%s", m->path, v4 ? "" : "[", STR_ARG(ip),
              v4 ? "" : "]");
    if (!standard)
        wr_printf(out, ":%u", t->port);
    wr_printf(out, "\r\nUser-Agent: Lastra-survey/%.*s", STR_ARG(t->manner->version));
    if (t->manner->contact.n)
        wr_printf(out, " (+%.*s)", STR_ARG(t->manner->contact));
    bool own = str_starts(str_z(header), STR("Accept:"));
    wr_printf(out, "\r\n%sAccept-Encoding: identity\r\n%s\r\n",
              own ? "" : "Accept: text/html, application/json, */*;q=0.5\r\n", header);
}

/* said: for the journal. */
static enum step ask(struct http_machine *m, struct str path, const char *header, const char *said,
                     struct wr *out)
{
    struct str kept = arena_copy(m->t.arena, path);
    if (!kept.p || !str_to_z(path, m->path, sizeof m->path))
        return STEP_DONE;
    m->asked[m->n_asked++] = kept;
    m->taken = 0;
    http_reader_reset(m->reader);
    write_request(m, header, out);
    talk_say(&m->t, said);
    return STEP_EVENT;
}

static enum step http_open(struct talk *t, struct wr *out)
{
    struct http_machine *m = (struct http_machine *)t;
    m->raw = wr_heap(4096);
    m->facts = ARENA_NEW(t->arena, struct evidence);
    m->failed = m->facts ? http_reader_new(true, false, &m->reader) : E_NOMEM;
    if (m->failed != OK)
        return STEP_DONE;
    evidence_init(m->facts, t->arena);
    return ask(m, STR("/"), "", "GET /", out);
}

static bool lies_in(struct str outer, struct str inner)
{
    return outer.n && inner.n && (uintptr_t)inner.p >= (uintptr_t)outer.p &&
           (uintptr_t)inner.p < (uintptr_t)outer.p + outer.n;
}

/* Values that are views of what the next page is read into are copied. */
static err_t keep_values(struct http_machine *m, const struct http_message *msg)
{
    for (size_t i = 0; i < m->facts->n; i++) {
        struct str *value = &m->facts->facts[i].value;
        if (!lies_in(msg->head, *value) && !lies_in(msg->body, *value))
            continue;
        *value = arena_copy(m->t.arena, *value);
        if (!value->p)
            return E_NOMEM;
    }
    return OK;
}

static err_t page_facts(struct http_machine *m)
{
    const struct http_message *msg = http_reader_message(m->reader);
    if (!msg->head_done)
        return OK;
    m->http = true;
    if (m->n_asked == 1)
        m->nothing_there = (msg->status >= 400 && msg->status != 401 && msg->status != 403) ||
                           holds(http_header(msg, STR("Content-Type")), STR("json"));
    TRY(http_facts(msg, m->asked[m->n_asked - 1], BY_PROBE, m->facts));
    return keep_values(m, msg);
}

static bool was_asked(const struct http_machine *m, struct str path)
{
    for (unsigned i = 0; i < m->n_asked; i++)
        if (str_eq(m->asked[i], path))
            return true;
    return false;
}

static bool path_fit(const struct http_machine *m, struct str path)
{
    if (path.n == 0 || path.n > PATH_MAX_LEN || path.p[0] != '/' || was_asked(m, path))
        return false;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= ' ' || path.p[i] > '~')
            return false;
    for (size_t i = 0; i < COUNT(forbidden); i++)
        if (holds(path, forbidden[i]))
            return false;
    return true;
}

/* The path of a Location on this very host, port and scheme; empty for any other. */
static struct str same_host(const struct http_machine *m, struct str location)
{
    const struct talk *t = &m->t;
    char text[IP_TEXT_MAX], origin[IP_TEXT_MAX + 32];
    struct str ip = ip_text(&t->ip, text);
    bool v4 = ip_is_v4(&t->ip), standard = t->port == (t->tls ? 443 : 80);
    location = str_slice(location, 0, str_find(location, '#'));
    if (str_starts(location, STR("//")))
        return STR("");
    if (str_starts(location, STR("/")))
        return location;
    struct wr w = wr_fixed(origin, sizeof origin);
    wr_printf(&w, "%s://%s%.*s%s", t->tls ? "https" : "http", v4 ? "" : "[", STR_ARG(ip),
              v4 ? "" : "]");
    if (!standard)
        wr_printf(&w, ":%u", t->port);
    if (str_starts(location, wr_str(&w)))
        return str_slice(location, w.n, location.n);
    /* "app/explorer.html", which is relative to "/". */
    return STR("");
}

static struct str relative(struct http_machine *m, struct str location)
{
    if (location.n == 0 || str_find(location, ':') < location.n || location.p[0] == '/' ||
        location.p[0] == '.' || location.n >= PATH_MAX_LEN)
        return STR("");
    char *path = arena_alloc(m->t.arena, location.n + 1);
    if (!path)
        return STR("");
    path[0] = '/';
    memcpy(path + 1, location.p, location.n);
    return str_of(path, location.n + 1);
}

static bool points_to(const struct http_machine *m, const struct http_message *msg,
                      const struct page *p)
{
    if (p->needle.n == 0)
        return m->nothing_there;
    return holds(msg->head, p->needle) || holds(str_slice(msg->body, 0, LOOK_MAX), p->needle) ||
           holds(m->asked[m->n_asked - 1], p->needle);
}

/* A page of the table that is there has told what it can. */
static bool told(const struct http_machine *m, const struct http_message *msg)
{
    for (size_t i = 0; i < COUNT(pages); i++)
        if (msg->status == 200 && str_eq(m->asked[m->n_asked - 1], str_z(pages[i].path)))
            return true;
    return false;
}

static enum step next_page(struct http_machine *m, struct wr *out)
{
    const struct http_message *msg = http_reader_message(m->reader);
    if (told(m, msg) || m->n_asked == PAGES_MAX || !msg->keep_alive ||
        m->t.packets + PACKETS_A_PAGE + PACKETS_TO_CLOSE > TALK_PACKETS_MAX ||
        m->t.bytes_out * (m->n_asked + 1) / m->n_asked > TALK_OUT_MAX)
        return STEP_DONE;
    for (size_t i = 0; i < COUNT(pages); i++)
        if (points_to(m, msg, &pages[i]) && path_fit(m, str_z(pages[i].path)))
            return ask(m, str_z(pages[i].path), pages[i].header, pages[i].said, out);
    struct str location = http_header(msg, STR("Location"));
    struct str path = same_host(m, location);
    if (path.n == 0)
        path = relative(m, location);
    if (msg->status / 100 == 3 && path_fit(m, path))
        return ask(m, path, "", "GET where / sends one", out);
    return STEP_DONE;
}

/* Each two segments of a page cost an acknowledgement; where segments are large, more is read. */
static bool enough(const struct http_machine *m)
{
    return m->taken >= PAGE_MAX || (m->taken >= TALK_IN_MAX && m->t.packets > TALK_PACKETS_MAX / 2);
}

static enum step http_bytes(struct talk *t, struct str in, struct wr *out)
{
    struct http_machine *m = (struct http_machine *)t;
    wr_put(&m->raw, str_slice(in, 0, 4096 - m->raw.n));
    m->taken += in.n;
    enum step s = http_reader_feed(m->reader, &in);
    if (s == STEP_MORE && !enough(m))
        return STEP_MORE;
    m->failed = page_facts(m);
    if (s != STEP_DONE || m->failed != OK)
        return STEP_DONE;
    return next_page(m, out);
}

static void http_end(struct talk *t, enum talk_end why, struct wr *out)
{
    struct http_machine *m = (struct http_machine *)t;
    (void)out;
    if (!m->reader || m->taken == 0)
        return;
    if (why == TALK_END)
        http_reader_eof(m->reader);
    m->failed = page_facts(m);
}

static err_t http_facts_all(struct talk *t, struct evidence *e)
{
    struct http_machine *m = (struct http_machine *)t;
    TRY(m->failed);
    if (!m->http)
        return talk_banner(wr_str(&m->raw), e);
    TRY(evidence_merge(e, m->facts));
    TRY(evidence_add(e, BY_PROBE, EV_protocol, STR("http")));
    return evidence_add(e, BY_PROBE, EV_transport, t->tls ? STR("tls") : STR("clear"));
}

static void http_done(struct talk *t)
{
    struct http_machine *m = (struct http_machine *)t;
    http_reader_free(m->reader);
    wr_done(&m->raw);
}

_Static_assert(sizeof(struct http_machine) <= TALK_SIZE_MAX, "raise TALK_SIZE_MAX");
const struct talk_calls http_talk = {
    .size = sizeof(struct http_machine),
    .wants_packets = true,
    .open = http_open,
    .bytes = http_bytes,
    .end = http_end,
    .facts = http_facts_all,
    .done = http_done,
};
