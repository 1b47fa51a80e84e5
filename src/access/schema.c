#include "access/registry.h"

/* The text holds for both engines of the seam: no names that either reserves, keys that we make
 * ourselves, fingerprints as text. */
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS setting ("
    " name TEXT PRIMARY KEY NOT NULL, number BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS peer ("
    " aet TEXT PRIMARY KEY NOT NULL, grants BIGINT NOT NULL, cleartext TEXT NOT NULL,"
    " host TEXT NOT NULL, port BIGINT NOT NULL, tls BIGINT NOT NULL,"
    " associations BIGINT NOT NULL, objects BIGINT NOT NULL, bytes BIGINT NOT NULL,"
    " added_us BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS peer_network ("
    " aet TEXT NOT NULL, place BIGINT NOT NULL, network TEXT NOT NULL,"
    " PRIMARY KEY (aet, place));"
    "CREATE TABLE IF NOT EXISTS peer_cert ("
    " fingerprint TEXT PRIMARY KEY NOT NULL, aet TEXT NOT NULL, place BIGINT NOT NULL,"
    " expires BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS peer_destination ("
    " aet TEXT NOT NULL, place BIGINT NOT NULL, destination TEXT NOT NULL,"
    " PRIMARY KEY (aet, place));"
    "CREATE TABLE IF NOT EXISTS cert_revoked ("
    " fingerprint TEXT PRIMARY KEY NOT NULL, aet TEXT NOT NULL, revoked_us BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS account ("
    " name TEXT PRIMARY KEY NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL,"
    " locked BIGINT NOT NULL, failures BIGINT NOT NULL, failed_us BIGINT NOT NULL,"
    " changed_us BIGINT NOT NULL);"
    "INSERT INTO setting (name, number) VALUES ('access.schema', 1) ON CONFLICT DO NOTHING;"
    "INSERT INTO setting (name, number) VALUES ('access.generation', 1) ON CONFLICT DO NOTHING;";

enum { SCHEMA_VERSION = 1 };

static err_t schema_version(struct sql *s, int64_t *ret, struct diag *d)
{
    STATEMENT q = NULL;
    TRY(sql_prepare(s, STR("SELECT number FROM setting WHERE name = 'access.schema'"), &q, d));
    bool row;
    TRY(sql_step(q, &row));
    *ret = row ? sql_i64(q, 0) : 0;
    return OK;
}

static bool has_tables(struct sql *s)
{
    int64_t version;
    return schema_version(s, &version, NULL) == OK && version == SCHEMA_VERSION;
}

err_t access_schema(struct sql *s, struct diag *d)
{
    /* Looking first keeps a plain opening from taking the write lock. */
    if (has_tables(s))
        return OK;
    TRY(sql_begin(s));
    err_t e = sql_exec(s, tables, d);
    int64_t version = 0;
    if (e == OK)
        e = schema_version(s, &version, d);
    if (e == OK && version > SCHEMA_VERSION)
        e = diag_set(d, E_UNSUPPORTED,
                     "the registry of peers and users was written by a newer version of Lastra");
    if (e == OK)
        e = sql_commit(s);
    if (e != OK)
        sql_rollback(s);
    return e;
}
