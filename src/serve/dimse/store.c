/* Storage (PS3.4 B): every storage SOP class of the registry, retired ones too, and private ones,
 * in every transfer syntax; the data set goes from the wire straight into the archive. */
#include "dicom/uid.h"
#include "serve/dimse/service.h"
#include "serve/dimse/session.h"
#include "serve/dimse/status.h"

/* What the registry does not know is a maker's own class, and a sender that was granted storing may
 * send those too: nothing is lost because it is new. */
static bool takes(struct str sop_class)
{
    struct dcm_uid known;
    return dcm_uid_find(sop_class, &known) ? known.storage : dcm_uid_valid(sop_class);
}

/* SOP class extended negotiation of storage (PS3.4 B.3.1): level 2, all attributes kept; digital
 * signatures level 3, kept bit for bit; no coercion. */
static size_t extended(struct str asked, uint8_t *ret)
{
    static const uint8_t ours[] = {2, 0, 3, 0, 0, 0};
    size_t n = asked.n < sizeof ours ? asked.n : sizeof ours;
    memcpy(ret, ours, n);
    return n;
}

/* Feeds the archive from the wire. *ret_kept is what the archive says: after its error the rest of
 * the data set is passed over and the association goes on. An error is the association's. */
static err_t take_in(struct session *s, const struct dimse_command *rq,
                     struct ingest_result *result, err_t *ret_kept)
{
    struct ingest_request request = {
        .transfer_syntax = assoc_context(s->assoc, rq->context)->transfer_syntax,
        .sop_class = rq->sop_class,
        .sop_instance = rq->sop_instance,
        .source = str_z(s->peer),
    };
    err_t kept = ingest_begin(s->in, &request);
    for (bool last = false; kept == OK && !last;) {
        struct str piece;
        TRY(assoc_data(s->assoc, &piece, &last));
        kept = ingest_data(s->in, piece);
        if (kept == OK)
            TRY(visit_pace(s->visit, last, piece.n, s->halt));
    }
    if (kept == OK)
        kept = ingest_end(s->in, result);
    *ret_kept = kept;
    return OK;
}

static void trail(struct session *s, const struct ingest_result *r)
{
    if (!s->received.transfer) {
        struct audit_participant source = session_participant(s, AUDIT_SOURCE, true);
        struct audit_participant self = audit_self(s->options->audit, AUDIT_DESTINATION);
        trail_start(&s->received, s->options->audit, s->options->log, &source, &self, NULL);
    }
    const struct trail_object o = {r->study, r->patient_id, r->accession, r->sop_class};
    trail_add(&s->received, r->outcome == INGEST_SAME ? TRANSFER_HELD : TRANSFER_STORED, &o);
}

static err_t answer_kept(struct session *s, const struct dimse_command *rq,
                         const struct ingest_result *r)
{
    s->objects_in++;
    trail(s, r);
    if (r->outcome != INGEST_CONFLICT)
        return session_answer(s, rq, DIMSE_SUCCESS, STR(""));
    log_event(s->options->log, LOG_CONFLICT_KEPT, "peer=%s instance=%.*s", s->peer,
              STR_ARG(r->sop_instance));
    return session_answer(s, rq, DIMSE_COERCED,
                          STR("this UID is here with other content; kept aside for review"));
}

static err_t answer_refused(struct session *s, const struct dimse_command *rq, err_t e)
{
    uint16_t status = status_of(e, C_STORE_RQ);
    const char *why = diag_text(ingest_diag(s->in), e);
    s->failed++;
    log_event(s->options->log,
              status == DIMSE_OUT_OF_RESOURCES ? LOG_STORE_FAILED : LOG_OBJECT_REFUSED,
              "peer=%s instance=%.*s status=%04x why=%s", s->peer, STR_ARG(rq->sop_instance),
              status, why);
    return session_answer(s, rq, status, str_z(why));
}

static err_t perform(struct session *s, const struct dimse_command *rq)
{
    if (!rq->has_data)
        return session_answer(s, rq, DIMSE_CANNOT_UNDERSTAND, STR("there is no data set"));
    if (!s->in) {
        err_t e = ingest_new(s->options->archive, &s->in);
        if (e != OK)
            return session_refuse(s, rq, e, NULL);
    }
    struct ingest_result result;
    err_t kept, e = take_in(s, rq, &result, &kept);
    if (e != OK) {
        ingest_abandon(s->in);
        return e;
    }
    return kept == OK ? answer_kept(s, rq, &result) : answer_refused(s, rq, kept);
}

const struct service service_store = {
    .name = "store",
    .field = C_STORE_RQ,
    .grant = GRANT_STORE,
    .takes = takes,
    .any_syntax = true,
    .extended = extended,
    .perform = perform,
};
