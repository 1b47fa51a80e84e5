#include "survey/source/import/csv_text.h"

#include "base/size.h"

void csv_init(struct csv *c, const struct csv_calls *calls)
{
    *c = (struct csv){.calls = *calls, .text = wr_heap(CSV_ROW_MAX)};
}

void csv_done(struct csv *c)
{
    wr_done(&c->text);
}

char csv_separator(struct str head)
{
    static const char separators[] = {',', ';', '\t'};
    size_t counts[sizeof separators] = {0}, best = 0;
    bool quoted = false;
    struct str line = str_slice(head, 0, str_find(head, '\n'));
    for (size_t i = 0; i < line.n; i++) {
        quoted ^= line.p[i] == '"';
        for (size_t k = 0; k < sizeof separators && !quoted; k++)
            counts[k] += line.p[i] == separators[k];
    }
    for (size_t k = 1; k < sizeof separators; k++)
        if (counts[k] > counts[best])
            best = k;
    return separators[best];
}

static void end_cell(struct csv *c)
{
    c->after_quote = false;
    if (c->n < CSV_CELLS_MAX)
        c->ends[c->n++] = (uint32_t)c->text.n;
    else
        c->over = true;
}

static err_t end_row(struct csv *c)
{
    struct str cells[CSV_CELLS_MAX];
    uint32_t at = 0;
    err_t e = OK;
    end_cell(c);
    for (size_t i = 0; i < c->n; i++) {
        cells[i] = str_trim(str_slice(wr_str(&c->text), at, c->ends[i] - at));
        at = c->ends[i];
    }
    if (c->any)
        e = c->calls.row(c->calls.ctx, cells, c->n, c->over || c->text.bad);
    wr_clear(&c->text);
    c->n = 0;
    c->any = c->over = false;
    return e;
}

static void keep(struct csv *c, struct str s)
{
    c->any = c->any || str_trim(s).n > 0;
    wr_put(&c->text, s);
}

/* Inside quotes: up to the next one. */
static struct str feed_quoted(struct csv *c, struct str s)
{
    size_t n = str_find(s, '"');
    keep(c, str_slice(s, 0, n));
    if (n == s.n)
        return STR("");
    c->quoted = false;
    c->after_quote = true;
    return str_slice(s, n + 1, s.n);
}

static size_t plain_run(const struct csv *c, struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != c->separator && s.p[n] != '\n' && s.p[n] != '"')
        n++;
    return n;
}

/* A quote opens a cell; within one that is not quoted it is a character; behind a closing one it is
 * a doubled one. */
static void on_quote(struct csv *c)
{
    size_t from = c->n ? c->ends[c->n - 1] : 0;
    if (c->after_quote) {
        keep(c, STR("\""));
        c->quoted = true;
        c->after_quote = false;
    } else if (c->text.n == from) {
        c->quoted = true;
    } else {
        keep(c, STR("\""));
    }
}

static err_t feed_plain(struct csv *c, struct str *s)
{
    size_t n = plain_run(c, *s);
    if (n) {
        keep(c, str_slice(*s, 0, n));
        c->after_quote = false;
        *s = str_slice(*s, n, s->n);
        return OK;
    }
    char ch = s->p[0];
    *s = str_slice(*s, 1, s->n);
    if (ch == '"')
        on_quote(c);
    else if (ch == '\n')
        return end_row(c);
    else
        end_cell(c);
    return OK;
}

static struct str without_mark(struct csv *c, struct str s)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (s.n && c->mark < 3) {
        if (s.p[0] != mark[c->mark]) {
            c->mark = 3;
            break;
        }
        c->mark++;
        s = str_slice(s, 1, s.n);
    }
    return s;
}

err_t csv_feed(struct csv *c, struct str bytes)
{
    bytes = without_mark(c, bytes);
    if (bytes.n && !c->separator)
        c->separator = csv_separator(bytes);
    while (bytes.n) {
        if (c->quoted)
            bytes = feed_quoted(c, bytes);
        else
            TRY(feed_plain(c, &bytes));
    }
    return OK;
}

err_t csv_end(struct csv *c)
{
    c->quoted = false;
    return end_row(c);
}
