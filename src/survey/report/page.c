#include "base/size.h"
#include "survey/report/page_style.h"
#include "survey/report/pen.h"

static const struct {
    const char *anchor;
    enum word title;
} chapters[] = {{"summary", W_ch_summary}, {"types", W_ch_types},
                {"places", W_ch_places},   {"products", W_ch_products},
                {"access", W_ch_access},   {"records", W_ch_records},
                {"clear", W_ch_clear},     {"segmentation", W_ch_segmentation},
                {"trend", W_ch_trend},     {"todo", W_ch_todo},
                {"accepted", W_ch_risks},  {"inventory", W_ch_inventory},
                {"method", W_ch_method}};

/* The policy lets nothing run and nothing be fetched, whatever a banner may have smuggled in. */
static void begin(struct pen *p)
{
    html_raw(p->w, "<!DOCTYPE html>\n<html");
    html_attr(p->w, "lang", word_language(p->l));
    html_raw(p->w, ">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; img-src data:\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n"
                   "<meta name=\"robots\" content=\"noindex\">\n"
                   "<meta name=\"generator\" content=\"Lastra\">\n");
    html_element(p->w, "title", "", p->r->title);
    html_raw(p->w, "\n<style>\n");
    for (size_t i = 0; page_style[i]; i++)
        wr_put(p->w, str_z(page_style[i]));
    html_raw(p->w, "</style>\n</head>\n<body>\n<main>\n");
}

static void contents(struct pen *p)
{
    html_raw(p->w, "<nav");
    html_attr(p->w, "aria-label", word(p->l, W_contents));
    html_raw(p->w, "><h2>");
    pen_word(p, W_contents);
    html_raw(p->w, "</h2><ol>\n");
    for (size_t i = 0; i < COUNT(chapters); i++) {
        wr_printf(p->w, "<li><a href=\"#%s\">", chapters[i].anchor);
        pen_word(p, chapters[i].title);
        html_raw(p->w, "</a></li>\n");
    }
    html_raw(p->w, "</ol></nav>\n");
}

void page_foot(struct pen *p)
{
    html_raw(p->w, "</main>\n<footer><p>");
    pen_word(p, W_footer);
    html_raw(p->w, "</p></footer>\n</body>\n</html>\n");
}

err_t report_html(struct report *r, struct wr *w, struct diag *d)
{
    struct pen pen = {.w = w, .r = r, .l = r->language}, *p = &pen;
    begin(p);
    page_head(p);
    page_summary(p);
    contents(p);
    page_types(p);
    page_places(p);
    page_products(p);
    page_access(p);
    page_records(p);
    page_clear(p);
    page_segments(p);
    page_trend(p);
    page_todo(p);
    page_risks(p);
    err_t e = page_inventory(p);
    page_method(p);
    page_foot(p);
    if (e != OK)
        return e;
    return w->bad ? diag_set(d, E_IO, "the report cannot be written") : OK;
}
