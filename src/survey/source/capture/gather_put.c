/* What was gathered, into the inventory. */
#include "base/size.h"
#include "survey/source/capture/gather_private.h"

enum { TEXT_MAX = 4096 };

static bool ours(const struct gather *g, const struct ip *ip)
{
    return g->run->shards <= 1 || ip_shard(ip, g->run->shards) == g->run->shard;
}

struct str field_name(size_t i)
{
    return i < DICOM_FIELDS ? dicom_field_name((enum dicom_field_id)i)
                            : hl7_field_name((enum hl7_field_id)(i - DICOM_FIELDS));
}

static err_t add_counts(const struct place *p, struct evidence *e)
{
    for (size_t i = 0; p->fields && i < FIELDS; i++)
        if (p->fields[i])
            TRY(evidence_count(e, BY_TRAFFIC, EV_clear_field, field_name(i), p->fields[i]));
    return p->objects ? evidence_addf(e, BY_TRAFFIC, EV_clear_objects, "%llu",
                                      (unsigned long long)p->objects)
                      : OK;
}

static err_t fill(const struct place *p, struct evidence *e)
{
    for (const struct noted *f = p->facts.first; f; f = f->next) {
        enum ev_kind kind = (enum ev_kind)f->kind;
        struct str text = str_of(f->text, f->n);
        TRY(ev_is_counted(kind) ? evidence_count(e, BY_TRAFFIC, kind, text, f->count)
                                : evidence_add(e, BY_TRAFFIC, kind, text));
    }
    return add_counts(p, e);
}

static err_t put_place(struct gather *g, struct run *run, struct place *p)
{
    struct evidence *e = gather_scratch(g);
    if (!p->dirty || !ours(g, &p->ip))
        return OK;
    TRY(fill(p, e));
    TRY(inventory_put(g->run->inventory, run, &p->ip, p->port, e, p->us));
    p->dirty = false;
    g->n_endpoints += !p->put;
    p->put = true;
    return OK;
}

/* "NAME COUNT, NAME COUNT", a name once. */
static void put_counts(struct wr *w, struct str name, uint64_t count)
{
    if (w->n)
        wr_put(w, STR(", "));
    wr_put(w, name);
    wr_printf(w, " %llu", (unsigned long long)count);
}

static void fields_text(const struct gather *g, const uint64_t *fields, struct wr *w)
{
    uint64_t sums[FIELDS] = {0};
    for (size_t i = 0; fields && i < FIELDS; i++)
        sums[g->named[i]] += fields[i];
    for (size_t i = 0; i < FIELDS; i++)
        if (sums[i])
            put_counts(w, field_name(i), sums[i]);
}

static void details_text(const struct notes *details, struct wr *w)
{
    for (const struct noted *f = details->first; f; f = f->next)
        put_counts(w, str_of(f->text, f->n), f->count);
}

static err_t put_row(struct gather *g, struct run *run, const struct row *r)
{
    char fields[TEXT_MAX], details[TEXT_MAX];
    struct wr wf = wr_fixed(fields, sizeof fields), wd = wr_fixed(details, sizeof details);
    if (!ours(g, &r->ends.server))
        return OK;
    fields_text(g, r->fields, &wf);
    details_text(&r->details, &wd);
    struct flow f = {
        .client = r->ends.client,
        .server = r->ends.server,
        .port = r->ends.port,
        .protocol = protocol_name(r->protocol),
        .clear = r->protocol != PROTOCOL_tls && r->protocol != PROTOCOL_other,
        .connections = r->connections,
        .bytes = r->bytes,
        .messages = r->messages,
        .fields = wr_str(&wf),
        .details = wr_str(&wd),
        .client_mac = STR(""),
        .server_mac = STR(""),
        .vantage = g->run->vantage,
    };
    TRY(inventory_put_flow(g->run->inventory, run, &f));
    g->n_flows++;
    return OK;
}

static void note_macs(struct gather *g)
{
    char text[MAC_TEXT];
    for (size_t i = 0; i < MACS_MAX; i++) {
        const struct mac_entry *e = &g->macs.table[i];
        struct str mac = str_of(e->mac, MAC_SIZE);
        struct str said = e->used ? macs_text(&g->macs, mac, text) : STR("");
        for (size_t k = 0; said.n && k < e->n_v4; k++)
            gather_fact(g, &e->v4[k], 0, EV_mac, said);
        for (size_t k = 0; said.n && k < e->n_v6; k++)
            gather_fact(g, &e->v6[k], 0, EV_mac, said);
    }
}

err_t gather_put(struct gather *g, struct run *run, uint64_t position, bool last)
{
    if (last)
        note_macs(g);
    TRY(g->err);
    /* The position moves when everything before it has been put: the inventory keeps them
     * together. */
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct place *p = g->places[i]; p; p = p->next)
            TRY(put_place(g, run, p));
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct row *r = g->rows[i]; r; r = r->next)
            TRY(put_row(g, run, r));
    run->position = position;
    gather_trim(g);
    return last ? OK : inventory_run_mark(g->run->inventory, run);
}
