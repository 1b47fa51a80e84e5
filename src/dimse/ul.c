/* The upper layer protocol machine (PS3.8 9.2). The table says which action; the actions' effects
 * are a table too, and what is left is the parsing of PDUs. */
#include "dimse/ul.h"

#include <assert.h>

#include "base/rd.h"
#include "base/size.h"
#include "dimse/pdu_item.h"

/* PS3.8 table 9-10, row by row. */
static const uint8_t table[UL_EVENTS][UL_STATES] = {
    [EVT1] = {[STA1] = AE_1},
    [EVT2] = {[STA4] = AE_2},
    [EVT3] = {[STA2] = AA_1,
              [STA3] = AA_8,
              [STA5] = AE_3,
              [STA6] = AA_8,
              [STA7] = AA_8,
              [STA8] = AA_8,
              [STA9] = AA_8,
              [STA10] = AA_8,
              [STA11] = AA_8,
              [STA12] = AA_8,
              [STA13] = AA_6},
    [EVT4] = {[STA2] = AA_1,
              [STA3] = AA_8,
              [STA5] = AE_4,
              [STA6] = AA_8,
              [STA7] = AA_8,
              [STA8] = AA_8,
              [STA9] = AA_8,
              [STA10] = AA_8,
              [STA11] = AA_8,
              [STA12] = AA_8,
              [STA13] = AA_6},
    [EVT5] = {[STA1] = AE_5},
    [EVT6] = {[STA2] = AE_6,
              [STA3] = AA_8,
              [STA5] = AA_8,
              [STA6] = AA_8,
              [STA7] = AA_8,
              [STA8] = AA_8,
              [STA9] = AA_8,
              [STA10] = AA_8,
              [STA11] = AA_8,
              [STA12] = AA_8,
              [STA13] = AA_7},
    [EVT7] = {[STA3] = AE_7},
    [EVT8] = {[STA3] = AE_8},
    [EVT9] = {[STA6] = DT_1, [STA8] = AR_7},
    [EVT10] = {[STA2] = AA_1,
               [STA3] = AA_8,
               [STA5] = AA_8,
               [STA6] = DT_2,
               [STA7] = AR_6,
               [STA8] = AA_8,
               [STA9] = AA_8,
               [STA10] = AA_8,
               [STA11] = AA_8,
               [STA12] = AA_8,
               [STA13] = AA_6},
    [EVT11] = {[STA6] = AR_1},
    [EVT12] = {[STA2] = AA_1,
               [STA3] = AA_8,
               [STA5] = AA_8,
               [STA6] = AR_2,
               [STA7] = AR_8,
               [STA8] = AA_8,
               [STA9] = AA_8,
               [STA10] = AA_8,
               [STA11] = AA_8,
               [STA12] = AA_8,
               [STA13] = AA_6},
    [EVT13] = {[STA2] = AA_1,
               [STA3] = AA_8,
               [STA5] = AA_8,
               [STA6] = AA_8,
               [STA7] = AR_3,
               [STA8] = AA_8,
               [STA9] = AA_8,
               [STA10] = AR_10,
               [STA11] = AR_3,
               [STA12] = AA_8,
               [STA13] = AA_6},
    [EVT14] = {[STA8] = AR_4, [STA9] = AR_9, [STA12] = AR_4},
    [EVT15] = {[STA3] = AA_1,
               [STA4] = AA_2,
               [STA5] = AA_1,
               [STA6] = AA_1,
               [STA7] = AA_1,
               [STA8] = AA_1,
               [STA9] = AA_1,
               [STA10] = AA_1,
               [STA11] = AA_1,
               [STA12] = AA_1},
    [EVT16] = {[STA2] = AA_2,
               [STA3] = AA_3,
               [STA5] = AA_3,
               [STA6] = AA_3,
               [STA7] = AA_3,
               [STA8] = AA_3,
               [STA9] = AA_3,
               [STA10] = AA_3,
               [STA11] = AA_3,
               [STA12] = AA_3,
               [STA13] = AA_2},
    [EVT17] = {[STA2] = AA_5,
               [STA3] = AA_4,
               [STA4] = AA_4,
               [STA5] = AA_4,
               [STA6] = AA_4,
               [STA7] = AA_4,
               [STA8] = AA_4,
               [STA9] = AA_4,
               [STA10] = AA_4,
               [STA11] = AA_4,
               [STA12] = AA_4,
               [STA13] = AR_5},
    [EVT18] = {[STA2] = AA_2, [STA13] = AA_2},
    [EVT19] = {[STA2] = AA_1,
               [STA3] = AA_8,
               [STA5] = AA_8,
               [STA6] = AA_8,
               [STA7] = AA_8,
               [STA8] = AA_8,
               [STA9] = AA_8,
               [STA10] = AA_8,
               [STA11] = AA_8,
               [STA12] = AA_8,
               [STA13] = AA_7},
};

enum timer { KEEP, START, STOP };

/* What each action does (PS3.8 tables 9-6 to 9-9). AE-6, AR-8 and AA-3 decide some of it
 * themselves. */
static const struct {
    const char *name;
    enum ul_state next;
    uint8_t send; /* enum pdu_type */
    enum timer timer;
    bool close;
    enum ul_kind kind;
} actions[] = {
    [UL_NONE] = {.name = "-"},
    [AE_1] = {"AE-1", STA4, 0, KEEP, false, UL_NOTHING},
    [AE_2] = {"AE-2", STA5, PDU_ASSOCIATE_RQ, KEEP, false, UL_NOTHING},
    [AE_3] = {"AE-3", STA6, 0, KEEP, false, UL_ASSOCIATE_ACCEPTED},
    [AE_4] = {"AE-4", STA1, 0, KEEP, true, UL_ASSOCIATE_REJECTED},
    [AE_5] = {"AE-5", STA2, 0, START, false, UL_NOTHING},
    [AE_6] = {"AE-6", STA3, 0, STOP, false, UL_ASSOCIATE_INDICATION},
    [AE_7] = {"AE-7", STA6, PDU_ASSOCIATE_AC, KEEP, false, UL_NOTHING},
    [AE_8] = {"AE-8", STA13, PDU_ASSOCIATE_RJ, START, false, UL_NOTHING},
    [DT_1] = {"DT-1", STA6, 0, KEEP, false, UL_NOTHING},
    [DT_2] = {"DT-2", STA6, 0, KEEP, false, UL_NOTHING},
    [AR_1] = {"AR-1", STA7, PDU_RELEASE_RQ, KEEP, false, UL_NOTHING},
    [AR_2] = {"AR-2", STA8, 0, KEEP, false, UL_RELEASE_INDICATION},
    [AR_3] = {"AR-3", STA1, 0, KEEP, true, UL_RELEASE_CONFIRMED},
    [AR_4] = {"AR-4", STA13, PDU_RELEASE_RP, START, false, UL_NOTHING},
    [AR_5] = {"AR-5", STA1, 0, STOP, false, UL_CLOSED},
    [AR_6] = {"AR-6", STA7, 0, KEEP, false, UL_NOTHING},
    [AR_7] = {"AR-7", STA8, 0, KEEP, false, UL_NOTHING},
    [AR_8] = {"AR-8", STA10, 0, KEEP, false, UL_RELEASE_COLLISION},
    [AR_9] = {"AR-9", STA11, PDU_RELEASE_RP, KEEP, false, UL_NOTHING},
    [AR_10] = {"AR-10", STA12, 0, KEEP, false, UL_RELEASE_CONFIRMED},
    [AA_1] = {"AA-1", STA13, PDU_ABORT, START, false, UL_NOTHING},
    [AA_2] = {"AA-2", STA1, 0, STOP, true, UL_CLOSED},
    [AA_3] = {"AA-3", STA1, 0, KEEP, true, UL_ABORTED},
    [AA_4] = {"AA-4", STA1, 0, KEEP, false, UL_P_ABORTED},
    [AA_5] = {"AA-5", STA1, 0, STOP, false, UL_CLOSED},
    [AA_6] = {"AA-6", STA13, 0, KEEP, false, UL_NOTHING},
    [AA_7] = {"AA-7", STA13, PDU_ABORT, KEEP, false, UL_NOTHING},
    [AA_8] = {"AA-8", STA13, PDU_ABORT, START, false, UL_P_ABORTED},
};

enum ul_action ul_table(enum ul_evt event, enum ul_state state)
{
    return table[event][state];
}

const char *ul_action_name(enum ul_action a)
{
    return actions[a].name;
}

void ul_init(struct ul *u, bool requestor, uint32_t max_pdu, uint32_t max_associate,
             struct arena *arena)
{
    *u = (struct ul){.state = STA1,
                     .requestor = requestor,
                     .max_pdu = max_pdu,
                     .max_associate = max_associate,
                     .arena = arena};
}

static void set_timer(struct ul *u, enum timer t)
{
    if (t == KEEP)
        return;
    u->artim = t == START;
    u->artim_starts += t == START;
}

/* The A-ABORT of AA-1, AA-7 and AA-8. AA-1 has the service user for its source, but where it
 * answers an invalid PDU before there is a user (Sta2) we name the provider and the reason all the
 * same: it is the truth, and the only hint the other side gets. */
static struct pdu_refusal abort_of(enum ul_evt event, enum ul_action a, struct pdu_refusal given)
{
    if (event == EVT19)
        return (struct pdu_refusal){.source = 2, .reason = given.reason};
    if (a == AA_1)
        return (struct pdu_refusal){.source = 0};
    return (struct pdu_refusal){.source = 2, .reason = UL_UNEXPECTED_PDU};
}

static void send(enum pdu_type type, const struct ul_argument *arg, struct pdu_refusal abort,
                 struct wr *out)
{
    switch (type) {
    case PDU_ASSOCIATE_RQ:
    case PDU_ASSOCIATE_AC:
        assert(arg->associate);
        pdu_associate_write(arg->associate, type, out);
        return;
    case PDU_ASSOCIATE_RJ:
        pdu_refusal_write(&arg->refusal, type, out);
        return;
    case PDU_RELEASE_RQ:
    case PDU_RELEASE_RP:
        pdu_release_write(type, out);
        return;
    case PDU_ABORT:
        pdu_refusal_write(&abort, type, out);
        return;
    case PDU_DATA_TF:
        return;
    }
}

/* Carries an action out. What it tells the user goes to *ret, whose particulars the caller has set.
 */
static enum step act(struct ul *u, enum ul_evt event, enum ul_action a,
                     const struct ul_argument *arg, struct wr *out, struct ul_event *ret)
{
    static const struct ul_argument none;
    arg = arg ? arg : &none;
    ret->kind = actions[a].kind;
    u->state = actions[a].next;
    if (a == AR_8 && u->requestor)
        u->state = STA9;
    if (a == AA_3 && ret->refusal.source != 0)
        ret->kind = UL_P_ABORTED;
    if (actions[a].send == PDU_ABORT) {
        ret->own = true;
        ret->refusal = abort_of(event, a, arg->refusal);
        /* AA-1 has no indication, since its user asked for it; in Sta2 nobody did, and whoever
         * feeds us wants to know. */
        if (event != EVT15 && a != AA_7)
            ret->kind = UL_P_ABORTED;
    }
    set_timer(u, actions[a].timer);
    u->close = actions[a].close;
    if (actions[a].send)
        send(actions[a].send, arg, ret->refusal, out);
    if (out->bad)
        return STEP_FAIL;
    return ret->kind == UL_NOTHING ? STEP_MORE : STEP_EVENT;
}

static bool is_local(enum ul_evt event)
{
    switch (event) {
    case EVT3:
    case EVT4:
    case EVT6:
    case EVT10:
    case EVT12:
    case EVT13:
    case EVT16:
    case UL_EVENTS:
        return false;
    default:
        return true;
    }
}

enum step ul_do(struct ul *u, enum ul_evt event, const struct ul_argument *arg, struct wr *out,
                struct ul_event *ret)
{
    struct ul_event got = {0};
    if (!is_local(event) || table[event][u->state] == UL_NONE)
        return STEP_FAIL;
    enum step s = act(u, event, table[event][u->state], arg, out, &got);
    *ret = got;
    return s;
}

/* AE-6 where the request is not acceptable by the service provider (PS3.8 9.2.3). */
static enum step refuse(struct ul *u, struct pdu_refusal why, struct wr *out, struct ul_event *ret)
{
    const struct ul_argument arg = {.refusal = why};
    set_timer(u, STOP);
    enum step s = act(u, EVT8, AE_8, &arg, out, ret);
    ret->refusal = why;
    ret->kind = UL_REFUSED;
    return s == STEP_FAIL ? STEP_FAIL : STEP_EVENT;
}

/* A PDU that is not one. */
static enum step invalid(struct ul *u, enum ul_reason reason, struct wr *out, struct ul_event *ret)
{
    const struct ul_argument arg = {.refusal = {.reason = (uint8_t)reason}};
    return act(u, EVT19, table[EVT19][u->state], &arg, out, ret);
}

/* AE-3 and AE-6: only here is an A-ASSOCIATE PDU looked at, so one that comes at any other time can
 * do nothing. */
static enum step associate(struct ul *u, enum ul_evt event, struct str payload, struct wr *out,
                           struct ul_event *ret)
{
    enum pdu_type type = event == EVT6 ? PDU_ASSOCIATE_RQ : PDU_ASSOCIATE_AC;
    struct pdu_refusal why = {2, 3, 2};
    struct str kept = arena_copy(u->arena, payload);
    struct pdu_associate *got = ARENA_NEW(u->arena, struct pdu_associate);
    err_t e = E_NOMEM;
    if (kept.p && got)
        e = pdu_associate_parse(kept, type, u->arena, got, &u->diag);
    if (e == OK && event == EVT6)
        e = pdu_associate_check(got, &why, &u->diag);
    if (e == E_REJECTED || (event == EVT6 && (e == E_LIMIT || e == E_NOMEM)))
        return refuse(u, why, out, ret);
    if (e != OK)
        return invalid(u, UL_INVALID_PARAMETER, out, ret);
    ret->associate = got;
    return act(u, event, table[event][u->state], NULL, out, ret);
}

/* A PDU that is wanted whole. */
static enum step whole(struct ul *u, enum ul_evt event, struct str payload, struct wr *out,
                       struct ul_event *ret)
{
    if (event == EVT3 || event == EVT6)
        return associate(u, event, payload, out, ret);
    enum pdu_type type = event == EVT4 ? PDU_ASSOCIATE_RJ : PDU_ABORT;
    if (pdu_refusal_parse(payload, type, &ret->refusal) != OK)
        return invalid(u, UL_INVALID_PARAMETER, out, ret);
    return act(u, event, table[event][u->state], NULL, out, ret);
}

/* What comes as which event, and how long it may be. */
static enum ul_evt event_of(const struct ul *u, uint8_t type, uint32_t length,
                            enum ul_reason *reason)
{
    static const uint8_t events[] = {
        [PDU_ASSOCIATE_RQ] = EVT6, [PDU_ASSOCIATE_AC] = EVT3, [PDU_ASSOCIATE_RJ] = EVT4,
        [PDU_DATA_TF] = EVT10,     [PDU_RELEASE_RQ] = EVT12,  [PDU_RELEASE_RP] = EVT13,
        [PDU_ABORT] = EVT16,
    };
    if (type == 0 || type >= COUNT(events)) {
        *reason = UL_UNRECOGNIZED_PDU;
        return EVT19;
    }
    bool fits = length == 4;
    if (type == PDU_DATA_TF)
        fits = u->max_pdu == 0 || length <= u->max_pdu;
    else if (type <= PDU_ASSOCIATE_AC)
        fits = length <= u->max_associate;
    *reason = UL_INVALID_PARAMETER;
    return fits ? events[type] : EVT19;
}

static bool wants_whole(enum ul_action a)
{
    return a == AE_3 || a == AE_4 || a == AE_6 || a == AA_3;
}

static enum step more(struct ul *u, size_t want)
{
    u->want = want;
    return STEP_MORE;
}

/* A PDU's header, and the whole of it where it is wanted whole. What is of no use to the state is
 * answered at its header and dropped as it comes. */
static enum step header(struct ul *u, struct str *in, struct wr *out, struct ul_event *ret)
{
    if (in->n < PDU_HEADER)
        return more(u, PDU_HEADER);
    struct rd r = rd_of(*in);
    uint8_t type = rd_u8(&r);
    rd_skip(&r, 1);
    uint32_t length = rd_u32be(&r);
    enum ul_reason reason;
    enum ul_evt event = event_of(u, type, length, &reason);
    enum ul_action a = table[event][u->state];
    if (wants_whole(a)) {
        if (r.n < length)
            return more(u, PDU_HEADER + (size_t)length);
        struct str payload = rd_take(&r, length);
        *in = str_of(r.p, r.n);
        return whole(u, event, payload, out, ret);
    }
    *in = str_of(r.p, r.n);
    u->in_data = a == DT_2 || a == AR_6;
    u->dropping = !u->in_data;
    u->pdu_left = length;
    u->pdv_left = 0;
    if (event != EVT19)
        return act(u, event, a, NULL, out, ret);
    (void)diag_set(&u->diag, E_PROTOCOL, "a PDU of type %u and %u bytes", type, (unsigned)length);
    return invalid(u, reason, out, ret);
}

static void drop(struct ul *u, struct str *in)
{
    size_t n = size_min(u->pdu_left, in->n);
    *in = str_slice(*in, n, in->n);
    u->pdu_left -= (uint32_t)n;
}

static enum step data_event(struct ul *u, struct str piece, struct ul_event *ret)
{
    ret->kind = UL_DATA;
    ret->pdv = u->pdv;
    ret->pdv.data = piece;
    ret->pdv.last = u->pdv.last && u->pdv_left == 0;
    return STEP_EVENT;
}

static enum step pdv_header(struct ul *u, struct str *in, struct wr *out, struct ul_event *ret)
{
    struct rd r = rd_of(*in);
    if (u->pdu_left >= PDV_HEADER && r.n < PDV_HEADER)
        return more(u, PDV_HEADER);
    uint32_t length = u->pdu_left < PDV_HEADER ? 0 : rd_u32be(&r);
    if (length < 2 || length > u->pdu_left - 4) {
        u->in_data = false;
        u->dropping = true;
        (void)diag_set(&u->diag, E_PROTOCOL, "a PDV of %u bytes with %u bytes left in its PDU",
                       (unsigned)length, (unsigned)u->pdu_left);
        return invalid(u, UL_INVALID_PARAMETER, out, ret);
    }
    uint8_t context = rd_u8(&r), control = rd_u8(&r);
    u->pdv = (struct pdv){context, control & PDV_COMMAND, control & PDV_LAST, {0}};
    u->pdu_left -= PDV_HEADER;
    u->pdv_left = length - 2;
    *in = str_of(r.p, r.n);
    return u->pdv_left ? STEP_MORE : data_event(u, str_slice(*in, 0, 0), ret);
}

/* Inside a P-DATA-TF PDU. */
static enum step data(struct ul *u, struct str *in, struct wr *out, struct ul_event *ret)
{
    if (u->pdv_left == 0) {
        size_t before = in->n;
        enum step s = pdv_header(u, in, out, ret);
        if (s != STEP_MORE || in->n == before)
            return s;
    }
    if (in->n == 0)
        return more(u, 1);
    size_t n = size_min(u->pdv_left, in->n);
    struct str piece = str_slice(*in, 0, n);
    *in = str_slice(*in, n, in->n);
    u->pdv_left -= (uint32_t)n;
    u->pdu_left -= (uint32_t)n;
    return data_event(u, piece, ret);
}

enum step ul_feed(struct ul *u, struct str *in, struct wr *out, struct ul_event *ret)
{
    struct ul_event got = {0};
    enum step s = STEP_MORE;
    u->want = 0;
    if (u->state == STA4) /* nothing can come before the connection is open */
        return STEP_FAIL;
    while (s == STEP_MORE && u->want == 0 && u->state != STA1) {
        if (u->pdu_left && (u->dropping || (u->state != STA6 && u->state != STA7))) {
            drop(u, in);
            s = u->pdu_left ? more(u, 1) : STEP_MORE;
        } else if (u->pdu_left) {
            s = data(u, in, out, &got);
        } else {
            s = header(u, in, out, &got);
        }
    }
    if (s == STEP_EVENT)
        *ret = got;
    return s == STEP_MORE && u->state == STA1 ? STEP_DONE : s;
}
