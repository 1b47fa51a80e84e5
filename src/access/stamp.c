#include "access/stamp.h"

#include <time.h>

/* 9999-12-31T23:59:59Z */
#define LAST_SECOND 253402300799

static struct tm split(int64_t s)
{
    time_t t = (time_t)(s < 0 ? 0 : s > LAST_SECOND ? LAST_SECOND : s);
    struct tm tm;
    gmtime_r(&t, &tm);
    return tm;
}

void stamp_write_day(int64_t s, struct wr *w)
{
    struct tm tm = split(s);
    wr_printf(w, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

void stamp_write(int64_t us, struct wr *w)
{
    int64_t s = us < 0 ? 0 : us / 1000000;
    struct tm tm = split(s);
    stamp_write_day(s, w);
    wr_printf(w, "T%02d:%02d:%02d.%06dZ", tm.tm_hour, tm.tm_min, tm.tm_sec,
              us < 0 ? 0 : (int)(us % 1000000));
}

static bool number(struct str s, size_t from, size_t n, uint64_t max, int *ret)
{
    uint64_t v;
    if (!str_to_u64(str_slice(s, from, n), max, &v))
        return false;
    *ret = (int)v;
    return true;
}

bool stamp_parse(struct str s, int64_t *ret_us)
{
    static const struct str shape = STR_INIT("....-..-..T..:..:.........Z");
    struct tm tm = {0};
    int micros;
    if (s.n != shape.n || s.p[19] != '.')
        return false;
    for (size_t i = 0; i < shape.n; i++)
        if (shape.p[i] != '.' && shape.p[i] != s.p[i])
            return false;
    if (!number(s, 0, 4, 9999, &tm.tm_year) || !number(s, 5, 2, 12, &tm.tm_mon) ||
        !number(s, 8, 2, 31, &tm.tm_mday) || !number(s, 11, 2, 23, &tm.tm_hour) ||
        !number(s, 14, 2, 59, &tm.tm_min) || !number(s, 17, 2, 60, &tm.tm_sec) ||
        !number(s, 20, 6, 999999, &micros) || tm.tm_year < 1970 || !tm.tm_mon || !tm.tm_mday)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *ret_us = (int64_t)timegm(&tm) * 1000000 + micros;
    return true;
}
