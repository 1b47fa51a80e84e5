/* Evidence: what is known of an endpoint (an address and a port; port 0 is the host itself), as a
 * set of facts, each with its kind, its value as text and who says so. The kinds stand in
 * evidence.def.
 *
 * Values come from strangers. evidence_add makes them well-formed UTF-8 without control characters
 * and cuts them to the kind's cap; RAW kinds keep their bytes. They may still hold markup: whoever
 * shows them escapes (report/html.h, base/json.h, wr_printable). */
#ifndef LASTRA_SURVEY_CORE_EVIDENCE_H
#define LASTRA_SURVEY_CORE_EVIDENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/wr.h"

enum ev_kind {
    EV_NONE = 0,
#define FACT(number, id, many, cap, help) EV_##id = number,
#define RAW(number, id, cap, help) EV_##id = number,
#include "survey/core/evidence.def"
#undef FACT
#undef RAW
    EV_KINDS = 256
};

/* Who says so, weakest first: a fact of ONE value gives way to an equal or a stronger one. */
enum ev_by {
    BY_NOBODY,
    BY_ENGINE,  /* a search engine's or another scanner's export */
    BY_SITE,    /* the site's own inventory */
    BY_TRAFFIC, /* a capture */
    BY_PROBE,   /* our own connection */
    BY_COUNT
};

struct fact {
    enum ev_kind kind;
    enum ev_by by;
    struct str value;
};

/* Facts of one endpoint, and of one kind. They are plenty; what is past them is dropped and `full`
 * says so. */
enum { FACTS_MAX = 200, FACTS_KIND_MAX = 128 };
struct evidence {
    struct arena *arena; /* of the values that had to be copied */
    struct fact facts[FACTS_MAX];
    size_t n;
    bool full;
};

/* Empty; values are views where they can be, copies in the arena where they had to be changed.
 * Bytes given to evidence_add must live as long as the set (evidence_keep copies them). */
void evidence_init(struct evidence *e, struct arena *a);

/* Adds a fact, or strengthens the same one. A ONE kind keeps a stronger party's value. A value with
 * nothing in it but space is no fact and adds nothing. E_NOMEM. */
err_t evidence_add(struct evidence *e, enum ev_by by, enum ev_kind kind,
                   struct str value) MUST_CHECK;
err_t evidence_addf(struct evidence *e, enum ev_by by, enum ev_kind kind, const char *fmt,
                    ...) MUST_CHECK PRINTF_LIKE(4, 5);
/* The same with a copy of the value. */
err_t evidence_keep(struct evidence *e, enum ev_by by, enum ev_kind kind,
                    struct str value) MUST_CHECK;

/* For COUNTED kinds, whose value is "NAME COUNT": adds to the count of that name. Takes memory of
 * the arena each time: sum up before. */
err_t evidence_count(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str name,
                     uint64_t count) MUST_CHECK;

/* The value of the first fact of a kind; p is NULL when there is none. */
struct str evidence_get(const struct evidence *e, enum ev_kind kind);
bool evidence_is(const struct evidence *e, enum ev_kind kind, struct str value);
/* The next fact of a kind from index *i on; NULL at the end. `size_t i = 0; while ((f = ...))` */
const struct fact *evidence_next(const struct evidence *e, enum ev_kind kind, size_t *i);

/* Everything of `from` added to `to`: newer facts of equal standing win. Values are views of
 * from's. */
err_t evidence_merge(struct evidence *to, const struct evidence *from) MUST_CHECK;

/* As bytes for the inventory, RAW facts left out, in one order whatever the order they came in:
 * equal sets give equal bytes. Parse: into an initialised set, whose facts are dropped before;
 * views into `bytes`; hostile all the same (E_DAMAGED: unknown kinds, text that evidence_add would
 * not have let in, another order). */
void evidence_write(const struct evidence *e, struct wr *w);
err_t evidence_parse(struct str bytes, struct evidence *ret) MUST_CHECK;

/* Tables. */
struct str ev_name(enum ev_kind kind); /* "dicom_class_uid"; empty for no kind */
struct str ev_help(enum ev_kind kind);
bool ev_is_raw(enum ev_kind kind);
bool ev_is_many(enum ev_kind kind); /* MANY or COUNTED */
bool ev_is_counted(enum ev_kind kind);
size_t ev_cap(enum ev_kind kind); /* the longest value; 0 for no kind */
/* EV_NONE for an unknown name. */
enum ev_kind ev_by_name(struct str name);
struct str ev_by_text(enum ev_by by); /* "probe", "traffic", "site", "search engine" */

#endif
