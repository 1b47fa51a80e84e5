/* What query and retrieval share (PS3.4 C.4). */
#ifndef LASTRA_SERVE_DIMSE_QR_H
#define LASTRA_SERVE_DIMSE_QR_H

#include "archive/query.h"
#include "serve/dimse/service.h"
#include "serve/dimse/session.h"

/* The model of the SOP class, and what was negotiated for it. */
struct query_options qr_options(const struct session *s, const struct dimse_command *rq,
                                const struct service_class *c);

/* Refuses an identifier, with the element at fault where it is known (0: it is not). */
err_t qr_refuse(struct session *s, const struct dimse_command *rq, err_t e, tag_t offending,
                const struct diag *d) MUST_CHECK;

#endif
