/* The page's style sheet: A4 on paper, calm on a screen, legible in grey. */
#ifndef LASTRA_SURVEY_REPORT_PAGE_STYLE_H
#define LASTRA_SURVEY_REPORT_PAGE_STYLE_H

extern const char *const page_style[]; /* pieces; NULL at the end */

#endif
