/* Encryption, access, records, personal data, segmentation, the trend. */
#include "base/size.h"
#include "survey/report/chart.h"
#include "survey/report/pen.h"

static void encryption_chart(struct pen *p)
{
    static const enum word names[CHART_PARTS] = {W_clear_only, W_clear_and_tls, W_tls_only,
                                                 W_not_known};
    struct stack stacks[13];
    const struct totals *t = &p->r->t;
    size_t n = 0;
    stacks[n++] = (struct stack){
        word(p->l, W_all_types),
        {t->n[N_clear_only], t->n[N_clear_tls], t->n[N_tls_only], t->n[N_no_transport]}};
    for (size_t i = 0; i < TYPE_COUNT && n < COUNT(stacks); i++) {
        const struct type_row *row = &p->r->types[i];
        if (row->n[N_systems] && row->type != TYPE_honeypot)
            stacks[n++] = (struct stack){word_type(p->l, row->type),
                                         {row->n[N_clear_only], row->n[N_clear_tls],
                                          row->n[N_tls_only], row->n[N_no_transport]}};
    }
    chart_stacks(p, W_encryption_chart, names, stacks, n);
}

static void encryption_table(struct pen *p)
{
    static const struct column columns[] = {{W_type, 't'},
                                            {W_clear_only, 'n'},
                                            {W_clear_and_tls, 'n'},
                                            {W_tls_only, 'n'},
                                            {W_not_known, 'n'}};
    static const enum counter shown[] = {N_clear_only, N_clear_tls, N_tls_only, N_no_transport};
    pen_table(p, W_encryption_table, columns, COUNT(columns));
    for (size_t i = 0; i <= TYPE_COUNT; i++) {
        const uint64_t *n = i < TYPE_COUNT ? p->r->types[i].n : p->r->t.n;
        if (!n[N_systems] || (i < TYPE_COUNT && p->r->types[i].type == TYPE_honeypot))
            continue;
        cell_head(p,
                  i < TYPE_COUNT ? word_type(p->l, p->r->types[i].type) : word(p->l, W_all_types));
        for (size_t c = 0; c < COUNT(shown); c++)
            cell_share(p, n[shown[c]], n[N_systems]);
        row_end(p);
    }
    pen_table_end(p);
}

static void access_table(struct pen *p)
{
    static const struct column columns[] = {
        {W_asked, 't'},          {W_yes, 'n'},  {W_no, 'n'}, {W_not_known, 'n'},
        {W_share_of_known, 'n'}, {W_blank, 'b'}};
    static const enum word names[ACCESSES] = {
        [A_calling] = W_any_calling, [A_called] = W_any_called,
        [A_query] = W_query_open,    [A_retrieve] = W_retrieve_open,
        [A_store] = W_store_open,    [A_print] = W_print_open,
        [A_web] = W_web_open};
    pen_table(p, W_access_table, columns, COUNT(columns));
    for (size_t a = 0; a < ACCESSES; a++) {
        const uint64_t *t = p->r->t.access[a];
        uint64_t sure = t[TERNARY_yes] + t[TERNARY_no];
        cell_head(p, word(p->l, names[a]));
        cell_n(p, t[TERNARY_yes]);
        cell_n(p, t[TERNARY_no]);
        cell_n(p, t[TERNARY_unknown]);
        html_element(p->w, "td", "n", pen_share(p, t[TERNARY_yes], sure));
        cell_bar(p, t[TERNARY_yes], sure);
        row_end(p);
    }
    pen_table_end(p);
}

static void flow_table(struct pen *p)
{
    static const struct column columns[] = {
        {W_protocol, 't'}, {W_flows_clear, 'n'}, {W_flows_encrypted, 'n'}};
    static const char *const names[FLOW_KINDS] = {"DICOM", "HL7", "HTTP", "FHIR", ""};
    pen_table(p, W_flows_table, columns, COUNT(columns));
    for (size_t k = 0; k < FLOW_KINDS; k++) {
        const uint64_t *n = p->r->flows[k];
        if (!n[0] && !n[1])
            continue;
        cell_head(p, k == FLOW_other ? word(p->l, W_other) : str_z(names[k]));
        cell_share(p, n[1], n[0] + n[1]);
        cell_n(p, n[0]);
        row_end(p);
    }
    pen_table_end(p);
}

void page_access(struct pen *p)
{
    pen_chapter(p, "access", W_ch_access);
    encryption_chart(p);
    encryption_table(p);
    access_table(p);
    pen_note(p, W_access_note);
    if (p->r->flows_all)
        flow_table(p);
    pen_end(p);
}

void page_records(struct pen *p)
{
    static const struct column columns[] = {{W_measure, 't'}, {W_count, 'n'}};
    const struct totals *t = &p->r->t;
    pen_chapter(p, "records", W_ch_records);
    pen_table(p, W_records_table, columns, COUNT(columns));
    cell_head(p, word(p->l, W_archives_reachable));
    cell_n(p, t->archives);
    row_end(p);
    cell_head(p, word(p->l, W_archives_counted));
    cell_n(p, t->archives_counted);
    row_end(p);
    cell_head(p, word(p->l, W_studies));
    html_element(p->w, "td", "n",
                 t->archives_counted ? pen_n(p, t->studies) : word(p->l, W_not_counted));
    row_end(p);
    cell_head(p, word(p->l, W_images));
    html_element(p->w, "td", "n",
                 t->images_counted ? pen_n(p, t->images) : word(p->l, W_not_counted));
    row_end(p);
    pen_table_end(p);
    pen_note(p, t->archives_counted ? W_records_note : W_records_none_note);
    pen_end(p);
}

void page_clear(struct pen *p)
{
    static const struct column columns[] = {
        {W_field, 't'}, {W_times_seen, 'n'}, {W_blank, 'b'}, {W_on_systems_column, 'n'}};
    const struct tally *t = &p->r->fields;
    enum { FIELD_ROWS = 30 };
    pen_chapter(p, "clear", W_ch_clear);
    if (!t->n) {
        pen_note(p, p->r->by_source[BY_TRAFFIC] ? W_clear_none : W_clear_not_looked);
        pen_end(p);
        return;
    }
    pen_para(p, W_clear_intro, pen_n(p, p->r->t.clear_systems), pen_n(p, p->r->t.clear_values),
             pen_n(p, p->r->t.clear_objects));
    pen_table(p, W_clear_table, columns, COUNT(columns));
    for (size_t i = 0; i < t->n && i < FIELD_ROWS; i++) {
        cell_head(p, t->rows[i].key);
        cell_n(p, t->rows[i].n[N_values]);
        cell_bar(p, t->rows[i].n[N_values], t->rows[0].n[N_values]);
        cell_n(p, t->rows[i].n[N_systems]);
        row_end(p);
    }
    pen_table_end(p);
    pen_note(p, W_clear_note);
    pen_end(p);
}

void page_segments(struct pen *p)
{
    static const struct column columns[] = {{W_system, 't'}, {W_severity, 't'}, {W_evidence, 't'}};
    struct report *r = p->r;
    pen_chapter(p, "segmentation", W_ch_segmentation);
    if (!r->violations_all) {
        pen_note(p, r->notes[NOTE_policy].n ? W_segments_none : W_segments_no_policy);
        pen_end(p);
        return;
    }
    pen_para(p, W_segments_intro, pen_n(p, r->violations_all));
    pen_table(p, W_segments_table, columns, COUNT(columns));
    for (size_t i = 0; i < r->n_violations; i++) {
        const struct violation *v = &r->violations[i];
        char buf[NAME_MAX_TEXT];
        html_raw(p->w, "<tr><th scope=\"row\"><code class=\"address\">");
        html_text(p->w, name_example(r, &v->where, buf));
        html_raw(p->w, "</code></th>");
        cell_text(p, word_severity(p->l, v->severity));
        cell_text(p, r->redact ? word(p->l, W_withheld) : v->evidence);
        row_end(p);
    }
    pen_table_end(p);
    if (r->violations_all > r->n_violations)
        pen_para(p, W_more_rows, pen_n(p, r->violations_all - r->n_violations));
    pen_end(p);
}

static void trend_table(struct pen *p)
{
    static const struct column columns[] = {
        {W_type, 't'}, {W_before, 'n'}, {W_now, 'n'}, {W_change, 'n'}};
    const struct diff_sum *d = &p->r->diff;
    pen_table(p, W_trend_table, columns, COUNT(columns));
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        enum sys_type t = p->r->types[i].type;
        if (!d->types_before[t] && !d->types_after[t])
            continue;
        long long change = (long long)d->types_after[t] - (long long)d->types_before[t];
        char buf[32];
        struct wr w = wr_fixed(buf, sizeof buf);
        wr_printf(&w, "%s%lld",
                  change > 0   ? "+"
                  : change < 0 ? "\xe2\x88\x92"
                               : "",
                  change < 0 ? -change : change);
        cell_head(p, word_type(p->l, t));
        cell_n(p, d->types_before[t]);
        cell_n(p, d->types_after[t]);
        html_element(p->w, "td", "n", wr_str(&w));
        row_end(p);
    }
    pen_table_end(p);
}

void page_trend(struct pen *p)
{
    pen_chapter(p, "trend", W_ch_trend);
    say_trend(p);
    if (p->r->has_before) {
        if (p->r->n_points > 1)
            chart_trend(p, p->r->points, p->r->n_points);
        trend_table(p);
        pen_note(p, W_trend_note);
    }
    pen_end(p);
}
