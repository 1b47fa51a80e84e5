/* TLS records and the handshake messages in them (RFC 5246 6.2 and 7.4, RFC 8446 4 and 5), read
 * without keys: until the first encrypted byte. A message is kept only as far as it is read. */
#include <stdlib.h>

#include "base/rd.h"
#include "base/size.h"
#include "survey/wire/tls_text.h"

enum {
    RECORD_HEAD = 5,
    RECORD_MAX = (1 << 14) + 2048,
    MESSAGE_HEAD = 4,
    KEPT_MAX = 32 << 10, /* of a message: its first certificate stands in front */
    READ_MAX = 1 << 20,  /* of a handshake: after that there is nothing to be told */
    EXTENSION_VERSIONS = 43,
    RANDOM = 32,
    VERSION_1_3 = 0x0304,
};

enum record { RECORD_CCS = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA };
enum message { CLIENT_HELLO = 1, SERVER_HELLO, CERTIFICATE = 11, ASKS_CLIENT = 13, HELLO_DONE };

struct tls_reader {
    bool server;
    enum step step;
    uint64_t read;
    uint8_t head[RECORD_HEAD], message_head[MESSAGE_HEAD], alert[2];
    size_t n_head, n_message_head, n_alert;
    size_t record_left, message_left;
    struct wr message; /* heap: the message's beginning */
    bool told;         /* a record of TLS was seen */
    bool hello, asks_client;
    uint16_t version, cipher;
    struct wr certificate; /* heap: DER of the first one */
};

err_t tls_reader_new(bool server, struct tls_reader **ret)
{
    struct tls_reader *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->server = server;
    r->step = STEP_MORE;
    r->message = wr_heap(KEPT_MAX);
    r->certificate = wr_heap(KEPT_MAX);
    *ret = r;
    return OK;
}

void tls_reader_free(struct tls_reader *r)
{
    if (!r)
        return;
    wr_done(&r->message);
    wr_done(&r->certificate);
    free(r);
}

/* Moves bytes of *in into a small array until it is full. */
static bool fill(uint8_t *to, size_t cap, size_t *n, struct str *in)
{
    size_t take = size_min(cap - *n, in->n);
    memcpy(to + *n, in->p, take);
    *n += take;
    *in = str_slice(*in, take, in->n);
    return *n == cap;
}

/* The version that a ServerHello's extension gives instead of its old field (RFC 8446 4.2.1). */
static uint16_t real_version(struct rd extensions, uint16_t version)
{
    while (extensions.n && !extensions.bad) {
        uint16_t type = rd_u16be(&extensions);
        struct rd body = rd_sub(&extensions, rd_u16be(&extensions));
        uint16_t selected = type == EXTENSION_VERSIONS ? rd_u16be(&body) : 0;
        if (selected && !body.bad)
            return selected >> 8 == 0x7F ? VERSION_1_3 : selected; /* 7Fxx: its drafts */
    }
    return version;
}

static void on_server_hello(struct tls_reader *r, struct rd b)
{
    uint16_t version = rd_u16be(&b);
    rd_skip(&b, RANDOM);
    rd_skip(&b, rd_u8(&b));
    uint16_t cipher = rd_u16be(&b);
    rd_skip(&b, 1);
    if (b.bad)
        return;
    r->hello = true;
    r->cipher = cipher;
    r->version = b.n ? real_version(rd_sub(&b, rd_u16be(&b)), version) : version;
    if (r->version >= VERSION_1_3)
        r->step = STEP_DONE;
}

static void on_certificate(struct tls_reader *r, struct rd b)
{
    rd_skip(&b, 3);
    size_t n = (size_t)rd_u8(&b) << 16;
    n |= rd_u16be(&b);
    struct str der = rd_take(&b, n);
    if (b.bad || r->certificate.n)
        return;
    wr_put(&r->certificate, der);
}

static void on_message(struct tls_reader *r)
{
    struct rd body = rd_of(wr_str(&r->message));
    switch (r->message_head[0]) {
    case SERVER_HELLO:
        on_server_hello(r, body);
        break;
    case CERTIFICATE:
        on_certificate(r, body);
        break;
    case ASKS_CLIENT:
        r->asks_client = true;
        break;
    case CLIENT_HELLO:
    case HELLO_DONE:
        r->step = STEP_DONE;
        break;
    default:
        break;
    }
}

static bool is_kept(uint8_t type)
{
    return type == SERVER_HELLO || type == CERTIFICATE;
}

/* Handshake messages may share a record or span several. */
static void on_handshake(struct tls_reader *r, struct str in)
{
    while (in.n && r->step == STEP_MORE) {
        if (r->n_message_head < MESSAGE_HEAD) {
            if (!fill(r->message_head, MESSAGE_HEAD, &r->n_message_head, &in))
                return;
            const uint8_t *h = r->message_head;
            r->message_left = (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
            wr_clear(&r->message);
        }
        size_t n = size_min(r->message_left, in.n);
        if (is_kept(r->message_head[0]))
            wr_bytes(&r->message, in.p, size_min(n, KEPT_MAX - r->message.n));
        r->message_left -= n;
        in = str_slice(in, n, in.n);
        if (r->message_left == 0) {
            on_message(r);
            r->n_message_head = 0;
        }
    }
}

static size_t record_length(const struct tls_reader *r)
{
    return (size_t)r->head[3] << 8 | r->head[4];
}

/* An alert in clear is two bytes; one that is longer is encrypted. Warnings are passed over. */
static void on_alert(struct tls_reader *r, struct str bytes)
{
    if (record_length(r) != sizeof r->alert)
        r->step = STEP_DONE;
    else if (fill(r->alert, sizeof r->alert, &r->n_alert, &bytes) && r->alert[0] == 1)
        r->n_alert = 0;
}

static void on_record(struct tls_reader *r, struct str bytes)
{
    switch (r->head[0]) {
    case RECORD_HANDSHAKE:
        on_handshake(r, bytes);
        break;
    case RECORD_ALERT:
        on_alert(r, bytes);
        break;
    default: /* what follows is encrypted */
        r->step = STEP_DONE;
    }
}

/* Whether a record's head can be one of TLS or SSL 3. */
static bool head_ok(const struct tls_reader *r)
{
    return r->head[0] >= RECORD_CCS && r->head[0] <= RECORD_DATA && r->head[1] == 3 &&
           r->head[2] <= 4 && record_length(r) <= RECORD_MAX;
}

enum step tls_reader_feed(struct tls_reader *r, struct str in)
{
    while (in.n && r->step == STEP_MORE) {
        if (r->n_head < RECORD_HEAD) {
            if (!fill(r->head, RECORD_HEAD, &r->n_head, &in))
                break;
            r->step = head_ok(r) ? STEP_MORE : STEP_FAIL;
            r->record_left = record_length(r);
            r->told |= r->step == STEP_MORE;
        }
        size_t n = size_min(r->record_left, in.n);
        if (n && r->step == STEP_MORE)
            on_record(r, str_slice(in, 0, n));
        r->record_left -= n;
        r->read += n + RECORD_HEAD;
        in = str_slice(in, n, in.n);
        if (r->record_left == 0)
            r->n_head = 0;
    }
    if (r->step == STEP_MORE && r->read > READ_MAX)
        r->step = STEP_DONE;
    return r->step;
}

static struct str suite_name(uint16_t cipher, char buf[8])
{
    static const struct {
        uint16_t number;
        struct str name;
    } suites[] = {
#define SUITE(number, name) {number, STR_INIT("TLS_" #name)},
#include "survey/wire/tls_suites.def"
#undef SUITE
    };
    for (size_t i = 0; i < COUNT(suites); i++)
        if (suites[i].number == cipher)
            return suites[i].name;
    struct wr w = wr_fixed(buf, 8);
    wr_printf(&w, "0x%04X", cipher);
    return wr_str(&w);
}

static struct str version_name(uint16_t version, char buf[8])
{
    static const struct str names[] = {STR_INIT("SSL3"), STR_INIT("TLS1.0"), STR_INIT("TLS1.1"),
                                       STR_INIT("TLS1.2"), STR_INIT("TLS1.3")};
    if (version >= 0x0300 && version <= VERSION_1_3)
        return names[version & 0xFF];
    struct wr w = wr_fixed(buf, 8);
    wr_printf(&w, "0x%04X", version);
    return wr_str(&w);
}

/* RFC 8446 6 and RFC 5246 7.2. */
static const char *alert_text(uint8_t description)
{
    static const char *const texts[] = {
        [0] = "close notify",
        [10] = "unexpected message",
        [20] = "bad record MAC",
        [22] = "record overflow",
        [40] = "handshake failure",
        [41] = "no certificate",
        [42] = "bad certificate",
        [43] = "unsupported certificate",
        [44] = "certificate revoked",
        [45] = "certificate expired",
        [46] = "certificate unknown",
        [47] = "illegal parameter",
        [48] = "unknown authority",
        [49] = "access denied",
        [50] = "decode error",
        [51] = "decrypt error",
        [70] = "protocol version",
        [71] = "insufficient security",
        [80] = "internal error",
        [86] = "inappropriate fallback",
        [90] = "user cancelled",
        [109] = "missing extension",
        [112] = "unrecognized name",
        [116] = "certificate required",
        [120] = "no application protocol",
    };
    return description < COUNT(texts) && texts[description] ? texts[description] : "unknown";
}

static err_t add_hello(const struct tls_reader *r, enum ev_by by, struct evidence *e)
{
    char buf[8];
    TRY(evidence_keep(e, by, EV_tls_version, version_name(r->version, buf)));
    return evidence_keep(e, by, EV_tls_cipher, suite_name(r->cipher, buf));
}

/* A certificate that cannot be read is no failure of the survey. */
static err_t add_certificate(const struct tls_reader *r, enum ev_by by, struct evidence *e)
{
    if (!r->certificate.n || r->certificate.bad)
        return OK;
    err_t failed = tls_cert_facts(wr_str(&r->certificate), by, e);
    return failed == E_MALFORMED ? OK : failed;
}

err_t tls_reader_facts(const struct tls_reader *r, enum ev_by by, struct evidence *e)
{
    if (!r->server || !r->told)
        return OK;
    TRY(evidence_add(e, by, EV_protocol, STR("tls")));
    TRY(evidence_add(e, by, EV_transport, STR("tls")));
    if (r->hello)
        TRY(add_hello(r, by, e));
    if (r->asks_client)
        TRY(evidence_add(e, by, EV_tls_asks_client, STR("yes")));
    if (r->n_alert == sizeof r->alert)
        TRY(evidence_addf(e, by, EV_tls_failed, "alert %u: %s", r->alert[1],
                          alert_text(r->alert[1])));
    return add_certificate(r, by, e);
}
