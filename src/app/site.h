/* What the verbs of `lastra survey` have in common: a survey folder opened, its survey chosen, what
 * conclusions need (advisories, policy, countries) loaded when they are drawn, reports written.
 *
 * Besides the options, these are taken from the folder when they are there: SITE/advisories (a file
 * or folder of downloads), SITE/policy.conf, SITE/geo.mmdb. */
#ifndef LASTRA_APP_SITE_H
#define LASTRA_APP_SITE_H

#include "app/cmd.h"
#include "app/data.h"
#include "io/progress.h"
#include "survey/assess/assess.h"
#include "survey/inventory/inventory.h"
#include "survey/inventory/journal.h"

/* The first options of each verb that brings something in or writes a report, by their places. */
enum {
    SITE_SURVEY,
    SITE_QUIET,
    SITE_ADVISORIES,
    SITE_POLICY,
    SITE_GEO,
    SITE_OUT,
    SITE_PDF,
    SITE_JSON,
    SITE_CSV,
    SITE_CSV_FINDINGS,
    SITE_SARIF,
    SITE_LANGUAGE,
    SITE_REDACT,
    SITE_BEFORE,
    SITE_OTHER,
    SITE_TITLE,
    SITE_OPTIONS
};

/* clang-format off */
#define SITE_ROWS                                                                                  \
    [SITE_SURVEY] = {.name = "survey", .arg = "NAME",                                              \
                     .help = "which survey; a new name begins one (the newest, else today)"},      \
    [SITE_QUIET] = {.name = "quiet", .letter = 'q', .help = "no progress and no summary"},         \
    [SITE_ADVISORIES] = {.name = "advisories", .arg = "PATH", .type = CMD_LIST,                    \
        .help = "CSAF, NVD, CVE, KEV or OSV files, or a folder of them (SITE/advisories)"},        \
    [SITE_POLICY] = {.name = "policy", .arg = "FILE",                                              \
                     .help = "which zone may reach what in which (SITE/policy.conf)"},             \
    [SITE_GEO] = {.name = "geo", .arg = "FILE",                                                    \
                  .help = "country database in MaxMind's format (SITE/geo.mmdb)"},                 \
    [SITE_OUT] = {.name = "out", .letter = 'o', .arg = "FILE",                                     \
                  .help = "write the report as one HTML page"},                                    \
    [SITE_PDF] = {.name = "pdf", .arg = "FILE",                                                    \
                  .help = "the same as PDF, by a Chromium of this machine"},                       \
    [SITE_JSON] = {.name = "json", .arg = "FILE", .help = "write the report as JSON"},             \
    [SITE_CSV] = {.name = "csv", .arg = "FILE", .help = "write the systems, one a line"},          \
    [SITE_CSV_FINDINGS] = {.name = "csv-findings", .arg = "FILE",                                  \
                           .help = "write the findings, one a line"},                              \
    [SITE_SARIF] = {.name = "sarif", .arg = "FILE", .help = "write the findings as SARIF 2.1.0"},  \
    [SITE_LANGUAGE] = {.name = "language", .letter = 'l', .arg = "LANG",                           \
                       .help = "of the report: en or it (en)"},                                    \
    [SITE_REDACT] = {.name = "redact",                                                             \
                     .help = "no address, name, site or owner in it: a report to be shared"},      \
    [SITE_BEFORE] = {.name = "before", .arg = "NAME",                                              \
                     .help = "the survey to compare with (the one before)"},                       \
    [SITE_OTHER] = {.name = "other", .arg = "SITE",                                                \
                    .help = "the survey folder that --before is in"},                              \
    [SITE_TITLE] = {.name = "title", .arg = "TEXT", .help = "of the report"}
/* clang-format on */

struct site {
    const struct cmd_args *args;
    const char *path;
    struct inventory *inventory;
    struct journal *journal;
    struct survey survey;
    struct progress progress;
    char today[11]; /* YYYY-MM-DD */
    bool quiet;
};

/* Opens the folder (INVENTORY_CREATE makes it and says where its key is) and, unless looking, its
 * journal. Chooses no survey yet. After a failure nothing is open. */
err_t site_open(struct site *s, const struct cmd_args *a, enum inventory_mode mode,
                struct diag *d) MUST_CHECK;
void site_close(struct site *s);

/* YYYY-MM-DD, UTC. */
void site_today(char today[11]);

/* Another survey folder, for looking. */
err_t site_other(struct str path, struct inventory **ret, struct diag *d) MUST_CHECK;

/* The survey that --survey names: make: begun when it is not there. */
err_t site_survey(struct site *s, bool make, struct diag *d) MUST_CHECK;

/* Draws the conclusions of the chosen survey. always: also when they are up to date. */
err_t site_conclude(struct site *s, bool always, struct diag *d) MUST_CHECK;

/* Whether any option asks for a report. */
bool site_wants_report(const struct cmd_args *a);
/* Writes what the options ask for; the screenful to standard output when text is set. */
err_t site_report(struct site *s, bool text, struct diag *d) MUST_CHECK;

/* A line in the journal: what, and pairs of name and value. */
#define SITE_NOTE(site, what, ...)                                                                 \
    journal_note((site)->journal, (what), (const struct str[]){__VA_ARGS__},                       \
                 COUNT(((const struct str[]){__VA_ARGS__})))

/* "2/4" into 1 of 4 (from 0). E_USAGE. */
err_t site_shard(struct str text, unsigned *ret_shard, unsigned *ret_shards,
                 struct diag *d) MUST_CHECK;

/* The verbs, each a run function of struct cmd. */
err_t survey_import(const struct cmd_args *a, struct diag *d);
err_t survey_capture(const struct cmd_args *a, struct diag *d);
err_t survey_probe(const struct cmd_args *a, struct diag *d);
err_t survey_hosts(const struct cmd_args *a, struct diag *d);
err_t survey_report(const struct cmd_args *a, struct diag *d);
err_t survey_diff(const struct cmd_args *a, struct diag *d);
err_t survey_merge(const struct cmd_args *a, struct diag *d);
err_t survey_accept(const struct cmd_args *a, struct diag *d);
err_t survey_accepted(const struct cmd_args *a, struct diag *d);
err_t survey_evidence(const struct cmd_args *a, struct diag *d);
err_t survey_list(const struct cmd_args *a, struct diag *d);
err_t survey_journal(const struct cmd_args *a, struct diag *d);

/* Their own options. */
enum { IMPORT_FORMAT = SITE_OPTIONS, IMPORT_SHARD, IMPORT_END };
enum { CAPTURE_INTERFACE = SITE_OPTIONS, CAPTURE_FOR, CAPTURE_FROM, CAPTURE_END };
enum {
    PROBE_SCOPE = SITE_OPTIONS,
    PROBE_DRY_RUN,
    PROBE_SURFACE,
    PROBE_COUNT,
    PROBE_RATE,
    PROBE_UNLIMITED,
    PROBE_FROM,
    PROBE_SHARD,
    PROBE_STOP_FILE,
    PROBE_AET,
    PROBE_CALLED,
    PROBE_END
};
enum { REPORT_AGAIN = SITE_OPTIONS, REPORT_END };
enum { DIFF_SURVEY, DIFF_BEFORE, DIFF_OTHER, DIFF_JSON };
enum { MERGE_SURVEY, MERGE_FROM };
enum { ACCEPT_WHERE, ACCEPT_CVE, ACCEPT_OWNER, ACCEPT_WHY, ACCEPT_UNTIL, ACCEPT_WITHDRAW };
enum { LIST_JSON };
enum { EVIDENCE_SURVEY, EVIDENCE_JSON };

#endif
