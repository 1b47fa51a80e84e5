/* A screenful for the terminal: 80 columns, 24 lines, nothing that moves a cursor. */
#include "base/size.h"
#include "survey/report/clean.h"
#include "survey/report/counts.h"
#include "survey/report/pen.h"

enum { COLUMNS = 78, TYPES_SHOWN = 6 };

struct screen {
    struct pen pen;
    struct wr *w;
};

static size_t width(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* Cleaned, cut to so many columns, and filled up. */
static void field(struct wr *w, struct str s, size_t columns, bool right)
{
    char buf[1024];
    struct wr f = wr_fixed(buf, sizeof buf);
    clean_put(&f, s, columns);
    struct str text = wr_str(&f);
    size_t fill = width(text) < columns ? columns - width(text) : 0;
    if (right)
        wr_fill(w, ' ', fill);
    wr_put(w, text);
    if (!right)
        wr_fill(w, ' ', fill);
}

static void figure(struct screen *s, enum word label, uint64_t n, uint64_t of)
{
    wr_put(s->w, STR("  "));
    field(s->w, pen_n(&s->pen, n), 11, true);
    wr_put(s->w, STR("  "));
    field(s->w, word(s->pen.l, label), 40, false);
    if (of)
        field(s->w, pen_share(&s->pen, n, of), 8, true);
    wr_u8(s->w, '\n');
}

/* A sentence with its numbers in place, broken between words. */
static void say(struct screen *s, enum word which, const struct str *args, size_t n)
{
    char buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct str rest = word(s->pen.l, which), one;
    while (rest.n) {
        size_t at = str_find(rest, '{');
        wr_put(&w, str_slice(rest, 0, at));
        if (at + 2 >= rest.n)
            break;
        size_t k = (size_t)(rest.p[at + 1] - '1');
        clean_put(&w, k < n ? args[k] : STR(""), 64);
        rest = str_slice(rest, at + 3, rest.n);
    }
    size_t column = 0;
    for (struct str text = wr_str(&w); str_split(&text, ' ', &one);) {
        if (column && column + 1 + width(one) > COLUMNS) {
            wr_u8(s->w, '\n');
            column = 0;
        }
        if (column)
            wr_u8(s->w, ' ');
        wr_put(s->w, one);
        column += width(one) + 1;
    }
    wr_u8(s->w, '\n');
}

static void types(struct screen *s)
{
    const struct report *r = s->pen.r;
    wr_put(s->w, word(s->pen.l, W_text_types));
    wr_put(s->w, STR("\n"));
    for (size_t i = 0, n = 0; i < TYPE_COUNT && n < TYPES_SHOWN; i++) {
        const struct type_row *row = &r->types[i];
        if (!row->n[N_systems] || row->type == TYPE_honeypot)
            continue;
        n++;
        wr_put(s->w, STR("  "));
        field(s->w, pen_n(&s->pen, row->n[N_systems]), 11, true);
        wr_put(s->w, STR("  "));
        field(s->w, word_type(s->pen.l, row->type), 40, false);
        field(s->w, pen_share(&s->pen, row->n[N_systems], r->t.n[N_systems]), 8, true);
        wr_u8(s->w, '\n');
    }
}

static void first(struct screen *s)
{
    size_t which[3], n = first_things(s->pen.r, which, COUNT(which));
    if (!n)
        return;
    wr_put(s->w, word(s->pen.l, W_text_first));
    wr_put(s->w, STR("\n"));
    for (size_t i = 0; i < n; i++) {
        const struct kind_row *row = &s->pen.r->kinds[which[i]];
        wr_printf(s->w, "  %zu. ", i + 1);
        wr_put(s->w, row->kind->title[s->pen.l]);
        wr_put(s->w, STR(": "));
        wr_put(s->w, pen_n(&s->pen, row->systems));
        wr_u8(s->w, '\n');
    }
}

static void trend(struct screen *s)
{
    const struct report *r = s->pen.r;
    const struct diff_sum *d = &r->diff;
    char before[NAME_MAX_TEXT], change[NUMBER_MAX];
    if (!r->has_before)
        return;
    enum word w = d->dicom_after > d->dicom_before   ? W_dicom_more
                  : d->dicom_after < d->dicom_before ? W_dicom_fewer
                                                     : W_dicom_same;
    const struct str args[] = {pen_n(&s->pen, d->dicom_after),
                               change_text(s->pen.l, d->dicom_before, d->dicom_after, change),
                               name_survey(r, &r->before, before),
                               pen_day(&s->pen, r->before.began_us),
                               pen_n(&s->pen, d->dicom_before)};
    say(s, d->dicom_before ? w : W_dicom_from_none, args, COUNT(args));
    const struct str counts[] = {
        pen_n(&s->pen, d->counts[DIFF_new]), pen_n(&s->pen, d->counts[DIFF_gone]),
        pen_n(&s->pen, d->counts[DIFF_fixed]), pen_n(&s->pen, d->counts[DIFF_worse])};
    say(s, W_trend_counts, counts, COUNT(counts));
}

err_t report_text(struct report *r, struct wr *w, struct diag *d)
{
    struct screen screen = {.pen = {.w = w, .r = r, .l = r->language}, .w = w}, *s = &screen;
    const struct totals *t = &r->t;
    uint64_t all = t->n[N_systems];
    field(w, r->title, COLUMNS, false);
    wr_u8(w, '\n');
    figure(s, W_key_systems, all, 0);
    figure(s, W_key_open, t->n[N_open], all);
    figure(s, W_key_clear, t->n[N_clear], all);
    figure(s, W_key_vulnerable, t->n[N_strict], all);
    figure(s, W_key_public, t->n[N_public], all);
    if (t->archives_counted)
        figure(s, W_key_studies, t->studies, 0);
    else
        figure(s, W_key_archives, t->archives, 0);
    types(s);
    first(s);
    trend(s);
    wr_put(w, word(r->language, W_text_more));
    wr_u8(w, '\n');
    return w->bad ? diag_set(d, E_IO, "the report cannot be written") : OK;
}
