/* The inventory: the worst systems first. Rows are made while the systems pass by in address order,
 * and put out in the order of the ranks: some kilobytes for each of at most INVENTORY_ROWS. */
#include <stdlib.h>

#include "base/size.h"
#include "survey/report/pen.h"

enum { ROW_MAX = 24 << 10, TOP_KINDS = 3 };

struct rows {
    struct pen *p;
    struct arena arena;
    struct str *row; /* by rank */
    struct by_seq {
        uint64_t seq;
        size_t rank;
    } * by_seq;
    size_t n, at;
};

static void openness(struct pen *p, const struct system *s)
{
    const struct {
        bool is;
        enum word name;
    } marks[] = {{s->is_public == 1, W_tag_public}, {s->open_calling == 1, W_tag_any_ae},
                 {s->open_query == 1, W_tag_query}, {s->open_retrieve == 1, W_tag_retrieve},
                 {s->open_store == 1, W_tag_store}, {s->open_print == 1, W_tag_print},
                 {s->web_open == 1, W_tag_web},     {s->cleartext == 1, W_tag_clear},
                 {s->tls == 1, W_tag_tls},          {s->stale, W_tag_stale}};
    html_raw(p->w, "<td class=\"tags\">");
    for (size_t i = 0; i < COUNT(marks); i++)
        if (marks[i].is) {
            html_element(p->w, "i", marks[i].name == W_tag_tls ? "ok" : "",
                         word(p->l, marks[i].name));
            wr_u8(p->w, ' ');
        }
    if (s->studies > 0) {
        html_raw(p->w, "<i>");
        pen_say_args(p, W_tag_studies, false, (const struct str[]){pen_n(p, (uint64_t)s->studies)},
                     1);
        html_raw(p->w, "</i>");
    }
    html_raw(p->w, "</td>");
}

/* The same on another port, or by another way, says nothing new here. */
static bool was_shown(const struct pen *p, const struct finding *f, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(f[i].kind, f[at].kind) && str_eq(f[i].cve, f[at].cve) &&
            !finding_accepted(p->r, &f[i]))
            return true;
    return false;
}

static void findings(struct pen *p, const struct finding *f, size_t n)
{
    size_t shown = 0;
    html_raw(p->w, "<td>");
    for (size_t i = 0; i < n && shown < TOP_KINDS; i++) {
        const struct finding_kind *k = finding_by_name(f[i].kind);
        if (finding_accepted(p->r, &f[i]) || f[i].severity < SEV_low || was_shown(p, f, i))
            continue;
        if (shown++)
            html_raw(p->w, "; ");
        html_text(p->w, k ? k->title[p->l] : f[i].kind);
        if (f[i].cve.n) {
            html_raw(p->w, " <small>");
            html_text(p->w, f[i].cve);
            html_raw(p->w, ", ");
            html_text(p->w, word_state(p->l, f[i].state));
            html_raw(p->w, "</small>");
        }
    }
    if (n > shown) {
        wr_put(p->w, shown ? STR(" <small>") : STR("<small>"));
        pen_say_args(p, W_findings_in_all, false, (const struct str[]){pen_n(p, n)}, 1);
        html_raw(p->w, "</small>");
    }
    html_raw(p->w, "</td>");
}

static void place(struct pen *p, const struct system *s)
{
    const struct str parts[] = {s->site, s->zone, s->owner,
                                s->country.n ? word_country(p->l, s->country) : STR("")};
    bool any = false;
    html_raw(p->w, "<td>");
    for (size_t i = p->r->redact ? 3 : 0; i < COUNT(parts); i++)
        if (parts[i].n) {
            wr_put(p->w, any ? STR(", ") : STR(""));
            html_text(p->w, parts[i]);
            any = true;
        }
    html_raw(p->w, "</td>");
}

static void what(struct pen *p, const struct system *s)
{
    char buf[NAME_MAX_TEXT];
    html_raw(p->w, "<td>");
    html_text(p->w, word_type(p->l, s->type));
    html_raw(p->w, "<br><b>");
    html_text(p->w, name_safe(p->r, s, name_product(&s->product, buf)));
    if (s->product.name.n && s->product.version.n) {
        wr_u8(p->w, ' ');
        html_text(p->w, name_safe(p->r, s, s->product.version));
    }
    html_raw(p->w, "</b>");
    if (s->toolkit.name.n) {
        html_raw(p->w, " <small>");
        pen_word(p, W_built_with);
        wr_u8(p->w, ' ');
        html_text(p->w, name_safe(p->r, s, s->toolkit.name));
        wr_u8(p->w, ' ');
        html_text(p->w, name_safe(p->r, s, s->toolkit.version));
        html_raw(p->w, "</small>");
    }
    html_raw(p->w, "<br><small>");
    html_text(p->w, word_level(p->l, s->level));
    html_raw(p->w, "</small></td>");
}

static void row(struct pen *p, uint64_t seq, const struct system *s, const struct finding *f,
                size_t n)
{
    char number[NAME_MAX_TEXT], ip[IP_TEXT_MAX];
    html_raw(p->w, "<tr><th scope=\"row\">");
    html_text(p->w, name_number(seq, number));
    if (!p->r->redact) {
        if (ip_is_v4(&s->ip))
            html_raw(p->w, "<br><code class=\"address\">");
        else
            html_raw(p->w, "<br><code>");
        html_text(p->w, ip_text(&s->ip, ip));
        html_raw(p->w, "</code>");
        if (s->hostname.n) {
            html_raw(p->w, "<br><small>");
            html_text(p->w, s->hostname);
            html_raw(p->w, "</small>");
        }
    }
    html_raw(p->w, "<br><small>");
    html_text(p->w, s->ports);
    html_raw(p->w, "</small></th>");
    what(p, s);
    place(p, s);
    openness(p, s);
    findings(p, f, n);
    row_end(p);
}

static err_t keep_row(struct walk *walk, const struct system *s, const struct finding *f, size_t n)
{
    struct rows *rows = walk->ctx;
    if (rows->at == rows->n || rows->by_seq[rows->at].seq != walk->seq)
        return OK;
    struct wr w = wr_heap(ROW_MAX), *page = rows->p->w;
    rows->p->w = &w;
    row(rows->p, walk->seq, s, f, n);
    rows->p->w = page;
    struct str copy = w.bad ? (struct str){NULL, 0} : arena_copy(&rows->arena, wr_str(&w));
    wr_done(&w);
    if (!copy.p)
        return E_NOMEM;
    rows->row[rows->by_seq[rows->at++].rank] = copy;
    return OK;
}

static int by_seq(const void *a, const void *b)
{
    const struct by_seq *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static err_t make_rows(struct rows *rows)
{
    struct report *r = rows->p->r;
    rows->n = r->n_ranks;
    rows->row = ARENA_ARRAY(&rows->arena, rows->n, struct str);
    rows->by_seq = ARENA_ARRAY(&rows->arena, rows->n, struct by_seq);
    if (!rows->row || !rows->by_seq)
        return E_NOMEM;
    for (size_t i = 0; i < rows->n; i++)
        rows->by_seq[i] = (struct by_seq){r->ranks[i].seq, i};
    qsort(rows->by_seq, rows->n, sizeof *rows->by_seq, by_seq);
    struct walk walk = {.r = r, .each = keep_row, .ctx = rows};
    return walk_systems(&walk);
}

err_t page_inventory(struct pen *p)
{
    static const struct column columns[] = {{W_system, 't'},
                                            {W_what_it_is, 't'},
                                            {W_place_owner, 't'},
                                            {W_openness, 't'},
                                            {W_findings, 't'}};
    struct rows rows = {.p = p, .arena = arena_init((size_t)INVENTORY_ROWS * ROW_MAX)};
    uint64_t all = p->r->t.n[N_systems] + p->r->t.honeypots;
    pen_chapter(p, "inventory", W_ch_inventory);
    pen_note(p, p->r->redact ? W_inventory_redacted_note : W_inventory_note);
    err_t e = make_rows(&rows);
    html_raw(p->w, "<div class=\"inventory\">\n");
    pen_table(p, W_inventory_table, columns, COUNT(columns));
    for (size_t i = 0; e == OK && i < rows.n; i++)
        wr_put(p->w, rows.row[i]);
    pen_table_end(p);
    html_raw(p->w, "</div>\n");
    if (all > rows.n)
        pen_para(p, W_more_systems, pen_n(p, all - rows.n));
    pen_end(p);
    arena_done(&rows.arena);
    return e;
}
