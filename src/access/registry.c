#include "access/registry.h"

#include <stdlib.h>

#include "base/size.h"

static void copy_text(char *to, size_t cap, struct str from)
{
    if (!str_to_z(from, to, cap))
        to[0] = '\0';
}

err_t registry_generation(struct access *a, int64_t *ret)
{
    bool row;
    TRY(sql_step(a->generation, &row));
    if (!row)
        return E_INDEX;
    *ret = sql_i64(a->generation, 0);
    sql_reset(a->generation);
    return OK;
}

void registry_free(struct snapshot *s)
{
    if (!s)
        return;
    free(s->list);
    free(s->revoked);
    free(s);
}

static uint64_t limit_of(struct sql_stmt *q, int col)
{
    return sql_i64(q, col) < 0 ? LIMIT_DEFAULT : (uint64_t)sql_i64(q, col);
}

static struct peer peer_of_row(struct sql_stmt *q)
{
    struct peer p = peer_new();
    copy_text(p.aet, sizeof p.aet, sql_text(q, 0));
    p.grants = (uint32_t)sql_i64(q, 1);
    copy_text(p.cleartext, sizeof p.cleartext, sql_text(q, 2));
    copy_text(p.host, sizeof p.host, sql_text(q, 3));
    p.port = (uint16_t)sql_i64(q, 4);
    p.tls = sql_i64(q, 5) != 0;
    p.limits = (struct peer_limits){limit_of(q, 6), limit_of(q, 7), limit_of(q, 8)};
    p.added_us = sql_i64(q, 9);
    return p;
}

static struct peer *find_in(struct snapshot *s, struct str aet)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(str_z(s->list[i].aet), aet))
            return &s->list[i];
    return NULL;
}

/* One more entry of an array that grows by doubling; NULL without memory or past the cap. */
static void *grow(void *list, size_t n, size_t size, size_t max)
{
    if (n >= max)
        return NULL;
    if (n & (n - 1))
        return list;
    return realloc(list, (n ? 2 * n : 1) * size);
}

static err_t add_peer_row(struct snapshot *s, struct sql_stmt *q, struct diag *d)
{
    struct peer *list = grow(s->list, s->n, sizeof *list, PEERS_MAX);
    if (!list)
        return diag_set(d, E_LIMIT, "more than %d peers", PEERS_MAX);
    s->list = list;
    s->list[s->n++] = peer_of_row(q);
    return OK;
}

static err_t add_network_row(struct snapshot *s, struct sql_stmt *q, struct diag *d)
{
    struct peer *p = find_in(s, sql_text(q, 0));
    return p ? peer_add_network(p, sql_text(q, 1), d) : OK;
}

static err_t add_cert_row(struct snapshot *s, struct sql_stmt *q, struct diag *d)
{
    struct peer *p = find_in(s, sql_text(q, 0));
    uint8_t sha256[FINGERPRINT_SIZE];
    TRY(fingerprint_parse(sql_text(q, 1), sha256, d));
    return p ? peer_add_cert(p, sha256, sql_i64(q, 2), d) : OK;
}

static err_t add_destination_row(struct snapshot *s, struct sql_stmt *q, struct diag *d)
{
    struct peer *p = find_in(s, sql_text(q, 0));
    return p ? peer_add_destination(p, sql_text(q, 1), d) : OK;
}

static err_t add_revoked_row(struct snapshot *s, struct sql_stmt *q, struct diag *d)
{
    uint8_t(*list)[FINGERPRINT_SIZE] =
        grow(s->revoked, s->n_revoked, sizeof *list, (size_t)PEERS_MAX * 16);
    if (!list)
        return diag_set(d, E_LIMIT, "too many certificates were withdrawn");
    s->revoked = list;
    TRY(fingerprint_parse(sql_text(q, 0), s->revoked[s->n_revoked], d));
    s->n_revoked++;
    return OK;
}

static const struct {
    struct str text;
    err_t (*add)(struct snapshot *s, struct sql_stmt *q, struct diag *d);
} readers[] = {
    {STR_INIT("SELECT aet, grants, cleartext, host, port, tls, associations, objects, bytes,"
              " added_us FROM peer ORDER BY aet"),
     add_peer_row},
    {STR_INIT("SELECT aet, network FROM peer_network ORDER BY aet, place"), add_network_row},
    {STR_INIT("SELECT aet, fingerprint, expires FROM peer_cert ORDER BY aet, place"), add_cert_row},
    {STR_INIT("SELECT aet, destination FROM peer_destination ORDER BY aet, place"),
     add_destination_row},
    {STR_INIT("SELECT fingerprint FROM cert_revoked"), add_revoked_row},
};

static err_t load_rows(struct sql *sql, struct snapshot *s, struct diag *d)
{
    for (size_t i = 0; i < COUNT(readers); i++) {
        STATEMENT q = NULL;
        TRY(sql_prepare(sql, readers[i].text, &q, d));
        for (bool row;;) {
            TRY(sql_step(q, &row));
            if (!row)
                break;
            TRY(readers[i].add(s, q, d));
        }
    }
    return OK;
}

enum { LOAD_TRIES = 8 };

/* The seam's transactions take the write lock, and a reader must not wait for one: instead the
 * tables are read again when the registry changed while they were being read. */
err_t registry_load(struct access *a, struct snapshot **ret, struct diag *d)
{
    for (unsigned tries = 0; tries < LOAD_TRIES; tries++) {
        int64_t before, after;
        TRY(registry_generation(a, &before));
        struct snapshot *s = calloc(1, sizeof *s);
        if (!s)
            return E_NOMEM;
        s->refs = 1;
        s->generation = before;
        err_t e = load_rows(a->sql, s, d);
        if (e == OK)
            e = registry_generation(a, &after);
        if (e == OK && after == before) {
            *ret = s;
            return OK;
        }
        registry_free(s);
        if (e != OK)
            return e;
    }
    return diag_set(d, E_BUSY, "the registry keeps changing; try again");
}

err_t registry_run(struct sql *s, struct str text, const struct str *params, size_t n,
                   struct diag *d)
{
    STATEMENT q = NULL;
    TRY(sql_prepare(s, text, &q, d));
    for (size_t i = 0; i < n; i++)
        sql_bind_text(q, (int)i + 1, params[i]);
    return sql_run(q);
}

static err_t change_and_count(struct access *a,
                              err_t (*change)(void *ctx, struct sql *s, struct diag *d), void *ctx,
                              struct diag *d)
{
    TRY(change(ctx, a->sql, d));
    TRY(sql_exec(a->sql, "UPDATE setting SET number = number + 1 WHERE name = 'access.generation'",
                 d));
    return sql_commit(a->sql);
}

err_t registry_change(struct access *a, err_t (*change)(void *ctx, struct sql *s, struct diag *d),
                      void *ctx, struct diag *d)
{
    LOCKED(&a->lock);
    err_t e = sql_begin(a->sql);
    if (e == OK) {
        e = change_and_count(a, change, ctx, d);
        if (e != OK)
            sql_rollback(a->sql);
    }
    if (e != OK) {
        if (d && !d->text[0])
            return diag_set(d, e, "the registry was not changed: %s",
                            diag_text(sql_diag(a->sql), e));
        return e;
    }
    /* A commit alone may be lost with the power: the checkpoint syncs the log first. One that
     * another process is making serves as well. */
    uint64_t left;
    e = sql_checkpoint(a->sql, false, &left);
    return e == E_BUSY ? OK : e;
}
