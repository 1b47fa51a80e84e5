/* An association's beginning, its contexts and its memory. */
#include "assoc/assoc.h"

#include <stdlib.h>

#include "assoc/internal.h"
#include "base/size.h"

struct assoc *assoc_new(struct conn *c, bool requestor, const struct assoc_limits *l)
{
    struct assoc *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->conn = c;
    a->limits = *l;
    a->arena = arena_init(ASSOC_ARENA_MAX);
    a->out = wr_heap(2 * (size_t)ASSOCIATE_MAX);
    a->incoming = wr_heap(COMMAND_MAX);
    a->current = wr_heap(COMMAND_MAX);
    a->send = wr_heap(4 * (size_t)HOLD_MAX);
    ul_init(&a->ul, requestor, l->max_pdu, ASSOCIATE_MAX, &a->arena);
    return a;
}

void assoc_free(struct assoc *a)
{
    if (!a)
        return;
    if (a->ul.state >= STA3 && a->ul.state <= STA12)
        (void)wire_abort(a, EVT15, UL_REASON_NONE, E_CANCELLED);
    conn_free(a->conn);
    free(a->buf);
    wr_done(&a->out);
    wr_done(&a->incoming);
    wr_done(&a->current);
    wr_done(&a->send);
    for (size_t i = 0; i < a->n_queue; i++)
        wr_done(&a->queue[i].bytes);
    arena_done(&a->arena);
    free(a);
}

const struct pdu_associate *assoc_request(const struct assoc *a)
{
    return a->request;
}

const struct pdu_associate *assoc_answer(const struct assoc *a)
{
    return a->answer;
}

struct conn *assoc_conn(struct assoc *a)
{
    return a->conn;
}

const struct diag *assoc_diag(const struct assoc *a)
{
    return &a->diag;
}

bool assoc_is_requestor(const struct assoc *a)
{
    return a->ul.requestor;
}

bool assoc_is_open(const struct assoc *a)
{
    return a->dead == OK && (a->ul.state == STA6 || a->ul.state == STA8);
}

uint64_t assoc_refused(const struct assoc *a)
{
    return a->refused;
}

const struct assoc_context *assoc_context(const struct assoc *a, uint8_t id)
{
    return a->by_id[id] ? &a->contexts[a->by_id[id] - 1] : NULL;
}

const struct assoc_context *assoc_context_at(const struct assoc *a, size_t i)
{
    return i < a->n_contexts ? &a->contexts[i] : NULL;
}

const struct assoc_context *assoc_context_for(const struct assoc *a, struct str abstract,
                                              struct str transfer)
{
    for (size_t i = 0; i < a->n_contexts; i++) {
        const struct assoc_context *c = &a->contexts[i];
        if (str_eq(c->abstract_syntax, abstract) &&
            (transfer.n == 0 || str_eq(c->transfer_syntax, transfer)))
            return c;
    }
    return NULL;
}

uint16_t assoc_window(const struct assoc *a)
{
    if (!a->request || !a->answer || !a->request->has_ops || !a->answer->has_ops)
        return 1;
    return a->ul.requestor ? a->answer->ops_invoked : a->answer->ops_performed;
}

static const struct pdu_role *find_role(const struct pdu_associate *p, struct str sop_class)
{
    for (size_t i = 0; i < p->n_roles; i++)
        if (str_eq(p->roles[i].sop_class, sop_class))
            return &p->roles[i];
    return NULL;
}

static const struct pdu_context *find_request(const struct pdu_associate *rq, uint8_t id)
{
    for (size_t i = 0; i < rq->n_contexts; i++)
        if (rq->contexts[i].id == id)
            return &rq->contexts[i];
    return NULL;
}

static bool was_proposed(const struct pdu_context *c, struct str transfer)
{
    for (size_t i = 0; i < c->n_transfers; i++)
        if (str_eq(c->transfers[i], transfer))
            return true;
    return false;
}

/* A context that was not asked for, is answered twice, or with a transfer syntax that was not
 * proposed, is one that was not accepted. */
static void add_context(struct assoc *a, const struct pdu_context *answered)
{
    const struct pdu_context *asked = find_request(a->request, answered->id);
    if (answered->result != PDU_ACCEPTED || !asked || a->by_id[answered->id] ||
        answered->n_transfers == 0 || !was_proposed(asked, answered->transfers[0]))
        return;
    const struct pdu_role *theirs = find_role(a->request, asked->abstract);
    const struct pdu_role *ours = find_role(a->answer, asked->abstract);
    struct assoc_context *c = &a->contexts[a->n_contexts++];
    *c = (struct assoc_context){.id = answered->id,
                                .abstract_syntax = asked->abstract,
                                .transfer_syntax = answered->transfers[0],
                                .scu = true};
    if (theirs && ours) {
        c->scu = theirs->scu && ours->scu;
        c->scp = theirs->scp && ours->scp;
    }
    a->by_id[c->id] = (uint8_t)a->n_contexts;
}

err_t assoc_establish(struct assoc *a)
{
    const struct pdu_associate *peer = a->ul.requestor ? a->answer : a->request;
    if (peer->max_pdu && peer->max_pdu < PEER_PDU_MIN)
        return diag_set(&a->diag, E_PROTOCOL, "the other side takes only %u bytes in a PDU",
                        (unsigned)peer->max_pdu);
    a->contexts = ARENA_ARRAY(&a->arena, a->answer->n_contexts, struct assoc_context);
    if (!a->contexts)
        return E_NOMEM;
    for (size_t i = 0; i < a->answer->n_contexts; i++)
        add_context(a, &a->answer->contexts[i]);
    return OK;
}
