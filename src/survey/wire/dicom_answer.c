/* An acceptor's first answer as evidence (PS3.8 9.3.3, 9.3.4, 9.3.8; PS3.7 D.3.3). Strangers cut
 * their answers short and lie about lengths, and what an export holds is cut again: so this reads
 * item by item and believes a length only where bytes bear it out. The strict reading is
 * dimse/pdu.h's. */
#include "survey/wire/dicom_answer.h"

#include "base/rd.h"
#include "base/size.h"
#include "dimse/pdu_item.h"

enum {
    FIXED = 68,       /* bytes of an A-ASSOCIATE-AC before its first item */
    ITEMS_MAX = 1024, /* 128 contexts and the user information are far below it */
    LENGTH_MAX = 1 << 20,
    REFUSAL = 4, /* bytes after the header of A-ASSOCIATE-RJ and A-ABORT */
};

struct answer {
    struct evidence *e;
    enum ev_by by;
};

static err_t add_if_any(const struct answer *a, enum ev_kind kind, struct str value)
{
    return value.n ? evidence_add(a->e, a->by, kind, value) : OK;
}

static err_t add_max(const struct answer *a, uint32_t max)
{
    return evidence_addf(a->e, a->by, EV_dicom_max_pdu, "%u", max);
}

/* A presentation context of an answer names no abstract syntax, only what was chosen for it. */
static err_t on_context(const struct answer *a, struct rd body)
{
    rd_skip(&body, 2);
    uint8_t result = rd_u8(&body);
    rd_skip(&body, 1);
    uint8_t type = rd_u8(&body);
    rd_skip(&body, 1);
    struct str transfer = rd_take(&body, rd_u16be(&body));
    if (body.bad || result != PDU_ACCEPTED || type != ITEM_TRANSFER)
        return OK;
    return add_if_any(a, EV_dicom_transfer_syntax, str_unpad(transfer));
}

static err_t on_max(const struct answer *a, struct rd body)
{
    uint32_t max = rd_u32be(&body);
    return body.bad ? OK : add_max(a, max);
}

static err_t on_class_uid(const struct answer *a, struct rd body)
{
    return add_if_any(a, EV_dicom_class_uid, str_unpad(rd_take(&body, body.n)));
}

static err_t on_version_name(const struct answer *a, struct rd body)
{
    return add_if_any(a, EV_dicom_version_name, str_trim(str_unpad(rd_take(&body, body.n))));
}

typedef err_t item_fn(const struct answer *a, struct rd body);
static item_fn *const items[256] = {
    [ITEM_CONTEXT_AC] = on_context,
    [ITEM_MAX_LENGTH] = on_max,
    [ITEM_IMPLEMENTATION] = on_class_uid,
    [ITEM_VERSION] = on_version_name,
};

/* The user information is entered, not skipped, so that its sub-items are found whatever it says
 * of its own length. An item that is not whole ends the reading. */
static err_t read_items(const struct answer *a, struct rd r)
{
    for (unsigned n = 0; r.n >= 4 && n < ITEMS_MAX; n++) {
        uint8_t type = rd_u8(&r);
        rd_skip(&r, 1);
        uint16_t length = rd_u16be(&r);
        if (type == ITEM_USER)
            continue;
        struct rd body = rd_sub(&r, length);
        if (r.bad)
            return OK;
        if (items[type])
            TRY(items[type](a, body));
    }
    return OK;
}

/* Whether these can be the beginning of an A-ASSOCIATE-AC, as far as they go: a length that is too
 * small or too large is believed to lie only when an application context stands in its place. */
static bool looks_accepted(struct str b, uint32_t length)
{
    enum { FIRST = PDU_HEADER + FIXED };
    const uint8_t *p = (const uint8_t *)b.p;
    if (b.n < PDU_HEADER + 2 || !(p[7] & 1))
        return false;
    if (b.n >= FIRST + 4 && p[FIRST] == ITEM_APPLICATION && p[FIRST + 2] == 0)
        return true;
    bool item = b.n <= FIRST || p[FIRST] == ITEM_APPLICATION || p[FIRST] == ITEM_CONTEXT_AC ||
                p[FIRST] == ITEM_USER;
    return item && length >= FIXED && length <= LENGTH_MAX;
}

/* A refusal says its length of four; or its length lies, and then the rest has to make sense. */
static bool looks_refused(struct str b, uint32_t length, enum pdu_type type)
{
    const uint8_t *p = (const uint8_t *)b.p;
    if (length == REFUSAL)
        return true;
    if (b.n < PDU_HEADER + REFUSAL || length > LENGTH_MAX || p[6] != 0)
        return false;
    return type == PDU_ASSOCIATE_RJ ? p[7] >= 1 && p[7] <= 2 && p[8] >= 1 && p[8] <= 3 && p[9] <= 7
                                    : p[7] == 0 && p[8] <= 2 && p[9] <= 6;
}

static bool looks_like(struct str b, enum pdu_type *ret_type, uint32_t *ret_length)
{
    struct rd r = rd_of(b);
    uint8_t type = rd_u8(&r);
    uint8_t reserved = rd_u8(&r);
    uint32_t length = rd_u32be(&r);
    if (r.bad || reserved != 0)
        return false;
    *ret_type = (enum pdu_type)type;
    *ret_length = length;
    if (type == PDU_ASSOCIATE_AC)
        return looks_accepted(b, length);
    return (type == PDU_ASSOCIATE_RJ || type == PDU_ABORT) &&
           looks_refused(b, length, (enum pdu_type)type);
}

static err_t accepted(const struct answer *a, struct str bytes, uint32_t length)
{
    TRY(evidence_add(a->e, a->by, EV_dicom_answer, STR("accepted")));
    struct str rest = str_slice(bytes, PDU_HEADER, bytes.n);
    if (length > FIXED && length < rest.n)
        rest.n = length; /* else the length lies, or the bytes were cut */
    return read_items(a, rd_of(str_slice(rest, FIXED, rest.n)));
}

static err_t refused(const struct answer *a, struct str bytes, enum pdu_type type)
{
    struct pdu_refusal r;
    if (pdu_refusal_parse(str_slice(bytes, PDU_HEADER, REFUSAL), type, &r) == OK)
        return dicom_answer_refusal(&r, type, a->by, a->e);
    /* Cut before it said why. */
    return evidence_add(a->e, a->by, EV_dicom_answer,
                        type == PDU_ABORT ? STR("aborted") : STR("rejected"));
}

err_t dicom_answer_bytes(struct str bytes, enum ev_by by, struct evidence *e)
{
    const struct answer a = {e, by};
    enum pdu_type type;
    uint32_t length;
    if (!looks_like(bytes, &type, &length))
        return E_MALFORMED;
    if (type == PDU_ASSOCIATE_AC)
        TRY(accepted(&a, bytes, length));
    else
        TRY(refused(&a, bytes, type));
    TRY(evidence_add(e, by, EV_protocol, STR("dicom")));
    return evidence_add(e, by, EV_raw_dicom, bytes);
}

bool dicom_answer_looks(struct str bytes)
{
    enum pdu_type type;
    uint32_t length;
    return looks_like(bytes, &type, &length);
}

static struct str abstract_of(const struct pdu_associate *rq, uint8_t id)
{
    for (size_t i = 0; rq && i < rq->n_contexts; i++)
        if (rq->contexts[i].id == id)
            return rq->contexts[i].abstract;
    return STR("");
}

static err_t add_context(const struct answer *a, const struct pdu_context *c, struct str abstract)
{
    bool took = c->result == PDU_ACCEPTED;
    if (took && c->n_transfers)
        TRY(add_if_any(a, EV_dicom_transfer_syntax, c->transfers[0]));
    if (!abstract.n)
        return OK;
    return evidence_addf(a->e, a->by, EV_dicom_context, "%s%.*s", took ? "" : "-",
                         STR_ARG(str_slice(abstract, 0, 64)));
}

err_t dicom_answer_accept(const struct pdu_associate *ac, const struct pdu_associate *rq,
                          enum ev_by by, struct evidence *e)
{
    const struct answer a = {e, by};
    TRY(evidence_add(e, by, EV_dicom_answer, STR("accepted")));
    TRY(add_if_any(&a, EV_dicom_class_uid, ac->implementation_uid));
    TRY(add_if_any(&a, EV_dicom_version_name, str_trim(ac->implementation_version)));
    TRY(add_max(&a, ac->max_pdu));
    for (size_t i = 0; i < ac->n_contexts; i++) {
        const struct pdu_context *c = &ac->contexts[i];
        TRY(add_context(&a, c, c->abstract.n ? c->abstract : abstract_of(rq, c->id)));
    }
    return evidence_add(e, by, EV_protocol, STR("dicom"));
}

err_t dicom_answer_refusal(const struct pdu_refusal *r, enum pdu_type type, enum ev_by by,
                           struct evidence *e)
{
    char buf[160];
    if (type == PDU_ABORT)
        TRY(evidence_add(e, by, EV_dicom_answer, STR("aborted")));
    else
        TRY(evidence_addf(e, by, EV_dicom_answer, "rejected %u/%u/%u", r->result, r->source,
                          r->reason));
    TRY(evidence_keep(e, by, EV_dicom_reject_text, pdu_refusal_text(r, type, buf, sizeof buf)));
    return evidence_add(e, by, EV_protocol, STR("dicom"));
}
