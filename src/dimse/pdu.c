/* Reading of protocol data units (PS3.8 9.3, PS3.7 annex D.3). */
#include "dimse/pdu.h"

#include "base/rd.h"
#include "base/size.h"
#include "dimse/pdu_item.h"

enum { TRANSFERS_MAX = 64, ITEMS_MAX = 256, RELATED_MAX = 256 };

/* One A-ASSOCIATE PDU being read. */
struct parse {
    struct pdu_associate *to;
    struct arena *arena;
    struct diag *d;
    bool answer;
    bool user_seen;
    bool ids[256];
};

struct item {
    uint8_t type, second; /* the second byte is reserved but for common extended negotiation */
    struct rd body;
};

/* The next item or sub-item (PS3.8 9.3.2). False at the end: fewer bytes than a header, which some
 * senders leave as padding, or an item that runs past its parent, which leaves r->bad. */
static bool next_item(struct rd *r, struct item *ret)
{
    if (r->bad || r->n < 4)
        return false;
    ret->type = rd_u8(r);
    ret->second = rd_u8(r);
    ret->body = rd_sub(r, rd_u16be(r));
    return !r->bad;
}

static size_t count_items(struct rd r, uint8_t type)
{
    struct item i;
    size_t n = 0;
    while (next_item(&r, &i))
        n += i.type == type;
    return n;
}

static struct str rest_unpadded(struct rd *r)
{
    return str_unpad(rd_take(r, r->n));
}

/* A value with a two-byte length before it. */
static struct str counted(struct rd *r)
{
    return rd_take(r, rd_u16be(r));
}

static err_t malformed(struct parse *p, const char *what)
{
    return diag_set(p->d, E_MALFORMED, "A-ASSOCIATE: %s is malformed", what);
}

static err_t over_limit(struct parse *p, const char *what, size_t n, size_t max)
{
    return diag_set(p->d, E_LIMIT, "A-ASSOCIATE: %zu %s, at most %zu are read", n, what, max);
}

/* Room for n elements of which at most max are let in. NULL with *e set. */
static void *room(struct parse *p, size_t n, size_t max, size_t size, const char *what, err_t *e)
{
    if (n > max) {
        *e = over_limit(p, what, n, max);
        return NULL;
    }
    void *array = arena_array(p->arena, n, size);
    if (!array)
        *e = E_NOMEM;
    return array;
}

static err_t read_transfers(struct parse *p, struct rd body, struct pdu_context *c)
{
    err_t e = OK;
    size_t n = count_items(body, ITEM_TRANSFER);
    c->transfers =
        room(p, n, TRANSFERS_MAX, sizeof *c->transfers, "transfer syntaxes of a context", &e);
    if (!c->transfers)
        return e;
    struct item i;
    while (next_item(&body, &i)) {
        if (i.type == ITEM_TRANSFER)
            c->transfers[c->n_transfers++] = rest_unpadded(&i.body);
        else if (i.type == ITEM_ABSTRACT)
            c->abstract = rest_unpadded(&i.body);
    }
    return body.bad ? malformed(p, "a presentation context") : OK;
}

static err_t read_context(struct parse *p, struct item *i)
{
    struct pdu_context *c = &p->to->contexts[p->to->n_contexts];
    c->id = rd_u8(&i->body);
    rd_skip(&i->body, 1);
    c->result = rd_u8(&i->body);
    rd_skip(&i->body, 1);
    if (i->body.bad)
        return malformed(p, "a presentation context");
    if (!p->answer && (c->id % 2 == 0 || p->ids[c->id]))
        return diag_set(p->d, E_MALFORMED,
                        "A-ASSOCIATE: presentation context id %u is even or given twice", c->id);
    if (!p->answer)
        c->result = 0;
    p->ids[c->id] = true;
    p->to->n_contexts++;
    return read_transfers(p, i->body, c);
}

static err_t read_application(struct parse *p, struct item *i)
{
    p->to->application = rest_unpadded(&i->body);
    return OK;
}

static err_t read_max(struct parse *p, struct item *i)
{
    p->to->max_pdu = rd_u32be(&i->body);
    return i->body.bad ? malformed(p, "the maximum length") : OK;
}

static err_t read_uid(struct parse *p, struct item *i)
{
    p->to->implementation_uid = rest_unpadded(&i->body);
    return OK;
}

static err_t read_version(struct parse *p, struct item *i)
{
    p->to->implementation_version = rest_unpadded(&i->body);
    return OK;
}

static err_t read_ops(struct parse *p, struct item *i)
{
    p->to->has_ops = true;
    p->to->ops_invoked = rd_u16be(&i->body);
    p->to->ops_performed = rd_u16be(&i->body);
    return i->body.bad ? malformed(p, "the asynchronous operations window") : OK;
}

static err_t read_role(struct parse *p, struct item *i)
{
    struct pdu_role *r = &p->to->roles[p->to->n_roles];
    r->sop_class = str_unpad(counted(&i->body));
    r->scu = rd_u8(&i->body) == 1;
    r->scp = rd_u8(&i->body) == 1;
    p->to->n_roles++;
    return i->body.bad ? malformed(p, "a role selection") : OK;
}

static err_t read_extended(struct parse *p, struct item *i)
{
    struct pdu_extended *x = &p->to->extended[p->to->n_extended];
    x->sop_class = str_unpad(counted(&i->body));
    x->info = rd_take(&i->body, i->body.n);
    p->to->n_extended++;
    return i->body.bad ? malformed(p, "an extended negotiation") : OK;
}

static err_t read_related(struct parse *p, struct rd list, struct pdu_common_extended *c)
{
    err_t e = OK;
    size_t n = 0;
    for (struct rd r = list; r.n && !r.bad;)
        n += counted(&r).n > 0;
    c->related = room(p, n, RELATED_MAX, sizeof *c->related, "related SOP classes", &e);
    while (c->related && list.n && !list.bad) {
        struct str uid = counted(&list);
        if (uid.n)
            c->related[c->n_related++] = str_unpad(uid);
    }
    return list.bad ? malformed(p, "a common extended negotiation") : e;
}

static err_t read_common(struct parse *p, struct item *i)
{
    struct pdu_common_extended *c = &p->to->common[p->to->n_common];
    c->sop_class = str_unpad(counted(&i->body));
    c->service_class = str_unpad(counted(&i->body));
    p->to->n_common++;
    /* The list is absent in version 0 of the sub-item as some write it. */
    struct rd list = i->body.n ? rd_sub(&i->body, rd_u16be(&i->body)) : i->body;
    if (i->body.bad)
        return malformed(p, "a common extended negotiation");
    return read_related(p, list, c);
}

static err_t read_identity(struct parse *p, struct item *i)
{
    p->to->identity_type = rd_u8(&i->body);
    p->to->identity_reply = rd_u8(&i->body) == 1;
    p->to->identity_primary = counted(&i->body);
    /* Only type 2 has a secondary field; some leave its length out otherwise. */
    if (i->body.n)
        p->to->identity_secondary = counted(&i->body);
    return i->body.bad ? malformed(p, "the user identity") : OK;
}

static err_t read_identity_answer(struct parse *p, struct item *i)
{
    p->to->identity_reply = true;
    p->to->identity_primary = counted(&i->body);
    return i->body.bad ? malformed(p, "the user identity's answer") : OK;
}

typedef err_t (*item_reader)(struct parse *p, struct item *i);

static const item_reader user_readers[256] = {
    [ITEM_MAX_LENGTH] = read_max,
    [ITEM_IMPLEMENTATION] = read_uid,
    [ITEM_OPERATIONS] = read_ops,
    [ITEM_ROLE] = read_role,
    [ITEM_VERSION] = read_version,
    [ITEM_EXTENDED] = read_extended,
    [ITEM_COMMON] = read_common,
    [ITEM_IDENTITY] = read_identity,
    [ITEM_IDENTITY_ANSWER] = read_identity_answer,
};

/* All items of a body through their readers; types without one are passed over (PS3.8 9.3.1). */
static err_t read_items(struct parse *p, struct rd body, const item_reader *readers,
                        const char *what)
{
    struct item i;
    while (next_item(&body, &i))
        if (readers[i.type])
            TRY(readers[i.type](p, &i));
    return body.bad ? malformed(p, what) : OK;
}

static err_t read_user(struct parse *p, struct item *i)
{
    struct pdu_associate *to = p->to;
    err_t e = OK;
    if (p->user_seen)
        return malformed(p, "a second user information item");
    p->user_seen = true;
    to->roles = room(p, count_items(i->body, ITEM_ROLE), ITEMS_MAX, sizeof *to->roles,
                     "role selections", &e);
    to->extended = room(p, count_items(i->body, ITEM_EXTENDED), ITEMS_MAX, sizeof *to->extended,
                        "extended negotiations", &e);
    to->common = room(p, count_items(i->body, ITEM_COMMON), ITEMS_MAX, sizeof *to->common,
                      "common extended negotiations", &e);
    TRY(e);
    return read_items(p, i->body, user_readers, "the user information");
}

static const item_reader request_readers[256] = {
    [ITEM_APPLICATION] = read_application,
    [ITEM_CONTEXT_RQ] = read_context,
    [ITEM_USER] = read_user,
};
static const item_reader answer_readers[256] = {
    [ITEM_APPLICATION] = read_application,
    [ITEM_CONTEXT_AC] = read_context,
    [ITEM_USER] = read_user,
};

err_t pdu_associate_parse(struct str payload, enum pdu_type type, struct arena *a,
                          struct pdu_associate *ret, struct diag *d)
{
    struct pdu_associate got = {0};
    struct parse p = {.to = &got, .arena = a, .d = d, .answer = type == PDU_ASSOCIATE_AC};
    struct rd r = rd_of(payload);
    got.version = rd_u16be(&r);
    rd_skip(&r, 2);
    got.called = pdu_ae_trim(rd_take(&r, AE_TITLE_MAX));
    got.calling = pdu_ae_trim(rd_take(&r, AE_TITLE_MAX));
    rd_skip(&r, 32);
    if (r.bad)
        return malformed(&p, "its fixed part");
    err_t e = OK;
    got.contexts = room(&p, count_items(r, p.answer ? ITEM_CONTEXT_AC : ITEM_CONTEXT_RQ),
                        PDU_CONTEXTS_MAX, sizeof *got.contexts, "presentation contexts", &e);
    TRY(e);
    TRY(read_items(&p, r, p.answer ? answer_readers : request_readers, "an item"));
    *ret = got;
    return OK;
}

struct str pdu_ae_trim(struct str field)
{
    /* Spaces only: a line break around a title is no padding, and is refused. */
    struct str s = str_unpad(field);
    while (s.n && *s.p == ' ')
        s = str_slice(s, 1, s.n);
    return s;
}

bool pdu_ae_ok(struct str title)
{
    if (title.n == 0 || title.n > AE_TITLE_MAX || pdu_ae_trim(title).n == 0)
        return false;
    for (size_t i = 0; i < title.n; i++) {
        uint8_t c = (uint8_t)title.p[i];
        if (c < 0x20 || c >= 0x7f || c == '\\')
            return false;
    }
    return true;
}

bool pdu_uid_ok(struct str uid, bool strict)
{
    struct str part;
    if (uid.n == 0 || uid.n > 64)
        return false;
    while (str_split(&uid, '.', &part)) {
        bool bad = part.n == 0 || (strict && part.n > 1 && part.p[0] == '0');
        for (size_t i = 0; i < part.n; i++)
            bad = bad || part.p[i] < '0' || part.p[i] > '9';
        if (bad)
            return false;
    }
    return true;
}

static err_t refuse(struct pdu_refusal *ret, uint8_t source, uint8_t reason, struct diag *d,
                    const char *why)
{
    *ret = (struct pdu_refusal){.result = 1, .source = source, .reason = reason};
    return diag_set(d, E_REJECTED, "A-ASSOCIATE-RQ: %s", why);
}

err_t pdu_associate_check(const struct pdu_associate *p, struct pdu_refusal *ret, struct diag *d)
{
    if (!(p->version & 1))
        return refuse(ret, 2, 2, d, "protocol version not supported");
    if (!str_eq(p->application, STR(PDU_APPLICATION_CONTEXT)))
        return refuse(ret, 1, 2, d, "application context not supported");
    if (!pdu_ae_ok(p->calling))
        return refuse(ret, 1, 3, d, "the calling AE title is empty or holds a control character");
    if (!pdu_ae_ok(p->called))
        return refuse(ret, 1, 7, d, "the called AE title is empty or holds a control character");
    return OK;
}

err_t pdu_refusal_parse(struct str payload, enum pdu_type type, struct pdu_refusal *ret)
{
    struct rd r = rd_of(payload);
    rd_skip(&r, 1);
    uint8_t result = rd_u8(&r), source = rd_u8(&r), reason = rd_u8(&r);
    struct pdu_refusal got = {type == PDU_ABORT ? 0 : result, source, reason};
    if (r.bad)
        return E_MALFORMED;
    *ret = got;
    return OK;
}

bool pdv_next(struct str *payload, struct pdv *ret, err_t *err)
{
    struct rd r = rd_of(*payload);
    *err = OK;
    if (r.n == 0)
        return false;
    struct rd item = rd_sub(&r, rd_u32be(&r));
    struct pdv got = {.context = rd_u8(&item)};
    uint8_t control = rd_u8(&item);
    if (item.bad) {
        *err = E_MALFORMED;
        return false;
    }
    got.command = control & PDV_COMMAND;
    got.last = control & PDV_LAST;
    got.data = rd_take(&item, item.n);
    *payload = str_of(r.p, r.n);
    *ret = got;
    return true;
}
