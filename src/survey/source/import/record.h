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
};

/* An importer's open calls this; close, line, block and end are these. A line may be an element of
 * an array: '[' and ',' before it, ',' and ']' behind it do not count. */
err_t record_open(const struct record_format *f, struct importer_sink *s, void **ret) MUST_CHECK;
void record_close(void *reader);
err_t record_line(void *reader, struct str line) MUST_CHECK;
err_t record_block(void *reader, struct str bytes, struct diag *d) MUST_CHECK;
err_t record_end(void *reader, struct diag *d) MUST_CHECK;

/* The first value of a list; p is NULL when there is none. */
struct str fields_first(const struct fields *f, uint8_t id);

/* Whether the first line that holds anything is one object, perhaps an array's element. */
bool record_by_line(struct str head);

#endif
