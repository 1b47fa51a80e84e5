#include "survey/report/chart.h"

#include "base/size.h"
#include "survey/report/countries.h"

enum { WIDTH = 720, LABEL = 222, ROW = 22 }; /* in the units of the view box */

static void figure(struct pen *p, enum word title, int height)
{
    html_raw(p->w, "<figure>\n");
    wr_printf(p->w, "<svg viewBox=\"0 0 %d %d\" role=\"img\"", WIDTH, height);
    html_attr(p->w, "aria-label", word(p->l, title));
    html_raw(p->w, "><title>");
    pen_word(p, title);
    html_raw(p->w, "</title>\n");
}

static void figure_end(struct pen *p, enum word title)
{
    html_raw(p->w, "</svg>\n<figcaption>");
    pen_word(p, title);
    html_raw(p->w, "</figcaption></figure>\n");
}

static void text_at(struct pen *p, double x, double y, const char *class_name, struct str text)
{
    wr_printf(p->w, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class_name);
    html_text(p->w, text);
    html_raw(p->w, "</text>");
}

static void rect(struct pen *p, double x, double y, double w, double h, const char *class_name)
{
    wr_printf(p->w, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>", x,
              y, w, h, class_name);
}

/* Labels are cut where the bar begins; the whole name is in the table. */
static struct str cut(struct str s, size_t characters, char *buf, size_t cap)
{
    struct wr w = wr_fixed(buf, cap);
    clean_put(&w, s, characters);
    return wr_str(&w);
}

static void legend(struct pen *p, double y, const enum word *names, const char *const *classes,
                   size_t n)
{
    double x = LABEL;
    for (size_t i = 0; i < n; i++) {
        rect(p, x, y - 9, 12, 10, classes[i]);
        text_at(p, x + 17, y, "lg", word(p->l, names[i]));
        x += 36 + 6.1 * (double)word(p->l, names[i]).n;
    }
    wr_u8(p->w, '\n');
}

void chart_bars(struct pen *p, enum word title, enum word whole, enum word part,
                const struct bar *bars, size_t n)
{
    uint64_t most = 1;
    n = size_min(n, CHART_BARS);
    for (size_t i = 0; i < n; i++)
        most = bars[i].whole > most ? bars[i].whole : most;
    figure(p, title, (int)n * ROW + 26);
    legend(p, 12, (const enum word[]){whole, part}, (const char *const[]){"c-whole", "c-part"}, 2);
    for (size_t i = 0; i < n; i++) {
        char label[256];
        double y = 22 + (double)i * ROW, room = WIDTH - LABEL - 70;
        double w = room * (double)bars[i].whole / (double)most;
        double d = room * (double)bars[i].part / (double)most;
        text_at(p, LABEL - 8, y + 13, "lb", cut(bars[i].label, 36, label, sizeof label));
        rect(p, LABEL, y + 2, w, ROW - 7, "c-whole");
        if (bars[i].part)
            rect(p, LABEL, y + 2, d, ROW - 7, "c-part");
        text_at(p, LABEL + w + 6, y + 13, "vl", pen_n(p, bars[i].whole));
        wr_u8(p->w, '\n');
    }
    figure_end(p, title);
}

static const char *const part_classes[CHART_PARTS] = {"c-bad", "c-mix", "c-good", "c-none"};

static const char *const part_ink[CHART_PARTS] = {"in w", "in h", "in", "in"};

static void stack(struct pen *p, const struct stack *s, double y)
{
    char label[256];
    uint64_t sum = 0;
    double x = LABEL, room = WIDTH - LABEL - 70;
    for (size_t k = 0; k < CHART_PARTS; k++)
        sum += s->parts[k];
    text_at(p, LABEL - 8, y + 13, "lb", cut(s->label, 36, label, sizeof label));
    for (size_t k = 0; k < CHART_PARTS && sum; k++) {
        double w = room * (double)s->parts[k] / (double)sum;
        if (!s->parts[k])
            continue;
        rect(p, x, y + 2, w, ROW - 7, part_classes[k]);
        struct str n = pen_n(p, s->parts[k]);
        if (w > 8.0 * (double)n.n + 8)
            text_at(p, x + w / 2, y + 13.5, part_ink[k], n);
        x += w;
    }
    text_at(p, LABEL + room + 8, y + 13, "vl", pen_n(p, sum));
    wr_u8(p->w, '\n');
}

void chart_stacks(struct pen *p, enum word title, const enum word names[CHART_PARTS],
                  const struct stack *stacks, size_t n)
{
    n = size_min(n, CHART_BARS);
    figure(p, title, (int)n * ROW + 26);
    html_raw(p->w,
             "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
             "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"6\" "
             "height=\"6\" fill=\"#efd9c3\"/><rect width=\"2.4\" height=\"6\" "
             "fill=\"#b3701f\"/></pattern></defs>\n");
    legend(p, 12, names, part_classes, CHART_PARTS);
    for (size_t i = 0; i < n; i++)
        stack(p, &stacks[i], 22 + (double)i * ROW);
    figure_end(p, title);
}

/* ---- the world */

enum { TILE = 24, SIDE = 12, SHADES = 5 }; /* 29 columns in WIDTH */

/* Each shade reaches a third as far down as the one above it, as a map of few large and many small
 * numbers needs it. */
static unsigned shade(uint64_t n, uint64_t most)
{
    if (!n)
        return 0;
    unsigned s = SHADES;
    for (uint64_t limit = most; s > 1 && n * 3 <= limit; s--)
        limit /= 3;
    return s;
}

static uint64_t systems_in(const struct tally *t, const char *code)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_eq_nocase(t->rows[i].key, str_z(code)))
            return t->rows[i].n[N_systems];
    return 0;
}

static void tile(struct pen *p, const struct country *c, uint64_t n, uint64_t most)
{
    unsigned s = shade(n, most);
    double x = SIDE + c->column * TILE + 0.5, y = c->row * TILE + 0.5;
    const char *ink = s >= 4 ? "tc w" : "tc";
    wr_printf(p->w, "<g><title>");
    html_text(p->w, c->name[p->l]);
    wr_printf(p->w,
              ": %.*s</title><rect x=\"%.1f\" y=\"%.1f\" width=\"22.4\" height=\"22.4\" rx=\"2\" "
              "class=\"s%u\"/>",
              STR_ARG(pen_n(p, n)), x, y, s);
    text_at(p, x + 11.2, n ? y + 10 : y + 14.3, n ? ink : "tc q", str_z(c->code));
    if (n)
        text_at(p, x + 11.2, y + 19.6, s >= 4 ? "tn w" : "tn", pen_n(p, n));
    html_raw(p->w, "</g>\n");
}

void chart_world(struct pen *p, const struct tally *countries)
{
    uint64_t most = 1;
    for (size_t i = 0; i < countries->n; i++)
        if (countries->rows[i].key.n && countries->rows[i].n[N_systems] > most)
            most = countries->rows[i].n[N_systems];
    figure(p, W_map_title, COUNTRY_ROWS * TILE + 4);
    const struct country *c;
    for (size_t i = 0; (c = country_at(i)); i++)
        if (c->column >= 0)
            tile(p, c, systems_in(countries, c->code), most);
    figure_end(p, W_map_caption);
}

/* ---- the trend */

struct scale {
    double left, right, top, bottom;
    uint64_t most;
    size_t n;
};

static double x_of(const struct scale *s, size_t i)
{
    return s->n < 2 ? (s->left + s->right) / 2
                    : s->left + (s->right - s->left) * (double)i / (double)(s->n - 1);
}

static double y_of(const struct scale *s, uint64_t v)
{
    return s->bottom - (s->bottom - s->top) * (double)v / (double)s->most;
}

/* The next of 1, 2, 5 times a power of ten. */
static uint64_t round_up(uint64_t v)
{
    static const unsigned steps[] = {1, 2, 5};
    for (uint64_t ten = 1; ten < UINT64_MAX / 100; ten *= 10)
        for (size_t i = 0; i < COUNT(steps); i++)
            if (ten * steps[i] >= v)
                return ten * steps[i];
    return v;
}

static uint64_t value_of(const struct point *point, size_t line)
{
    return line == 0 ? point->systems : line == 1 ? point->open : point->vulnerable;
}

static void trend_line(struct pen *p, const struct scale *s, const struct point *points,
                       size_t line)
{
    wr_printf(p->w, "<polyline class=\"l%zu\" points=\"", line);
    for (size_t i = 0; i < s->n; i++)
        wr_printf(p->w, "%.1f,%.1f ", x_of(s, i), y_of(s, value_of(&points[i], line)));
    html_raw(p->w, "\"/>");
    for (size_t i = 0; i < s->n; i++) {
        double x = x_of(s, i), y = y_of(s, value_of(&points[i], line));
        wr_printf(p->w, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\" class=\"d%zu\"/>", x, y, line);
        text_at(p, x, y - 8, "in", pen_n(p, value_of(&points[i], line)));
    }
    wr_u8(p->w, '\n');
}

void chart_trend(struct pen *p, const struct point *points, size_t n)
{
    static const enum word names[] = {W_systems, W_open_to_anyone, W_vulnerable_strict};
    struct scale s = {70, WIDTH - 60, 40, 200, 1, n};
    for (size_t i = 0; i < n; i++)
        s.most = points[i].systems > s.most ? points[i].systems : s.most;
    s.most = round_up(s.most);
    figure(p, W_trend_title, 240);
    legend(p, 12, names, (const char *const[]){"d0", "d1", "d2"}, COUNT(names));
    for (unsigned k = 0; k <= 2; k++) {
        double y = y_of(&s, s.most * k / 2);
        wr_printf(p->w, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"gr\"/>",
                  s.left, s.right, y, y);
        text_at(p, s.left - 12, y + 4, "lb", pen_n(p, s.most * k / 2));
    }
    for (size_t line = 0; line < COUNT(names); line++)
        trend_line(p, &s, points, line);
    for (size_t i = 0; i < n; i++) {
        char label[96];
        text_at(p, x_of(&s, i), 222, "in",
                cut(points[i].name, n > 6 ? 10 : 18, label, sizeof label));
    }
    figure_end(p, W_trend_title);
}

void cell_bar(struct pen *p, uint64_t value, uint64_t most)
{
    double w = most ? 100.0 * (double)value / (double)most : 0;
    wr_printf(
        p->w,
        "<td class=\"b\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
        "aria-hidden=\"true\"><rect width=\"%.1f\" height=\"10\" class=\"c-part\"/></svg></td>",
        w);
}
