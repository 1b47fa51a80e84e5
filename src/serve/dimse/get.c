/* Retrieval on the peer's own association (PS3.4 C.4.3). */
#include "base/size.h"
#include "dicom/uid.h"
#include "serve/dimse/retrieve.h"

static const struct service_class classes[] = {
    {STR_INIT(UID_PatientRootQueryRetrieveInformationModelGet), QUERY_PATIENT_ROOT},
    {STR_INIT(UID_StudyRootQueryRetrieveInformationModelGet), QUERY_STUDY_ROOT},
    {STR_INIT(UID_PatientStudyOnlyQueryRetrieveInformationModelGet), QUERY_PATIENT_STUDY_ONLY},
};

static err_t send_one(void *ctx, struct feed *f)
{
    return outlet_send(ctx, f);
}

static err_t send_all(struct retrieve *r, struct outlet *o)
{
    struct audit_participant peer = session_participant(r->session, AUDIT_DESTINATION, true);
    retrieve_trail(r, &peer, NULL);
    TRY(outlet_init(o, r->session, &r->sub, r->session->assoc, r->rq, NULL));
    return retrieve_each(r, send_one, o);
}

/* Whatever ended the sending: the responses to what was sent are awaited before the last word. */
static err_t end(struct retrieve *r, struct outlet *o, err_t sent)
{
    if (session_is_over(r->session))
        return sent == OK ? E_CLOSED : sent;
    TRY(outlet_settle(o));
    if (sent != OK)
        return session_refuse(r->session, r->rq, sent, NULL);
    return retrieve_finish(r, STR(""));
}

static err_t perform(struct session *s, const struct dimse_command *rq)
{
    struct dimse_command kept = *rq; /* its views end with the next message */
    TRY(session_keep(s, &kept));
    struct retrieve r;
    bool go;
    TRY(retrieve_begin(&r, s, &kept, &service_get, &go));
    if (!go)
        return OK;
    struct outlet o = {0};
    err_t e = end(&r, &o, send_all(&r, &o));
    if (e != OK)
        outlet_give_up(&o);
    outlet_done(&o);
    retrieve_done(&r);
    return e;
}

const struct service service_get = {
    .name = "get",
    .field = C_GET_RQ,
    .grant = GRANT_GET,
    .classes = classes,
    .n_classes = COUNT(classes),
    .extended = retrieve_extended,
    .perform = perform,
};
