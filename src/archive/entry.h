/* What the index is told of one object: made of its header part on the thread that takes it in,
 * applied (rows.h) on the committer's. */
#ifndef LASTRA_ARCHIVE_ENTRY_H
#define LASTRA_ARCHIVE_ENTRY_H

#include "archive/uid.h"
#include "dicom/charset.h"
#include "dicom/dataset.h"
#include "store/pack.h"

enum { ENTRY_TEXT_MAX = 1024, ENTRY_ABSENT = -1 };

enum entry_text {
    ENTRY_PATIENT_ID,
    ENTRY_ISSUER,
    ENTRY_APART,   /* tells patients without an id apart: folded name and birth date */
    ENTRY_NAMES,   /* folded component groups separated by '=' */
    ENTRY_PATIENT, /* extra value of the level */
    ENTRY_ACCESSION,
    ENTRY_STUDY,
    ENTRY_MODALITY,
    ENTRY_EQUIPMENT,
    ENTRY_SERIES,
    ENTRY_SOP_CLASS, /* UIDs as text */
    ENTRY_SYNTAX,
    ENTRY_SOP_UID,
    ENTRY_STUDY_UID,
    ENTRY_SERIES_UID,
    ENTRY_TEXTS
};

enum entry_number {
    ENTRY_STUDY_DATE, /* yyyymmdd */
    ENTRY_STUDY_TIME, /* seconds */
    ENTRY_SERIES_NUMBER,
    ENTRY_NUMBER,
    ENTRY_ROWS,
    ENTRY_COLUMNS,
    ENTRY_FRAMES,
    ENTRY_NUMBERS
};

struct entry {
    struct str text[ENTRY_TEXTS];
    int64_t number[ENTRY_NUMBERS];
    bool has[ENTRY_NUMBERS];
    uint64_t size; /* data set bytes */
    struct pack_info info;
};

/* Text points into the arena or the data set; info and size are the caller's to set. conv may be
 * NULL. */
err_t entry_of(const struct dcm_ds *ds, struct str transfer_syntax, struct charset_conv *conv,
               struct arena *a, struct entry *ret) MUST_CHECK;

/* The component groups of a name as they are searched: folded, separated by '='; at most three
 * times as long as the name's first ENTRY_TEXT_MAX bytes. */
void entry_fold_names(struct str name, struct wr *w);

/* A copy in one piece of heap, released by free(). NULL when out of memory. */
struct entry *entry_dup(const struct entry *e);

#endif
