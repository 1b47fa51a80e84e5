/* What the facts of an endpoint, or of several, point to: rows of the table that they match, which
 * protocols were spoken, which DICOM services are served. No conclusion yet (judge.h). */
#ifndef LASTRA_SURVEY_IDENTIFY_CLUES_H
#define LASTRA_SURVEY_IDENTIFY_CLUES_H

#include "survey/identify/fingerprint.h"

/* How much a clue weighs: one WEAK names nothing, two do, or one NAMES. */
enum points {
    POINTS_weak = 1,
    POINTS_names = 2,
    POINTS_medium = 3,
    POINTS_site = 4,
    POINTS_high = 6
};

struct clue {
    const struct fingerprint *fp;
    const struct fact *fact;
    struct str version;
    unsigned points;
};

enum spoken {
    SPOKEN_dicom = 1,
    SPOKEN_hl7 = 2,
    SPOKEN_http = 4,
    SPOKEN_fhir = 8,
    SPOKEN_tls = 16,
    SPOKEN_open = 32,  /* something answered */
    SPOKEN_caller = 64 /* it was seen calling others by DICOM */
};

enum serves {
    SERVES_query = 1,
    SERVES_retrieve = 2,
    SERVES_store = 4,
    SERVES_print = 8,
    SERVES_worklist = 16,
    SERVES_web = 32 /* DICOMweb answers an unknown caller */
};

enum { CLUES_MAX = 96, SHOWN_BITS = 8 };

struct clues {
    struct clue *at; /* in the arena */
    size_t n, cap;
    unsigned spoken, serves; /* bits of enum spoken, enum serves */
    /* A fact that shows the bit of that place; NULL: the bit is not set. */
    const struct fact *spoke[SHOWN_BITS], *served[SHOWN_BITS];
    /* What the site's own inventory says, and the calling AE title; NULL: nothing. */
    const struct fact *role, *maker, *model, *version, *caller;
};

/* Room for as many clues, CLUES_MAX at most; further ones are passed over. */
err_t clues_init(struct clues *c, size_t cap, struct arena *a) MUST_CHECK;
/* Adds what the facts of an endpoint point to. */
void clues_look(struct clues *c, struct fp_matcher *m, const struct evidence *e, struct arena *a);
void clues_join(struct clues *to, const struct clues *from);

/* "dicom_class_uid 1.2.3 (fp001)" into w, cut to a readable length. fp may be NULL. */
struct wr;
void clue_text(struct wr *w, const struct fact *f, const struct fingerprint *fp);

#endif
