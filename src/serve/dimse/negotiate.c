#include "serve/dimse/negotiate.h"

#include "dicom/ts.h"
#include "serve/dimse/service.h"

enum { EXTENDED_MAX = 16 };

/* What a context would be for: requests from the peer (it is SCU), objects to the peer (it is SCP
 * of storage, for C-GET). */
struct use {
    const struct service *from_peer; /* NULL: nobody offers it */
    bool may_request, may_receive;
};

static bool granted(const struct negotiate_rules *r, enum grant g)
{
    return r->grants >> g & 1;
}

static const struct service *offered(struct str abstract)
{
    for (size_t i = 0; service_at(i); i++)
        if (service_for(service_at(i)->field, abstract) == service_at(i))
            return service_at(i);
    return NULL;
}

/* The SCP role of a storage class is for what C-GET sends. */
static struct use use_of(struct str abstract, const struct negotiate_rules *r)
{
    struct use u = {.from_peer = offered(abstract)};
    u.may_request = u.from_peer && granted(r, u.from_peer->grant);
    u.may_receive = u.from_peer && u.from_peer->field == C_STORE_RQ && granted(r, GRANT_GET);
    return u;
}

static const struct pdu_role *role_asked(const struct pdu_associate *rq, struct str abstract)
{
    for (size_t i = 0; i < rq->n_roles; i++)
        if (str_eq(rq->roles[i].sop_class, abstract))
            return &rq->roles[i];
    return NULL;
}

/* Without role selection the requestor is SCU (PS3.7 D.3.3.4). */
static struct pdu_role roles_for(const struct pdu_associate *rq, struct str abstract,
                                 const struct use *u)
{
    const struct pdu_role *asked = role_asked(rq, abstract);
    bool scu = !asked || asked->scu, scp = asked && asked->scp;
    return (struct pdu_role){abstract, scu && u->may_request, scp && u->may_receive};
}

static bool acceptable(const struct dcm_ts *ts, bool any_syntax)
{
    if (!ts)
        return any_syntax;
    return ts->pixels == DCM_PIXELS_NATIVE || (any_syntax && ts->pixels != DCM_PIXELS_NONE);
}

static bool is_native(const struct dcm_ts *ts)
{
    return ts && ts->pixels == DCM_PIXELS_NATIVE;
}

/* The first that we take; but among the uncompressed ones explicit little endian comes first, since
 * it keeps the VRs and costs nobody a byte swap, then implicit. NULL when we take none. */
static struct str *choose_transfer(const struct pdu_context *c, bool any_syntax)
{
    struct str *first = NULL, *implicit = NULL, *explicit_le = NULL;
    for (size_t i = 0; i < c->n_transfers; i++) {
        const struct dcm_ts *ts = dcm_ts_find(c->transfers[i]);
        if (!first && acceptable(ts, any_syntax))
            first = &c->transfers[i];
        if (str_eq(c->transfers[i], STR(UID_ExplicitVRLittleEndian)))
            explicit_le = &c->transfers[i];
        if (str_eq(c->transfers[i], STR(UID_ImplicitVRLittleEndian)))
            implicit = &c->transfers[i];
    }
    if (first && is_native(dcm_ts_find(*first)))
        return explicit_le ? explicit_le : implicit ? implicit : first;
    return first;
}

static void answer_context(const struct pdu_associate *rq, const struct negotiate_rules *r,
                           size_t accepted, struct pdu_context *c)
{
    struct use u = use_of(c->abstract, r);
    struct pdu_role role = roles_for(rq, c->abstract, &u);
    struct str *transfer = u.from_peer ? choose_transfer(c, u.from_peer->any_syntax) : NULL;
    if (!u.from_peer)
        c->result = PDU_ABSTRACT_NOT_SUPPORTED;
    else if (!role.scu && !role.scp)
        c->result = PDU_USER_REJECTION;
    else if (!transfer)
        c->result = PDU_TRANSFER_NOT_SUPPORTED;
    else if (accepted >= r->contexts)
        c->result = PDU_NO_REASON;
    else
        c->result = PDU_ACCEPTED;
    /* A refused context has a transfer syntax too, which means nothing (PS3.8 9.3.3.2). */
    c->transfers = transfer ? transfer : c->transfers;
    c->n_transfers = c->n_transfers ? 1 : 0;
}

static err_t answer_contexts(const struct pdu_associate *rq, const struct negotiate_rules *r,
                             struct arena *a, struct pdu_associate *ret)
{
    ret->contexts = ARENA_ARRAY(a, rq->n_contexts, struct pdu_context);
    if (!ret->contexts)
        return E_NOMEM;
    ret->n_contexts = rq->n_contexts;
    size_t accepted = 0;
    for (size_t i = 0; i < rq->n_contexts; i++) {
        ret->contexts[i] = rq->contexts[i];
        answer_context(rq, r, accepted, &ret->contexts[i]);
        accepted += ret->contexts[i].result == PDU_ACCEPTED;
    }
    return OK;
}

static bool is_accepted(const struct pdu_associate *p, struct str abstract)
{
    for (size_t i = 0; i < p->n_contexts; i++)
        if (p->contexts[i].result == PDU_ACCEPTED && str_eq(p->contexts[i].abstract, abstract))
            return true;
    return false;
}

static err_t answer_roles(const struct pdu_associate *rq, const struct negotiate_rules *r,
                          struct arena *a, struct pdu_associate *ret)
{
    ret->roles = ARENA_ARRAY(a, rq->n_roles, struct pdu_role);
    if (!ret->roles)
        return E_NOMEM;
    for (size_t i = 0; i < rq->n_roles; i++) {
        struct str abstract = rq->roles[i].sop_class;
        struct use u = use_of(abstract, r);
        if (is_accepted(ret, abstract))
            ret->roles[ret->n_roles++] = roles_for(rq, abstract, &u);
    }
    return OK;
}

static err_t answer_extended(const struct pdu_associate *rq, struct arena *a,
                             struct pdu_associate *ret)
{
    ret->extended = ARENA_ARRAY(a, rq->n_extended, struct pdu_extended);
    if (!ret->extended)
        return E_NOMEM;
    for (size_t i = 0; i < rq->n_extended; i++) {
        const struct pdu_extended *asked = &rq->extended[i];
        const struct service *s = offered(asked->sop_class);
        if (!s || !s->extended || !is_accepted(ret, asked->sop_class))
            continue;
        uint8_t bytes[EXTENDED_MAX] = {0};
        struct str cut = str_slice(asked->info, 0, EXTENDED_MAX);
        struct str info = arena_copy(a, str_of(bytes, s->extended(cut, bytes)));
        if (!info.p)
            return E_NOMEM;
        ret->extended[ret->n_extended++] = (struct pdu_extended){asked->sop_class, info};
    }
    return OK;
}

/* 0 is no limit in the peer's proposal (PS3.7 D.3.3.3); we always have one. */
static uint16_t window(uint16_t asked, uint16_t ours)
{
    return asked == 0 || asked > ours ? ours : asked;
}

/* A user identity is no authentication here; where the requestor wants to hear that it was taken
 * note of, it does, but only for the kinds whose answer carries nothing (PS3.7 D.3.3.7.2). */
static void answer_identity(const struct pdu_associate *rq, struct pdu_associate *ret)
{
    enum { USERNAME = 1, USERNAME_AND_PASSCODE = 2 };
    ret->identity_reply = rq->identity_reply && (rq->identity_type == USERNAME ||
                                                 rq->identity_type == USERNAME_AND_PASSCODE);
}

err_t negotiate(const struct pdu_associate *rq, const struct negotiate_rules *rules,
                struct arena *a, struct pdu_associate *ret)
{
    struct pdu_associate answer = {
        .version = 1,
        .called = rq->called,
        .calling = rq->calling,
        .application = rq->application,
        .max_pdu = rules->max_pdu,
        .implementation_uid = STR(LASTRA_IMPLEMENTATION_UID),
        .implementation_version = STR(LASTRA_IMPLEMENTATION_VERSION),
        .has_ops = rq->has_ops,
        .ops_invoked = window(rq->ops_invoked, rules->operations),
        .ops_performed = window(rq->ops_performed, rules->operations),
    };
    TRY(answer_contexts(rq, rules, a, &answer));
    TRY(answer_roles(rq, rules, a, &answer));
    TRY(answer_extended(rq, a, &answer));
    answer_identity(rq, &answer);
    *ret = answer;
    return OK;
}

bool negotiated(const struct pdu_associate *answer, struct str sop_class, size_t at)
{
    for (size_t i = 0; i < answer->n_extended; i++)
        if (str_eq(answer->extended[i].sop_class, sop_class))
            return at < answer->extended[i].info.n && answer->extended[i].info.p[at] == 1;
    return false;
}
