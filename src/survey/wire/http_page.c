/* HTML is not parsed here: tags are looked at one after another, which is what a title and a
 * password field need, and what cannot be made slow. */
#include "survey/wire/http_page.h"

#include "base/size.h"

enum { LOGIN_URL_MAX = 512, TAG_MAX = 1024, ENTITY_MAX = 10, CODE_MAX = 0x10FFFF };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_slice(s, 0, prefix.n), prefix);
}

/* Where needle (lower case) begins in s, any case; s.n when nowhere. The first letter is looked for
 * in both its cases, so that long texts cost little. */
static size_t find_nocase(struct str s, struct str needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (lower(s.p[i]) == needle.p[0] && starts_nocase(str_slice(s, i, needle.n), needle))
            return i;
    return s.n;
}

bool http_is_login(struct str url)
{
    static const struct str words[] = {
        STR_INIT("login"),   STR_INIT("logon"), STR_INIT("signin"), STR_INIT("sign-in"),
        STR_INIT("sign_in"), STR_INIT("/auth"), STR_INIT("oauth"),  STR_INIT("/sso"),
        STR_INIT("saml"),    STR_INIT("/adfs"), STR_INIT("/cas/"),  STR_INIT("accedi")};
    url = str_slice(url, 0, LOGIN_URL_MAX);
    for (size_t i = 0; i < COUNT(words); i++)
        if (find_nocase(url, words[i]) < url.n)
            return true;
    return false;
}

/* The value of an attribute in the inside of a tag; empty when it is not there. */
static struct str attribute(struct str tag, struct str name)
{
    tag = str_trim(str_slice(tag, 0, TAG_MAX));
    for (size_t i = 1; i + name.n < tag.n; i++) {
        if (lower(tag.p[i]) != name.p[0] ||
            !(blank(tag.p[i - 1]) || tag.p[i - 1] == '"' || tag.p[i - 1] == '\''))
            continue;
        struct str rest = str_slice(tag, i, tag.n);
        if (!starts_nocase(rest, name))
            continue;
        rest = str_trim(str_slice(rest, name.n, rest.n));
        if (!rest.n || rest.p[0] != '=')
            continue;
        rest = str_trim(str_slice(rest, 1, rest.n));
        if (rest.n && (rest.p[0] == '"' || rest.p[0] == '\''))
            return str_slice(rest, 1, str_find(str_slice(rest, 1, rest.n), rest.p[0]));
        size_t n = 0;
        while (n < rest.n && !blank(rest.p[n]) && rest.p[n] != '/')
            n++;
        return str_slice(rest, 0, n);
    }
    return STR("");
}

static bool is_tag(struct str tag, struct str name)
{
    return tag.n && lower(tag.p[0]) == name.p[0] && starts_nocase(tag, name) &&
           (tag.n == name.n || blank(tag.p[name.n]) || tag.p[name.n] == '/');
}

static void look_at_tag(struct http_page *p, struct str tag)
{
    if (!tag.n || (lower(tag.p[0]) != 'i' && lower(tag.p[0]) != 'm'))
        return; /* most tags */
    if (is_tag(tag, STR("input")))
        p->password |= str_eq_nocase(attribute(tag, STR("type")), STR("password"));
    else if (is_tag(tag, STR("meta")) &&
             str_eq_nocase(attribute(tag, STR("http-equiv")), STR("refresh")))
        p->to_login |= http_is_login(attribute(tag, STR("content")));
}

/* What stands in an element whose inside is not markup, and the rest after it. */
static struct str inside(struct str *rest, struct str end)
{
    size_t n = 0;
    for (; n < rest->n; n++) { /* end begins with '<' */
        n += str_find(str_slice(*rest, n, rest->n), '<');
        if (starts_nocase(str_slice(*rest, n, end.n), end))
            break;
    }
    n = size_min(n, rest->n);
    struct str s = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->n);
    return s;
}

static void count_text(struct http_page *p, struct str text)
{
    for (size_t i = 0; i < text.n && p->text < HTTP_PAGE_TEXT; i++)
        p->text += !blank(text.p[i]);
}

void http_page_read(struct str html, struct http_page *ret)
{
    struct http_page p = {0};
    while (html.n) {
        size_t open = str_find(html, '<');
        count_text(&p, str_slice(html, 0, open));
        html = str_slice(html, open + 1, html.n);
        size_t close = str_find(html, '>');
        if (close == html.n)
            break;
        struct str tag = str_slice(html, 0, close);
        html = str_slice(html, close + 1, html.n);
        if (is_tag(tag, STR("script"))) {
            p.script = true;
            (void)inside(&html, STR("</script"));
        } else if (is_tag(tag, STR("style"))) {
            (void)inside(&html, STR("</style"));
        } else if (is_tag(tag, STR("title"))) {
            struct str title = inside(&html, STR("</title"));
            p.title = p.title.p ? p.title : title;
        } else {
            look_at_tag(&p, tag);
        }
    }
    *ret = p;
}

static const struct entity {
    struct str name;
    uint32_t code;
} entities[] = {
    {STR_INIT("amp"), '&'},      {STR_INIT("lt"), '<'},       {STR_INIT("gt"), '>'},
    {STR_INIT("quot"), '"'},     {STR_INIT("apos"), '\''},    {STR_INIT("nbsp"), ' '},
    {STR_INIT("copy"), 0xA9},    {STR_INIT("reg"), 0xAE},     {STR_INIT("trade"), 0x2122},
    {STR_INIT("middot"), 0xB7},  {STR_INIT("laquo"), 0xAB},   {STR_INIT("raquo"), 0xBB},
    {STR_INIT("ndash"), 0x2013}, {STR_INIT("mdash"), 0x2014}, {STR_INIT("hellip"), 0x2026},
    {STR_INIT("lsquo"), 0x2018}, {STR_INIT("rsquo"), 0x2019}, {STR_INIT("ldquo"), 0x201C},
    {STR_INIT("rdquo"), 0x201D}, {STR_INIT("bull"), 0x2022},  {STR_INIT("agrave"), 0xE0},
    {STR_INIT("egrave"), 0xE8},  {STR_INIT("eacute"), 0xE9},  {STR_INIT("igrave"), 0xEC},
    {STR_INIT("ograve"), 0xF2},  {STR_INIT("ugrave"), 0xF9},  {STR_INIT("auml"), 0xE4},
    {STR_INIT("ouml"), 0xF6},    {STR_INIT("uuml"), 0xFC},    {STR_INIT("szlig"), 0xDF},
    {STR_INIT("ccedil"), 0xE7},  {STR_INIT("ntilde"), 0xF1},  {STR_INIT("aacute"), 0xE1},
    {STR_INIT("iacute"), 0xED},  {STR_INIT("oacute"), 0xF3},  {STR_INIT("uacute"), 0xFA},
};

/* "#233" or "#xE9"; 0 when it is no character. */
static uint32_t numbered_entity(struct str s)
{
    bool hex = s.n > 2 && lower(s.p[1]) == 'x';
    uint32_t code = 0;
    size_t from = hex ? 2 : 1;
    for (size_t i = from; i < s.n && code <= CODE_MAX; i++) {
        char c = lower(s.p[i]);
        if (c >= '0' && c <= '9')
            code = code * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            code = code * 16 + (uint32_t)(c - 'a' + 10);
        else
            return 0;
    }
    bool surrogate = code >= 0xD800 && code < 0xE000;
    return code > CODE_MAX || surrogate ? 0 : code;
}

/* What stands between & and ; or 0. */
static uint32_t entity_code(struct str s)
{
    if (s.n && s.p[0] == '#')
        return numbered_entity(s);
    for (size_t i = 0; i < COUNT(entities); i++)
        if (str_eq(entities[i].name, s))
            return entities[i].code;
    return 0;
}

static void put_utf8(struct wr *w, uint32_t c)
{
    if (c < 0x80) {
        wr_u8(w, (uint8_t)c);
        return;
    }
    unsigned tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xC0, 0xE0, 0xF0};
    wr_u8(w, (uint8_t)(first[tail] | c >> 6 * tail));
    while (tail-- > 0)
        wr_u8(w, (uint8_t)(0x80 | (c >> 6 * tail & 0x3F)));
}

/* One character of the text, taken off its front; a byte of UTF-8 passes as it is. */
static void put_next(struct str *s, bool utf8, struct wr *w)
{
    if (s->p[0] == '&') {
        struct str name = str_slice(*s, 1, ENTITY_MAX);
        size_t end = str_find(name, ';');
        uint32_t code = end < name.n ? entity_code(str_slice(name, 0, end)) : 0;
        if (code) {
            put_utf8(w, code);
            *s = str_slice(*s, end + 2, s->n);
            return;
        }
    }
    if (utf8)
        wr_u8(w, (uint8_t)s->p[0]);
    else
        put_utf8(w, (uint8_t)s->p[0]);
    *s = str_slice(*s, 1, s->n);
}

void http_page_text(struct str html, struct wr *w)
{
    bool utf8 = str_is_utf8(html);
    bool pending = false;
    html = str_trim(html);
    while (html.n && !w->bad) {
        if (blank(html.p[0])) {
            pending = true;
            html = str_slice(html, 1, html.n);
            continue;
        }
        if (pending)
            wr_u8(w, ' ');
        pending = false;
        put_next(&html, utf8, w);
    }
}
