#include "dicom/json_value.h"

#include <stdlib.h>

#include "base/rd.h"
#include "dicom/pn.h"
#include "dicom/vr.h"

static void put_float(struct json *j, vr_t vr, uint64_t bits)
{
    uint32_t half = (uint32_t)bits;
    float f;
    double d;
    if (vr == VR('F', 'L')) {
        memcpy(&f, &half, sizeof f);
        d = (double)f;
    } else {
        memcpy(&d, &bits, sizeof d);
    }
    json_double(j, d);
}

/* Many readers have no integer for it; UV may be a string (F.2.3). */
static void put_large(struct json *j, uint64_t v)
{
    char text[24];
    struct wr w = wr_fixed(text, sizeof text);
    wr_printf(&w, "%llu", (unsigned long long)v);
    json_text(j, wr_str(&w));
}

static void put_number(struct json *j, vr_t vr, size_t size, struct rd *r)
{
    uint64_t v = size == 2 ? rd_u16le(r) : size == 4 ? rd_u32le(r) : rd_u64le(r);
    unsigned unused = 64 - 8 * (unsigned)size;
    if (vr == VR('F', 'L') || vr == VR('F', 'D'))
        put_float(j, vr, v);
    else if (vr >> 8 == 'S')
        json_i64(j, (int64_t)(v << unused) >> unused);
    else if (v <= INT64_MAX)
        json_u64(j, v);
    else
        put_large(j, v);
}

static void put_tag(struct json *j, struct rd *r)
{
    char text[8];
    struct wr w = wr_fixed(text, sizeof text);
    unsigned group = rd_u16le(r), element = rd_u16le(r);
    wr_printf(&w, "%04X%04X", group, element);
    json_text(j, wr_str(&w));
}

void json_value_numbers(struct json *j, vr_t vr, struct str bytes)
{
    size_t size = dcm_vr_size(vr);
    struct rd r = rd_of(bytes);
    while (r.n >= size) {
        if (vr == VR('A', 'T'))
            put_tag(j, &r);
        else
            put_number(j, vr, size, &r);
    }
}

/* What fits into 64 bits whatever the digits are. */
enum { INTEGER_DIGITS = 18 };

static struct str take_digits(struct str *s)
{
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    struct str digits = str_slice(*s, 0, n);
    *s = str_slice(*s, n, s->n);
    return digits;
}

static bool take_sign(struct str *s)
{
    bool minus = s->n && s->p[0] == '-';
    if (minus || (s->n && s->p[0] == '+'))
        *s = str_slice(*s, 1, s->n);
    return minus;
}

/* A decimal string as a JSON number with the same digits: JSON wants no plus sign, no leading zeros
 * and digits on both sides of the point. False when it is no number, or too large for the integers
 * and floats of those who read it. */
static bool put_decimal(struct str s, struct wr *out)
{
    uint64_t exponent = 0;
    bool minus = take_sign(&s), down = false, point = false;
    struct str whole = take_digits(&s), fraction = STR("");
    if (s.n && s.p[0] == '.') {
        point = true;
        s = str_slice(s, 1, s.n);
        fraction = take_digits(&s);
    }
    if (whole.n + fraction.n == 0)
        return false;
    bool scaled = s.n && (s.p[0] == 'e' || s.p[0] == 'E');
    if (scaled) {
        s = str_slice(s, 1, s.n);
        down = take_sign(&s);
        if (!str_to_u64(take_digits(&s), 290, &exponent))
            return false;
    }
    while (whole.n > 1 && whole.p[0] == '0')
        whole = str_slice(whole, 1, whole.n);
    if (!point && !scaled && whole.n > INTEGER_DIGITS)
        return false;
    wr_put(out, minus ? STR("-") : STR(""));
    wr_put(out, whole.n ? whole : STR("0"));
    if (point && fraction.n)
        wr_printf(out, ".%.*s", STR_ARG(fraction));
    if (scaled)
        wr_printf(out, "e%s%u", down ? "-" : "", (unsigned)exponent);
    return s.n == 0;
}

/* Longer than any value of DS or IS may be, and too long for a float, is not a number. */
static void put_decimal_or_text(struct json *j, struct str s)
{
    char text[64];
    struct wr w = wr_fixed(text, sizeof text);
    if (s.n <= sizeof text / 2 && put_decimal(s, &w))
        json_raw(j, wr_str(&w));
    else
        json_text(j, s);
}

static void put_name(struct json *j, struct str s)
{
    static const struct str names[PN_GROUPS] = {STR_INIT("Alphabetic"), STR_INIT("Ideographic"),
                                                STR_INIT("Phonetic")};
    struct str group;
    json_open_object(j);
    for (unsigned g = 0; g < PN_GROUPS && str_split(&s, '=', &group); g++) {
        group = str_unpad(group);
        if (group.n)
            json_member(j, names[g], group);
    }
    json_end(j);
}

static bool is_number_text(vr_t vr)
{
    return vr == VR('D', 'S') || vr == VR('I', 'S');
}

static void put_one(struct json *j, vr_t vr, struct str s)
{
    s = is_number_text(vr) || vr == VR('A', 'E') ? str_trim(str_unpad(s)) : str_unpad(s);
    if (s.n == 0)
        json_none(j);
    else if (vr == VR('P', 'N'))
        put_name(j, s);
    else if (is_number_text(vr))
        put_decimal_or_text(j, s);
    else
        json_text(j, s);
}

void json_value_text(struct json *j, vr_t vr, struct str utf8)
{
    struct str rest = str_unpad(utf8), one;
    if (rest.n == 0)
        return;
    json_key(j, STR("Value"));
    json_open_array(j);
    if (dcm_vr_flags(vr) & DCM_VR_MULTI)
        while (str_split(&rest, '\\', &one))
            put_one(j, vr, one);
    else
        put_one(j, vr, rest);
    json_end(j);
}
