/* A data set as text for a person, one element a line, streaming: a file of any size in bounded
 * memory.
 *
 *     (0010,0010) PN [Müller^Jörg]                           # 12, PatientName
 *     (0008,1140) SQ                                         # 1 item ...
 *
 * Text is decoded by the Specific Character Set in force and escaped for a terminal: no byte from
 * the file can move the cursor.
 */
#ifndef LASTRA_DICOM_DUMP_H
#define LASTRA_DICOM_DUMP_H

#include "base/wr.h"
#include "dicom/part10.h"
#include "dicom/reader.h"

struct dcm_dump_options {
    bool whole_values; /* else cut to what fits in a line */
};

struct dcm_dump;

/* NULL when out of memory. w must outlive it. */
struct dcm_dump *dcm_dump_new(struct wr *w, const struct dcm_dump_options *o);
void dcm_dump_free(struct dcm_dump *d);

/* The file meta information, as lines of group 0002 do. */
void dcm_dump_meta(struct dcm_dump *d, const struct dcm_meta *m);

/* A token in the data set's encoding (for the byte order of its values). */
void dcm_dump_token(struct dcm_dump *d, const struct dcm_token *t);

#endif
