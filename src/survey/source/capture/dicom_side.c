#include "survey/source/capture/dicom_side.h"

#include "base/rd.h"
#include "base/size.h"

enum { ASSOCIATE_MIN = 68, FIXED = 4 };

/* The length that a PDU's header names, held against what its type may have; false: a lie. */
static bool length_ok(uint8_t type, uint32_t n)
{
    switch (type) {
    case PDU_ASSOCIATE_RQ:
    case PDU_ASSOCIATE_AC:
        return n >= ASSOCIATE_MIN && n <= ASSOCIATE_MAX;
    case PDU_ASSOCIATE_RJ:
    case PDU_RELEASE_RQ:
    case PDU_RELEASE_RP:
    case PDU_ABORT:
        return n == FIXED;
    case PDU_DATA_TF:
        return n >= PDV_HEADER && n <= PDU_LENGTH_MAX;
    default:
        return false;
    }
}

static bool pdv_ok(uint32_t n, uint8_t context, uint8_t control, uint32_t pdu_left)
{
    return n >= 2 && n <= pdu_left - 4 && context & 1 && control <= 3;
}

/* Requests and answers are told apart by the Command Field (PS3.7 E.1), which stands behind the
 * class UID: looked for, since a capture may begin anywhere. */
static enum looks command_looks(struct str set)
{
    static const char field[] = {0, 0, 0, 1, 2, 0, 0, 0};
    static const char group[] = {0, 0, 0, 0, 4, 0, 0, 0};
    if (set.n < sizeof group || memcmp(set.p, group, sizeof group) != 0)
        return LOOKS_no;
    const char *at = memmem(set.p, size_min(set.n, 256), field, sizeof field);
    if (!at || (size_t)(at - set.p) + sizeof field + 2 > set.n)
        return LOOKS_either;
    return (uint8_t)at[sizeof field + 1] & 0x80 ? LOOKS_server : LOOKS_client;
}

/* One PDV in a PDU is what everybody writes, and two lengths that agree are no accident. Many write
 * these headers in a segment of their own: then nobody can tell yet who speaks. */
static enum looks data_looks(struct rd *r, uint32_t length, bool first)
{
    uint32_t n = rd_u32be(r);
    uint8_t context = rd_u8(r), control = rd_u8(r);
    if (r->bad || !pdv_ok(n, context, control, length) || first)
        return LOOKS_no;
    enum looks by_command = control & 1 ? command_looks(str_of(r->p, r->n)) : LOOKS_no;
    if (by_command != LOOKS_no)
        return by_command;
    return n == length - 4 ? LOOKS_either : LOOKS_no;
}

enum looks dicom_looks(struct str head, bool first)
{
    struct rd r = rd_of(head);
    uint8_t type = rd_u8(&r), reserved = rd_u8(&r);
    uint32_t length = rd_u32be(&r);
    bool begins = head.n && type >= PDU_ASSOCIATE_RQ && type <= PDU_ABORT &&
                  (head.n < 2 || reserved == 0) && (head.n < 6 || length_ok(type, length));
    if (!begins)
        return LOOKS_no;
    if (head.n < 6)
        return first ? LOOKS_more : LOOKS_no;
    if (type == PDU_DATA_TF)
        return data_looks(&r, length, first);
    if (type != PDU_ASSOCIATE_RQ && type != PDU_ASSOCIATE_AC)
        return first && type != PDU_ASSOCIATE_RJ && type != PDU_ABORT ? LOOKS_no : LOOKS_either;
    uint16_t version = rd_u16be(&r);
    if (head.n < 10)
        return first ? LOOKS_more : LOOKS_no;
    if (!(version & 1) || rd_u16be(&r) != 0)
        return LOOKS_no;
    return type == PDU_ASSOCIATE_RQ ? LOOKS_client : LOOKS_server;
}

void dicom_side_init(struct dicom_side *s, bool lost)
{
    *s = (struct dicom_side){.at = lost ? AT_LOST : AT_HEAD, .kept = wr_heap(ASSOCIATE_MAX)};
}

void dicom_side_done(struct dicom_side *s)
{
    wr_done(&s->kept);
}

static void lose(struct dicom_side *s, enum side side, const struct dicom_calls *calls)
{
    s->at = AT_LOST;
    s->n_head = 0;
    s->broken = false;
    wr_clear(&s->kept);
    calls->data(calls->ctx, side, 0, str_of("", 0), true);
}

/* The first bytes of a PDU or PDV, however they come; false while there are too few. */
static bool header(struct dicom_side *s, struct str *in)
{
    size_t n = size_min(sizeof s->head - s->n_head, in->n);
    memcpy(s->head + s->n_head, in->p, n);
    s->n_head = (uint8_t)(s->n_head + n);
    *in = str_slice(*in, n, in->n);
    if (s->n_head < sizeof s->head)
        return false;
    s->n_head = 0;
    return true;
}

static void on_head(struct dicom_side *s, enum side side, struct str *in,
                    const struct dicom_calls *calls)
{
    if (!header(s, in))
        return;
    struct rd r = rd_of(str_of(s->head, sizeof s->head));
    s->type = rd_u8(&r);
    rd_skip(&r, 1);
    s->pdu_left = rd_u32be(&r);
    if (!length_ok(s->type, s->pdu_left)) {
        lose(s, side, calls);
        return;
    }
    s->at = s->type == PDU_DATA_TF ? AT_PDV : AT_BODY;
    if (s->at == AT_BODY)
        wr_clear(&s->kept);
}

static void on_body(struct dicom_side *s, enum side side, struct str *in,
                    const struct dicom_calls *calls)
{
    struct str part = str_slice(*in, 0, s->pdu_left);
    *in = str_slice(*in, part.n, in->n);
    s->pdu_left -= (uint32_t)part.n;
    wr_put(&s->kept, part);
    if (s->pdu_left)
        return;
    s->at = AT_HEAD;
    if (!s->kept.bad)
        calls->pdu(calls->ctx, side, s->type, wr_str(&s->kept));
    wr_done(&s->kept);
    s->kept = wr_heap(ASSOCIATE_MAX);
}

static void on_pdv(struct dicom_side *s, enum side side, struct str *in,
                   const struct dicom_calls *calls)
{
    if (s->pdu_left == 0) {
        s->at = AT_HEAD;
        return;
    }
    if (!header(s, in))
        return;
    struct rd r = rd_of(str_of(s->head, sizeof s->head));
    uint32_t n = rd_u32be(&r);
    uint8_t context = rd_u8(&r), control = rd_u8(&r);
    if (s->pdu_left < PDV_HEADER || !pdv_ok(n, context, control, s->pdu_left)) {
        lose(s, side, calls);
        return;
    }
    s->pdu_left -= 4 + n;
    s->pdv_left = n - 2;
    s->pdv = (struct pdv){.context = context, .command = control & 1, .last = control & 2};
    s->at = AT_DATA;
}

static void command_part(struct dicom_side *s, enum side side, struct str part, bool whole,
                         const struct dicom_calls *calls)
{
    s->broken = s->broken || s->kept.n + part.n > COMMAND_MAX;
    if (!s->broken)
        wr_put(&s->kept, part);
    if (!whole)
        return;
    if (!s->broken && !s->kept.bad)
        calls->command(calls->ctx, side, s->pdv.context, wr_str(&s->kept));
    wr_clear(&s->kept);
    s->broken = false;
}

static void on_data(struct dicom_side *s, enum side side, struct str *in,
                    const struct dicom_calls *calls)
{
    struct str part = str_slice(*in, 0, s->pdv_left);
    *in = str_slice(*in, part.n, in->n);
    s->pdv_left -= (uint32_t)part.n;
    bool whole = s->pdv_left == 0 && s->pdv.last;
    if (s->pdv.command)
        command_part(s, side, part, whole, calls);
    else
        calls->data(calls->ctx, side, s->pdv.context, part, whole);
    if (s->pdv_left == 0)
        s->at = AT_PDV;
}

/* Where a segment begins, a PDU may. */
static bool found_again(struct dicom_side *s, struct str in)
{
    if (dicom_looks(in, false) == LOOKS_no)
        return false;
    s->at = AT_HEAD;
    return true;
}

void dicom_side_bytes(struct dicom_side *s, enum side side, struct str in,
                      const struct dicom_calls *calls)
{
    static void (*const steps[])(struct dicom_side *, enum side, struct str *,
                                 const struct dicom_calls *) = {
        [AT_HEAD] = on_head, [AT_BODY] = on_body, [AT_PDV] = on_pdv, [AT_DATA] = on_data};
    if (s->at == AT_LOST && !found_again(s, in))
        return;
    /* A PDV of no data, and a PDU's end, are steps that take no bytes. */
    while (s->at != AT_LOST && (in.n || (s->at == AT_DATA && s->pdv_left == 0)))
        steps[s->at](s, side, &in, calls);
}

void dicom_side_gap(struct dicom_side *s, enum side side, uint32_t n,
                    const struct dicom_calls *calls)
{
    bool inside = s->at == AT_DATA && n < s->pdv_left;
    if (!inside) {
        if (s->at != AT_LOST)
            lose(s, side, calls);
        return;
    }
    s->pdv_left -= n;
    if (s->pdv.command)
        s->broken = true;
    else
        calls->data(calls->ctx, side, 0, str_of("", 0), true);
}
