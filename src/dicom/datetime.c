#include "dicom/datetime.h"

#include "base/size.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

/* Takes exactly n digits off the front. */
static bool take_digits(struct str *s, size_t n, uint32_t *ret)
{
    uint64_t v;
    if (s->n < n || !str_to_u64(str_slice(*s, 0, n), UINT32_MAX, &v))
        return false;
    *s = str_slice(*s, n, s->n);
    *ret = (uint32_t)v;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_slice(*s, 1, s->n);
    return true;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static bool is_date(uint32_t year, uint32_t month, uint32_t day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days_in(year, month);
}

bool da_parse(struct str s, int32_t *ret_date)
{
    uint32_t year, month, day;
    s = str_unpad(s);
    if (!take_digits(&s, 4, &year))
        return false;
    bool dotted = take_char(&s, '.');
    if (!take_digits(&s, 2, &month) || (dotted && !take_char(&s, '.')) ||
        !take_digits(&s, 2, &day) || s.n || !is_date(year, month, day))
        return false;
    *ret_date = (int32_t)(year * 10000 + month * 100 + day);
    return true;
}

/* ".f" to ".ffffff", if there: the microseconds, and how many of them the value leaves open. */
static bool take_fraction(struct str *s, int64_t *ret_us, int64_t *ret_unit)
{
    int64_t us = 0, unit = SECOND_US;
    if (take_char(s, '.')) {
        uint32_t digit;
        while (unit > 1 && take_digits(s, 1, &digit)) {
            unit /= 10;
            us += digit * unit;
        }
        if (unit == SECOND_US)
            return false;
    }
    *ret_us = us;
    *ret_unit = unit;
    return true;
}

/* hh[mm[ss[.f]]] up to what is none of it; the span as microseconds of the day. */
static bool take_time(struct str *s, bool colons, struct dt_span *ret)
{
    uint32_t hour, minute, second;
    int64_t us, unit;
    if (!take_digits(s, 2, &hour) || hour > 23)
        return false;
    int64_t at = hour * HOUR_US;
    *ret = (struct dt_span){at, at + HOUR_US - 1};
    struct str before = *s;
    bool colon = colons && take_char(s, ':');
    if (!take_digits(s, 2, &minute)) {
        *s = before;
        return !colon;
    }
    at += minute * MINUTE_US;
    *ret = (struct dt_span){at, at + MINUTE_US - 1};
    before = *s;
    if (minute > 59 || (colons && take_char(s, ':') != colon && s->n))
        return false;
    if (!take_digits(s, 2, &second)) {
        bool dangling = before.n != s->n;
        *s = before;
        return !dangling;
    }
    if (second > 60 || !take_fraction(s, &us, &unit))
        return false;
    at += second * SECOND_US + us;
    *ret = (struct dt_span){at, at + unit - 1};
    return true;
}

bool tm_parse(struct str s, struct dt_span *ret)
{
    struct dt_span span;
    s = str_unpad(s);
    if (!take_time(&s, true, &span) || s.n)
        return false;
    *ret = span;
    return true;
}

/* Howard Hinnant's algorithm: eras of 400 years, years that begin in March. */
int64_t da_days(int32_t date)
{
    int64_t y = date / 10000, m = date / 100 % 100, d = date % 100;
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int32_t da_of_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    int64_t month = mp + (mp < 10 ? 3 : -9);
    int64_t year = year_of_era + era * 400 + (month <= 2);
    return (int32_t)(year * 10000 + month * 100 + day_of_year - (153 * mp + 2) / 5 + 1);
}

int64_t dt_combine(int32_t date, int64_t time, int zone)
{
    return da_days(date) * DT_DAY_US + time - zone * MINUTE_US;
}

bool dt_parse_zone(struct str s, int *ret_minutes)
{
    uint32_t hours, minutes;
    s = str_trim(str_unpad(s));
    bool west = s.n && s.p[0] == '-';
    if (!take_char(&s, '+') && !take_char(&s, '-'))
        return false;
    if (!take_digits(&s, 2, &hours) || !take_digits(&s, 2, &minutes) || s.n || minutes > 59)
        return false;
    int offset = (int)(hours * 60 + minutes);
    if (offset > (west ? 12 : 14) * 60)
        return false;
    *ret_minutes = west ? -offset : offset;
    return true;
}

/* yyyy[mm[dd]]: the first and the last day. */
static bool take_days(struct str *s, int32_t *ret_first, int32_t *ret_last, bool *ret_whole)
{
    uint32_t year, month = 1, day = 1, last_month = 12, last_day = 31;
    bool whole = false;
    if (!take_digits(s, 4, &year) || year < 1)
        return false;
    if (take_digits(s, 2, &month)) {
        if (month < 1 || month > 12)
            return false;
        last_month = month;
        last_day = days_in(year, month);
        whole = take_digits(s, 2, &day);
        last_day = whole ? day : last_day;
    }
    if (!is_date(year, month, day))
        return false;
    *ret_first = (int32_t)(year * 10000 + month * 100 + day);
    *ret_last = (int32_t)(year * 10000 + last_month * 100 + last_day);
    *ret_whole = whole;
    return true;
}

bool dt_parse(struct str s, int zone, struct dt_span *ret)
{
    struct dt_span time = {0, DT_DAY_US - 1};
    int32_t first, last;
    bool whole;
    s = str_unpad(s);
    if (!take_days(&s, &first, &last, &whole))
        return false;
    if (whole && s.n && s.p[0] != '+' && s.p[0] != '-' && !take_time(&s, false, &time))
        return false;
    if (s.n && !dt_parse_zone(s, &zone))
        return false;
    *ret = (struct dt_span){dt_combine(first, time.lo, zone), dt_combine(last, time.hi, zone)};
    return true;
}

static bool parse_one(vr_t vr, struct str s, int zone, struct dt_span *ret)
{
    int32_t date;
    if (vr == VR('T', 'M'))
        return tm_parse(s, ret);
    if (vr == VR('D', 'T'))
        return dt_parse(s, zone, ret);
    if (vr != VR('D', 'A') || !da_parse(s, &date))
        return false;
    *ret = (struct dt_span){date, date};
    return true;
}

/* The two halves around the hyphen at `at`; an empty half is open. */
static bool parse_halves(vr_t vr, struct str s, size_t at, int zone, struct dt_span *ret)
{
    struct str low = str_trim(str_slice(s, 0, at)), high = str_trim(str_slice(s, at + 1, s.n));
    struct dt_span a = {DT_OPEN_LOW, 0}, b = {0, DT_OPEN_HIGH};
    if (low.n == 0 && high.n == 0)
        return false;
    if ((low.n && !parse_one(vr, low, zone, &a)) || (high.n && !parse_one(vr, high, zone, &b)))
        return false;
    *ret = (struct dt_span){a.lo, b.hi};
    return true;
}

/* A hyphen in a DT may begin a zone: "2020-0500" is 2020 in that zone, and a range only when it can
 * be nothing else (PS3.4 C.2.2.2.5.3). */
bool dt_range(vr_t vr, struct str key, int zone, struct dt_span *ret)
{
    struct str s = str_trim(str_unpad(key));
    if (parse_one(vr, s, zone, ret))
        return true;
    bool found = false;
    for (size_t at = 0, hyphens = 0; at < s.n && hyphens < 4 && !found; at++) {
        if (s.p[at] != '-')
            continue;
        hyphens++;
        found = parse_halves(vr, s, at, zone, ret);
    }
    return found;
}

struct dt_span dt_combine_range(struct dt_span date, struct dt_span time, int zone)
{
    struct dt_span span = {DT_OPEN_LOW, DT_OPEN_HIGH};
    if (date.lo != DT_OPEN_LOW)
        span.lo = dt_combine((int32_t)date.lo, time.lo == DT_OPEN_LOW ? 0 : time.lo, zone);
    if (date.hi != DT_OPEN_HIGH)
        span.hi =
            dt_combine((int32_t)date.hi, time.hi == DT_OPEN_HIGH ? DT_DAY_US - 1 : time.hi, zone);
    return span;
}

void da_format(int32_t date, struct wr *out)
{
    wr_printf(out, "%08d", (int)date);
}

void tm_format(int64_t time, struct wr *out)
{
    int64_t seconds = time / SECOND_US, us = time % SECOND_US;
    /* A leap second is the only one that a minute can have as its 60th. */
    int64_t leap = seconds >= 86400;
    seconds -= leap;
    wr_printf(out, "%02d%02d%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
              (int)(seconds % 60 + leap));
    if (us)
        wr_printf(out, ".%06d", (int)us);
}

void dt_format(int64_t datetime, struct wr *out)
{
    int64_t days = datetime / DT_DAY_US, time = datetime % DT_DAY_US;
    if (time < 0) {
        time += DT_DAY_US;
        days--;
    }
    da_format(da_of_days(days), out);
    tm_format(time, out);
    wr_put(out, STR("+0000"));
}
