/* Members of JSON whose text comes from evidence: cleaned (report/clean.h), then escaped. */
#ifndef LASTRA_SURVEY_REPORT_JSON_TEXT_H
#define LASTRA_SURVEY_REPORT_JSON_TEXT_H

#include "base/json.h"
#include "survey/report/clean.h"

static inline void json_clean(struct json *j, struct str s)
{
    char buf[CLEAN_MAX * 10 + 16]; /* the longest piece: "[U+10FFFF]" */
    struct wr w = wr_fixed(buf, sizeof buf);
    clean_put(&w, s, CLEAN_MAX);
    json_text(j, wr_str(&w));
}

static inline void member_text(struct json *j, const char *name, struct str s)
{
    json_key(j, str_z(name));
    json_clean(j, s);
}

static inline void member_u64(struct json *j, const char *name, uint64_t n)
{
    json_member_u64(j, str_z(name), n);
}

static inline void member_bool(struct json *j, const char *name, bool b)
{
    json_member_bool(j, str_z(name), b);
}

static inline void member_none(struct json *j, const char *name)
{
    json_key(j, str_z(name));
    json_none(j);
}

static inline void member_object(struct json *j, const char *name)
{
    json_key(j, str_z(name));
    json_open_object(j);
}

static inline void member_array(struct json *j, const char *name)
{
    json_key(j, str_z(name));
    json_open_array(j);
}

#endif
