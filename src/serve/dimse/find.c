/* Query (PS3.4 C.4.1): answers go out as the index yields them. */
#include "archive/query.h"
#include "base/size.h"
#include "dicom/uid.h"
#include "io/clock.h"
#include "serve/dimse/negotiate.h"
#include "serve/dimse/qr.h"
#include "serve/dimse/service.h"
#include "serve/dimse/session.h"
#include "serve/dimse/status.h"

static const struct service_class classes[] = {
    {STR_INIT(UID_PatientRootQueryRetrieveInformationModelFind), QUERY_PATIENT_ROOT},
    {STR_INIT(UID_StudyRootQueryRetrieveInformationModelFind), QUERY_STUDY_ROOT},
    {STR_INIT(UID_PatientStudyOnlyQueryRetrieveInformationModelFind), QUERY_PATIENT_STUDY_ONLY},
};

/* PS3.4 C.5.1.1.1: relational queries and combined date-time matching, yes; fuzzy person names (we
 * fold case and accents always, and guess nothing), timezone adjustment and enhanced multi-frame
 * conversion, no. */
static size_t extended(struct str asked, uint8_t *ret)
{
    enum { RELATIONAL, DATETIME, FUZZY, TIMEZONE, CONVERSION, BYTES };
    size_t n = size_min(asked.n, BYTES);
    for (size_t i = 0; i < n; i++)
        ret[i] = i <= DATETIME && asked.p[i] == 1;
    return n;
}

static err_t send_answer(struct session *s, const struct dimse_command *rq, struct query *q,
                         const struct dcm_ds *answer)
{
    struct dimse_command rsp =
        dimse_response(rq, query_has_unsupported(q) ? DIMSE_PENDING_WARNING : DIMSE_PENDING);
    rsp.sop_instance = (struct str){NULL, 0};
    return session_answer_with(s, rq, &rsp, answer);
}

/* Until the end, a cancel, or an error of the query, which is *ret_end. */
static err_t send_answers(struct session *s, const struct dimse_command *rq, struct query *q,
                          err_t *ret_end)
{
    for (;;) {
        struct dcm_ds *answer;
        *ret_end = query_next(q, &answer);
        if (*ret_end != OK || !answer)
            return OK;
        bool cancelled;
        TRY(assoc_cancelled(s->assoc, rq->message_id, &cancelled));
        if (cancelled) {
            *ret_end = E_CANCELLED;
            return OK;
        }
        TRY(send_answer(s, rq, q, answer));
    }
}

static err_t finish(struct session *s, const struct dimse_command *rq, err_t end)
{
    struct diag why = {{0}};
    if (end == OK)
        return session_answer(s, rq, DIMSE_SUCCESS, STR(""));
    if (end == E_CANCELLED)
        return session_answer(s, rq, DIMSE_CANCEL, STR(""));
    if (end == E_LIMIT)
        return session_refuse(
            s, rq, diag_set(&why, end, "more answers than the archive gives; narrow the query"),
            &why);
    if (end == E_TIMEOUT)
        return session_refuse(s, rq, diag_set(&why, end, "the query took too long; narrow it"),
                              &why);
    return session_refuse(s, rq, end, NULL);
}

static void trail(struct session *s, const struct dimse_command *rq, struct str identifier,
                  err_t outcome)
{
    struct audit_participant peer = session_participant(s, AUDIT_SOURCE, true);
    const struct assoc_context *c = assoc_context(s->assoc, rq->context);
    err_t e = audit_query(s->options->audit, &peer, rq->sop_class, c->transfer_syntax, identifier,
                          outcome == OK ? AUDIT_SUCCESS : AUDIT_MINOR);
    if (e != OK)
        log_event(s->options->log, LOG_AUDIT_FAILED, "peer=%s why=%s", s->peer, err_text(e));
}

static err_t perform(struct session *s, const struct dimse_command *rq)
{
    struct dcm_ds *identifier;
    struct str bytes = {"", 0};
    struct diag d = {{0}};
    struct query *q = NULL;
    tag_t offending = 0;
    int64_t begun = clock_us();
    err_t e = session_identifier(s, rq, &identifier, &bytes, &d);
    if (e == OK) {
        struct query_options o = qr_options(s, rq, service_class_of(&service_find, rq->sop_class));
        e = query_open(s->options->archive, &o, identifier, &q, &offending, &d);
        trail(s, rq, bytes, e);
    }
    if (e != OK)
        return session_refuse_element(s, rq, e, offending, &d);
    s->queries++;
    err_t end, sent = send_answers(s, rq, q, &end);
    log_event(s->options->log, LOG_QUERY, "peer=%s level=%d answers=%llu ms=%lld end=%s", s->peer,
              (int)query_level(q), (unsigned long long)query_answers(q),
              (long long)(clock_us() - begun) / 1000, sent == OK ? err_text(end) : err_text(sent));
    query_close(q);
    return sent == OK ? finish(s, rq, end) : sent;
}

const struct service service_find = {
    .name = "find",
    .field = C_FIND_RQ,
    .grant = GRANT_FIND,
    .classes = classes,
    .n_classes = COUNT(classes),
    .extended = extended,
    .perform = perform,
};
