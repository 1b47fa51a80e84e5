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

/* A code of the standard: letters, digits and what joins them. Anything else is not one, and may be
 * anything. */
static struct str code(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!ok)
            return STR("?");
    }
    return s.n && s.n <= 7 ? s : STR("?");
}

/* "ADT^A01" */
static struct str type_of(const struct hl7_message *m, char buf[TYPE_MAX])
{
    struct wr w = wr_fixed(buf, TYPE_MAX);
    struct str event = hl7_get(m, "MSH", 9, 2);
    wr_put(&w, code(hl7_get(m, "MSH", 9, 1)));
    if (event.n) {
        wr_u8(&w, '^');
        wr_put(&w, code(event));
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
    struct str version = code(hl7_get(m, "MSA", 1, 1));
    struct str msh12 = str_slice(hl7_get(m, "MSH", 12, 1), 0, 16);
    wr_printf(&w, "MSH|^~\\&|%.*s|%.*s|||||ACK|||%.*s\rMSA|%.*s\r", STR_ARG(app), STR_ARG(facility),
              STR_ARG(msh12), STR_ARG(version));
    if (hl7_answer_bytes(wr_str(&w), BY_TRAFFIC, v) == OK)
        gather_evidence(s->g, &e->server, e->port);
}

/* Versions and codes are short; a name of a program longer than its standard allows is none. */
static void tell_peer(const struct hl7_message *m, struct scene *s)
{
    struct str app = hl7_get(m, "MSH", 3, 1);
    gather_fact(s->g, &s->ends.server, s->ends.port, EV_hl7_peer, str_slice(app, 0, 64));
}

static void on_message(struct scene *s, enum side side, struct str text)
{
    struct hl7_message m;
    char buf[TYPE_MAX];
    const struct ends *e = &s->ends;
    if (hl7_parse(text, &m) != OK)
        return;
    struct str type = type_of(&m, buf);
    gather_fact(s->g, &e->server, e->port, EV_hl7_mllp, STR("yes"));
    gather_detail(s->g, e, PROTOCOL_hl7, type);
    gather_flow(s->g, e, PROTOCOL_hl7, 0, 0, 1);
    if (side == SIDE_CLIENT) {
        gather_count(s->g, &e->server, e->port, EV_hl7_message, type, 1);
        tell_peer(&m, s);
    } else if (gather_unseen(s->g, &e->server, e->port, hl7_get(&m, "MSH", 3, 0))) {
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
