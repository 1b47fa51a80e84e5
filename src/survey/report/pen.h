/* What the chapters of the page write with: words of the report's language with numbers in them,
 * tables, headings. */
#ifndef LASTRA_SURVEY_REPORT_PEN_H
#define LASTRA_SURVEY_REPORT_PEN_H

#include "survey/report/counts.h"
#include "survey/report/html.h"
#include "survey/report/words.h"

enum { PEN_RING = 32 };
struct pen {
    struct wr *w;
    struct report *r;
    enum language l;
    unsigned chapter, at;
    char ring[PEN_RING][NAME_MAX_TEXT]; /* texts that live for the next PEN_RING of them */
};

/* Texts for the next few calls. */
struct str pen_n(struct pen *p, uint64_t n);
struct str pen_share(struct pen *p, uint64_t part, uint64_t whole);
struct str pen_date(struct pen *p, struct str iso);
struct str pen_day(struct pen *p, int64_t us);
struct str pen_place(struct pen *p, enum place what, size_t i, struct str key);

/* A text of the table, escaped; "{1}" in it stands for the first argument, set in bold when bold.
 */
void pen_word(struct pen *p, enum word w);
void pen_say_args(struct pen *p, enum word w, bool bold, const struct str *args, size_t n);
#define pen_say(pen, which, ...)                                                                   \
    pen_say_args((pen), (which), true, (const struct str[]){__VA_ARGS__},                          \
                 sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
/* The same as a paragraph. */
#define pen_para(pen, which, ...)                                                                  \
    do {                                                                                           \
        wr_put((pen)->w, STR("<p>"));                                                              \
        pen_say(pen, which, __VA_ARGS__);                                                          \
        wr_put((pen)->w, STR("</p>\n"));                                                           \
    } while (0)
void pen_note(struct pen *p, enum word w); /* a paragraph in small type */

/* A chapter with its number and an anchor; ended by pen_end. */
void pen_chapter(struct pen *p, const char *anchor, enum word title);
void pen_end(struct pen *p);
void pen_heading(struct pen *p, enum word title);

/* A table: its head repeats on every printed page. kind: 'n' numbers, 't' text, 'b' a bar. */
struct column {
    enum word head;
    char kind;
};
void pen_table(struct pen *p, enum word caption, const struct column *columns, size_t n);
void pen_table_end(struct pen *p);
void cell_head(struct pen *p, struct str text); /* begins the row */
void cell_text(struct pen *p, struct str text);
void cell_n(struct pen *p, uint64_t n);
void cell_share(struct pen *p, uint64_t part, uint64_t whole); /* "12" and "(4 %)" */
void row_end(struct pen *p);

/* The chapters, in order. */
void page_head(struct pen *p);
void page_summary(struct pen *p);
void page_types(struct pen *p);
void page_places(struct pen *p);
void page_products(struct pen *p);
void page_access(struct pen *p);
void page_records(struct pen *p);
void page_clear(struct pen *p);
void page_segments(struct pen *p);
void page_trend(struct pen *p);
void page_todo(struct pen *p);
void page_risks(struct pen *p);
err_t page_inventory(struct pen *p) MUST_CHECK;
void page_method(struct pen *p);
void page_foot(struct pen *p);

/* Shared: "Studies: 14 % more than the survey before", in words. */
void say_trend(struct pen *p);
/* The kinds worth telling the director, in order; how many. */
size_t first_things(const struct report *r, size_t *ret, size_t cap);

#endif
