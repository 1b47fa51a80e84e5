/* JSON for programs, by docs/manual/survey-report.schema.json. Names of members and of what they
 * hold (types, kinds, severities) are the same in every language; titles are in the report's. */
#include "base/size.h"
#include "survey/report/counts.h"
#include "survey/report/json_systems.h"
#include "survey/report/json_text.h"
#include "survey/report/words.h"

static const struct {
    enum counter counter;
    const char *name;
} counters[] = {{N_systems, "systems"},
                {N_open, "open_to_anyone"},
                {N_clear, "unencrypted"},
                {N_clear_only, "clear_only"},
                {N_clear_tls, "clear_and_tls"},
                {N_tls_only, "tls_only"},
                {N_no_transport, "encryption_unknown"},
                {N_strict, "vulnerable_product"},
                {N_component, "vulnerable_component"},
                {N_asserted, "vulnerable_asserted"},
                {N_any, "vulnerable_any"},
                {N_unknown, "version_unknown"},
                {N_exploited, "exploited"},
                {N_public, "public"},
                {N_severe, "severe"},
                {N_dicom, "dicom"}};

static void put_counts(struct json *j, const uint64_t n[COUNTERS])
{
    member_object(j, "counts");
    for (size_t i = 0; i < COUNT(counters); i++)
        member_u64(j, counters[i].name, n[counters[i].counter]);
    json_end(j);
}

static void put_levels(struct json *j, const uint64_t levels[VER_version + 1])
{
    member_object(j, "levels");
    for (size_t v = VER_port; v <= VER_version; v++) {
        json_key(j, verification_name((enum verification)v));
        json_u64(j, levels[v]);
    }
    json_end(j);
}

static void maybe(struct json *j, const char *name, bool known, uint64_t n)
{
    if (known)
        member_u64(j, name, n);
    else
        member_none(j, name);
}

static void put_head(struct json *j, const struct report *r)
{
    static const char *const names[NOTES] = {"owner",   "scope",  "permission",
                                             "vantage", "policy", "country_database"};
    char buf[NAME_MAX_TEXT], iso[NUMBER_MAX];
    member_text(j, "format", STR("lastra-survey-report"));
    member_u64(j, "format_version", 1);
    json_member(j, STR("language"), word_language(r->language));
    member_bool(j, "redacted", r->redact);
    member_text(j, "title", r->title);
    member_text(j, "report_date", r->today);
    member_object(j, "survey");
    member_text(j, "name", name_survey(r, &r->survey, buf));
    member_text(j, "date", date_iso(r->survey.began_us, iso));
    member_bool(j, "concluded", r->survey.concluded);
    for (size_t i = 0; i < NOTES; i++)
        member_text(j, names[i], r->redact ? STR("") : r->notes[i]);
    json_end(j);
}

static void put_summary(struct json *j, const struct report *r)
{
    const struct totals *t = &r->t;
    member_object(j, "summary");
    put_counts(j, t->n);
    put_levels(j, t->levels);
    member_u64(j, "addresses", t->hosts);
    member_u64(j, "honeypots", t->honeypots);
    member_u64(j, "stale", t->stale);
    member_u64(j, "component_only", t->component_only);
    member_u64(j, "asserted_only", t->asserted_only);
    member_u64(j, "vulnerabilities", t->vulns);
    member_u64(j, "vulnerabilities_severe", t->vulns_severe);
    member_u64(j, "vulnerabilities_unscored", t->vulns_unscored);
    member_u64(j, "findings", t->findings);
    member_u64(j, "findings_accepted", t->accepted);
    member_object(j, "findings_by_severity");
    for (size_t i = 0; i < SEV_COUNT; i++) {
        json_key(j, severity_name((enum severity)i));
        json_u64(j, t->by_severity[i]);
    }
    json_end(j);
    member_u64(j, "archives_reachable", t->archives);
    member_u64(j, "archives_counted", t->archives_counted);
    maybe(j, "studies", t->archives_counted > 0, t->studies);
    maybe(j, "images", t->images_counted > 0, t->images);
    member_u64(j, "clear_systems", t->clear_systems);
    member_u64(j, "clear_objects", t->clear_objects);
    member_u64(j, "clear_values", t->clear_values);
    json_end(j);
}

static void put_types(struct json *j, const struct report *r)
{
    member_array(j, "types");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        const struct type_row *row = &r->types[i];
        if (!row->n[N_systems])
            continue;
        json_open_object(j);
        member_text(j, "type", type_name(row->type));
        member_text(j, "title", word_type(r->language, row->type));
        put_counts(j, row->n);
        put_levels(j, row->levels);
        json_end(j);
    }
    json_end(j);
}

static void put_tally(struct json *j, const struct report *r, const char *name,
                      const struct tally *t, enum place what)
{
    char buf[NAME_MAX_TEXT];
    member_array(j, name);
    for (size_t i = 0; i < t->n; i++) {
        const struct tally_row *row = &t->rows[i];
        json_open_object(j);
        if (what == PLACE_country)
            member_text(j, "code", row->key);
        member_text(j, "name", what == PLACES ? row->key : name_place(r, what, i, row->key, buf));
        put_counts(j, row->n);
        json_end(j);
    }
    if (t->others.n[N_systems]) {
        json_open_object(j);
        if (what == PLACE_country)
            member_text(j, "code", STR(""));
        member_text(j, "name", word(r->language, W_others));
        put_counts(j, t->others.n);
        json_end(j);
    }
    json_end(j);
}

static void put_cves(struct json *j, const struct report *r)
{
    static const enum counter shown[] = {N_strict, N_component};
    static const char *const names[] = {"product", "component"};
    member_array(j, "vulnerabilities");
    for (size_t i = 0; i < r->cves.n; i++) {
        const struct tally_row *row = &r->cves.rows[i];
        json_open_object(j);
        member_text(j, "cve", row->key);
        member_text(j, "in", row->note);
        json_key(j, STR("cvss"));
        if (row->cvss < 0)
            json_none(j);
        else
            json_double(j, row->cvss / 10.0);
        member_bool(j, "exploited", row->exploited);
        member_object(j, "matches");
        for (size_t k = 0; k < COUNT(shown); k++)
            member_u64(j, names[k], row->n[shown[k]]);
        json_end(j);
        json_end(j);
    }
    json_end(j);
}

static void put_access(struct json *j, const struct report *r)
{
    static const char *const names[ACCESSES] = {
        [A_calling] = "any_calling_ae", [A_called] = "any_called_ae", [A_query] = "query",
        [A_retrieve] = "retrieve",      [A_store] = "store",          [A_print] = "print",
        [A_web] = "web_without_signin"};
    member_object(j, "access");
    for (size_t i = 0; i < ACCESSES; i++) {
        member_object(j, names[i]);
        member_u64(j, "yes", r->t.access[i][TERNARY_yes]);
        member_u64(j, "no", r->t.access[i][TERNARY_no]);
        member_u64(j, "unknown", r->t.access[i][TERNARY_unknown]);
        json_end(j);
    }
    json_end(j);
}

static void put_clear(struct json *j, const struct report *r)
{
    static const char *const protocols[FLOW_KINDS] = {"dicom", "hl7", "http", "fhir", "other"};
    member_array(j, "clear_fields");
    for (size_t i = 0; i < r->fields.n; i++) {
        json_open_object(j);
        member_text(j, "field", r->fields.rows[i].key);
        member_u64(j, "values", r->fields.rows[i].n[N_values]);
        member_u64(j, "systems", r->fields.rows[i].n[N_systems]);
        json_end(j);
    }
    json_end(j);
    member_array(j, "flows");
    for (size_t i = 0; i < FLOW_KINDS; i++) {
        json_open_object(j);
        member_text(j, "protocol", str_z(protocols[i]));
        member_u64(j, "clear", r->flows[i][1]);
        member_u64(j, "encrypted", r->flows[i][0]);
        json_end(j);
    }
    json_end(j);
}

static void put_points(struct json *j, const struct report *r)
{
    member_array(j, "surveys");
    for (size_t i = 0; i < r->n_points; i++) {
        const struct point *point = &r->points[i];
        json_open_object(j);
        member_text(j, "name", point->name);
        member_text(j, "date", point->date);
        member_u64(j, "systems", point->systems);
        member_u64(j, "dicom", point->dicom);
        member_u64(j, "open_to_anyone", point->open);
        member_u64(j, "vulnerable_product", point->vulnerable);
        json_end(j);
    }
    json_end(j);
}

static void put_trend(struct json *j, const struct report *r)
{
    static const char *const names[DIFF_COUNT] = {
        [DIFF_new] = "new",     [DIFF_gone] = "gone",       [DIFF_fixed] = "fixed",
        [DIFF_worse] = "worse", [DIFF_changed] = "changed",
    };
    char buf[NAME_MAX_TEXT], iso[NUMBER_MAX];
    if (!r->has_before) {
        member_none(j, "trend");
        return;
    }
    member_object(j, "trend");
    member_text(j, "before", name_survey(r, &r->before, buf));
    member_text(j, "before_date", date_iso(r->before.began_us, iso));
    member_u64(j, "systems_before", r->diff.systems_before);
    member_u64(j, "systems_after", r->diff.systems_after);
    member_u64(j, "dicom_before", r->diff.dicom_before);
    member_u64(j, "dicom_after", r->diff.dicom_after);
    for (size_t i = 0; i < DIFF_COUNT; i++)
        member_u64(j, names[i], r->diff.counts[i]);
    put_points(j, r);
    json_end(j);
}

static void put_kind(struct json *j, const struct report *r, const struct kind_row *row)
{
    const struct finding_kind *k = row->kind;
    const struct {
        const char *name;
        struct str text;
    } texts[] = {{"finding", k->name},
                 {"title", k->title[r->language]},
                 {"meaning", k->meaning[r->language]},
                 {"remedy", k->remedy[r->language]},
                 {"fbi_group", fbi_group_name(k->group, r->language)},
                 {"nist", k->nist},
                 {"hicp", k->hicp},
                 {"hipaa", k->hipaa},
                 {"dicom_ps315", k->ps315},
                 {"ihe_atna", k->atna},
                 {"nis2_article_21_2", k->nis2},
                 {"references", k->references}};
    json_open_object(j);
    for (size_t i = 0; i < COUNT(texts); i++)
        member_text(j, texts[i].name, texts[i].text);
    member_text(j, "severity", severity_name(row->systems ? row->worst : k->severity));
    member_u64(j, "order", k->first);
    member_u64(j, "systems", row->systems);
    member_u64(j, "findings", row->findings);
    member_u64(j, "accepted", row->accepted);
    json_end(j);
}

static void put_kinds(struct json *j, const struct report *r)
{
    member_array(j, "todo");
    for (size_t i = 0; i < r->n_kinds; i++) {
        const struct kind_row *row = &r->kinds[r->order[i]];
        if (row->kind && row->findings)
            put_kind(j, r, row);
    }
    json_end(j);
}

static void put_risks(struct json *j, const struct report *r)
{
    member_array(j, "accepted_risks");
    for (size_t i = 0; i < r->n_risks; i++) {
        const struct risk_row *risk = &r->risks[i];
        json_open_object(j);
        member_text(j, "finding", risk->kind);
        member_text(j, "cve", risk->cve);
        member_text(j, "where", risk->where);
        member_text(j, "owner", risk->owner);
        member_text(j, "why", risk->why);
        member_text(j, "until", risk->until);
        member_bool(j, "expired", risk->expired);
        json_end(j);
    }
    json_end(j);
}

static void put_run(struct json *j, const struct run_row *run)
{
    char iso[NUMBER_MAX];
    json_open_object(j);
    member_text(j, "source", run->source);
    member_text(j, "input", run->input);
    member_text(j, "shard", run->shard);
    member_text(j, "note", run->note);
    member_text(j, "date", date_iso(run->began_us, iso));
    member_u64(j, "records", run->records);
    member_u64(j, "malformed", run->bad);
    member_u64(j, "packets", run->packets);
    member_u64(j, "bytes_sent", run->bytes_out);
    member_bool(j, "finished", run->finished);
    json_end(j);
}

static void put_sources(struct json *j, const struct report *r)
{
    static const char *const names[BY_COUNT] = {[BY_ENGINE] = "search_engine",
                                                [BY_SITE] = "site",
                                                [BY_TRAFFIC] = "traffic",
                                                [BY_PROBE] = "probe"};
    member_array(j, "runs");
    for (size_t i = 0; i < r->n_runs; i++)
        put_run(j, &r->runs[i]);
    json_end(j);
    member_array(j, "sources");
    for (unsigned by = 1; by < BY_COUNT; by++) {
        uint64_t told = 0;
        for (unsigned set = 0; set < COUNT(r->compared.hosts); set++)
            told += set & 1U << (by - 1) ? r->compared.hosts[set] : 0;
        json_open_object(j);
        member_text(j, "source", str_z(names[by]));
        member_bool(j, "used", r->by_source[by]);
        member_u64(j, "addresses", told);
        member_u64(j, "alone", r->compared.hosts[1U << (by - 1)]);
        json_end(j);
    }
    json_end(j);
    member_object(j, "journal");
    member_bool(j, "whole", r->journal_state == OK);
    member_u64(j, "lines", r->journal.lines);
    char hex[DIGEST_SIZE * 2];
    struct wr w = wr_fixed(hex, sizeof hex);
    wr_hex(&w, str_of(r->journal.last, DIGEST_SIZE));
    member_text(j, "last_link", r->journal_state == OK ? wr_str(&w) : STR(""));
    json_end(j);
}

err_t report_json(struct report *r, struct wr *w, struct diag *d)
{
    struct json json = json_of(w), *j = &json;
    json_open_object(j);
    put_head(j, r);
    put_summary(j, r);
    put_types(j, r);
    put_tally(j, r, "countries", &r->countries, PLACE_country);
    put_tally(j, r, "sites", &r->sites, PLACE_site);
    put_tally(j, r, "zones", &r->zones, PLACE_zone);
    put_tally(j, r, "products", &r->products, PLACES);
    put_tally(j, r, "toolkits", &r->toolkits, PLACES);
    put_cves(j, r);
    put_access(j, r);
    put_clear(j, r);
    put_trend(j, r);
    put_kinds(j, r);
    put_risks(j, r);
    put_sources(j, r);
    TRY(json_systems(r, j));
    json_end(j);
    wr_u8(w, '\n');
    return w->bad ? diag_set(d, E_IO, "the report cannot be written") : OK;
}
