#include "archive/rows_private.h"

#include <stdlib.h>

const char rows_find_sql[] = "SELECT i.id, i.pack, i.at, i.uid FROM instance_uid k"
                             " CROSS JOIN instance i WHERE k.key = ?1 AND i.id = k.id";

static const char *const texts[STATEMENTS] = {
    [FIND_UID] = rows_find_sql,
    [FIND_STUDY] = "SELECT id, patient, flags, modalities, extra, date, time, accession"
                   " FROM study WHERE uid = ?1",
    [FIND_SERIES] = "SELECT id, next, classes FROM series WHERE uid = ?1 AND study = ?2",
    [FIND_PATIENT] = "SELECT id, extra FROM patient WHERE pid = ?1 AND issuer = ?2 AND apart = ?3",
    [GET_PATIENT] = "SELECT pid, issuer, apart, extra FROM patient WHERE id = ?1",
    [FIND_EQUIPMENT] = "SELECT id FROM equipment WHERE extra = ?1",
    [FIND_TERM] = "SELECT id FROM term WHERE value = ?1",
    [FIND_MARK] = "SELECT done FROM pack WHERE id = ?1",
    [FIND_CONFLICT] = "SELECT id FROM conflict WHERE pack = ?1 AND at = ?2",
    [ADD_PATIENT] = "INSERT INTO patient (pid, issuer, apart, extra) VALUES (?1, ?2, ?3, ?4)",
    [ADD_NAME] = "INSERT INTO patient_name (name, patient) VALUES (?1, ?2)"
                 " ON CONFLICT DO NOTHING",
    [ADD_GRAM] = "INSERT INTO patient_gram (rowid, name) VALUES (?1, ?2)",
    [ADD_STUDY] = "INSERT INTO study (uid, patient, date, time, series, instances, flags,"
                  " accession, modalities, extra) VALUES (?1, ?2, ?3, ?4, 0, 0, 0, ?5, '', ?6)",
    [ADD_SERIES] = "INSERT INTO series (uid, study, number, equipment, instances, next, modality,"
                   " classes, extra) VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, x'', ?6)",
    [ADD_INSTANCE] = "INSERT INTO instance (id, uid, class, syntax, number, rows, columns, frames,"
                     " size, pack, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [ADD_UID] = "INSERT INTO instance_uid (key, id) VALUES (?1, ?2)",
    [ADD_EQUIPMENT] = "INSERT INTO equipment (extra) VALUES (?1)",
    [ADD_TERM] = "INSERT INTO term (value) VALUES (?1)",
    [ADD_CONFLICT] = "INSERT INTO conflict (uid, pack, at, size, received)"
                     " VALUES (?1, ?2, ?3, ?4, ?5)",
    [ADD_MARK] = "INSERT INTO pack (id, done, instances, bytes) VALUES (?1, 0, 0, 0)",
    [COUNT_SERIES] = "UPDATE series SET instances = instances + 1, next = ?2, classes = ?3"
                     " WHERE id = ?1",
    [COUNT_STUDY] = "UPDATE study SET instances = instances + 1, series = series + ?2,"
                    " modalities = ?3 WHERE id = ?1",
    [FLAG_STUDY] = "UPDATE study SET flags = ?2 WHERE id = ?1",
    [FILL_PATIENT] = "UPDATE patient SET extra = ?2 WHERE id = ?1",
    [FILL_STUDY] = "UPDATE study SET extra = ?2, date = ?3, time = ?4, accession = ?5"
                   " WHERE id = ?1",
    [SET_MARK] = "UPDATE pack SET done = ?2 WHERE id = ?1",
    [TALLY] = "UPDATE pack SET done = ?2, instances = instances + 1, bytes = bytes + ?3"
              " WHERE id = ?1",
};

err_t rows_new(struct sql *db, struct packs *packs, struct rows **ret, struct diag *d)
{
    struct rows *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    *r = (struct rows){.db = db, .packs = packs};
    err_t e = schema_seed(db, r->seed, d);
    for (int i = 0; e == OK && i < STATEMENTS; i++)
        e = sql_prepare(db, str_z(texts[i]), &r->q[i], d);
    if (e != OK)
        rows_free(r);
    else
        *ret = r;
    return e;
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sql_free(r->q[i]);
    marks_done(&r->marks);
    free(r);
}

void rows_forget(struct rows *r)
{
    memset(r->terms, 0, sizeof r->terms);
    marks_clear(&r->marks);
}

const uint8_t *rows_seed(const struct rows *r)
{
    return r->seed;
}

err_t rows_find(struct sql_stmt *find, const uint8_t seed[UID_SEED_SIZE], struct str uid,
                struct instance_place *ret)
{
    struct uid_packed packed = uid_pack(uid);
    bool row;
    sql_bind_i64(find, 1, uid_key(seed, uid));
    *ret = (struct instance_place){0};
    for (;;) {
        TRY(sql_step(find, &row));
        if (!row)
            return OK;
        if (!str_eq(sql_blob(find, 3), uid_packed_str(&packed)))
            continue;
        *ret = (struct instance_place){sql_i64(find, 0),
                                       {(uint32_t)sql_i64(find, 1), (uint64_t)sql_i64(find, 2)}};
        sql_reset(find);
        return OK;
    }
}

err_t rows_find_id(struct sql_stmt *q, int64_t *ret)
{
    bool row;
    TRY(sql_step(q, &row));
    *ret = row ? sql_i64(q, 0) : 0;
    sql_reset(q);
    return OK;
}

static err_t add_conflict(struct rows *r, const struct entry *e)
{
    struct uid_packed uid = uid_pack(e->text[ENTRY_SOP_UID]);
    struct sql_stmt *q = r->q[FIND_CONFLICT];
    int64_t there;
    sql_bind_i64(q, 1, e->info.place.pack);
    sql_bind_i64(q, 2, (int64_t)e->info.place.offset);
    TRY(rows_find_id(q, &there));
    if (there)
        return OK;
    q = r->q[ADD_CONFLICT];
    sql_bind_blob(q, 1, uid_packed_str(&uid));
    sql_bind_i64(q, 2, e->info.place.pack);
    sql_bind_i64(q, 3, (int64_t)e->info.place.offset);
    sql_bind_i64(q, 4, (int64_t)e->size);
    sql_bind_i64(q, 5, e->info.received_us);
    return sql_run(q);
}

/* Two records with one UID and no mark of which was first: a crash between a record and its answer
 * makes the sender send again. Equal ones are one object. */
static err_t same_object(struct rows *r, struct pack_place first, const struct entry *e, bool *ret,
                         struct diag *d)
{
    struct pack_reader *reader;
    err_t err = pack_read(r->packs, first, &reader, d);
    *ret = false;
    if (err != OK)
        return err == E_DAMAGED || err == E_NOTFOUND ? OK : err;
    *ret = !memcmp(pack_reader_info(reader)->digest, e->info.digest, DIGEST_SIZE);
    pack_reader_free(reader);
    return OK;
}

static err_t decide(struct rows *r, const struct entry *e, enum rows_outcome *ret, struct diag *d)
{
    struct instance_place first;
    bool same;
    *ret = ROWS_CONFLICT;
    if (e->info.flags & PACK_CONFLICT)
        return OK;
    TRY(rows_find(r->q[FIND_UID], r->seed, e->text[ENTRY_SOP_UID], &first));
    *ret = ROWS_NEW;
    if (!first.id)
        return OK;
    *ret = ROWS_KNOWN;
    if (first.place.pack == e->info.place.pack && first.place.offset == e->info.place.offset)
        return OK;
    TRY(same_object(r, first.place, e, &same, d));
    *ret = same ? ROWS_KNOWN : ROWS_CONFLICT;
    return OK;
}

static err_t find_mark(struct rows *r, uint32_t pack, struct mark **ret)
{
    if ((*ret = marks_find(&r->marks, pack)))
        return OK;
    struct sql_stmt *q = r->q[FIND_MARK];
    bool row;
    sql_bind_i64(q, 1, pack);
    TRY(sql_step(q, &row));
    uint64_t done = row ? (uint64_t)sql_i64(q, 0) : 0;
    sql_reset(q);
    if (!row) {
        sql_bind_i64(r->q[ADD_MARK], 1, pack);
        TRY(sql_run(r->q[ADD_MARK]));
    }
    *ret = marks_add(&r->marks, pack, done);
    return *ret ? OK : E_NOMEM;
}

static err_t note(struct rows *r, const struct entry *e, bool is_new)
{
    struct mark *m;
    TRY(find_mark(r, e->info.place.pack, &m));
    mark_record(m, r->packs, e->info.place.offset, e->info.end);
    struct sql_stmt *q = r->q[is_new ? TALLY : SET_MARK];
    sql_bind_i64(q, 1, m->pack);
    sql_bind_i64(q, 2, (int64_t)m->done);
    if (is_new)
        sql_bind_i64(q, 3, (int64_t)e->size);
    return sql_run(q);
}

static err_t add(struct rows *r, const struct entry *e, enum rows_outcome *ret, struct diag *d)
{
    TRY(decide(r, e, ret, d));
    if (*ret == ROWS_NEW)
        TRY(rows_add_instance(r, e));
    else if (*ret == ROWS_CONFLICT)
        TRY(add_conflict(r, e));
    return note(r, e, *ret == ROWS_NEW);
}

err_t rows_add(struct rows *r, const struct entry *e, enum rows_outcome *ret, struct diag *d)
{
    enum rows_outcome outcome;
    err_t err = add(r, e, &outcome, d);
    if (err == OK)
        *ret = outcome;
    else
        rows_forget(r);
    return err;
}

err_t rows_mark(struct rows *r, uint32_t pack, uint64_t end, struct diag *d)
{
    struct mark *m;
    (void)d;
    TRY(find_mark(r, pack, &m));
    if (end <= m->done)
        return OK;
    m->done = end;
    sql_bind_i64(r->q[SET_MARK], 1, pack);
    sql_bind_i64(r->q[SET_MARK], 2, (int64_t)end);
    return sql_run(r->q[SET_MARK]);
}

err_t rows_marked(struct rows *r, uint32_t pack, uint64_t *ret, struct diag *d)
{
    struct mark *m;
    (void)d;
    TRY(find_mark(r, pack, &m));
    *ret = m->done;
    return OK;
}
