/* Establishing and ending an association, as acceptor and as requestor (PS3.8 7). */
#include <stdlib.h>

#include "assoc/internal.h"
#include "dicom/uid.h"

/* Frees a half-made association, its diagnosis going to the caller. */
static err_t give_up(struct assoc *a, err_t e, struct diag *d)
{
    (void)diag_set(d, e, "%s", diag_text(&a->diag, e));
    assoc_free(a);
    return e;
}

static err_t refused(struct assoc *a, const struct ul_event *e)
{
    char text[128];
    struct str words = pdu_refusal_text(&e->refusal, PDU_ASSOCIATE_RJ, text, sizeof text);
    if (e->kind == UL_REFUSED) {
        a->dead = E_REJECTED;
        a->diag = a->ul.diag;
        wire_linger(a, a->limits.artim_ms);
        return E_REJECTED;
    }
    err_t why = e->refusal.result == 2 ? E_BUSY : E_REJECTED;
    (void)diag_set(&a->diag, why, "%.*s (%u/%u/%u)", STR_ARG(words), e->refusal.result,
                   e->refusal.source, e->refusal.reason);
    return wire_lost(a, why);
}

/* The answer to whatever ends the phase of establishing other than well. */
static err_t establish_failed(struct assoc *a, const struct ul_event *e)
{
    switch (e->kind) {
    case UL_REFUSED:
    case UL_ASSOCIATE_REJECTED:
        return refused(a, e);
    case UL_ABORTED:
    case UL_P_ABORTED:
        return wire_aborted(a, e);
    default:
        return wire_lost(a, E_CLOSED);
    }
}

static err_t wait_request(struct assoc *a)
{
    struct ul_event e;
    TRY(wire_do(a, EVT5, NULL, NULL));
    TRY(wire_event(a, clock_deadline(a->limits.artim_ms), &e));
    if (e.kind != UL_ASSOCIATE_INDICATION)
        return establish_failed(a, &e);
    a->request = e.associate;
    return OK;
}

err_t assoc_receive(struct conn *c, const struct assoc_limits *l, struct assoc **ret,
                    struct diag *d)
{
    struct assoc *a = assoc_new(c, false, l);
    if (!a) {
        conn_free(c);
        return E_NOMEM;
    }
    err_t e = wait_request(a);
    if (e != OK)
        return give_up(a, e, d);
    *ret = a;
    return OK;
}

/* A PDU of ours as the other side reads it, kept as long as the association: the caller's arrays
 * are not. */
static err_t keep(struct assoc *a, const struct pdu_associate *p, enum pdu_type type,
                  const struct pdu_associate **ret)
{
    struct wr w = wr_heap(2 * (size_t)ASSOCIATE_MAX);
    pdu_associate_write(p, type, &w);
    struct str bytes = w.bad ? str_of(NULL, 0) : arena_copy(&a->arena, wr_str(&w));
    wr_done(&w);
    struct pdu_associate *got = ARENA_NEW(&a->arena, struct pdu_associate);
    if (!bytes.p || !got)
        return E_LIMIT;
    TRY(pdu_associate_parse(str_slice(bytes, PDU_HEADER, bytes.n), type, &a->arena, got, &a->diag));
    *ret = got;
    return OK;
}

/* What every A-ASSOCIATE of ours says. */
static struct pdu_associate with_ours(const struct assoc *a, const struct pdu_associate *from)
{
    struct pdu_associate p = *from;
    p.version = 1;
    p.application = STR(PDU_APPLICATION_CONTEXT);
    p.max_pdu = a->limits.max_pdu;
    if (!p.implementation_uid.n) {
        p.implementation_uid = STR(LASTRA_IMPLEMENTATION_UID);
        p.implementation_version = STR(LASTRA_IMPLEMENTATION_VERSION);
    }
    return p;
}

static uint16_t lesser_window(uint16_t a, uint16_t b)
{
    if (a == 0 || b == 0)
        return a | b;
    return a < b ? a : b;
}

/* The asynchronous operations window where the caller leaves it to the limits (PS3.7 D.3.3.3). */
static void add_window(const struct assoc *a, struct pdu_associate *p)
{
    uint16_t max = a->limits.max_ops;
    if (p->has_ops || max == 1 || (a->request && !a->request->has_ops))
        return;
    p->has_ops = true;
    p->ops_invoked = a->request ? lesser_window(a->request->ops_invoked, max) : max;
    p->ops_performed = a->request ? lesser_window(a->request->ops_performed, max) : 1;
}

err_t assoc_accept(struct assoc *a, const struct pdu_associate *answer)
{
    struct pdu_associate p = with_ours(a, answer);
    if (a->dead != OK)
        return a->dead;
    p.called = a->request->called;
    p.calling = a->request->calling;
    add_window(a, &p);
    TRY(keep(a, &p, PDU_ASSOCIATE_AC, &a->answer));
    err_t e = assoc_establish(a);
    if (e == E_PROTOCOL)
        assoc_reject(a, 1, 3, 2);
    TRY(e);
    return wire_do(a, EVT7, &(struct ul_argument){.associate = &p}, NULL);
}

void assoc_reject(struct assoc *a, uint8_t result, uint8_t source, uint8_t reason)
{
    const struct ul_argument arg = {.refusal = {result, source, reason}};
    if (wire_do(a, EVT8, &arg, NULL) != OK)
        return;
    a->dead = E_REJECTED;
    wire_linger(a, a->limits.artim_ms);
}

static err_t wait_answer(struct assoc *a)
{
    struct ul_event e;
    TRY(wire_event(a, clock_deadline(a->limits.artim_ms), &e));
    if (e.kind != UL_ASSOCIATE_ACCEPTED)
        return establish_failed(a, &e);
    a->answer = e.associate;
    err_t bad = assoc_establish(a);
    return bad == OK ? OK : wire_abort(a, EVT15, UL_REASON_NONE, bad);
}

static err_t request(struct assoc *a, const struct pdu_associate *rq)
{
    struct pdu_associate p = with_ours(a, rq);
    add_window(a, &p);
    TRY(keep(a, &p, PDU_ASSOCIATE_RQ, &a->request));
    TRY(wire_do(a, EVT1, NULL, NULL));
    TRY(wire_do(a, EVT2, &(struct ul_argument){.associate = &p}, NULL));
    return wait_answer(a);
}

err_t assoc_open(struct str host, uint16_t port, const struct tls *tls,
                 const struct pdu_associate *rq, const struct assoc_limits *l,
                 const struct stop *stop, struct assoc **ret, struct diag *d)
{
    struct conn *c = NULL;
    TRY(conn_connect(host, port, tls, clock_deadline(l->artim_ms), stop, &c, d));
    struct assoc *a = assoc_new(c, true, l);
    if (!a) {
        conn_free(c);
        return E_NOMEM;
    }
    err_t e = request(a, rq);
    if (e != OK)
        return give_up(a, e, d);
    *ret = a;
    return OK;
}

/* One event of the way to a release; *ret_done when the association is over. */
static err_t release_event(struct assoc *a, const struct ul_event *e, bool *ret_done)
{
    *ret_done = false;
    switch (e->kind) {
    case UL_RELEASE_COLLISION:
        return a->ul.state == STA9 ? wire_do(a, EVT14, NULL, NULL) : OK;
    case UL_RELEASE_CONFIRMED:
        *ret_done = true;
        return a->ul.state == STA12 ? wire_do(a, EVT14, NULL, NULL) : OK;
    case UL_ABORTED:
    case UL_P_ABORTED:
        return wire_aborted(a, e);
    default:
        return OK;
    }
}

err_t assoc_release(struct assoc *a)
{
    struct ul_event e;
    bool done = a->release_asked;
    int64_t until = clock_deadline(a->limits.artim_ms);
    TRY(wire_do(a, a->release_asked ? EVT14 : EVT11, NULL, NULL));
    while (!done) {
        TRY(wire_event(a, until, &e));
        TRY(release_event(a, &e, &done));
        if (!done && clock_ms() > until)
            return wire_abort(a, EVT15, UL_REASON_NONE, E_TIMEOUT);
    }
    a->dead = E_CLOSED;
    wire_linger(a, a->limits.artim_ms);
    return OK;
}

void assoc_abort(struct assoc *a)
{
    (void)wire_abort(a, EVT15, UL_REASON_NONE, E_CANCELLED);
}
