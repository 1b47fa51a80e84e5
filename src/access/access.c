#include "access/access.h"

#include <stdlib.h>

#include "access/registry.h"
#include "base/size.h"
#include "io/clock.h"

struct visit {
    struct access *access;
    struct snapshot *snapshot;
    const struct peer *peer; /* in the snapshot */
    struct usage *usage;
    struct peer_limits limits; /* in force: the peer's own, or the configuration's */
};

static err_t access_prepare(struct access *a, const struct access_options *o, struct diag *d)
{
    if (o->n_public_networks) {
        a->public_networks = calloc(o->n_public_networks, sizeof *a->public_networks);
        if (!a->public_networks)
            return E_NOMEM;
        memcpy(a->public_networks, o->public_networks,
               o->n_public_networks * sizeof *a->public_networks);
        a->n_public_networks = o->n_public_networks;
    }
    a->limits = o->limits.associations ? o->limits : PEER_LIMITS_DEFAULT;
    TRY(access_schema(a->sql, d));
    TRY(sql_prepare(a->sql, STR("SELECT number FROM setting WHERE name = 'access.generation'"),
                    &a->generation, d));
    return registry_load(a, &a->now, d);
}

err_t access_open(const struct access_options *o, struct access **ret, struct diag *d)
{
    struct access *a = calloc(1, sizeof *a);
    if (!a) {
        sql_close(o->sql);
        return E_NOMEM;
    }
    a->sql = o->sql;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->held, NULL);
    pthread_mutex_init(&a->hashing, NULL);
    err_t e = access_prepare(a, o, d);
    if (e != OK) {
        e = d && !d->text[0] ? diag_set(d, e, "the registry of peers and users: %s",
                                        diag_text(sql_diag(a->sql), e))
                             : e;
        access_close(a);
        return e;
    }
    *ret = a;
    return OK;
}

void access_close(struct access *a)
{
    if (!a)
        return;
    sql_free(a->generation);
    sql_close(a->sql);
    registry_free(a->now);
    for (struct usage *u = a->usages, *next; u; u = next) {
        next = u->next;
        free(u);
    }
    free(a->public_networks);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->held);
    pthread_mutex_destroy(&a->hashing);
    free(a);
}

static void release_held(struct snapshot *s)
{
    if (s && --s->refs == 0)
        registry_free(s);
}

void snapshot_release(struct access *a, struct snapshot *s)
{
    LOCKED(&a->held);
    release_held(s);
}

/* With access.lock held. */
static err_t refresh(struct access *a, struct diag *d)
{
    int64_t generation;
    TRY(registry_generation(a, &generation));
    if (generation == a->now->generation)
        return OK;
    struct snapshot *fresh;
    TRY(registry_load(a, &fresh, d));
    LOCKED(&a->held);
    release_held(a->now);
    a->now = fresh;
    return OK;
}

err_t snapshot_take(struct access *a, struct snapshot **ret, struct diag *d)
{
    LOCKED(&a->lock);
    err_t e = refresh(a, d);
    LOCKED(&a->held);
    a->now->refs++;
    *ret = a->now;
    return e;
}

static struct peers peers_of(const struct snapshot *s)
{
    return (struct peers){s->list, s->n, (const uint8_t(*)[FINGERPRINT_SIZE])s->revoked,
                          s->n_revoked};
}

/* An index that cannot be read does not turn known peers into strangers: the last snapshot decides
 * here, and they are told at admission that we cannot serve them. */
bool access_knows_source(struct access *a, const struct addr *from, bool tls)
{
    struct snapshot *s;
    err_t e = snapshot_take(a, &s, NULL);
    struct peers peers = peers_of(s);
    bool known = admit_source(&peers, from, tls);
    snapshot_release(a, s);
    (void)e;
    return known;
}

bool access_knows_cert(void *ctx, const uint8_t sha256[FINGERPRINT_SIZE])
{
    struct access *a = ctx;
    struct snapshot *s;
    bool known = snapshot_take(a, &s, NULL) == OK, found = false;
    for (size_t i = 0; known && i < s->n && !found; i++)
        found = peer_find_cert(&s->list[i], sha256);
    snapshot_release(a, s);
    return found;
}

/* With access.held; NULL without memory. */
static struct usage *usage_of(struct access *a, const char *aet)
{
    for (struct usage *u = a->usages; u; u = u->next)
        if (strcmp(u->aet, aet) == 0)
            return u;
    struct usage *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    memcpy(u->aet, aet, sizeof u->aet);
    u->next = a->usages;
    a->usages = u;
    return u;
}

static uint64_t or_default(uint64_t own, uint64_t otherwise)
{
    return own == LIMIT_DEFAULT ? otherwise : own;
}

static struct peer_limits limits_of(const struct access *a, const struct peer *p)
{
    return (struct peer_limits){
        or_default(p->limits.associations, a->limits.associations),
        or_default(p->limits.objects_per_second, a->limits.objects_per_second),
        or_default(p->limits.bytes_per_second, a->limits.bytes_per_second),
    };
}

/* Counts the association in; the visit takes the snapshot over. */
static enum admit_cause visit_begin(struct access *a, struct snapshot *s, const struct peer *p,
                                    struct visit **ret)
{
    struct visit *v = calloc(1, sizeof *v);
    if (!v)
        return CAUSE_UNAVAILABLE;
    *v = (struct visit){a, s, p, NULL, limits_of(a, p)};
    LOCKED(&a->held);
    v->usage = usage_of(a, p->aet);
    if (!v->usage || v->usage->associations >= v->limits.associations) {
        enum admit_cause cause = v->usage ? CAUSE_TOO_MANY : CAUSE_UNAVAILABLE;
        free(v);
        return cause;
    }
    v->usage->associations++;
    *ret = v;
    return CAUSE_ADMITTED;
}

void access_admit(struct access *a, const struct admit_query *q, struct admission *ret)
{
    struct snapshot *s;
    const struct peer *peer = NULL;
    struct visit *visit = NULL;
    err_t e = snapshot_take(a, &s, NULL);
    struct peers peers = peers_of(s);
    struct admit_query timed = *q;
    timed.now_s = clock_wall_us() / 1000000;
    enum admit_cause cause = admit(&peers, &timed, &peer);
    if (e != OK && admit_rule(cause)->verdict != ADMIT_DROP)
        cause = CAUSE_UNAVAILABLE;
    if (cause == CAUSE_ADMITTED)
        cause = visit_begin(a, s, peer, &visit);
    if (!visit)
        snapshot_release(a, s);
    const struct admit_rule *rule = admit_rule(cause);
    *ret = (struct admission){rule->verdict, cause,      rule->result, rule->source,
                              rule->reason,  rule->text, visit};
}

const struct peer *visit_peer(const struct visit *v)
{
    return v->peer;
}

bool visit_may(const struct visit *v, enum grant g)
{
    return peer_may(v->peer, g);
}

const struct peer *visit_destination(const struct visit *v, struct str aet)
{
    if (!peer_may_move_to(v->peer, aet))
        return NULL;
    struct peers peers = peers_of(v->snapshot);
    const struct peer *p = peers_find(&peers, aet);
    return p && p->host[0] ? p : NULL;
}

static int64_t visit_delay(struct visit *v, uint32_t objects, uint64_t bytes)
{
    int64_t now = clock_us(), wait = 0;
    LOCKED(&v->access->held);
    if (v->limits.objects_per_second && objects)
        wait = pace_take(&v->usage->objects, objects, v->limits.objects_per_second, now);
    if (v->limits.bytes_per_second && bytes) {
        int64_t more = pace_take(&v->usage->bytes, bytes, v->limits.bytes_per_second, now);
        wait = more > wait ? more : wait;
    }
    return wait;
}

enum { PACE_SLICE_MS = 50 };

err_t visit_pace(struct visit *v, uint32_t objects, uint64_t bytes, const struct stop *stop)
{
    if (!v->limits.objects_per_second && !v->limits.bytes_per_second)
        return OK;
    int64_t end = clock_deadline(visit_delay(v, objects, bytes));
    for (int left; (left = clock_left(end)) > 0;) {
        if (stop && stop_is_set(stop))
            return E_STOPPED;
        clock_sleep_ms(left < PACE_SLICE_MS ? left : PACE_SLICE_MS);
    }
    return OK;
}

void visit_end(struct visit *v)
{
    if (!v)
        return;
    struct access *a = v->access;
    {
        LOCKED(&a->held);
        v->usage->associations--;
        release_held(v->snapshot);
    }
    free(v);
}

err_t access_find_peer(struct access *a, struct str aet, struct peer *ret, struct diag *d)
{
    struct snapshot *s;
    err_t e = snapshot_take(a, &s, d);
    struct peers peers = peers_of(s);
    const struct peer *p = e == OK ? peers_find(&peers, aet) : NULL;
    if (p)
        *ret = *p;
    snapshot_release(a, s);
    if (e == OK && !p)
        return diag_set(d, E_NOTFOUND, "there is no peer %.*s; `lastra peer list` names them all",
                        (int)size_min(aet.n, AET_MAX), aet.p);
    return e;
}

static uint64_t open_associations(struct access *a, const char *aet)
{
    LOCKED(&a->held);
    for (struct usage *u = a->usages; u; u = u->next)
        if (strcmp(u->aet, aet) == 0)
            return u->associations;
    return 0;
}

err_t access_each_peer(struct access *a,
                       err_t (*each)(void *ctx, const struct peer *p, uint64_t associations),
                       void *ctx, struct diag *d)
{
    struct snapshot *s;
    err_t e = snapshot_take(a, &s, d);
    for (size_t i = 0; e == OK && i < s->n; i++)
        e = each(ctx, &s->list[i], open_associations(a, s->list[i].aet));
    snapshot_release(a, s);
    return e;
}
