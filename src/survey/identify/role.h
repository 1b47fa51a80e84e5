/* Words that people use for kinds of systems: the role in a site's own inventory, and what an AE
 * title hints at. */
#ifndef LASTRA_SURVEY_IDENTIFY_ROLE_H
#define LASTRA_SURVEY_IDENTIFY_ROLE_H

#include "survey/core/model.h"

/* "pacs", "CT scanner", "infusion pump" ...; TYPE_none when it says nothing. */
enum sys_type role_type(struct str role);
/* "CT01", "MR_SIEMENS" are titles of modalities, "WS3" of a workstation: a hint, never more. */
enum sys_type ae_type(struct str ae);

#endif
