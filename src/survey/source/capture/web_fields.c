#include "survey/source/capture/web_fields.h"

#include "base/size.h"
#include "dicom/part10.h"
#include "survey/core/jsonin.h"

enum { DEPTH = 24, OBJECTS_MAX = 64, TAG = 8 };

/* Elements of FHIR's Patient. */
static const struct {
    struct str name;
    enum dicom_field_id field;
} patient_elements[] = {
    {STR_INIT("name"), DICOM_FIELD_PatientName},
    {STR_INIT("identifier"), DICOM_FIELD_PatientID},
    {STR_INIT("birthDate"), DICOM_FIELD_PatientBirthDate},
    {STR_INIT("gender"), DICOM_FIELD_PatientSex},
    {STR_INIT("address"), DICOM_FIELD_PatientAddress},
    {STR_INIT("telecom"), DICOM_FIELD_PatientTelephoneNumbers},
};

static const struct {
    uint32_t tag;
    enum dicom_field_id field;
} tags[] = {
#define DICOM_FIELD(id, tag) {tag, DICOM_FIELD_##id},
#include "survey/wire/dicom_fields.def"
#undef DICOM_FIELD
};

struct reading {
    uint64_t *counts;
    bool patient[DEPTH + 1]; /* the object whose members have this depth is a Patient */
    uint8_t seen[DEPTH + 1]; /* its elements that were counted, a bit each */
};

static void count_patient(struct reading *r, const struct json_at *at, unsigned depth)
{
    for (size_t i = 0; i < COUNT(patient_elements); i++) {
        if (!str_eq(at->keys[depth - 1], patient_elements[i].name) || r->seen[depth] & 1u << i)
            continue;
        r->seen[depth] = (uint8_t)(r->seen[depth] | 1u << i);
        r->counts[patient_elements[i].field]++;
    }
}

static bool tag_of(struct str key, uint32_t *ret)
{
    uint32_t v = 0;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                                                : 16;
        if (digit > 15)
            return false;
        v = v << 4 | digit;
    }
    *ret = v;
    return key.n == TAG;
}

/* "00100010": {"vr": "PN", "Value": [{"Alphabetic": "..."}]}: its first value, counted once. */
static void count_attribute(struct reading *r, const struct json_at *at, unsigned i)
{
    uint32_t tag;
    if (i + 3 > at->depth || !at->keys[i].p || !at->keys[i + 1].p || at->keys[i + 2].p ||
        at->index[i + 2] != 0 || !str_eq(at->keys[i + 1], STR("Value")) ||
        !tag_of(at->keys[i], &tag))
        return;
    bool plain = at->depth == i + 3;
    bool name =
        at->depth == i + 4 && at->keys[i + 3].p && str_eq(at->keys[i + 3], STR("Alphabetic"));
    for (size_t k = 0; (plain || name) && k < COUNT(tags); k++)
        if (tags[k].tag == tag)
            r->counts[tags[k].field]++;
}

static err_t on_value(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    struct reading *r = ctx;
    if (at->depth == 0 || at->depth > DEPTH || type == JSON_NULL || !text.n)
        return OK;
    struct str last = at->keys[at->depth - 1];
    if (last.p && str_eq(last, STR("resourceType"))) {
        r->patient[at->depth] = str_eq(text, STR("Patient"));
        return OK;
    }
    for (unsigned d = 1; d <= at->depth; d++)
        if (r->patient[d] && at->keys[d - 1].p)
            count_patient(r, at, d);
    for (unsigned i = 0; i < at->depth; i++)
        count_attribute(r, at, i);
    return OK;
}

static err_t on_open(void *ctx, const struct json_at *at, bool array)
{
    struct reading *r = ctx;
    if (!array && at->depth < DEPTH) {
        r->patient[at->depth + 1] = false;
        r->seen[at->depth + 1] = 0;
    }
    return OK;
}

static err_t on_close(void *ctx, const struct json_at *at, bool array)
{
    struct reading *r = ctx;
    if (!array && at->depth < DEPTH)
        r->patient[at->depth + 1] = false;
    return OK;
}

void web_fields_json(struct str body, uint64_t counts[FIELDS])
{
    struct reading r = {.counts = counts};
    struct jsonin_calls calls = {on_value, on_open, on_close, &r};
    struct jsonin *j;
    if (jsonin_new(&calls, &j) != OK)
        return;
    struct diag unused;
    err_t e = jsonin_feed(j, body, &unused);
    (void)e; /* what came before the fault was counted */
    jsonin_free(j);
}

unsigned web_objects(struct str body, struct dicom_fields *f)
{
    static const char prefix[] = {'D', 'I', 'C', 'M'};
    unsigned n = 0;
    size_t from = DCM_PREAMBLE;
    while (n < OBJECTS_MAX && from < body.n) {
        const char *at = memmem(body.p + from, body.n - from, prefix, sizeof prefix);
        if (!at)
            break;
        size_t place = (size_t)(at - body.p);
        struct str object = str_slice(body, place - DCM_PREAMBLE, body.n);
        struct dcm_meta meta;
        from = place + sizeof prefix;
        if (dcm_meta_read(object, true, &meta, NULL) != STEP_DONE || !meta.prefix || !meta.present)
            continue;
        n++;
        dicom_fields_begin(f, meta.transfer_syntax);
        (void)dicom_fields_feed(f, str_slice(object, (size_t)meta.data_at, object.n));
    }
    return n;
}
