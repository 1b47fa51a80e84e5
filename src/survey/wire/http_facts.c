/* Facts of a web server's answer. The head is read from its lines, so that what a reader made of
 * the wire and what an export holds go the same way. */
#include <stdlib.h>

#include "base/size.h"
#include "survey/wire/http_coding.h"
#include "survey/wire/http_known.h"
#include "survey/wire/http_page.h"
#include "survey/wire/http_text.h"

enum {
    HEADERS_MAX = 256, /* lines looked at */
    TELLING_MAX = 32,  /* kept */
    TITLE_MAX = 1024,  /* of HTML that is decoded; the fact's own cap is lower */
    SHELL_TEXT = 64,   /* a page with scripts and less text than this shows nothing by itself */
    REDIRECT_PAGE = 2048,
};

struct answer {
    const struct http_message *m;
    struct str path;
    struct evidence *e;
    enum ev_by by;
    struct str body; /* with its coding taken off; empty when it cannot be read */
    struct http_page page;
};

/* Takes the next "Name: value" off *head; false at its end. Lines that are none are passed over. */
static bool next_header(struct str *head, struct str *ret_name, struct str *ret_value)
{
    struct str line;
    while (head->p && str_split(head, '\n', &line)) {
        size_t colon = str_find(line, ':');
        if (colon == 0 || colon == line.n)
            continue;
        *ret_name = str_trim(str_slice(line, 0, colon));
        *ret_value = str_trim(str_slice(line, colon + 1, line.n));
        return true;
    }
    return false;
}

struct str http_header(const struct http_message *m, struct str name)
{
    struct str rest = m->head, n, v;
    for (unsigned i = 0; i < HEADERS_MAX && next_header(&rest, &n, &v); i++)
        if (str_eq_nocase(n, name))
            return v;
    return STR("");
}

static bool begins(struct str s, struct str prefix)
{
    return str_eq_nocase(str_slice(s, 0, prefix.n), prefix);
}

static bool contains_nocase(struct str s, struct str word)
{
    for (size_t i = 0; i + word.n <= s.n; i++)
        if (str_eq_nocase(str_slice(s, i, word.n), word))
            return true;
    return false;
}

/* Headers that tell of the server; others that begin with X- do too, but for those that change with
 * every answer, carry secrets or say how a page is shown. */
static const struct str telling[] = {
    STR_INIT("Server"),        STR_INIT("WWW-Authenticate"), STR_INIT("Set-Cookie"),
    STR_INIT("Via"),           STR_INIT("Generator"),        STR_INIT("DICOM"),
    STR_INIT("OData-Version"),
};
static const struct str silent[] = {
    STR_INIT("Frame-Options"), STR_INIT("Content-"),    STR_INIT("XSS"),
    STR_INIT("UA-Compatible"), STR_INIT("Request"),     STR_INIT("-Id"),
    STR_INIT("Trace"),         STR_INIT("Correlation"), STR_INIT("Runtime"),
    STR_INIT("Rate"),          STR_INIT("Cache"),       STR_INIT("Token"),
    STR_INIT("Session"),       STR_INIT("CSRF"),        STR_INIT("XSRF"),
    STR_INIT("Permitted"),     STR_INIT("Prefetch"),    STR_INIT("Time"),
    STR_INIT("Date"),          STR_INIT("Download"),    STR_INIT("Robots"),
    STR_INIT("Forwarded"),     STR_INIT("Real-IP"),     STR_INIT("Auth"),
    STR_INIT("Served-By"),     STR_INIT("Timer"),       STR_INIT("Nonce"),
    STR_INIT("Client"),
};

static bool is_telling(struct str name)
{
    for (size_t i = 0; i < COUNT(telling); i++)
        if (str_eq_nocase(name, telling[i]))
            return true;
    if (!begins(name, STR("X-")) || name.n > 64)
        return false;
    for (size_t i = 0; i < COUNT(silent); i++)
        if (contains_nocase(name, silent[i]))
            return false;
    return true;
}

/* A challenge without its nonce: the scheme and the realm (RFC 9110 11.3). */
static err_t add_challenge(const struct answer *a, struct str name, struct str value)
{
    static const struct str key = STR_INIT("realm=");
    struct str scheme = str_slice(value, 0, str_find(value, ' '));
    size_t at = scheme.n;
    while (at < value.n && !begins(str_slice(value, at, value.n), key))
        at++;
    struct str realm = str_slice(value, at, value.n);
    size_t quote = str_find(realm, '"');
    struct str inside = str_slice(realm, quote + 1, realm.n);
    if (!realm.n || quote != key.n || str_find(inside, '"') == inside.n)
        return evidence_addf(a->e, a->by, EV_http_header, "%.*s: %.*s", STR_ARG(name),
                             STR_ARG(scheme));
    realm.n = key.n + 2 + str_find(inside, '"');
    return evidence_addf(a->e, a->by, EV_http_header, "%.*s: %.*s %.*s", STR_ARG(name),
                         STR_ARG(scheme), STR_ARG(realm));
}

static err_t add_header(const struct answer *a, struct str name, struct str value)
{
    if (str_eq_nocase(name, STR("WWW-Authenticate")))
        return add_challenge(a, STR("WWW-Authenticate"), str_slice(value, 0, 512));
    if (str_eq_nocase(name, STR("Set-Cookie"))) /* which framework it is, not whose session */
        value = str_slice(value, 0, str_find(value, '='));
    return evidence_addf(a->e, a->by, EV_http_header, "%.*s: %.*s", STR_ARG(name),
                         STR_ARG(str_slice(value, 0, 512)));
}

/* Headers that are not kept are looked at once by whoever knows products: a line each. */
static err_t add_headers(const struct answer *a)
{
    struct str rest = a->m->head, name, value;
    unsigned kept = 0, raw = 0;
    for (unsigned i = 0; i < HEADERS_MAX && next_header(&rest, &name, &value); i++) {
        struct str line = str_of(name.p, (size_t)(value.p + value.n - name.p));
        if (is_telling(name) && kept++ < TELLING_MAX)
            TRY(add_header(a, name, value));
        else if (raw++ < TELLING_MAX)
            TRY(evidence_add(a->e, a->by, EV_raw_http_header, line));
    }
    return OK;
}

/* A redirect's address without what belongs to one visitor. */
static struct str location(const struct answer *a)
{
    struct str to = http_header(a->m, STR("Location"));
    to = str_slice(to, 0, str_find(to, '?'));
    to = str_slice(to, 0, str_find(to, ';'));
    return str_slice(to, 0, str_find(to, '#'));
}

static struct str scheme_name(struct str challenge)
{
    static const struct {
        struct str scheme, name;
    } schemes[] = {
        {STR_INIT("Basic"), STR_INIT("basic")},
        {STR_INIT("Digest"), STR_INIT("digest")},
        {STR_INIT("Bearer"), STR_INIT("bearer")},
    };
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (begins(challenge, schemes[i].scheme))
            return schemes[i].name;
    return STR("other");
}

/* A page that a script fills, or that a script leads away from, does not show whether one must sign
 * in. */
static bool shows_nothing(const struct answer *a)
{
    return a->page.script && a->page.text < SHELL_TEXT;
}

/* How one gets in, by the answer to GET /; empty when it does not tell. */
static struct str signin_of(const struct answer *a)
{
    unsigned status = a->m->status;
    if (status == 401)
        return scheme_name(http_header(a->m, STR("WWW-Authenticate")));
    if (status == 403 || status == 407)
        return STR("other");
    if (status >= 300 && status < 400)
        return http_is_login(http_header(a->m, STR("Location"))) ? STR("redirect") : STR("");
    if (status != 200 || !a->body.n)
        return STR("");
    if (a->page.password)
        return STR("form");
    if (a->page.to_login)
        return STR("redirect");
    /* A page that calls itself one for signing in is no open page, whatever draws its form. */
    if (http_is_login(a->page.title))
        return STR("form");
    if (!shows_nothing(a))
        return STR("none");
    return a->body.n < REDIRECT_PAGE && contains_nocase(a->body, STR("location")) &&
                   http_is_login(a->body)
               ? STR("redirect")
               : STR("");
}

/* Another page than / says how one gets in only by what it asks for, or when it is one that is
 * never open where signing in is on. */
static err_t add_signin(const struct answer *a)
{
    struct str how = signin_of(a);
    bool root = str_eq(a->path, STR("/"));
    bool open = how.n && str_eq(how, STR("none"));
    if (!root && open && !http_known_guarded(a->path, a->body))
        return OK;
    if (!root && !open && a->m->status != 401 && !a->page.password)
        return OK;
    return how.n ? evidence_add(a->e, a->by, EV_http_signin, how) : OK;
}

static err_t add_status(const struct answer *a)
{
    if (!a->m->status)
        return OK;
    if (str_eq(a->path, STR("/")))
        return evidence_addf(a->e, a->by, EV_http_status, "%u", a->m->status);
    return evidence_addf(a->e, a->by, EV_http_path, "%u %.*s", a->m->status,
                         STR_ARG(str_slice(a->path, 0, 96)));
}

static err_t add_title(const struct answer *a)
{
    char buf[TITLE_MAX * 2];
    struct wr w = wr_fixed(buf, sizeof buf);
    http_page_text(str_slice(a->page.title, 0, TITLE_MAX), &w);
    return w.n ? evidence_keep(a->e, a->by, EV_http_title, wr_str(&w)) : OK;
}

static bool is_html(struct str body)
{
    return str_find(str_slice(body, 0, 1024), '<') < size_min(body.n, 1024);
}

err_t http_facts(const struct http_message *m, struct str path, enum ev_by by, struct evidence *e)
{
    struct answer a = {.m = m, .path = path, .e = e, .by = by};
    TRY(http_decoded(m->body, http_header(m, STR("Content-Encoding")), e->arena, &a.body));
    if (is_html(a.body))
        http_page_read(a.body, &a.page);
    TRY(evidence_add(e, by, EV_protocol, STR("http")));
    TRY(add_status(&a));
    TRY(add_headers(&a));
    TRY(add_title(&a));
    TRY(add_signin(&a));
    struct str to = location(&a);
    if (to.n)
        TRY(evidence_add(e, by, EV_http_location, to));
    if (m->status == 200)
        TRY(http_known_facts(a.body, path, by, e));
    return evidence_add(e, by, EV_raw_http_body, a.body);
}

/* "HTTP/1.1 200 OK", with or without a line before it; 0 when there is none. */
static unsigned status_of(struct str head)
{
    struct str line = str_slice(head, 0, str_find(head, '\n'));
    uint64_t status;
    if (!begins(line, STR("HTTP/")))
        return 0;
    struct str rest = str_slice(line, str_find(line, ' ') + 1, line.n);
    return str_to_u64(str_slice(str_trim(rest), 0, 3), 999, &status) ? (unsigned)status : 0;
}

err_t http_facts_text(struct str head, struct str body, struct str path, enum ev_by by,
                      struct evidence *e)
{
    struct str rest = str_trim(head);
    struct http_message m = {.started = true, .head_done = true, .status = status_of(rest)};
    if (m.status)
        rest = str_slice(rest, str_find(rest, '\n') + 1, rest.n);
    m.head = rest;
    m.body = str_slice(body, 0, HTTP_BODY_MAX);
    m.body_size = body.n;
    return http_facts(&m, path, by, e);
}
