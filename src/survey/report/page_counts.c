/* By type, by place, by product. */
#include "base/size.h"
#include "survey/report/chart.h"
#include "survey/report/pen.h"

enum { PRODUCT_ROWS = 25, PLACE_ROWS = 30 };

static void types_chart(struct pen *p)
{
    struct bar bars[CHART_BARS];
    size_t n = 0;
    for (size_t i = 0; i < TYPE_COUNT && n < CHART_BARS; i++) {
        const struct type_row *row = &p->r->types[i];
        if (row->n[N_systems])
            bars[n++] = (struct bar){word_type(p->l, row->type), row->n[N_systems], row->n[N_open]};
    }
    if (n)
        chart_bars(p, W_types_chart, W_found, W_open_to_anyone, bars, n);
}

static void count_cells(struct pen *p, const uint64_t *n)
{
    cell_share(p, n[N_open], n[N_systems]);
    cell_share(p, n[N_clear], n[N_systems]);
    cell_share(p, n[N_strict], n[N_systems]);
    cell_share(p, n[N_public], n[N_systems]);
    row_end(p);
}

void page_types(struct pen *p)
{
    static const struct column columns[] = {{W_type, 't'},          {W_systems, 'n'},
                                            {W_share, 'n'},         {W_open_to_anyone, 'n'},
                                            {W_unencrypted, 'n'},   {W_vulnerable_strict, 'n'},
                                            {W_public_address, 'n'}};
    const struct totals *t = &p->r->t;
    pen_chapter(p, "types", W_ch_types);
    types_chart(p);
    pen_table(p, W_types_table, columns, COUNT(columns));
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        const struct type_row *row = &p->r->types[i];
        if (!row->n[N_systems])
            continue;
        cell_head(p, word_type(p->l, row->type));
        cell_n(p, row->n[N_systems]);
        if (row->type == TYPE_honeypot)
            html_element(p->w, "td", "n", word(p->l, W_apart));
        else
            html_element(p->w, "td", "n", pen_share(p, row->n[N_systems], t->n[N_systems]));
        count_cells(p, row->n);
    }
    html_raw(p->w, "</tbody><tfoot>\n");
    cell_head(p, word(p->l, W_all_types));
    cell_n(p, t->n[N_systems]);
    cell_text(p, STR(""));
    count_cells(p, t->n);
    html_raw(p->w, "</tfoot></table>\n");
    if (t->ten_systems)
        pen_para(p, W_ten_types, pen_n(p, t->ten_strict), pen_n(p, t->ten_systems),
                 pen_share(p, t->ten_strict, t->ten_systems), pen_n(p, t->ten_any),
                 pen_share(p, t->ten_any, t->ten_systems));
    pen_para(p, W_dicom_servers, pen_n(p, t->n[N_dicom]));
    pen_note(p, W_dicom_servers_note);
    pen_end(p);
}

static size_t known(const struct tally *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->rows[i].key.n > 0;
    return n;
}

static void place_row(struct pen *p, struct str name, const struct tally_row *row, uint64_t most)
{
    cell_head(p, name);
    cell_n(p, row->n[N_systems]);
    cell_bar(p, row->n[N_systems], most);
    html_element(p->w, "td", "n", pen_share(p, row->n[N_systems], p->r->t.n[N_systems]));
    count_cells(p, row->n);
}

/* What is not known stands last, however often; */
static void place_table(struct pen *p, enum place what, const struct tally *t, enum word caption,
                        enum word head)
{
    const struct column columns[] = {{head, 't'},
                                     {W_systems, 'n'},
                                     {W_blank, 'b'},
                                     {W_share, 'n'},
                                     {W_open_to_anyone, 'n'},
                                     {W_unencrypted, 'n'},
                                     {W_vulnerable_strict, 'n'},
                                     {W_public_address, 'n'}};
    uint64_t most = 0;
    for (size_t i = 0; i < t->n; i++)
        most = t->rows[i].n[N_systems] > most ? t->rows[i].n[N_systems] : most;
    pen_table(p, caption, columns, COUNT(columns));
    const struct tally_row *unknown = NULL;
    size_t n = size_min(t->n, PLACE_ROWS);
    for (size_t i = 0; i < n; i++) {
        if (t->rows[i].key.n)
            place_row(p, pen_place(p, what, i, t->rows[i].key), &t->rows[i], most);
        else
            unknown = &t->rows[i];
    }
    struct tally_row rest;
    tally_rest(t, n, &rest);
    if (rest.n[N_systems])
        place_row(p, word(p->l, W_others), &rest, most);
    if (unknown)
        place_row(p, word(p->l, W_not_known), unknown, most);
    pen_table_end(p);
}

void page_places(struct pen *p)
{
    struct report *r = p->r;
    size_t countries = known(&r->countries), sites = known(&r->sites), zones = known(&r->zones);
    pen_chapter(p, "places", W_ch_places);
    if (!countries && !sites && !zones)
        pen_note(p, W_no_places);
    if (countries > 1)
        chart_world(p, &r->countries);
    if (countries)
        place_table(p, PLACE_country, &r->countries, W_countries_table, W_country);
    if (sites)
        place_table(p, PLACE_site, &r->sites, W_sites_table, W_site);
    if (zones)
        place_table(p, PLACE_zone, &r->zones, W_zones_table, W_zone);
    pen_end(p);
}

static void product_table(struct pen *p, const struct tally *t, enum word caption, enum word head)
{
    const struct column columns[] = {{head, 't'},
                                     {W_systems, 'n'},
                                     {W_strict_column, 'n'},
                                     {W_component_column, 'n'},
                                     {W_asserted_column, 'n'},
                                     {W_unknown_column, 'n'},
                                     {W_exploited_column, 'n'}};
    pen_table(p, caption, columns, COUNT(columns));
    size_t n = size_min(t->n, PRODUCT_ROWS);
    struct tally_row rest;
    tally_rest(t, n, &rest);
    for (size_t i = 0; i <= n; i++) {
        const struct tally_row *row = i < n ? &t->rows[i] : &rest;
        if (!row->n[N_systems])
            continue;
        cell_head(p, i < n ? row->key : word(p->l, W_others));
        cell_n(p, row->n[N_systems]);
        static const enum counter shown[] = {N_strict, N_component, N_asserted, N_unknown,
                                             N_exploited};
        for (size_t c = 0; c < COUNT(shown); c++)
            cell_share(p, row->n[shown[c]], row->n[N_systems]);
        row_end(p);
    }
    pen_table_end(p);
}

static void cve_table(struct pen *p)
{
    static const struct column columns[] = {{W_cve, 't'},           {W_product_or_component, 't'},
                                            {W_cvss, 'n'},          {W_exploited, 't'},
                                            {W_strict_column, 'n'}, {W_component_column, 'n'}};
    const struct tally *t = &p->r->cves;
    pen_table(p, W_cves_table, columns, COUNT(columns));
    for (size_t i = 0; i < t->n && i < PRODUCT_ROWS; i++) {
        const struct tally_row *row = &t->rows[i];
        char buf[NUMBER_MAX];
        cell_head(p, row->key);
        cell_text(p, row->note);
        html_element(p->w, "td", "n", cvss_text(p->l, row->cvss, buf));
        cell_text(p, word(p->l, row->exploited ? W_yes : W_dash));
        cell_n(p, row->n[N_strict]);
        cell_n(p, row->n[N_component]);
        row_end(p);
    }
    pen_table_end(p);
    if (t->n > PRODUCT_ROWS)
        pen_para(p, W_more_cves, pen_n(p, t->n - PRODUCT_ROWS));
}

static void products_chart(struct pen *p)
{
    struct bar bars[12];
    size_t n = size_min(p->r->products.n, COUNT(bars));
    for (size_t i = 0; i < n; i++)
        bars[i] = (struct bar){p->r->products.rows[i].key, p->r->products.rows[i].n[N_systems],
                               p->r->products.rows[i].n[N_strict]};
    if (n)
        chart_bars(p, W_products_chart, W_found, W_vulnerable_strict, bars, n);
}

static void vulnerabilities(struct pen *p)
{
    const struct totals *t = &p->r->t;
    pen_para(p, W_vulnerabilities_in_all, pen_n(p, t->vulns), pen_n(p, t->vulns_severe),
             pen_share(p, t->vulns_severe, t->vulns), pen_n(p, t->vulns_unscored));
}

void page_products(struct pen *p)
{
    struct report *r = p->r;
    pen_chapter(p, "products", W_ch_products);
    pen_note(p, W_products_note);
    products_chart(p);
    if (r->products.n)
        product_table(p, &r->products, W_products_table, W_product);
    else
        pen_note(p, W_no_products);
    if (r->toolkits.n)
        product_table(p, &r->toolkits, W_toolkits_table, W_toolkit);
    if (r->t.vulns)
        vulnerabilities(p);
    if (r->cves.n)
        cve_table(p);
    pen_end(p);
}
