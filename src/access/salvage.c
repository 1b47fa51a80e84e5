#include "access/salvage.h"

#include "base/size.h"

/* Each table: its rows out, its rows in, and the type of each column, t for text, i for number. */
static const struct {
    const char *select, *insert, *types;
} tables[] = {
    {"SELECT name, number FROM setting",
     "INSERT INTO setting (name, number) VALUES (?1, ?2)"
     " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
     "ti"},
    {"SELECT aet, grants, cleartext, host, port, tls, associations, objects, bytes, added_us"
     " FROM peer",
     "INSERT INTO peer (aet, grants, cleartext, host, port, tls, associations, objects, bytes,"
     " added_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
     "tittiiiiii"},
    {"SELECT aet, place, network FROM peer_network",
     "INSERT INTO peer_network (aet, place, network) VALUES (?1, ?2, ?3)", "tit"},
    {"SELECT fingerprint, aet, place, expires FROM peer_cert",
     "INSERT INTO peer_cert (fingerprint, aet, place, expires) VALUES (?1, ?2, ?3, ?4)", "ttii"},
    {"SELECT aet, place, destination FROM peer_destination",
     "INSERT INTO peer_destination (aet, place, destination) VALUES (?1, ?2, ?3)", "tit"},
    {"SELECT fingerprint, aet, revoked_us FROM cert_revoked",
     "INSERT INTO cert_revoked (fingerprint, aet, revoked_us) VALUES (?1, ?2, ?3)", "tti"},
    {"SELECT name, role, hash, locked, failures, failed_us, changed_us FROM account",
     "INSERT INTO account (name, role, hash, locked, failures, failed_us, changed_us)"
     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
     "tttiiii"},
};

static err_t copy_row(struct sql_stmt *in, struct sql_stmt *out, const char *types)
{
    for (int i = 0; types[i]; i++) {
        if (types[i] == 't')
            sql_bind_text(out, i + 1, sql_text(in, i));
        else
            sql_bind_i64(out, i + 1, sql_i64(in, i));
    }
    return sql_run(out);
}

static err_t copy_table(struct sql *from, struct sql *to, size_t t, struct diag *d)
{
    struct sql_stmt *in = NULL, *out = NULL;
    bool row;
    err_t e = sql_prepare(from, str_z(tables[t].select), &in, d);
    if (e == OK)
        e = sql_prepare(to, str_z(tables[t].insert), &out, d);
    while (e == OK && (e = sql_step(in, &row)) == OK && row)
        e = copy_row(in, out, tables[t].types);
    sql_free(in);
    sql_free(out);
    return e;
}

err_t access_salvage(struct sql *from, struct sql *to, struct diag *d)
{
    TRY(sql_begin(to));
    err_t e = OK;
    for (size_t t = 0; e == OK && t < COUNT(tables); t++)
        e = copy_table(from, to, t, d);
    if (e == OK)
        e = sql_commit(to);
    if (e != OK)
        sql_rollback(to);
    return e;
}
