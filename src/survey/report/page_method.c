/* How it was found out, what the words mean, what was not looked at. */
#include "base/size.h"
#include "survey/report/clean.h"
#include "survey/report/pen.h"
#include "survey/report/run_note.h"

static void scope(struct pen *p)
{
    static const struct {
        unsigned note;
        enum word name;
    } notes[] = {{NOTE_owner, W_owner},     {NOTE_permission, W_permission}, {NOTE_scope, W_scope},
                 {NOTE_vantage, W_vantage}, {NOTE_policy, W_policy},         {NOTE_geo, W_geo}};
    pen_heading(p, W_scope_and_permission);
    if (p->r->redact) {
        pen_note(p, W_scope_withheld);
        return;
    }
    bool any = false;
    html_raw(p->w, "<dl class=\"maps\">\n");
    for (size_t i = 0; i < COUNT(notes); i++) {
        struct str text = p->r->notes[notes[i].note];
        if (!text.n)
            continue;
        any = true;
        html_element(p->w, "dt", "", word(p->l, notes[i].name));
        html_element(p->w, "dd", "", text);
    }
    html_raw(p->w, "</dl>\n");
    if (!any)
        pen_note(p, W_scope_none);
}

static void run(struct pen *p, const struct run_row *row)
{
    cell_head(p, row->source);
    html_raw(p->w, "<td>");
    html_text(p->w, p->r->redact ? word(p->l, W_withheld) : row->input);
    if (row->shard.n) {
        html_raw(p->w, " <small>");
        html_text(p->w, row->shard);
        html_raw(p->w, "</small>");
    }
    if (row->note.n) {
        char text[1024];
        struct wr w = wr_fixed(text, sizeof text);
        run_note(p->l, str_slice(row->note, 0, CLEAN_MAX), &w);
        html_raw(p->w, "<br><small>");
        html_text(p->w, wr_str(&w));
        html_raw(p->w, "</small>");
    }
    html_raw(p->w, "</td>");
    cell_text(p, pen_day(p, row->began_us));
    cell_n(p, row->records);
    cell_n(p, row->bad);
    cell_n(p, row->packets);
    cell_text(p, word(p->l, row->finished ? W_yes : W_no));
    row_end(p);
}

static void sources(struct pen *p)
{
    static const struct column columns[] = {{W_source, 't'},  {W_input, 't'}, {W_day, 't'},
                                            {W_records, 'n'}, {W_bad, 'n'},   {W_packets, 'n'},
                                            {W_finished, 't'}};
    pen_heading(p, W_sources);
    if (!p->r->runs_all) {
        pen_note(p, W_no_runs);
        return;
    }
    pen_table(p, W_runs_table, columns, COUNT(columns));
    for (size_t i = 0; i < p->r->n_runs; i++)
        run(p, &p->r->runs[i]);
    pen_table_end(p);
    if (p->r->runs_all > p->r->n_runs)
        pen_para(p, W_more_rows, pen_n(p, p->r->runs_all - p->r->n_runs));
}

static const enum word by_words[BY_COUNT] = {[BY_NOBODY] = W_none,
                                             [BY_ENGINE] = W_by_engine,
                                             [BY_SITE] = W_by_site,
                                             [BY_TRAFFIC] = W_by_traffic,
                                             [BY_PROBE] = W_by_probe};

static void comparison(struct pen *p)
{
    static const struct column columns[] = {
        {W_source, 't'}, {W_hosts_told, 'n'}, {W_hosts_only, 'n'}, {W_hosts_missed, 'n'}};
    const struct compared *c = &p->r->compared;
    pen_heading(p, W_comparison);
    pen_table(p, W_comparison_table, columns, COUNT(columns));
    for (unsigned by = 1; by < BY_COUNT; by++) {
        uint64_t told = 0, only = c->hosts[1U << (by - 1)];
        for (unsigned set = 0; set < COUNT(c->hosts); set++)
            told += set & 1U << (by - 1) ? c->hosts[set] : 0;
        cell_head(p, word(p->l, by_words[by]));
        if (p->r->by_source[by]) {
            cell_share(p, told, c->looked);
            cell_n(p, only);
            cell_n(p, c->looked - told);
        } else {
            html_raw(p->w, "<td colspan=\"3\">");
            pen_word(p, W_source_not_used);
            html_raw(p->w, "</td>");
        }
        row_end(p);
    }
    pen_table_end(p);
    if (p->r->by_source[BY_SITE])
        pen_para(p, W_site_unseen, pen_n(p, c->site_unseen));
}

static void level_table(struct pen *p)
{
    static const struct column columns[] = {{W_type, 't'},
                                            {W_level_port, 'n'},
                                            {W_level_protocol, 'n'},
                                            {W_level_product, 'n'},
                                            {W_level_version, 'n'}};
    pen_heading(p, W_levels);
    pen_table(p, W_levels_table, columns, COUNT(columns));
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        const struct type_row *row = &p->r->types[i];
        if (!row->n[N_systems])
            continue;
        cell_head(p, word_type(p->l, row->type));
        for (size_t v = VER_port; v <= VER_version; v++)
            cell_share(p, row->levels[v], row->n[N_systems]);
        row_end(p);
    }
    pen_table_end(p);
    pen_note(p, W_levels_note);
}

static void definitions(struct pen *p)
{
    static const enum word terms[][2] = {{W_systems, W_def_system},
                                         {W_open_to_anyone, W_def_open},
                                         {W_unencrypted, W_def_clear},
                                         {W_vulnerable_strict, W_def_strict},
                                         {W_component_column, W_def_component},
                                         {W_asserted_column, W_def_asserted},
                                         {W_unknown_column, W_def_unknown},
                                         {W_public_address, W_def_public},
                                         {W_dicom_server, W_def_dicom},
                                         {W_archives_reachable, W_def_archives},
                                         {W_honeypot, W_def_honeypot},
                                         {W_accepted, W_def_accepted},
                                         {W_new_gone, W_def_diff}};
    pen_heading(p, W_definitions);
    html_raw(p->w, "<dl class=\"maps\">\n");
    for (size_t i = 0; i < COUNT(terms); i++) {
        html_element(p->w, "dt", "", word(p->l, terms[i][0]));
        html_element(p->w, "dd", "", word(p->l, terms[i][1]));
        wr_u8(p->w, '\n');
    }
    html_raw(p->w, "</dl>\n");
}

static void item(struct pen *p, bool applies, enum word w)
{
    if (applies)
        html_element(p->w, "li", "", word(p->l, w));
}

static void not_looked_at(struct pen *p)
{
    const struct report *r = p->r;
    pen_heading(p, W_not_looked);
    html_raw(p->w, "<ul>\n");
    item(p, !r->by_source[BY_PROBE], W_not_probed);
    item(p, !r->by_source[BY_TRAFFIC], W_not_captured);
    item(p, !r->by_source[BY_ENGINE], W_not_imported);
    item(p, !r->by_source[BY_SITE], W_not_hosts);
    item(p, !r->t.archives_counted, W_not_count);
    item(p, !r->notes[NOTE_policy].n, W_not_policy);
    item(p, true, W_not_scope);
    item(p, true, W_not_logins);
    item(p, true, W_not_udp);
    item(p, true, W_not_devices);
    item(p, true, W_not_inside);
    html_raw(p->w, "</ul>\n");
}

static void journal(struct pen *p)
{
    const struct report *r = p->r;
    char hex[DIGEST_SIZE * 2];
    pen_heading(p, W_journal);
    if (r->journal_state != OK) {
        pen_note(p, r->journal_state == E_NOTFOUND ? W_journal_none : W_journal_broken);
        return;
    }
    struct wr w = wr_fixed(hex, sizeof hex);
    wr_hex(&w, str_of(r->journal.last, DIGEST_SIZE));
    pen_para(p, W_journal_whole, pen_n(p, r->journal.lines));
    html_raw(p->w, "<p><code class=\"long\">");
    html_text(p->w, wr_str(&w));
    html_raw(p->w, "</code></p>\n");
}

void page_method(struct pen *p)
{
    pen_chapter(p, "method", W_ch_method);
    scope(p);
    sources(p);
    comparison(p);
    level_table(p);
    definitions(p);
    not_looked_at(p);
    journal(p);
    pen_end(p);
}
