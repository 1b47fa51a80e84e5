#include "app/client_keys.h"

#include "dicom/dict.h"
#include "dicom/tags.h"
#include "dicom/uid.h"

enum { PATH_MAX_DEPTH = 8 };

static const struct {
    const char *word, *dicom;
    tag_t unique; /* the key that names one of them */
} levels[LEVELS] = {
    [LEVEL_PATIENT] = {"patient", "PATIENT", TAG_PatientID},
    [LEVEL_STUDY] = {"study", "STUDY", TAG_StudyInstanceUID},
    [LEVEL_SERIES] = {"series", "SERIES", TAG_SeriesInstanceUID},
    [LEVEL_IMAGE] = {"image", "IMAGE", TAG_SOPInstanceUID},
};

static const struct {
    const char *word;
    struct str classes[VERBS];
} models[MODELS] = {
    [MODEL_PATIENT] = {"patient",
                       {STR_INIT(UID_PatientRootQueryRetrieveInformationModelFind),
                        STR_INIT(UID_PatientRootQueryRetrieveInformationModelMove),
                        STR_INIT(UID_PatientRootQueryRetrieveInformationModelGet)}},
    [MODEL_STUDY] = {"study",
                     {STR_INIT(UID_StudyRootQueryRetrieveInformationModelFind),
                      STR_INIT(UID_StudyRootQueryRetrieveInformationModelMove),
                      STR_INIT(UID_StudyRootQueryRetrieveInformationModelGet)}},
    [MODEL_PATIENT_STUDY] = {"patient-study",
                             {STR_INIT(UID_PatientStudyOnlyQueryRetrieveInformationModelFind),
                              STR_INIT(UID_PatientStudyOnlyQueryRetrieveInformationModelMove),
                              STR_INIT(UID_PatientStudyOnlyQueryRetrieveInformationModelGet)}},
};

/* What a person wants to see of each level; 0 ends a row. */
static const tag_t usual[LEVELS][12] = {
    [LEVEL_PATIENT] = {TAG_PatientID, TAG_PatientName, TAG_PatientBirthDate, TAG_PatientSex,
                       TAG_NumberOfPatientRelatedStudies},
    [LEVEL_STUDY] = {TAG_PatientID, TAG_PatientName, TAG_StudyDate, TAG_StudyTime,
                     TAG_AccessionNumber, TAG_ModalitiesInStudy, TAG_StudyDescription,
                     TAG_NumberOfStudyRelatedSeries, TAG_NumberOfStudyRelatedInstances,
                     TAG_StudyInstanceUID},
    [LEVEL_SERIES] = {TAG_Modality, TAG_SeriesNumber, TAG_SeriesDescription, TAG_SeriesDate,
                      TAG_NumberOfSeriesRelatedInstances, TAG_SeriesInstanceUID},
    [LEVEL_IMAGE] = {TAG_InstanceNumber, TAG_SOPClassUID, TAG_SOPInstanceUID},
};

static err_t find_word(const char *option, struct str word, const char *const *words, size_t n,
                       size_t *ret, struct diag *d)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(word, str_z(words[i]))) {
            *ret = i;
            return OK;
        }
    return diag_set(d, E_USAGE, "--%s: there is no \"%.*s\"", option, STR_ARG(word));
}

/* One key being built. */
struct key {
    struct client_keys *to;
    struct arena *arena;
    struct diag *d;
};

static err_t unknown(struct key *k, struct str name)
{
    return diag_set(k->d, E_USAGE, "--key: there is no data element \"%.*s\"", STR_ARG(name));
}

static err_t set_number(struct dcm_ds *ds, tag_t tag, vr_t vr, struct str value, struct diag *d)
{
    bool wide = vr == VR('U', 'L');
    uint64_t v;
    if (value.n == 0)
        return dcm_ds_set(ds, tag, vr, value);
    if (!str_to_u64(value, wide ? UINT32_MAX : UINT16_MAX, &v))
        return diag_set(d, E_USAGE, "--key: \"%.*s\" is not a number", STR_ARG(value));
    return wide ? dcm_ds_set_u32(ds, tag, (uint32_t)v) : dcm_ds_set_u16(ds, tag, (uint16_t)v);
}

static bool is_binary(vr_t vr)
{
    return vr == VR('O', 'B') || vr == VR('O', 'W') || vr == VR('U', 'N') || vr == VR('F', 'L') ||
           vr == VR('F', 'D') || vr == VR('A', 'T') || vr == VR('S', 'S') || vr == VR('S', 'L');
}

static err_t set_value(struct key *k, struct dcm_ds *ds, tag_t tag, struct str value)
{
    vr_t vr = dcm_vr_resolve(dcm_dict_vr(tag), false);
    if (vr == VR('S', 'Q'))
        return diag_set(k->d, E_USAGE,
                        "--key: a sequence has no value of its own, "
                        "write SEQUENCE.KEY=VALUE");
    if (vr == VR('U', 'S') || vr == VR('U', 'L'))
        return set_number(ds, tag, vr, value, k->d);
    if (is_binary(vr) && value.n)
        return diag_set(k->d, E_USAGE, "--key: (%04x,%04x) cannot be matched", TAG_GROUP(tag),
                        TAG_ELEMENT(tag));
    return dcm_ds_set(ds, tag, vr, value);
}

static err_t enter(struct dcm_ds *ds, tag_t tag, struct dcm_ds **ret)
{
    const struct dcm_elem *e = dcm_ds_get(ds, tag);
    if (e && e->n_items) {
        *ret = e->items[0];
        return OK;
    }
    return dcm_ds_add_item(ds, tag, ret);
}

/* SEQUENCE.SEQUENCE.KEY */
static err_t set_path(struct key *k, struct str path, struct str value)
{
    struct dcm_ds *ds = k->to->ds;
    struct str name;
    tag_t tag, first = 0;
    for (int depth = 0; str_split(&path, '.', &name); depth++) {
        if (!dcm_tag_parse(name, &tag) || depth == PATH_MAX_DEPTH || TAG_GROUP(tag) < 8)
            return unknown(k, name);
        first = first ? first : tag;
        if (!path.p)
            break;
        if (dcm_dict_vr(tag) != VR('S', 'Q'))
            return diag_set(k->d, E_USAGE, "--key: %.*s is not a sequence", STR_ARG(name));
        TRY(enter(ds, tag, &ds));
    }
    for (size_t i = 0; i < k->to->n_columns; i++)
        if (k->to->columns[i] == first)
            first = 0;
    if (first)
        k->to->columns[k->to->n_columns++] = first;
    return set_value(k, ds, tag, value);
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] >= 0x80)
            return false;
    return true;
}

static err_t set_given(struct key *k, struct str text)
{
    size_t eq = str_find(text, '=');
    struct str value = str_slice(text, eq + 1, text.n);
    if (!is_ascii(value)) {
        if (!str_is_utf8(value))
            return diag_set(k->d, E_USAGE, "--key: \"%.*s\" is not UTF-8",
                            STR_ARG(str_slice(text, 0, eq)));
        TRY(dcm_ds_set(k->to->ds, TAG_SpecificCharacterSet, VR('C', 'S'), STR("ISO_IR 192")));
    }
    return set_path(k, str_slice(text, 0, eq), value);
}

/* The deepest level of which a unique key has a value; studies if there is none. Who asks by a
 * patient's id wants to see the studies, who retrieves by it wants the patient's. */
static enum client_level level_of(const struct dcm_ds *ds, enum client_verb verb)
{
    size_t first = verb == VERB_FIND ? LEVEL_STUDY : LEVEL_PATIENT;
    for (size_t l = LEVELS; l-- > first;)
        if (dcm_ds_str(ds, levels[l].unique).n)
            return (enum client_level)l;
    return LEVEL_STUDY;
}

static err_t choose(const struct cmd_args *a, const struct client_key_options *o,
                    enum client_verb verb, struct client_keys *k, struct diag *d)
{
    const char *level_words[LEVELS], *model_words[MODELS];
    size_t level = level_of(k->ds, verb), model;
    for (size_t i = 0; i < LEVELS; i++)
        level_words[i] = levels[i].word;
    for (size_t i = 0; i < MODELS; i++)
        model_words[i] = models[i].word;
    if (cmd_flag(a, o->level))
        TRY(find_word("level", cmd_text(a, o->level), level_words, LEVELS, &level, d));
    model = level == LEVEL_PATIENT ? MODEL_PATIENT : MODEL_STUDY;
    if (cmd_flag(a, o->model))
        TRY(find_word("model", cmd_text(a, o->model), model_words, MODELS, &model, d));
    k->level = (enum client_level)level;
    k->model = (enum client_model)model;
    k->sop_class = models[model].classes[verb];
    return dcm_ds_set(k->ds, TAG_QueryRetrieveLevel, VR('C', 'S'), str_z(levels[level].dicom));
}

/* Columns: the usual ones first, then what was given beside them. */
static err_t add_usual(struct key *k)
{
    struct client_keys *to = k->to;
    tag_t *all = ARENA_ARRAY(k->arena, to->n_columns + COUNT(usual[0]), tag_t);
    size_t n = 0;
    if (!all)
        return E_NOMEM;
    for (size_t i = 0; i < COUNT(usual[0]) && usual[to->level][i]; i++) {
        all[n++] = usual[to->level][i];
        if (!dcm_ds_get(to->ds, all[n - 1]))
            TRY(set_value(k, to->ds, all[n - 1], str_of("", 0)));
    }
    size_t n_usual = n;
    for (size_t i = 0; i < to->n_columns; i++) {
        bool have = false;
        for (size_t u = 0; u < n_usual; u++)
            have = have || all[u] == to->columns[i];
        if (!have)
            all[n++] = to->columns[i];
    }
    to->columns = all;
    to->n_columns = n;
    return OK;
}

err_t client_keys(const struct cmd_args *a, const struct client_key_options *o,
                  enum client_verb verb, bool with_usual, struct arena *arena,
                  struct client_keys *ret, struct diag *d)
{
    struct client_keys got = {.ds = dcm_ds_new(arena)};
    struct key k = {&got, arena, d};
    got.columns = ARENA_ARRAY(arena, cmd_count(a, o->key) + 1, tag_t);
    if (!got.ds || !got.columns)
        return E_NOMEM;
    for (size_t i = 0; i < cmd_count(a, o->key); i++)
        TRY(set_given(&k, cmd_at(a, o->key, i)));
    TRY(choose(a, o, verb, &got, d));
    if (with_usual)
        TRY(add_usual(&k));
    *ret = got;
    return OK;
}
