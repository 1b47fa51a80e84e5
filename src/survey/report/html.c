#include "survey/report/html.h"

static struct str reference(char c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&#39;");
    case '`': /* a quote to some old readers of attributes */
        return STR("&#96;");
    default:
        return (struct str){NULL, 0};
    }
}

void html_text(struct wr *w, struct str s)
{
    struct clean c = clean_of(s, CLEAN_MAX * 4);
    struct str piece;
    while (clean_next(&c, &piece)) {
        struct str escaped = piece.n == 1 ? reference(piece.p[0]) : (struct str){NULL, 0};
        wr_put(w, escaped.p ? escaped : piece);
    }
}

void html_attr(struct wr *w, const char *name, struct str value)
{
    wr_printf(w, " %s=\"", name);
    html_text(w, value);
    wr_u8(w, '"');
}

void html_element(struct wr *w, const char *tag, const char *class_name, struct str text)
{
    wr_printf(w, "<%s", tag);
    if (*class_name)
        wr_printf(w, " class=\"%s\"", class_name);
    wr_u8(w, '>');
    html_text(w, text);
    wr_printf(w, "</%s>", tag);
}
