#include "archive/recover.h"

#include "archive/record.h"
#include "io/progress.h"

enum { RECORDS_PER_COMMIT = 1000 };

struct replay {
    struct archive *a;
    struct header header;
    struct wr head;
    struct archive_recovery *result;
    struct diag *d;
    unsigned uncommitted;
};

static err_t commit(struct replay *p)
{
    p->uncommitted = 0;
    TRY(sql_commit(p->a->writer));
    return sql_begin(p->a->writer);
}

/* A record that cannot be read is counted and passed over: it does not become better by stopping
 * the archive, and `lastra verify` names it. What the disk or the index does wrong stops. */
static bool is_of_record(err_t e)
{
    return e == E_DAMAGED || e == E_MALFORMED || e == E_LIMIT || e == E_UNSUPPORTED ||
           e == E_NOTFOUND;
}

static err_t replay_record(void *ctx, const struct pack_record *r)
{
    struct replay *p = ctx;
    struct entry entry;
    enum rows_outcome outcome;
    if (r->error != OK)
        p->result->damaged++;
    if (r->error != OK || r->tombstone || !r->live)
        return OK;
    err_t e = record_head(p->a->packs, r->info.place, &p->head, NULL, p->d);
    if (e == OK)
        e = record_entry(&r->info, wr_str(&p->head), &p->header, &entry, p->d);
    if (is_of_record(e)) {
        p->result->damaged++;
        return OK;
    }
    TRY(e);
    if (p->a->o.progress)
        progress_add(p->a->o.progress, 1, r->info.size);
    TRY(rows_add(p->a->rows, &entry, &outcome, p->d));
    *(outcome == ROWS_KNOWN ? &p->result->skipped : &p->result->replayed) += 1;
    return ++p->uncommitted >= RECORDS_PER_COMMIT ? commit(p) : OK;
}

static err_t replay_pack(void *ctx, const struct pack_summary *s)
{
    struct replay *p = ctx;
    uint64_t from, end;
    TRY(rows_marked(p->a->rows, s->pack, &from, p->d));
    if (from >= s->end)
        return OK;
    TRY(pack_scan(p->a->packs, s->pack, from, replay_record, p, &end, p->d));
    return rows_mark(p->a->rows, s->pack, end, p->d);
}

err_t archive_recover(struct archive *a, struct archive_recovery *ret, struct diag *d)
{
    struct replay p = {.a = a, .head = wr_heap(PACK_HEAD_MAX), .result = ret, .d = d};
    *ret = (struct archive_recovery){0};
    header_init(&p.header, &a->o.limits, a->o.head_max);
    err_t e = sql_begin(a->writer);
    if (e == OK)
        e = packs_each(a->packs, replay_pack, &p);
    if (e == OK)
        e = sql_commit(a->writer);
    if (e != OK)
        sql_rollback(a->writer);
    header_done(&p.header);
    wr_done(&p.head);
    return e;
}
