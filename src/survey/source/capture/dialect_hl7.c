/* HL7 v2 over MLLP in the clear: who sends to whom, message types, answers, and which identifying
 * fields the messages held: names and counts. */
#include <stdlib.h>

#include "base/size.h"
#include "hl7/mllp.h"
#include "survey/source/capture/dialect.h"
#include "survey/wire/hl7_answer.h"

enum { MESSAGE_MAX = 2 << 20, TYPE_MAX = 20, TEXT_MAX = 160, VT = 0x0b };

struct hl7 {
    struct mllp side[2];
    size_t charged;
};

/* An answer has MSA or says so; whoever begins a connection with one is its server. */
static bool is_answer(const struct hl7_message *m)
{
    struct str type = hl7_get(m, "MSH", 9, 1);
    return str_eq(type, STR("ACK")) || hl7_segment(m, "MSA").n;
}

static enum looks looks(struct str head, bool first)
{
    static const char *const begins[] = {"MSH", "FHS", "BHS"};
    if (!head.n || head.p[0] != VT)
        return LOOKS_no;
    if (head.n < 5)
        return first ? LOOKS_more : LOOKS_no;
    for (size_t i = 0; i < COUNT(begins); i++)
        if (memcmp(head.p + 1, begins[i], 3) == 0) {
            struct hl7_message m;
            bool answer = hl7_parse(str_slice(head, 1, head.n), &m) == OK && is_answer(&m);
            return answer ? LOOKS_server : first ? LOOKS_either : LOOKS_client;
        }
    return LOOKS_no;
}

static void charge(struct hl7 *h, struct budget *b)
{
    size_t now = sizeof *h + h->side[0].message.cap + h->side[1].message.cap;
    b->used = b->used - h->charged + now;
    h->charged = now;
}

static void *begin(struct scene *s, bool first)
{
    struct hl7 *h = calloc(1, sizeof *h);
    (void)first;
    if (!h)
        return NULL;
    for (size_t i = 0; i < 2; i++)
        mllp_init(&h->side[i], MESSAGE_MAX);
    charge(h, s->budget);
    return h;
}

/* Codes are told only where they are codes of the standard: a field that holds something else may
 * hold anything. Message types: v2.5.1 table 0076, v2.8's additions. */
static const char types[] =
    " ACK ADR ADT BAR DFT DOC DPR DRP DSR EAC EAN EAR EDR EHC EQQ ERP ESR ESU INR INU LSR LSU MCF "
    "MDM MFD MFK MFN MFQ MFR NMD NMQ NMR NST OMB OMD OMG OMI OML OMN OMP OMQ OMS OPL OPR OPU ORA "
    "ORB ORD ORF ORG ORI ORL ORM ORN ORP ORR ORS ORU OSF OSM OSQ OSR OSU OUL PEX PGL PIN PMU PPG "
    "PPP PPR PPT PPV PRR PTR QBP QCK QCN QRF QRY QSB QSX QVR RAR RAS RCI RCL RDE RDR RDS RDY REF "
    "RER RGR RGV ROR RPA RPI RPL RPR RQA RQC RQI RQP RQQ RRA RRD RRE RRG RRI RSP RTB SDR SIU SLN "
    "SLR SMD SPQ SQM SQR SRM SRR SSR SSU STC SUR TBR TCR TCU UDM VQQ VTQ VXQ VXR VXU VXX ";
static const char acknowledgements[] = " AA AE AR CA CE CR ";

/* The words of a list are equally long. */

static struct str code(struct str s, const char *list)
{
    size_t n = strlen(list);
    for (size_t i = 0; s.n && i + 1 + s.n < n; i += s.n + 1)
        if (memcmp(list + i + 1, s.p, s.n) == 0 && list[i] == ' ' && list[i + 1 + s.n] == ' ')
            return s;
    return STR("?");
}

/* A01, R01, PC1 (table 0003). */
static bool is_event(struct str s)
{
    return s.n == 3 && s.p[0] >= 'A' && s.p[0] <= 'Z' && s.p[2] >= '0' && s.p[2] <= '9' &&
           ((s.p[1] >= '0' && s.p[1] <= '9') || (s.p[1] >= 'A' && s.p[1] <= 'Z'));
}

static struct str number(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
            return STR("");
    return str_slice(s, 0, 8);
}

/* "ADT^A01" */
static struct str type_of(const struct hl7_message *m, struct str msh, char buf[TYPE_MAX])
{
    struct wr w = wr_fixed(buf, TYPE_MAX);
    struct str type = hl7_field(m, msh, 9);
    struct str event = hl7_component(m, type, 2);
    wr_put(&w, code(hl7_component(m, type, 1), types));
    if (is_event(event)) {
        wr_u8(&w, '^');
        wr_put(&w, event);
    }
    return wr_str(&w);
}

static void tell_fields(const struct hl7_message *m, struct scene *s)
{
    uint64_t counts[FIELDS] = {0};
    bool any = false;
    hl7_count_fields(m, counts + DICOM_FIELDS);
    for (size_t i = DICOM_FIELDS; i < FIELDS; i++)
        any = any || counts[i];
    if (any)
        gather_fields(s->g, &s->ends, PROTOCOL_hl7, counts);
}

/* The applications' and facilities' names, nothing else of the message: its other fields, and the
 * text of an acknowledgement, may be about a patient. */
static void tell_server(const struct hl7_message *m, struct scene *s)
{
    const struct ends *e = &s->ends;
    struct evidence *v = gather_scratch(s->g);
    char text[TEXT_MAX * 4];
    struct wr w = wr_fixed(text, sizeof text);
    struct str app = str_slice(hl7_get(m, "MSH", 3, 1), 0, TEXT_MAX);
    struct str facility = str_slice(hl7_get(m, "MSH", 4, 1), 0, TEXT_MAX);
    struct str answer = code(hl7_get(m, "MSA", 1, 1), acknowledgements);
    struct str version = number(hl7_get(m, "MSH", 12, 1));
    wr_printf(&w, "MSH|^~\\&|%.*s|%.*s|||||ACK|||%.*s\rMSA|%.*s\r", STR_ARG(app), STR_ARG(facility),
              STR_ARG(version), STR_ARG(answer));
    if (hl7_answer_bytes(wr_str(&w), BY_TRAFFIC, v) == OK)
        gather_evidence(s->g, &e->server, e->port);
}

static void on_message(struct scene *s, enum side side, struct str text)
{
    struct hl7_message m;
    char buf[TYPE_MAX];
    const struct ends *e = &s->ends;
    if (hl7_parse(text, &m) != OK)
        return;
    struct str msh = hl7_segment(&m, "MSH"), app = hl7_field(&m, msh, 3);
    struct str type = type_of(&m, msh, buf);
    gather_fact(s->g, &e->server, e->port, EV_hl7_mllp, STR("yes"));
    gather_detail(s->g, e, PROTOCOL_hl7, type);
    gather_flow(s->g, e, PROTOCOL_hl7, 0, 0, 1);
    if (side == SIDE_CLIENT) {
        gather_count(s->g, &e->server, e->port, EV_hl7_message, type, 1);
        gather_fact(s->g, &e->server, e->port, EV_hl7_peer,
                    str_slice(hl7_component(&m, app, 1), 0, 64));
    } else if (gather_unseen(s->g, &e->server, e->port, app)) {
        tell_server(&m, s);
    }
    tell_fields(&m, s);
}

static void bytes(void *state, struct scene *s, enum side side, struct str in)
{
    struct hl7 *h = state;
    struct str message;
    while (mllp_feed(&h->side[side], &in, &message) == STEP_EVENT)
        on_message(s, side, message);
    charge(h, s->budget);
}

/* A message with a hole is none: the next begins with its own mark. */
static void gap(void *state, struct scene *s, enum side side, uint32_t n)
{
    struct hl7 *h = state;
    (void)n;
    mllp_done(&h->side[side]);
    mllp_init(&h->side[side], MESSAGE_MAX);
    charge(h, s->budget);
}

static void end(void *state, struct scene *s)
{
    struct hl7 *h = state;
    for (size_t i = 0; i < 2; i++)
        mllp_done(&h->side[i]);
    s->budget->used -= h->charged;
    free(h);
}

const struct dialect dialect_hl7 = {"hl7", PROTOCOL_hl7, looks, begin, bytes, gap, end};
