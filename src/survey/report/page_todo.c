/* What to do first, and what somebody has accepted. */
#include "base/size.h"
#include "survey/report/pen.h"

static void clause(struct pen *p, enum word name, struct str text)
{
    if (!text.n)
        return;
    html_element(p->w, "dt", "", word(p->l, name));
    html_element(p->w, "dd", "", text);
}

static void clauses(struct pen *p, const struct finding_kind *k)
{
    html_raw(p->w, "<dl class=\"maps\">");
    clause(p, W_fbi, fbi_group_name(k->group, p->l));
    clause(p, W_nist, k->nist);
    clause(p, W_hicp, k->hicp);
    clause(p, W_hipaa, k->hipaa);
    clause(p, W_ps315, k->ps315);
    clause(p, W_atna, k->atna);
    clause(p, W_nis2, k->nis2);
    html_raw(p->w, "</dl>\n");
}

static void examples(struct pen *p, const struct kind_row *row)
{
    html_raw(p->w, "<p class=\"where\"><b>");
    pen_word(p, W_where);
    html_raw(p->w, "</b> ");
    for (size_t i = 0; i < row->n_examples; i++) {
        char buf[NAME_MAX_TEXT];
        html_raw(p->w, "<code>");
        html_text(p->w, name_example(p->r, &row->examples[i], buf));
        html_raw(p->w, "</code> ");
    }
    if (row->systems > row->n_examples)
        pen_say_args(p, W_and_more, false,
                     (const struct str[]){pen_n(p, row->systems - row->n_examples)}, 1);
    html_raw(p->w, "</p>\n");
}

/* Links only to https, and only from our own table. */
static void references(struct pen *p, struct str refs)
{
    struct str one;
    if (!refs.n)
        return;
    html_raw(p->w, "<p class=\"refs\">");
    while (str_split(&refs, ' ', &one))
        if (str_starts(one, STR("https://"))) {
            html_raw(p->w, "<a rel=\"noreferrer\"");
            html_attr(p->w, "href", one);
            wr_u8(p->w, '>');
            html_text(p->w, one);
            html_raw(p->w, "</a> ");
        }
    html_raw(p->w, "</p>\n");
}

static void kind(struct pen *p, const struct kind_row *row)
{
    const struct finding_kind *k = row->kind;
    static const char *const classes[SEV_COUNT] = {"v0", "v1", "v2", "v3", "v4"};
    wr_printf(p->w, "<article class=\"kind\"><h4><span class=\"sev %s\">", classes[row->worst]);
    html_text(p->w, word_severity(p->l, row->worst));
    html_raw(p->w, "</span> ");
    html_text(p->w, k->title[p->l]);
    html_raw(p->w, " <span>");
    pen_say_args(p, row->systems == 1 ? W_on_one_system : W_on_systems, false,
                 (const struct str[]){pen_n(p, row->systems)}, 1);
    html_raw(p->w, "</span></h4>\n");
    html_element(p->w, "p", "", k->meaning[p->l]);
    html_raw(p->w, "<p class=\"do\"><b>");
    pen_word(p, W_do);
    html_raw(p->w, "</b> ");
    html_text(p->w, k->remedy[p->l]);
    html_raw(p->w, "</p>\n");
    examples(p, row);
    if (row->accepted)
        pen_para(p, W_of_which_accepted, pen_n(p, row->accepted));
    clauses(p, k);
    references(p, k->references);
    html_raw(p->w, "</article>\n");
}

static void tier(struct pen *p, unsigned which)
{
    static const enum word titles[TIERS] = {W_tier_first, W_tier_next, W_tier_then};
    bool any = false;
    for (size_t i = 0; i < p->r->n_kinds; i++) {
        const struct kind_row *row = &p->r->kinds[p->r->order[i]];
        if (!row->kind || !row->systems || tier_of(row->worst) != which)
            continue;
        if (!any)
            pen_heading(p, titles[which]);
        any = true;
        kind(p, row);
    }
}

static void overview(struct pen *p)
{
    static const struct column columns[] = {{W_order, 'n'},    {W_finding, 't'},
                                            {W_severity, 't'}, {W_systems, 'n'},
                                            {W_accepted, 'n'}, {W_fbi_short, 't'}};
    unsigned n = 0;
    pen_table(p, W_todo_table, columns, COUNT(columns));
    for (size_t i = 0; i < p->r->n_kinds; i++) {
        const struct kind_row *row = &p->r->kinds[p->r->order[i]];
        if (!row->kind || !row->findings)
            continue;
        html_raw(p->w, "<tr>");
        cell_n(p, ++n);
        html_raw(p->w, "<th scope=\"row\">");
        html_text(p->w, row->kind->title[p->l]);
        html_raw(p->w, "</th>");
        cell_text(p, row->systems ? word_severity(p->l, row->worst) : word(p->l, W_dash));
        cell_n(p, row->systems);
        cell_n(p, row->accepted);
        cell_text(p, fbi_group_name(row->kind->group, p->l));
        row_end(p);
    }
    pen_table_end(p);
}

void page_todo(struct pen *p)
{
    const struct kind_row *unknown = &p->r->kinds[p->r->n_kinds - 1];
    pen_chapter(p, "todo", W_ch_todo);
    if (!p->r->t.findings) {
        pen_note(p, W_no_findings);
        pen_end(p);
        return;
    }
    pen_note(p, W_todo_note);
    overview(p);
    for (unsigned i = 0; i < TIERS; i++)
        tier(p, i);
    if (unknown->findings)
        pen_para(p, W_unknown_kinds, pen_n(p, unknown->findings));
    pen_end(p);
}

static void risk(struct pen *p, const struct risk_row *risk)
{
    const struct finding_kind *k = finding_by_name(risk->kind);
    html_raw(p->w, "<tr><th scope=\"row\">");
    html_text(p->w, k ? k->title[p->l] : risk->kind);
    if (risk->cve.n) {
        html_raw(p->w, " <small>");
        html_text(p->w, risk->cve);
        html_raw(p->w, "</small>");
    }
    html_raw(p->w, "</th>");
    if (p->r->redact) {
        cell_text(p, word(p->l, W_withheld));
        cell_text(p, word(p->l, W_withheld));
        cell_text(p, word(p->l, W_withheld));
    } else {
        cell_text(p, risk->where.n ? risk->where : word(p->l, W_everywhere));
        cell_text(p, risk->owner);
        cell_text(p, risk->why);
    }
    html_raw(p->w, "<td>");
    html_text(p->w, pen_date(p, risk->until));
    if (risk->expired) {
        html_raw(p->w, " <b class=\"late\">");
        pen_word(p, W_expired);
        html_raw(p->w, "</b>");
    }
    html_raw(p->w, "</td>");
    row_end(p);
}

void page_risks(struct pen *p)
{
    static const struct column columns[] = {
        {W_finding, 't'}, {W_place, 't'}, {W_owner, 't'}, {W_why, 't'}, {W_until, 't'}};
    struct report *r = p->r;
    pen_chapter(p, "accepted", W_ch_risks);
    if (!r->risks_all) {
        pen_note(p, W_no_risks);
        pen_end(p);
        return;
    }
    pen_para(p, W_risks_intro, pen_n(p, r->risks_all), pen_n(p, r->t.accepted),
             pen_n(p, r->risks_expired));
    pen_table(p, W_risks_table, columns, COUNT(columns));
    for (size_t i = 0; i < r->n_risks; i++)
        risk(p, &r->risks[i]);
    pen_table_end(p);
    if (r->risks_all > r->n_risks)
        pen_para(p, W_more_rows, pen_n(p, r->risks_all - r->n_risks));
    pen_end(p);
}
