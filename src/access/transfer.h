/* "DICOM Instances Transferred", gathered: one audit event for each study (and patient) and
 * direction of an association rather than one an object. Bounded: past TRANSFER_STUDIES studies
 * open at once the one that was quiet longest is written out, and begins anew if it comes again.
 * One thread. */
#ifndef LASTRA_ACCESS_TRANSFER_H
#define LASTRA_ACCESS_TRANSFER_H

#include "access/audit.h"

enum { TRANSFER_STUDIES = 32, TRANSFER_CLASSES = 16, TRANSFER_HOLD_MS = 60000 };

struct transfer;

/* source sent, destination received; requestor flags are set in them by the caller. Their views
 * live as long as the transfer. third: who asked for a C-MOVE; NULL otherwise. */
err_t transfer_new(struct audit *a, const struct audit_participant *source,
                   const struct audit_participant *destination,
                   const struct audit_participant *third, struct transfer **ret) MUST_CHECK;

/* For how long a study is gathered before its event is written; TRANSFER_HOLD_MS unless said. */
void transfer_set_hold(struct transfer *t, int64_t ms);

enum transfer_result {
    TRANSFER_STORED, /* new to us */
    TRANSFER_HELD,   /* was there already, unchanged */
    TRANSFER_SENT,   /* from us */
    TRANSFER_FAILED, /* by either */
    TRANSFER_RESULTS
};
/* Counts one instance. patient_id may be empty. */
err_t transfer_add(struct transfer *t, enum transfer_result result, struct str study_uid,
                   struct str patient_id, struct str accession, struct str sop_class) MUST_CHECK;

/* Writes what is open, and frees. The first error, if any; everything is freed all the same. NULL
 * is fine. */
err_t transfer_end(struct transfer *t) MUST_CHECK;

#endif
