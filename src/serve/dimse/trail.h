/* Objects on their way, in the audit trail (PS3.15 A.5.3.3, A.5.3.7): that a study's transfer
 * begins is written with its first object, so that a crash leaves a trace of it; what was
 * transferred is written for each study together (access/transfer.h). What cannot be written is
 * said in the log: the objects themselves are safe. */
#ifndef LASTRA_SERVE_DIMSE_TRAIL_H
#define LASTRA_SERVE_DIMSE_TRAIL_H

#include "access/transfer.h"
#include "base/log.h"

enum { TRAIL_REMEMBERED = 16 };

struct trail {
    struct audit *audit;
    const struct log *log;
    struct transfer *transfer; /* NULL: not started */
    struct audit_participant who[3];
    size_t n_who;
    uint64_t begun[TRAIL_REMEMBERED]; /* studies whose beginning was written last */
    size_t n_begun;
};

/* third: who asked for it where that is neither; NULL otherwise. The participants' texts live as
 * long as the trail. */
void trail_start(struct trail *t, struct audit *audit, const struct log *log,
                 const struct audit_participant *source,
                 const struct audit_participant *destination,
                 const struct audit_participant *third);

/* One object. Nothing happens on a trail that was not started. */
struct trail_object {
    struct str study, patient_id, accession, sop_class;
};
void trail_add(struct trail *t, enum transfer_result result, const struct trail_object *o);

/* Also on a zeroed one. */
void trail_end(struct trail *t);

#endif
