#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "survey/capture/capture_site.h"

static void on_note(void *ctx, const char *text)
{
    struct capture_site *s = ctx;
    wr_printf(&s->notes, "%s\n", text);
}

void capture_site_open(struct capture_site *s)
{
    *s = (struct capture_site){.notes = wr_heap(1 << 20), .text = wr_heap(64 << 20)};
    snprintf(s->dir, sizeof s->dir, "/tmp/capture-test-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->file, sizeof s->file, "%s/site", s->dir);
    assert_ok(inventory_open(s->file, INVENTORY_CREATE, STR(""), &s->v, NULL, &s->diag));
    s->run = (struct source_run){.inventory = s->v, .shards = 1, .note = on_note, .ctx = s};
    assert_ok(inventory_survey(s->v, STR("spring"), &s->run.survey, &s->diag));
}

static int unlink_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void capture_site_close(struct capture_site *s)
{
    inventory_close(s->v);
    wr_done(&s->notes);
    wr_done(&s->text);
    assert_int_equal(nftw(s->dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

err_t capture_site_take(struct capture_site *s, const char *name, struct str capture)
{
    snprintf(s->file, sizeof s->file, "%s/%s", s->dir, name);
    FILE *f = fopen(s->file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(capture.p, 1, capture.n, f), capture.n);
    assert_int_equal(fclose(f), 0);
    s->run.what = s->file;
    wr_clear(&s->notes);
    s->diag.text[0] = 0;
    return source_capture(&s->run, false, &s->sum, &s->diag);
}

static err_t on_host(void *ctx, const struct host *h)
{
    struct capture_site *s = ctx;
    char ip[IP_TEXT_MAX];
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < h->endpoints[i].e->n; k++) {
            const struct fact *f = &h->endpoints[i].e->facts[k];
            wr_printf(&s->text, "%.*s:%u %.*s %.*s\n", STR_ARG(ip_text(&h->ip, ip)),
                      h->endpoints[i].port, STR_ARG(ev_name(f->kind)), STR_ARG(f->value));
        }
    return OK;
}

static err_t on_flow(void *ctx, const struct flow *f)
{
    struct capture_site *s = ctx;
    char client[IP_TEXT_MAX], server[IP_TEXT_MAX];
    wr_printf(&s->text,
              "flow %.*s %.*s:%u %.*s %s connections %llu bytes %llu messages %llu fields %.*s; "
              "details %.*s; from %.*s\n",
              STR_ARG(ip_text(&f->client, client)), STR_ARG(ip_text(&f->server, server)), f->port,
              STR_ARG(f->protocol), f->clear ? "clear" : "closed",
              (unsigned long long)f->connections, (unsigned long long)f->bytes,
              (unsigned long long)f->messages, STR_ARG(f->fields), STR_ARG(f->details),
              STR_ARG(f->vantage));
    return OK;
}

static err_t on_run(void *ctx, const struct run_info *r)
{
    struct capture_site *s = ctx;
    wr_printf(&s->text, "run %.*s %.*s: %.*s\n", STR_ARG(r->source), STR_ARG(r->input),
              STR_ARG(r->note));
    return OK;
}

const char *capture_site_text(struct capture_site *s)
{
    wr_clear(&s->text);
    assert_ok(inventory_hosts(s->v, s->run.survey.id, on_host, s));
    assert_ok(inventory_flows(s->v, s->run.survey.id, on_flow, s));
    assert_ok(inventory_runs(s->v, s->run.survey.id, on_run, s));
    wr_u8(&s->text, 0);
    assert_false(s->text.bad);
    return (const char *)s->text.p;
}

bool capture_site_has(struct capture_site *s, const char *line_part)
{
    const char *text = capture_site_text(s);
    bool has = strstr(text, line_part) != NULL;
    if (!has)
        fprintf(stderr, "no \"%s\" in:\n%s", line_part, text);
    return has;
}
