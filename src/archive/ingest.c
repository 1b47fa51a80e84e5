#include "archive/ingest.h"

#include <stdlib.h>

#include "archive/archive_private.h"
#include "archive/attrs.h"
#include "archive/extra.h"
#include "archive/record.h"
#include "base/size.h"
#include "dicom/part10.h"
#include "dicom/tags.h"
#include "io/clock.h"

enum { SOURCE_MAX = 64 };

struct ingest {
    struct archive *a;
    struct header header;
    struct charset_conv *conv;
    struct sha256 *sha;
    struct pack_writer *writer; /* from the end of the header part on */
    bool open;
    struct wr head; /* file meta and header part as they go into the pack */
    struct entry entry;
    uint64_t size;
    struct diag diag;
    struct uid_text syntax, sop_class, sop_instance; /* of the request */
    char source[SOURCE_MAX];
    size_t source_n;
};

/* A job of the committer. */
struct job {
    struct archive *a;
    struct entry *entry;
    unsigned runs;
    bool pending; /* `pending` waits for its end */
    err_t error;
    struct diag diag;
};

err_t ingest_new(struct archive *a, struct ingest **ret)
{
    struct ingest *in = calloc(1, sizeof *in);
    if (!in)
        return E_NOMEM;
    in->a = a;
    header_init(&in->header, &a->o.limits, a->o.head_max);
    in->head = wr_heap(PACK_HEAD_MAX);
    in->conv = charset_conv_new();
    err_t e = sha256_new(&in->sha);
    if (e != OK || !in->conv) {
        ingest_free(in);
        return e != OK ? e : E_NOMEM;
    }
    *ret = in;
    return OK;
}

void ingest_abandon(struct ingest *in)
{
    pack_abandon(in->writer);
    in->writer = NULL;
    in->open = false;
}

void ingest_free(struct ingest *in)
{
    if (!in)
        return;
    ingest_abandon(in);
    header_done(&in->header);
    wr_done(&in->head);
    charset_conv_free(in->conv);
    sha256_free(in->sha);
    free(in);
}

const struct diag *ingest_diag(const struct ingest *in)
{
    return &in->diag;
}

/* Ends the object with an error; says why unless that was said. */
static err_t failed(struct ingest *in, err_t e)
{
    if (e != OK) {
        if (!in->diag.text[0])
            diag_set(&in->diag, e, "%s", err_text(e));
        ingest_abandon(in);
    }
    return e;
}

static err_t keep_uid(struct ingest *in, struct str uid, const char *what, struct uid_text *ret)
{
    *ret = (struct uid_text){0};
    if (!uid.n)
        return OK;
    if (!uid_ok(uid))
        return diag_set(&in->diag, E_BAD_UID, "the %s UID is not a UID (PS3.5 9.1)", what);
    ret->n = (uint8_t)uid.n;
    memcpy(ret->text, uid.p, uid.n);
    return OK;
}

static err_t start_digest(struct ingest *in)
{
    uint8_t none[DIGEST_SIZE];
    sha256_final(in->sha, none); /* whatever an abandoned object left in it */
    return sha256_add(in->sha, uid_text_str(&in->syntax));
}

static err_t begin(struct ingest *in, const struct ingest_request *rq)
{
    TRY(keep_uid(in, rq->transfer_syntax, "transfer syntax", &in->syntax));
    TRY(keep_uid(in, rq->sop_class, "SOP class", &in->sop_class));
    TRY(keep_uid(in, rq->sop_instance, "SOP instance", &in->sop_instance));
    if (!in->syntax.n)
        return diag_set(&in->diag, E_UNSUPPORTED, "no transfer syntax was named");
    if (!in->a->batch)
        return diag_set(&in->diag, E_DENIED, "the data folder is open for looking only");
    in->source_n = size_min(rq->source.n, SOURCE_MAX);
    if (in->source_n)
        memcpy(in->source, rq->source.p, in->source_n);
    TRY(batch_admit(in->a->batch, &in->diag));
    if (header_begin(&in->header, dcm_ts_guess(uid_text_str(&in->syntax))) != OK)
        return diag_set(&in->diag, E_UNSUPPORTED, "%s", in->header.diag.text);
    return start_digest(in);
}

err_t ingest_begin(struct ingest *in, const struct ingest_request *rq)
{
    ingest_abandon(in);
    in->diag.text[0] = 0;
    in->size = 0;
    TRY(failed(in, begin(in, rq)));
    in->open = true;
    return OK;
}

/* What the object says it is. */

static err_t check_uid(struct ingest *in, enum entry_text which, const char *what)
{
    struct str uid = in->entry.text[which];
    if (!uid.n)
        return diag_set(&in->diag, E_MISSING, "the data set has no %s UID", what);
    if (!uid_ok(uid))
        return diag_set(&in->diag, E_BAD_UID, "the data set's %s UID is not a UID", what);
    return OK;
}

static err_t check_same(struct ingest *in, enum entry_text which, const struct uid_text *asked,
                        const char *what)
{
    if (!asked->n || str_eq(in->entry.text[which], uid_text_str(asked)))
        return OK;
    return diag_set(&in->diag, E_MISMATCH, "the data set's %s UID is not the request's", what);
}

static err_t check_identity(struct ingest *in)
{
    TRY(check_uid(in, ENTRY_SOP_CLASS, "SOP class"));
    TRY(check_uid(in, ENTRY_SOP_UID, "SOP instance"));
    TRY(check_same(in, ENTRY_SOP_CLASS, &in->sop_class, "SOP class"));
    TRY(check_same(in, ENTRY_SOP_UID, &in->sop_instance, "SOP instance"));
    TRY(check_uid(in, ENTRY_STUDY_UID, "study instance"));
    return check_uid(in, ENTRY_SERIES_UID, "series instance");
}

static err_t from_header(struct ingest *in, err_t e)
{
    return e == OK ? OK : diag_set(&in->diag, e, "%s", diag_text(&in->header.diag, e));
}

static err_t from_pack(struct ingest *in, err_t e)
{
    return e == OK ? OK : diag_set(&in->diag, e, "%s", diag_text(pack_writer_diag(in->writer), e));
}

/* The header part is complete: what it is, whether it may be, and the beginning of its record. */
static err_t start_record(struct ingest *in)
{
    struct dcm_ds *ds;
    TRY(from_header(in, header_dataset(&in->header, &ds)));
    TRY(entry_of(ds, uid_text_str(&in->syntax), in->conv, &in->header.arena, &in->entry));
    TRY(check_identity(in));
    struct dcm_meta meta = {.sop_class = in->entry.text[ENTRY_SOP_CLASS],
                            .sop_instance = in->entry.text[ENTRY_SOP_UID],
                            .transfer_syntax = uid_text_str(&in->syntax),
                            .source_ae = str_of(in->source, in->source_n)};
    wr_clear(&in->head);
    dcm_meta_write(&meta, &in->head);
    wr_put(&in->head, header_bytes(&in->header));
    if (in->head.bad)
        return E_NOMEM;
    TRY(pack_begin(in->a->packs, &in->writer, &in->diag));
    return from_pack(in, pack_head(in->writer, wr_str(&in->head)));
}

static err_t data(struct ingest *in, struct str bytes)
{
    struct str body;
    bool was_cut = header_is_cut(&in->header);
    in->size += bytes.n;
    if (in->a->o.object_max && in->size > in->a->o.object_max)
        return diag_set(&in->diag, E_LIMIT, "the object is larger than %llu bytes",
                        (unsigned long long)in->a->o.object_max);
    TRY(sha256_add(in->sha, bytes));
    TRY(from_header(in, header_feed(&in->header, bytes, &body)));
    if (!was_cut && header_is_cut(&in->header))
        TRY(start_record(in));
    return body.n ? from_pack(in, pack_body(in->writer, body)) : OK;
}

err_t ingest_data(struct ingest *in, struct str bytes)
{
    if (!in->open)
        return diag_set(&in->diag, E_USAGE, "no object is open");
    return failed(in, data(in, bytes));
}

/* The committer's side. */

static err_t run_job(struct sql *db, void *arg)
{
    struct job *j = arg;
    enum rows_outcome outcome;
    (void)db;
    if (j->runs++)
        rows_forget(j->a->rows);
    return rows_add(j->a->rows, j->entry, &outcome, &j->diag);
}

static void end_job(void *arg, err_t result)
{
    struct job *j = arg;
    if (result != OK && result != E_STOPPED) {
        if (!j->diag.text[0])
            diag_set(&j->diag, result, "%s", err_text(result));
        archive_note_unindexed(j->a, &j->diag);
    }
    if (j->pending)
        pending_indexed(&j->a->pending, j->entry->text[ENTRY_SOP_UID]);
    free(j->entry);
    free(j);
}

static err_t submit(struct archive *a, const struct entry *e, bool pending)
{
    struct job *j = calloc(1, sizeof *j);
    struct entry *copy = entry_dup(e);
    err_t err = E_NOMEM;
    if (j && copy) {
        *j = (struct job){.a = a, .entry = copy, .pending = pending};
        struct batch_job job = {.run = run_job, .done = end_job, .arg = j};
        err = batch_submit(a->batch, &job, NULL);
    }
    if (err != OK) {
        free(copy);
        free(j);
    }
    return err;
}

/* Same UID again. */

struct decision {
    enum ingest_outcome outcome;
    bool write; /* the record is wanted */
};

static err_t digest_at(struct archive *a, struct pack_place place, uint8_t ret[DIGEST_SIZE])
{
    struct pack_reader *r;
    struct diag unused;
    memset(ret, 0, DIGEST_SIZE); /* unlike any */
    err_t e = pack_read(a->packs, place, &r, &unused);
    if (e == E_DAMAGED || e == E_NOTFOUND)
        return OK;
    TRY(e);
    memcpy(ret, pack_reader_info(r)->digest, DIGEST_SIZE);
    pack_reader_free(r);
    return OK;
}

/* Whether the same bytes were put aside before. */
static err_t is_aside(struct archive *a, struct str uid, const uint8_t digest[DIGEST_SIZE],
                      bool *ret)
{
    struct uid_packed packed = uid_pack(uid);
    struct sql *s;
    struct sql_stmt *q;
    *ret = false;
    TRY(archive_barrier(a));
    TRY(archive_read_begin(a, clock_deadline(ARCHIVE_WAIT_MS), &s));
    err_t e = sql_prepare(s, STR("SELECT pack, at FROM conflict WHERE uid = ?1"), &q, NULL);
    if (e == OK) {
        bool row = false;
        sql_bind_blob(q, 1, uid_packed_str(&packed));
        while (!*ret && (e = sql_step(q, &row)) == OK && row) {
            uint8_t other[DIGEST_SIZE];
            struct pack_place at = {(uint32_t)sql_i64(q, 0), (uint64_t)sql_i64(q, 1)};
            if ((e = digest_at(a, at, other)) != OK)
                break;
            *ret = !memcmp(other, digest, DIGEST_SIZE);
        }
        sql_free(q);
    }
    archive_read_end(a, s);
    return e;
}

static err_t compare(struct ingest *in, const uint8_t first[DIGEST_SIZE],
                     const uint8_t digest[DIGEST_SIZE], struct decision *ret)
{
    bool aside;
    *ret = (struct decision){INGEST_SAME, false};
    if (!memcmp(first, digest, DIGEST_SIZE))
        return OK;
    TRY(is_aside(in->a, in->entry.text[ENTRY_SOP_UID], digest, &aside));
    *ret = (struct decision){INGEST_CONFLICT, !aside};
    return OK;
}

static err_t decide(struct ingest *in, bool stored, uint8_t first[DIGEST_SIZE],
                    const uint8_t digest[DIGEST_SIZE], struct decision *ret)
{
    struct instance_place at;
    if (stored)
        return compare(in, first, digest, ret);
    TRY(archive_find_instance(in->a, in->entry.text[ENTRY_SOP_UID], &at));
    *ret = (struct decision){INGEST_STORED, true};
    if (!at.id)
        return OK;
    TRY(digest_at(in->a, at.place, first));
    return compare(in, first, digest, ret);
}

/* Makes the record last and hands its entry over: the point of success. */
static err_t keep(struct ingest *in, const uint8_t digest[DIGEST_SIZE],
                  const struct decision *decision)
{
    struct pack_writer *w = in->writer;
    if (!decision->write) {
        pack_abandon(w);
        in->writer = NULL;
        return OK;
    }
    TRY(batch_admit(in->a->batch, &in->diag));
    in->writer = NULL;
    uint32_t flags = decision->outcome == INGEST_CONFLICT ? PACK_CONFLICT : 0;
    TRY(pack_commit(w, digest, flags, &in->entry.info, &in->diag));
    in->entry.size = in->size;
    return submit(in->a, &in->entry, decision->outcome == INGEST_STORED);
}

static err_t settle(struct ingest *in, struct decision *ret)
{
    uint8_t digest[DIGEST_SIZE], first[DIGEST_SIZE];
    struct str uid = in->entry.text[ENTRY_SOP_UID];
    bool stored;
    sha256_final(in->sha, digest);
    TRY(pending_take(&in->a->pending, uid, clock_deadline(ARCHIVE_WAIT_MS), &stored, first));
    err_t e = decide(in, stored, first, digest, ret);
    if (e == OK)
        e = keep(in, digest, ret);
    bool is_first = e == OK && ret->outcome == INGEST_STORED;
    pending_give(&in->a->pending, uid, is_first ? digest : NULL);
    return e;
}

static err_t end(struct ingest *in, struct decision *ret)
{
    TRY(from_header(in, header_end(&in->header)));
    if (!in->writer)
        TRY(start_record(in));
    return settle(in, ret);
}

err_t ingest_end(struct ingest *in, struct ingest_result *ret)
{
    struct decision decision;
    if (!in->open)
        return diag_set(&in->diag, E_USAGE, "no object is open");
    TRY(failed(in, end(in, &decision)));
    in->open = false;
    const struct str *text = in->entry.text;
    uint8_t name = attr_find(TAG_PatientName)->code;
    *ret = (struct ingest_result){
        .outcome = decision.outcome,
        .sop_class = text[ENTRY_SOP_CLASS],
        .sop_instance = text[ENTRY_SOP_UID],
        .study = text[ENTRY_STUDY_UID],
        .series = text[ENTRY_SERIES_UID],
        .patient_id = text[ENTRY_PATIENT_ID],
        .issuer = text[ENTRY_ISSUER],
        .patient_name = extra_get(text[ENTRY_PATIENT], name),
        .accession = text[ENTRY_ACCESSION],
        .size = in->size,
        .quirks = header_quirks(&in->header),
    };
    return OK;
}

/* Records again. */

err_t archive_index_record(struct archive *a, const struct pack_info *info, struct str head,
                           enum index_outcome *ret, struct diag *d)
{
    static const enum index_outcome outcomes[] = {
        [ROWS_NEW] = INDEX_NEW, [ROWS_KNOWN] = INDEX_KNOWN, [ROWS_CONFLICT] = INDEX_CONFLICT};
    struct header header;
    struct entry entry;
    enum rows_outcome outcome;
    header_init(&header, &a->o.limits, a->o.head_max);
    err_t e = record_entry(info, head, &header, &entry, d);
    if (e == OK)
        e = rows_add(a->rows, &entry, &outcome, d);
    if (e == OK)
        *ret = outcomes[outcome];
    header_done(&header);
    return e;
}

err_t archive_index_place(struct archive *a, const struct pack_info *info, struct diag *d)
{
    struct header header;
    struct entry entry;
    struct wr head = wr_heap(PACK_HEAD_MAX);
    if (!a->batch)
        return diag_set(d, E_DENIED, "the data folder is open for looking only");
    header_init(&header, &a->o.limits, a->o.head_max);
    err_t e = record_head(a->packs, info->place, &head, NULL, d);
    if (e == OK)
        e = record_entry(info, wr_str(&head), &header, &entry, d);
    if (e == OK)
        e = submit(a, &entry, false);
    header_done(&header);
    wr_done(&head);
    return e;
}
