/* The attributes that the index knows, from the table attrs.def: at which level each stands and
 * where its value is kept. Ingest, query and the conformance statement all read this table. */
#ifndef LASTRA_ARCHIVE_ATTRS_H
#define LASTRA_ARCHIVE_ATTRS_H

#include "dicom/tags.h"
#include "dicom/types.h"

/* The levels of the query/retrieve models (PS3.4 C.6). */
enum level { LEVEL_PATIENT, LEVEL_STUDY, LEVEL_SERIES, LEVEL_IMAGE, LEVELS };

enum attr_place {
    ATTR_EXTRA,     /* in the level's extra value (extra.h), under the code */
    ATTR_EQUIPMENT, /* in the series' equipment row, under the code */
    ATTR_COLUMN,    /* a column or computed; under the code where the column cannot say it as it
                       stood (a study date of the old form) */
};

enum attr_column {
    COLUMN_NONE,
    COLUMN_PATIENT_ID,
    COLUMN_ISSUER,
    COLUMN_PATIENT_STUDIES,
    COLUMN_PATIENT_SERIES,
    COLUMN_PATIENT_INSTANCES,
    COLUMN_STUDY_UID,
    COLUMN_STUDY_DATE,
    COLUMN_STUDY_TIME,
    COLUMN_ACCESSION,
    COLUMN_MODALITIES,
    COLUMN_CLASSES,
    COLUMN_STUDY_SERIES,
    COLUMN_STUDY_INSTANCES,
    COLUMN_SERIES_UID,
    COLUMN_MODALITY,
    COLUMN_SERIES_NUMBER,
    COLUMN_SERIES_INSTANCES,
    COLUMN_SOP_UID,
    COLUMN_SOP_CLASS,
    COLUMN_SYNTAX,
    COLUMN_NUMBER,
    COLUMN_ROWS,
    COLUMN_COLUMNS,
    COLUMN_FRAMES,
};

struct attr {
    tag_t tag;
    vr_t vr;
    uint8_t level;  /* enum level */
    uint8_t place;  /* enum attr_place */
    uint8_t code;   /* on disk: never reused; 0: none */
    uint8_t column; /* enum attr_column */
};

/* NULL when the index does not know it. */
const struct attr *attr_find(tag_t tag);

/* By place; NULL past the end. */
const struct attr *attr_at(size_t i);

#endif
