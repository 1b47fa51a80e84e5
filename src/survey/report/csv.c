/* CSV (RFC 4180): names of columns are the same in every language, for they are read by programs.
 * A cell that a spreadsheet would take for a formula begins with an apostrophe. */
#include "base/size.h"
#include "survey/report/clean.h"
#include "survey/report/counts.h"
#include "survey/report/words.h"

struct table {
    struct wr *w;
    bool begun; /* a cell stands before this one */
};

/* Excel and others take a cell for a formula by its first character that is not a space, in the
 * wide forms too. */
static bool is_formula(struct str s)
{
    static const struct str signs[] = {STR_INIT("="),
                                       STR_INIT("+"),
                                       STR_INIT("-"),
                                       STR_INIT("@"),
                                       STR_INIT("\t"),
                                       STR_INIT("\r"),
                                       STR_INIT("\n"),
                                       STR_INIT("|"),
                                       STR_INIT("%"),
                                       STR_INIT("\xef\xbc\x9d"),
                                       STR_INIT("\xef\xbc\x8b"),
                                       STR_INIT("\xef\xbc\x8d"),
                                       STR_INIT("\xef\xbc\xa0"),
                                       STR_INIT("\xe2\x88\x92")};
    while (s.n && (s.p[0] == ' ' || str_starts(s, STR("\xc2\xa0"))))
        s = str_slice(s, s.p[0] == ' ' ? 1 : 2, s.n);
    for (size_t i = 0; i < COUNT(signs); i++)
        if (str_starts(s, signs[i]))
            return true;
    return false;
}

/* What a spreadsheet's cell holds is 32,767 characters. */
enum { LIST_MAX = 32000 };

static void cell_cut(struct table *t, struct str s, size_t max)
{
    struct clean c = clean_of(s, max);
    struct str piece;
    if (t->begun)
        wr_u8(t->w, ',');
    t->begun = true;
    wr_u8(t->w, '"');
    if (is_formula(s))
        wr_u8(t->w, '\'');
    while (clean_next(&c, &piece)) {
        if (str_eq(piece, STR("\"")))
            wr_u8(t->w, '"');
        wr_put(t->w, piece);
    }
    wr_u8(t->w, '"');
}

static void cell(struct table *t, struct str s)
{
    cell_cut(t, s, CLEAN_MAX);
}

/* A number, or nothing for what is not known. */
static void number(struct table *t, int64_t n)
{
    if (t->begun)
        wr_u8(t->w, ',');
    t->begun = true;
    if (n >= 0)
        wr_printf(t->w, "%lld", (long long)n);
}

static void ternary(struct table *t, int8_t v)
{
    cell(t, v < 0 ? STR("") : v ? STR("yes") : STR("no"));
}

static void end(struct table *t)
{
    wr_put(t->w, STR("\r\n"));
    t->begun = false;
}

static void head(struct table *t, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cell(t, str_z(names[i]));
    end(t);
}

static const char *const system_columns[] = {"number",
                                             "address",
                                             "port",
                                             "ports",
                                             "hostname",
                                             "type",
                                             "type_confidence",
                                             "vendor",
                                             "product",
                                             "version",
                                             "product_confidence",
                                             "toolkit",
                                             "toolkit_version",
                                             "verification",
                                             "any_calling_ae",
                                             "any_called_ae",
                                             "query_open",
                                             "retrieve_open",
                                             "store_open",
                                             "print_open",
                                             "web_without_signin",
                                             "cleartext",
                                             "tls",
                                             "public",
                                             "studies",
                                             "images",
                                             "clear_fields",
                                             "clear_values",
                                             "country",
                                             "city",
                                             "site",
                                             "zone",
                                             "owner",
                                             "organisation",
                                             "maker",
                                             "first_seen",
                                             "last_seen",
                                             "changed",
                                             "stale",
                                             "findings",
                                             "worst_severity",
                                             "open_to_anyone",
                                             "vulnerable_product",
                                             "vulnerable_component",
                                             "vulnerable_asserted",
                                             "version_unknown",
                                             "exploited"};

/* What names somebody: empty in the version for sharing. */
static void secret(struct walk *walk, struct table *t, struct str s)
{
    cell(t, walk->r->redact ? STR("") : s);
}

static void identity(struct walk *walk, struct table *t, const struct system *s)
{
    char number_buf[NAME_MAX_TEXT], ip[IP_TEXT_MAX];
    const struct report *r = walk->r;
    cell(t, name_number(walk->seq, number_buf));
    secret(walk, t, ip_text(&s->ip, ip));
    number(t, s->port);
    cell(t, s->ports);
    secret(walk, t, s->hostname);
    cell(t, type_name(s->type));
    cell(t, confidence_name(s->type_conf));
    cell(t, name_safe(r, s, s->product.vendor.n ? s->product.vendor : s->vendor.vendor));
    cell(t, name_safe(r, s, s->product.name));
    cell(t, name_safe(r, s, s->product.version));
    cell(t, confidence_name(s->product.conf));
    cell(t, name_safe(r, s, s->toolkit.name));
    cell(t, name_safe(r, s, s->toolkit.version));
    cell(t, verification_name(s->level));
}

static void openness(struct table *t, const struct system *s)
{
    const int8_t asked[] = {s->open_calling, s->open_called, s->open_query, s->open_retrieve,
                            s->open_store,   s->open_print,  s->web_open,   s->cleartext,
                            s->tls,          s->is_public};
    for (size_t i = 0; i < COUNT(asked); i++)
        ternary(t, asked[i]);
    number(t, s->studies);
    number(t, s->images);
    cell(t, s->clear_fields);
    number(t, (int64_t)(s->clear_values & INT64_MAX));
}

static err_t one_system(struct walk *walk, const struct system *s, const struct finding *f,
                        size_t n)
{
    struct table t = {walk->w, false};
    uint8_t marks[COUNTERS];
    enum severity worst = SEV_info;
    for (size_t i = 0; i < n; i++)
        worst = f[i].severity > worst ? f[i].severity : worst;
    system_marks(walk->r, s, f, n, marks);
    identity(walk, &t, s);
    openness(&t, s);
    cell(&t, s->country);
    const struct str secrets[] = {s->city, s->site, s->zone, s->owner, s->organisation};
    for (size_t i = 0; i < COUNT(secrets); i++)
        secret(walk, &t, secrets[i]);
    cell(&t, name_safe(walk->r, s, s->maker));
    cell(&t, s->first_seen);
    cell(&t, s->last_seen);
    cell(&t, s->changed);
    ternary(&t, s->stale);
    number(&t, (int64_t)n);
    cell(&t, n ? severity_name(worst) : STR(""));
    static const enum counter last[] = {N_open,     N_strict,  N_component,
                                        N_asserted, N_unknown, N_exploited};
    for (size_t i = 0; i < COUNT(last); i++)
        ternary(&t, (int8_t)marks[last[i]]);
    end(&t);
    return OK;
}

static err_t result(struct wr *w, err_t e, struct diag *d)
{
    TRY(e);
    return w->bad ? diag_set(d, E_IO, "the report cannot be written") : OK;
}

err_t report_csv(struct report *r, struct wr *w, struct diag *d)
{
    struct table t = {w, false};
    head(&t, system_columns, COUNT(system_columns));
    struct walk walk = {.r = r, .w = w, .each = one_system};
    return result(w, walk_systems(&walk), d);
}

static const char *const finding_columns[] = {
    "number",         "address",      "port",      "finding",   "title",       "severity",
    "verification",   "cve",          "cves",      "advisory",  "match",       "component",
    "cvss",           "cvss_source",  "exploited", "evidence",  "evidence_it", "accepted_by",
    "accepted_until", "accepted_why", "remedy",    "references"};

static void one_finding(struct walk *walk, struct table *t, const struct system *s,
                        const struct finding *f)
{
    char number_buf[NAME_MAX_TEXT], ip[IP_TEXT_MAX], cvss[NUMBER_MAX];
    const struct finding_kind *k = finding_by_name(f->kind);
    enum language l = walk->r->language;
    cell(t, name_number(walk->seq, number_buf));
    secret(walk, t, ip_text(&s->ip, ip));
    number(t, f->port ? f->port : s->port);
    cell(t, f->kind);
    cell(t, k ? k->title[l] : f->kind);
    cell(t, severity_name(f->severity));
    cell(t, verification_name(f->level));
    cell(t, f->cve);
    cell_cut(t, f->cves.n ? f->cves : f->cve, f->cves.n ? LIST_MAX : CLEAN_MAX);
    cell(t, f->advisory);
    cell(t, f->state == STATE_none ? STR("") : state_name(f->state));
    cell(t, name_safe(walk->r, s, f->component));
    cell(t, f->cvss < 0 || f->state == STATE_none ? STR("") : cvss_text(LANG_en, f->cvss, cvss));
    cell(t, f->cvss_source);
    ternary(t, f->state == STATE_none ? -1 : (int8_t)f->exploited);
    secret(walk, t, f->evidence);
    secret(walk, t, f->evidence_it);
    secret(walk, t, f->accepted_by);
    cell(t, f->accepted_until);
    secret(walk, t, f->accepted_why);
    cell(t, k ? k->remedy[l] : STR(""));
    cell(t, f->references.n ? f->references : k ? k->references : STR(""));
    end(t);
}

static err_t findings_of(struct walk *walk, const struct system *s, const struct finding *f,
                         size_t n)
{
    struct table t = {walk->w, false};
    for (size_t i = 0; i < n; i++)
        one_finding(walk, &t, s, &f[i]);
    return OK;
}

err_t report_csv_findings(struct report *r, struct wr *w, struct diag *d)
{
    struct table t = {w, false};
    head(&t, finding_columns, COUNT(finding_columns));
    struct walk walk = {.r = r, .w = w, .each = findings_of};
    return result(w, walk_systems(&walk), d);
}
