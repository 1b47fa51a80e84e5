#include "archive/plan.h"

#include "archive/schema.h"
#include "archive/uid.h"
#include "base/size.h"
#include "dicom/fold.h"

/* Past every text with the same beginning: no character is greater. */
#define TEXT_END "\xf4\x8f\xbf\xbf"

enum bind {
    BIND_NONE,
    BIND_KEY,
    BIND_UID,
    BIND_TEXT,
    BIND_RANGE,
    BIND_DATES,
    BIND_GRAMS,
    BIND_PART
};

/* What a leading key reads, what its condition is, and in which order its index has the rows. */
static const struct lead {
    tag_t tag;
    enum query_level level; /* of the table that it is in */
    enum bind bind;
    const char *from, *where;
    const char *order[4]; /* without the row ids of the levels below */
    int lower;            /* the parameter that bounds the first of these from below; 0: none */
    bool own_order;       /* the engine is asked for the leading order alone, see put_order_by */
} leads[] = {
    [LEAD_SOP_UID] = {.tag = TAG_SOPInstanceUID,
                      .level = QUERY_IMAGE,
                      .bind = BIND_KEY,
                      .from = "instance_uid k CROSS JOIN instance i",
                      .where = "k.key = ?1 AND i.id = k.id",
                      .order = {"k.id"}},
    [LEAD_SERIES_UID] = {.tag = TAG_SeriesInstanceUID,
                         .level = QUERY_SERIES,
                         .bind = BIND_UID,
                         .from = "series e",
                         .where = "e.uid = ?1",
                         .order = {"e.study", "e.id"}},
    [LEAD_STUDY_UID] = {.tag = TAG_StudyInstanceUID,
                        .level = QUERY_STUDY,
                        .bind = BIND_UID,
                        .from = "study s",
                        .where = "s.uid = ?1",
                        .order = {"s.id"}},
    [LEAD_PATIENT_ID] = {.tag = TAG_PatientID,
                         .level = QUERY_PATIENT,
                         .bind = BIND_TEXT,
                         .from = "patient p",
                         .where = "p.pid = ?1",
                         .order = {"p.issuer", "p.apart", "p.id"}},
    [LEAD_ACCESSION] = {.tag = TAG_AccessionNumber,
                        .level = QUERY_STUDY,
                        .bind = BIND_TEXT,
                        .from = "study s",
                        .where = "s.accession = ?1 AND s.accession <> ''",
                        .order = {"s.id"}},
    [LEAD_DATE] = {.tag = TAG_StudyDate,
                   .level = QUERY_STUDY,
                   .bind = BIND_DATES,
                   .from = "study s",
                   .where = "s.date >= ?1 AND s.date <= ?2",
                   .order = {"s.date", "s.time", "s.id"},
                   .lower = 1},
    [LEAD_NAME] = {.tag = TAG_PatientName,
                   .level = QUERY_PATIENT,
                   .bind = BIND_RANGE,
                   .from = "patient_name n CROSS JOIN patient p",
                   .where = "n.name >= ?1 AND n.name < ?2 AND p.id = n.patient",
                   .order = {"n.name", "n.patient"},
                   .lower = 1},
    [LEAD_PATIENT_ID_PREFIX] = {.tag = TAG_PatientID,
                                .level = QUERY_PATIENT,
                                .bind = BIND_RANGE,
                                .from = "patient p",
                                .where = "p.pid >= ?1 AND p.pid < ?2",
                                .order = {"p.pid", "p.issuer", "p.apart", "p.id"},
                                .lower = 1},
    [LEAD_ACCESSION_PREFIX] = {.tag = TAG_AccessionNumber,
                               .level = QUERY_STUDY,
                               .bind = BIND_RANGE,
                               .from = "study s",
                               .where =
                                   "s.accession >= ?1 AND s.accession < ?2 AND s.accession <> ''",
                               .order = {"s.accession", "s.id"},
                               .lower = 1},
    [LEAD_GRAM] = {.tag = TAG_PatientName,
                   .level = QUERY_PATIENT,
                   .bind = BIND_GRAMS,
                   .from = "patient_gram CROSS JOIN patient p",
                   .where = "patient_gram MATCH ?1 AND patient_gram.rowid >= ?2"
                            " AND p.id = patient_gram.rowid",
                   .order = {"patient_gram.rowid"},
                   .lower = 2,
                   .own_order = true},
    /* Too short for trigrams ("*an*", one ideogram): every name is looked at, but no row beside. */
    [LEAD_NAME_PART] = {.tag = TAG_PatientName,
                        .level = QUERY_PATIENT,
                        .bind = BIND_PART,
                        .from = "patient_name n CROSS JOIN patient p",
                        .where = "n.name >= ?1 AND instr(n.name, ?2) > 0 AND p.id = n.patient",
                        .order = {"n.name", "n.patient"},
                        .lower = 1},
    [LEAD_ALL_PATIENTS] = {.level = QUERY_PATIENT,
                           .bind = BIND_NONE,
                           .from = "patient p",
                           .where = "p.id >= ?1",
                           .order = {"p.id"},
                           .lower = 1},
    [LEAD_ALL_STUDIES] = {.level = QUERY_STUDY,
                          .bind = BIND_NONE,
                          .from = "study s",
                          .where = "s.id >= ?1",
                          .order = {"s.id"},
                          .lower = 1},
};

static const struct {
    const char *columns;
    size_t end;            /* column past them */
    const char *down, *up; /* the table, from the one above and from the one below */
    const char *down_on, *up_on;
    const char *id;
} tables[] = {
    [QUERY_PATIENT] = {"p.id, p.pid, p.issuer, p.extra", ROW_STUDY, NULL, "patient p", NULL,
                       "p.id = s.patient", "p.id"},
    [QUERY_STUDY] = {"s.id, s.uid, s.date, s.time, s.accession, s.modalities, s.series,"
                     " s.instances, s.extra",
                     ROW_SERIES, "study s", "study s", "s.patient = p.id", "s.id = e.study",
                     "s.id"},
    [QUERY_SERIES] = {"e.id, e.uid, e.number, e.modality, e.instances, e.equipment, e.extra",
                      ROW_INSTANCE, "series e", "series e", "e.study = s.id",
                      "e.id = i.id / 16777216", "e.id"},
    [QUERY_IMAGE] = {"i.id, i.uid, i.class, i.syntax, i.number, i.rows, i.columns, i.frames,"
                     " i.size, i.pack, i.at",
                     ROW_END, "instance i", NULL,
                     "i.id >= e.id * 16777216 AND i.id < (e.id + 1) * 16777216", NULL, "i.id"},
};
_Static_assert(SERIES_SPAN == 16777216, "the joins above say it in figures");

/* Choosing. */

static const struct match *match_of(const struct keys_of *k, enum plan_lead lead)
{
    const struct key_match *key = keys_find(k, leads[lead].tag);
    if (!key || key->source != KEY_ATTR || leads[lead].level > k->level)
        return NULL;
    return key->match;
}

static bool all_of_kind(const struct match *m, enum match_kind kind)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->values[i].kind != kind)
            return false;
    return m->n > 0;
}

/* Of a name only the first group's beginning is sure to stand in the index as it is. */
static struct str prefix_of(const struct match *m, size_t i)
{
    struct str prefix = m->values[i].prefix;
    return m->vr == VR('P', 'N') ? str_slice(prefix, 0, str_find(prefix, '=')) : prefix;
}

/* Alternatives may overlap, and a row would come twice: only a single one leads. */
static bool has_prefix(const struct match *m, size_t at_least)
{
    if (m->n != 1 || (m->values[0].kind != MATCH_TEXT && m->values[0].kind != MATCH_WILDCARD))
        return false;
    return prefix_of(m, 0).n >= at_least;
}

/* Three characters in a row that can be looked for: control characters end the engine's text. */
static bool has_gram(struct str run)
{
    uint32_t rune;
    for (size_t n = 0; fold_rune(&run, &rune);)
        if ((n = rune >= ' ' ? n + 1 : 0) == 3)
            return true;
    return false;
}

static bool has_runs(const struct match *m)
{
    if (m->n != 1 || m->values[0].kind != MATCH_WILDCARD)
        return false;
    for (size_t i = 0; i < m->values[0].n_runs; i++)
        if (has_gram(m->values[0].runs[i]))
            return true;
    return false;
}

/* The longest piece of a name's pattern that must stand in a group as it is. */
static struct str part_of(const struct match_value *v)
{
    struct str longest = str_of("", 0);
    size_t from = 0;
    for (size_t i = 0; i <= v->text.n; i++) {
        if (i < v->text.n && !memchr("*?^=", v->text.p[i], 4))
            continue;
        if (i - from > longest.n)
            longest = str_slice(v->text, from, i - from);
        from = i + 1;
    }
    return longest;
}

static bool has_part(const struct match *m)
{
    const struct match_value *v = &m->values[0];
    return m->n == 1 && v->kind == MATCH_WILDCARD && v->n_groups == 1 && part_of(v).n &&
           !memchr(part_of(v).p, 0, part_of(v).n);
}

/* Days from the first to the last, at most `max`. */
static bool has_days(const struct match *m, int64_t max)
{
    if (m->kind != MATCH_RANGE || m->n != 1)
        return false;
    struct dt_span s = m->values[0].span;
    if (s.lo == DT_OPEN_LOW || s.hi == DT_OPEN_HIGH)
        return max == INT64_MAX;
    return max == INT64_MAX || da_days((int32_t)s.hi) - da_days((int32_t)s.lo) < max;
}

static bool fits(enum plan_lead lead, const struct match *m, bool narrow)
{
    switch (lead) {
    case LEAD_SOP_UID:
    case LEAD_SERIES_UID:
    case LEAD_STUDY_UID:
    case LEAD_PATIENT_ID:
    case LEAD_ACCESSION:
        return all_of_kind(m, MATCH_TEXT);
    case LEAD_DATE:
        return has_days(m, narrow ? 7 : INT64_MAX);
    case LEAD_NAME:
    case LEAD_PATIENT_ID_PREFIX:
    case LEAD_ACCESSION_PREFIX:
        return has_prefix(m, narrow ? 3 : 1);
    case LEAD_GRAM:
        return has_runs(m);
    case LEAD_NAME_PART:
        return has_part(m);
    case LEAD_ALL_PATIENTS:
    case LEAD_ALL_STUDIES:
        return true;
    }
    return false;
}

struct plan plan_make(const struct keys_of *k)
{
    static const struct {
        enum plan_lead lead;
        bool narrow;
    } by_worth[] = {
        {LEAD_SOP_UID, true},
        {LEAD_SERIES_UID, true},
        {LEAD_STUDY_UID, true},
        {LEAD_ACCESSION, true},
        {LEAD_PATIENT_ID, true},
        {LEAD_NAME, true},
        {LEAD_PATIENT_ID_PREFIX, true},
        {LEAD_ACCESSION_PREFIX, true},
        {LEAD_DATE, true},
        {LEAD_GRAM, true},
        {LEAD_NAME, false},
        {LEAD_DATE, false},
        {LEAD_PATIENT_ID_PREFIX, false},
        {LEAD_ACCESSION_PREFIX, false},
        {LEAD_NAME_PART, false},
    };
    bool patients = k->level == QUERY_PATIENT;
    struct plan p = {
        .lead = patients ? LEAD_ALL_PATIENTS : LEAD_ALL_STUDIES, .level = k->level, .n_values = 1};
    for (size_t i = 0; i < COUNT(by_worth); i++) {
        const struct match *m = match_of(k, by_worth[i].lead);
        if (!m || !fits(by_worth[i].lead, m, by_worth[i].narrow))
            continue;
        p.lead = by_worth[i].lead;
        p.match = m;
        p.n_values = m->n;
        break;
    }
    p.first_order = tables[p.level].end;
    while (p.n_order < COUNT(leads[p.lead].order) && leads[p.lead].order[p.n_order])
        p.n_order++;
    if (p.level > leads[p.lead].level)
        p.n_order += p.level - leads[p.lead].level;
    return p;
}

bool plan_is_repeat(const struct plan *p, size_t i)
{
    return i && str_eq(p->match->values[i].text, p->match->values[i - 1].text);
}

bool plan_takes_name(const struct plan *p, const struct plan_value *v, struct str group)
{
    return leads[p->lead].bind == BIND_PART ? memmem(group.p, group.n, v->lo.p, v->lo.n) != NULL
                                            : str_starts(group, v->lo);
}

int plan_lower(const struct plan *p)
{
    return leads[p->lead].lower;
}

bool plan_order_is_text(const struct plan *p, size_t i)
{
    static const char *const text[] = {"p.pid", "p.issuer", "p.apart", "n.name", "s.accession"};
    const struct lead *lead = &leads[p->lead];
    for (size_t k = 0; i < COUNT(lead->order) && lead->order[i] && k < COUNT(text); k++)
        if (!strcmp(lead->order[i], text[k]))
            return true;
    return false;
}

/* Bounds. */

static struct str text_end(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + sizeof TEXT_END - 1);
    if (!p)
        return str_of(NULL, 0);
    memcpy(p, s.p, s.n);
    memcpy(p + s.n, TEXT_END, sizeof TEXT_END - 1);
    return str_of(p, s.n + sizeof TEXT_END - 1);
}

/* One trigram as a string of the full-text language, quotes doubled. */
static void put_gram(struct wr *w, const uint32_t rune[3])
{
    wr_put(w, w->n ? STR(" AND \"") : STR("\""));
    for (int i = 0; i < 3; i++) {
        if (rune[i] == '"')
            wr_u8(w, '"');
        fold_put_rune(w, rune[i]);
    }
    wr_u8(w, '"');
}

static void put_grams(struct wr *w, struct str run, size_t *left)
{
    uint32_t rune[3] = {0}, next;
    for (size_t n = 0; *left && fold_rune(&run, &next); n++) {
        rune[0] = rune[1];
        rune[1] = rune[2];
        rune[2] = next;
        bool plain = rune[0] >= ' ' && rune[1] >= ' ' && rune[2] >= ' ';
        if (n < 2 || !plain)
            continue;
        put_gram(w, rune);
        --*left;
    }
}

static err_t grams(const struct match_value *m, struct arena *a, struct str *ret)
{
    enum { GRAMS_MAX = 24, GRAM_BYTES = 28 };
    char *buf = arena_alloc(a, GRAMS_MAX * GRAM_BYTES);
    size_t left = GRAMS_MAX;
    if (!buf)
        return E_NOMEM;
    struct wr w = wr_fixed(buf, GRAMS_MAX * GRAM_BYTES);
    for (size_t i = 0; i < m->n_runs; i++)
        put_grams(&w, m->runs[i], &left);
    *ret = wr_str(&w);
    return w.bad ? E_LIMIT : OK;
}

static err_t packed(struct str uid, struct arena *a, struct str *ret)
{
    struct uid_packed u = uid_pack(uid);
    *ret = arena_copy(a, uid_packed_str(&u));
    return ret->p ? OK : E_NOMEM;
}

err_t plan_value(const struct plan *p, const uint8_t seed[16], size_t i, struct arena *a,
                 struct plan_value *ret)
{
    *ret = (struct plan_value){0};
    if (!p->match)
        return OK;
    const struct match_value *m = &p->match->values[i];
    switch (leads[p->lead].bind) {
    case BIND_NONE:
        return OK;
    case BIND_KEY:
        ret->lo_i = uid_key(seed, m->text);
        return OK;
    case BIND_UID:
        return packed(m->text, a, &ret->lo);
    case BIND_TEXT:
        ret->lo = m->text;
        return OK;
    case BIND_RANGE:
        ret->lo = prefix_of(p->match, i);
        ret->hi = text_end(a, ret->lo);
        return ret->hi.p ? OK : E_NOMEM;
    case BIND_DATES:
        ret->lo_i = m->span.lo > 1 ? m->span.lo : 1;
        ret->hi_i = m->span.hi;
        return OK;
    case BIND_GRAMS:
        return grams(m, a, &ret->lo);
    case BIND_PART:
        ret->lo = part_of(m);
        return OK;
    }
    return E_INTERNAL;
}

void plan_bind(const struct plan *p, const struct plan_value *v, struct sql_stmt *q)
{
    switch (leads[p->lead].bind) {
    case BIND_NONE:
        sql_bind_i64(q, 1, 0);
        return;
    case BIND_KEY:
        sql_bind_i64(q, 1, v->lo_i);
        return;
    case BIND_UID:
        sql_bind_blob(q, 1, v->lo);
        return;
    case BIND_TEXT:
        sql_bind_text(q, 1, v->lo);
        return;
    case BIND_GRAMS:
        sql_bind_text(q, 1, v->lo);
        sql_bind_i64(q, 2, 0);
        return;
    case BIND_RANGE:
        sql_bind_text(q, 1, v->lo);
        sql_bind_text(q, 2, v->hi);
        return;
    case BIND_DATES:
        sql_bind_i64(q, 1, v->lo_i);
        sql_bind_i64(q, 2, v->hi_i);
        return;
    case BIND_PART:
        sql_bind_text(q, 1, str_of("", 0));
        sql_bind_text(q, 2, v->lo);
        return;
    }
}

/* The statement. */

static void put_order(const struct plan *p, struct wr *w)
{
    const struct lead *lead = &leads[p->lead];
    for (size_t i = 0; i < COUNT(lead->order) && lead->order[i]; i++)
        wr_printf(w, "%s%s", i ? ", " : "", lead->order[i]);
    for (int level = (int)lead->level + 1; level <= (int)p->level; level++)
        wr_printf(w, ", %s", tables[level].id);
}

/* The full-text index has its rows in order and cannot say so of a longer order: all of a broad
 * answer would be sorted for each leg. With the joins in this order the rest comes by itself from
 * the indexes of the inner tables; the reader of the rows checks that it does (scan.c). */
static void put_order_by(const struct plan *p, struct wr *w)
{
    wr_put(w, STR(" ORDER BY "));
    if (leads[p->lead].own_order)
        wr_printf(w, "%s", leads[p->lead].order[0]);
    else
        put_order(p, w);
}

static void put_resume(const struct plan *p, struct wr *w)
{
    wr_put(w, STR(" AND ("));
    put_order(p, w);
    wr_put(w, STR(") > ("));
    for (size_t i = 0; i < p->n_order; i++)
        wr_printf(w, "%s?%zu", i ? ", " : "", PLAN_RESUME + i);
    wr_put(w, STR(")"));
}

/* CROSS JOIN, in this order: SQLite then does not reorder; to other engines it says nothing. */
void plan_sql(const struct plan *p, bool resume, struct wr *w)
{
    const struct lead *lead = &leads[p->lead];
    wr_put(w, STR("SELECT "));
    for (int level = 0; level <= (int)p->level; level++)
        wr_printf(w, "%s, ", tables[level].columns);
    put_order(p, w);
    wr_printf(w, " FROM %s", lead->from);
    for (int level = (int)lead->level - 1; level >= 0; level--)
        wr_printf(w, " CROSS JOIN %s", tables[level].up);
    for (int level = (int)lead->level + 1; level <= (int)p->level; level++)
        wr_printf(w, " CROSS JOIN %s", tables[level].down);
    wr_printf(w, " WHERE %s", lead->where);
    for (int level = (int)lead->level - 1; level >= 0; level--)
        wr_printf(w, " AND %s", tables[level].up_on);
    for (int level = (int)lead->level + 1; level <= (int)p->level; level++)
        wr_printf(w, " AND %s", tables[level].down_on);
    if (resume)
        put_resume(p, w);
    put_order_by(p, w);
}
