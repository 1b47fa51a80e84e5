/* The systems of the JSON report, streamed with their findings. */
#ifndef LASTRA_SURVEY_REPORT_JSON_SYSTEMS_H
#define LASTRA_SURVEY_REPORT_JSON_SYSTEMS_H

#include "base/json.h"
#include "survey/report/counts.h"

/* The member "cves": the CVE of a finding, or all those that it stands for. */
void json_cves(struct json *j, const struct finding *f);

/* The member "systems" of the open object. */
err_t json_systems(struct report *r, struct json *j) MUST_CHECK;

#endif
