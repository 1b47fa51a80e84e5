/* The source: a capture file or an interface into the inventory. */
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/source/capture/table.h"

enum {
    MARK_PACKETS = 2000000, /* of a file, between marks */
    MARK_MS = 10000,        /* of an interface */
    LOOK_EVERY = 2048,      /* packets between looks at the clock and the stop switch */
    WAIT_MS = 250,
    TEXT_MAX = 256,
    DAY_US_SHIFT = 36, /* a little less than a day, in microseconds */
};

struct capture {
    const struct source_run *r;
    struct source_sum *sum;
    bool live;
    struct input *in;
    struct str block; /* of the input, not yet read */
    struct packets *packets;
    enum packets_link link;
    struct gather *g;
    struct table *table;
    struct run run;
    uint64_t resume_at; /* packets that the inventory holds already */
    uint64_t kinds[PACKET_BAD + 1], cut;
    uint64_t n, told, read; /* packets; of them and of the bytes what progress knows */
    int64_t now_us, deadline, marked_ms;
    err_t broken; /* why the capture ends before its end */
    struct diag why;
};

static err_t read_input(void *ctx, void *buf, size_t n, size_t *ret_n)
{
    struct capture *c = ctx;
    if (!c->block.n)
        TRY(input_block(c->in, &c->block, &c->why));
    struct str part = str_slice(c->block, 0, n);
    memcpy(buf, part.p ? part.p : "", part.n);
    c->block = str_slice(c->block, part.n, c->block.n);
    *ret_n = part.n;
    return OK;
}

static err_t open_file(struct capture *c, struct diag *d)
{
    TRY(input_open(c->r->what, &c->in, d));
    input_set_stop(c->in, c->r->stop);
    TRY(input_block(c->in, &c->block, d));
    if (!c->block.n)
        return diag_set(d, E_UNSUPPORTED, "%s is empty", c->r->what);
    if (c->r->progress)
        progress_totals(c->r->progress, 0, input_size(c->in));
    return OK;
}

static err_t open_packets(struct capture *c, struct diag *d)
{
    err_t e = c->live ? packets_open_interface(c->r->what, &c->packets, d)
                      : packets_open_stream(read_input, c, &c->packets, d);
    if (e != OK)
        return c->why.text[0] ? diag_set(d, e, "%s", c->why.text) : e;
    c->link = packets_link(c->packets);
    if (!packet_link_known(c->link))
        return diag_set(d, E_UNSUPPORTED, "%s: packets of the link %s cannot be read", c->r->what,
                        packets_link_name(c->packets));
    return OK;
}

/* What the run is called, so that the same capture is known again: a stream is never the same. */
static err_t begin_run(struct capture *c, uint64_t head, struct diag *d)
{
    char input[2 * TEXT_MAX], shard[32] = "";
    const struct source_run *r = c->r;
    bool once = c->live || strcmp(r->what, "-") == 0;
    struct str label = c->live ? str_z(r->what) : input_label(c->in);
    struct wr w = wr_fixed(input, sizeof input);
    wr_put(&w, str_slice(label, 0, TEXT_MAX));
    wr_printf(&w, once ? ", begun %016llx" : ", %016llx",
              (unsigned long long)(once ? (uint64_t)clock_wall_us() : head));
    if (r->vantage.n)
        wr_printf(&w, ", from %.*s", STR_ARG(str_slice(r->vantage, 0, 64)));
    if (r->shards > 1)
        snprintf(shard, sizeof shard, "%u/%u", r->shard + 1, r->shards);
    TRY(inventory_run_begin(r->inventory, r->survey.id, STR("capture"), wr_str(&w), str_z(shard),
                            &c->run, d));
    c->resume_at = c->run.resumed ? c->run.position : 0;
    c->sum->resumed = c->run.resumed;
    return OK;
}

static err_t start(struct capture *c, struct diag *d)
{
    if (!c->live)
        TRY(open_file(c, d));
    uint64_t head = str_hash(c->block);
    TRY(open_packets(c, d));
    TRY(gather_new(c->r, &c->g, d));
    TRY(table_new(c->g, 0, 0, &c->table));
    TRY(begin_run(c, head, d));
    c->now_us = clock_wall_us();
    c->marked_ms = clock_ms();
    c->deadline = c->live && c->r->limit ? clock_deadline((int64_t)c->r->limit * 1000) : IO_FOREVER;
    return OK;
}

/* A clock that was wrong when the capture was made does not become the inventory's. */
static int64_t sane_time(const struct capture *c, int64_t us)
{
    return us > 0 && us < c->now_us + ((int64_t)1 << DAY_US_SHIFT) ? us : c->now_us;
}

/* Systems begin to count hops from few numbers: who has all of them left is on this segment. */
static bool is_neighbour(const struct packet *p)
{
    return p->src_mac.n && (p->ttl == 32 || p->ttl == 64 || p->ttl == 128 || p->ttl == 255);
}

static err_t take(struct capture *c, const struct packet_bytes *b)
{
    struct packet p;
    enum packet_kind kind = packet_decode(c->link, b->bytes, b->wire, &p);
    c->kinds[kind]++;
    c->cut += b->wire > b->bytes.n;
    if (kind != PACKET_TCP)
        return OK;
    gather_at(c->g, sane_time(c, b->us));
    if (is_neighbour(&p))
        gather_mac(c->g, &p.src, p.src_mac);
    TRY(table_packet(c->table, &p));
    return gather_error(c->g);
}

static err_t put(struct capture *c, bool last)
{
    c->run.records = c->n;
    c->run.bad = c->kinds[PACKET_BAD] + (c->broken != OK);
    c->marked_ms = clock_ms();
    table_tell(c->table);
    return gather_put(c->g, &c->run, c->n, last);
}

/* After a packet: what was put before is only followed, so that the state is the same. */
static err_t keep_up(struct capture *c)
{
    bool full = gather_full(c->g);
    if (c->n < c->resume_at) {
        if (full)
            gather_forget(c->g);
        return OK;
    }
    if (c->n == c->resume_at) {
        table_tell(c->table);
        gather_forget(c->g);
        return OK;
    }
    return full || c->n % MARK_PACKETS == 0 ? put(c, false) : OK;
}

static void show(struct capture *c)
{
    uint64_t read = c->in ? input_read(c->in) : 0;
    if (c->r->progress)
        progress_add(c->r->progress, c->n - c->told, read - c->read);
    c->told = c->n;
    c->read = read;
}

static bool is_stopped(const struct capture *c)
{
    return c->r->stop && stop_is_set(c->r->stop);
}

/* Now and then. True: it is time to end. */
static bool look_up(struct capture *c, err_t *ret)
{
    show(c);
    *ret = OK;
    if (is_stopped(c)) {
        c->sum->stopped = true;
        return true;
    }
    if (c->live && clock_ms() - c->marked_ms > MARK_MS)
        *ret = put(c, false);
    return *ret != OK || clock_left(c->deadline) == 0;
}

/* A capture that ends too early, or stops being one, was whole until there. */
static err_t on_fail(struct capture *c, err_t e, struct diag *d)
{
    if (e == E_STOPPED) {
        c->sum->stopped = true;
        return OK;
    }
    if (c->live || (e != E_DAMAGED && e != E_LIMIT && e != E_MALFORMED))
        return e;
    c->broken = e;
    diag_set(&c->why, e, "%s", diag_text(d, e));
    return OK;
}

static err_t read_packets(struct capture *c, struct diag *d)
{
    struct packet_bytes b;
    err_t e = OK;
    for (uint64_t turn = 1;; turn++) {
        enum step step = packets_next(c->packets, WAIT_MS, c->r->stop, &b, &e, &c->why);
        if (step == STEP_DONE)
            return OK;
        if (step == STEP_FAIL)
            return on_fail(c, e, &c->why);
        if (step == STEP_EVENT) {
            c->n++;
            TRY(take(c, &b));
            TRY(keep_up(c));
        }
        if ((step == STEP_MORE || turn % LOOK_EVERY == 0) && look_up(c, &e))
            return e;
    }
    (void)d;
}

static void say(const struct capture *c, const char *text)
{
    if (c->r->note)
        c->r->note(c->r->ctx, text);
}

static void say_more(const struct capture *c, struct wr *w, uint64_t n, const char *what)
{
    if (n)
        wr_printf(w, "; %llu %s", (unsigned long long)n, what);
    (void)c;
}

/* One line for whoever waits and for the report's chapter on method. */
static void summary(const struct capture *c, struct wr *w)
{
    struct table_sum t = table_sum(c->table);
    wr_printf(w, "%llu packets, %llu of TCP", (unsigned long long)c->n,
              (unsigned long long)c->kinds[PACKET_TCP]);
    say_more(c, w, c->kinds[PACKET_BAD], "malformed");
    say_more(c, w, c->kinds[PACKET_FRAGMENT], "fragments passed over");
    say_more(c, w, c->cut, "cut short by the capture");
    say_more(c, w, t.gaps, "gaps in connections");
    say_more(c, w, t.dropped, "connections dropped for want of room");
    say_more(c, w, t.repeated, "connections that came again and were not counted twice");
    say_more(c, w, c->live ? packets_lost(c->packets) : 0, "packets lost by the system");
    if (c->broken != OK)
        wr_printf(w, "; the capture breaks off there (%s): what was whole counts", c->why.text);
}

static void notes(const struct capture *c)
{
    char text[2 * TEXT_MAX];
    struct table_sum t = table_sum(c->table);
    if (c->broken != OK) {
        snprintf(text, sizeof text,
                 "%s: breaks off after packet %llu (%s); what was whole before counts", c->r->what,
                 (unsigned long long)c->n, c->why.text);
        say(c, text);
    }
    if (t.repeated) {
        snprintf(text, sizeof text,
                 "%s: repeats itself: %llu connections came again and were not counted twice",
                 c->r->what, (unsigned long long)t.repeated);
        say(c, text);
    }
    if (t.dropped) {
        snprintf(text, sizeof text,
                 "%s: more at once than fits: %llu connections were not followed to their end",
                 c->r->what, (unsigned long long)t.dropped);
        say(c, text);
    }
}

static err_t finish(struct capture *c)
{
    char text[2 * TEXT_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    show(c);
    c->sum->records = c->n;
    c->sum->bad = c->kinds[PACKET_BAD] + (c->broken != OK);
    if (c->sum->stopped && !c->live) {
        /* To be gone on with; while it was only caught up with there is nothing new. */
        return c->n > c->resume_at ? put(c, false) : OK;
    }
    table_end(c->table);
    if (c->n < c->resume_at)
        gather_forget(c->g);
    TRY(put(c, true));
    summary(c, &w);
    notes(c);
    return inventory_run_end(c->r->inventory, &c->run, wr_str(&w));
}

/* The same capture once more in the same survey: everything is there. */
static err_t taken_before(struct capture *c)
{
    char text[2 * TEXT_MAX];
    snprintf(text, sizeof text, "%s: was taken before, and is not counted twice", c->r->what);
    say(c, text);
    return inventory_run_end(c->r->inventory, &c->run, STR("taken before; not counted twice"));
}

static err_t run(struct capture *c, struct diag *d)
{
    TRY(start(c, d));
    if (c->run.again)
        return taken_before(c);
    TRY(read_packets(c, d));
    return finish(c);
}

err_t source_capture(const struct source_run *r, bool interface, struct source_sum *ret,
                     struct diag *d)
{
    struct capture *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    *ret = (struct source_sum){0};
    c->r = r;
    c->sum = ret;
    c->live = interface;
    err_t e = run(c, d);
    if (c->g) {
        ret->endpoints = gather_endpoints(c->g);
        ret->flows = gather_flows(c->g);
    }
    if (e != OK && d && !d->text[0] && c->why.text[0])
        diag_set(d, e, "%s", c->why.text);
    table_free(c->table);
    gather_free(c->g);
    packets_close(c->packets);
    input_close(c->in);
    free(c);
    return e;
}
