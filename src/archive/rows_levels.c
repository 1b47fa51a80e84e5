#include "archive/attrs.h"
#include "archive/extra.h"
#include "archive/rows_private.h"
#include "base/size.h"

enum { CLASSES_MAX = 64 };

/* What rows_add finds out on its way down the levels. */
struct at {
    int64_t patient, study, series, next;
    bool new_study, new_series, other_patient;
};

static void bind_number(struct sql_stmt *q, int i, const struct entry *e, enum entry_number which)
{
    if (e->has[which])
        sql_bind_i64(q, i, e->number[which]);
    else
        sql_bind_null(q, i);
}

static err_t insert(struct rows *r, enum statement which, int64_t *ret_id)
{
    TRY(sql_run(r->q[which]));
    *ret_id = sql_last_id(r->db);
    return OK;
}

/* SOP classes and transfer syntaxes: few, and in every row. */
static err_t term_id(struct rows *r, struct str text, int64_t *ret)
{
    text = str_slice(text, 0, TERM_MAX);
    for (size_t i = 0; i < TERMS; i++) {
        const struct term *t = &r->terms[i];
        if (t->id && str_eq(str_of(t->text, t->n), text)) {
            *ret = t->id;
            return OK;
        }
    }
    sql_bind_text(r->q[FIND_TERM], 1, text);
    TRY(rows_find_id(r->q[FIND_TERM], ret));
    if (!*ret) {
        sql_bind_text(r->q[ADD_TERM], 1, text);
        TRY(insert(r, ADD_TERM, ret));
    }
    struct term *t = &r->terms[r->next_term++ % TERMS];
    *t = (struct term){.id = *ret, .n = (uint8_t)text.n};
    if (text.n)
        memcpy(t->text, text.p, text.n);
    return OK;
}

static err_t equipment_id(struct rows *r, struct str extra, int64_t *ret)
{
    *ret = 0;
    if (!extra.n)
        return OK;
    sql_bind_blob(r->q[FIND_EQUIPMENT], 1, extra);
    TRY(rows_find_id(r->q[FIND_EQUIPMENT], ret));
    if (*ret)
        return OK;
    sql_bind_blob(r->q[ADD_EQUIPMENT], 1, extra);
    return insert(r, ADD_EQUIPMENT, ret);
}

static err_t add_names(struct rows *r, int64_t patient, struct str names)
{
    struct str rest = names, group;
    while (names.n && str_split(&rest, '=', &group)) {
        if (!group.n)
            continue;
        sql_bind_text(r->q[ADD_NAME], 1, group);
        sql_bind_i64(r->q[ADD_NAME], 2, patient);
        TRY(sql_run(r->q[ADD_NAME]));
    }
    if (!names.n)
        return OK;
    sql_bind_i64(r->q[ADD_GRAM], 1, patient);
    sql_bind_text(r->q[ADD_GRAM], 2, names);
    return sql_run(r->q[ADD_GRAM]);
}

/* The first object of a patient or study says what it is; later ones, once for each new series,
 * only fill in what it left open. */
static err_t fill_patient(struct rows *r, const struct entry *e, int64_t id, struct str had)
{
    struct wr w = wr_heap(2 * EXTRA_MAX);
    uint8_t name = attr_find(TAG_PatientName)->code;
    err_t err = OK;
    if (extra_merge(had, e->text[ENTRY_PATIENT], &w) && !w.bad) {
        sql_bind_i64(r->q[FILL_PATIENT], 1, id);
        sql_bind_blob(r->q[FILL_PATIENT], 2, wr_str(&w));
        err = sql_run(r->q[FILL_PATIENT]);
        if (err == OK && !extra_get(had, name).n)
            err = add_names(r, id, e->text[ENTRY_NAMES]);
    }
    wr_done(&w);
    return err;
}

static err_t patient_row(struct rows *r, const struct entry *e, struct at *at)
{
    struct sql_stmt *q = r->q[FIND_PATIENT];
    bool row;
    sql_bind_text(q, 1, e->text[ENTRY_PATIENT_ID]);
    sql_bind_text(q, 2, e->text[ENTRY_ISSUER]);
    sql_bind_text(q, 3, e->text[ENTRY_APART]);
    TRY(sql_step(q, &row));
    if (row) {
        at->patient = sql_i64(q, 0);
        err_t err = fill_patient(r, e, at->patient, sql_blob(q, 1));
        sql_reset(q);
        return err;
    }
    q = r->q[ADD_PATIENT];
    sql_bind_text(q, 1, e->text[ENTRY_PATIENT_ID]);
    sql_bind_text(q, 2, e->text[ENTRY_ISSUER]);
    sql_bind_text(q, 3, e->text[ENTRY_APART]);
    sql_bind_blob(q, 4, e->text[ENTRY_PATIENT]);
    TRY(insert(r, ADD_PATIENT, &at->patient));
    return add_names(r, at->patient, e->text[ENTRY_NAMES]);
}

static int64_t study_date(const struct entry *e)
{
    return e->has[ENTRY_STUDY_DATE] ? e->number[ENTRY_STUDY_DATE] : STUDY_DATE_UNKNOWN;
}

static int64_t study_time(const struct entry *e)
{
    return e->has[ENTRY_STUDY_TIME] ? e->number[ENTRY_STUDY_TIME] : STUDY_TIME_UNKNOWN;
}

static err_t new_study(struct rows *r, const struct entry *e, struct str uid, struct at *at)
{
    struct sql_stmt *q = r->q[ADD_STUDY];
    TRY(patient_row(r, e, at));
    at->new_study = true;
    sql_bind_blob(q, 1, uid);
    sql_bind_i64(q, 2, at->patient);
    sql_bind_i64(q, 3, study_date(e));
    sql_bind_i64(q, 4, study_time(e));
    sql_bind_text(q, 5, e->text[ENTRY_ACCESSION]);
    sql_bind_blob(q, 6, e->text[ENTRY_STUDY]);
    return insert(r, ADD_STUDY, &at->study);
}

/* Another patient: another id, or another issuer where both say one, or without ids another name or
 * birth date. */
static err_t is_other_patient(struct rows *r, const struct entry *e, int64_t patient, bool *ret)
{
    struct sql_stmt *q = r->q[GET_PATIENT];
    bool row;
    sql_bind_i64(q, 1, patient);
    TRY(sql_step(q, &row));
    if (!row)
        return E_INDEX;
    struct str issuer = sql_text(q, 1);
    *ret = !str_eq(sql_text(q, 0), e->text[ENTRY_PATIENT_ID]) ||
           !str_eq(sql_text(q, 2), e->text[ENTRY_APART]) ||
           (issuer.n && e->text[ENTRY_ISSUER].n && !str_eq(issuer, e->text[ENTRY_ISSUER]));
    sql_reset(q);
    return OK;
}

static err_t flag_study(struct rows *r, int64_t study, int64_t flags)
{
    sql_bind_i64(r->q[FLAG_STUDY], 1, study);
    sql_bind_i64(r->q[FLAG_STUDY], 2, flags);
    return sql_run(r->q[FLAG_STUDY]);
}

/* The study's row, made when it is not there. The found row stays open in q, for its other columns,
 * until the caller resets it. */
static err_t study_row(struct rows *r, const struct entry *e, struct at *at, bool *ret_open)
{
    struct uid_packed uid = uid_pack(e->text[ENTRY_STUDY_UID]);
    struct sql_stmt *q = r->q[FIND_STUDY];
    sql_bind_blob(q, 1, uid_packed_str(&uid));
    TRY(sql_step(q, ret_open));
    if (!*ret_open)
        return new_study(r, e, uid_packed_str(&uid), at);
    at->study = sql_i64(q, 0);
    at->patient = sql_i64(q, 1);
    TRY(is_other_patient(r, e, at->patient, &at->other_patient));
    return at->other_patient && !(sql_i64(q, 2) & STUDY_OTHER_PATIENT)
               ? flag_study(r, at->study, sql_i64(q, 2) | STUDY_OTHER_PATIENT)
               : OK;
}

static err_t fill_study(struct rows *r, const struct entry *e, struct at *at)
{
    struct sql_stmt *had = r->q[FIND_STUDY], *q = r->q[FILL_STUDY];
    struct wr w = wr_heap(2 * EXTRA_MAX);
    bool news = extra_merge(sql_blob(had, 4), e->text[ENTRY_STUDY], &w);
    bool date = sql_i64(had, 5) == STUDY_DATE_UNKNOWN && e->has[ENTRY_STUDY_DATE];
    bool accession = !sql_text(had, 7).n && e->text[ENTRY_ACCESSION].n;
    err_t err = OK;
    if (!w.bad && (news || date || accession)) {
        sql_bind_i64(q, 1, at->study);
        sql_bind_blob(q, 2, wr_str(&w));
        sql_bind_i64(q, 3, date ? study_date(e) : sql_i64(had, 5));
        sql_bind_i64(q, 4, date ? study_time(e) : sql_i64(had, 6));
        sql_bind_text(q, 5, accession ? e->text[ENTRY_ACCESSION] : sql_text(had, 7));
        err = sql_run(q);
    }
    wr_done(&w);
    return err;
}

static err_t fill_both(struct rows *r, const struct entry *e, struct at *at)
{
    struct sql_stmt *q = r->q[GET_PATIENT];
    bool row = false;
    TRY(fill_study(r, e, at));
    if (at->other_patient)
        return OK;
    sql_bind_i64(q, 1, at->patient);
    TRY(sql_step(q, &row));
    err_t err = row ? fill_patient(r, e, at->patient, sql_blob(q, 3)) : OK;
    sql_reset(q);
    return err;
}

static err_t new_series(struct rows *r, const struct entry *e, struct str uid, struct at *at)
{
    struct sql_stmt *q = r->q[ADD_SERIES];
    int64_t equipment;
    TRY(equipment_id(r, e->text[ENTRY_EQUIPMENT], &equipment));
    at->new_series = true;
    sql_bind_blob(q, 1, uid);
    sql_bind_i64(q, 2, at->study);
    bind_number(q, 3, e, ENTRY_SERIES_NUMBER);
    sql_bind_i64(q, 4, equipment);
    sql_bind_text(q, 5, e->text[ENTRY_MODALITY]);
    sql_bind_blob(q, 6, e->text[ENTRY_SERIES]);
    return insert(r, ADD_SERIES, &at->series);
}

/* Ids of SOP classes, two bytes each, in the order they came. */
struct classes {
    size_t n;
    uint8_t bytes[2 * CLASSES_MAX];
};

static void classes_add(struct classes *c, struct str had, int64_t id)
{
    uint8_t two[2] = {(uint8_t)(id >> 8), (uint8_t)id};
    c->n = size_min(had.n, sizeof c->bytes);
    if (c->n)
        memcpy(c->bytes, had.p, c->n);
    for (size_t i = 0; i + 1 < c->n; i += 2)
        if (!memcmp(c->bytes + i, two, 2))
            return;
    if (c->n + 2 > sizeof c->bytes || id > 0xffff)
        return;
    memcpy(c->bytes + c->n, two, 2);
    c->n += 2;
}

/* The series' row, made when it is not there, and its counts. */
static err_t series_row(struct rows *r, const struct entry *e, int64_t class_id, struct at *at)
{
    struct uid_packed uid = uid_pack(e->text[ENTRY_SERIES_UID]);
    struct sql_stmt *q = r->q[FIND_SERIES], *count = r->q[COUNT_SERIES];
    struct classes classes = {0};
    bool row;
    sql_bind_blob(q, 1, uid_packed_str(&uid));
    sql_bind_i64(q, 2, at->study);
    TRY(sql_step(q, &row));
    if (row) {
        at->series = sql_i64(q, 0);
        at->next = sql_i64(q, 1);
        classes_add(&classes, sql_blob(q, 2), class_id);
        sql_reset(q);
    } else {
        classes_add(&classes, str_of("", 0), class_id);
        TRY(new_series(r, e, uid_packed_str(&uid), at));
    }
    if (at->next >= SERIES_SPAN)
        return E_LIMIT;
    sql_bind_i64(count, 1, at->series);
    sql_bind_i64(count, 2, at->next + 1);
    sql_bind_blob(count, 3, str_of(classes.bytes, classes.n));
    return sql_run(count);
}

void rows_add_modality(struct wr *w, struct str modality)
{
    struct str rest = wr_str(w), one;
    if (!modality.n || w->cap - w->n < modality.n + 1)
        return;
    while (rest.n && str_split(&rest, '\\', &one))
        if (str_eq(one, modality))
            return;
    if (w->n)
        wr_u8(w, '\\');
    wr_put(w, modality);
}

static err_t count_study(struct rows *r, const struct entry *e, struct at *at, bool open)
{
    char text[256];
    struct wr w = wr_fixed(text, sizeof text);
    struct sql_stmt *q = r->q[COUNT_STUDY];
    struct str had = open ? sql_text(r->q[FIND_STUDY], 3) : str_of("", 0);
    wr_put(&w, had);
    rows_add_modality(&w, e->text[ENTRY_MODALITY]);
    sql_bind_i64(q, 1, at->study);
    sql_bind_i64(q, 2, at->new_series);
    sql_bind_text(q, 3, wr_str(&w));
    return sql_run(q);
}

static err_t instance_row(struct rows *r, const struct entry *e, int64_t class_id, struct at *at)
{
    struct uid_packed uid = uid_pack(e->text[ENTRY_SOP_UID]);
    int64_t id = at->series * SERIES_SPAN + at->next, syntax;
    struct sql_stmt *q = r->q[ADD_INSTANCE];
    TRY(term_id(r, e->text[ENTRY_SYNTAX], &syntax));
    sql_bind_i64(q, 1, id);
    sql_bind_blob(q, 2, uid_packed_str(&uid));
    sql_bind_i64(q, 3, class_id);
    sql_bind_i64(q, 4, syntax);
    for (int i = 0; i < 4; i++)
        bind_number(q, 5 + i, e, (enum entry_number)(ENTRY_NUMBER + i));
    sql_bind_i64(q, 9, (int64_t)e->size);
    sql_bind_i64(q, 10, e->info.place.pack);
    sql_bind_i64(q, 11, (int64_t)e->info.place.offset);
    TRY(sql_run(q));
    sql_bind_i64(r->q[ADD_UID], 1, uid_key(r->seed, e->text[ENTRY_SOP_UID]));
    sql_bind_i64(r->q[ADD_UID], 2, id);
    return sql_run(r->q[ADD_UID]);
}

static err_t levels(struct rows *r, const struct entry *e, struct at *at, bool *open)
{
    int64_t class_id;
    TRY(term_id(r, e->text[ENTRY_SOP_CLASS], &class_id));
    TRY(study_row(r, e, at, open));
    TRY(series_row(r, e, class_id, at));
    if (*open && at->new_series)
        TRY(fill_both(r, e, at));
    TRY(count_study(r, e, at, *open));
    return instance_row(r, e, class_id, at);
}

err_t rows_add_instance(struct rows *r, const struct entry *e)
{
    struct at at = {0};
    bool open = false;
    err_t err = levels(r, e, &at, &open);
    if (open)
        sql_reset(r->q[FIND_STUDY]);
    return err;
}
