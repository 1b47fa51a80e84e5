#include "archive/schema.h"

#include "base/size.h"

/* Where the engines differ in words: a table clustered on its primary key, and the trigram index
 * over folded names (PostgreSQL: nothing, and pg_trgm's GIN index). */
#define CLUSTERED " WITHOUT ROWID"
#define GRAM_TABLE                                                                                 \
    "CREATE VIRTUAL TABLE patient_gram USING fts5(name, content='', detail=none, columnsize=0,"    \
    " contentless_delete=0, tokenize='trigram case_sensitive 1');"

/* Version n is made from n - 1 by steps[n - 1]; version 0 is an empty database. A step that has
 * been released is never changed. */
static const char *const steps[SCHEMA_VERSION] = {
    "CREATE TABLE patient (id INTEGER PRIMARY KEY, pid TEXT NOT NULL, issuer TEXT NOT NULL,"
    " apart TEXT NOT NULL, extra BLOB NOT NULL);"
    "CREATE UNIQUE INDEX patient_pid ON patient (pid, issuer, apart);"
    /* Each component group of the name, folded. */
    "CREATE TABLE patient_name (name TEXT NOT NULL, patient INTEGER NOT NULL,"
    " PRIMARY KEY (name, patient))" CLUSTERED ";" GRAM_TABLE

    /* date: yyyymmdd, 0 unknown; time: seconds, -1 unknown. */
    "CREATE TABLE study (id INTEGER PRIMARY KEY, uid BLOB NOT NULL, patient INTEGER NOT NULL,"
    " date INTEGER NOT NULL, time INTEGER NOT NULL, series INTEGER NOT NULL, instances INTEGER NOT "
    "NULL,"
    " flags INTEGER NOT NULL, accession TEXT NOT NULL, modalities TEXT NOT NULL,"
    " extra BLOB NOT NULL);"
    "CREATE UNIQUE INDEX study_uid ON study (uid);"
    "CREATE INDEX study_patient ON study (patient);"
    "CREATE INDEX study_date ON study (date, time);"
    "CREATE INDEX study_accession ON study (accession) WHERE accession <> '';"
    "CREATE INDEX study_flags ON study (flags) WHERE flags <> 0;"

    /* A series UID names a series within its study: objects of two studies that share one by
     * mistake stay in their studies. classes: ids in `term`. */
    "CREATE TABLE series (id INTEGER PRIMARY KEY, uid BLOB NOT NULL, study INTEGER NOT NULL,"
    " number INTEGER, equipment INTEGER NOT NULL, instances INTEGER NOT NULL,"
    " next INTEGER NOT NULL, modality TEXT NOT NULL, classes BLOB NOT NULL, extra BLOB NOT NULL);"
    "CREATE UNIQUE INDEX series_uid ON series (uid, study);"
    "CREATE INDEX series_study ON series (study);"

    "CREATE TABLE instance (id INTEGER PRIMARY KEY, uid BLOB NOT NULL, class INTEGER NOT NULL,"
    " syntax INTEGER NOT NULL, number INTEGER, rows INTEGER, columns INTEGER, frames INTEGER,"
    " size INTEGER NOT NULL, pack INTEGER NOT NULL, at INTEGER NOT NULL);"
    "CREATE TABLE instance_uid (key INTEGER NOT NULL, id INTEGER NOT NULL,"
    " PRIMARY KEY (key, id))" CLUSTERED ";"

    /* What stands beside its series again and again, once. */
    "CREATE TABLE equipment (id INTEGER PRIMARY KEY, extra BLOB NOT NULL UNIQUE);"
    "CREATE TABLE term (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);"

    /* Objects whose UID was taken by others: kept aside. */
    "CREATE TABLE conflict (id INTEGER PRIMARY KEY, uid BLOB NOT NULL, pack INTEGER NOT NULL,"
    " at INTEGER NOT NULL, size INTEGER NOT NULL, received INTEGER NOT NULL, UNIQUE (pack, at));"
    "CREATE INDEX conflict_uid ON conflict (uid);"

    /* Objects without a row that the packs are still to drop (remove.h). */
    "CREATE TABLE removal (pack INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (pack, at))" CLUSTERED ";"

    /* For each pack: up to where its records are in the index, and how much of it is live. */
    "CREATE TABLE pack (id INTEGER PRIMARY KEY, done INTEGER NOT NULL,"
    " instances INTEGER NOT NULL, bytes INTEGER NOT NULL);",
};

static err_t prepare_text(struct sql *s, const char *text, struct sql_stmt **ret, struct diag *d)
{
    return sql_prepare(s, str_z(text), ret, d);
}

static err_t read_setting(struct sql *s, struct str name, uint8_t *ret, size_t n, bool *ret_there,
                          struct diag *d)
{
    struct sql_stmt *q;
    TRY(prepare_text(s, "SELECT value FROM archive_setting WHERE name = ?1", &q, d));
    sql_bind_text(q, 1, name);
    err_t e = sql_step(q, ret_there);
    if (e == OK && *ret_there) {
        struct str value = sql_blob(q, 0);
        if (value.n == n)
            memcpy(ret, value.p, n);
        else
            e = diag_set(d, E_DAMAGED, "the index's setting \"%.*s\" has a wrong size",
                         STR_ARG(name));
    }
    sql_free(q);
    return e;
}

static err_t write_setting(struct sql *s, struct str name, struct str value, struct diag *d)
{
    struct sql_stmt *q;
    TRY(prepare_text(s,
                     "INSERT INTO archive_setting (name, value) VALUES (?1, ?2)"
                     " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                     &q, d));
    sql_bind_text(q, 1, name);
    sql_bind_blob(q, 2, value);
    err_t e = sql_run(q);
    sql_free(q);
    return e;
}

static err_t read_version(struct sql *s, uint8_t *ret, struct diag *d)
{
    bool there;
    TRY(read_setting(s, STR("version"), ret, 1, &there, d));
    if (!there)
        *ret = 0;
    if (*ret > SCHEMA_VERSION)
        return diag_set(d, E_UNSUPPORTED,
                        "the index has version %u, this program knows up to %u: use the newer one",
                        *ret, SCHEMA_VERSION);
    return OK;
}

static err_t make_seed(struct sql *s, struct diag *d)
{
    uint8_t seed[16];
    TRY(crypto_random(seed, sizeof seed));
    return write_setting(s, STR("seed"), str_of(seed, sizeof seed), d);
}

static err_t migrate(struct sql *s, struct diag *d)
{
    uint8_t version;
    TRY(sql_exec(s,
                 "CREATE TABLE IF NOT EXISTS archive_setting (name TEXT PRIMARY KEY,"
                 " value BLOB NOT NULL)",
                 d));
    TRY(read_version(s, &version, d));
    if (version == SCHEMA_VERSION)
        return OK;
    if (!version)
        TRY(make_seed(s, d));
    for (; version < SCHEMA_VERSION; version++)
        TRY(sql_exec(s, steps[version], d));
    return write_setting(s, STR("version"), str_of(&version, 1), d);
}

err_t schema_prepare(struct sql *s, struct diag *d)
{
    TRY(sql_begin(s));
    err_t e = migrate(s, d);
    if (e == OK)
        e = sql_commit(s);
    if (e != OK)
        sql_rollback(s);
    return e;
}

err_t schema_check(struct sql *s, struct diag *d)
{
    uint8_t version;
    TRY(read_version(s, &version, d));
    if (version != SCHEMA_VERSION)
        return diag_set(d, E_UNSUPPORTED,
                        "the index has version %u and not %u: start the archive once", version,
                        SCHEMA_VERSION);
    return OK;
}

err_t schema_seed(struct sql *s, uint8_t ret[16], struct diag *d)
{
    bool there;
    TRY(read_setting(s, STR("seed"), ret, 16, &there, d));
    return there ? OK : diag_set(d, E_DAMAGED, "the index has no seed");
}
