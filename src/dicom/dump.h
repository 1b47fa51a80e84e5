/* A data set as text for a person, one element a line, streaming: a file of any size in bounded
 * memory.
 *
 *     (0008,0016) UI [1.2.840.10008.5.1.4.1.1.2] CT Image Storage   # 26, SOPClassUID
 *     (0010,0010) PN [Müller^Jörg]   # 12, PatientName
 *     (0008,1140) SQ   # undefined, ReferencedImageSequence
 *       item 1
 *         (0008,1150) UI ...
 *
 * Text is decoded by the Specific Character Set in force and escaped for a terminal: no byte from
 * the file can move the cursor. Before the name stands the value's length in bytes.
 */
#ifndef LASTRA_DICOM_DUMP_H
#define LASTRA_DICOM_DUMP_H

#include "base/wr.h"
#include "dicom/part10.h"
#include "dicom/reader.h"

enum { DCM_DUMP_SHORT = 128, DCM_DUMP_NUMBERS = 16, DCM_DUMP_WHOLE = 1 << 20 };

struct dcm_dump_options {
    bool whole_values; /* up to DCM_DUMP_WHOLE bytes of each value, else DCM_DUMP_SHORT bytes or
                          DCM_DUMP_NUMBERS numbers */
};

struct dcm_dump;

/* NULL when out of memory. w must outlive it. */
struct dcm_dump *dcm_dump_new(struct wr *w, const struct dcm_dump_options *o);
void dcm_dump_free(struct dcm_dump *d);

/* The file meta information, as lines of group 0002 do. */
void dcm_dump_meta(struct dcm_dump *d, const struct dcm_meta *m);

/* The next token, also of a reader that leaves UN as it is (raw_un). */
void dcm_dump_token(struct dcm_dump *d, const struct dcm_token *t);

/* A closing line for each kind of defect that was read over (enum dcm_quirk). */
void dcm_dump_quirks(struct dcm_dump *d, unsigned quirks);

#endif
