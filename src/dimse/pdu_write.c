/* Writing of protocol data units (PS3.8 9.3, PS3.7 annex D.3), and refusals in words. */
#include "base/size.h"
#include "dimse/pdu.h"
#include "dimse/pdu_item.h"

/* Opens an item; wr_patch_u16be closes it with the mark. */
static size_t open_item(struct wr *w, enum pdu_item type, uint8_t second)
{
    wr_u8(w, (uint8_t)type);
    wr_u8(w, second);
    return wr_mark(w, 2);
}

static void put_item(struct wr *w, enum pdu_item type, struct str value)
{
    size_t mark = open_item(w, type, 0);
    wr_put(w, value);
    wr_patch_u16be(w, mark);
}

static void put_counted(struct wr *w, struct str s)
{
    size_t mark = wr_mark(w, 2);
    wr_put(w, s);
    wr_patch_u16be(w, mark);
}

static void put_ae(struct wr *w, struct str title)
{
    title = str_slice(title, 0, AE_TITLE_MAX);
    wr_put(w, title);
    wr_fill(w, ' ', AE_TITLE_MAX - title.n);
}

static void put_context(struct wr *w, const struct pdu_context *c, bool answer)
{
    size_t mark = open_item(w, answer ? ITEM_CONTEXT_AC : ITEM_CONTEXT_RQ, 0);
    wr_u8(w, c->id);
    wr_u8(w, 0);
    wr_u8(w, answer ? c->result : 0);
    wr_u8(w, 0);
    if (!answer)
        put_item(w, ITEM_ABSTRACT, c->abstract);
    /* An answer has one transfer syntax, which is not looked at when the context is refused (PS3.8
     * 9.3.3.2) but must stand there: implicit little endian if the caller gave none. */
    size_t n = answer ? size_min(c->n_transfers, 1) : c->n_transfers;
    for (size_t i = 0; i < n; i++)
        put_item(w, ITEM_TRANSFER, c->transfers[i]);
    if (answer && n == 0)
        put_item(w, ITEM_TRANSFER, STR("1.2.840.10008.1.2"));
    wr_patch_u16be(w, mark);
}

static void put_role(struct wr *w, const struct pdu_role *r)
{
    size_t mark = open_item(w, ITEM_ROLE, 0);
    put_counted(w, r->sop_class);
    wr_u8(w, r->scu);
    wr_u8(w, r->scp);
    wr_patch_u16be(w, mark);
}

static void put_extended(struct wr *w, const struct pdu_extended *x)
{
    size_t mark = open_item(w, ITEM_EXTENDED, 0);
    put_counted(w, x->sop_class);
    wr_put(w, x->info);
    wr_patch_u16be(w, mark);
}

static void put_common(struct wr *w, const struct pdu_common_extended *c)
{
    size_t mark = open_item(w, ITEM_COMMON, 0);
    put_counted(w, c->sop_class);
    put_counted(w, c->service_class);
    size_t list = wr_mark(w, 2);
    for (size_t i = 0; i < c->n_related; i++)
        put_counted(w, c->related[i]);
    wr_patch_u16be(w, list);
    wr_patch_u16be(w, mark);
}

static void put_identity(struct wr *w, const struct pdu_associate *p, bool answer)
{
    if (answer ? !p->identity_reply : p->identity_type == 0)
        return;
    size_t mark = open_item(w, answer ? ITEM_IDENTITY_ANSWER : ITEM_IDENTITY, 0);
    if (!answer) {
        wr_u8(w, p->identity_type);
        wr_u8(w, p->identity_reply);
    }
    put_counted(w, p->identity_primary);
    if (!answer)
        put_counted(w, p->identity_secondary);
    wr_patch_u16be(w, mark);
}

static void put_ops(struct wr *w, const struct pdu_associate *p)
{
    if (!p->has_ops)
        return;
    size_t mark = open_item(w, ITEM_OPERATIONS, 0);
    wr_u16be(w, p->ops_invoked);
    wr_u16be(w, p->ops_performed);
    wr_patch_u16be(w, mark);
}

static void put_user(struct wr *w, const struct pdu_associate *p, bool answer)
{
    size_t mark = open_item(w, ITEM_USER, 0);
    size_t max = open_item(w, ITEM_MAX_LENGTH, 0);
    wr_u32be(w, p->max_pdu);
    wr_patch_u16be(w, max);
    put_item(w, ITEM_IMPLEMENTATION, p->implementation_uid);
    put_ops(w, p);
    for (size_t i = 0; i < p->n_roles; i++)
        put_role(w, &p->roles[i]);
    if (p->implementation_version.n)
        put_item(w, ITEM_VERSION, p->implementation_version);
    for (size_t i = 0; i < p->n_extended; i++)
        put_extended(w, &p->extended[i]);
    for (size_t i = 0; !answer && i < p->n_common; i++)
        put_common(w, &p->common[i]);
    put_identity(w, p, answer);
    wr_patch_u16be(w, mark);
}

static size_t open_pdu(struct wr *w, enum pdu_type type)
{
    wr_u8(w, (uint8_t)type);
    wr_u8(w, 0);
    return wr_mark(w, 4);
}

void pdu_associate_write(const struct pdu_associate *p, enum pdu_type type, struct wr *w)
{
    bool answer = type == PDU_ASSOCIATE_AC;
    size_t mark = open_pdu(w, type);
    wr_u16be(w, p->version);
    wr_u16be(w, 0);
    put_ae(w, p->called);
    put_ae(w, p->calling);
    wr_fill(w, 0, 32);
    put_item(w, ITEM_APPLICATION, p->application);
    for (size_t i = 0; i < p->n_contexts; i++)
        put_context(w, &p->contexts[i], answer);
    put_user(w, p, answer);
    wr_patch_u32be(w, mark);
}

void pdu_refusal_write(const struct pdu_refusal *p, enum pdu_type type, struct wr *w)
{
    size_t mark = open_pdu(w, type);
    wr_u8(w, 0);
    wr_u8(w, type == PDU_ABORT ? 0 : p->result);
    wr_u8(w, p->source);
    wr_u8(w, p->reason);
    wr_patch_u32be(w, mark);
}

void pdu_release_write(enum pdu_type type, struct wr *w)
{
    size_t mark = open_pdu(w, type);
    wr_u32be(w, 0);
    wr_patch_u32be(w, mark);
}

void pdv_header_write(uint8_t context, bool command, bool last, size_t n, struct wr *w)
{
    wr_u32be(w, (uint32_t)(n + 2));
    wr_u8(w, context);
    wr_u8(w, (uint8_t)((command ? PDV_COMMAND : 0) | (last ? PDV_LAST : 0)));
}

struct reason {
    uint8_t source, reason;
    const char *text;
};

/* PS3.8 table 9-21. */
static const struct reason rejections[] = {
    {1, 1, "by the service user: no reason given"},
    {1, 2, "by the service user: application context not supported"},
    {1, 3, "by the service user: calling AE title not recognized"},
    {1, 7, "by the service user: called AE title not recognized"},
    {2, 1, "by the service provider: no reason given"},
    {2, 2, "by the service provider: protocol version not supported"},
    {3, 1, "by the service provider: temporary congestion"},
    {3, 2, "by the service provider: local limit exceeded"},
};

/* PS3.8 table 9-26. */
static const struct reason aborts[] = {
    {2, 0, "by the service provider: reason not specified"},
    {2, 1, "by the service provider: unrecognized PDU"},
    {2, 2, "by the service provider: unexpected PDU"},
    {2, 4, "by the service provider: unrecognized PDU parameter"},
    {2, 5, "by the service provider: unexpected PDU parameter"},
    {2, 6, "by the service provider: invalid PDU parameter value"},
};

static const char *find_reason(const struct reason *table, size_t n, const struct pdu_refusal *p)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].source == p->source && table[i].reason == p->reason)
            return table[i].text;
    return NULL;
}

struct str pdu_refusal_text(const struct pdu_refusal *p, enum pdu_type type, char *buf, size_t cap)
{
    bool abort = type == PDU_ABORT;
    const char *text = abort ? find_reason(aborts, COUNT(aborts), p)
                             : find_reason(rejections, COUNT(rejections), p);
    struct wr w = wr_fixed(buf, cap);
    wr_printf(&w, "%s%s ", abort ? "aborted" : "rejected",
              abort            ? ""
              : p->result == 2 ? " for now"
                               : " permanently");
    if (text)
        wr_printf(&w, "%s", text);
    else if (abort && p->source == 0)
        wr_printf(&w, "by the service user");
    else
        wr_printf(&w, "with source %u, reason %u", p->source, p->reason);
    return wr_str(&w);
}
