/* Dates and times (PS3.5 6.2: DA, TM, DT) and their ranges as keys of a query (PS3.4 C.2.2.2.5), as
 * integers that compare.
 *
 *   date      yyyymmdd, 10101 to 99991231
 *   time      microseconds since midnight, 0 to 86,400,999,999 (a leap second counts as the 60th)
 *   datetime  microseconds since 1970-01-01 00:00 UTC, negative before
 *
 * A partial value ("2020" in DT, "10" in TM) stands for the whole time it names: its span runs from
 * the first to the last microsecond, both inside. Old forms ("1997.01.31", "10:12:13.5") are read.
 */
#ifndef LASTRA_DICOM_DATETIME_H
#define LASTRA_DICOM_DATETIME_H

#include "base/str.h"
#include "base/wr.h"
#include "dicom/types.h"

#define DT_DAY_US INT64_C(86400000000)
#define DT_OPEN_LOW INT64_MIN /* no lower bound */
#define DT_OPEN_HIGH INT64_MAX

/* From the earliest to the latest moment, both inside. */
struct dt_span {
    int64_t lo, hi;
};

/* A date that exists: a full "yyyymmdd" or "yyyy.mm.dd". False otherwise. */
bool da_parse(struct str s, int32_t *ret_date);

/* hh, hhmm, hhmmss, hhmmss.f to hhmmss.ffffff, with or without ':'. */
bool tm_parse(struct str s, struct dt_span *ret);

/* yyyy to yyyymmddhhmmss.ffffff with an optional zone (+zzxx, -zzxx). Without a zone the minutes
 * east of UTC in `zone` hold (Timezone Offset From UTC, or the archive's own). */
bool dt_parse(struct str s, int zone, struct dt_span *ret);

/* "+0100" as 60. False on anything else or beyond -1200 to +1400. */
bool dt_parse_zone(struct str s, int *ret_minutes);

/* A key: one value ("20200101") or a range ("20200101-", "-20201231", "a-b"). For DA the bounds are
 * dates, for TM times, for DT datetimes. A date or time may be followed by spaces. False when it is
 * no such thing; a range that runs backwards is one and holds nothing. */
bool dt_range(vr_t vr, struct str key, int zone, struct dt_span *ret);

/* Date and time of day as a datetime (in the zone's own clock when zone is 0). */
int64_t dt_combine(int32_t date, int64_t time, int zone);

/* The span of a date key and a time key matched as one (combined datetime matching, PS3.4
 * C.2.2.2.5): from the first date's first time to the last date's last time. Open ends stay open.
 */
struct dt_span dt_combine_range(struct dt_span date, struct dt_span time, int zone);

/* Days since 1970-01-01 of a date that exists, and back. */
int64_t da_days(int32_t date);
int32_t da_of_days(int64_t days);

/* Write in the standard's form: "yyyymmdd"; "hhmmss" or "hhmmss.ffffff"; DT in UTC with "+0000". */
void da_format(int32_t date, struct wr *out);
void tm_format(int64_t time, struct wr *out);
void dt_format(int64_t datetime, struct wr *out);

#endif
