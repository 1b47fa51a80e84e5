/* lastra survey evidence: the facts that conclusions stand on, endpoint by endpoint. */
#include <stdio.h>

#include "app/client.h"
#include "app/site.h"
#include "base/json.h"

enum { OUT_MAX = 16 << 20, PRINT_AT = 64 << 10 };

struct facts {
    struct wr out;
    bool as_json, only;
    struct network where;
    struct diag *d;
};

static void put_json(struct facts *f, const struct ip *ip, const struct endpoint *p)
{
    char text[IP_TEXT_MAX];
    struct json j = json_of(&f->out);
    json_open_object(&j);
    json_member(&j, STR("address"), ip_text(ip, text));
    json_member_u64(&j, STR("port"), p->port);
    json_key(&j, STR("facts"));
    json_open_array(&j);
    for (size_t i = 0; i < p->e->n; i++) {
        const struct fact *fact = &p->e->facts[i];
        json_open_object(&j);
        json_member(&j, STR("fact"), ev_name(fact->kind));
        json_member(&j, STR("value"), fact->value);
        json_member(&j, STR("by"), ev_by_text(fact->by));
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    wr_u8(&f->out, '\n');
}

static void put_text(struct facts *f, const struct ip *ip, const struct endpoint *p)
{
    char text[IP_TEXT_MAX];
    wr_printf(&f->out, p->port ? "%.*s port %u\n" : "%.*s\n", STR_ARG(ip_text(ip, text)), p->port);
    for (size_t i = 0; i < p->e->n; i++) {
        const struct fact *fact = &p->e->facts[i];
        wr_printf(&f->out, "    %-24.*s ", STR_ARG(ev_name(fact->kind)));
        wr_printable(&f->out, fact->value);
        wr_printf(&f->out, "  (%.*s)\n", STR_ARG(ev_by_text(fact->by)));
    }
}

static err_t put_host(void *ctx, const struct host *h)
{
    struct facts *f = ctx;
    if (f->only && !ip_in(&f->where, &h->ip))
        return OK;
    for (size_t i = 0; i < h->n; i++)
        (f->as_json ? put_json : put_text)(f, &h->ip, &h->endpoints[i]);
    return f->out.n > PRINT_AT ? client_print(&f->out, f->d) : OK;
}

static err_t choose(struct facts *f, const struct cmd_args *a, struct diag *d)
{
    f->as_json = cmd_flag(a, EVIDENCE_JSON);
    if (a->n_args < 2)
        return OK;
    f->only = true;
    if (network_parse(a->args[1], &f->where) != OK)
        return diag_set(d, E_USAGE, "\"%.*s\" is no address or network", STR_ARG(a->args[1]));
    return OK;
}

err_t survey_evidence(const struct cmd_args *a, struct diag *d)
{
    struct site s;
    struct facts f = {.out = wr_heap(OUT_MAX), .d = d};
    TRY(choose(&f, a, d));
    TRY(site_open(&s, a, INVENTORY_LOOK, d));
    err_t e = site_survey(&s, false, d);
    if (e == OK)
        e = inventory_hosts(s.inventory, s.survey.id, put_host, &f);
    if (e == OK)
        e = client_print(&f.out, d);
    wr_done(&f.out);
    site_close(&s);
    return e;
}
