/* SARIF 2.1.0 (OASIS): a rule for each kind of finding, a result for each finding. A system is a
 * logical location, for it is no file; accepted risks are suppressions. */
#include "base/size.h"
#include "io/crypto.h"
#include "survey/report/counts.h"
#include "survey/report/json_systems.h"
#include "survey/report/json_text.h"
#include "survey/report/words.h"

#define SARIF_SCHEMA                                                                               \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static struct str level_of(enum severity s)
{
    return s >= SEV_high ? STR("error") : s == SEV_medium ? STR("warning") : STR("note");
}

/* What code-scanning dashboards sort by: the middle of CVSS's bands. */
static struct str security_severity(enum severity s)
{
    static const struct str scores[SEV_COUNT] = {STR_INIT("0.0"), STR_INIT("2.0"), STR_INIT("5.5"),
                                                 STR_INIT("8.0"), STR_INIT("9.5")};
    return scores[(unsigned)s < SEV_COUNT ? s : SEV_info];
}

static void text_member(struct json *j, const char *name, struct str text)
{
    member_object(j, name);
    member_text(j, "text", text);
    json_end(j);
}

static void put_rule(struct json *j, const struct finding_kind *k, enum language l)
{
    const struct {
        const char *name;
        struct str text;
    } maps[] = {{"fbi-group", fbi_group_name(k->group, l)},
                {"nist", k->nist},
                {"hicp", k->hicp},
                {"hipaa", k->hipaa},
                {"dicom-ps3.15", k->ps315},
                {"ihe-atna", k->atna},
                {"nis2-article-21-2", k->nis2}};
    json_open_object(j);
    member_text(j, "id", k->name);
    text_member(j, "shortDescription", k->title[l]);
    text_member(j, "fullDescription", k->meaning[l]);
    text_member(j, "help", k->remedy[l]);
    member_object(j, "defaultConfiguration");
    member_text(j, "level", level_of(k->severity));
    json_end(j);
    member_object(j, "properties");
    member_text(j, "security-severity", security_severity(k->severity));
    member_array(j, "tags");
    json_text(j, STR("security"));
    json_text(j, STR("medical"));
    json_end(j);
    for (size_t i = 0; i < COUNT(maps); i++)
        if (maps[i].text.n)
            member_text(j, maps[i].name, maps[i].text);
    json_end(j);
    json_end(j);
}

static void put_tool(struct json *j, const struct report *r)
{
    member_object(j, "tool");
    member_object(j, "driver");
    member_text(j, "name", STR("Lastra survey"));
    member_text(j, "semanticVersion", STR(LASTRA_VERSION));
    json_key(j, STR("language"));
    json_text(j, word_language(r->language));
    member_array(j, "rules");
    for (size_t i = 0; i < finding_count(); i++)
        put_rule(j, finding_at(i), r->language);
    json_end(j);
    json_end(j);
    json_end(j);
}

/* host:port of a result, and its number alone where names are withheld. */
static struct str location(struct walk *walk, const struct system *s, uint16_t port,
                           char buf[NAME_MAX_TEXT])
{
    return name_example(walk->r, &(struct example){walk->seq, s->ip, port}, buf);
}

static void put_location(struct walk *walk, struct json *j, const struct system *s, uint16_t port)
{
    char number[NAME_MAX_TEXT], place[NAME_MAX_TEXT];
    member_array(j, "locations");
    json_open_object(j);
    member_array(j, "logicalLocations");
    json_open_object(j);
    member_text(j, "name", name_number(walk->seq, number));
    member_text(j, "fullyQualifiedName", location(walk, s, port, place));
    member_text(j, "kind", STR("resource"));
    json_end(j);
    json_end(j);
    json_end(j);
    json_end(j);
}

/* The same finding of the same place has the same fingerprint in every survey; redacted, a digest
 * of an address could be undone by trying them all, so it stands on the system's number. */
static void put_fingerprint(struct json *j, struct str place, const struct finding *f)
{
    char text[512], hex[DIGEST_SIZE * 2];
    uint8_t digest[DIGEST_SIZE];
    struct wr w = wr_fixed(text, sizeof text), h = wr_fixed(hex, sizeof hex);
    wr_put(&w, place);
    wr_u8(&w, '\n');
    wr_put(&w, str_slice(f->kind, 0, 100));
    wr_u8(&w, '\n');
    wr_put(&w, str_slice(f->cve, 0, 40));
    wr_u8(&w, '\n');
    wr_put(&w, str_slice(f->component, 0, 100));
    if (crypto_sha256(wr_str(&w), digest) != OK)
        return;
    wr_hex(&h, str_of(digest, sizeof digest));
    member_object(j, "partialFingerprints");
    member_text(j, "systemFindingCveComponent/v1", wr_str(&h));
    json_end(j);
}

static void put_message(struct walk *walk, struct json *j, const struct finding_kind *k,
                        const struct finding *f, struct str place)
{
    char buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    wr_put(&w, str_slice(k ? k->title[walk->r->language] : f->kind, 0, 200));
    if (f->cve.n)
        wr_printf(&w, " %.*s", STR_ARG(str_slice(f->cve, 0, 40)));
    wr_put(&w, STR(": "));
    wr_put(&w, place);
    if (!walk->r->redact && f->evidence.n) {
        wr_put(&w, STR(". "));
        wr_put(&w, str_slice(finding_evidence(f, walk->r->language), 0, CLEAN_MAX));
    }
    text_member(j, "message", wr_str(&w));
}

static void put_suppression(struct walk *walk, struct json *j, const struct finding *f)
{
    char buf[1024];
    struct wr w = wr_fixed(buf, sizeof buf);
    member_array(j, "suppressions");
    if (finding_accepted(walk->r, f)) {
        if (!walk->r->redact)
            wr_printf(&w, "%.*s (%.*s), ", STR_ARG(str_slice(f->accepted_why, 0, CLEAN_MAX)),
                      STR_ARG(str_slice(f->accepted_by, 0, 200)));
        wr_printf(&w, "%.*s", STR_ARG(str_slice(f->accepted_until, 0, 10)));
        json_open_object(j);
        member_text(j, "kind", STR("external"));
        member_text(j, "status", STR("accepted"));
        member_text(j, "justification", wr_str(&w));
        json_end(j);
    }
    json_end(j);
}

static void put_properties(struct walk *walk, struct json *j, const struct system *s,
                           const struct finding *f)
{
    char product[NAME_MAX_TEXT];
    member_object(j, "properties");
    member_text(j, "severity", severity_name(f->severity));
    member_text(j, "verification", verification_name(f->level));
    member_text(j, "type", type_name(s->type));
    member_text(j, "product", name_safe(walk->r, s, name_product(&s->product, product)));
    if (!walk->r->redact)
        member_text(j, "evidence", f->evidence);
    if (f->state != STATE_none) {
        member_text(j, "cve", f->cve);
        json_cves(j, f);
        member_text(j, "match", state_name(f->state));
        member_bool(j, "exploited", f->exploited);
    }
    json_end(j);
}

static void put_result(struct walk *walk, struct json *j, const struct system *s,
                       const struct finding *f)
{
    char place_buf[NAME_MAX_TEXT];
    const struct finding_kind *k = finding_by_name(f->kind);
    uint16_t port = f->port ? f->port : s->port;
    struct str place = location(walk, s, port, place_buf);
    json_open_object(j);
    member_text(j, "ruleId", f->kind);
    if (k)
        member_u64(j, "ruleIndex", (uint64_t)(k - finding_at(0)));
    member_text(j, "level", level_of(f->severity));
    put_message(walk, j, k, f, place);
    put_location(walk, j, s, port);
    put_fingerprint(j, place, f);
    put_suppression(walk, j, f);
    put_properties(walk, j, s, f);
    json_end(j);
}

static err_t results_of(struct walk *walk, const struct system *s, const struct finding *f,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_result(walk, walk->ctx, s, &f[i]);
    return OK;
}

err_t report_sarif(struct report *r, struct wr *w, struct diag *d)
{
    struct json json = json_of(w), *j = &json;
    char name[NAME_MAX_TEXT];
    json_open_object(j);
    member_text(j, "$schema", STR(SARIF_SCHEMA));
    member_text(j, "version", STR("2.1.0"));
    member_array(j, "runs");
    json_open_object(j);
    put_tool(j, r);
    member_object(j, "automationDetails");
    member_text(j, "id", name_survey(r, &r->survey, name));
    json_end(j);
    member_array(j, "results");
    struct walk walk = {.r = r, .w = w, .each = results_of, .ctx = j};
    TRY(walk_systems(&walk));
    json_end(j);
    json_end(j);
    json_end(j);
    json_end(j);
    wr_u8(w, '\n');
    return w->bad ? diag_set(d, E_IO, "the report cannot be written") : OK;
}
