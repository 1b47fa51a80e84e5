/* Taking an instance out of the index. Rare, so its statements are made for the one use. */
#include "archive/attrs.h"
#include "archive/extra.h"
#include "archive/rows_private.h"

/* A statement without rows and with up to three whole numbers. */
static err_t run(struct rows *r, const char *text, int64_t a, int64_t b, int64_t c, struct diag *d)
{
    struct sql_stmt *q;
    TRY(sql_prepare(r->db, str_z(text), &q, d));
    int64_t bound[3] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        char name[3] = {'?', (char)('1' + i), 0};
        if (strstr(text, name))
            sql_bind_i64(q, i + 1, bound[i]);
    }
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

/* Whole numbers of the one row that a statement finds; E_NOTFOUND when there is none. */
static err_t get(struct rows *r, const char *text, int64_t a, int64_t *ret, int n, struct diag *d)
{
    struct sql_stmt *q;
    bool row;
    TRY(sql_prepare(r->db, str_z(text), &q, d));
    sql_bind_i64(q, 1, a);
    err_t e = sql_step(q, &row);
    if (e == OK && !row)
        e = E_NOTFOUND;
    for (int i = 0; e == OK && i < n; i++)
        ret[i] = sql_i64(q, i);
    sql_free(q);
    return e;
}

static err_t remove_uid(struct rows *r, int64_t id, struct diag *d)
{
    struct sql_stmt *q;
    bool row;
    int64_t key = 0;
    TRY(sql_prepare(r->db, STR("SELECT uid FROM instance WHERE id = ?1"), &q, d));
    sql_bind_i64(q, 1, id);
    err_t e = sql_step(q, &row);
    if (e == OK && row) {
        struct uid_text uid = uid_unpack(sql_blob(q, 0));
        key = uid_key(r->seed, uid_text_str(&uid));
    }
    sql_free(q);
    TRY(e);
    return run(r, "DELETE FROM instance_uid WHERE key = ?1 AND id = ?2", key, id, 0, d);
}

/* The names' index has no text of its own and is told what it was to forget. */
static err_t remove_grams(struct rows *r, int64_t patient, struct str names, struct diag *d)
{
    struct sql_stmt *q;
    TRY(sql_prepare(r->db,
                    STR("INSERT INTO patient_gram (patient_gram, rowid, name)"
                        " VALUES ('delete', ?1, ?2)"),
                    &q, d));
    sql_bind_i64(q, 1, patient);
    sql_bind_text(q, 2, names);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static err_t remove_names(struct rows *r, int64_t patient, struct diag *d)
{
    struct sql_stmt *q;
    bool row;
    err_t e;
    char text[4 * ENTRY_TEXT_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    TRY(sql_prepare(r->db, STR("SELECT extra FROM patient WHERE id = ?1"), &q, d));
    sql_bind_i64(q, 1, patient);
    if ((e = sql_step(q, &row)) == OK && row)
        entry_fold_names(extra_get(sql_blob(q, 0), attr_find(TAG_PatientName)->code), &w);
    sql_free(q);
    TRY(e);
    if (w.n)
        TRY(remove_grams(r, patient, wr_str(&w), d));
    struct str rest = wr_str(&w), group;
    while (w.n && str_split(&rest, '=', &group)) {
        TRY(sql_prepare(r->db, STR("DELETE FROM patient_name WHERE name = ?1 AND patient = ?2"), &q,
                        d));
        sql_bind_text(q, 1, group);
        sql_bind_i64(q, 2, patient);
        e = sql_run(q);
        sql_free(q);
        TRY(e);
    }
    return OK;
}

static err_t remove_patient(struct rows *r, int64_t patient, struct diag *d)
{
    int64_t studies;
    TRY(get(r, "SELECT count(*) FROM study WHERE patient = ?1", patient, &studies, 1, d));
    if (studies)
        return OK;
    TRY(remove_names(r, patient, d));
    return run(r, "DELETE FROM patient WHERE id = ?1", patient, 0, 0, d);
}

/* What the series that are left have. */
static err_t set_modalities(struct rows *r, int64_t study, struct diag *d)
{
    struct sql_stmt *q, *set;
    bool row;
    err_t e;
    char text[256];
    struct wr w = wr_fixed(text, sizeof text);
    TRY(sql_prepare(r->db, STR("SELECT DISTINCT modality FROM series WHERE study = ?1"), &q, d));
    sql_bind_i64(q, 1, study);
    while ((e = sql_step(q, &row)) == OK && row)
        rows_add_modality(&w, sql_text(q, 0));
    sql_free(q);
    TRY(e);
    TRY(sql_prepare(r->db, STR("UPDATE study SET modalities = ?2 WHERE id = ?1"), &set, d));
    sql_bind_i64(set, 1, study);
    sql_bind_text(set, 2, wr_str(&w));
    e = sql_run(set);
    sql_free(set);
    return e;
}

static err_t remove_study(struct rows *r, int64_t study, struct diag *d)
{
    int64_t had[2]; /* instances, patient */
    TRY(get(r, "SELECT instances, patient FROM study WHERE id = ?1", study, had, 2, d));
    if (had[0])
        return set_modalities(r, study, d);
    TRY(run(r, "DELETE FROM study WHERE id = ?1", study, 0, 0, d));
    return remove_patient(r, had[1], d);
}

static err_t remove_instance(struct rows *r, int64_t id, struct diag *d)
{
    int64_t instance[2], series[2]; /* pack, size; instances, study */
    TRY(get(r, "SELECT pack, size FROM instance WHERE id = ?1", id, instance, 2, d));
    TRY(get(r, "SELECT instances, study FROM series WHERE id = ?1", id / SERIES_SPAN, series, 2,
            d));
    TRY(remove_uid(r, id, d));
    TRY(run(r, "DELETE FROM instance WHERE id = ?1", id, 0, 0, d));
    TRY(run(r, "UPDATE pack SET instances = instances - 1, bytes = bytes - ?2 WHERE id = ?1",
            instance[0], instance[1], 0, d));
    bool last = series[0] <= 1;
    if (last)
        TRY(run(r, "DELETE FROM series WHERE id = ?1", id / SERIES_SPAN, 0, 0, d));
    else
        TRY(run(r, "UPDATE series SET instances = instances - 1 WHERE id = ?1", id / SERIES_SPAN, 0,
                0, d));
    TRY(run(r, "UPDATE study SET instances = instances - 1, series = series - ?2 WHERE id = ?1",
            series[1], last, 0, d));
    return last ? remove_study(r, series[1], d) : OK;
}

err_t rows_remove(struct rows *r, int64_t instance, struct diag *d)
{
    err_t e = remove_instance(r, instance, d);
    rows_forget(r);
    return e;
}
