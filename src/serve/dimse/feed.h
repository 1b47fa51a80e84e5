/* One object on its way out: opened, and its first part read ahead while the other side is still
 * busy with the object before it. */
#ifndef LASTRA_SERVE_DIMSE_FEED_H
#define LASTRA_SERVE_DIMSE_FEED_H

#include "archive/fetch.h"
#include "dicom/uid.h"
#include "scu/store.h"

/* What an object of this size and less has all of it read ahead. */
enum { FEED_AHEAD = 1 << 20, FEED_TEXT_MAX = 260 };

/* What is told of an object after its bytes are gone; texts are its own. */
struct feed_item {
    char sop_class[DCM_UID_MAX + 1], sop_instance[DCM_UID_MAX + 1], study[DCM_UID_MAX + 1];
    char transfer_syntax[DCM_UID_MAX + 1];
    char patient_id[FEED_TEXT_MAX], accession[FEED_TEXT_MAX];
    uint64_t size;
};

struct feed {
    struct feed_item item;
    err_t error; /* of opening or reading ahead: the object cannot be sent */
    struct diag diag;
    struct object *object;
    uint8_t *ahead; /* FEED_AHEAD bytes, kept for all objects */
    size_t n;
    bool given, last;
    struct str piece; /* what did not fit */
};

/* Opens the object (closing the one before) and reads ahead. What goes wrong is in f->error. */
void feed_open(struct feed *f, struct archive *a, const struct fetch_item *item);

/* The object for scu_store; good until the next feed_open. */
struct scu_object feed_object(struct feed *f);

/* NULL and a zeroed one are fine. */
void feed_done(struct feed *f);

#endif
