#include "survey/source/probe/visit.h"

#include <stdlib.h>

#include "survey/wire/tls_text.h"

static bool is_tls(enum probe_kind k)
{
    return k == PROBE_DICOM_TLS || k == PROBE_HTTPS;
}

void visit_begin(struct visit *v, unsigned host, const struct ip *ip, struct scope_port port,
                 const struct talk_manner *m)
{
    const struct talk_calls *calls = talk_of(port.kind);
    if (v->arena.limit == 0)
        v->arena = arena_init(TALK_ARENA_MAX);
    arena_reset(&v->arena);
    v->host = host;
    v->ip = *ip;
    v->port = port;
    v->outcome = VISIT_NONE;
    v->opened = v->talking = v->pending = v->closing = false;
    v->bytes_in = v->bytes_out = 0;
    v->out = wr_fixed(v->out_bytes, sizeof v->out_bytes);
    memset(&v->machine, 0, calls->size);
    v->machine.talk = (struct talk){.calls = calls,
                                    .manner = m,
                                    .arena = &v->arena,
                                    .ip = *ip,
                                    .port = port.port,
                                    .tls = is_tls(port.kind)};
}

static struct talk *talk_in(struct visit *v)
{
    return &v->machine.talk;
}

static uint32_t time_for(const struct visit *v, const struct visit_times *t)
{
    const struct talk *talk = &v->machine.talk;
    return talk->brief ? t->brief_ms : talk->counting ? t->count_ms : t->answer_ms;
}

static void on_open(struct visit *v)
{
    struct talk *t = talk_in(v);
    v->opened = v->talking = true;
    v->outcome = VISIT_OPEN;
    v->closing = t->calls->open(t, &v->out) == STEP_DONE;
}

/* True when a stage is done. */
static bool on_bytes(struct visit *v, struct reach *r, const struct reach_event *e)
{
    struct talk *t = talk_in(v);
    uint64_t most = t->counting ? TALK_COUNT_IN_MAX : TALK_IN_MAX * (uint64_t)4;
    if (v->closing || !v->talking)
        return false;
    v->bytes_in += e->bytes.n;
    if (t->calls->wants_packets)
        t->packets = reach_cost(r, e->id).packets;
    enum step s = t->calls->bytes(t, e->bytes, &v->out);
    if (s == STEP_MORE && v->bytes_in > most) {
        t->calls->end(t, TALK_LATE, &v->out);
        s = STEP_DONE;
    }
    v->closing = s == STEP_DONE || s == STEP_FAIL;
    return s == STEP_EVENT;
}

static void on_end(struct visit *v, enum talk_end why)
{
    struct talk *t = talk_in(v);
    if (v->talking && !v->closing)
        t->calls->end(t, why, &v->out);
    v->closing = true;
}

static void on_failure(struct visit *v, enum reach_what what)
{
    static const enum visit_outcome outcomes[] = {
        [REACH_REFUSED] = VISIT_REFUSED,
        [REACH_UNREACHABLE] = VISIT_UNREACHABLE,
        [REACH_OURS] = VISIT_OURS,
    };
    v->outcome = v->opened ? VISIT_OPEN : outcomes[what];
    v->closing = true;
}

static void on_reset(struct visit *v)
{
    on_end(v, TALK_RESET);
    if (v->bytes_in == 0)
        v->outcome = VISIT_RESET;
}

static void on_late(struct visit *v, struct reach *r, unsigned id)
{
    if (v->talking)
        on_end(v, TALK_LATE);
    else
        v->outcome = reach_connected(r, id) ? VISIT_OPEN : VISIT_SILENT;
    v->closing = true;
}

void visit_event(struct visit *v, struct reach *r, const struct reach_event *e,
                 const struct visit_times *t, uint32_t *ret_deadline_ms)
{
    *ret_deadline_ms = 0;
    switch (e->what) {
    case REACH_CONNECTED:
        v->opened = true;
        *ret_deadline_ms = t->answer_ms;
        break;
    case REACH_OPEN:
        on_open(v);
        *ret_deadline_ms = t->answer_ms;
        break;
    case REACH_BYTES:
        if (on_bytes(v, r, e))
            *ret_deadline_ms = time_for(v, t);
        break;
    case REACH_END:
        on_end(v, TALK_END);
        break;
    case REACH_RESET:
        on_reset(v);
        break;
    case REACH_LATE:
        on_late(v, r, e->id);
        break;
    case REACH_NO_TLS:
        v->outcome = VISIT_OPEN;
        v->closing = true;
        break;
    case REACH_REFUSED:
    case REACH_UNREACHABLE:
    case REACH_OURS:
        on_failure(v, e->what);
        break;
    }
}

void visit_stop(struct visit *v)
{
    if (v->talking && !v->closing)
        talk_in(v)->calls->end(talk_in(v), TALK_STOP, &v->out);
    v->outcome = VISIT_STOPPED;
    v->closing = true;
}

static err_t tls_facts(const struct visit *v, struct reach *r, unsigned id, struct evidence *e)
{
    struct reach_tls tls = reach_tls(r, id);
    if (tls.version) {
        TRY(evidence_add(e, BY_PROBE, EV_transport, STR("tls")));
        TRY(evidence_add(e, BY_PROBE, EV_protocol, STR("tls")));
        TRY(evidence_add(e, BY_PROBE, EV_tls_version, str_z(tls.version)));
    }
    if (tls.cipher.n)
        TRY(evidence_keep(e, BY_PROBE, EV_tls_cipher, tls.cipher));
    if (tls.asks_client)
        TRY(evidence_add(e, BY_PROBE, EV_tls_asks_client, STR("yes")));
    if (tls.failed.n)
        TRY(evidence_keep(e, BY_PROBE, EV_tls_failed, tls.failed));
    else if (!v->talking)
        TRY(evidence_add(e, BY_PROBE, EV_tls_failed, STR("no end of the handshake in time")));
    if (tls.cert.n == 0)
        return OK;
    err_t read = tls_cert_facts(tls.cert, BY_PROBE, e);
    /* A certificate that cannot be read is one fact less. */
    return read == E_NOMEM ? read : OK;
}

err_t visit_facts(struct visit *v, struct reach *r, unsigned id, struct evidence *e)
{
    struct str refused = visit_refused_text(v->outcome);
    if (refused.n)
        TRY(evidence_add(e, BY_PROBE, EV_refused, refused));
    if (v->outcome != VISIT_OPEN && v->outcome != VISIT_RESET)
        return OK;
    TRY(evidence_add(e, BY_PROBE, EV_port_open, STR("yes")));
    if (is_tls(v->port.kind))
        TRY(tls_facts(v, r, id, e));
    return v->talking ? talk_in(v)->calls->facts(talk_in(v), e) : OK;
}

void visit_close(struct visit *v)
{
    if (v->talking && talk_in(v)->calls->done)
        talk_in(v)->calls->done(talk_in(v));
    v->talking = false;
}

void visit_free(struct visit *v)
{
    if (!v)
        return;
    visit_close(v);
    arena_done(&v->arena);
    free(v);
}

struct str visit_refused_text(enum visit_outcome o)
{
    switch (o) {
    case VISIT_REFUSED:
        return STR("refused");
    case VISIT_SILENT:
        return STR("silent");
    case VISIT_UNREACHABLE:
        return STR("unreachable");
    case VISIT_RESET:
        return STR("reset");
    case VISIT_NONE:
    case VISIT_OPEN:
    case VISIT_OURS:
    case VISIT_STOPPED:
        break;
    }
    return STR("");
}
