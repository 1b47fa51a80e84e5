/* The edge: an error as a DIMSE status (PS3.7 annex C; PS3.4 B.2.3, C.4.1 to C.4.3). */
#ifndef LASTRA_SERVE_DIMSE_STATUS_H
#define LASTRA_SERVE_DIMSE_STATUS_H

#include "base/err.h"
#include "base/str.h"

/* The status in the terms of the service that performs this request (C_STORE_RQ, C_FIND_RQ, ...).
 */
uint16_t status_of(err_t e, uint16_t field);

/* The words for Error Comment (LO, 64 characters): the diagnosis, cut at a word, without a
 * backslash. In buf. */
struct str status_comment(const char *text, char buf[65]);

#endif
