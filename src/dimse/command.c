/* DIMSE command sets (PS3.7 9.3, 10.3, annex E). */
#include "dimse/command.h"

#include "base/rd.h"
#include "base/size.h"
#include "dimse/pdu.h"

enum { NO_DATA_SET = 0x0101, COMMENT_MAX = 64 };

/* Elements of group 0000 (PS3.7 E.1). */
enum {
    GROUP_LENGTH = 0x0000,
    AFFECTED_CLASS = 0x0002,
    REQUESTED_CLASS = 0x0003,
    COMMAND_FIELD = 0x0100,
    MESSAGE_ID = 0x0110,
    RESPONDED_TO = 0x0120,
    DESTINATION = 0x0600,
    PRIORITY = 0x0700,
    DATA_SET_TYPE = 0x0800,
    STATUS_ELEMENT = 0x0900,
    OFFENDING = 0x0901,
    COMMENT = 0x0902,
    AFFECTED_INSTANCE = 0x1000,
    REQUESTED_INSTANCE = 0x1001,
    EVENT_TYPE = 0x1002,
    ACTION_TYPE = 0x1008,
    REMAINING = 0x1020,
    COMPLETED = 0x1021,
    FAILED = 0x1022,
    WARNING = 0x1023,
    ORIGINATOR = 0x1030,
    ORIGINATOR_ID = 0x1031,
};

/* What a message has by its Command Field. */
enum {
    HAS_PRIORITY = 1,
    NEEDS_CLASS = 2,
    NEEDS_INSTANCE = 4,
    NEEDS_DATA = 8,
    NEEDS_DESTINATION = 16,
    REQUESTED = 32, /* names its class and instance as Requested rather than Affected */
};

static const struct {
    uint16_t field;
    uint16_t flags;
    const char *text;
} messages[] = {
    {C_STORE_RQ, HAS_PRIORITY | NEEDS_CLASS | NEEDS_INSTANCE | NEEDS_DATA, "C-STORE-RQ"},
    {C_STORE_RSP, 0, "C-STORE-RSP"},
    {C_GET_RQ, HAS_PRIORITY | NEEDS_CLASS | NEEDS_DATA, "C-GET-RQ"},
    {C_GET_RSP, 0, "C-GET-RSP"},
    {C_FIND_RQ, HAS_PRIORITY | NEEDS_CLASS | NEEDS_DATA, "C-FIND-RQ"},
    {C_FIND_RSP, 0, "C-FIND-RSP"},
    {C_MOVE_RQ, HAS_PRIORITY | NEEDS_CLASS | NEEDS_DATA | NEEDS_DESTINATION, "C-MOVE-RQ"},
    {C_MOVE_RSP, 0, "C-MOVE-RSP"},
    {C_ECHO_RQ, 0, "C-ECHO-RQ"},
    {C_ECHO_RSP, 0, "C-ECHO-RSP"},
    {N_EVENT_REPORT_RQ, NEEDS_CLASS | NEEDS_INSTANCE, "N-EVENT-REPORT-RQ"},
    {N_EVENT_REPORT_RSP, 0, "N-EVENT-REPORT-RSP"},
    {N_GET_RQ, NEEDS_CLASS | NEEDS_INSTANCE | REQUESTED, "N-GET-RQ"},
    {N_GET_RSP, 0, "N-GET-RSP"},
    {N_SET_RQ, NEEDS_CLASS | NEEDS_INSTANCE | NEEDS_DATA | REQUESTED, "N-SET-RQ"},
    {N_SET_RSP, 0, "N-SET-RSP"},
    {N_ACTION_RQ, NEEDS_CLASS | NEEDS_INSTANCE | REQUESTED, "N-ACTION-RQ"},
    {N_ACTION_RSP, 0, "N-ACTION-RSP"},
    {N_CREATE_RQ, NEEDS_CLASS, "N-CREATE-RQ"},
    {N_CREATE_RSP, 0, "N-CREATE-RSP"},
    {N_DELETE_RQ, NEEDS_CLASS | NEEDS_INSTANCE | REQUESTED, "N-DELETE-RQ"},
    {N_DELETE_RSP, 0, "N-DELETE-RSP"},
    {C_CANCEL_RQ, 0, "C-CANCEL-RQ"},
};

static unsigned flags_of(uint16_t field)
{
    for (size_t i = 0; i < COUNT(messages); i++)
        if (messages[i].field == field)
            return messages[i].flags;
    return 0;
}

const char *dimse_field_text(uint16_t field)
{
    for (size_t i = 0; i < COUNT(messages); i++)
        if (messages[i].field == field)
            return messages[i].text;
    return "unknown command";
}

bool dimse_is_request(uint16_t field)
{
    return !(field & 0x8000);
}

struct dimse_command dimse_command(uint16_t field, uint16_t message_id)
{
    return (struct dimse_command){.field = field,
                                  .message_id = message_id,
                                  .remaining = -1,
                                  .completed = -1,
                                  .failed = -1,
                                  .warning = -1};
}

struct dimse_command dimse_response(const struct dimse_command *rq, uint16_t status)
{
    struct dimse_command c = dimse_command(rq->field | 0x8000, rq->message_id);
    c.status = status;
    c.context = rq->context;
    c.sop_class = rq->sop_class;
    c.sop_instance = rq->sop_instance;
    return c;
}

/* A command set being read. */
struct parse {
    struct dimse_command c;
    struct diag *d;
    bool has_field, has_id, has_type, has_status;
};

/* Marks a request as one to refuse; the first cause counts. */
static void refuse(struct parse *p, uint16_t status, const char *why)
{
    if (p->c.refuse)
        return;
    p->c.refuse = status;
    (void)diag_set(p->d, E_MALFORMED, "command set: %s", why);
}

static uint16_t u16(struct str value)
{
    struct rd r = rd_of(value);
    return rd_u16le(&r);
}

static int count_of(struct str value)
{
    return value.n < 2 ? -1 : u16(value);
}

static void take_uid(struct parse *p, struct str value, struct str *to, uint16_t status,
                     const char *why)
{
    struct str uid = str_unpad(value);
    if (uid.n == 0 || pdu_uid_ok(uid, false))
        *to = uid;
    else
        refuse(p, status, why);
}

static void take_ae(struct parse *p, struct str value, struct str *to, uint16_t status,
                    const char *why)
{
    struct str title = pdu_ae_trim(value);
    if (title.n == 0 || pdu_ae_ok(title))
        *to = title;
    else
        refuse(p, status, why);
}

static bool take_number(struct parse *p, uint16_t element, struct str value)
{
    struct dimse_command *c = &p->c;
    switch (element) {
    case COMMAND_FIELD:
        c->field = u16(value);
        p->has_field = value.n == 2;
        return true;
    case MESSAGE_ID:
    case RESPONDED_TO:
        c->message_id = u16(value);
        p->has_id = value.n == 2;
        return true;
    case PRIORITY:
        c->priority = u16(value);
        return true;
    case DATA_SET_TYPE:
        c->has_data = u16(value) != NO_DATA_SET;
        p->has_type = value.n == 2;
        return true;
    case STATUS_ELEMENT:
        c->status = u16(value);
        p->has_status = value.n == 2;
        return true;
    case EVENT_TYPE:
        c->event_type = u16(value);
        return true;
    case ACTION_TYPE:
        c->action_type = u16(value);
        return true;
    case ORIGINATOR_ID:
        c->originator_id = u16(value);
        return true;
    default:
        return false;
    }
}

static void take_other(struct parse *p, uint16_t element, struct str value)
{
    struct dimse_command *c = &p->c;
    switch (element) {
    case AFFECTED_CLASS:
    case REQUESTED_CLASS:
        take_uid(p, value, &c->sop_class, DIMSE_SOP_CLASS_NOT_SUPPORTED,
                 "the SOP Class UID is not a UID");
        return;
    case AFFECTED_INSTANCE:
    case REQUESTED_INSTANCE:
        take_uid(p, value, &c->sop_instance, DIMSE_INVALID_SOP_INSTANCE,
                 "the SOP Instance UID is not a UID");
        return;
    case DESTINATION:
        take_ae(p, value, &c->move_destination, DIMSE_MOVE_DESTINATION_UNKNOWN,
                "the Move Destination is not an AE title");
        return;
    case ORIGINATOR:
        take_ae(p, value, &c->originator, DIMSE_INVALID_ARGUMENT,
                "the Move Originator is not an AE title");
        return;
    case COMMENT:
        c->comment = str_unpad(value);
        return;
    case OFFENDING:
        c->offending = value;
        return;
    case REMAINING:
        c->remaining = count_of(value);
        return;
    case COMPLETED:
        c->completed = count_of(value);
        return;
    case FAILED:
        c->failed = count_of(value);
        return;
    case WARNING:
        c->warning = count_of(value);
        return;
    default: /* unknown, or the group length, which is not needed and often lies */
        return;
    }
}

static err_t read_elements(struct parse *p, struct rd r)
{
    while (r.n) {
        uint16_t group = rd_u16le(&r), element = rd_u16le(&r);
        struct str value = rd_take(&r, rd_u32le(&r));
        if (r.bad)
            return diag_set(p->d, E_MALFORMED, "command set: cut off within (%04x,%04x)", group,
                            element);
        if (group != 0)
            return diag_set(p->d, E_MALFORMED, "command set: holds (%04x,%04x)", group, element);
        if (!take_number(p, element, value))
            take_other(p, element, value);
    }
    return OK;
}

static void check_request(struct parse *p)
{
    const struct dimse_command *c = &p->c;
    unsigned flags = flags_of(c->field);
    if (flags & NEEDS_CLASS && !c->sop_class.n)
        refuse(p, DIMSE_MISSING_ATTRIBUTE, "there is no SOP Class UID");
    if (flags & NEEDS_INSTANCE && !c->sop_instance.n)
        refuse(p, DIMSE_MISSING_ATTRIBUTE, "there is no SOP Instance UID");
    if (flags & NEEDS_DESTINATION && !c->move_destination.n)
        refuse(p, DIMSE_MOVE_DESTINATION_UNKNOWN, "there is no Move Destination");
    if (flags & NEEDS_DATA && !c->has_data)
        refuse(p, DIMSE_MISTYPED_ARGUMENT, "there is no data set");
}

err_t dimse_command_parse(struct str bytes, struct dimse_command *ret, struct diag *d)
{
    struct parse p = {.c = dimse_command(0, 0), .d = d};
    TRY(read_elements(&p, rd_of(bytes)));
    const char *missing = !p.has_field  ? "Command Field"
                          : !p.has_id   ? "Message ID"
                          : !p.has_type ? "Command Data Set Type"
                                        : NULL;
    if (!missing && !dimse_is_request(p.c.field) && !p.has_status)
        missing = "Status";
    if (missing)
        return diag_set(d, E_MALFORMED, "command set: there is no %s", missing);
    if (dimse_is_request(p.c.field))
        check_request(&p);
    else
        p.c.refuse = 0;
    *ret = p.c;
    return OK;
}

static void put_u16(struct wr *w, uint16_t element, uint16_t v)
{
    wr_u16le(w, 0);
    wr_u16le(w, element);
    wr_u32le(w, 2);
    wr_u16le(w, v);
}

static void put_count(struct wr *w, uint16_t element, int count)
{
    if (count >= 0)
        put_u16(w, element, (uint16_t)(count > UINT16_MAX ? UINT16_MAX : count));
}

/* Nothing when it is empty. */
static void put_value(struct wr *w, uint16_t element, struct str value, char pad)
{
    if (!value.n)
        return;
    wr_u16le(w, 0);
    wr_u16le(w, element);
    wr_u32le(w, (uint32_t)(value.n + value.n % 2));
    wr_put(w, value);
    if (value.n % 2)
        wr_u8(w, (uint8_t)pad);
}

/* LO: at most 64 characters, of the default repertoire, no backslash (PS3.5 6.2). */
static void put_comment(struct wr *w, struct str comment)
{
    char text[COMMENT_MAX];
    size_t n = size_min(comment.n, sizeof text);
    for (size_t i = 0; i < n; i++) {
        char c = comment.p[i];
        text[i] = c < 0x20 || c >= 0x7f || c == '\\' ? '?' : c;
    }
    put_value(w, COMMENT, str_of(text, n), ' ');
}

static void put_status(const struct dimse_command *c, struct wr *w)
{
    if (dimse_is_request(c->field))
        return;
    put_u16(w, STATUS_ELEMENT, c->status);
    put_value(w, OFFENDING, c->offending, '\0');
    put_comment(w, c->comment);
}

static void put_body(const struct dimse_command *c, struct wr *w)
{
    unsigned flags = flags_of(c->field);
    bool cancel = c->field == C_CANCEL_RQ;
    put_value(w, flags & REQUESTED ? REQUESTED_CLASS : AFFECTED_CLASS, c->sop_class, '\0');
    put_u16(w, COMMAND_FIELD, c->field);
    put_u16(w, dimse_is_request(c->field) && !cancel ? MESSAGE_ID : RESPONDED_TO, c->message_id);
    put_value(w, DESTINATION, c->move_destination, ' ');
    if (flags & HAS_PRIORITY)
        put_u16(w, PRIORITY, c->priority);
    put_u16(w, DATA_SET_TYPE, c->has_data ? 1 : NO_DATA_SET);
    put_status(c, w);
    put_value(w, flags & REQUESTED ? REQUESTED_INSTANCE : AFFECTED_INSTANCE, c->sop_instance, '\0');
    if (c->event_type)
        put_u16(w, EVENT_TYPE, c->event_type);
    if (c->action_type)
        put_u16(w, ACTION_TYPE, c->action_type);
    put_count(w, REMAINING, c->remaining);
    put_count(w, COMPLETED, c->completed);
    put_count(w, FAILED, c->failed);
    put_count(w, WARNING, c->warning);
    put_value(w, ORIGINATOR, c->originator, ' ');
    if (c->originator.n)
        put_u16(w, ORIGINATOR_ID, c->originator_id);
}

void dimse_command_write(const struct dimse_command *c, struct wr *w)
{
    wr_u16le(w, 0);
    wr_u16le(w, GROUP_LENGTH);
    wr_u32le(w, 4);
    size_t mark = wr_mark(w, 4);
    put_body(c, w);
    wr_patch_u32le(w, mark);
}
