#include "access/audit.h"

#include <stdlib.h>

#include "access/audit_names.h"
#include "access/pace.h"
#include "access/syslog.h"
#include "base/size.h"
#include "io/clock.h"
#include "io/thread.h"
#include "store/chain.h"

static const struct {
    struct str id, text, type, type_text;
    char action;
    bool sync;
} events[] = {
#define AUDIT(name, id, event, type, type_text, action, sync)                                      \
    [AUDIT_##name] = {STR_INIT(#id),       STR_INIT(event), STR_INIT(#type),                       \
                      STR_INIT(type_text), action,          sync},
#include "access/audit.def"
#undef AUDIT
};

enum {
    REFUSALS_PER_SECOND = 10, /* written; the rest is counted */
    REMOTE_LOSS_INTERVAL_MS =
        60000, /* between two events about messages that the collector missed */
    SOURCE_MAX = 64,
};

struct audit {
    struct chain *chain;
    struct syslog_sender *remote;
    char source[SOURCE_MAX + 1];
    char titles[sizeof "AETITLES=" + SOURCE_MAX];
    lock_t lock;        /* guards what follows */
    uint64_t unwritten; /* events lost since the last that was written */
    struct pace refusals;
    uint64_t refusals_left_out;
    int64_t remote_loss_due; /* not before: the next event about lost messages */
};

struct str audit_event_text(enum audit_kind k)
{
    return events[k].type_text.n ? events[k].type_text : events[k].text;
}

err_t audit_open(const struct audit_options *o, struct audit **ret, struct diag *d)
{
    struct audit *a = calloc(1, sizeof *a);
    if (!a)
        return E_NOMEM;
    pthread_mutex_init(&a->lock, NULL);
    a->remote = o->remote;
    struct str source = audit_clip(o->source_id, SOURCE_MAX);
    if (!str_to_z(source, a->source, sizeof a->source))
        source = STR("");
    struct wr w = wr_fixed(a->titles, sizeof a->titles - 1);
    wr_printf(&w, "AETITLES=%s", a->source);
    err_t e = chain_open(o->dir, o->key, o->file_max, &a->chain, d);
    if (e != OK) {
        audit_close(a);
        return e;
    }
    *ret = a;
    return OK;
}

void audit_close(struct audit *a)
{
    if (!a)
        return;
    chain_close(a->chain);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

err_t audit_sync(struct audit *a)
{
    return chain_sync(a->chain);
}

static struct audit_message message_of(const struct audit *a, const struct audit_event *e)
{
    bool typed = events[e->kind].type_text.n > 0;
    return (struct audit_message){
        .id = {events[e->kind].id, STR("DCM"), events[e->kind].text},
        .type = {typed ? events[e->kind].type : STR(""), STR("DCM"), events[e->kind].type_text},
        .action = events[e->kind].action,
        .time_us = clock_wall_us(),
        .outcome = e->outcome,
        .outcome_text = e->outcome_text,
        .participants = e->participants,
        .n_participants = size_min(e->n_participants, AUDIT_PARTICIPANTS_MAX),
        .source_id = str_z(a->source),
        .objects = e->objects,
        .n_objects = e->n_objects,
    };
}

/* As many of the objects as one line takes: at least one always fits (audit_names.h). */
static err_t write_some(struct audit *a, struct audit_message *m, size_t *ret_n)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(AUDIT_LINE_MAX);
    size_t all = m->n_objects;
    for (m->n_objects = size_min(all, AUDIT_OBJECTS_MAX);; m->n_objects /= 2) {
        wr_clear(&w);
        audit_to_json(m, &w);
        if (!w.bad || m->n_objects <= 1)
            break;
    }
    if (w.bad)
        return E_LIMIT;
    if (a->remote)
        syslog_send(a->remote, m);
    *ret_n = m->n_objects;
    m->n_objects = all;
    return chain_add(a->chain, wr_str(&w));
}

/* An event with more objects than a message holds becomes several. */
static err_t write_message(struct audit *a, struct audit_message m)
{
    size_t n;
    TRY(write_some(a, &m, &n));
    while (n < m.n_objects) {
        m.objects += n;
        m.n_objects -= n;
        TRY(write_some(a, &m, &n));
    }
    return OK;
}

static err_t write_loss(struct audit *a, uint64_t count, const char *what)
{
    char text[96];
    struct wr w = wr_fixed(text, sizeof text);
    wr_printf(&w, "%s: %llu", what, (unsigned long long)count);
    struct audit_participant self = audit_self(a, AUDIT_APPLICATION);
    struct audit_object log = {.kind = AUDIT_LOG,
                               .id = STR("audit"),
                               .name = STR("Security Audit Log"),
                               .details = {{STR("Alert Description"), wr_str(&w)}}};
    struct audit_event e = {.kind = AUDIT_RECORDING_STOPPED,
                            .outcome = AUDIT_SERIOUS,
                            .participants = &self,
                            .n_participants = 1,
                            .objects = &log,
                            .n_objects = 1};
    return write_message(a, message_of(a, &e));
}

/* What could not be told before is told first. */
static err_t write_losses(struct audit *a)
{
    uint64_t unwritten, unsent = 0;
    {
        LOCKED(&a->lock);
        unwritten = a->unwritten;
        a->unwritten = 0;
        if (a->remote && clock_left(a->remote_loss_due) == 0)
            unsent = syslog_take_lost(a->remote);
        if (unsent)
            a->remote_loss_due = clock_deadline(REMOTE_LOSS_INTERVAL_MS);
    }
    err_t e = OK;
    if (unwritten)
        e = write_loss(a, unwritten, "events that could not be written");
    if (e == OK && unsent)
        e = write_loss(a, unsent, "messages that did not reach the collector");
    if (e != OK) {
        LOCKED(&a->lock);
        a->unwritten += unwritten;
    }
    return e;
}

err_t audit_write(struct audit *a, const struct audit_event *e)
{
    err_t error = write_losses(a);
    if (error == OK)
        error = write_message(a, message_of(a, e));
    if (error == OK && events[e->kind].sync)
        return chain_sync(a->chain);
    if (error != OK) {
        LOCKED(&a->lock);
        a->unwritten++;
    }
    return error;
}

struct audit_participant audit_self(const struct audit *a, enum audit_role role)
{
    return (struct audit_participant){
        .user_id = str_z(a->source), .alternative = str_z(a->titles), .role = role};
}

/* The address without its port: that of the peer's side says nothing. */
static struct str address_only(const struct addr *addr, char buf[ADDR_TEXT_MAX])
{
    struct str text = addr_text(addr, buf);
    while (text.n && text.p[text.n - 1] != ':')
        text.n--;
    if (text.n)
        text.n--;
    if (text.n >= 2 && text.p[0] == '[')
        text = str_slice(text, 1, text.n - 2);
    return text;
}

struct audit_participant audit_peer(struct str aet, const struct addr *addr,
                                    char buf[ADDR_TEXT_MAX], enum audit_role role, bool requestor)
{
    return (struct audit_participant){.user_id = aet.n ? aet : STR("unknown"),
                                      .requestor = requestor,
                                      .role = role,
                                      .address = addr ? address_only(addr, buf) : STR(""),
                                      .address_is_ip = addr != NULL};
}

struct audit_participant audit_person(struct str user)
{
    return (struct audit_participant){.user_id = user, .requestor = true};
}

err_t audit_query(struct audit *a, const struct audit_participant *peer, struct str sop_class,
                  struct str transfer_syntax, struct str identifier, enum audit_outcome outcome)
{
    const struct audit_participant who[] = {*peer, audit_self(a, AUDIT_DESTINATION)};
    const struct audit_object what = {.kind = AUDIT_SOP_CLASS_QUERIED,
                                      .id = sop_class,
                                      .query = identifier,
                                      .details = {{STR("TransferSyntax"), transfer_syntax}}};
    return audit_write(a, &(struct audit_event){.kind = AUDIT_QUERY,
                                                .outcome = outcome,
                                                .participants = who,
                                                .n_participants = COUNT(who),
                                                .objects = &what,
                                                .n_objects = 1});
}

/* Whether a refusal may be written now; the others are counted, so that knocking fast fills no
 * disk. */
static bool take_refusal(struct audit *a, uint64_t *ret_left_out)
{
    LOCKED(&a->lock);
    struct pace ahead = a->refusals;
    if (pace_take(&ahead, 1, REFUSALS_PER_SECOND, clock_us()) > 0) {
        a->refusals_left_out++;
        return false;
    }
    a->refusals = ahead;
    *ret_left_out = a->refusals_left_out;
    a->refusals_left_out = 0;
    return true;
}

err_t audit_refused(struct audit *a, const struct addr *from, struct str aet, struct str why)
{
    uint64_t left_out;
    if (!take_refusal(a, &left_out))
        return OK;
    char address[ADDR_TEXT_MAX], text[256];
    struct wr w = wr_fixed(text, sizeof text);
    wr_put(&w, audit_clip(why, 160));
    if (left_out)
        wr_printf(&w, " (%llu more refusals before this one)", (unsigned long long)left_out);
    const struct audit_participant who[] = {audit_self(a, AUDIT_DESTINATION),
                                            audit_peer(aet, from, address, AUDIT_SOURCE, true)};
    const struct audit_object what = {.kind = AUDIT_NODE,
                                      .id = who[1].address,
                                      .details = {{STR("Alert Description"), wr_str(&w)}}};
    return audit_write(a, &(struct audit_event){.kind = AUDIT_NODE_REFUSED,
                                                .outcome = AUDIT_MINOR,
                                                .participants = who,
                                                .n_participants = COUNT(who),
                                                .objects = &what,
                                                .n_objects = 1});
}

err_t audit_admin(struct audit *a, enum audit_kind kind, struct str person,
                  enum audit_object_kind what, struct str id, struct str description)
{
    const struct audit_participant who[] = {audit_person(person), audit_self(a, AUDIT_APPLICATION)};
    const struct audit_object object = {
        .kind = what, .id = id, .details = {{STR("Alert Description"), description}}};
    return audit_write(a, &(struct audit_event){.kind = kind,
                                                .participants = who,
                                                .n_participants = COUNT(who),
                                                .objects = &object,
                                                .n_objects = 1});
}

err_t audit_application(struct audit *a, enum audit_kind kind)
{
    const struct audit_participant self = audit_self(a, AUDIT_APPLICATION);
    return audit_write(
        a, &(struct audit_event){.kind = kind, .participants = &self, .n_participants = 1});
}
