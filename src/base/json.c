#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct json json_of(struct wr *w)
{
    return (struct json){.w = w};
}

static void before_value(struct json *j)
{
    if (j->comma)
        wr_u8(j->w, ',');
    j->comma = true;
}

static void open_level(struct json *j, bool array)
{
    before_value(j);
    if (j->depth == JSON_DEPTH_MAX) {
        j->w->bad = true;
        return;
    }
    uint8_t bit = (uint8_t)(1u << j->depth % 8);
    uint8_t *byte = &j->array[j->depth / 8];
    *byte = (uint8_t)(array ? *byte | bit : *byte & ~bit);
    j->depth++;
    j->comma = false;
    wr_u8(j->w, array ? '[' : '{');
}

void json_open_object(struct json *j)
{
    open_level(j, false);
}

void json_open_array(struct json *j)
{
    open_level(j, true);
}

void json_end(struct json *j)
{
    if (j->depth == 0) {
        j->w->bad = true;
        return;
    }
    j->depth--;
    wr_u8(j->w, j->array[j->depth / 8] >> j->depth % 8 & 1 ? ']' : '}');
    j->comma = true;
}

static void put_escaped(struct wr *w, struct str s)
{
    static const char named[128] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    size_t plain = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        bool html = c == '<' || c == '>' || c == '&';
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && !html)
            continue;
        wr_put(w, str_slice(s, plain, i - plain));
        if (c < 128 && named[c])
            wr_printf(w, "\\%c", named[c]);
        else
            wr_printf(w, "\\u%04x", c);
        plain = i + 1;
    }
    wr_put(w, str_slice(s, plain, s.n));
}

/* Not UTF-8: keep ASCII, replace the rest byte by byte. */
static void put_replaced(struct wr *w, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] < 0x80)
            put_escaped(w, str_slice(s, i, 1));
        else
            wr_put(w, STR("\xef\xbf\xbd"));
    }
}

void json_text(struct json *j, struct str s)
{
    before_value(j);
    wr_u8(j->w, '"');
    if (str_is_utf8(s))
        put_escaped(j->w, s);
    else
        put_replaced(j->w, s);
    wr_u8(j->w, '"');
}

void json_key(struct json *j, struct str name)
{
    json_text(j, name);
    wr_u8(j->w, ':');
    j->comma = false;
}

void json_raw(struct json *j, struct str s)
{
    before_value(j);
    wr_put(j->w, s);
}

void json_i64(struct json *j, int64_t v)
{
    before_value(j);
    wr_printf(j->w, "%lld", (long long)v);
}

void json_u64(struct json *j, uint64_t v)
{
    before_value(j);
    wr_printf(j->w, "%llu", (unsigned long long)v);
}

void json_double(struct json *j, double v)
{
    char text[32];
    if (!isfinite(v)) {
        json_text(j, isnan(v) ? STR("NaN") : v > 0 ? STR("inf") : STR("-inf"));
        return;
    }
    /* 15 digits are always enough to write what has no more; only subnormals may need fewer. */
    for (int digits = isnormal(v) ? 15 : 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    json_raw(j, str_z(text));
}

void json_bool(struct json *j, bool v)
{
    json_raw(j, v ? STR("true") : STR("false"));
}

void json_none(struct json *j)
{
    json_raw(j, STR("null"));
}

void json_base64_begin(struct json *j)
{
    before_value(j);
    wr_u8(j->w, '"');
}

void json_base64_end(struct json *j)
{
    wr_u8(j->w, '"');
}

void json_base64(struct json *j, struct str bytes)
{
    json_base64_begin(j);
    wr_base64(j->w, bytes);
    json_base64_end(j);
}

void json_member(struct json *j, struct str name, struct str value)
{
    json_key(j, name);
    json_text(j, value);
}

void json_member_u64(struct json *j, struct str name, uint64_t value)
{
    json_key(j, name);
    json_u64(j, value);
}

void json_member_bool(struct json *j, struct str name, bool value)
{
    json_key(j, name);
    json_bool(j, value);
}
