#include "dicom/json_parse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "dicom/pn.h"
#include "dicom/vr.h"

err_t json_bad(struct diag *d, tag_t tag, const char *what)
{
    return diag_set(d, E_MALFORMED, "(%04X,%04X) %s", TAG_GROUP(tag), TAG_ELEMENT(tag), what);
}

static struct str text_of(json_t *v)
{
    return json_is_string(v) ? str_of(json_string_value(v), json_string_length(v)) : STR("");
}

/* ---- binary numbers ---- */

static const struct int_range {
    vr_t vr;
    int64_t low;
    uint64_t high;
} int_ranges[] = {
    {VR('S', 'S'), INT16_MIN, INT16_MAX}, {VR('U', 'S'), 0, UINT16_MAX},
    {VR('S', 'L'), INT32_MIN, INT32_MAX}, {VR('U', 'L'), 0, UINT32_MAX},
    {VR('S', 'V'), INT64_MIN, INT64_MAX}, {VR('U', 'V'), 0, UINT64_MAX},
};

/* An integer as its 64 bits; from a number without fraction or, as SV and UV may be, a string. */
static bool to_int(json_t *v, const struct int_range *range, uint64_t *ret)
{
    int64_t i = 0;
    if (json_is_string(v) && range->high > INT64_MAX && str_to_u64(text_of(v), range->high, ret))
        return true;
    if (json_is_integer(v))
        i = json_integer_value(v);
    else if (json_is_real(v) && fabs(json_real_value(v)) < 9e15 &&
             floor(json_real_value(v)) == json_real_value(v))
        i = (int64_t)json_real_value(v);
    else if (!json_is_string(v) || !str_to_i64(text_of(v), &i))
        return false;
    if (i < range->low || (i > 0 && (uint64_t)i > range->high))
        return false;
    *ret = (uint64_t)i;
    return true;
}

/* PS3.18 has no numbers for them; peers write these. */
static bool to_double(json_t *v, double *ret)
{
    static const struct {
        struct str name;
        double value;
    } names[] = {{STR_INIT("NaN"), NAN},
                 {STR_INIT("inf"), INFINITY},
                 {STR_INIT("-inf"), -INFINITY},
                 {STR_INIT("Infinity"), INFINITY},
                 {STR_INIT("-Infinity"), -INFINITY}};
    if (json_is_number(v)) {
        *ret = json_number_value(v);
        return true;
    }
    for (size_t i = 0; json_is_string(v) && i < COUNT(names); i++) {
        if (!str_eq_nocase(text_of(v), names[i].name))
            continue;
        *ret = names[i].value;
        return true;
    }
    return false;
}

static bool put_float(vr_t vr, json_t *v, struct wr *w)
{
    double d;
    uint64_t bits;
    if (!to_double(v, &d))
        return false;
    if (vr == VR('F', 'D')) {
        memcpy(&bits, &d, sizeof bits);
        wr_u64le(w, bits);
        return true;
    }
    float f = (float)d;
    uint32_t half;
    if (isinf(f) && !isinf(d))
        return false;
    memcpy(&half, &f, sizeof half);
    wr_u32le(w, half);
    return true;
}

static bool put_tag(json_t *v, struct wr *w)
{
    struct str s = text_of(v);
    uint32_t tag = 0;
    for (size_t i = 0; i < s.n; i++) {
        static const char digits[] = "0123456789ABCDEFabcdef";
        const char *at = memchr(digits, s.p[i], sizeof digits - 1);
        if (!at)
            return false;
        size_t digit = (size_t)(at - digits);
        tag = tag << 4 | (uint32_t)(digit < 16 ? digit : digit - 6);
    }
    wr_u16le(w, TAG_GROUP(tag));
    wr_u16le(w, TAG_ELEMENT(tag));
    return s.n == 8;
}

static bool put_binary(vr_t vr, json_t *v, struct wr *w)
{
    uint64_t bits;
    if (vr == VR('A', 'T'))
        return put_tag(v, w);
    if (vr == VR('F', 'L') || vr == VR('F', 'D'))
        return put_float(vr, v, w);
    for (size_t i = 0; i < COUNT(int_ranges); i++) {
        if (int_ranges[i].vr != vr)
            continue;
        if (!to_int(v, &int_ranges[i], &bits))
            return false;
        size_t size = dcm_vr_size(vr);
        for (size_t k = 0; k < size; k++)
            wr_u8(w, (uint8_t)(bits >> (8 * k)));
        return true;
    }
    return false;
}

/* ---- text ---- */

/* The shortest text that reads back the same, or the most digits that fit into a decimal string
 * (PS3.5 6.2: 16 bytes). */
static void put_real(double d, struct wr *w)
{
    enum { DS_MAX = 16 };
    char text[40] = "", best[DS_MAX + 1] = "0";
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (!str_to_z(str_z(text), best, sizeof best) || strtod(text, NULL) == d)
            break;
    }
    wr_put(w, str_z(best));
}

static bool put_number_text(vr_t vr, json_t *v, struct wr *w)
{
    if (json_is_integer(v)) {
        wr_printf(w, "%lld", (long long)json_integer_value(v));
        return true;
    }
    if (!json_is_real(v))
        return false;
    double d = json_real_value(v);
    if (vr == VR('I', 'S')) {
        if (floor(d) != d || fabs(d) > INT32_MAX)
            return false;
        wr_printf(w, "%lld", (long long)d);
        return true;
    }
    put_real(d, w);
    return true;
}

static bool is_ascii(struct str s)
{
    uint8_t high = 0;
    for (size_t i = 0; i < s.n; i++)
        high |= (uint8_t)s.p[i];
    return high < 0x80;
}

/* A value that holds a separator would become two; and only some VRs have more than the default
 * repertoire (PS3.5 6.1.2.2). */
static bool put_text(vr_t vr, struct str s, struct wr *w)
{
    unsigned flags = dcm_vr_flags(vr);
    if ((flags & DCM_VR_MULTI && str_find(s, '\\') < s.n) ||
        (!(flags & DCM_VR_CHARSET) && !is_ascii(s)))
        return false;
    wr_put(w, s);
    return true;
}

static bool put_name(json_t *v, struct wr *w)
{
    static const char *const names[PN_GROUPS] = {"Alphabetic", "Ideographic", "Phonetic"};
    unsigned last = 0;
    for (unsigned g = 0; g < PN_GROUPS; g++)
        if (text_of(json_object_get(v, names[g])).n)
            last = g;
    for (unsigned g = 0; g <= last; g++) {
        json_t *group = json_object_get(v, names[g]);
        struct str s = text_of(group);
        if ((group && !json_is_string(group) && !json_is_null(group)) || str_find(s, '=') < s.n ||
            !put_text(VR('P', 'N'), s, w))
            return false;
        if (g < last)
            wr_u8(w, '=');
    }
    return true;
}

static bool put_one_text(vr_t vr, json_t *v, struct wr *w)
{
    bool number = vr == VR('D', 'S') || vr == VR('I', 'S');
    if (json_is_null(v))
        return true;
    if (vr == VR('P', 'N') && json_is_object(v))
        return put_name(v, w);
    if (json_is_string(v))
        return put_text(vr, text_of(v), w);
    return number && put_number_text(vr, v, w);
}

err_t json_parse_values(tag_t tag, vr_t vr, json_t *values, struct wr *w, struct diag *d)
{
    size_t i;
    json_t *v;
    bool text = dcm_vr_flags(vr) & DCM_VR_TEXT, multi = dcm_vr_flags(vr) & DCM_VR_MULTI;
    if (!json_is_array(values))
        return json_bad(d, tag, "has a Value that is not an array");
    if (text && !multi && json_array_size(values) > 1)
        return json_bad(d, tag, "can have one value only");
    json_array_foreach(values, i, v)
    {
        if (text && i)
            wr_u8(w, '\\');
        if (!(text ? put_one_text(vr, v, w) : put_binary(vr, v, w)))
            return json_bad(d, tag, "has a value that is none of its VR");
    }
    return OK;
}

/* ---- base64 ---- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = memchr(digits, c, sizeof digits - 1);
    return at ? (int)(at - digits) : -1;
}

static bool put_base64(struct str s, struct wr *w)
{
    if (s.n % 4)
        return false;
    size_t pad = str_ends(s, STR("==")) ? 2 : str_ends(s, STR("=")) ? 1 : 0;
    uint32_t group = 0;
    for (size_t i = 0; i < s.n - pad; i++) {
        int digit = base64_digit(s.p[i]);
        if (digit < 0)
            return false;
        group = group << 6 | (uint32_t)digit;
        if (i % 4 == 0)
            continue;
        wr_u8(w, (uint8_t)(group >> (6 - 2 * (i % 4))));
    }
    return true;
}

err_t json_parse_base64(tag_t tag, json_t *value, struct wr *w, struct diag *d)
{
    if (json_array_size(value) == 1)
        value = json_array_get(value, 0);
    if (!json_is_string(value) || !put_base64(text_of(value), w))
        return json_bad(d, tag, "has an InlineBinary that is not base64");
    return OK;
}
