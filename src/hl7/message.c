#include "hl7/message.h"

#include "base/size.h"

enum { WINDOW = 512, NAME = 3, DELIMITERS_MAX = 8 };

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

/* What can separate: printable, and neither letter nor digit. */
static bool is_delimiter(char c)
{
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return c > ' ' && c <= '~' && !letter && !(c >= '0' && c <= '9');
}

static bool all_differ(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_delimiter(p[i]) || memchr(p, p[i], i))
            return false;
    return true;
}

err_t hl7_parse(struct str text, struct hl7_message *ret)
{
    if (!str_starts(text, STR("MSH")) || text.n < NAME + 2)
        return E_MALFORMED;
    /* Those of MSH-2 that a sender leaves out (2.5.1 2.5.4) are the usual ones. */
    char given[] = "|^~\\&";
    size_t n = str_find(str_slice(text, NAME + 1, DELIMITERS_MAX), text.p[NAME]);
    given[0] = text.p[NAME];
    if (n == 0 || NAME + 1 + n > text.n)
        return E_MALFORMED;
    memcpy(given + 1, text.p + NAME + 1, size_min(n, sizeof given - 2));
    if (n >= DELIMITERS_MAX || !all_differ(given, sizeof given - 1))
        return E_MALFORMED;
    *ret = (struct hl7_message){text, given[0], given[1], given[2], given[3], given[4]};
    return OK;
}

/* The length of a line. In windows, so that a text with one kind of line end is not searched to
 * its end for the other kind at every line. */
static size_t line_length(struct str s)
{
    for (size_t at = 0; at < s.n; at += WINDOW) {
        struct str w = str_slice(s, at, WINDOW);
        size_t cr = str_find(w, '\r');
        size_t end = str_find(str_slice(w, 0, cr), '\n');
        if (end < w.n)
            return at + end;
    }
    return s.n;
}

bool hl7_next(const struct hl7_message *m, size_t *at, struct str *ret_segment)
{
    size_t from = *at;
    while (from < m->text.n && is_line_end(m->text.p[from]))
        from++;
    struct str rest = str_slice(m->text, from, m->text.n);
    size_t n = line_length(rest);
    *at = from + n;
    if (n == 0)
        return false;
    *ret_segment = str_slice(rest, 0, n);
    return true;
}

static struct str name_of(struct str segment)
{
    return str_slice(segment, 0, NAME);
}

/* Part n (from 0) of a text; empty when there are fewer. */
static struct str part(struct str s, char separator, unsigned n)
{
    for (; n > 0; n--) {
        size_t at = str_find(s, separator);
        if (at == s.n)
            return STR("");
        s = str_slice(s, at + 1, s.n);
    }
    return str_slice(s, 0, str_find(s, separator));
}

struct str hl7_field(const struct hl7_message *m, struct str segment, unsigned n)
{
    bool header = str_starts(segment, STR("MSH"));
    if (n == 0)
        return STR("");
    if (header && n == 1)
        return str_slice(segment, NAME, 1);
    return part(segment, m->field, header ? n - 1 : n);
}

struct str hl7_component(const struct hl7_message *m, struct str field, unsigned n)
{
    if (n == 0)
        return STR("");
    return part(str_slice(field, 0, str_find(field, m->repetition)), m->component, n - 1);
}

struct str hl7_segment(const struct hl7_message *m, const char *name)
{
    struct str s;
    size_t at = 0;
    while (hl7_next(m, &at, &s))
        if (str_eq(name_of(s), str_z(name)))
            return s;
    return STR("");
}

struct str hl7_get(const struct hl7_message *m, const char *name, unsigned n, unsigned c)
{
    struct str field = hl7_field(m, hl7_segment(m, name), n);
    return c ? hl7_component(m, field, c) : field;
}
