/* One system then and now. Nobody outside this folder includes it. */
#ifndef LASTRA_SURVEY_INVENTORY_DIFF_SYSTEM_H
#define LASTRA_SURVEY_INVENTORY_DIFF_SYSTEM_H

#include "survey/inventory/diff.h"

/* A system with its findings, in an arena of its host. */
struct found {
    struct system system;
    struct finding *findings;
    size_t n;
    bool matched;
};

/* Where rows go: counted, and told when there is somebody to tell. */
struct teller {
    err_t (*each)(void *ctx, const struct diff_row *r);
    void *ctx;
    struct diff_sum *sum;
};
err_t teller_row(struct teller *t, const struct diff_row *r) MUST_CHECK;

/* "PACS or VNA, Orthanc 1.12.6, 4242/dicom", for rows of whole systems. */
struct wr;
void system_words(const struct system *s, struct wr *w);

/* fixed, worse and changed of two that are the same system. */
err_t diff_pair(struct teller *t, const struct found *before, const struct found *after) MUST_CHECK;

#endif
