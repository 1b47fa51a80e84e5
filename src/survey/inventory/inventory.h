/* The inventory: what a site's surveys found, in one encrypted database with its history.
 *
 * A survey folder SITE holds
 *     SITE/inventory.db    SQLCipher, this module
 *     SITE/keys/           master key (store/keys.h), 0600 or under a passphrase
 *     SITE/journal/        what was sent and concluded, hash-chained (journal.h)
 *     SITE/lock            held by the process that works in it
 * and is made by the first command that names it. An inventory holds surveys by name ("2026-11-22",
 * "spring"); each is a snapshot of its own: endpoints with their evidence, flows, and what was
 * concluded (systems, findings). History is the comparison of snapshots.
 *
 * One process works in a folder at a time (E_BUSY); looking goes beside it and sees the inventory
 * of one moment, that of its opening. One thread uses an inventory at a time. The layout of files
 * and tables: docs/formats.md, "Survey folder". */
#ifndef LASTRA_SURVEY_INVENTORY_INVENTORY_H
#define LASTRA_SURVEY_INVENTORY_INVENTORY_H

#include "survey/core/evidence.h"
#include "survey/core/model.h"

struct inventory;

enum inventory_mode {
    INVENTORY_LOOK,
    INVENTORY_WORK,
    INVENTORY_CREATE /* work, made if not there */
};

/* path: the folder, NUL-terminated. E_NOTFOUND, E_DENIED (passphrase), E_BUSY. created may be NULL.
 */
err_t inventory_open(const char *path, enum inventory_mode mode, struct str passphrase,
                     struct inventory **ret, bool *ret_created, struct diag *d) MUST_CHECK;
void inventory_close(struct inventory *v);
/* The folder's descriptor and the key of its journal; the inventory's own. */
int inventory_dir(const struct inventory *v);
const struct key *inventory_chain_key(const struct inventory *v);
const struct diag *inventory_diag(const struct inventory *v);

/* Surveys, oldest first by `began`. */
struct survey {
    int64_t id;
    char name[65];
    int64_t began_us, changed_us;
    bool concluded; /* systems and findings are those of the evidence */
};
/* name empty: the newest survey; E_NOTFOUND. */
err_t inventory_find(struct inventory *v, struct str name, struct survey *ret) MUST_CHECK;
/* The same, made when it is not there (name empty and none there: today's date). 1 to 64 printable
 * characters: E_USAGE. */
err_t inventory_survey(struct inventory *v, struct str name, struct survey *ret,
                       struct diag *d) MUST_CHECK;
err_t inventory_surveys(struct inventory *v, err_t (*each)(void *ctx, const struct survey *s),
                        void *ctx) MUST_CHECK;

/* A run: one source reading one thing into one survey, so that it can be resumed. source: "import",
 * input: what it read (a path or label with its size), shard "1/4" or empty. A run of the same
 * source, input, shard and survey that was not finished is taken up again: ret->position says how
 * far the inventory holds it. */
struct run {
    int64_t id, survey;
    uint64_t position; /* the source's own measure: bytes, line, plan index */
    uint64_t records, bad, packets, bytes_out; /* so far */
    bool resumed, finished;
    bool again; /* an earlier run of the same source, input and shard was finished: a second look */
};
err_t inventory_run_begin(struct inventory *v, int64_t survey, struct str source, struct str input,
                          struct str shard, struct run *ret, struct diag *d) MUST_CHECK;
/* Everything put and touched since the last mark, and the run's figures, become durable together:
 * what a power cut or kill -9 leaves is the state of one mark. */
err_t inventory_run_mark(struct inventory *v, const struct run *r) MUST_CHECK;
/* The same, finished; note: a line for the report's method chapter ("12,000 records, 3 malformed").
 */
err_t inventory_run_end(struct inventory *v, const struct run *r, struct str note) MUST_CHECK;
struct run_info {
    struct str source, input, shard, note;
    int64_t began_us, ended_us; /* 0: not ended */
    struct run run;
};
err_t inventory_runs(struct inventory *v, int64_t survey,
                     err_t (*each)(void *ctx, const struct run_info *r), void *ctx) MUST_CHECK;

/* Adds evidence to the endpoint (ip, port; port 0: the host). Held in memory and written in sorted
 * batches; durable at the run's next mark, which this does itself when the batch is full. e's
 * values need not outlive the call. when_us: when it was seen. The survey is no longer concluded.
 * As evidence_merge, with the later time winning: a fact with a count that is put again is not
 * added up, the larger stays.
 *
 * r->position must say how far everything was put: it stays where a record begins until that
 * record's last put, and moves then. A batch that fills up is written when a put comes with another
 * position, so that no record is half in it. */
err_t inventory_put(struct inventory *v, struct run *r, const struct ip *ip, uint16_t port,
                    const struct evidence *e, int64_t when_us) MUST_CHECK;
/* Adds to the flow (client, server, port, protocol, clear, vantage). */
err_t inventory_put_flow(struct inventory *v, struct run *r, const struct flow *f) MUST_CHECK;

/* Notes, before anything is sent, that an endpoint's turn has come in this run: durable with the
 * next mark. A probe touches a small group, marks, and only then sends; after kill -9 those that
 * were touched are done, answered or not, and get no second packet. */
err_t inventory_run_touch(struct inventory *v, struct run *r, const struct ip *ip,
                          uint16_t port) MUST_CHECK;
/* Whether this endpoint was already done in this run: touched, or put (and put by no other run
 * since). */
err_t inventory_has(struct inventory *v, const struct run *r, const struct ip *ip, uint16_t port,
                    bool *ret) MUST_CHECK;

/* Hosts of a survey in address order, each with all its endpoints, port 0 first when there is one.
 * Views until the callback returns. The callback may put systems and findings. */
struct endpoint {
    uint16_t port;
    struct evidence *e;
    int64_t first_us, last_us; /* over all surveys of the inventory; in this survey */
    bool superseded;           /* a later run over the same input ended without seeing it */
};
struct host {
    struct ip ip;
    struct endpoint *endpoints;
    size_t n;
    size_t more; /* further endpoints that are not told: past HOST_ENDPOINTS_MAX, or too large */
};
enum { HOST_ENDPOINTS_MAX = 2048 };
err_t inventory_hosts(struct inventory *v, int64_t survey,
                      err_t (*each)(void *ctx, const struct host *h), void *ctx) MUST_CHECK;
err_t inventory_flows(struct inventory *v, int64_t survey,
                      err_t (*each)(void *ctx, const struct flow *f), void *ctx) MUST_CHECK;
/* Those to one server, by port; also while inventory_hosts runs. */
err_t inventory_flows_to(struct inventory *v, int64_t survey, const struct ip *server,
                         err_t (*each)(void *ctx, const struct flow *f), void *ctx) MUST_CHECK;

/* Conclusions. begin drops those of before; end marks the survey concluded; both in one
 * transaction, so that a reader sees the old or the new. Outside begin/end put_system and
 * put_finding are E_INTERNAL. */
err_t inventory_conclude_begin(struct inventory *v, int64_t survey) MUST_CHECK;
err_t inventory_put_system(struct inventory *v, struct system *s) MUST_CHECK; /* sets s->id */
err_t inventory_put_finding(struct inventory *v, const struct finding *f) MUST_CHECK;
err_t inventory_conclude_end(struct inventory *v, struct diag *d) MUST_CHECK;
/* Instead of end, when something failed: what stood before stands again. Nothing to do is fine. */
void inventory_conclude_cancel(struct inventory *v);

/* Systems in address order, each with its findings, most severe first (those that an accepted risk
 * covers have accepted_until set). Views until the callback returns. */
err_t inventory_systems(struct inventory *v, int64_t survey,
                        err_t (*each)(void *ctx, const struct system *s, const struct finding *f,
                                      size_t n),
                        void *ctx) MUST_CHECK;

/* Accepted risks: a finding of a kind (and a CVE, or none) at an address (or a network, or
 * anywhere) that an owner accepts until a day. */
struct risk {
    int64_t id;
    struct str kind, cve, where;  /* where: "10.0.0.7", "10.0.0.7:104", "10.0.0.0/24", "" */
    struct str owner, why, until; /* until: YYYY-MM-DD, required */
};
err_t inventory_accept(struct inventory *v, const struct risk *r, int64_t *ret_id,
                       struct diag *d) MUST_CHECK;
err_t inventory_unaccept(struct inventory *v, int64_t id) MUST_CHECK; /* E_NOTFOUND */
err_t inventory_risks(struct inventory *v, err_t (*each)(void *ctx, const struct risk *r),
                      void *ctx) MUST_CHECK;

/* Everything of another inventory's survey joined to this one's survey (--shard): endpoints'
 * evidence merged, flows added up, runs kept. Idempotent: merging the same again changes nothing.
 */
err_t inventory_merge(struct inventory *to, int64_t survey, struct inventory *from,
                      int64_t from_survey, struct diag *d) MUST_CHECK;

/* Notes of a survey by name, for the report: "scope", "permission", "owner", "vantage", "policy",
 * "geo". E_NOTFOUND gives an empty text. */
err_t inventory_note(struct inventory *v, int64_t survey, struct str name,
                     struct str value) MUST_CHECK;
err_t inventory_note_get(struct inventory *v, int64_t survey, struct str name,
                         struct wr *ret) MUST_CHECK;

#endif
