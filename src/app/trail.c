#include "app/trail.h"

#include <stdio.h>

#include "app/data.h"

err_t trail_study(struct audit *a, enum audit_kind kind, struct str study, struct str patient_id,
                  struct str medium, uint64_t instances, const char *text)
{
    char person[256], count[24];
    struct audit_participant who[] = {
        audit_person(data_person(person, sizeof person)),
        audit_self(a, AUDIT_APPLICATION),
        {.user_id = medium,
         .role = kind == AUDIT_IMPORT ? AUDIT_SOURCE_MEDIA : AUDIT_DESTINATION_MEDIA},
    };
    int n = snprintf(count, sizeof count, "%llu", (unsigned long long)instances);
    struct audit_object what[] = {
        {.kind = AUDIT_STUDY,
         .id = study,
         .details = {{STR("instances"), str_of(count, (size_t)n)}}},
        {.kind = AUDIT_PATIENT, .id = patient_id},
    };
    struct audit_event e = {.kind = kind,
                            .outcome_text = str_z(text),
                            .participants = who,
                            .n_participants = medium.n ? 3 : 2,
                            .objects = what,
                            .n_objects = patient_id.n ? 2 : 1};
    return audit_write(a, &e);
}
