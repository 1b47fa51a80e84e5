/* Opening associations, C-ECHO, responses. */
#include "scu/scu.h"

#include "base/size.h"
#include "dicom/uid.h"
#include "io/clock.h"

err_t scu_peer_parse(struct str text, struct scu_peer *ret, struct diag *d)
{
    size_t at = str_find(text, '@');
    struct str called = str_slice(text, 0, at), rest = str_slice(text, at + 1, text.n);
    size_t colon = rest.n;
    while (colon && rest.p[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (at == text.n || colon < 2 ||
        !str_to_u64(str_slice(rest, colon, rest.n), UINT16_MAX, &port) || port == 0)
        return diag_set(d, E_USAGE, "\"%.*s\" is not of the form AE@HOST:PORT", STR_ARG(text));
    if (!pdu_ae_ok(called))
        return diag_set(d, E_USAGE, "\"%.*s\" is not an AE title (1 to 16 characters)",
                        STR_ARG(called));
    struct str host = str_slice(rest, 0, colon - 1);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_slice(host, 1, host.n - 2);
    ret->called = called;
    ret->host = host;
    ret->port = (uint16_t)port;
    return OK;
}

err_t scu_open_with(const struct scu_peer *p, struct pdu_associate *rq, struct assoc **ret,
                    struct diag *d)
{
    rq->called = p->called;
    rq->calling = p->calling;
    return assoc_open(p->host, p->port, p->tls, rq, &p->limits, p->stop, ret, d);
}

err_t scu_open(const struct scu_peer *p, struct str abstract, bool relational, struct assoc **ret,
               struct diag *d)
{
    static const struct str native[] = {STR_INIT(UID_ExplicitVRLittleEndian),
                                        STR_INIT(UID_ImplicitVRLittleEndian)};
    struct str transfers[COUNT(native)] = {native[0], native[1]};
    struct pdu_context context = {
        .id = 1, .abstract = abstract, .transfers = transfers, .n_transfers = COUNT(transfers)};
    struct pdu_extended extended = {abstract, str_of("\1", 1)};
    struct pdu_associate rq = {.contexts = &context,
                               .n_contexts = 1,
                               .extended = &extended,
                               .n_extended = relational ? 1 : 0};
    struct assoc *a = NULL;
    TRY(scu_open_with(p, &rq, &a, d));
    if (!assoc_context(a, 1)) {
        (void)!assoc_release(a);
        assoc_free(a);
        struct str name = dcm_uid_name(abstract);
        return diag_set(d, E_UNSUPPORTED, "the other side does not offer %.*s", STR_ARG(name));
    }
    *ret = a;
    return OK;
}

err_t scu_response(struct assoc *a, uint16_t field, uint16_t message_id, struct dimse_command *ret)
{
    TRY(assoc_next(a, 0, ret));
    if (ret->field == field && ret->message_id == message_id)
        return OK;
    assoc_abort(a);
    return E_PROTOCOL;
}

err_t scu_echo(struct assoc *a, uint16_t message_id, uint16_t *ret_status)
{
    struct dimse_command rq = dimse_command(C_ECHO_RQ, message_id), rsp;
    const struct assoc_context *c = assoc_context_for(a, STR(UID_Verification), str_of(NULL, 0));
    if (!c)
        return E_UNSUPPORTED;
    rq.sop_class = STR(UID_Verification);
    TRY(assoc_send(a, c->id, &rq));
    TRY(scu_response(a, C_ECHO_RSP, message_id, &rsp));
    *ret_status = rsp.status;
    return OK;
}
