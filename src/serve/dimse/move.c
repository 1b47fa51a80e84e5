/* Retrieval to somebody else (PS3.4 C.4.2): only to destinations that the peer was granted, at the
 * address that the archive has for them. */
#include "base/size.h"
#include "dicom/uid.h"
#include "serve/dimse/reach.h"
#include "serve/dimse/retrieve.h"

static const struct service_class classes[] = {
    {STR_INIT(UID_PatientRootQueryRetrieveInformationModelMove), QUERY_PATIENT_ROOT},
    {STR_INIT(UID_StudyRootQueryRetrieveInformationModelMove), QUERY_STUDY_ROOT},
    {STR_INIT(UID_PatientStudyOnlyQueryRetrieveInformationModelMove), QUERY_PATIENT_STUDY_ONLY},
};

/* More pairs of SOP class and transfer syntax than one association has contexts go over several. */
enum { PARTS_MAX = 32 };

struct part {
    bool tried;
    struct assoc *to; /* NULL: could not be reached, or was lost */
    struct outlet outlet;
};

struct move {
    struct retrieve r;
    const struct peer *destination;
    struct scu_origin origin;
    struct scu_proposal *proposal;
    struct part parts[PARTS_MAX];
    struct diag why; /* the first trouble, for the Error Comment */
};

static err_t open_part(struct move *m, size_t part)
{
    struct session *s = m->r.session;
    struct part *p = &m->parts[part];
    struct pdu_associate rq;
    TRY(scu_proposal_part(m->proposal, part, &rq));
    TRY(reach_destination(s, m->destination, &rq, &p->to, &m->why));
    return outlet_init(&p->outlet, s, &m->r.sub, p->to, m->r.rq, &m->origin);
}

static void lose_part(struct move *m, struct part *p)
{
    if (!m->why.text[0])
        m->why = *assoc_diag(p->to);
    outlet_give_up(&p->outlet);
    assoc_free(p->to);
    p->to = NULL;
}

/* The association for an object, opened when the first one wants it; NULL when there is none. */
static struct part *part_for(struct move *m, const struct feed_item *item)
{
    size_t i;
    if (scu_proposal_add(m->proposal, str_z(item->sop_class), str_z(item->transfer_syntax), &i) !=
            OK ||
        i >= PARTS_MAX)
        return NULL;
    struct part *p = &m->parts[i];
    if (p->tried)
        return p->to ? p : NULL;
    p->tried = true;
    err_t e = open_part(m, i);
    if (e == OK)
        return p;
    struct session *s = m->r.session;
    log_event(s->options->log, LOG_DESTINATION_FAILED, "peer=%s destination=%s why=%s", s->peer,
              m->destination->aet, diag_text(&m->why, e));
    assoc_free(p->to);
    p->to = NULL;
    return NULL;
}

/* Trouble with the destination is counted; only trouble with who asked ends the retrieve. */
static err_t send_one(void *ctx, struct feed *f)
{
    struct move *m = ctx;
    struct part *p = part_for(m, &f->item);
    if (!p) {
        suboperation_failed(m->r.session, &m->r.sub, &f->item, diag_text(&m->why, E_IO));
        return stop_is_set(m->r.session->halt) ? E_STOPPED : OK;
    }
    if (outlet_send(&p->outlet, f) != OK)
        lose_part(m, p);
    return OK;
}

static err_t propose(struct move *m)
{
    const struct fetch_syntax *list;
    size_t n = fetch_syntaxes(m->r.fetch, &list), part;
    TRY(scu_proposal_new(&m->proposal));
    for (size_t i = 0; i < n; i++)
        TRY(scu_proposal_add(m->proposal, list[i].sop_class, list[i].transfer_syntax, &part));
    return OK;
}

static err_t send_all(struct move *m)
{
    struct session *s = m->r.session;
    struct audit_participant asked = session_participant(s, AUDIT_NO_ROLE, true);
    struct audit_participant to = {.user_id = str_z(m->destination->aet),
                                   .role = AUDIT_DESTINATION,
                                   .address = str_z(m->destination->host)};
    retrieve_trail(&m->r, &to, &asked);
    TRY(propose(m));
    TRY(retrieve_each(&m->r, send_one, m));
    for (size_t i = 0; i < PARTS_MAX; i++)
        if (m->parts[i].to && outlet_settle(&m->parts[i].outlet) != OK)
            lose_part(m, &m->parts[i]);
    return OK;
}

static void close_parts(struct move *m)
{
    for (size_t i = 0; i < PARTS_MAX; i++) {
        struct part *p = &m->parts[i];
        /* What is still outstanding here belongs to a retrieve that has ended in an error. */
        if (p->to && (p->outlet.n || assoc_release(p->to) != OK))
            assoc_abort(p->to);
        assoc_free(p->to);
        outlet_done(&p->outlet);
    }
    scu_proposal_free(m->proposal);
}

static err_t unknown_destination(struct session *s, const struct dimse_command *rq)
{
    s->failed++;
    log_event(s->options->log, LOG_GRANT_REFUSED, "peer=%s operation=C-MOVE-RQ destination=%.*s",
              s->peer, STR_ARG(rq->move_destination));
    return session_answer(s, rq, DIMSE_MOVE_DESTINATION_UNKNOWN,
                          STR("not a destination that this peer was granted"));
}

static err_t move_to(struct session *s, const struct dimse_command *rq, struct move *m)
{
    bool go;
    TRY(retrieve_begin(&m->r, s, rq, &service_move, &go));
    if (!go)
        return OK;
    err_t e = send_all(m);
    if (!session_is_over(s))
        e = e == OK ? retrieve_finish(&m->r, str_z(m->why.text))
                    : session_refuse(s, rq, e, &m->why);
    close_parts(m);
    retrieve_done(&m->r);
    return e;
}

static err_t perform(struct session *s, const struct dimse_command *rq)
{
    const struct peer *destination = visit_destination(s->visit, rq->move_destination);
    if (!destination)
        return unknown_destination(s, rq);
    struct move *m = ARENA_NEW(&s->arena, struct move);
    if (!m)
        return session_refuse(s, rq, E_NOMEM, NULL);
    m->destination = destination;
    m->origin = (struct scu_origin){str_z(s->peer), rq->message_id};
    return move_to(s, rq, m);
}

const struct service service_move = {
    .name = "move",
    .field = C_MOVE_RQ,
    .grant = GRANT_MOVE,
    .classes = classes,
    .n_classes = COUNT(classes),
    .extended = retrieve_extended,
    .perform = perform,
};
