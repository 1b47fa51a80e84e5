/* Inside of the report: everything that was counted, and how a system is told of. Each count is
 * defined in docs/manual/survey-report.md. */
#ifndef LASTRA_SURVEY_REPORT_COUNTS_H
#define LASTRA_SURVEY_REPORT_COUNTS_H

#include "io/thread.h"
#include "survey/inventory/diff.h"
#include "survey/inventory/journal.h"
#include "survey/report/report.h"
#include "survey/report/tally.h"

/* Who is let in: no, yes, not known; of systems that speak what it is asked of. */
enum access { A_calling, A_called, A_query, A_retrieve, A_store, A_print, A_web, ACCESSES };
enum { TERNARY_no, TERNARY_yes, TERNARY_unknown, TERNARIES };

struct totals {
    uint64_t n[COUNTERS];                  /* without suspected honeypots */
    uint64_t hosts, honeypots, stale, web; /* hosts: addresses with a medical system */
    uint64_t findings, accepted, by_severity[SEV_COUNT];
    uint64_t vulns, vulns_severe, vulns_unscored; /* one a system and CVE, strict and component */
    uint64_t component_only, asserted_only; /* of those that no stronger match names */
    uint64_t access[ACCESSES][TERNARIES];
    uint64_t archives, archives_counted, studies, images, images_counted;
    uint64_t clear_systems, clear_objects, clear_values; /* patient data seen in clear */
    uint64_t levels[VER_version + 1];
    uint64_t ten_systems, ten_any, ten_strict; /* the ten most frequent types together */
};

struct type_row {
    enum sys_type type;
    uint64_t n[COUNTERS], levels[VER_version + 1];
};

enum { EXAMPLES_MAX = 8 };
struct example {
    uint64_t seq;
    struct ip ip;
    uint16_t port;
};
/* One kind of finding. systems, examples: of those that are not accepted. */
struct kind_row {
    const struct finding_kind *kind; /* NULL: a kind that the table does not have (any longer) */
    uint64_t findings, systems, accepted, seq_open;
    enum severity worst;
    struct example examples[EXAMPLES_MAX];
    size_t n_examples;
};

struct violation {
    struct example where;
    enum severity severity;
    bool accepted;
    struct str evidence;
};

enum {
    INVENTORY_ROWS = 300, /* of the inventory table; the CSV has all */
    VIOLATION_ROWS = 25,
    POINTS_MAX = 12,
    RUNS_MAX = 60,
    RISKS_MAX = 200,
    SYSTEM_ADDRESSES_MAX = 1 << 20 /* 16 MiB: for the comparison of sources */
};

struct rank {
    uint32_t score;
    uint64_t seq;
};

struct point { /* one survey of the trend */
    struct str name, date;
    uint64_t systems, dicom, open, vulnerable;
};

struct run_row {
    struct str source, input, shard, note;
    int64_t began_us, ended_us;
    uint64_t records, bad, packets, bytes_out;
    bool finished;
};

struct risk_row {
    struct str kind, cve, where, owner, why, until;
    bool expired;
};

/* Which sources told of the hosts with systems: index is a set of 1 << (by - 1). */
struct compared {
    uint64_t hosts[1 << (BY_COUNT - 1)];
    uint64_t site_unseen; /* hosts of the site's own inventory that nothing else told of */
    uint64_t looked;
};

enum flow_kind { FLOW_dicom, FLOW_hl7, FLOW_http, FLOW_fhir, FLOW_other, FLOW_KINDS };

enum { NOTE_owner, NOTE_scope, NOTE_permission, NOTE_vantage, NOTE_policy, NOTE_geo, NOTES };

struct report {
    struct inventory *v;
    struct survey survey, before;
    bool has_before;
    struct inventory *before_in;
    enum language language;
    bool redact;
    struct str title, today;
    const struct stop *stop;
    struct arena arena;
    struct str notes[NOTES];

    struct totals t;
    struct type_row types[TYPE_COUNT]; /* sorted, most first, once counted */
    struct tally countries, sites, zones, products, toolkits, fields, cves;
    struct kind_row *kinds; /* in the table's order, one more for what it lacks */
    size_t n_kinds;
    size_t *order; /* of kinds: what to do first */
    struct violation *violations;
    size_t n_violations;
    uint64_t violations_all;
    struct rank *ranks; /* worst first; a heap while counting */
    size_t n_ranks;
    struct point points[POINTS_MAX];
    size_t n_points;
    struct diff_sum diff;
    struct run_row *runs;
    size_t n_runs;
    uint64_t runs_all;
    struct risk_row *risks;
    size_t n_risks;
    uint64_t risks_all, risks_expired;
    struct compared compared;
    struct ip *addresses;
    size_t n_addresses, cap_addresses;
    uint64_t flows[FLOW_KINDS][2]; /* [1]: in clear */
    struct chain_report journal;
    err_t journal_state; /* of its verification */
    uint64_t flows_all;
    bool by_source[BY_COUNT]; /* any evidence of it */
};

/* What a system is worth counting as: 0 or 1 in each. */
void system_marks(const struct report *r, const struct system *s, const struct finding *f, size_t n,
                  uint8_t marks[COUNTERS]);
bool system_speaks(const struct system *s, const char *protocol);
/* How bad it is, for the order of the inventory table: severity, then openness. */
uint32_t system_score(const struct report *r, const struct system *s, const struct finding *f,
                      size_t n);
/* An accepted risk that has not run out covers it. */
bool finding_accepted(const struct report *r, const struct finding *f);
/* The next "NAME COUNT" of a list such as clear_fields. */
bool next_count(struct str *rest, struct str *ret_name, uint64_t *ret_count);

/* Three tiers of what to do: 0 first (critical, high), 1 next (medium), 2 then. */
enum { TIERS = 3 };
unsigned tier_of(enum severity s);

/* The other passes, each filling its part. */
err_t count_systems(struct report *r) MUST_CHECK;
err_t count_sources(struct report *r) MUST_CHECK; /* runs, flows, who told of what */
err_t count_trend(struct report *r, struct diag *d) MUST_CHECK;
err_t count_risks(struct report *r) MUST_CHECK;

/* How a system, and a place of the tables, is named: redacted or not. */
enum { NAME_MAX_TEXT = 112 };
enum place { PLACE_country, PLACE_site, PLACE_zone, PLACES };
struct str name_number(uint64_t seq, char buf[NAME_MAX_TEXT]); /* S-0001 */
struct str name_example(const struct report *r, const struct example *e, char buf[NAME_MAX_TEXT]);
struct str name_place(const struct report *r, enum place what, size_t i, struct str key,
                      char buf[NAME_MAX_TEXT]);
struct str name_survey(const struct report *r, const struct survey *s, char buf[NAME_MAX_TEXT]);
/* Text of a system that may be shown when redacting: empty when it holds one of the system's own
 * names or an address. */
struct str name_safe(const struct report *r, const struct system *s, struct str text);
/* "Vendor Product", without saying the vendor twice. */
struct str name_product(const struct answer *a, char buf[NAME_MAX_TEXT]);

/* The systems in address order, each with its number from 1; stops when the writer has latched or
 * the stop switch is set. */
struct walk {
    struct report *r;
    struct wr *w;
    uint64_t seq;
    err_t (*each)(struct walk *walk, const struct system *s, const struct finding *f, size_t n);
    void *ctx;
};
err_t walk_systems(struct walk *walk) MUST_CHECK;

#endif
