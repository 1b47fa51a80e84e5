#include "archive/entry.h"

#include <stdlib.h>

#include "archive/attrs.h"
#include "archive/extra.h"
#include "archive/recode.h"
#include "base/size.h"
#include "dicom/datetime.h"
#include "dicom/pn.h"

struct source {
    const struct dcm_ds *ds;
    struct charset cs;
    struct charset_conv *conv;
    struct arena *a;
    struct wr *w; /* scratch: an arena would clear what little of it is used */
};

static struct str text_of(const struct source *s, tag_t tag, vr_t vr)
{
    struct str raw = dcm_ds_str(s->ds, tag);
    if (!raw.n)
        return str_of("", 0);
    if (!charset_applies(vr))
        return str_trim(raw);
    struct str text = charset_text(s->conv, &s->cs, vr, raw, s->a);
    return text.p ? str_trim(text) : str_of("", 0);
}

static struct str short_text(const struct source *s, tag_t tag, vr_t vr)
{
    return str_slice(text_of(s, tag, vr), 0, ENTRY_TEXT_MAX);
}

/* A sequence as a data set of its own, in UTF-8; empty when it has no items or does not fit. */
static struct str sequence_of(const struct source *s, const struct dcm_elem *e)
{
    struct str none = str_of("", 0);
    if (!e->n_items)
        return none;
    struct dcm_ds one = {.arena = s->a, .elems = (struct dcm_elem *)(uintptr_t)e, .n = 1};
    struct dcm_ds *utf8 = dcm_ds_new(s->a);
    if (!utf8 || recode(&one, &s->cs, utf8, recode_to_utf8, s->conv) != OK)
        return none;
    uint8_t *buf = arena_alloc(s->a, EXTRA_VALUE_MAX);
    if (!buf)
        return none;
    struct wr w = wr_fixed(buf, EXTRA_VALUE_MAX);
    dcm_ds_write(utf8, DCM_EXPLICIT_LE, &w);
    return w.bad ? none : wr_str(&w);
}

static void put_attr(const struct source *s, const struct attr *at, struct wr *w)
{
    const struct dcm_elem *e = dcm_ds_get(s->ds, at->tag);
    if (!e)
        return;
    if (at->vr == VR('S', 'Q')) {
        extra_put(w, at->code, sequence_of(s, e));
    } else if (at->vr == VR('U', 'I')) {
        struct uid_packed u = uid_pack(dcm_ds_str(s->ds, at->tag));
        extra_put(w, at->code, uid_packed_str(&u));
    } else {
        extra_put(w, at->code, text_of(s, at->tag, at->vr));
    }
}

/* Every attribute of a level that is kept under a code. */
static err_t extra_of(const struct source *s, enum level level, enum attr_place place,
                      struct str *ret)
{
    const struct attr *at;
    for (size_t i = 0; (at = attr_at(i)); i++)
        if (at->level == level && at->place == place)
            put_attr(s, at, s->w);
    *ret = arena_copy(s->a, wr_str(s->w));
    wr_clear(s->w);
    return ret->p ? OK : E_NOMEM;
}

/* A column that holds a number, and what it cannot say: when the text as it stood is not what the
 * number would be written as, the text is kept too. */
static void set_number(struct entry *e, enum entry_number which, int64_t v)
{
    e->number[which] = v;
    e->has[which] = true;
}

static void study_date(const struct source *s, struct entry *e, struct wr *extra)
{
    struct str text = short_text(s, TAG_StudyDate, VR('D', 'A'));
    int32_t date;
    if (da_parse(text, &date))
        set_number(e, ENTRY_STUDY_DATE, date);
    if (!e->has[ENTRY_STUDY_DATE] || text.n != 8)
        extra_put(extra, attr_find(TAG_StudyDate)->code, text);
}

static void study_time(const struct source *s, struct entry *e, struct wr *extra)
{
    struct str text = short_text(s, TAG_StudyTime, VR('T', 'M'));
    struct dt_span span;
    if (tm_parse(text, &span))
        set_number(e, ENTRY_STUDY_TIME, span.lo / 1000000);
    if (!e->has[ENTRY_STUDY_TIME] || text.n != 6)
        extra_put(extra, attr_find(TAG_StudyTime)->code, text);
}

static void series_number(const struct source *s, struct entry *e, struct wr *extra)
{
    struct str text = short_text(s, TAG_SeriesNumber, VR('I', 'S'));
    char canonical[24];
    struct wr w = wr_fixed(canonical, sizeof canonical);
    int64_t v;
    if (str_to_i64(text, &v)) {
        set_number(e, ENTRY_SERIES_NUMBER, v);
        wr_printf(&w, "%lld", (long long)v);
    }
    if (!str_eq(text, wr_str(&w)))
        extra_put(extra, attr_find(TAG_SeriesNumber)->code, text);
}

static void integer(const struct source *s, struct entry *e, enum entry_number which, tag_t tag)
{
    int64_t v;
    if (dcm_ds_int(s->ds, tag, 0, &v))
        set_number(e, which, v);
}

void entry_fold_names(struct str name, struct wr *w)
{
    pn_fold(str_slice(name, 0, ENTRY_TEXT_MAX), w);
}

static err_t patient(const struct source *s, struct entry *e)
{
    struct str name = text_of(s, TAG_PatientName, VR('P', 'N'));
    e->text[ENTRY_PATIENT_ID] = short_text(s, TAG_PatientID, VR('L', 'O'));
    e->text[ENTRY_ISSUER] = short_text(s, TAG_IssuerOfPatientID, VR('L', 'O'));
    entry_fold_names(name, s->w);
    e->text[ENTRY_NAMES] = arena_copy(s->a, wr_str(s->w));
    wr_clear(s->w);
    if (!e->text[ENTRY_NAMES].p)
        return E_NOMEM;
    return extra_of(s, LEVEL_PATIENT, ATTR_EXTRA, &e->text[ENTRY_PATIENT]);
}

/* Patients without an id would all be one. */
static err_t apart(const struct source *s, struct entry *e)
{
    struct str birth = short_text(s, TAG_PatientBirthDate, VR('D', 'A'));
    struct str names = e->text[ENTRY_NAMES];
    e->text[ENTRY_APART] = str_of("", 0);
    if (e->text[ENTRY_PATIENT_ID].n)
        return OK;
    size_t cap = names.n + birth.n + 1;
    uint8_t *buf = arena_alloc(s->a, cap);
    if (!buf)
        return E_NOMEM;
    struct wr w = wr_fixed(buf, cap);
    wr_put(&w, names);
    wr_u8(&w, '\n');
    wr_put(&w, birth);
    e->text[ENTRY_APART] = wr_str(&w);
    return OK;
}

/* The extra value of a level begins with what its columns cannot say. */
static err_t study(const struct source *s, struct entry *e)
{
    study_date(s, e, s->w);
    study_time(s, e, s->w);
    return extra_of(s, LEVEL_STUDY, ATTR_EXTRA, &e->text[ENTRY_STUDY]);
}

static err_t series(const struct source *s, struct entry *e)
{
    series_number(s, e, s->w);
    TRY(extra_of(s, LEVEL_SERIES, ATTR_EXTRA, &e->text[ENTRY_SERIES]));
    return extra_of(s, LEVEL_SERIES, ATTR_EQUIPMENT, &e->text[ENTRY_EQUIPMENT]);
}

static void instance(const struct source *s, struct entry *e)
{
    integer(s, e, ENTRY_NUMBER, TAG_InstanceNumber);
    integer(s, e, ENTRY_ROWS, TAG_Rows);
    integer(s, e, ENTRY_COLUMNS, TAG_Columns);
    integer(s, e, ENTRY_FRAMES, TAG_NumberOfFrames);
}

static err_t levels(const struct source *s, struct entry *e)
{
    TRY(patient(s, e));
    TRY(apart(s, e));
    TRY(study(s, e));
    return series(s, e);
}

err_t entry_of(const struct dcm_ds *ds, struct str transfer_syntax, struct charset_conv *conv,
               struct arena *a, struct entry *ret)
{
    struct wr w = wr_heap(EXTRA_MAX);
    struct source s = {ds, charset_parse(dcm_ds_str(ds, TAG_SpecificCharacterSet)), conv, a, &w};
    *ret = (struct entry){0};
    err_t e = levels(&s, ret);
    wr_done(&w);
    if (e != OK)
        return e;
    instance(&s, ret);
    ret->text[ENTRY_ACCESSION] = short_text(&s, TAG_AccessionNumber, VR('S', 'H'));
    ret->text[ENTRY_MODALITY] = str_slice(text_of(&s, TAG_Modality, VR('C', 'S')), 0, 16);
    ret->text[ENTRY_SYNTAX] = transfer_syntax;
    ret->text[ENTRY_SOP_CLASS] = dcm_ds_str(ds, TAG_SOPClassUID);
    ret->text[ENTRY_SOP_UID] = dcm_ds_str(ds, TAG_SOPInstanceUID);
    ret->text[ENTRY_STUDY_UID] = dcm_ds_str(ds, TAG_StudyInstanceUID);
    ret->text[ENTRY_SERIES_UID] = dcm_ds_str(ds, TAG_SeriesInstanceUID);
    return OK;
}

struct entry *entry_dup(const struct entry *e)
{
    size_t total = sizeof *e;
    for (int i = 0; i < ENTRY_TEXTS; i++)
        if (!size_add(total, e->text[i].n, &total))
            return NULL;
    struct entry *copy = malloc(total);
    if (!copy)
        return NULL;
    *copy = *e;
    char *at = (char *)(copy + 1);
    for (int i = 0; i < ENTRY_TEXTS; i++) {
        if (e->text[i].n)
            memcpy(at, e->text[i].p, e->text[i].n);
        copy->text[i] = str_of(at, e->text[i].n);
        at += e->text[i].n;
    }
    return copy;
}
