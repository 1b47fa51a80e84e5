/* Writing HTML: the one place where text from anywhere becomes part of a page. Markup is written by
 * us as literals; everything else goes through html_text or html_attr, which clean it
 * (report/clean.h) and escape it for where it stands. */
#ifndef LASTRA_SURVEY_REPORT_HTML_H
#define LASTRA_SURVEY_REPORT_HTML_H

#include "survey/report/clean.h"

/* Between tags, and in SVG text: & < > " ' as references. */
void html_text(struct wr *w, struct str s);
/* ` name="value"`; name is a literal of ours. */
void html_attr(struct wr *w, const char *name, struct str value);

/* <tag>text</tag>, with a class unless it is empty; tag and class are literals of ours. */
void html_element(struct wr *w, const char *tag, const char *class_name, struct str text);

/* A literal of ours, as it stands. */
#define html_raw(w, literal) wr_put((w), STR(literal))

#endif
