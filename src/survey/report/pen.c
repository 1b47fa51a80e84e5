#include "survey/report/pen.h"

static char *slot(struct pen *p)
{
    return p->ring[p->at++ % PEN_RING];
}

struct str pen_n(struct pen *p, uint64_t n)
{
    return number_text(p->l, n, slot(p));
}

struct str pen_share(struct pen *p, uint64_t part, uint64_t whole)
{
    return share_text(p->l, part, whole, slot(p));
}

struct str pen_date(struct pen *p, struct str iso)
{
    return date_text(p->l, iso, slot(p));
}

struct str pen_day(struct pen *p, int64_t us)
{
    char iso[NUMBER_MAX];
    return date_text(p->l, date_iso(us, iso), slot(p));
}

struct str pen_place(struct pen *p, enum place what, size_t i, struct str key)
{
    return name_place(p->r, what, i, key, slot(p));
}

void pen_word(struct pen *p, enum word w)
{
    html_text(p->w, word(p->l, w));
}

void pen_say_args(struct pen *p, enum word w, bool bold, const struct str *args, size_t n)
{
    struct str rest = word(p->l, w);
    while (rest.n) {
        size_t at = str_find(rest, '{');
        html_text(p->w, str_slice(rest, 0, at));
        if (at + 2 >= rest.n)
            return;
        size_t which = (size_t)(rest.p[at + 1] - '1');
        if (which < n) {
            wr_put(p->w, bold ? STR("<b>") : STR(""));
            html_text(p->w, args[which]);
            wr_put(p->w, bold ? STR("</b>") : STR(""));
        }
        rest = str_slice(rest, at + 3, rest.n);
    }
}

void pen_note(struct pen *p, enum word w)
{
    html_element(p->w, "p", "note", word(p->l, w));
    wr_u8(p->w, '\n');
}

void pen_chapter(struct pen *p, const char *anchor, enum word title)
{
    wr_printf(p->w, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">", anchor,
              anchor, anchor);
    wr_printf(p->w, "<span class=\"no\">%u</span> ", ++p->chapter);
    pen_word(p, title);
    html_raw(p->w, "</h2>\n");
}

void pen_end(struct pen *p)
{
    html_raw(p->w, "</section>\n");
}

void pen_heading(struct pen *p, enum word title)
{
    html_element(p->w, "h3", "", word(p->l, title));
    wr_u8(p->w, '\n');
}

static const char *class_of(char kind)
{
    return kind == 'n' ? " class=\"n\"" : kind == 'b' ? " class=\"b\"" : "";
}

void pen_table(struct pen *p, enum word caption, const struct column *columns, size_t n)
{
    html_raw(p->w, "<table>\n<caption>");
    pen_word(p, caption);
    html_raw(p->w, "</caption>\n<thead><tr>");
    for (size_t i = 0; i < n; i++) {
        wr_printf(p->w, "<th scope=\"col\"%s>", class_of(columns[i].kind));
        pen_word(p, columns[i].head);
        html_raw(p->w, "</th>");
    }
    html_raw(p->w, "</tr></thead>\n<tbody>\n");
}

void pen_table_end(struct pen *p)
{
    html_raw(p->w, "</tbody></table>\n");
}

void cell_head(struct pen *p, struct str text)
{
    html_raw(p->w, "<tr><th scope=\"row\">");
    html_text(p->w, text);
    html_raw(p->w, "</th>");
}

void cell_text(struct pen *p, struct str text)
{
    html_element(p->w, "td", "", text);
}

void cell_n(struct pen *p, uint64_t n)
{
    html_element(p->w, "td", "n", pen_n(p, n));
}

void cell_share(struct pen *p, uint64_t part, uint64_t whole)
{
    html_raw(p->w, "<td class=\"n\">");
    html_text(p->w, pen_n(p, part));
    if (part && whole) {
        html_raw(p->w, " <small>");
        html_text(p->w, pen_share(p, part, whole));
        html_raw(p->w, "</small>");
    }
    html_raw(p->w, "</td>");
}

void row_end(struct pen *p)
{
    html_raw(p->w, "</tr>\n");
}
