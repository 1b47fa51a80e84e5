/* Segmentation policy: zones by network, and which zone may reach which service in which. First
 * rule that fits decides; none: denied. Inside one zone everything is allowed that no rule denies.
 *
 *     zone modalities = 10.20.1.0/24, 10.20.2.0/24
 *     zone pacs = 10.20.10.0/24
 *     zone office = 10.30.0.0/16
 *     allow modalities -> pacs : dicom, dicom-tls
 *     allow any -> pacs : https
 *     deny office -> pacs : any
 *
 * Services: dicom, dicom-tls, hl7, hl7-tls, http, https, fhir, any, or a port. Zones in rules: any,
 * internet (public addresses that are in no zone), or one that a zone line names. '#' begins a
 * comment. */
#ifndef LASTRA_SURVEY_ASSESS_POLICY_H
#define LASTRA_SURVEY_ASSESS_POLICY_H

#include "survey/core/ip.h"

enum {
    POLICY_TEXT_MAX = 4 << 20,
    POLICY_ZONES_MAX = 1024,
    POLICY_NETWORKS_MAX = 16384,
    POLICY_RULES_MAX = 4096,
    POLICY_SERVICES_MAX = 32,
    POLICY_NAME_MAX = 64
};

struct policy;
/* E_MALFORMED: "policy.conf:12: ..."; E_LIMIT. */
err_t policy_parse(struct str text, const char *file, struct policy **ret,
                   struct diag *d) MUST_CHECK;
err_t policy_load(const char *path, struct policy **ret, struct diag *d) MUST_CHECK;
void policy_free(struct policy *p); /* NULL is fine */

/* The zone of an address; "internet" for a public one, else empty, when it is in none. The longest
 * prefix wins. */
struct str policy_zone(const struct policy *p, const struct ip *ip);
/* Whether the policy names this zone. */
bool policy_has_zone(const struct policy *p, struct str zone);
/* Whether `from` may reach service (a protocol name: dicom, dicom-tls, hl7, hl7-tls, http, https,
 * fhir, or empty when it is not known) on a port in `to`. line: the rule that decided, 0: none did.
 */
bool policy_allows(const struct policy *p, struct str from, struct str to, struct str service,
                   uint16_t port, unsigned *ret_line);

#endif
