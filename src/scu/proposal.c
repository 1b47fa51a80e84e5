/* What is proposed for sending objects (PS3.8 7.1.1.13: at most 128 presentation contexts). */
#include <stdlib.h>

#include "base/size.h"
#include "dicom/ts.h"
#include "scu/store.h"

enum { PROPOSAL_ARENA_MAX = 1 << 20, PAIRS_MAX = 4096 };

struct pair {
    struct str sop_class;
    struct str transfers[1]; /* as an array, for pdu_context */
    bool native;
    size_t part;
};

struct scu_proposal {
    struct arena arena;
    struct pair *pairs;
    size_t n, cap, last; /* last: found last, since objects come in series */
    size_t parts;
    size_t contexts; /* in the last part */
    struct pdu_context list[PDU_CONTEXTS_MAX];
};

/* What a native object can be converted to, for each syntax that it may be in. */
static struct str to_either[] = {STR_INIT(UID_ExplicitVRLittleEndian),
                                 STR_INIT(UID_ImplicitVRLittleEndian)};

err_t scu_proposal_new(struct scu_proposal **ret)
{
    struct scu_proposal *p = calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    p->arena = arena_init(PROPOSAL_ARENA_MAX);
    *ret = p;
    return OK;
}

void scu_proposal_free(struct scu_proposal *p)
{
    if (!p)
        return;
    arena_done(&p->arena);
    free(p->pairs);
    free(p);
}

static bool is_pair(const struct pair *p, struct str sop_class, struct str transfer)
{
    return str_eq(p->sop_class, sop_class) && str_eq(p->transfers[0], transfer);
}

static struct pair *find(struct scu_proposal *p, struct str sop_class, struct str transfer)
{
    if (p->last < p->n && is_pair(&p->pairs[p->last], sop_class, transfer))
        return &p->pairs[p->last];
    for (size_t i = 0; i < p->n; i++)
        if (is_pair(&p->pairs[i], sop_class, transfer)) {
            p->last = i;
            return &p->pairs[i];
        }
    return NULL;
}

static err_t grow(struct scu_proposal *p)
{
    if (p->n < p->cap)
        return OK;
    if (p->n == PAIRS_MAX)
        return E_LIMIT;
    size_t cap = size_max(32, p->cap * 2);
    struct pair *pairs = realloc(p->pairs, cap * sizeof *pairs);
    if (!pairs)
        return E_NOMEM;
    p->pairs = pairs;
    p->cap = cap;
    return OK;
}

err_t scu_proposal_add(struct scu_proposal *p, struct str sop_class, struct str transfer_syntax,
                       size_t *ret_part)
{
    struct pair *known = find(p, sop_class, transfer_syntax);
    if (known) {
        *ret_part = known->part;
        return OK;
    }
    TRY(grow(p));
    const struct dcm_ts *ts = dcm_ts_find(transfer_syntax);
    struct pair add = {.sop_class = arena_copy(&p->arena, sop_class),
                       .transfers = {arena_copy(&p->arena, transfer_syntax)},
                       .native = ts && ts->pixels == DCM_PIXELS_NATIVE};
    if (!add.sop_class.p || !add.transfers[0].p)
        return E_LIMIT;
    size_t needs = add.native ? 2 : 1;
    if (p->parts == 0 || p->contexts + needs > PDU_CONTEXTS_MAX) {
        p->parts++;
        p->contexts = 0;
    }
    p->contexts += needs;
    add.part = p->parts - 1;
    p->last = p->n;
    p->pairs[p->n++] = add;
    *ret_part = add.part;
    return OK;
}

size_t scu_proposal_parts(const struct scu_proposal *p)
{
    return p->parts;
}

static void add_context(struct scu_proposal *p, struct str sop_class, struct str *transfers,
                        size_t n, struct pdu_associate *to)
{
    p->list[to->n_contexts] = (struct pdu_context){.id = (uint8_t)(2 * to->n_contexts + 1),
                                                   .abstract = sop_class,
                                                   .transfers = transfers,
                                                   .n_transfers = n};
    to->n_contexts++;
}

/* The other of the two that everybody reads; both for deflated and big endian. */
static void add_fallback(struct scu_proposal *p, const struct pair *pair, struct pdu_associate *to)
{
    bool is_explicit = str_eq(pair->transfers[0], to_either[0]);
    bool is_implicit = str_eq(pair->transfers[0], to_either[1]);
    add_context(p, pair->sop_class, is_explicit ? to_either + 1 : to_either,
                is_explicit || is_implicit ? 1 : 2, to);
}

err_t scu_proposal_part(struct scu_proposal *p, size_t part, struct pdu_associate *ret)
{
    struct pdu_associate rq = {.contexts = p->list};
    if (part >= p->parts)
        return E_NOTFOUND;
    for (size_t i = 0; i < p->n; i++) {
        if (p->pairs[i].part != part)
            continue;
        add_context(p, p->pairs[i].sop_class, p->pairs[i].transfers, 1, &rq);
        if (p->pairs[i].native)
            add_fallback(p, &p->pairs[i], &rq);
    }
    *ret = rq;
    return OK;
}
