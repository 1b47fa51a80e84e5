/* Records in JSON as a table of wanted fields. A format says where its records stand, which of
 * their values it wants under which number, and what to do with a record that is whole; perhaps
 * also where the parts of a record (services of a host) stand. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_RECORD_H
#define LASTRA_SURVEY_SOURCE_IMPORT_RECORD_H

#include "survey/core/jsonin.h"
#include "survey/source/import/importer.h"

enum { FIELDS_ONE = 64, FIELDS_LIST = 256 };

/* How a path is taken: its value in `one`; each value as a row of `list`; the names of what is
 * directly below it, whatever they hold, as rows; or name and value of those that are scalars. */
enum field_how { TAKE_ONE, TAKE_LIST, TAKE_NAMES, TAKE_PAIRS };

struct field {
    const char *path; /* json_path() from the record's (or the part's) beginning */
    enum field_how how;
    uint8_t id; /* the format's number, below FIELDS_ONE */
};

struct field_row {
    uint8_t id;
    struct str name; /* TAKE_PAIRS, TAKE_NAMES */
    struct str value;
};

/* What was there. Strings; numbers and truth as text; null is absent. */
struct fields {
    struct str one[FIELDS_ONE];
    struct field_row list[FIELDS_LIST]; /* more are not kept */
    size_t n;
    struct str name; /* of the object itself in what holds it */
};

struct record_level {
    const char *const *roots; /* paths of the objects, NULL at the end; "" is the document */
    const struct field *fields;
    size_t n;
    /* The object is whole. E_MALFORMED with the reason in d: the record is bad. Of a part, the
     * record is not whole yet: `record` is what came of it before. Unset for the record itself: the
     * sink is told by `done` alone. */
    err_t (*done)(struct importer_sink *s, const struct fields *record, const struct fields *part,
                  struct diag *d);
};

struct record_format {
    struct record_level record;
    struct record_level part; /* roots NULL: none */
    const char *closing;      /* what a last line that is no record begins with; NULL: none */
};

/* Of importers whose format is a record_format. A line may be an element of an array: '[' and ','
 * before it, ',' and ']' behind it do not count. */
extern const struct import_reader record_reader;
/* `done` of a record that tells an address, its field 0, and nothing else of the host. */
err_t record_is_host(struct importer_sink *s, const struct fields *record,
                     const struct fields *part, struct diag *d) MUST_CHECK;

/* A field that is evidence as it stands. */
struct field_fact {
    uint8_t id;
    enum ev_kind kind;
};
/* Of `one`. */
err_t fields_add(struct evidence *e, const struct fields *f, const struct field_fact *facts,
                 size_t n) MUST_CHECK;
/* Of `list`, each row. */
err_t fields_add_rows(struct evidence *e, const struct fields *f, const struct field_fact *facts,
                      size_t n) MUST_CHECK;

/* Whether the first line that holds anything is one object, perhaps an array's element. */
bool record_by_line(struct str head);

#endif
