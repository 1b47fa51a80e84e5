#include "archive/keys.h"

#include "archive/recode.h"
#include "archive/uid.h"
#include "base/size.h"

static const struct {
    struct str name;
    tag_t unique;
} levels[] = {
    [QUERY_PATIENT] = {STR_INIT("PATIENT"), TAG_PatientID},
    [QUERY_STUDY] = {STR_INIT("STUDY"), TAG_StudyInstanceUID},
    [QUERY_SERIES] = {STR_INIT("SERIES"), TAG_SeriesInstanceUID},
    [QUERY_IMAGE] = {STR_INIT("IMAGE"), TAG_SOPInstanceUID},
};

static const struct {
    enum query_level top, bottom;
} models[] = {
    [QUERY_PATIENT_ROOT] = {QUERY_PATIENT, QUERY_IMAGE},
    [QUERY_STUDY_ROOT] = {QUERY_STUDY, QUERY_IMAGE},
    [QUERY_PATIENT_STUDY_ONLY] = {QUERY_PATIENT, QUERY_STUDY},
};

/* A date and a time that are one moment (PS3.4 C.2.2.2.5, combined datetime matching). */
static const struct {
    tag_t date, time;
} moments[] = {
    {TAG_StudyDate, TAG_StudyTime},
    {TAG_SeriesDate, TAG_SeriesTime},
    {TAG_PerformedProcedureStepStartDate, TAG_PerformedProcedureStepStartTime},
    {TAG_PerformedProcedureStepEndDate, TAG_PerformedProcedureStepEndTime},
    {TAG_PatientBirthDate, TAG_PatientBirthTime},
};

/* No keys, though they may stand in an identifier. */
static const tag_t silent[] = {TAG_SpecificCharacterSet, TAG_QueryRetrieveLevel,
                               TAG_QueryRetrieveView, TAG_TimezoneOffsetFromUTC};

struct parse {
    const struct query_options *o;
    struct keys_of *k;
    struct match_options match;
    bool unique_only;
    tag_t *offending;
    struct diag *d;
};

tag_t keys_unique(enum query_level level)
{
    return levels[level].unique;
}

static err_t at_fault(struct parse *p, tag_t tag, err_t e)
{
    *p->offending = tag;
    return e;
}

static err_t find_level(struct parse *p)
{
    struct str name = str_trim(dcm_ds_str(p->k->utf8, TAG_QueryRetrieveLevel));
    for (size_t i = 0; i < COUNT(levels); i++) {
        if (!str_eq(name, levels[i].name))
            continue;
        p->k->level = (enum query_level)i;
        if (p->k->level >= models[p->o->model].top && p->k->level <= models[p->o->model].bottom)
            return OK;
        return at_fault(
            p, TAG_QueryRetrieveLevel,
            diag_set(p->d, E_MISMATCH, "level %.*s is not in this model", STR_ARG(name)));
    }
    return at_fault(
        p, TAG_QueryRetrieveLevel,
        diag_set(p->d, E_MISMATCH,
                 name.n ? "unknown Query/Retrieve Level" : "Query/Retrieve Level is missing"));
}

/* UIDs are matched as they stand; '*' alone is often sent for "any". */
static err_t check_uids(struct parse *p, tag_t tag, struct str value)
{
    struct str rest = value, one;
    while (value.n && str_split(&rest, '\\', &one)) {
        one = str_unpad(one);
        if (one.n && !uid_ok(one))
            return at_fault(p, tag,
                            diag_set(p->d, E_MALFORMED, "(%04X,%04X) is not a UID", TAG_GROUP(tag),
                                     TAG_ELEMENT(tag)));
    }
    return OK;
}

/* The key as text; the binary ones of the table (rows, columns) as well. */
static struct str text_of(struct parse *p, const struct key_match *key)
{
    int64_t v;
    char *text;
    if (key->vr != VR('U', 'S'))
        return dcm_ds_str(p->k->utf8, key->tag);
    if (!dcm_ds_int(p->k->utf8, key->tag, 0, &v) || !(text = arena_alloc(&p->k->arena, 24)))
        return str_of("", 0);
    struct wr w = wr_fixed(text, 24);
    wr_printf(&w, "%lld", (long long)v);
    return wr_str(&w);
}

static err_t compile_value(struct parse *p, struct key_match *key)
{
    struct str value = text_of(p, key);
    struct match *m;
    if (key->vr == VR('U', 'I')) {
        if (str_eq(value, STR("*")))
            return OK;
        TRY(check_uids(p, key->tag, value));
    }
    err_t e = match_compile(&p->k->arena, key->vr, value, p->match, &m, p->d);
    if (e != OK)
        return at_fault(p, key->tag, e);
    if (m->kind != MATCH_UNIVERSAL)
        key->match = m;
    return OK;
}

static err_t compile_sequence(struct parse *p, struct key_match *key)
{
    struct match_item *item;
    if (!key->elem->n_items)
        return OK;
    err_t e = match_item_compile(&p->k->arena, NULL, key->elem->items[0], p->match, &item, p->d);
    if (e != OK)
        return at_fault(p, key->tag, e);
    if (match_item_keys(item))
        key->item = item;
    return OK;
}

/* A timezone with a value says how the keys are meant; without one it is asked for. */
static bool is_silent(const struct dcm_elem *e)
{
    for (size_t i = 0; i < COUNT(silent); i++)
        if (silent[i] == e->tag)
            return e->tag != TAG_TimezoneOffsetFromUTC || str_trim(e->value).n;
    return TAG_ELEMENT(e->tag) == 0;
}

static enum key_source source_of(const struct parse *p, const struct attr *attr, tag_t tag)
{
    if (tag == TAG_RetrieveAETitle)
        return KEY_RETRIEVE;
    if (tag == TAG_InstanceAvailability)
        return KEY_AVAILABLE;
    if (attr && attr->level <= (uint8_t)p->k->level)
        return KEY_ATTR;
    return p->k->level == QUERY_IMAGE && !attr ? KEY_HEADER : KEY_UNSUPPORTED;
}

static bool is_unique(const struct keys_of *k, tag_t tag)
{
    for (int i = 0; i <= (int)k->level; i++)
        if (levels[i].unique == tag)
            return true;
    return false;
}

static err_t add_key(struct parse *p, const struct dcm_elem *e)
{
    struct keys_of *k = p->k;
    if (is_silent(e) || (p->unique_only && !is_unique(k, e->tag)))
        return OK;
    if (k->n == KEYS_MAX)
        return diag_set(p->d, E_LIMIT, "an identifier has more than %d keys", KEYS_MAX);
    struct key_match *key = &k->key[k->n++];
    const struct attr *attr = attr_find(e->tag);
    *key = (struct key_match){.tag = e->tag,
                              .vr = attr ? attr->vr : e->vr,
                              .source = source_of(p, attr, e->tag),
                              .attr = attr,
                              .elem = e};
    k->header |= key->source == KEY_HEADER;
    k->unsupported |= key->source == KEY_UNSUPPORTED;
    if (key->source != KEY_ATTR)
        return OK;
    return key->vr == VR('S', 'Q') ? compile_sequence(p, key) : compile_value(p, key);
}

/* The keys on the object's header part are one item. */
static err_t compile_header(struct parse *p)
{
    struct keys_of *k = p->k;
    struct match_item *item;
    struct dcm_ds keys = {.arena = &k->arena};
    if (!k->header)
        return OK;
    if (!(keys.elems = ARENA_ARRAY(&k->arena, k->n, struct dcm_elem)))
        return E_NOMEM;
    for (size_t i = 0; i < k->n; i++)
        if (k->key[i].source == KEY_HEADER)
            keys.elems[keys.n++] = *k->key[i].elem;
    keys.cap = keys.n;
    TRY(match_item_compile(&k->arena, NULL, &keys, p->match, &item, p->d));
    k->header_match = match_item_keys(item) ? item : NULL;
    return OK;
}

static struct key_match *find(const struct keys_of *k, tag_t tag)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->key[i].tag == tag && (k->key[i].match || k->key[i].item))
            return &k->key[i];
    return NULL;
}

const struct key_match *keys_find(const struct keys_of *k, tag_t tag)
{
    return find(k, tag);
}

static bool is_range(const struct key_match *key)
{
    return key && key->source == KEY_ATTR && key->match && key->match->kind == MATCH_RANGE &&
           key->match->n == 1;
}

static void combine(struct parse *p)
{
    for (size_t i = 0; p->o->datetime && i < COUNT(moments); i++) {
        struct key_match *date = find(p->k, moments[i].date), *time = find(p->k, moments[i].time);
        if (!is_range(date) || !is_range(time))
            continue;
        date->time = time;
        date->moment =
            dt_combine_range(date->match->values[0].span, time->match->values[0].span, 0);
        time->with_date = true;
    }
}

/* PS3.4 C.4.1.2.1: a hierarchical query names one entity of each level above its own. */
static err_t check_hierarchy(struct parse *p)
{
    for (int i = (int)models[p->o->model].top; i < (int)p->k->level && !p->o->relational; i++) {
        const struct key_match *key = find(p->k, levels[i].unique);
        const char *name = levels[i].name.p;
        if (!key)
            return at_fault(
                p, levels[i].unique,
                diag_set(p->d, E_MISMATCH, "the unique key of level %s is missing", name));
        if (key->match->n != 1 || key->match->values[0].kind != MATCH_TEXT)
            return at_fault(
                p, levels[i].unique,
                diag_set(p->d, E_MISMATCH, "the key of level %s must be one value", name));
    }
    return OK;
}

/* Retrieval names what it wants: PS3.4 C.4.2.1.4.1. */
static err_t check_retrieval(struct parse *p)
{
    tag_t unique = levels[p->k->level].unique;
    const struct key_match *key = find(p->k, unique);
    if (key && key->match->kind != MATCH_WILDCARD)
        return OK;
    return at_fault(p, unique,
                    diag_set(p->d, E_MISMATCH, "the unique key of level %s is missing",
                             levels[p->k->level].name.p));
}

static err_t understand(struct parse *p, const struct dcm_ds *identifier)
{
    struct keys_of *k = p->k;
    struct str set = dcm_ds_str(identifier, TAG_SpecificCharacterSet);
    k->charset = charset_parse(set);
    k->has_charset = set.n > 0;
    if (!(k->utf8 = dcm_ds_new(&k->arena)))
        return E_NOMEM;
    TRY(recode(identifier, &k->charset, k->utf8, recode_to_utf8, NULL));
    TRY(find_level(p));
    int zone;
    if (dt_parse_zone(dcm_ds_str(k->utf8, TAG_TimezoneOffsetFromUTC), &zone))
        p->match.zone = zone;
    if (!(k->key = ARENA_ARRAY(&k->arena, size_min(k->utf8->n, KEYS_MAX), struct key_match)))
        return E_NOMEM;
    for (size_t i = 0; i < k->utf8->n; i++)
        TRY(add_key(p, &k->utf8->elems[i]));
    combine(p);
    TRY(compile_header(p));
    TRY(check_hierarchy(p));
    return p->unique_only ? check_retrieval(p) : OK;
}

err_t keys_parse(const struct dcm_ds *identifier, const struct query_options *o, bool unique_only,
                 struct keys_of *ret, tag_t *ret_offending, struct diag *d)
{
    tag_t offending = 0;
    struct parse p = {
        .o = o, .k = ret, .unique_only = unique_only, .offending = &offending, .d = d};
    *ret = (struct keys_of){.arena = arena_init(KEYS_ARENA_MAX)};
    err_t e = understand(&p, identifier);
    if (e == OK)
        return OK;
    keys_done(ret);
    if (ret_offending)
        *ret_offending = offending;
    return e;
}

void keys_done(struct keys_of *k)
{
    arena_done(&k->arena);
}
