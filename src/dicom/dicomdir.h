/* Writing a DICOMDIR (PS3.3 F, PS3.10 8): records of patients, studies, series and instances, added
 * depth first, linked by their places in the file. */
#ifndef LASTRA_DICOM_DICOMDIR_H
#define LASTRA_DICOM_DICOMDIR_H

#include "dicom/dataset.h"

enum dicomdir_level { DICOMDIR_PATIENT, DICOMDIR_STUDY, DICOMDIR_SERIES, DICOMDIR_INSTANCE };

struct dicomdir;

/* max: bytes that the finished file may have. */
err_t dicomdir_new(size_t max, struct dicomdir **ret) MUST_CHECK;
void dicomdir_free(struct dicomdir *d); /* NULL is fine */

/* The file that a record of an instance stands for. */
struct dicomdir_file {
    struct str id; /* components separated by backslashes: "PT000001\ST000001\SE000001\IM000001" */
    struct str sop_class, sop_instance, transfer_syntax;
};

/* Adds a record below the last one of the level above. keys: where its attributes are taken from;
 * which ones is in a table here, by the kind of record that the SOP class asks for (PS3.3 F.5).
 * What must have a value there and has none in keys gets one that shows it is made up. file:
 * instances only, else NULL. E_LIMIT past max. */
err_t dicomdir_add(struct dicomdir *d, enum dicomdir_level level, const struct dcm_ds *keys,
                   const struct dicomdir_file *file) MUST_CHECK;

/* The whole file, with its meta information, explicit little endian. instance: a UID for it. */
err_t dicomdir_write(struct dicomdir *d, struct str instance, struct wr *w) MUST_CHECK;

/* The attributes that records of a level may want: asked for in the query that feeds dicomdir_add.
 * 0 past the end. */
tag_t dicomdir_key(enum dicomdir_level level, size_t i);

#endif
