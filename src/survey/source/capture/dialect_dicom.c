/* DICOM in the clear: who called whom, what was negotiated, which commands went by, and which
 * identifying fields their data sets held: names and counts. */
#include <stdlib.h>

#include "base/size.h"
#include "dimse/command.h"
#include "survey/source/capture/dicom_side.h"
#include "survey/wire/dicom_answer.h"

enum {
    ARENA_MAX = 256 << 10,
    STATE_COST = 4096, /* a data set's reader and small change */
    TEXT_MAX = 96
};

/* A presentation context that was accepted. */
struct accepted {
    struct accepted *next;
    uint8_t id;
    struct str transfer;
};

/* The message that a side is sending. */
struct message {
    bool expected; /* its command announced a data set */
    bool begun, wanted, stores;
    struct dicom_fields *fields;
    uint64_t told[DICOM_FIELDS];
};

struct dicom {
    struct dicom_side side[2];
    struct message message[2];
    char calling[AE_TITLE_MAX + 1], called[AE_TITLE_MAX + 1];
    struct arena arena; /* of the contexts */
    struct accepted *accepted;
    struct wr request; /* until it is answered */
    size_t charged;
};

/* A side's callbacks come with both. */
struct dicom_turn {
    struct dicom *d;
    struct scene *s;
};

static void charge(struct dicom *d, struct budget *b)
{
    size_t now = sizeof *d + STATE_COST + d->arena.used + d->request.cap + d->side[0].kept.cap +
                 d->side[1].kept.cap;
    b->used = b->used - d->charged + now;
    d->charged = now;
}

static void *begin(struct scene *s, bool first)
{
    struct dicom *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    for (size_t i = 0; i < 2; i++)
        dicom_side_init(&d->side[i], !first);
    d->arena = arena_init(ARENA_MAX);
    d->request = wr_heap(ASSOCIATE_MAX);
    charge(d, s->budget);
    return d;
}

/* The fields that were counted since they were told. */
static void tell_fields(struct message *m, struct scene *s)
{
    uint64_t counts[FIELDS] = {0};
    bool any = false;
    if (!m->fields)
        return;
    const uint64_t *now = dicom_fields_counts(m->fields);
    for (size_t i = 0; i < DICOM_FIELDS; i++) {
        counts[i] = now[i] - m->told[i];
        any = any || counts[i];
        m->told[i] = now[i];
    }
    if (any)
        gather_fields(s->g, &s->ends, PROTOCOL_dicom, counts);
}

static void copy_title(struct str title, char ret[AE_TITLE_MAX + 1])
{
    ret[0] = 0;
    if (!pdu_ae_ok(title) || !str_to_z(title, ret, AE_TITLE_MAX + 1))
        ret[0] = 0;
}

static void on_request(struct dicom *d, struct scene *s, struct str payload)
{
    struct arena a = arena_init(ARENA_MAX);
    struct pdu_associate rq;
    if (pdu_associate_parse(payload, PDU_ASSOCIATE_RQ, &a, &rq, NULL) == OK) {
        const struct ip *client = &s->ends.client;
        wr_clear(&d->request);
        wr_put(&d->request, payload);
        copy_title(rq.calling, d->calling);
        copy_title(rq.called, d->called);
        gather_fact(s->g, client, 0, EV_dicom_client_ae, str_z(d->calling));
        if (pdu_uid_ok(rq.implementation_uid, false))
            gather_fact(s->g, client, 0, EV_dicom_client_class_uid, rq.implementation_uid);
        gather_fact(s->g, client, 0, EV_dicom_client_version, rq.implementation_version);
    }
    arena_done(&a);
}

/* A context's transfer syntax lives as long as the association. */
static void keep_context(struct dicom *d, const struct pdu_context *c)
{
    if (c->result != PDU_ACCEPTED || c->n_transfers == 0)
        return;
    struct accepted *k = ARENA_NEW(&d->arena, struct accepted);
    struct str transfer = arena_copy(&d->arena, c->transfers[0]);
    if (!k || !transfer.p)
        return;
    *k = (struct accepted){d->accepted, c->id, transfer};
    d->accepted = k;
}

static void tell_accept(struct dicom *d, struct scene *s, const struct pdu_associate *ac,
                        struct arena *a)
{
    struct pdu_associate rq;
    bool asked = d->request.n &&
                 pdu_associate_parse(wr_str(&d->request), PDU_ASSOCIATE_RQ, a, &rq, NULL) == OK;
    if (dicom_answer_accept(ac, asked ? &rq : NULL, BY_TRAFFIC, gather_scratch(s->g)) == OK)
        gather_evidence(s->g, &s->ends.server, s->ends.port);
}

static void on_accept(struct dicom *d, struct scene *s, struct str payload)
{
    struct arena a = arena_init(2 * ARENA_MAX);
    struct pdu_associate ac;
    if (pdu_associate_parse(payload, PDU_ASSOCIATE_AC, &a, &ac, NULL) == OK) {
        d->accepted = NULL;
        arena_reset(&d->arena);
        for (size_t i = 0; i < ac.n_contexts; i++)
            keep_context(d, &ac.contexts[i]);
        if (gather_unseen(s->g, &s->ends.server, s->ends.port, payload))
            tell_accept(d, s, &ac, &a);
        gather_fact(s->g, &s->ends.server, s->ends.port, EV_dicom_ae, str_z(d->called));
    }
    arena_done(&a);
    wr_done(&d->request);
    d->request = wr_heap(ASSOCIATE_MAX);
}

/* An abort says something of the server only where it is its answer. */
static void on_refusal(struct dicom *d, struct scene *s, enum pdu_type type, struct str payload)
{
    struct pdu_refusal r;
    if (!d->request.n || pdu_refusal_parse(payload, type, &r) != OK)
        return;
    if (dicom_answer_refusal(&r, type, BY_TRAFFIC, gather_scratch(s->g)) == OK)
        gather_evidence(s->g, &s->ends.server, s->ends.port);
    wr_clear(&d->request);
}

static void on_pdu(void *ctx, enum side side, enum pdu_type type, struct str payload)
{
    struct dicom_turn *t = ctx;
    if (type == PDU_ASSOCIATE_RQ && side == SIDE_CLIENT)
        on_request(t->d, t->s, payload);
    if (type == PDU_ASSOCIATE_AC && side == SIDE_SERVER)
        on_accept(t->d, t->s, payload);
    if ((type == PDU_ASSOCIATE_RJ || type == PDU_ABORT) && side == SIDE_SERVER)
        on_refusal(t->d, t->s, type, payload);
}

/* "STORESCU > PACS C-STORE" */
static void tell_command(struct dicom *d, struct scene *s, enum side side, struct str name)
{
    char text[TEXT_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    const char *from = side == SIDE_CLIENT ? d->calling : d->called;
    const char *to = side == SIDE_CLIENT ? d->called : d->calling;
    wr_printf(&w, "%s > %s %.*s", *from ? from : "?", *to ? to : "?", STR_ARG(name));
    gather_detail(s->g, &s->ends, PROTOCOL_dicom, wr_str(&w));
    gather_flow(s->g, &s->ends, PROTOCOL_dicom, 0, 0, 1);
    if (side == SIDE_CLIENT)
        gather_count(s->g, &s->ends.server, s->ends.port, EV_dicom_command, name, 1);
}

static void on_command(void *ctx, enum side side, uint8_t context, struct str set)
{
    struct dicom_turn *t = ctx;
    struct dimse_command c;
    struct message *m = &t->d->message[side];
    (void)context;
    m->expected = m->begun = false;
    if (dimse_command_parse(set, &c, NULL) != OK)
        return;
    m->expected = c.has_data;
    m->stores = c.field == C_STORE_RQ;
    if (!dimse_is_request(c.field))
        return;
    struct str name = str_z(dimse_field_text(c.field));
    if (str_ends(name, STR("-RQ")))
        name.n -= 3;
    tell_command(t->d, t->s, side, name);
}

/* Explicit VR writes two letters behind the tag (PS3.5 7.1.2). */
static struct str guess_transfer(struct str bytes)
{
    bool letters = bytes.n >= 6 && bytes.p[4] >= 'A' && bytes.p[4] <= 'Z' && bytes.p[5] >= 'A' &&
                   bytes.p[5] <= 'Z';
    return letters ? STR("1.2.840.10008.1.2.1") : STR("1.2.840.10008.1.2");
}

static struct str transfer_of(const struct dicom *d, uint8_t context, struct str bytes)
{
    for (const struct accepted *k = d->accepted; k; k = k->next)
        if (k->id == context)
            return k->transfer;
    return guess_transfer(bytes);
}

static void begin_data(struct dicom *d, struct message *m, struct scene *s, uint8_t context,
                       struct str bytes)
{
    m->begun = true;
    m->wanted = m->fields || dicom_fields_new(&m->fields) == OK;
    if (m->wanted)
        dicom_fields_begin(m->fields, transfer_of(d, context, bytes));
    if (m->stores)
        gather_object(s->g, &s->ends);
}

static void on_data(void *ctx, enum side side, uint8_t context, struct str bytes, bool last)
{
    struct dicom_turn *t = ctx;
    struct message *m = &t->d->message[side];
    if (!m->expected)
        return;
    if (!m->begun && bytes.n)
        begin_data(t->d, m, t->s, context, bytes);
    if (m->begun && m->wanted && bytes.n)
        m->wanted = dicom_fields_feed(m->fields, bytes);
    if (last) {
        tell_fields(m, t->s);
        m->expected = false;
    }
}

static struct dicom_calls calls_of(struct dicom_turn *t)
{
    return (struct dicom_calls){on_pdu, on_command, on_data, t};
}

static void bytes(void *state, struct scene *s, enum side side, struct str in)
{
    struct dicom *d = state;
    struct dicom_turn t = {d, s};
    struct dicom_calls calls = calls_of(&t);
    dicom_side_bytes(&d->side[side], side, in, &calls);
    charge(d, s->budget);
}

static void gap(void *state, struct scene *s, enum side side, uint32_t n)
{
    struct dicom *d = state;
    struct dicom_turn t = {d, s};
    struct dicom_calls calls = calls_of(&t);
    dicom_side_gap(&d->side[side], side, n, &calls);
    charge(d, s->budget);
}

static void end(void *state, struct scene *s)
{
    struct dicom *d = state;
    for (size_t i = 0; i < 2; i++) {
        tell_fields(&d->message[i], s);
        dicom_fields_free(d->message[i].fields);
        dicom_side_done(&d->side[i]);
    }
    wr_done(&d->request);
    arena_done(&d->arena);
    s->budget->used -= d->charged;
    free(d);
}

const struct dialect dialect_dicom = {"dicom", PROTOCOL_dicom, dicom_looks, begin, bytes, gap, end};
