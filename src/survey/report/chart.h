/* Charts as inline SVG, drawn by us: no script, nothing fetched, legible in grey. Each carries a
 * title and a description for those who cannot see it, and its figures stand in a table beside it.
 */
#ifndef LASTRA_SURVEY_REPORT_CHART_H
#define LASTRA_SURVEY_REPORT_CHART_H

#include "survey/report/pen.h"

enum { CHART_BARS = 24, CHART_PARTS = 4 };

struct bar {
    struct str label;
    uint64_t whole, part; /* part is drawn dark over the whole */
};
/* Horizontal bars, the whole light and the part dark, with figures. */
void chart_bars(struct pen *p, enum word title, enum word whole, enum word part,
                const struct bar *bars, size_t n);

struct stack {
    struct str label;
    uint64_t parts[CHART_PARTS];
};
/* Horizontal bars of the same length cut into shares; `names` for the legend. */
void chart_stacks(struct pen *p, enum word title, const enum word names[CHART_PARTS],
                  const struct stack *stacks, size_t n);

/* One tile a country, the darker the more systems. */
void chart_world(struct pen *p, const struct tally *countries);

/* Lines over the surveys. */
void chart_trend(struct pen *p, const struct point *points, size_t n);

/* A bar in a table's cell. */
void cell_bar(struct pen *p, uint64_t value, uint64_t most);

#endif
