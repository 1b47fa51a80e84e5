#include "rig.h"

#include "base/size.h"

static struct str transfers[] = {STR_INIT(UID_ExplicitVRLittleEndian),
                                 STR_INIT(UID_ImplicitVRLittleEndian)};
static struct pdu_context contexts[] = {
    {.id = 1, .abstract = STR_INIT(UID_Verification), .transfers = transfers, .n_transfers = 2},
    {.id = 3, .abstract = STR_INIT(CT), .transfers = transfers, .n_transfers = 1},
};

void rig_open(struct rig *r)
{
    *r = (struct rig){0};
    assert_ok(listener_open(STR("127.0.0.1"), 0, &r->listener, &r->diag));
    r->port = listener_port(r->listener);
}

void rig_close(struct rig *r)
{
    raw_close(r);
    assoc_free(r->assoc);
    thread_join(r->thread);
    listener_free(r->listener);
}

struct conn *rig_accept(struct rig *r)
{
    struct conn *c = NULL;
    size_t which;
    assert_ok(listener_accept(&r->listener, 1, NULL, &c, &which));
    return c;
}

struct assoc_limits rig_limits(void)
{
    return (struct assoc_limits){
        .artim_ms = 150, .idle_ms = 300, .dimse_ms = 300, .max_pdu = 16384, .max_ops = 1};
}

struct pdu_associate rig_request(void)
{
    return (struct pdu_associate){.version = 1,
                                  .called = STR("ARCHIVE"),
                                  .calling = STR("SCANNER"),
                                  .application = STR(PDU_APPLICATION_CONTEXT),
                                  .contexts = contexts,
                                  .n_contexts = COUNT(contexts),
                                  .max_pdu = 16384};
}

err_t rig_accept_all(struct assoc *a)
{
    struct pdu_context answers[PDU_CONTEXTS_MAX];
    const struct pdu_associate *rq = assoc_request(a);
    struct pdu_associate answer = {.contexts = answers,
                                   .n_contexts = rq->n_contexts,
                                   .roles = rq->roles,
                                   .n_roles = rq->n_roles};
    for (size_t i = 0; i < rq->n_contexts; i++) {
        answers[i] = rq->contexts[i];
        answers[i].n_transfers = size_min(1, answers[i].n_transfers);
    }
    return assoc_accept(a, &answer);
}

struct conn *rig_raw(struct rig *r)
{
    assert_ok(conn_connect(STR("127.0.0.1"), r->port, NULL, clock_deadline(2000), NULL, &r->raw,
                           &r->diag));
    return rig_accept(r);
}

void rig_established(struct rig *r, const struct assoc_limits *l)
{
    uint8_t buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct pdu_associate rq = rig_request();
    size_t n;
    struct conn *c = rig_raw(r);
    pdu_associate_write(&rq, PDU_ASSOCIATE_RQ, &w);
    raw_send(r, wr_str(&w));
    assert_ok(assoc_receive(c, l, &r->assoc, &r->diag));
    assert_ok(rig_accept_all(r->assoc));
    assert_ok(conn_read(r->raw, buf, sizeof buf, clock_deadline(2000), &n));
    assert_int_equal(buf[0], PDU_ASSOCIATE_AC);
}

void raw_send(struct rig *r, struct str s)
{
    assert_ok(conn_write(r->raw, s, clock_deadline(2000)));
}

void raw_expect(struct rig *r, struct str s)
{
    char got[4096];
    size_t have = 0, n;
    assert_true(s.n <= sizeof got);
    while (have < s.n) {
        assert_ok(conn_read(r->raw, got + have, s.n - have, clock_deadline(2000), &n));
        have += n;
    }
    assert_memory_equal(got, s.p, s.n);
}

size_t raw_drain(struct rig *r, uint8_t *buf, size_t cap)
{
    size_t have = 0, n;
    while (have < cap && conn_read(r->raw, buf + have, cap - have, clock_deadline(500), &n) == OK)
        have += n;
    return have;
}

void raw_close(struct rig *r)
{
    conn_free(r->raw);
    r->raw = NULL;
}

struct str raw_data(struct wr *w, uint8_t context, bool command, bool last, struct str data)
{
    wr_u8(w, PDU_DATA_TF);
    wr_u8(w, 0);
    wr_u32be(w, (uint32_t)(PDV_HEADER + data.n));
    pdv_header_write(context, command, last, data.n, w);
    wr_put(w, data);
    assert_false(w->bad);
    return wr_str(w);
}

struct str raw_command(struct wr *w, uint8_t context, const struct dimse_command *c)
{
    uint8_t buf[512];
    struct wr set = wr_fixed(buf, sizeof buf);
    dimse_command_write(c, &set);
    assert_false(set.bad);
    return raw_data(w, context, true, true, wr_str(&set));
}

/* The other side of rig_pair. */
struct other {
    struct rig *rig;
    struct assoc_limits limits;
    void (*serve)(struct assoc *a, void *ctx);
    void *ctx;
};

static void run_other(void *arg)
{
    struct other o = *(struct other *)arg;
    struct assoc *a = NULL;
    struct diag d;
    free(arg);
    assert_ok(assoc_receive(rig_accept(o.rig), &o.limits, &a, &d));
    assert_ok(rig_accept_all(a));
    o.serve(a, o.ctx);
    assoc_free(a);
}

void rig_pair(struct rig *r, const struct assoc_limits *ours, const struct pdu_associate *rq,
              const struct assoc_limits *theirs, void (*serve)(struct assoc *a, void *ctx),
              void *ctx)
{
    struct other *o = malloc(sizeof *o);
    rig_open(r);
    *o = (struct other){r, *theirs, serve, ctx};
    assert_ok(thread_start(run_other, o, "other", &r->thread));
    assert_ok(assoc_open(STR("127.0.0.1"), r->port, NULL, rq, ours, NULL, &r->assoc, &r->diag));
}
