#include "app/pull.h"

#include "base/json.h"

enum { FAILED_MAX = 16 << 20, KEYS_ARENA = 1 << 20, REPORT_MAX = 64 << 20 };

err_t pull_init(struct pull *r, const struct cmd_args *a, const struct client_key_options *o,
                enum client_verb verb, bool shown, struct diag *d)
{
    *r = (struct pull){
        .arena = arena_init(KEYS_ARENA), .failed = wr_heap(FAILED_MAX), .shown = shown};
    err_t e = client_init(&r->client, a, d);
    if (e == OK)
        e = client_keys(a, o, verb, false, &r->arena, &r->keys, d);
    if (e == OK && r->keys.n_columns == 0)
        e = diag_set(d, E_USAGE, "say what with -k, such as -k StudyInstanceUID=1.2.3");
    r->outcome.failed = &r->failed;
    if (e != OK)
        pull_done(r);
    return e;
}

void pull_done(struct pull *r)
{
    if (r->a && assoc_is_open(r->a))
        (void)!assoc_release(r->a);
    assoc_free(r->a);
    wr_done(&r->failed);
    arena_done(&r->arena);
    client_done(&r->client);
}

err_t pull_progress(void *ctx, const struct scu_counts *c)
{
    struct pull *r = ctx;
    int done = 0;
    const int counts[] = {c->completed, c->failed, c->warning};
    for (size_t i = 0; i < COUNT(counts); i++)
        done += counts[i] > 0 ? counts[i] : 0;
    if (c->remaining >= 0)
        progress_totals(&r->progress, (uint64_t)done + (uint64_t)c->remaining, 0);
    if (!r->counts_come_from_us && (uint64_t)done > r->done)
        progress_add(&r->progress, (uint64_t)done - r->done, 0);
    r->done = (uint64_t)done;
    return OK;
}

static uint64_t at_least_0(int count)
{
    return count > 0 ? (uint64_t)count : 0;
}

static void put_json(const struct pull *r, double seconds, struct wr *w)
{
    const struct scu_counts *c = &r->outcome.counts;
    struct json j = json_of(w);
    struct str list = wr_str(&r->failed), uid;
    json_open_object(&j);
    json_member_u64(&j, STR("status"), r->outcome.status);
    json_member_u64(&j, STR("completed"), at_least_0(c->completed));
    json_member_u64(&j, STR("failed"), at_least_0(c->failed));
    json_member_u64(&j, STR("warnings"), at_least_0(c->warning));
    if (r->counts_come_from_us) {
        json_member_u64(&j, STR("kept"), r->outcome.answers);
        json_member_u64(&j, STR("bytes"), r->bytes);
    }
    json_key(&j, STR("seconds"));
    json_double(&j, seconds);
    json_member(&j, STR("comment"), str_z(r->outcome.comment));
    json_key(&j, STR("failed_instances"));
    json_open_array(&j);
    while (list.n && str_split(&list, '\\', &uid))
        json_text(&j, str_trim(str_unpad(uid)));
    json_end(&j);
    json_end(&j);
    wr_u8(w, '\n');
}

static void put_text(const struct pull *r, double seconds, struct wr *w)
{
    const struct scu_counts *c = &r->outcome.counts;
    struct str list = wr_str(&r->failed), uid;
    if (r->counts_come_from_us)
        wr_printf(w, "%zu kept, %.1f MB; ", r->outcome.answers, (double)r->bytes / 1e6);
    wr_printf(w, "%llu completed, %llu with a warning, %llu failed in %.2f s\n",
              (unsigned long long)at_least_0(c->completed),
              (unsigned long long)at_least_0(c->warning), (unsigned long long)at_least_0(c->failed),
              seconds);
    while (list.n && str_split(&list, '\\', &uid)) {
        wr_put(w, STR("failed: "));
        wr_printable(w, str_trim(str_unpad(uid)));
        wr_u8(w, '\n');
    }
}

err_t pull_report(struct pull *r, const char *what, struct diag *d)
{
    struct wr w = wr_heap(REPORT_MAX);
    double seconds = progress_sum(&r->progress).seconds;
    if (r->client.json)
        put_json(r, seconds, &w);
    else
        put_text(r, seconds, &w);
    err_t e = client_print(&w, d);
    wr_done(&w);
    TRY(e);
    TRY(client_status(&r->outcome, what, d));
    if (r->outcome.counts.failed > 0)
        return diag_set(d, E_REJECTED, "%s: %d objects failed", what, r->outcome.counts.failed);
    return OK;
}
