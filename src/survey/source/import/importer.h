/* What an importer's reader brings its records into.
 *
 * A record is one host with endpoints. A reader makes the evidence of one endpoint after the other
 * and says whose they were when it knows:
 *
 *     e = sink_evidence(s); evidence_add(e, ...); sink_endpoint(s, port, when);
 *     sink_host(s, &ip);  or  sink_bad(s, "no address");
 *
 * Bytes given to evidence_add must live until the record is done: sink_stable copies what does not.
 * One thread uses a sink. */
#ifndef LASTRA_SURVEY_SOURCE_IMPORT_IMPORTER_H
#define LASTRA_SURVEY_SOURCE_IMPORT_IMPORTER_H

#include "survey/source/source.h"

/* Endpoints of one record. What answers on more ports answers on all of them and is no host. */
enum { SINK_ENDPOINTS_MAX = 4096 };

/* A view that lives as long as the record: of the line that is read, or a copy. p is NULL when
 * there is no memory. */
struct str sink_stable(struct importer_sink *s, struct str text);

/* The empty evidence of the next endpoint. */
struct evidence *sink_evidence(struct importer_sink *s);
/* It is whole: raw facts are looked at. Without a fact nothing is kept. when_us 0: not known, now.
 * E_LIMIT: the record has too many. */
err_t sink_endpoint(struct importer_sink *s, uint16_t port, int64_t when_us) MUST_CHECK;

/* Whether an address belongs to this shard and is not passed over: else its evidence need not be
 * made. */
bool sink_wants(const struct importer_sink *s, const struct ip *ip);
/* The record ends: its endpoints are this host's. */
err_t sink_host(struct importer_sink *s, const struct ip *ip) MUST_CHECK;
/* The record ends and is bad: it is counted, named with its place, and passed over. */
void sink_bad(struct importer_sink *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
