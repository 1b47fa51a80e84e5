/* What is going to be done, before anything is: held against the scope, made ready, told. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/size.h"
#include "io/clock.h"
#include "survey/source/probe/run.h"

void today_text(char ret[11])
{
    struct tm tm;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    if (!localtime_r(&now, &tm) || strftime(ret, 11, "%Y-%m-%d", &tm) == 0)
        memcpy(ret, "9999-99-99", 11); /* no permission covers it */
}

/* A name that no system can know; another one may be a name that it was told. */
static bool own_calling(const struct probe_options *o)
{
    return !o->ae_title || strcmp(o->ae_title, AE_TITLE) == 0;
}

err_t probing_check(const struct source_run *r, const struct probe_options *o, struct diag *d)
{
    const struct scope *s = o->scope;
    char today[11];
    (void)r;
    today_text(today);
    if (!scope_day_allowed(s, today))
        return diag_set(d, E_DENIED, "the permission covers %s%sto %s, and today is %s",
                        *s->from ? s->from : "", *s->from ? " " : "", s->until, today);
    if (o->surface && !s->surface)
        return diag_set(d, E_DENIED,
                        "--surface: the scope does not grant it: ask, and add `surface = yes`");
    if (o->count && !s->count)
        return diag_set(d, E_DENIED,
                        "--count: the scope does not grant it: ask, and add `count = yes`");
    if (!own_calling(o) && (o->surface || o->count))
        return diag_set(d, E_USAGE,
                        "--aet: what is open to anybody is asked under our own name: not together "
                        "with --surface or --count");
    if (o->unlimited && !scope_is_loopback(s))
        return diag_set(d, E_DENIED,
                        "--unlimited is for loopback: the scope holds other addresses");
    if (o->rate > s->rate)
        return diag_set(d, E_DENIED, "--rate %u is more than the scope's %u a second",
                        (unsigned)o->rate, (unsigned)s->rate);
    if (o->batch > REACH_MAX)
        return diag_set(d, E_USAGE, "connections at once: 1 to %d", REACH_MAX);
    return OK;
}

static uint32_t rate_of(const struct probe_options *o)
{
    return o->unlimited ? 0 : o->rate ? o->rate : o->scope->rate;
}

/* What makes two runs the same: addresses, ports, what is asked. What only forbids or slows down
 * may change while a run is broken off. */
static err_t plan_digest(const struct probe_options *o, uint8_t ret[DIGEST_SIZE])
{
    const struct scope *s = o->scope;
    struct wr w = wr_heap(1 << 20);
    for (size_t i = 0; i < s->n_networks; i++) {
        wr_bytes(&w, s->networks[i].bytes, sizeof s->networks[i].bytes);
        wr_u8(&w, (uint8_t)s->networks[i].bits);
    }
    for (size_t i = 0; i < s->n_ports; i++) {
        wr_u16be(&w, s->ports[i].port);
        wr_u8(&w, (uint8_t)s->ports[i].kind);
    }
    wr_u8(&w, (uint8_t)(o->surface | o->count << 1));
    wr_put(&w, str_z(o->ae_title));
    wr_u8(&w, 0);
    wr_put(&w, str_z(o->called));
    err_t e = w.bad ? E_NOMEM : crypto_sha256(wr_str(&w), ret);
    wr_done(&w);
    return e;
}

static err_t begin_run(struct probing *p)
{
    uint8_t digest[DIGEST_SIZE];
    char label[40], shard[32] = "";
    TRY(plan_digest(p->o, digest));
    struct wr w = wr_fixed(label, sizeof label);
    wr_put(&w, STR("plan "));
    wr_hex(&w, str_of(digest, 8));
    if (p->r->shards > 1)
        snprintf(shard, sizeof shard, "%u/%u", p->r->shard + 1, p->r->shards);
    TRY(inventory_run_begin(p->r->inventory, p->r->survey.id, STR("probe"), wr_str(&w),
                            str_z(shard), &p->run, p->d));
    order_init(&p->order, p->n_hosts, digest);
    p->next_place = p->run.position < p->n_hosts ? p->run.position : p->n_hosts;
    p->sum.sum.resumed = p->run.resumed;
    return OK;
}

static void set_manner(struct probing *p)
{
    const struct probe_options *o = p->o;
    p->manner = (struct talk_manner){
        .ae_title = o->ae_title ? str_z(o->ae_title) : STR(AE_TITLE),
        .called = o->called ? str_z(o->called) : STR(CALLED),
        .own_calling = own_calling(o),
        .own_called = !o->called || strcmp(o->called, CALLED) == 0,
        .contact = str_z(p->s->contact),
        .version = STR(LASTRA_VERSION),
        .surface = o->surface,
        .count = o->count,
        .count_cap = p->s->count_cap,
    };
    uint32_t answer = o->answer_ms ? o->answer_ms : ANSWER_MS;
    p->times = (struct visit_times){.answer_ms = answer,
                                    .brief_ms = answer < BRIEF_MS ? answer : BRIEF_MS,
                                    .count_ms = answer * COUNT_TIMES};
    p->batch = o->batch ? o->batch : o->unlimited ? BATCH_UNLIMITED : BATCH;
    p->connect_ms = o->connect_ms ? o->connect_ms : CONNECT_MS;
    p->pause_ms = o->unlimited ? 0 : p->s->pause_ms;
    bucket_init(&p->bucket, rate_of(o), clock_us());
}

static err_t make(struct probing *p)
{
    TRY(gate_new(p->r->inventory, p->s, &p->gate, p->d));
    TRY(breakers_new(p->o->rest_ms, &p->breakers));
    TRY(fp_matcher_new(&p->matcher, p->d));
    TRY(reach_new(p->batch, &p->reach, p->d));
    p->batch = reach_max(p->reach);
    for (size_t i = 0; i < p->s->n_ports && !p->credentials; i++)
        if (p->s->ports[i].kind == PROBE_DICOM_TLS || p->s->ports[i].kind == PROBE_HTTPS)
            TRY(reach_obsolete_credentials(&p->credentials, p->d));
    p->hosts = calloc(HOSTS_MAX, sizeof *p->hosts);
    p->visits = calloc(p->batch, sizeof *p->visits);
    p->pending = calloc(p->batch, sizeof *p->pending);
    p->group = calloc(p->batch, sizeof *p->group);
    return p->hosts && p->visits && p->pending && p->group ? begin_run(p) : E_NOMEM;
}

err_t probing_init(struct probing *p, const struct source_run *r, const struct probe_options *o,
                   struct diag *d)
{
    *p = (struct probing){.r = r, .o = o, .s = o->scope, .d = d, .window_open = true};
    p->n_hosts = scope_hosts(p->s);
    set_manner(p);
    ledger_init(&p->ledger, r->journal);
    p->sum.planned = scope_size(p->s) / (r->shards > 1 ? r->shards : 1);
    return make(p);
}

void probing_done(struct probing *p)
{
    for (unsigned i = 0; p->visits && i < p->batch; i++)
        visit_free(p->visits[i]);
    reach_free(p->reach);
    reach_obsolete_credentials_free(p->credentials);
    fp_matcher_free(p->matcher);
    breakers_free(p->breakers);
    gate_free(p->gate);
    ledger_done(&p->ledger);
    free(p->hosts);
    free(p->visits);
    free(p->pending);
    free(p->group);
}

static void put_network(struct wr *w, const struct network *n)
{
    char text[IP_TEXT_MAX];
    struct ip ip;
    memcpy(ip.b, n->bytes, sizeof ip.b);
    wr_put(w, ip_text(&ip, text));
    wr_printf(w, "/%u", n->bits - (ip_is_v4(&ip) ? 96 : 0));
}

static void put_networks(struct wr *w, const char *what, const struct network *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wr_printf(w, "%s", i ? "                " : what);
        put_network(w, &list[i]);
        wr_u8(w, '\n');
    }
}

static void put_ports(struct wr *w, const struct scope *s)
{
    wr_put(w, STR("ports           "));
    for (size_t i = 0; i < s->n_ports; i++)
        wr_printf(w, "%s%u/%.*s", i ? ", " : "", s->ports[i].port,
                  STR_ARG(probe_kind_name(s->ports[i].kind)));
    wr_u8(w, '\n');
}

static void put_duration(struct wr *w, uint64_t seconds)
{
    if (seconds < 60) {
        wr_printf(w, "%u s\n", (unsigned)seconds);
        return;
    }
    if (seconds >= 86400)
        wr_printf(w, "%llu d ", (unsigned long long)(seconds / 86400));
    if (seconds >= 3600)
        wr_printf(w, "%llu h ", (unsigned long long)(seconds / 3600 % 24));
    wr_printf(w, "%llu min\n", (unsigned long long)((seconds + 59) / 60 % 60));
}

static void put_pace(struct wr *w, const struct probe_options *o, uint64_t pairs)
{
    uint32_t rate = rate_of(o);
    if (rate == 0) {
        wr_put(w, STR("rate            unlimited (loopback)\n"));
        return;
    }
    wr_printf(w, "rate            %u connections a second, %u s between two to one host\n",
              (unsigned)rate, (unsigned)(o->scope->pause_ms / 1000));
    wr_put(w, STR("duration        at least "));
    put_duration(w, pairs / rate);
}

static void put_window(struct wr *w, const struct scope *s)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    wr_put(w, STR("window          "));
    if (s->window_from == s->window_until)
        wr_put(w, STR("any time"));
    else
        wr_printf(w, "%02u:%02u-%02u:%02u", s->window_from / 60, s->window_from % 60,
                  s->window_until / 60, s->window_until % 60);
    for (unsigned i = 0; i < 7; i++)
        if (s->window_days >> i & 1)
            wr_printf(w, " %s", days[i]);
    wr_u8(w, '\n');
}

static void put_text(struct wr *w, const char *label, const char *text)
{
    if (!*text)
        return;
    wr_printf(w, "%-16s", label);
    wr_printable(w, str_z(text));
    wr_u8(w, '\n');
}

err_t probe_plan(const struct source_run *r, const struct probe_options *o, struct wr *w,
                 struct diag *d)
{
    const struct scope *s = o->scope;
    struct gate *gate;
    TRY(probing_check(r, o, d));
    TRY(gate_new(r->inventory, s, &gate, d));
    uint64_t pairs = scope_size(s) / (r->shards > 1 ? r->shards : 1);
    put_text(w, "owner", s->owner);
    put_text(w, "permission", s->permission);
    put_text(w, "permitted from", s->from);
    put_text(w, "permitted until", s->until);
    put_text(w, "contact", s->contact);
    put_networks(w, "networks        ", s->networks, s->n_networks);
    put_networks(w, "never           ", s->excludes, s->n_excludes);
    for (size_t i = 0; i < s->n_never_names; i++)
        put_text(w, "never by name", s->never_names[i]);
    for (size_t i = 0; i < s->n_never_macs; i++)
        put_text(w, "never by mac", s->never_macs[i]);
    wr_printf(w, "never by list   %zu hosts known as devices that are never probed\n",
              gate_count(gate));
    put_ports(w, s);
    wr_printf(w, "asked           %s%s\n",
              o->surface ? "DICOM: what is open to an unknown AE (--surface)"
                         : "DICOM: Verification only",
              o->count ? "; studies and images counted (--count)" : "");
    put_window(w, s);
    wr_printf(w, "connections     at most %llu\n", (unsigned long long)pairs);
    put_pace(w, o, pairs);
    wr_put(w, STR("Nothing was sent.\n"));
    gate_free(gate);
    return w->bad ? E_LIMIT : OK;
}
