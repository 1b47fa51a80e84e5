#include "survey/source/probe/probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "io/clock.h"
#include "io/file.h"
#include "survey/source/probe/run.h"

enum { LOOK_MS = 100, MARK_MS = 1000 };

/* The first line of a run in the journal: who allowed what. */
static err_t note_plan(struct probing *p)
{
    char digest[2 * sizeof p->s->digest], counts[64];
    struct wr hex = wr_fixed(digest, sizeof digest);
    wr_hex(&hex, str_of(p->s->digest, sizeof p->s->digest));
    snprintf(counts, sizeof counts, "%llu", (unsigned long long)p->sum.planned);
    const struct str pairs[] = {
        STR("owner"),
        str_z(p->s->owner),
        STR("permission"),
        str_z(p->s->permission),
        STR("until"),
        str_z(p->s->until),
        STR("scope"),
        wr_str(&hex),
        STR("pairs"),
        str_z(counts),
        STR("asked"),
        p->o->count     ? STR("surface and count")
        : p->o->surface ? STR("surface")
                        : STR("verification"),
        STR("run"),
        p->run.resumed ? STR("resumed") : STR("begun"),
    };
    TRY(journal_note(p->r->journal, "plan", pairs, sizeof pairs / sizeof *pairs));
    return journal_sync(p->r->journal);
}

static void note_now(const struct probing *p, const char *text)
{
    if (p->r->note)
        p->r->note(p->r->ctx, text);
}

static bool stop_file_there(const struct probing *p)
{
    struct file_info i;
    return p->o->stop_file && file_stat(AT_FDCWD, p->o->stop_file, &i, NULL) == OK;
}

static bool window_now(const struct probing *p)
{
    struct tm tm;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    return localtime_r(&now, &tm) &&
           scope_window_open(p->s, (unsigned)(tm.tm_hour * 60 + tm.tm_min),
                             (unsigned)(tm.tm_wday + 6) % 7);
}

/* The switches and the clock, ten times a second. */
static void look_around(struct probing *p)
{
    char today[11];
    int64_t now = clock_ms();
    if (p->r->stop && stop_is_set(p->r->stop))
        p->stopping = true;
    if (now - p->looked_ms < LOOK_MS)
        return;
    p->looked_ms = now;
    if (stop_file_there(p)) {
        note_now(p, "stopped: the stop file is there");
        p->stopping = true;
    }
    today_text(today);
    if (!scope_day_allowed(p->s, today)) {
        note_now(p, "stopped: the permission has ended");
        p->stopping = true;
    }
    bool open = window_now(p);
    if (open != p->window_open)
        note_now(p, open ? "the window is open" : "waiting for the window that the scope allows");
    p->window_open = open;
}

static bool all_done(const struct probing *p)
{
    return p->next_place == p->n_hosts && p->n_hosts_used == 0;
}

static err_t wait_some(struct probing *p, int64_t until, const struct stop *stop)
{
    err_t e = reach_wait(p->reach, until, stop, turn_event, p);
    if (e != OK && e != E_STOPPED)
        return e;
    return turn_flush(p);
}

static err_t work(struct probing *p)
{
    while (!all_done(p)) {
        int64_t until = clock_deadline(LOOK_MS);
        look_around(p);
        if (p->stopping)
            return OK;
        TRY(hosts_fill(p));
        if (p->window_open)
            TRY(turn_connect(p, &until));
        TRY(wait_some(p, p->hungry ? clock_ms() : until, p->r->stop));
        if (clock_ms() - p->marked_ms >= MARK_MS)
            TRY(turn_mark(p));
    }
    return OK;
}

/* No new connection; what is under way has a moment to end as it should. */
static err_t wind_up(struct probing *p)
{
    int64_t end = clock_deadline(GRACE_MS);
    while (reach_active(p->reach) > 0 && clock_left(end) > 0)
        TRY(wait_some(p, end, NULL));
    return turn_stop(p);
}

static err_t note_end(struct probing *p)
{
    char text[160];
    int n = snprintf(text, sizeof text,
                     "%llu endpoints: %llu open, %llu refused, %llu silent; %llu passed over; "
                     "%u subnets given up",
                     (unsigned long long)p->run.records, (unsigned long long)p->sum.open,
                     (unsigned long long)p->sum.refused, (unsigned long long)p->sum.silent,
                     (unsigned long long)p->sum.skipped, (unsigned)p->sum.broken_subnets);
    struct str note = str_of(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    const struct str pairs[] = {STR("probe"), note};
    p->run.position = hosts_position(p);
    TRY(journal_note(p->r->journal, p->stopping ? "stop" : "end", pairs, 2));
    TRY(journal_sync(p->r->journal));
    p->sum.sum.stopped = p->stopping;
    p->sum.sum.records = p->sum.done;
    return p->stopping ? inventory_run_mark(p->r->inventory, &p->run)
                       : inventory_run_end(p->r->inventory, &p->run, note);
}

static err_t run(struct probing *p)
{
    TRY(note_plan(p));
    progress_totals(p->r->progress, p->sum.planned, 0);
    err_t e = work(p);
    if (e == OK && p->stopping)
        e = wind_up(p);
    return e == OK ? note_end(p) : e;
}

err_t probe_run(const struct source_run *r, const struct probe_options *o, struct probe_sum *ret,
                struct diag *d)
{
    struct probing p;
    TRY(probing_check(r, o, d));
    err_t e = probing_init(&p, r, o, d);
    if (e == OK)
        e = run(&p);
    *ret = p.sum;
    probing_done(&p);
    return e;
}
