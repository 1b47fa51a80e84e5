/* Counting what anybody can reach (safety rule 4): one C-FIND on the study level that asks for
 * Study Instance UID and Number of Study Related Instances and for nothing else (PS3.4 C.6.2.1).
 * What comes back is counted and wiped as it comes; past the cap it is cancelled. No value is kept.
 */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_DICOM_COUNT_H
#define LASTRA_SURVEY_SOURCE_PROBE_DICOM_COUNT_H

#include "dimse/pdu.h"

enum { COUNT_COMMAND_MAX = 1024, COUNT_SET_MAX = 2048, COUNT_MESSAGE_ID = 1 };

struct dicom_count {
    uint8_t context;
    uint32_t cap;
    uint64_t studies, images;
    bool more;      /* stopped before the end: there are more */
    bool refused;   /* the answer was a failure */
    bool cancelled; /* C-CANCEL is said */
    bool ended;
    bool images_known;
    bool data_wanted; /* the command said that a data set follows */
    bool too_long;    /* this part does not fit and is passed over */
    size_t n;         /* bytes of the part under way */
    uint8_t part[COUNT_SET_MAX];
};

/* The request, as two P-DATA-TF. context: of the query's SOP class. */
void dicom_count_start(struct dicom_count *c, uint8_t context, uint32_t cap, struct wr *out);
/* A piece of an answer. EVENT: C-CANCEL was written to `out`; DONE: the last answer; FAIL: these
 * are not answers. */
enum step dicom_count_feed(struct dicom_count *c, const struct pdv *piece, struct wr *out);

#endif
