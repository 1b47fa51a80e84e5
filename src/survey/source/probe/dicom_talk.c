/* One honest association (safety rule 3): asked for, read, released. The upper layer is
 * dimse/ul.h's; what it takes for invalid, lying lengths too, it aborts. */
#include "base/rd.h"
#include "base/size.h"
#include "dicom/uid.h"
#include "dimse/ul.h"
#include "survey/source/probe/dicom_count.h"
#include "survey/source/probe/talk.h"
#include "survey/wire/dicom_answer.h"

enum {
    MAX_PDU = 16384,
    ASSOCIATE_MAX = 8192,
    RAW_MAX = 4096,
    PIECES_MAX = 1 << 20,
    IN_MAX = ASSOCIATE_MAX + MAX_PDU
};

/* What is proposed, and which of the services that a fact names it opens. */
struct proposal {
    struct str abstract;
    const char *service;
    bool surface; /* only with --surface; the first: the one that a count uses */
};
static const struct proposal proposals[] = {
    {STR_INIT(UID_Verification), "verification", false},
    {STR_INIT(UID_StudyRootQueryRetrieveInformationModelFind), "query", true},
    {STR_INIT(UID_StudyRootQueryRetrieveInformationModelMove), "retrieve", true},
    {STR_INIT(UID_StudyRootQueryRetrieveInformationModelGet), "retrieve", true},
    {STR_INIT(UID_CTImageStorage), "store", true},
    {STR_INIT(UID_SecondaryCaptureImageStorage), "store", true},
    {STR_INIT(UID_ModalityWorklistInformationModelFind), "worklist", true},
    {STR_INIT(UID_BasicGrayscalePrintManagementMeta), "print", true},
};
enum { QUERY = 1, PROPOSALS = COUNT(proposals) };
static const char *const services[] = {"verification", "query", "retrieve",
                                       "store",        "print", "worklist"};

struct dicom_machine {
    struct talk t;
    struct ul ul;
    struct wr in;  /* what the upper layer wants together */
    struct wr raw; /* the beginning of what came */
    bool proposed[PROPOSALS];
    const struct pdu_associate *accepted;
    struct pdu_refusal refusal;
    enum pdu_type refused; /* RJ or ABORT; 0: neither */
    struct dicom_count *count;
    bool released;
    enum talk_end why;
    bool over;
};

static uint8_t context_id(size_t i)
{
    return (uint8_t)(2 * i + 1);
}

static bool accepts(const struct dicom_machine *m, size_t i)
{
    for (size_t k = 0; k < m->accepted->n_contexts; k++)
        if (m->accepted->contexts[k].id == context_id(i))
            return m->proposed[i] && m->accepted->contexts[k].result == PDU_ACCEPTED;
    return false;
}

static void request(struct dicom_machine *m, struct pdu_context *contexts,
                    struct pdu_associate *ret)
{
    static struct str implicit[] = {STR_INIT(UID_ImplicitVRLittleEndian)};
    const struct talk_manner *manner = m->t.manner;
    *ret = (struct pdu_associate){
        .version = 1,
        .called = manner->called,
        .calling = manner->ae_title,
        .application = STR(PDU_APPLICATION_CONTEXT),
        .contexts = contexts,
        .max_pdu = MAX_PDU,
        .implementation_uid = STR(LASTRA_IMPLEMENTATION_UID),
        .implementation_version = STR(LASTRA_IMPLEMENTATION_VERSION),
    };
    for (size_t i = 0; i < PROPOSALS; i++) {
        m->proposed[i] = !proposals[i].surface || manner->surface || (manner->count && i == QUERY);
        if (m->proposed[i])
            contexts[ret->n_contexts++] = (struct pdu_context){.id = context_id(i),
                                                               .abstract = proposals[i].abstract,
                                                               .transfers = implicit,
                                                               .n_transfers = COUNT(implicit)};
    }
}

/* All of its memory at once: growing would leave copies of what it held behind. */
static bool reserve_all(struct wr *w)
{
    bool there = wr_reserve(w, IN_MAX) != NULL;
    wr_clear(w);
    return there;
}

static enum step dicom_open(struct talk *t, struct wr *out)
{
    struct dicom_machine *m = (struct dicom_machine *)t;
    struct pdu_context contexts[PROPOSALS];
    struct pdu_associate rq;
    struct ul_event ignored;
    m->in = wr_heap(IN_MAX);
    m->raw = wr_heap(RAW_MAX);
    if (t->manner->count && !reserve_all(&m->in))
        return STEP_DONE;
    request(m, contexts, &rq);
    ul_init(&m->ul, true, MAX_PDU, ASSOCIATE_MAX, t->arena);
    if (ul_do(&m->ul, EVT1, NULL, out, &ignored) == STEP_FAIL ||
        ul_do(&m->ul, EVT2, &(struct ul_argument){.associate = &rq}, out, &ignored) == STEP_FAIL)
        return STEP_DONE;
    talk_say(t, "A-ASSOCIATE-RQ");
    return STEP_MORE;
}

/* At most one message is in `out` by then: the machine's own abort goes alone. */
static enum step say_abort(struct dicom_machine *m, struct wr *out)
{
    struct ul_event ignored;
    if (ul_do(&m->ul, EVT15, &(struct ul_argument){0}, out, &ignored) != STEP_FAIL)
        talk_say(&m->t, "A-ABORT");
    m->over = true;
    return STEP_DONE;
}

static enum step say_release(struct dicom_machine *m, struct wr *out)
{
    struct ul_event ignored;
    if (ul_do(&m->ul, EVT11, NULL, out, &ignored) == STEP_FAIL)
        return say_abort(m, out);
    talk_say(&m->t, "A-RELEASE-RQ");
    m->t.brief = true;
    return STEP_EVENT;
}

/* Of the bytes that came only the acceptance itself is looked at later: what follows it may hold a
 * patient's data, asked for or not. PS3.8 9.3.3: the length stands behind type and a reserved byte.
 */
static void forget_behind_acceptance(struct dicom_machine *m)
{
    struct rd r = rd_of(wr_str(&m->raw));
    rd_skip(&r, 2);
    size_t whole = 6 + (size_t)rd_u32be(&r);
    if (r.bad || m->raw.n <= whole)
        return;
    explicit_bzero(m->raw.p + whole, m->raw.n - whole);
    m->raw.n = whole;
}

static enum step on_accepted(struct dicom_machine *m, const struct pdu_associate *ac,
                             struct wr *out)
{
    m->accepted = ac;
    forget_behind_acceptance(m);
    if (!m->t.manner->count || !accepts(m, QUERY))
        return say_release(m, out);
    m->count = ARENA_NEW(m->t.arena, struct dicom_count);
    if (!m->count)
        return say_release(m, out);
    dicom_count_start(m->count, context_id(QUERY), m->t.manner->count_cap, out);
    talk_say(&m->t, "C-FIND-RQ");
    m->t.counting = true;
    return STEP_EVENT;
}

static enum step on_data(struct dicom_machine *m, const struct pdv *piece, struct wr *out)
{
    if (!m->count || m->t.brief)
        return m->t.brief ? STEP_MORE : say_abort(m, out);
    enum step s = dicom_count_feed(m->count, piece, out);
    if (s == STEP_EVENT) {
        talk_say(&m->t, "C-CANCEL-RQ");
        return STEP_EVENT;
    }
    if (s == STEP_FAIL)
        return say_abort(m, out);
    return s == STEP_DONE ? say_release(m, out) : STEP_MORE;
}

static enum step on_event(struct dicom_machine *m, const struct ul_event *e, struct wr *out)
{
    switch (e->kind) {
    case UL_ASSOCIATE_ACCEPTED:
        return on_accepted(m, e->associate, out);
    case UL_ASSOCIATE_REJECTED:
    case UL_ABORTED:
    case UL_P_ABORTED:
        if (!e->own && !m->accepted) {
            m->refusal = e->refusal;
            m->refused = e->kind == UL_ASSOCIATE_REJECTED ? PDU_ASSOCIATE_RJ : PDU_ABORT;
        }
        if (e->own && out->n)
            talk_say(&m->t, "A-ABORT");
        m->over = true;
        return STEP_DONE;
    case UL_DATA:
        return on_data(m, &e->pdv, out);
    case UL_RELEASE_CONFIRMED:
        m->released = true;
        m->over = true;
        return STEP_DONE;
    case UL_RELEASE_INDICATION:
    case UL_RELEASE_COLLISION:
        return say_abort(m, out);
    case UL_CLOSED:
        m->over = true;
        return STEP_DONE;
    case UL_NOTHING:
    case UL_ASSOCIATE_INDICATION:
    case UL_REFUSED:
        break;
    }
    return STEP_MORE;
}

/* Until the upper layer wants more bytes or something was said: each message goes out alone. */
static enum step feed(struct dicom_machine *m, struct str *in, struct wr *out)
{
    enum step told = STEP_MORE;
    struct ul_event e;
    for (unsigned i = 0; i < PIECES_MAX && !m->over; i++) {
        enum step s = ul_feed(&m->ul, in, out, &e);
        if (s == STEP_MORE)
            return told;
        if (s != STEP_EVENT)
            return STEP_DONE;
        s = on_event(m, &e, out);
        if (s == STEP_DONE)
            return s;
        told = s == STEP_EVENT ? s : told;
    }
    return m->over ? STEP_DONE : told;
}

static enum step dicom_bytes(struct talk *t, struct str in, struct wr *out)
{
    struct dicom_machine *m = (struct dicom_machine *)t;
    if (!m->accepted)
        wr_put(&m->raw, str_slice(in, 0, RAW_MAX - m->raw.n));
    size_t kept = m->in.n;
    if (kept) {
        wr_put(&m->in, in);
        in = wr_str(&m->in);
        kept = m->in.n;
    }
    enum step s = m->in.bad ? say_abort(m, out) : feed(m, &in, out);
    if (s == STEP_DONE)
        return s;
    /* What is left waits for what follows; it may lie in the same buffer. */
    if (kept) {
        if (in.n)
            memmove(m->in.p, in.p, in.n);
        m->in.n = in.n;
        explicit_bzero(m->in.p + in.n, kept - in.n);
    } else {
        wr_put(&m->in, in);
    }
    return m->in.bad ? say_abort(m, out) : s;
}

static void dicom_end(struct talk *t, enum talk_end why, struct wr *out)
{
    struct dicom_machine *m = (struct dicom_machine *)t;
    m->why = why;
    if (why == TALK_LATE || why == TALK_STOP)
        (void)say_abort(m, out);
}

static err_t add_services(struct dicom_machine *m, struct evidence *e)
{
    for (size_t s = 0; s < COUNT(services); s++) {
        bool asked = false, open = false;
        for (size_t i = 0; i < PROPOSALS; i++) {
            if (!m->proposed[i] || strcmp(proposals[i].service, services[s]) != 0)
                continue;
            asked = true;
            open |= accepts(m, i);
        }
        if (asked)
            TRY(evidence_addf(e, BY_PROBE, EV_dicom_service, "%s%s", open ? "" : "-", services[s]));
    }
    return OK;
}

static err_t add_count(const struct dicom_machine *m, struct evidence *e)
{
    const struct dicom_count *c = m->count;
    if (!c || c->refused || (!c->ended && c->studies == 0))
        return OK;
    const char *more = c->more || !c->ended ? "+" : "";
    TRY(evidence_addf(e, BY_PROBE, EV_dicom_studies, "%llu%s", (unsigned long long)c->studies,
                      more));
    return c->images_known ? evidence_addf(e, BY_PROBE, EV_dicom_images, "%llu%s",
                                           (unsigned long long)c->images, more)
                           : OK;
}

/* Abstract syntaxes for the answer's contexts, which it does not repeat. */
static err_t add_accepted(struct dicom_machine *m, struct evidence *e)
{
    struct pdu_context contexts[PROPOSALS];
    struct pdu_associate rq;
    request(m, contexts, &rq);
    TRY(dicom_answer_accept(m->accepted, &rq, BY_PROBE, e));
    TRY(evidence_add(e, BY_PROBE, EV_raw_dicom, wr_str(&m->raw)));
    if (m->t.manner->own_called)
        TRY(evidence_add(e, BY_PROBE, EV_dicom_any_called, STR("yes")));
    if (!m->t.manner->own_calling)
        return OK;
    /* What is open to a name that it cannot know; nothing of it is proved by a name that it may. */
    TRY(evidence_add(e, BY_PROBE, EV_dicom_any_calling, STR("yes")));
    TRY(add_services(m, e));
    return add_count(m, e);
}

/* PS3.8 9.3.4: source 1 is the service user; 3 calling, 7 called AE title not recognized. */
static err_t add_refused(struct dicom_machine *m, struct evidence *e)
{
    const struct pdu_refusal *r = &m->refusal;
    TRY(dicom_answer_refusal(r, m->refused, BY_PROBE, e));
    TRY(evidence_add(e, BY_PROBE, EV_raw_dicom, wr_str(&m->raw)));
    bool by_user = m->refused == PDU_ASSOCIATE_RJ && r->source == 1;
    if (by_user && r->reason == 3)
        TRY(evidence_add(e, BY_PROBE, EV_dicom_any_calling, STR("no")));
    if (by_user && r->reason == 7 && m->t.manner->own_called)
        TRY(evidence_add(e, BY_PROBE, EV_dicom_any_called, STR("no")));
    return OK;
}

static err_t dicom_facts(struct talk *t, struct evidence *e)
{
    struct dicom_machine *m = (struct dicom_machine *)t;
    struct str raw = wr_str(&m->raw);
    if (m->accepted || m->refused)
        TRY(evidence_add(e, BY_PROBE, EV_transport, t->tls ? STR("tls") : STR("clear")));
    if (m->accepted)
        return add_accepted(m, e);
    if (m->refused)
        return add_refused(m, e);
    /* A connection that was cut without a byte is no A-ABORT: nothing was spoken. */
    if (raw.n == 0)
        return evidence_add(e, BY_PROBE, EV_dicom_answer, STR("silent"));
    /* An answer that is not whole, or lies: what there is of it. */
    err_t read = dicom_answer_bytes(raw, BY_PROBE, e);
    if (read != E_MALFORMED)
        return read;
    TRY(evidence_add(e, BY_PROBE, EV_dicom_answer, STR("other")));
    return talk_banner(raw, e);
}

static void dicom_done(struct talk *t)
{
    struct dicom_machine *m = (struct dicom_machine *)t;
    if (m->count)
        explicit_bzero(m->count, sizeof *m->count);
    if (m->in.n)
        explicit_bzero(m->in.p, m->in.n);
    wr_done(&m->in);
    wr_done(&m->raw);
}

_Static_assert(sizeof(struct dicom_machine) <= TALK_SIZE_MAX, "raise TALK_SIZE_MAX");
const struct talk_calls dicom_talk = {
    .size = sizeof(struct dicom_machine),
    .open = dicom_open,
    .bytes = dicom_bytes,
    .end = dicom_end,
    .facts = dicom_facts,
    .done = dicom_done,
};
