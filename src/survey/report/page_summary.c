#include "base/size.h"
#include "survey/report/pen.h"

static void meta(struct pen *p, enum word name, struct str value)
{
    if (!value.n)
        return;
    html_raw(p->w, "<div>");
    html_element(p->w, "dt", "", word(p->l, name));
    html_element(p->w, "dd", "", value);
    html_raw(p->w, "</div>\n");
}

void page_head(struct pen *p)
{
    struct report *r = p->r;
    char buf[NAME_MAX_TEXT];
    html_raw(p->w, "<header>\n<p class=\"brand\">Lastra <span>");
    pen_word(p, W_brand);
    html_raw(p->w, "</span></p>\n");
    html_element(p->w, "h1", "", r->title);
    html_raw(p->w, "\n<dl class=\"meta\">\n");
    meta(p, W_survey, name_survey(r, &r->survey, buf));
    meta(p, W_date_of_survey, pen_day(p, r->survey.began_us));
    meta(p, W_date_of_report, pen_date(p, r->today));
    if (!r->redact)
        meta(p, W_responsible, r->notes[NOTE_owner]);
    html_raw(p->w, "</dl>\n");
    if (r->redact)
        html_element(p->w, "p", "seal", word(p->l, W_redacted_note));
    else
        html_element(p->w, "p", "seal", word(p->l, W_confidential_note));
    if (!r->survey.concluded)
        html_element(p->w, "p", "seal warn", word(p->l, W_not_concluded));
    html_raw(p->w, "</header>\n");
}

static void key(struct pen *p, const char *class_name, struct str number, enum word label,
                struct str below)
{
    wr_printf(p->w, "<li class=\"%s\"><b>", class_name);
    html_text(p->w, number);
    html_raw(p->w, "</b><span>");
    pen_word(p, label);
    html_raw(p->w, "</span><small>");
    html_text(p->w, below);
    html_raw(p->w, "</small></li>\n");
}

/* "{1} of what was found" and the like: a template with its arguments, as text. */
static struct str phrase(struct pen *p, enum word w, struct str arg, char *buf, size_t cap)
{
    struct str t = word(p->l, w);
    size_t at = str_find(t, '{');
    struct wr out = wr_fixed(buf, cap);
    wr_put(&out, str_slice(t, 0, at));
    wr_put(&out, arg);
    wr_put(&out, str_slice(t, at + 3, t.n));
    return wr_str(&out);
}

static void key_figures(struct pen *p)
{
    const struct totals *t = &p->r->t;
    uint64_t all = t->n[N_systems];
    char buf[256];
    html_raw(p->w, "<ul class=\"keys\">\n");
    key(p, "", pen_n(p, all), W_key_systems,
        phrase(p, W_at_addresses, pen_n(p, t->hosts), buf, sizeof buf));
    key(p, t->n[N_open] ? "bad" : "", pen_n(p, t->n[N_open]), W_key_open,
        phrase(p, W_of_systems, pen_share(p, t->n[N_open], all), buf, sizeof buf));
    key(p, t->n[N_clear] ? "bad" : "", pen_n(p, t->n[N_clear]), W_key_clear,
        phrase(p, W_of_systems, pen_share(p, t->n[N_clear], all), buf, sizeof buf));
    key(p, t->n[N_strict] ? "bad" : "", pen_n(p, t->n[N_strict]), W_key_vulnerable,
        phrase(p, W_of_systems, pen_share(p, t->n[N_strict], all), buf, sizeof buf));
    if (t->archives_counted)
        key(p, t->studies ? "bad" : "", pen_n(p, t->studies), W_key_studies,
            phrase(p, W_and_images,
                   t->images_counted ? pen_n(p, t->images) : word(p->l, W_not_counted), buf,
                   sizeof buf));
    else
        key(p, t->archives ? "bad" : "", pen_n(p, t->archives), W_key_archives,
            word(p->l, W_studies_not_counted));
    key(p, t->n[N_public] ? "bad" : "", pen_n(p, t->n[N_public]), W_key_public,
        phrase(p, W_of_systems, pen_share(p, t->n[N_public], all), buf, sizeof buf));
    html_raw(p->w, "</ul>\n");
}

size_t first_things(const struct report *r, size_t *ret, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_kinds && n < cap; i++) {
        const struct kind_row *row = &r->kinds[r->order[i]];
        if (row->kind && row->systems && row->worst >= SEV_medium)
            ret[n++] = r->order[i];
    }
    return n;
}

static void three_things(struct pen *p)
{
    size_t which[3], n = first_things(p->r, which, COUNT(which));
    pen_heading(p, W_three_things);
    if (!n) {
        pen_note(p, W_nothing_urgent);
        return;
    }
    html_raw(p->w, "<ol class=\"three\">\n");
    for (size_t i = 0; i < n; i++) {
        const struct kind_row *row = &p->r->kinds[which[i]];
        html_raw(p->w, "<li><h4>");
        html_text(p->w, row->kind->title[p->l]);
        html_raw(p->w, " <span>");
        pen_say_args(p, row->systems == 1 ? W_on_one_system : W_on_systems, false,
                     (const struct str[]){pen_n(p, row->systems)}, 1);
        html_raw(p->w, "</span></h4>");
        html_element(p->w, "p", "", row->kind->remedy[p->l]);
        html_raw(p->w, "</li>\n");
    }
    html_raw(p->w, "</ol>\n");
}

void say_trend(struct pen *p)
{
    const struct report *r = p->r;
    const struct diff_sum *d = &r->diff;
    char before[NAME_MAX_TEXT], buf[NUMBER_MAX];
    if (!r->has_before) {
        pen_note(p, W_no_before);
        return;
    }
    uint64_t was = d->dicom_before, is = d->dicom_after;
    enum word w = is > was ? W_dicom_more : is < was ? W_dicom_fewer : W_dicom_same;
    if (!was)
        w = W_dicom_from_none;
    struct str name = name_survey(r, &r->before, before);
    html_raw(p->w, "<p class=\"trend\">");
    pen_say(p, w, pen_n(p, is), change_text(p->l, was, is, buf), name,
            pen_day(p, r->before.began_us), pen_n(p, was));
    html_raw(p->w, " ");
    pen_say(p, W_trend_counts, pen_n(p, d->counts[DIFF_new]), pen_n(p, d->counts[DIFF_gone]),
            pen_n(p, d->counts[DIFF_fixed]), pen_n(p, d->counts[DIFF_worse]));
    html_raw(p->w, "</p>\n");
}

void page_summary(struct pen *p)
{
    const struct totals *t = &p->r->t;
    pen_chapter(p, "summary", W_ch_summary);
    key_figures(p);
    if (t->component_only || t->asserted_only)
        pen_para(p, W_vulnerable_further, pen_n(p, t->component_only), pen_n(p, t->asserted_only));
    if (t->clear_systems)
        pen_para(p, W_summary_clear, pen_n(p, t->clear_systems));
    if (t->honeypots)
        pen_para(p, W_summary_honeypots, pen_n(p, t->honeypots));
    three_things(p);
    pen_heading(p, W_against_before);
    say_trend(p);
    pen_end(p);
}
