#include "serve/dimse/association.h"

#include "base/size.h"
#include "io/clock.h"
#include "serve/dimse/negotiate.h"
#include "serve/dimse/service.h"
#include "serve/dimse/session.h"

/* An arena that grew past this in a message is given back after it. */
enum { ARENA_KEPT = 64 << 10, NEGOTIATION_ARENA = 1 << 20 };

void association_refused(const struct reception *r, enum log_id id, const struct addr *from,
                         struct str calling, const char *why)
{
    uint64_t suppressed;
    if (!r->notable(r->ctx, id == LOG_SOURCE_REFUSED, &suppressed))
        return;
    char buf[ADDR_TEXT_MAX];
    struct str address = addr_text(from, buf);
    log_event(r->options->log, id, "from=%.*s calling=\"%.*s\" why=%s suppressed=%llu",
              STR_ARG(address), STR_ARG(calling), why, (unsigned long long)suppressed);
    if (audit_refused(r->options->audit, from, calling, str_z(why)) != OK)
        log_event(r->options->log, LOG_AUDIT_FAILED, "event=refused");
}

static void log_aborted(const struct session *s, err_t e)
{
    log_event(s->options->log, LOG_ASSOCIATION_ABORTED, "peer=%s from=%s why=%s", s->peer,
              s->address, diag_text(assoc_diag(s->assoc), e));
}

static err_t not_authorized(struct session *s, const struct dimse_command *rq,
                            const struct service *service)
{
    s->failed++;
    log_event(s->options->log, LOG_GRANT_REFUSED, "peer=%s operation=%s", s->peer,
              dimse_field_text(rq->field));
    struct audit_participant peer = session_participant(s, AUDIT_NO_ROLE, true);
    struct audit_event event = {
        .kind = AUDIT_GRANT_REFUSED,
        .outcome = AUDIT_MINOR,
        .outcome_text = grant_word(service->grant),
        .participants = &peer,
        .n_participants = 1,
    };
    if (audit_write(s->options->audit, &event) != OK)
        log_event(s->options->log, LOG_AUDIT_FAILED, "peer=%s", s->peer);
    char text[80];
    struct wr w = wr_fixed(text, sizeof text);
    struct str word = grant_word(service->grant);
    wr_printf(&w, "this peer was not granted \"%.*s\"", STR_ARG(word));
    return session_answer(s, rq, DIMSE_NOT_AUTHORIZED, wr_str(&w));
}

static bool any_performs(uint16_t field)
{
    for (size_t i = 0; service_at(i); i++)
        if (service_at(i)->field == field)
            return true;
    return false;
}

/* A request on a context whose roles do not let the peer make it is like one for a class that we do
 * not offer. */
static err_t perform(struct session *s, const struct dimse_command *rq)
{
    const struct assoc_context *c = assoc_context(s->assoc, rq->context);
    if (!c)
        return E_PROTOCOL;
    if (!any_performs(rq->field))
        return session_answer(s, rq, DIMSE_UNRECOGNIZED_OPERATION,
                              STR("the archive does not perform this operation"));
    const struct service *service = service_for(rq->field, c->abstract_syntax);
    if (!service)
        return session_answer(s, rq, DIMSE_SOP_CLASS_NOT_SUPPORTED,
                              STR("not an operation of this context's SOP class"));
    if (!str_eq(rq->sop_class, c->abstract_syntax))
        return session_answer(s, rq, DIMSE_SOP_CLASS_NOT_SUPPORTED,
                              STR("the SOP class is not that of the presentation context"));
    if (!visit_may(s->visit, service->grant))
        return not_authorized(s, rq, service);
    if (!c->scu)
        return session_answer(s, rq, DIMSE_SOP_CLASS_NOT_SUPPORTED,
                              STR("the role that was negotiated does not allow this"));
    return service->perform(s, rq);
}

static err_t dispatch(struct session *s, const struct dimse_command *m)
{
    if (m->field == C_CANCEL_RQ)
        return OK; /* came after the end of what it was for */
    if (!dimse_is_request(m->field)) {
        assoc_abort(s->assoc);
        return E_PROTOCOL;
    }
    return perform(s, m);
}

static void forget_message(struct session *s)
{
    if (s->arena.used > ARENA_KEPT)
        arena_done(&s->arena);
    else
        arena_reset(&s->arena);
    if (s->out.cap > ARENA_KEPT)
        wr_done(&s->out);
}

/* Waiting for a message ends at once when the archive stops; performing one has until the halt. */
static err_t next_message(struct session *s, struct dimse_command *ret)
{
    struct conn *c = assoc_conn(s->assoc);
    conn_set_stop(c, s->options->stop);
    err_t e = assoc_next(s->assoc, 0, ret);
    if (e == OK)
        conn_set_stop(c, s->halt);
    return e;
}

static err_t serve_messages(struct session *s)
{
    for (;;) {
        struct dimse_command m;
        TRY(next_message(s, &m));
        TRY(dispatch(s, &m));
        forget_message(s);
    }
}

static void end_session(struct session *s, err_t e, int64_t begun_us)
{
    trail_end(&s->received);
    ingest_free(s->in);
    struct conn *c = assoc_conn(s->assoc);
    if (e != E_CLOSED && e != E_STOPPED)
        log_aborted(s, e);
    log_event(s->options->log, LOG_ASSOCIATION_ENDED,
              "peer=%s from=%s objects-in=%llu objects-out=%llu queries=%llu refused=%llu "
              "bytes-in=%llu bytes-out=%llu ms=%lld",
              s->peer, s->address, (unsigned long long)s->objects_in,
              (unsigned long long)s->objects_out, (unsigned long long)s->queries,
              (unsigned long long)s->failed, (unsigned long long)conn_bytes_in(c),
              (unsigned long long)conn_bytes_out(c), (long long)(clock_us() - begun_us) / 1000);
    arena_done(&s->arena);
    wr_done(&s->out);
}

static void log_accepted(const struct session *s, bool tls)
{
    size_t contexts = 0;
    for (size_t i = 0; i < s->answer->n_contexts; i++)
        contexts += s->answer->contexts[i].result == PDU_ACCEPTED;
    const struct pdu_associate *rq = assoc_request(s->assoc);
    log_event(s->options->log, LOG_ASSOCIATION_ACCEPTED,
              "peer=%s from=%s tls=%s contexts=%zu/%zu implementation=\"%.*s\"", s->peer,
              s->address, tls ? "yes" : "no", contexts, s->answer->n_contexts,
              STR_ARG(rq->implementation_version));
}

static void serve(const struct reception *r, struct assoc *a, struct visit *visit)
{
    struct session s = {
        .options = r->options,
        .halt = r->halt,
        .assoc = a,
        .visit = visit,
        .answer = assoc_answer(a),
        .arena = arena_init(SESSION_ARENA),
        .out = wr_heap(r->options->identifier_size * 2),
    };
    struct str aet = str_z(visit_peer(visit)->aet);
    memcpy(s.peer, aet.p, size_min(aet.n, sizeof s.peer - 1));
    struct conn *c = assoc_conn(a);
    struct str address = addr_text(conn_peer(c), s.address);
    s.address[size_min(address.n, sizeof s.address - 1)] = 0;
    int64_t begun_us = clock_us();
    log_accepted(&s, conn_is_tls(c));
    err_t e = serve_messages(&s);
    end_session(&s, e, begun_us);
}

static err_t accept_request(const struct reception *r, struct assoc *a, uint32_t grants)
{
    const struct server_options *o = r->options;
    struct negotiate_rules rules = {
        .grants = grants,
        .max_pdu = o->limits.max_pdu,
        .contexts = o->contexts,
        .operations = o->operations,
    };
    struct arena arena __attribute__((cleanup(arena_done))) = arena_init(NEGOTIATION_ARENA);
    struct pdu_associate answer;
    TRY(negotiate(assoc_request(a), &rules, &arena, &answer));
    return assoc_accept(a, &answer);
}

static void accept_and_serve(const struct reception *r, struct assoc *a, struct visit *visit)
{
    err_t e = accept_request(r, a, visit_peer(visit)->grants);
    if (e == OK)
        serve(r, a, visit);
    else
        association_refused(r, LOG_ASSOCIATION_ABORTED, conn_peer(assoc_conn(a)),
                            str_z(visit_peer(visit)->aet), diag_text(assoc_diag(a), e));
}

static void admit_query(const struct reception *r, struct assoc *a, uint8_t cert[FINGERPRINT_SIZE],
                        struct admit_query *ret)
{
    struct conn *c = assoc_conn(a);
    *ret = (struct admit_query){
        .from = conn_peer(c),
        .tls = conn_is_tls(c),
        .cert = conn_peer_cert(c, cert) ? cert : NULL,
        .cert_name = conn_peer_name(c),
        .calling = assoc_request(a)->calling,
        .called = assoc_request(a)->called,
        .titles = &r->options->ae_title,
        .n_titles = 1,
    };
}

/* Waiting for the other side to close is nothing that a stop should wait for. */
static void reject(const struct reception *r, struct assoc *a, uint8_t result, uint8_t source,
                   uint8_t reason)
{
    conn_set_stop(assoc_conn(a), r->options->stop);
    assoc_reject(a, result, source, reason);
}

/* The request has been read: who is it, and may they? */
static void receive(const struct reception *r, struct assoc *a)
{
    enum { TRANSIENT = 2, PROVIDER_PRESENTATION = 3, LOCAL_LIMIT = 2 };
    struct conn *c = assoc_conn(a);
    if (!r->asked(r->ctx)) {
        association_refused(r, LOG_BUSY, conn_peer(c), assoc_request(a)->calling,
                            "as many associations are open as there may be");
        reject(r, a, TRANSIENT, PROVIDER_PRESENTATION, LOCAL_LIMIT);
        return;
    }
    uint8_t cert[FINGERPRINT_SIZE];
    struct admit_query q;
    struct admission admission;
    admit_query(r, a, cert, &q);
    access_admit(r->options->access, &q, &admission);
    if (admission.verdict == ADMIT_YES)
        accept_and_serve(r, a, admission.visit);
    else
        association_refused(r, LOG_ASSOCIATION_REJECTED, q.from, q.calling, admission.text.p);
    if (admission.verdict == ADMIT_REJECT)
        reject(r, a, admission.result, admission.source, admission.reason);
    visit_end(admission.visit);
}

/* A registered source that connects and goes away again (a monitor that looks whether the port is
 * open) is no security alert, nor is our own stop. */
static void no_association(const struct reception *r, enum log_id id, const struct addr *from,
                           err_t e, const struct diag *d)
{
    char buf[ADDR_TEXT_MAX];
    if (e != E_CLOSED && e != E_IO && e != E_STOPPED) {
        association_refused(r, id, from, STR(""), diag_text(d, e));
        return;
    }
    struct str address = addr_text(from, buf);
    log_event(r->options->log, LOG_CONNECTION_ENDED, "from=%.*s why=%s", STR_ARG(address),
              diag_text(d, e));
}

void association_run(const struct reception *r, struct conn *c, bool tls)
{
    const struct server_options *o = r->options;
    struct diag d = {{0}};
    struct addr from = *conn_peer(c);
    err_t e = tls ? conn_tls_accept(c, o->tls, clock_deadline(o->limits.artim_ms), &d) : OK;
    if (e != OK) {
        no_association(r, LOG_TLS_FAILED, &from, e, &d);
        conn_free(c);
        return;
    }
    struct assoc *a = NULL;
    e = assoc_receive(c, &o->limits, &a, &d);
    if (e == OK)
        receive(r, a);
    else
        no_association(r, LOG_ASSOCIATION_REJECTED, &from, e, &d);
    assoc_free(a);
}
