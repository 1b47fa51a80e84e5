/* Files (PS3.10 7): preamble, prefix, file meta information, then a data set.
 *
 * Reading takes what there is: files without a preamble, without meta information, with meta
 * information that lacks its group length or transfer syntax or is written in implicit VR; a data
 * set whose syntax nobody states is judged by its first bytes. Writing gives the strict form. The
 * preamble may hold anything, a program too (CVE-2019-11687): it is never kept; what we write is
 * zeros.
 */
#ifndef LASTRA_DICOM_PART10_H
#define LASTRA_DICOM_PART10_H

#include "base/wr.h"
#include "dicom/ts.h"
#include "dicom/types.h"

enum {
    DCM_PREAMBLE = 128,
    DCM_META_MAX = 1 << 20, /* meta information past this is refused */
};

/* Text is unpadded; empty when absent. */
struct dcm_meta {
    struct str sop_class;              /* (0002,0002) */
    struct str sop_instance;           /* (0002,0003) */
    struct str transfer_syntax;        /* (0002,0010); when absent that of the guess */
    struct str implementation_uid;     /* (0002,0012) */
    struct str implementation_version; /* (0002,0013) */
    struct str source_ae;              /* (0002,0016) */
    struct str sending_ae;             /* (0002,0017) */
    struct str receiving_ae;           /* (0002,0018) */

    /* Reading only. */
    const struct dcm_ts *ts; /* never NULL: dcm_ts_guess for an unknown one */
    uint64_t data_at;        /* where the data set begins */
    bool prefix;             /* DICM stood at its place */
    bool present;            /* there was a group 0002 */
    bool guessed;            /* the transfer syntax is a guess from the data set's first bytes */
};

/* Reads it from a file's first bytes. STEP_DONE: *ret is filled with views into `head`. STEP_MORE:
 * come again with a longer head (never when `whole`, which says that this is all of the file, nor
 * past DCM_META_MAX). STEP_FAIL: not DICOM, or malformed; d says why. */
enum step dcm_meta_read(struct str head, bool whole, struct dcm_meta *ret, struct diag *d);

/* Preamble (zeros), prefix, and group 0002 with its length. An empty implementation UID becomes
 * ours, with our version name; other empty fields are left out. One over 64 bytes latches w. */
void dcm_meta_write(const struct dcm_meta *m, struct wr *w);

#endif
