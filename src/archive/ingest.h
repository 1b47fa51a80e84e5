/* Taking an object in, by whatever way it came (C-STORE, import): streaming, in bounded memory, any
 * size. One `struct ingest` serves one thread for any number of objects, one after the other.
 *
 *     ingest_new(archive, &in);
 *     for each object:
 *         ingest_begin(in, &request);  ingest_data(in, piece) ...;  ingest_end(in, &result);
 *     ingest_free(in);
 *
 * After an error of any call the object is gone (nothing of it was kept) and the next may begin;
 * ingest_diag says what was wrong, in words for the sender. When ingest_end returns OK the bytes
 * are on stable storage and a query that begins afterwards finds them.
 *
 * The errors, each with one meaning (DIMSE status of PS3.4 B.2.3 in brackets):
 *   E_MISMATCH    SOP class or instance of the data set is not that of the request [A900]
 *   E_BAD_UID     a UID is not one (PS3.5 9.1) [0117; C000 for study and series]
 *   E_MISSING     a UID that must be there is not: SOP class, SOP instance, study, series [C000]
 *   E_MALFORMED   the data set cannot be read, or ends too early [C000]
 *   E_LIMIT       over a limit: nesting, elements, size [C000]
 *   E_UNSUPPORTED the transfer syntax is not a data set's encoding [0122]
 *   E_NOSPACE     the disk is full, or the reserve would be touched [A700]
 *   E_IO, E_INDEX, E_CRYPTO, E_NOMEM, E_BUSY  the archive cannot take it now [A700]
 */
#ifndef LASTRA_ARCHIVE_INGEST_H
#define LASTRA_ARCHIVE_INGEST_H

#include "archive/archive.h"

struct ingest;

struct ingest_request {
    struct str transfer_syntax; /* of the bytes that follow */
    struct str sop_class;       /* of the command or file meta; empty: whatever the data set says */
    struct str sop_instance;    /* likewise */
    struct str source;          /* calling AE title; empty for a file without one */
};

enum ingest_outcome {
    INGEST_STORED,   /* new */
    INGEST_SAME,     /* identical bytes were there already: stored once */
    INGEST_CONFLICT, /* the UID was there with other bytes: kept aside for an administrator */
};

/* What the object was; views are valid until the next ingest_begin. Text is UTF-8. */
struct ingest_result {
    enum ingest_outcome outcome;
    struct str sop_class, sop_instance, study, series;
    struct str patient_id, issuer, patient_name, accession; /* for the audit trail */
    uint64_t size;                                          /* data set bytes */
    unsigned quirks;                                        /* enum dcm_quirk: read all the same */
};

err_t ingest_new(struct archive *a, struct ingest **ret) MUST_CHECK;
void ingest_free(struct ingest *in);

err_t ingest_begin(struct ingest *in, const struct ingest_request *rq) MUST_CHECK;
/* Bytes of the data set, without file meta information, in pieces of any size. */
err_t ingest_data(struct ingest *in, struct str bytes) MUST_CHECK;
err_t ingest_end(struct ingest *in, struct ingest_result *ret) MUST_CHECK;
/* The sender stopped in the middle. Also fine when no object is open. */
void ingest_abandon(struct ingest *in);

const struct diag *ingest_diag(const struct ingest *in);

/* Puts one record of a pack into the index: what ingest, recovery at start and rebuild all do.
 * Idempotent. Runs on the committer's thread (inside archive_write, or a batch); `head` is the
 * record's header part, or as much of it as stands ready. */
enum index_outcome { INDEX_NEW, INDEX_KNOWN, INDEX_CONFLICT };
err_t archive_index_record(struct archive *a, const struct pack_info *info, struct str head,
                           enum index_outcome *ret, struct diag *d) MUST_CHECK;

/* For rebuild: reads the head of one record and indexes it, in batches (the last one is committed
 * by archive_barrier). */
err_t archive_index_place(struct archive *a, const struct pack_info *info,
                          struct diag *d) MUST_CHECK;

#endif
