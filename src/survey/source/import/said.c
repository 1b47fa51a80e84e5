#include "survey/source/import/said.h"

#include <stdio.h>
#include <time.h>

#include "base/size.h"
#include "survey/core/model.h"
#include "survey/wire/dicom_answer.h"
#include "survey/wire/hl7_answer.h"
#include "survey/wire/http_text.h"

enum { DICOM_MAX = 4096, LOOK = 512 };

/* Takes up to `digits` of a number, passing over one separator before it. */
static bool take_number(struct str *rest, size_t digits, const char *before, int *ret)
{
    int v = 0;
    size_t n = 0;
    if (rest->n && *before && strchr(before, rest->p[0]))
        *rest = str_slice(*rest, 1, rest->n);
    for (; n < digits && n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++)
        v = v * 10 + (rest->p[n] - '0');
    if (n < digits)
        return false;
    *rest = str_slice(*rest, n, rest->n);
    *ret = v;
    return true;
}

static bool is_seconds(struct str text, int64_t *ret)
{
    uint64_t s;
    /* Ten digits of seconds, thirteen of milliseconds; eight would be a date. */
    if ((text.n != 10 && text.n != 13) || !str_to_u64(text, INT64_MAX, &s))
        return false;
    *ret = (int64_t)(text.n == 13 ? s * 1000 : s * 1000000);
    return true;
}

static bool is_sane(const struct tm *t)
{
    return t->tm_year >= 70 && t->tm_year < 300 && t->tm_mon >= 0 && t->tm_mon < 12 &&
           t->tm_mday >= 1 && t->tm_mday <= 31 && t->tm_hour < 24 && t->tm_min < 60 &&
           t->tm_sec <= 60;
}

int64_t said_time(struct str text)
{
    struct tm t = {0};
    int64_t us;
    text = str_trim(text);
    if (is_seconds(text, &us))
        return us;
    if (!take_number(&text, 4, "", &t.tm_year) || !take_number(&text, 2, "-/", &t.tm_mon) ||
        !take_number(&text, 2, "-/", &t.tm_mday))
        return 0;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    /* The time of day may be missing. */
    if (take_number(&text, 2, "T ", &t.tm_hour) && take_number(&text, 2, ":", &t.tm_min))
        (void)take_number(&text, 2, ":", &t.tm_sec);
    if (!is_sane(&t))
        return 0;
    return (int64_t)timegm(&t) * 1000000;
}

struct str said_day(struct str text, char buf[SAID_DAY])
{
    int64_t us = said_time(text);
    time_t s = (time_t)(us / 1000000);
    struct tm t;
    if (us == 0 || !gmtime_r(&s, &t) || strftime(buf, SAID_DAY, "%Y-%m-%d", &t) == 0)
        return STR("");
    return str_z(buf);
}

bool said_contains(struct str text, struct str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++)
        if ((text.p[i] | 0x20) == (word.p[0] | 0x20) &&
            str_eq_nocase(str_slice(text, i, word.n), word))
            return true;
    return false;
}

bool said_port(struct str text, uint16_t *ret)
{
    uint64_t port;
    if (!str_to_u64(str_trim(text), UINT16_MAX, &port) || port == 0)
        return false;
    *ret = (uint16_t)port;
    return true;
}

err_t said_product(struct evidence *e, struct str product, struct str version)
{
    product = str_trim(product);
    version = str_trim(version);
    if (product.n == 0)
        return OK;
    if (version.n == 0)
        return evidence_add(e, BY_ENGINE, EV_said_product, product);
    return evidence_addf(e, BY_ENGINE, EV_said_product, "%.*s %.*s", (int)size_min(product.n, 200),
                         product.p, (int)size_min(version.n, 100), version.p);
}

err_t said_date(struct evidence *e, enum ev_kind kind, struct str text)
{
    char buf[SAID_DAY];
    return evidence_keep(e, BY_ENGINE, kind, said_day(text, buf));
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

err_t said_country(struct evidence *e, enum ev_by by, struct str text)
{
    text = str_trim(text);
    if (text.n != 2 || !is_letter(text.p[0]) || !is_letter(text.p[1]))
        return OK;
    char code[2] = {(char)(text.p[0] & ~0x20), (char)(text.p[1] & ~0x20)};
    return evidence_keep(e, by, EV_country, str_of(code, sizeof code));
}

struct str said_tls(struct str text, char buf[SAID_TLS])
{
    bool tls = text.n > 3 && str_eq_nocase(str_slice(text, 0, 3), STR("TLS"));
    bool ssl = text.n > 3 && str_eq_nocase(str_slice(text, 0, 3), STR("SSL"));
    struct wr w = wr_fixed(buf, SAID_TLS - 1);
    if (!tls && !ssl)
        return STR("");
    wr_put(&w, tls ? STR("TLS") : STR("SSL"));
    for (size_t i = 3; i < text.n && !w.bad; i++) {
        char c = text.p[i] == '_' ? '.' : text.p[i];
        if ((c >= '0' && c <= '9') || (c == '.' && w.n > 3))
            wr_u8(&w, (uint8_t)c);
        else if (c != 'v' && c != 'V' && c != ' ' && c != '.')
            return STR("");
    }
    if (tls && str_eq(wr_str(&w), STR("TLS1")))
        wr_put(&w, STR(".0"));
    return w.bad || w.n == 3 ? STR("") : wr_str(&w);
}

err_t said_handshake(struct evidence *e, const struct said_handshake *h)
{
    char buf[SAID_TLS];
    TRY(evidence_keep(e, BY_ENGINE, EV_tls_version, said_tls(h->version, buf)));
    TRY(said_date(e, EV_tls_from, h->from));
    TRY(said_date(e, EV_tls_until, h->until));
    if (!h->self_signed.n)
        return OK;
    return evidence_add(e, BY_ENGINE, EV_tls_self_signed,
                        str_eq(h->self_signed, STR("true")) ? STR("yes") : STR("no"));
}

err_t said_server(struct evidence *e, struct str value)
{
    if (!value.n)
        return OK;
    return evidence_addf(e, BY_ENGINE, EV_http_header, "Server: %.*s", (int)size_min(value.n, 240),
                         value.p);
}

err_t said_asn(struct evidence *e, struct str text)
{
    uint64_t n;
    if (text.n > 2 && str_eq_nocase(str_slice(text, 0, 2), STR("AS")))
        text = str_slice(text, 2, text.n);
    if (!str_to_u64(text, UINT32_MAX, &n) || n == 0)
        return OK;
    return evidence_addf(e, BY_ENGINE, EV_asn, "AS%llu", (unsigned long long)n);
}

struct str said_mac(struct str text, char buf[SAID_MAC])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = (char)(text.p[i] >= 'A' && text.p[i] <= 'F' ? text.p[i] | 0x20 : text.p[i]);
        if (c == ':' || c == '-' || c == '.' || c == ' ')
            continue;
        if (n == SAID_MAC - 1 || !c || !strchr(digits, c))
            return STR("");
        buf[n++] = c;
        if (n % 3 == 2 && n < SAID_MAC - 1)
            buf[n++] = ':';
    }
    return n == SAID_MAC - 1 ? str_of(buf, n) : STR("");
}

struct str said_type(struct str text)
{
    static const struct {
        enum sys_type type;
        struct str names[3];
    } types[] = {
#define TYPE(id, en, it) {TYPE_##id, {STR_INIT(#id), STR_INIT(en), STR_INIT(it)}},
#include "survey/core/model.def"
#undef TYPE
    };
    text = str_trim(text);
    for (size_t i = 0; i < COUNT(types); i++)
        for (size_t k = 0; k < COUNT(types[i].names); k++)
            if (str_eq_nocase(text, types[i].names[k]))
                return type_name(types[i].type);
    return text;
}

/* Whether it is worth the work to undo escapings: an upper layer's PDU begins with 1 to 7 and 0, in
 * whatever way that is written. */
static bool may_be_dicom(struct str s)
{
    static const struct str label = STR_INIT("DICOM Server Response");
    if (str_starts(s, label))
        return true;
    if (s.n < 4)
        return false;
    if (s.p[0] == '\\')
        return s.p[1] == 'x' || s.p[1] == '0' || s.p[1] == 'u';
    if (s.p[0] >= 1 && s.p[0] <= 7)
        return s.p[1] == '\0' || s.p[1] == '\\';
    return s.p[0] == '0' && s.p[1] >= '1' && s.p[1] <= '7' &&
           (str_starts(str_slice(s, 2, 3), STR("00")) ||
            str_starts(str_slice(s, 2, 3), STR(" 00")) ||
            str_starts(str_slice(s, 2, 3), STR(":00")));
}

static err_t try_dicom(struct evidence *e, struct str text, bool *ret_done)
{
    if (text.n == 0)
        return OK;
    size_t room = size_min(text.n + 8, DICOM_MAX);
    void *p = arena_alloc(e->arena, room);
    if (!p)
        return E_NOMEM;
    struct wr w = wr_fixed(p, room);
    if (!dicom_banner_decode(text, &w))
        return OK;
    err_t err = dicom_answer_bytes(wr_str(&w), BY_ENGINE, e);
    *ret_done = err == OK;
    return err == E_MALFORMED ? OK : err;
}

static bool is_hl7(struct str s)
{
    s = str_slice(s, 0, LOOK);
    return str_starts(s, STR("MSH|")) || str_starts(s, STR("\x0bMSH|")) ||
           str_starts(s, STR("\\x0bMSH|"));
}

static err_t add_plain(struct evidence *e, struct str text)
{
    TRY(evidence_add(e, BY_ENGINE, EV_banner, text));
    return evidence_add(e, BY_ENGINE, EV_raw_banner, text);
}

static err_t add_hl7(struct evidence *e, struct str text)
{
    if (str_starts(text, STR("\\x0b")))
        text = str_slice(text, 4, text.n);
    err_t err = hl7_answer_bytes(text, BY_ENGINE, e);
    /* HL7 that is broken is a banner; its text may hold a patient's values and is not kept. */
    return err == E_MALFORMED ? OK : err;
}

err_t said_answer(struct evidence *e, const struct said_banner *b)
{
    bool done = false;
    if (str_starts(b->text, STR("HTTP/")))
        return http_facts_text(b->text, b->body, b->path.n ? b->path : STR("/"), BY_ENGINE, e);
    if (b->dicom || may_be_dicom(b->text)) {
        TRY(try_dicom(e, b->text, &done));
        if (!done)
            TRY(try_dicom(e, b->raw, &done));
        if (done)
            return OK;
    }
    if (is_hl7(b->text))
        return add_hl7(e, b->text);
    return b->text.n ? add_plain(e, b->text) : OK;
}
