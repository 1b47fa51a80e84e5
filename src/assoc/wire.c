/* The machine of dimse/ul.h over a connection: buffer, deadlines, the end. */
#include <stdlib.h>

#include "assoc/internal.h"
#include "base/size.h"

static struct str unread(const struct assoc *a)
{
    return a->buf ? str_of(a->buf + a->from, a->to - a->from) : STR("");
}

static err_t resize(struct assoc *a, size_t cap)
{
    uint8_t *p = realloc(a->buf, cap);
    if (!p)
        return E_NOMEM;
    a->buf = p;
    a->cap = cap;
    return OK;
}

/* Room for what the machine wants to see together. The buffer grows with what has come, never with
 * what a length says will come. */
static err_t make_room(struct assoc *a)
{
    size_t have = a->to - a->from;
    if (have && a->from)
        memmove(a->buf, a->buf + a->from, have);
    a->from = 0;
    a->to = have;
    size_t cap = size_max(a->cap, BUFFER_SMALL);
    if (a->ul.pdu_left > BUFFER_SMALL && !a->ul.dropping)
        cap = size_max(cap, BUFFER_LARGE);
    if (a->to == a->cap && a->to)
        cap = size_max(cap, a->cap * 2);
    return cap > a->cap ? resize(a, cap) : OK;
}

/* A quiet association costs no buffers. */
static void shrink(struct assoc *a)
{
    free(a->buf);
    a->buf = NULL;
    a->cap = a->from = a->to = 0;
    wr_done(&a->out);
    wr_done(&a->incoming);
    if (!a->sending)
        wr_done(&a->send);
}

static bool under_way(const struct assoc *a)
{
    return a->to > a->from || a->ul.pdu_left || a->incoming.n || a->stream_data;
}

/* Within a message the caller's deadline does not count but that of progress: a peer that sends one
 * byte a minute is not waited for, one with a slow line is. */
static int64_t read_deadline(struct assoc *a, int64_t deadline)
{
    bool established = a->ul.state >= STA6 && a->ul.state <= STA12;
    if (!established)
        return deadline;
    if (!under_way(a)) {
        a->pace_until = 0;
        return deadline;
    }
    uint64_t bytes = conn_bytes_in(a->conn);
    if (a->pace_until == 0 || bytes - a->pace_bytes >= PROGRESS) {
        a->pace_until = clock_deadline(a->limits.dimse_ms);
        a->pace_bytes = bytes;
    }
    return a->pace_until;
}

static err_t read_some(struct assoc *a, int64_t deadline)
{
    size_t n = 0;
    TRY(make_room(a));
    TRY(conn_read(a->conn, a->buf + a->to, a->cap - a->to, deadline, &n));
    a->to += n;
    return OK;
}

static err_t fill(struct assoc *a, int64_t deadline)
{
    int64_t until = read_deadline(a, deadline);
    bool idle = !under_way(a) && a->cap > BUFFER_SMALL;
    int64_t first = idle ? clock_deadline(SHRINK_AFTER_MS) : until;
    err_t e = read_some(a, first < until ? first : until);
    if (e != E_TIMEOUT || !idle || first >= until)
        return e;
    shrink(a);
    return read_some(a, until);
}

/* Sends what the machine wrote. */
static err_t flush(struct assoc *a)
{
    if (a->out.n == 0)
        return OK;
    err_t e = conn_write(a->conn, wr_str(&a->out), clock_deadline(a->limits.dimse_ms));
    wr_clear(&a->out);
    return e;
}

static err_t step(struct assoc *a, struct ul_event *ret, enum step *ret_step)
{
    struct str in = unread(a);
    *ret_step = ul_feed(&a->ul, &in, &a->out, ret);
    a->from = a->to - in.n;
    if (*ret_step == STEP_FAIL)
        return wire_lost(a, E_NOMEM);
    return flush(a) == OK ? OK : wire_lost(a, E_IO);
}

static err_t ended(struct assoc *a)
{
    return a->dead != OK ? a->dead : wire_lost(a, E_IO);
}

err_t wire_event(struct assoc *a, int64_t deadline, struct ul_event *ret)
{
    for (;;) {
        enum step s;
        if (a->dead != OK)
            return a->dead;
        TRY(step(a, ret, &s));
        if (s == STEP_EVENT)
            return OK;
        if (s == STEP_DONE)
            return ended(a);
        err_t e = fill(a, deadline);
        if (e == E_TIMEOUT && a->ul.state == STA2) {
            struct ul_event closed;
            (void)ul_do(&a->ul, EVT18, NULL, &a->out, &closed);
            (void)diag_set(&a->diag, e, "no association was asked for in time");
            return wire_lost(a, e);
        }
        if (e == E_TIMEOUT || e == E_STOPPED || e == E_NOMEM) {
            (void)diag_set(&a->diag, e, "%s",
                           e == E_TIMEOUT ? "the other side sent nothing in time" : err_text(e));
            return wire_abort(a, EVT15, UL_REASON_NONE, e);
        }
        if (e != OK)
            return wire_lost(a, E_IO);
    }
}

err_t wire_poll(struct assoc *a, struct ul_event *ret, bool *ret_any)
{
    for (;;) {
        enum step s;
        if (a->dead != OK)
            return a->dead;
        TRY(step(a, ret, &s));
        *ret_any = s == STEP_EVENT;
        if (s == STEP_EVENT)
            return OK;
        if (s == STEP_DONE)
            return ended(a);
        if (!conn_readable(a->conn))
            return OK;
        err_t e = read_some(a, clock_ms());
        if (e == E_TIMEOUT)
            return OK;
        if (e != OK)
            return wire_lost(a, e == E_STOPPED || e == E_NOMEM ? e : E_IO);
    }
}

err_t wire_do(struct assoc *a, enum ul_evt event, const struct ul_argument *arg,
              struct ul_event *ret)
{
    struct ul_event unused;
    if (a->dead != OK)
        return a->dead;
    enum step s = ul_do(&a->ul, event, arg, &a->out, ret ? ret : &unused);
    if (a->out.bad)
        return wire_lost(a, E_LIMIT);
    if (s == STEP_FAIL)
        return E_USAGE;
    err_t e = flush(a);
    return e == OK ? OK : wire_lost(a, e == E_TIMEOUT || e == E_STOPPED ? e : E_IO);
}

err_t wire_lost(struct assoc *a, err_t why)
{
    struct ul_event unused;
    if (a->dead == OK) {
        a->dead = why;
        if (!a->diag.text[0])
            (void)diag_set(&a->diag, why, "%s",
                           why == E_IO ? "the connection was lost" : err_text(why));
    }
    (void)ul_do(&a->ul, EVT17, NULL, &a->out, &unused);
    /* The other side may be waiting for this; the rest of the connection goes with assoc_free. */
    conn_cut(a->conn);
    a->sending = false;
    shrink(a);
    return a->dead;
}

void wire_linger(struct assoc *a, int64_t ms)
{
    int64_t until = clock_deadline(ms);
    uint64_t start = conn_bytes_in(a->conn);
    struct ul_event e;
    enum step s;
    while (a->ul.state == STA13 && conn_bytes_in(a->conn) - start < LINGER_BYTES_MAX &&
           clock_ms() < until) {
        struct str in = unread(a);
        s = ul_feed(&a->ul, &in, &a->out, &e);
        a->from = a->to - in.n;
        if (s == STEP_FAIL || flush(a) != OK || (s == STEP_MORE && read_some(a, until) != OK))
            break;
    }
    if (a->ul.state == STA13) {
        (void)ul_do(&a->ul, EVT18, NULL, &a->out, &e);
        conn_cut(a->conn);
    }
    shrink(a);
}

err_t wire_abort(struct assoc *a, enum ul_evt event, enum ul_reason reason, err_t why)
{
    const struct ul_argument arg = {.refusal = {.reason = (uint8_t)reason}};
    struct ul_event unused;
    if (a->dead != OK)
        return a->dead;
    enum step s = ul_do(&a->ul, event, &arg, &a->out, &unused);
    if (s == STEP_FAIL || flush(a) != OK)
        return wire_lost(a, why);
    a->dead = why;
    a->sending = false;
    if (!a->diag.text[0])
        (void)diag_set(&a->diag, why, "%s", err_text(why));
    wire_linger(a, a->limits.artim_ms < ABORT_LINGER_MS ? a->limits.artim_ms : ABORT_LINGER_MS);
    return why;
}

err_t wire_aborted(struct assoc *a, const struct ul_event *e)
{
    char text[128];
    struct str words = pdu_refusal_text(&e->refusal, PDU_ABORT, text, sizeof text);
    if (!e->own) {
        (void)diag_set(&a->diag, E_REJECTED, "%.*s", STR_ARG(words));
        return wire_lost(a, E_REJECTED);
    }
    struct diag why = a->ul.diag;
    (void)diag_set(&a->diag, E_PROTOCOL, "%s%s%.*s", why.text, why.text[0] ? ": " : "",
                   STR_ARG(words));
    a->dead = E_PROTOCOL;
    wire_linger(a, a->limits.artim_ms < ABORT_LINGER_MS ? a->limits.artim_ms : ABORT_LINGER_MS);
    return E_PROTOCOL;
}

bool wire_farewell(struct assoc *a)
{
    struct ul_event e;
    bool any = true;
    while (a->dead == OK && any && wire_poll(a, &e, &any) == OK)
        if (any && (e.kind == UL_ABORTED || e.kind == UL_P_ABORTED)) {
            (void)wire_aborted(a, &e);
            return true;
        }
    return a->dead != OK;
}
