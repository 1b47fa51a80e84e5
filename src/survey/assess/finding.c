#include "survey/assess/finding.h"

#include "base/size.h"

/* clang-format off */
#define FINDING(id, sev, fbi, order, en, it, mean_en, mean_it, do_en, do_it,                       \
                law, nist_, hicp_, ps, ihe, nis, refs)                                             \
    {STR_INIT(#id), SEV_##sev, FBI_##fbi, order, {STR_INIT(en), STR_INIT(it)},                     \
     {STR_INIT(mean_en), STR_INIT(mean_it)}, {STR_INIT(do_en), STR_INIT(do_it)},                   \
     STR_INIT(law), STR_INIT(nist_), STR_INIT(hicp_), STR_INIT(ps), STR_INIT(ihe), STR_INIT(nis),  \
     STR_INIT(refs)},
/* clang-format on */
static const struct finding_kind kinds[] = {
#include "survey/assess/finding.def"
};
#undef FINDING

static const struct str groups[FBI_GROUPS][LANGUAGES] = {
    [FBI_endpoint] = {STR_INIT("Endpoint protection"), STR_INIT("Protezione degli apparecchi")},
    [FBI_identity] = {STR_INIT("Identity and access management"),
                      STR_INIT("Gestione di identità e accessi")},
    [FBI_asset] = {STR_INIT("Asset management"), STR_INIT("Inventario e gestione delle risorse")},
    [FBI_vulnerability] = {STR_INIT("Vulnerability management"),
                           STR_INIT("Gestione delle vulnerabilità")},
    [FBI_training] = {STR_INIT("Training"), STR_INIT("Formazione")},
};

size_t finding_count(void)
{
    return COUNT(kinds);
}

const struct finding_kind *finding_at(size_t i)
{
    return i < COUNT(kinds) ? &kinds[i] : NULL;
}

const struct finding_kind *finding_by_name(struct str name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

struct str fbi_group_name(enum fbi_group g, enum language l)
{
    return (unsigned)g < FBI_GROUPS && (unsigned)l < LANGUAGES ? groups[g][l] : STR("");
}

struct str finding_evidence(const struct finding *f, enum language l)
{
    return l == LANG_it && f->evidence_it.n ? f->evidence_it : f->evidence;
}

static void clause(struct wr *w, const char *what, struct str text)
{
    if (text.n)
        wr_printf(w, "- %s: %.*s\n", what, STR_ARG(text));
}

void finding_markdown(struct wr *w)
{
    static const char *const severities[SEV_COUNT] = {"information", "low", "medium", "high",
                                                      "critical"};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct finding_kind *k = &kinds[i];
        wr_printf(w, "### %.*s (`%.*s`)\n\n", STR_ARG(k->title[LANG_en]), STR_ARG(k->name));
        wr_printf(w, "%.*s\n\n", STR_ARG(k->meaning[LANG_en]));
        wr_printf(w, "*What to do.* %.*s\n\n", STR_ARG(k->remedy[LANG_en]));
        wr_printf(w, "- Severity: %s; place in what to do first: %u; group: %.*s\n",
                  severities[k->severity], k->first, STR_ARG(groups[k->group][LANG_en]));
        clause(w, "HIPAA, 45 CFR", k->hipaa);
        clause(w, "NIST", k->nist);
        clause(w, "HICP", k->hicp);
        clause(w, "DICOM PS3.15", k->ps315);
        clause(w, "IHE ATNA", k->atna);
        clause(w, "NIS2, Article 21(2)", k->nis2);
        clause(w, "References", k->references);
        wr_bytes(w, "\n", 1);
    }
}
