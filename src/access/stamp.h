/* Times as text, RFC 3339 in UTC with microseconds: "2026-01-02T03:04:05.678901Z". */
#ifndef LASTRA_ACCESS_STAMP_H
#define LASTRA_ACCESS_STAMP_H

#include "base/str.h"
#include "base/wr.h"

/* Microseconds since 1970; what is outside the years 1970 to 9999 is brought to the nearer end. */
void stamp_write(int64_t us, struct wr *w);
/* "2026-01-02", of seconds since 1970. */
void stamp_write_day(int64_t s, struct wr *w);

/* Reads what stamp_write wrote. */
bool stamp_parse(struct str s, int64_t *ret_us);

#endif
