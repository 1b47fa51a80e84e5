/* A data folder under the temporary folder, and objects made to measure. */
#ifndef LASTRA_TESTS_ARCHIVE_FIXTURE_H
#define LASTRA_TESTS_ARCHIVE_FIXTURE_H

#include "archive/fetch.h"
#include "archive/ingest.h"
#include "archive/query.h"
#include "dicom/tags.h"
#include "dicom/uid.h"
#include "unit.h"

struct fixture {
    char path[64];
    struct archive *a;
    struct archive_recovery recovery;
};

/* For cmocka: makes and opens an archive; closes and removes it. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes and opens again. */
void fixture_reopen(struct fixture *f);

/* Removes a folder with all that is in it. */
void remove_tree(const char *path);

/* An element of an object or identifier: text, or for US the number in `number`. */
struct el {
    tag_t tag;
    const char *vr;
    const char *text;
    uint16_t number;
};

/* Bytes of a data set with these elements; ends with tag 0. Release with wr_done. */
struct wr dataset_bytes(const struct el *els, const char *transfer_syntax);

/* An identifier in the arena. */
struct dcm_ds *dataset_of(struct arena *a, const struct el *els);

/* The usual CT slice: its UIDs and texts; NULL takes a default. */
struct slice {
    const char *patient_id, *name, *birth, *study, *series, *sop, *date, *time, *accession,
        *modality, *description, *charset, *number, *issuer;
    uint32_t pixels;       /* bytes of pixel data, 0xAB */
    const struct el *more; /* further elements, or NULL */
};
struct wr slice_bytes(const struct slice *s, const char *transfer_syntax);

/* Takes bytes in, in pieces of `piece` bytes; the error of whatever call failed. */
err_t take_in(struct archive *a, struct str bytes, const char *transfer_syntax, size_t piece,
              struct ingest_result *ret, struct diag *d);

/* A slice that must be taken in; its outcome. */
enum ingest_outcome store_slice(struct archive *a, const struct slice *s);

/* All answers to an identifier: how many, and the value of `tag` in each, joined by '|' in order.
 */
size_t ask(struct archive *a, enum query_model model, bool relational, const struct el *els,
           tag_t tag, char *joined, size_t cap);

#define LE "1.2.840.10008.1.2.1"
#define IMPLICIT "1.2.840.10008.1.2"
#define BE "1.2.840.10008.1.2.2"
#define DEFLATED "1.2.840.10008.1.2.1.99"
#define CT_CLASS "1.2.840.10008.5.1.4.1.1.2"

#endif
