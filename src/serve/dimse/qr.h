/* What query and retrieval share (PS3.4 C.4). */
#ifndef LASTRA_SERVE_DIMSE_QR_H
#define LASTRA_SERVE_DIMSE_QR_H

#include "archive/query.h"
#include "serve/dimse/service.h"
#include "serve/dimse/session.h"

/* The model of the SOP class, and what was negotiated for it. */
struct query_options qr_options(const struct session *s, const struct dimse_command *rq,
                                const struct service_class *c);

#endif
