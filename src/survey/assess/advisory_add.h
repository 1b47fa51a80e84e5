/* Inside of assess only: how readers of advisory formats hand their records over. */
#ifndef LASTRA_SURVEY_ASSESS_ADVISORY_ADD_H
#define LASTRA_SURVEY_ASSESS_ADVISORY_ADD_H

#include "base/arena.h"
#include "base/wr.h"
#include "survey/assess/advisory.h"
#include "survey/core/jsonin.h"

enum {
    ADVISORY_ROWS_MAX = 100000,
    ADVISORY_STRANGERS_MAX = 60000, /* past it, of general feeds only makers we know */
    ADVISORY_TEXT_MAX = 22 << 20,   /* bytes of text in all */
    ADVISORY_RECORD_MAX = 24 << 20, /* what one record (a CSAF document) may need while read */
    ADVISORY_NOTE_MAX = 200,
    ADVISORY_RANGE_MAX = 1500, /* longer lists of versions become several rows */
};

/* A row, copied. general: of a feed about all software in the world. E_LIMIT past the caps. */
err_t advisories_add(struct advisories *a, const struct advisory *in, bool general,
                     struct advisory_sum *sum) MUST_CHECK;
/* A CVE that is known to be exploited. */
err_t advisories_exploited(struct advisories *a, struct str cve) MUST_CHECK;

/* A place in a document that a format's reader wants to hear of: json_path() syntax. */
struct json_field {
    const char *path;
    int id;
    bool object; /* an object there is told by open and close; a scalar there is passed over */
};

/* What a reader works with; `state` is its own, zeroed at each record's beginning. */
struct advisory_read {
    struct advisories *advisories;
    struct advisory_sum *sum;
    struct arena arena; /* of the record being read */
    void *state;
};

/* One format. Fields of one document may stand inside an array as well. A record ends where the
 * container `record` closes ("" : the document); its error E_LIMIT or E_MALFORMED costs the record
 * only. */
struct advisory_format {
    const char *name;
    /* A text of this format holds both words of one of these rows, or its only one. */
    const char *marks[3][2];
    const char *record;
    size_t state_size;
    const struct json_field *fields;
    size_t n_fields;
    err_t (*value)(struct advisory_read *r, int id, struct str text);
    err_t (*open)(struct advisory_read *r, int id);  /* may be NULL */
    err_t (*close)(struct advisory_read *r, int id); /* may be NULL */
    err_t (*end)(struct advisory_read *r);           /* the record is whole */
};
extern const struct advisory_format advisory_csaf, advisory_nvd, advisory_cve5, advisory_kev,
    advisory_osv;

/* Whether the text holds the name as a JSON name or value: "csaf_version". */
bool advisory_says(struct str head, const char *name);
/* "9.8" to 98; -1. */
int advisory_cvss(struct str text);
/* The base score of a CVSS 3.x vector, times 10; -1. */
int advisory_cvss_vector(struct str vector);

/* A text that is kept with the record; E_LIMIT. */
err_t advisory_keep(struct advisory_read *r, struct str text, struct str *ret) MUST_CHECK;

/* A list that grows in the record's arena. The next row, zeroed; NULL: no room, or `max` reached.
 * rows of one list are all of one size. */
struct advisory_list {
    void *rows;
    size_t n, cap;
};
void *advisory_next(struct advisory_read *r, struct advisory_list *l, size_t max, size_t size);

/* Of several scores in a record, that of the best kind: the one with the least number, above 0. */
struct advisory_score {
    int value, kind; /* value times 10; kind 0: none yet */
};
void advisory_score(struct advisory_score *s, int kind, struct str text);

/* Joins ranges of one product: adds with " ; " between. */
struct range_text {
    char text[ADVISORY_RANGE_MAX];
    size_t n;
};
/* False when it does not fit any more: hand over what there is and begin anew. */
bool range_text_add(struct range_text *t, struct str range);

/* Ranges of affected products, one each, to rows with the ranges of a product joined. */
struct one_range {
    uint32_t vuln; /* a record may be about several */
    size_t order;  /* as they came */
    struct str vendor, product, range;
};
/* Orders them and calls for each product of each vuln with its ranges; more than once where they
 * are too long for one row. */
typedef err_t one_range_call(struct advisory_read *r, const struct one_range *of,
                             struct str ranges);
err_t advisory_join(struct advisory_read *r, struct one_range *rows, size_t n,
                    one_range_call *each) MUST_CHECK;

/* From lower and upper bounds, any of which may be empty: ">=1|<2", "*". */
struct range_bounds {
    struct str from, after, before, through;
};
struct str range_of_bounds(const struct range_bounds *b, char *buf, size_t cap);

/* Reads one document or many from a stream of blocks; for files and for fuzzing. */
struct advisory_stream;
err_t advisory_stream_new(struct advisories *a, const struct advisory_format *f,
                          struct advisory_sum *sum, struct advisory_stream **ret) MUST_CHECK;
err_t advisory_stream_feed(struct advisory_stream *s, struct str bytes, struct diag *d) MUST_CHECK;
err_t advisory_stream_end(struct advisory_stream *s, struct diag *d) MUST_CHECK;
void advisory_stream_free(struct advisory_stream *s);
/* The format of a text by its first bytes; NULL. */
const struct advisory_format *advisory_format_of(struct str head);
/* advisories_new with another table in place of ours: its columns are cve, vendor, product, range,
 * fixed, cvss, cvss_source, advisory, kev, category, note, behind a line of their names. */
err_t advisories_parse(struct str table, struct advisories **ret, struct diag *d) MUST_CHECK;
/* Ready for looking up: called when something was added. */
err_t advisories_ready(struct advisories *a) MUST_CHECK;

#endif
