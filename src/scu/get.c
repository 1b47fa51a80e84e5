/* C-GET: the objects come back on the same association. */
#include "base/size.h"
#include "dicom/ts.h"
#include "scu/query.h"
#include "scu/query_priv.h"

enum {
    STORE_CONTEXTS = PDU_CONTEXTS_MAX - 1,
    SYNTAXES_MAX = 64,
    USUAL_COMPRESSED = 4,
    GET_WINDOW = 8
};

/* A C-GET under way. */
struct getting {
    struct asking k;
    const struct scu_sink *sink;
    const struct scu_retrieve_calls *calls;
};

static err_t store_answer(struct getting *g, const struct dimse_command *rq, err_t e)
{
    struct dimse_command rsp = dimse_response(rq, e == OK ? DIMSE_SUCCESS : DIMSE_OUT_OF_RESOURCES);
    if (e != OK)
        rsp.comment = str_z(err_text(e));
    g->k.to->answers += e == OK;
    return assoc_send(g->k.a, rq->context, &rsp);
}

/* The pieces of one object; *ret_kept is what the sink says of it. Once the sink has failed, the
 * rest is passed over. */
static err_t store_data(struct getting *g, err_t *ret_kept)
{
    struct str piece;
    bool last = false;
    while (!last) {
        TRY(assoc_data(g->k.a, &piece, &last));
        if (*ret_kept == OK)
            *ret_kept = g->sink->data(g->sink->ctx, piece);
    }
    return OK;
}

static err_t store_one(struct getting *g, const struct dimse_command *rq)
{
    const struct assoc_context *c = assoc_context(g->k.a, rq->context);
    if (!c || !c->scp)
        return asking_broken(&g->k);
    err_t kept = g->sink->begin(g->sink->ctx, rq, c->transfer_syntax);
    bool begun = kept == OK;
    err_t e = store_data(g, &kept);
    if (e == OK && kept == OK) {
        kept = g->sink->end(g->sink->ctx);
        begun = false;
    }
    if (begun && (e != OK || kept != OK))
        g->sink->drop(g->sink->ctx);
    TRY(e);
    return store_answer(g, rq, kept);
}

static err_t get_answer(struct getting *g, const struct dimse_command *rsp, bool *ret_done)
{
    asking_note(&g->k, rsp);
    *ret_done = !dimse_is_pending(rsp->status);
    if (*ret_done)
        return asking_failed_list(&g->k, rsp);
    TRY(assoc_data_skip(g->k.a));
    if (!g->calls || !g->calls->progress)
        return OK;
    return asking_said(&g->k, g->calls->progress(g->calls->ctx, &g->k.to->counts));
}

err_t scu_get(struct assoc *a, const struct scu_query *q, const struct scu_sink *sink,
              const struct scu_retrieve_calls *calls, struct scu_outcome *ret)
{
    struct getting g = {.k = {.a = a, .q = q, .to = ret}, .sink = sink, .calls = calls};
    struct dimse_command rq = dimse_command(C_GET_RQ, q->message_id), m;
    bool done = false;
    *ret = (struct scu_outcome){.failed = ret->failed};
    TRY(asking_begin(&g.k, &rq));
    while (!done) {
        TRY(assoc_next(a, 0, &m));
        if (m.field == C_STORE_RQ)
            TRY(store_one(&g, &m));
        else if (m.field == C_GET_RSP && m.message_id == q->message_id)
            TRY(get_answer(&g, &m, &done));
        else
            return asking_broken(&g.k);
    }
    return OK;
}

/* The proposal under construction. */
struct offer {
    struct pdu_context contexts[PDU_CONTEXTS_MAX];
    struct pdu_role roles[PDU_CONTEXTS_MAX];
    struct str syntaxes[SYNTAXES_MAX], model_syntaxes[2];
    size_t n_contexts, n_roles, n_syntaxes;
};

/* What objects are most often stored in, then every other data set encoding there is. */
static const struct str preferred[] = {
    STR_INIT(UID_ExplicitVRLittleEndian),
    STR_INIT(UID_ImplicitVRLittleEndian),
    STR_INIT(UID_JPEGLosslessSV1),
    STR_INIT(UID_JPEG2000Lossless),
    STR_INIT(UID_JPEGBaseline8Bit),
    STR_INIT(UID_JPEGLSLossless),
    STR_INIT(UID_RLELossless),
    STR_INIT(UID_JPEG2000),
};

static bool has_syntax(const struct offer *o, struct str uid)
{
    for (size_t i = 0; i < o->n_syntaxes; i++)
        if (str_eq(o->syntaxes[i], uid))
            return true;
    return false;
}

static void list_syntaxes(struct offer *o)
{
    const struct dcm_ts *ts;
    for (size_t i = 0; i < COUNT(preferred); i++)
        o->syntaxes[o->n_syntaxes++] = preferred[i];
    for (int retired = 0; retired < 2; retired++)
        for (size_t i = 0; (ts = dcm_ts_at(i)) && o->n_syntaxes < SYNTAXES_MAX; i++) {
            bool data = ts->pixels == DCM_PIXELS_NATIVE || ts->pixels == DCM_PIXELS_ENCAPSULATED;
            if (data && ts->retired == retired && !has_syntax(o, ts->uid))
                o->syntaxes[o->n_syntaxes++] = ts->uid;
        }
}

static void offer_context(struct offer *o, struct str sop_class, struct str *syntaxes, size_t n)
{
    o->contexts[o->n_contexts] = (struct pdu_context){.id = (uint8_t)(2 * o->n_contexts + 1),
                                                      .abstract = sop_class,
                                                      .transfers = syntaxes,
                                                      .n_transfers = n};
    o->n_contexts++;
}

/* A class with as many contexts as it may have: one for each of the first syntaxes, the last for
 * all the others. */
static void offer_class(struct offer *o, struct str sop_class, size_t contexts)
{
    contexts = size_min(contexts, o->n_syntaxes);
    o->roles[o->n_roles++] = (struct pdu_role){sop_class, false, true};
    for (size_t i = 0; i + 1 < contexts; i++)
        offer_context(o, sop_class, &o->syntaxes[i], 1);
    offer_context(o, sop_class, &o->syntaxes[contexts - 1], o->n_syntaxes - (contexts - 1));
}

/* Classes that nearly every archive holds come first, then the registry's in its order. */
static const struct str common[] = {
    STR_INIT(UID_CTImageStorage),
    STR_INIT(UID_MRImageStorage),
    STR_INIT(UID_EnhancedCTImageStorage),
    STR_INIT(UID_EnhancedMRImageStorage),
    STR_INIT(UID_ComputedRadiographyImageStorage),
    STR_INIT(UID_DigitalXRayImageStorageForPresentation),
    STR_INIT(UID_DigitalMammographyXRayImageStorageForPresentation),
    STR_INIT(UID_UltrasoundImageStorage),
    STR_INIT(UID_UltrasoundMultiFrameImageStorage),
    STR_INIT(UID_XRayAngiographicImageStorage),
    STR_INIT(UID_XRayRadiofluoroscopicImageStorage),
    STR_INIT(UID_PositronEmissionTomographyImageStorage),
    STR_INIT(UID_NuclearMedicineImageStorage),
    STR_INIT(UID_SecondaryCaptureImageStorage),
};

static bool is_common(struct str uid)
{
    for (size_t i = 0; i < COUNT(common); i++)
        if (str_eq(common[i], uid))
            return true;
    return false;
}

/* One context for both uncompressed syntaxes; and so many for one compressed one each. */
static void offer_few(struct offer *o, struct str sop_class, size_t compressed)
{
    o->roles[o->n_roles++] = (struct pdu_role){sop_class, false, true};
    offer_context(o, sop_class, o->syntaxes, 2);
    for (size_t i = 0; i < compressed; i++)
        offer_context(o, sop_class, &o->syntaxes[2 + i], 1);
}

static void offer_usual(struct offer *o)
{
    for (size_t i = 0; i < COUNT(common); i++)
        offer_few(o, common[i], USUAL_COMPRESSED);
    for (int retired = 0; retired < 2; retired++)
        for (size_t i = 0; i < dcm_uid_count() && o->n_contexts < PDU_CONTEXTS_MAX; i++) {
            struct dcm_uid u = dcm_uid_at(i);
            if (u.storage && u.retired == retired && !is_common(u.uid))
                offer_few(o, u.uid, 0);
        }
}

err_t scu_get_open(const struct scu_peer *p, struct str model, const struct str *classes,
                   size_t n_classes, struct assoc **ret, struct diag *d)
{
    struct offer o = {.model_syntaxes = {STR_INIT(UID_ExplicitVRLittleEndian),
                                         STR_INIT(UID_ImplicitVRLittleEndian)}};
    struct assoc *a = NULL;
    list_syntaxes(&o);
    offer_context(&o, model, o.model_syntaxes, COUNT(o.model_syntaxes));
    for (size_t i = 0; i < size_min(n_classes, STORE_CONTEXTS); i++)
        offer_class(&o, classes[i], size_max(1, STORE_CONTEXTS / n_classes));
    if (n_classes == 0)
        offer_usual(&o);
    struct pdu_associate rq = {
        .contexts = o.contexts, .n_contexts = o.n_contexts, .roles = o.roles, .n_roles = o.n_roles};
    TRY(scu_open_with(p, &rq, &a, d));
    if (!assoc_context(a, 1)) {
        (void)!assoc_release(a);
        assoc_free(a);
        return diag_set(d, E_UNSUPPORTED, "the other side does not offer C-GET");
    }
    *ret = a;
    return OK;
}
