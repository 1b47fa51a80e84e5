/* Attribute matching of PS3.4 C.2.2.2 as pure functions over values: a key is compiled once, then
 * tested against any number of values. What the index's SQL can use to narrow the rows (bounds,
 * prefix, runs for a trigram index) stands in the compiled key; match_test has the last word.
 *
 *     struct match *m;
 *     TRY(match_compile(arena, VR('P','N'), STR("yamada*"), (struct match_options){0}, &m, d));
 *     match_test(m, STR("Yamada^Tarou=山田^太郎"))  // true
 */
#ifndef LASTRA_DICOM_MATCH_H
#define LASTRA_DICOM_MATCH_H

#include "base/arena.h"
#include "dicom/charset.h"
#include "dicom/dataset.h"
#include "dicom/datetime.h"
#include "dicom/pn.h"

enum {
    MATCH_KEY_MAX = 1024,   /* characters of one value of a text key */
    MATCH_UIDS_MAX = 65536, /* in a list of UID, which is sorted */
    MATCH_VALUES_MAX = 256, /* in a list of another VR */
    MATCH_RUNS_MAX = 4,     /* literal runs that are told */
    MATCH_ITEMS_MAX = 64,   /* sequence keys in an identifier, nested ones included */
    MATCH_DEPTH_MAX = 4,    /* sequences in sequences in a key */
};

enum match_kind {
    MATCH_UNIVERSAL, /* everything, absent and empty values too */
    MATCH_EMPTY,     /* only absent and empty values: the key "" in quotation marks */
    MATCH_TEXT,      /* equal text (after folding, where `folded`) */
    MATCH_WILDCARD,
    MATCH_RANGE, /* DA, TM, DT: also for a single value; the bounds are in `span` */
    MATCH_NUMBER,
};

struct match_options {
    bool fold;  /* ignore case and accents also where the standard is exact; PN always does */
    bool empty; /* the key "" (two quotation marks) means empty (C.2.2.2.7, negotiated) */
    int zone;   /* minutes east of UTC for DT without a zone */
};

/* A bit-parallel pattern; opaque. */
struct match_nfa;

/* One alternative of a key. Text is trimmed as its VR asks and folded where the key is. */
struct match_value {
    enum match_kind kind;
    struct str text;   /* TEXT and WILDCARD: the key as it is compared; for PN canonical (pn.h) */
    struct str prefix; /* TEXT and WILDCARD: every match begins with this; of PN with n_groups 1:
                          some group of every match does */
    struct str runs[MATCH_RUNS_MAX]; /* WILDCARD: literal runs of >= 3 characters, longest first */
    size_t n_runs;
    bool prefix_only; /* WILDCARD: "prefix*" and nothing else: the prefix decides */
    struct dt_span span;
    double number;
    struct match_nfa *nfa[PN_GROUPS]; /* WILDCARD: of each component group for PN, else [0] */
    struct str group[PN_GROUPS];      /* PN: the groups of `text`; an empty one says nothing */
    unsigned n_groups;                /* PN: 1: the text may match any group */
};

struct match {
    vr_t vr;
    enum match_kind kind; /* of all alternatives */
    bool folded;          /* compares folded text: narrow on the folded column */
    int zone;             /* minutes east of UTC for DT without a zone */
    size_t n;             /* alternatives: at least 1, but 0 for UNIVERSAL and EMPTY */
    struct match_value *values;
};

/* Compiles a key's value (UTF-8, padded or not). A backslash separates alternatives in every VR
 * that can have several values (lists of UID, and C.2.2.2.8), empty ones say nothing. E_MALFORMED:
 * not a value of this VR (a date that is none); E_UNSUPPORTED: a VR that is not matched by value
 * (SQ, OB); E_LIMIT: longer than a key may be; E_NOMEM. */
err_t match_compile(struct arena *a, vr_t vr, struct str key, struct match_options options,
                    struct match **ret, struct diag *d) MUST_CHECK;

/* Whether an attribute with this value (UTF-8; several separated by '\\'; folded or as it stood)
 * matches: one of its values matches one of the key's. An absent attribute is the empty value. A
 * date or time that stands for a span counts by its first moment. Time: linear in the value for
 * keys of up to 63 characters, and at most 17 times that. */
bool match_test(const struct match *m, struct str value);

/* The same for a date, time or datetime that the caller has as an integer already (RANGE only): its
 * first moment counts, as in match_test. */
bool match_test_moment(const struct match *m, int64_t value);

/* Matching of whole items, for sequence keys (PS3.4 C.2.2.2.6) and for what is not indexed. */
struct match_item;

/* Compiles every key of an identifier or of a sequence's item. Specific Character Set, Query
 * Retrieve Level, group lengths and timezone are no keys. A sequence key without items, or whose
 * item's keys are all universal, is universal, and so is a key of a VR that is not matched; of
 * several items in a key the first counts. Candidates are matched by the VRs of the keys. */
err_t match_item_compile(struct arena *a, struct charset_conv *conv, const struct dcm_ds *keys,
                         struct match_options options, struct match_item **ret,
                         struct diag *d) MUST_CHECK;

/* How many keys it has that are not universal. */
size_t match_item_keys(const struct match_item *m);

/* Whether a data set matches all keys; a sequence matches when one of its items matches all of the
 * key's. `scratch` holds converted text and can be reset afterwards; when it is full nothing
 * matches. */
bool match_item_test(const struct match_item *m, struct charset_conv *conv, const struct dcm_ds *ds,
                     struct arena *scratch);

#endif
