#include "survey/inventory/schema.h"

#include <stdio.h>

#include "base/size.h"

/* In the database's header, so that another program's file is known as such. */
enum { APPLICATION_ID = 0x4c73496e }; /* "LsIn" */

/* Each step makes the next version of what the one before left. A step is never changed once it was
 * released: another is added.
 *
 * `place` and `host` are keys of place.h. Endpoints are rows in the order in which they came, in
 * batches that are sorted: rows then lie together as they are read, and a new one costs one page of
 * the small index instead of one of the table. */
static const char *const STEPS[] = {
    [0] = "CREATE TABLE survey(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
          " uid BLOB NOT NULL, began INTEGER NOT NULL, changed INTEGER NOT NULL,"
          " concluded INTEGER NOT NULL, stamp INTEGER NOT NULL);"

          "CREATE TABLE run(id INTEGER PRIMARY KEY, survey INTEGER NOT NULL, uid BLOB NOT NULL,"
          " source TEXT NOT NULL, input TEXT NOT NULL, shard TEXT NOT NULL, note TEXT NOT NULL,"
          " began INTEGER NOT NULL, ended INTEGER NOT NULL, position INTEGER NOT NULL,"
          " records INTEGER NOT NULL, bad INTEGER NOT NULL, packets INTEGER NOT NULL,"
          " bytes_out INTEGER NOT NULL, finished INTEGER NOT NULL, superseded INTEGER NOT NULL,"
          " UNIQUE(survey, uid));"

          "CREATE TABLE endpoint(id INTEGER PRIMARY KEY, survey INTEGER NOT NULL,"
          " place BLOB NOT NULL, run INTEGER NOT NULL, first INTEGER NOT NULL,"
          " span INTEGER NOT NULL, evidence BLOB NOT NULL);"
          "CREATE UNIQUE INDEX endpoint_place ON endpoint(survey, place);"

          "CREATE TABLE touch(run INTEGER NOT NULL, place BLOB NOT NULL,"
          " PRIMARY KEY(run, place)) WITHOUT ROWID;"

          "CREATE TABLE flow(id INTEGER PRIMARY KEY, survey INTEGER NOT NULL,"
          " client BLOB NOT NULL, server BLOB NOT NULL, protocol TEXT NOT NULL,"
          " clear INTEGER NOT NULL, vantage TEXT NOT NULL, run INTEGER NOT NULL,"
          " connections INTEGER NOT NULL, bytes INTEGER NOT NULL, messages INTEGER NOT NULL,"
          " fields TEXT NOT NULL, details TEXT NOT NULL, client_mac TEXT NOT NULL,"
          " server_mac TEXT NOT NULL);"
          "CREATE UNIQUE INDEX flow_key ON"
          " flow(survey, server, client, protocol, clear, vantage, run);"

          "CREATE TABLE note(survey INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
          " PRIMARY KEY(survey, name)) WITHOUT ROWID;"

          "CREATE TABLE merged(survey INTEGER NOT NULL, digest BLOB NOT NULL,"
          " PRIMARY KEY(survey, digest)) WITHOUT ROWID;"

          "CREATE TABLE risk(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
          " cve TEXT NOT NULL, place TEXT NOT NULL, owner TEXT NOT NULL, why TEXT NOT NULL,"
          " until TEXT NOT NULL);"

          "CREATE TABLE system(id INTEGER PRIMARY KEY, survey INTEGER NOT NULL,"
          " host BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
          " changed INTEGER NOT NULL, port INTEGER, ports TEXT, type TEXT, type_conf INTEGER,"
          " type_why TEXT, product_vendor TEXT, product_name TEXT, product_version TEXT,"
          " product_conf INTEGER, product_why TEXT, toolkit_vendor TEXT, toolkit_name TEXT,"
          " toolkit_version TEXT, toolkit_conf INTEGER, toolkit_why TEXT, vendor_vendor TEXT,"
          " vendor_name TEXT, vendor_version TEXT, vendor_conf INTEGER, vendor_why TEXT,"
          " level INTEGER, open_calling INTEGER, open_called INTEGER, open_query INTEGER,"
          " open_retrieve INTEGER, open_store INTEGER, open_print INTEGER, cleartext INTEGER,"
          " tls INTEGER, web_open INTEGER, is_public INTEGER, studies INTEGER, images INTEGER,"
          " clear_objects INTEGER, clear_values INTEGER, clear_fields TEXT, hostname TEXT,"
          " country TEXT, city TEXT, site TEXT, zone TEXT, owner TEXT, organisation TEXT,"
          " maker TEXT, stale INTEGER);"
          "CREATE INDEX system_host ON system(survey, host, port);"

          "CREATE TABLE finding(id INTEGER PRIMARY KEY, survey INTEGER NOT NULL,"
          " system INTEGER NOT NULL, severity INTEGER NOT NULL, kind TEXT, level INTEGER,"
          " port INTEGER, evidence TEXT, state INTEGER, cve TEXT, advisory TEXT,"
          " cvss_source TEXT, component TEXT, cvss INTEGER, exploited INTEGER, refs TEXT);"
          "CREATE INDEX finding_system ON finding(survey, system, severity DESC);",

    [1] = "ALTER TABLE finding ADD COLUMN evidence_it TEXT NOT NULL DEFAULT '';"
          "ALTER TABLE finding ADD COLUMN cves TEXT NOT NULL DEFAULT '';",
};

static err_t number(struct sql *db, struct str text, int64_t *ret, struct diag *d)
{
    struct sql_stmt *q;
    bool row;
    TRY(sql_prepare(db, text, &q, d));
    err_t e = sql_step(q, &row);
    if (e == OK)
        *ret = row ? sql_i64(q, 0) : 0;
    else
        diag_set(d, e, "%s", diag_text(sql_diag(db), e));
    sql_free(q);
    return e;
}

/* A file that came from elsewhere may hold anything that its key was known for: only tables and
 * indexes are ours, none that another's code would compute. */
static err_t refuse_foreign(struct sql *db, int64_t *ret_version, struct diag *d)
{
    int64_t id, odd, tables;
    TRY(number(db, STR("PRAGMA application_id"), &id, d));
    TRY(number(db, STR("PRAGMA user_version"), ret_version, d));
    TRY(number(db, STR("SELECT count(*) FROM sqlite_schema"), &tables, d));
    TRY(number(db,
               STR("SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table','index') OR "
                   "sql LIKE '%virtual%' OR sql LIKE '%generated%' OR sql LIKE '% as (%' OR "
                   "sql LIKE '%check%'"),
               &odd, d));
    if (*ret_version == 0 && tables == 0)
        return OK;
    if (id != APPLICATION_ID || odd > 0)
        return diag_set(d, E_DENIED, "the database is not an inventory of ours");
    if (*ret_version < 0 || *ret_version > (int64_t)COUNT(STEPS))
        return diag_set(d, E_UNSUPPORTED,
                        "the inventory is of version %lld and this program knows %zu: it was made "
                        "by a newer one",
                        (long long)*ret_version, COUNT(STEPS));
    return OK;
}

err_t tables_check(struct sql *db, bool *ret_old, struct diag *d)
{
    int64_t version;
    TRY(refuse_foreign(db, &version, d));
    *ret_old = version < (int64_t)COUNT(STEPS);
    return OK;
}

static err_t steps_from(struct sql *db, size_t version, struct diag *d)
{
    char text[96];
    for (size_t i = version; i < COUNT(STEPS); i++)
        TRY(sql_exec(db, STEPS[i], d));
    snprintf(text, sizeof text, "PRAGMA application_id=%d;PRAGMA user_version=%zu", APPLICATION_ID,
             COUNT(STEPS));
    return sql_exec(db, text, d);
}

err_t schema_update(struct sql *db, struct diag *d)
{
    int64_t version;
    TRY(refuse_foreign(db, &version, d));
    if (version == (int64_t)COUNT(STEPS))
        return OK;
    TRY(sql_exec(db, "BEGIN IMMEDIATE", d));
    err_t e = steps_from(db, (size_t)version, d);
    if (e == OK)
        e = sql_exec(db, "COMMIT", d);
    if (e != OK)
        sql_rollback(db);
    return e;
}
