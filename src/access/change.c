/* Changes of the registry's peers: each one transaction. */
#include "access/registry.h"
#include "base/size.h"
#include "io/clock.h"

struct peer_change {
    const struct peer *peer;
    struct str aet;
};

static struct str fingerprint_text(const uint8_t sha256[FINGERPRINT_SIZE],
                                   char buf[FINGERPRINT_TEXT])
{
    struct wr w = wr_fixed(buf, FINGERPRINT_TEXT);
    wr_hex(&w, str_of(sha256, FINGERPRINT_SIZE));
    return wr_str(&w);
}

/* Limits that are not set stand as -1. */
static int64_t limit_row(uint64_t limit)
{
    return limit == LIMIT_DEFAULT ? -1 : limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
}

static err_t write_row(struct sql *s, const struct peer *p, struct diag *d)
{
    STATEMENT q = NULL;
    TRY(sql_prepare(s,
                    STR("INSERT INTO peer (aet, grants, cleartext, host, port, tls, associations,"
                        " objects, bytes, added_us)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
                    &q, d));
    sql_bind_text(q, 1, str_z(p->aet));
    sql_bind_i64(q, 2, p->grants);
    sql_bind_text(q, 3, str_z(p->cleartext));
    sql_bind_text(q, 4, str_z(p->host));
    sql_bind_i64(q, 5, p->port);
    sql_bind_i64(q, 6, p->tls);
    sql_bind_i64(q, 7, limit_row(p->limits.associations));
    sql_bind_i64(q, 8, limit_row(p->limits.objects_per_second));
    sql_bind_i64(q, 9, limit_row(p->limits.bytes_per_second));
    sql_bind_i64(q, 10, p->added_us ? p->added_us : clock_wall_us());
    return sql_run(q);
}

static err_t write_listed(struct sql *s, struct str text, const char *aet, size_t place,
                          struct str value, struct diag *d)
{
    STATEMENT q = NULL;
    TRY(sql_prepare(s, text, &q, d));
    sql_bind_text(q, 1, str_z(aet));
    sql_bind_i64(q, 2, (int64_t)place);
    sql_bind_text(q, 3, value);
    return sql_run(q);
}

static err_t write_cert(struct sql *s, const struct peer *p, size_t place, struct diag *d)
{
    char text[FINGERPRINT_TEXT];
    struct str fingerprint = fingerprint_text(p->certs[place].sha256, text);
    STATEMENT q = NULL;
    TRY(sql_prepare(s,
                    STR("INSERT INTO peer_cert (fingerprint, aet, place, expires)"
                        " VALUES (?1, ?2, ?3, ?4)"),
                    &q, d));
    sql_bind_text(q, 1, fingerprint);
    sql_bind_text(q, 2, str_z(p->aet));
    sql_bind_i64(q, 3, (int64_t)place);
    sql_bind_i64(q, 4, p->certs[place].expires);
    err_t e = sql_run(q);
    if (e == E_EXISTS)
        return diag_set(
            d, E_EXISTS,
            "certificate %.16s... belongs to another peer already; a certificate proves "
            "one identity",
            text);
    TRY(e);
    return registry_run(s, STR("DELETE FROM cert_revoked WHERE fingerprint = ?1"), &fingerprint, 1,
                        d);
}

static err_t write_peer(struct sql *s, const struct peer *p, struct diag *d)
{
    TRY(write_row(s, p, d));
    for (size_t i = 0; i < p->n_networks; i++)
        TRY(write_listed(s,
                         STR("INSERT INTO peer_network (aet, place, network) VALUES (?1, ?2, ?3)"),
                         p->aet, i, str_z(p->networks[i].text), d));
    for (size_t i = 0; i < p->n_destinations; i++)
        TRY(write_listed(
            s, STR("INSERT INTO peer_destination (aet, place, destination) VALUES (?1, ?2, ?3)"),
            p->aet, i, str_z(p->destinations[i]), d));
    for (size_t i = 0; i < p->n_certs; i++)
        TRY(write_cert(s, p, i, d));
    return OK;
}

/* Takes a peer's rows away. Its certificates are withdrawn with it; a row that is written again
 * takes back those that stay. */
static err_t erase_peer(struct sql *s, struct str aet, struct diag *d)
{
    static const struct str texts[] = {
        STR_INIT("DELETE FROM peer_network WHERE aet = ?1"),
        STR_INIT("DELETE FROM peer_cert WHERE aet = ?1"),
        STR_INIT("DELETE FROM peer_destination WHERE aet = ?1"),
        STR_INIT("DELETE FROM peer WHERE aet = ?1"),
    };
    STATEMENT q = NULL;
    TRY(sql_prepare(s,
                    STR("INSERT INTO cert_revoked (fingerprint, aet, revoked_us)"
                        " SELECT fingerprint, aet, ?2 FROM peer_cert WHERE aet = ?1"
                        " ON CONFLICT DO NOTHING"),
                    &q, d));
    sql_bind_text(q, 1, aet);
    sql_bind_i64(q, 2, clock_wall_us());
    TRY(sql_run(q));
    for (size_t i = 0; i < COUNT(texts); i++)
        TRY(registry_run(s, texts[i], &aet, 1, d));
    if (sql_changes(s) == 0)
        return diag_set(d, E_NOTFOUND, "there is no peer %.*s; `lastra peer list` names them all",
                        (int)size_min(aet.n, AET_MAX), aet.p);
    return OK;
}

static err_t count_peers(struct sql *s, struct diag *d)
{
    STATEMENT q = NULL;
    bool row;
    TRY(sql_prepare(s, STR("SELECT count(*) FROM peer"), &q, d));
    TRY(sql_step(q, &row));
    if (row && sql_i64(q, 0) >= PEERS_MAX)
        return diag_set(d, E_LIMIT, "there are %d peers already, and more are not kept", PEERS_MAX);
    return OK;
}

static err_t do_add(void *ctx, struct sql *s, struct diag *d)
{
    const struct peer_change *c = ctx;
    TRY(count_peers(s, d));
    err_t e = write_peer(s, c->peer, d);
    if (e == E_EXISTS && d && !d->text[0])
        return diag_set(d, e, "there is a peer %s already; `lastra peer change` changes it",
                        c->peer->aet);
    return e;
}

static err_t do_change(void *ctx, struct sql *s, struct diag *d)
{
    const struct peer_change *c = ctx;
    TRY(erase_peer(s, str_z(c->peer->aet), d));
    return write_peer(s, c->peer, d);
}

static err_t do_remove(void *ctx, struct sql *s, struct diag *d)
{
    const struct peer_change *c = ctx;
    TRY(registry_run(s, STR("DELETE FROM peer_destination WHERE destination = ?1"), &c->aet, 1, d));
    return erase_peer(s, c->aet, d);
}

err_t access_add_peer(struct access *a, const struct peer *p, struct diag *d)
{
    TRY(peer_check(p, a->public_networks, a->n_public_networks, d));
    return registry_change(a, do_add, &(struct peer_change){.peer = p}, d);
}

err_t access_change_peer(struct access *a, const struct peer *p, struct diag *d)
{
    TRY(peer_check(p, a->public_networks, a->n_public_networks, d));
    return registry_change(a, do_change, &(struct peer_change){.peer = p}, d);
}

err_t access_remove_peer(struct access *a, struct str aet, struct diag *d)
{
    return registry_change(a, do_remove, &(struct peer_change){.aet = aet}, d);
}
