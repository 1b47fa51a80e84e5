/* C-STORE as service class user. */
#include "scu/store.h"

#include <stdlib.h>

#include "base/size.h"
#include "dicom/transcode.h"

enum { CONVERTED_PIECE = 64 * 1024 };

/* Whether this side may store on a context: as requestor it is the SCU unless roles say otherwise,
 * as acceptor (C-GET) only where the requestor took the role of SCP. */
static bool may_store(const struct assoc *a, const struct assoc_context *c)
{
    return assoc_is_requestor(a) ? c->scu : c->scp;
}

/* How good a context is for an object: 0 not at all, then what it takes least work to send. */
static int fitness(const struct assoc_context *c, struct str stored, const struct dcm_ts *from)
{
    if (str_eq(c->transfer_syntax, stored))
        return 4;
    const struct dcm_ts *to = dcm_ts_find(c->transfer_syntax);
    if (!from || !to || !dcm_ts_convertible(from, to))
        return 0;
    return to->deflated ? 1 : to->encoding == DCM_IMPLICIT_LE ? 2 : 3;
}

const struct assoc_context *scu_store_context(const struct assoc *a, struct str sop_class,
                                              struct str transfer_syntax)
{
    const struct dcm_ts *from = dcm_ts_find(transfer_syntax);
    const struct assoc_context *best = NULL, *c;
    int best_fitness = 0;
    for (size_t i = 0; (c = assoc_context_at(a, i)); i++) {
        if (!str_eq(c->abstract_syntax, sop_class) || !may_store(a, c))
            continue;
        int fits = fitness(c, transfer_syntax, from);
        if (fits > best_fitness) {
            best = c;
            best_fitness = fits;
        }
    }
    return best;
}

/* One object on its way. */
struct sending {
    struct assoc *a;
    const struct scu_object *o;
    struct str piece;
    bool last;
    err_t wire; /* what the association said, where only "could not write" comes through */
    struct diag *d;
};

static err_t fetch(struct sending *s)
{
    s->piece = str_of(NULL, 0);
    s->last = false;
    err_t e = s->o->next(s->o->ctx, &s->piece, &s->last);
    return e == OK ? OK : diag_set(s->d, e, "the object could not be read: %s", err_text(e));
}

static err_t send_as_stored(struct sending *s)
{
    for (;;) {
        TRY(assoc_send_data(s->a, s->piece, s->last));
        if (s->last)
            return OK;
        TRY(fetch(s));
    }
}

static err_t converted(void *ctx, struct str bytes)
{
    struct sending *s = ctx;
    s->wire = assoc_send_data(s->a, bytes, false);
    return s->wire;
}

static err_t convert_all(struct sending *s, struct dcm_transcode *t)
{
    for (;;) {
        TRY(dcm_transcode_feed(t, s->piece));
        if (s->last)
            return dcm_transcode_end(t);
        TRY(fetch(s));
    }
}

static err_t send_converted(struct sending *s, const struct dcm_ts *to)
{
    uint8_t *buf = malloc(CONVERTED_PIECE);
    struct wr out = wr_sink(buf, CONVERTED_PIECE, converted, s);
    struct dcm_transcode *t = NULL;
    err_t e = buf ? dcm_transcode_new(dcm_ts_find(s->o->transfer_syntax), to, &DCM_LIMITS_DEFAULT,
                                      &out, &t)
                  : E_NOMEM;
    if (e == OK)
        e = convert_all(s, t);
    if (e == OK)
        e = wr_flush(&out);
    if (s->wire != OK)
        e = s->wire;
    else if (e != OK && t && dcm_transcode_diag(t)->text[0])
        (void)diag_set(s->d, e, "%s", dcm_transcode_diag(t)->text);
    dcm_transcode_free(t);
    free(buf);
    return e == OK ? assoc_send_data(s->a, str_of(NULL, 0), true) : e;
}

static struct dimse_command request(const struct scu_object *o, uint16_t message_id,
                                    uint16_t priority, const struct scu_origin *origin)
{
    struct dimse_command rq = dimse_command(C_STORE_RQ, message_id);
    rq.priority = priority;
    rq.has_data = true;
    rq.sop_class = o->sop_class;
    rq.sop_instance = o->sop_instance;
    if (origin) {
        rq.originator = origin->ae;
        rq.originator_id = origin->message_id;
    }
    return rq;
}

err_t scu_store(struct assoc *a, const struct scu_object *o, uint16_t message_id, uint16_t priority,
                const struct scu_origin *origin, struct diag *d)
{
    const struct assoc_context *c = scu_store_context(a, o->sop_class, o->transfer_syntax);
    if (!c)
        return diag_set(d, E_UNSUPPORTED, "the other side takes no %.*s in %.*s",
                        STR_ARG(dcm_uid_name(o->sop_class)),
                        STR_ARG(dcm_uid_name(o->transfer_syntax)));
    struct sending s = {.a = a, .o = o, .d = d};
    struct dimse_command rq = request(o, message_id, priority, origin);
    TRY(fetch(&s));
    TRY(assoc_send(a, c->id, &rq));
    err_t e = str_eq(c->transfer_syntax, o->transfer_syntax)
                  ? send_as_stored(&s)
                  : send_converted(&s, dcm_ts_find(c->transfer_syntax));
    if (e != OK && assoc_is_open(a))
        assoc_abort(a); /* half a data set is out: there is no other way to take it back */
    return e;
}
