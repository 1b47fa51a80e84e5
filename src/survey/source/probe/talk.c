#include "survey/source/probe/talk.h"

#include "survey/wire/dicom_answer.h"
#include "survey/wire/hl7_answer.h"

enum { BANNER_MAX = 256 };

/* MLLP: the port took a connection. Not a byte is sent: a message would be acted on. */
static enum step mllp_open(struct talk *t, struct wr *out)
{
    (void)t;
    (void)out;
    return STEP_DONE;
}

static enum step mllp_bytes(struct talk *t, struct str in, struct wr *out)
{
    (void)t;
    (void)in;
    (void)out;
    return STEP_DONE;
}

static void mllp_end(struct talk *t, enum talk_end why, struct wr *out)
{
    (void)t;
    (void)why;
    (void)out;
}

static err_t mllp_facts(struct talk *t, struct evidence *e)
{
    (void)t;
    return evidence_add(e, BY_PROBE, EV_hl7_mllp, STR("open"));
}

const struct talk_calls mllp_talk = {
    .size = sizeof(struct talk),
    .open = mllp_open,
    .bytes = mllp_bytes,
    .end = mllp_end,
    .facts = mllp_facts,
};

const struct talk_calls *talk_of(enum probe_kind k)
{
    static const struct talk_calls *const of[PROBE_KINDS] = {
        [PROBE_DICOM] = &dicom_talk, [PROBE_DICOM_TLS] = &dicom_talk, [PROBE_HTTP] = &http_talk,
        [PROBE_HTTPS] = &http_talk,  [PROBE_MLLP] = &mllp_talk,
    };
    return k < PROBE_KINDS ? of[k] : &mllp_talk;
}

/* A TLS record that is an alert: how a server that wants TLS answers other bytes. */
static bool is_tls_alert(struct str b)
{
    return b.n >= 7 && b.p[0] == 0x15 && b.p[1] == 3 && b.p[3] == 0 && b.p[4] == 2;
}

err_t talk_banner(struct str bytes, struct evidence *e)
{
    if (bytes.n == 0)
        return OK;
    if (is_tls_alert(bytes)) {
        TRY(evidence_add(e, BY_PROBE, EV_transport, STR("tls")));
        return evidence_add(e, BY_PROBE, EV_protocol, STR("tls"));
    }
    err_t e1 = hl7_answer_bytes(bytes, BY_PROBE, e);
    if (e1 != E_MALFORMED)
        return e1;
    if (str_starts(bytes, STR("HTTP/1.")))
        TRY(evidence_add(e, BY_PROBE, EV_protocol, STR("http")));
    TRY(evidence_add(e, BY_PROBE, EV_raw_banner, str_slice(bytes, 0, 4096)));
    return evidence_add(e, BY_PROBE, EV_banner, str_slice(bytes, 0, BANNER_MAX));
}
