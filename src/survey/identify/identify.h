/* From the evidence of one host to the systems on it: type, product, toolkit and vendor, each an
 * answer with its confidence and its evidence. Rules:
 *   - a port number alone is nothing; an AE title counts from traffic or a site's list only;
 *   - toolkit is not product; a low-confidence row never names a product alone: two that agree do,
 * or one with a medium one;
 *   - endpoints of one host that are the same product are one system; what names nothing joins a
 * named system of the same host that can be its front (DICOM toolkit + web page of a PACS);
 *   - contradictions lower confidence and are told in `why`;
 *   - a honeypot's signs outweigh what it pretends to be. */
#ifndef LASTRA_SURVEY_IDENTIFY_IDENTIFY_H
#define LASTRA_SURVEY_IDENTIFY_IDENTIFY_H

#include "survey/identify/fingerprint.h"
#include "survey/inventory/inventory.h"

enum { HOST_SYSTEMS_MAX = 64 };

/* Fills ret with the systems of a host that are medical, at most cap; *ret_n how many. Text is in
 * the arena or views of the host. Sets what identify knows: ports, type, answers, level, host's
 * facts. */
err_t identify_host(struct fp_matcher *m, const struct host *h, struct arena *a, struct system *ret,
                    size_t cap, size_t *ret_n) MUST_CHECK;

/* Which system of identify_host's an endpoint belongs to: index, or -1. Valid for the last call's
 * host: by its port standing in system.ports. */
int identify_owner(const struct system *systems, size_t n, uint16_t port);

#endif
