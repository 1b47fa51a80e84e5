/* C-FIND, C-MOVE and C-GET as service class user (PS3.4 C.4), over an open association. */
#ifndef LASTRA_SCU_QUERY_H
#define LASTRA_SCU_QUERY_H

#include "dicom/dataset.h"
#include "scu/scu.h"

/* What is asked. */
struct scu_query {
    struct str model; /* SOP Class UID; a context for it must have been accepted */
    const struct dcm_ds *keys;
    uint16_t message_id, priority;
};

/* Sub-operations so far (C-MOVE, C-GET); -1: not said. */
struct scu_counts {
    int remaining, completed, failed, warning;
};

/* How it ended. */
struct scu_outcome {
    uint16_t status;
    char comment[65]; /* Error Comment, printable ASCII */
    struct scu_counts counts;
    size_t answers;    /* C-FIND: how many were passed on; C-GET: objects kept */
    bool cancelled;    /* we asked it to stop */
    struct wr *failed; /* C-MOVE, C-GET: where the failed SOP Instance UIDs go, parted by
                          backslashes; set by the caller, may be NULL */
};

/* Each answer, valid during the call. OK: go on. E_CANCELLED: enough, which sends C-CANCEL; what
 * still comes is dropped. Any other error ends the association and is returned. */
struct scu_find_calls {
    err_t (*answer)(void *ctx, const struct dcm_ds *answer);
    void *ctx;
};
err_t scu_find(struct assoc *a, const struct scu_query *q, const struct scu_find_calls *calls,
               struct scu_outcome *ret) MUST_CHECK;

/* Progress of a retrieve; E_CANCELLED as above. May be NULL. */
struct scu_retrieve_calls {
    err_t (*progress)(void *ctx, const struct scu_counts *counts);
    void *ctx;
};
err_t scu_move(struct assoc *a, const struct scu_query *q, struct str destination,
               const struct scu_retrieve_calls *calls, struct scu_outcome *ret) MUST_CHECK;

/* For C-GET: the objects that come. begin: the command and the transfer syntax; an error refuses
 * the object (Out of Resources), and its data set is passed over. data: pieces. end: all is there;
 * an error refuses it. drop: the association broke off in between. */
struct scu_sink {
    err_t (*begin)(void *ctx, const struct dimse_command *rq, struct str transfer_syntax);
    err_t (*data)(void *ctx, struct str piece);
    err_t (*end)(void *ctx);
    void (*drop)(void *ctx);
    void *ctx;
};
err_t scu_get(struct assoc *a, const struct scu_query *q, const struct scu_sink *sink,
              const struct scu_retrieve_calls *calls, struct scu_outcome *ret) MUST_CHECK;

/* Opens an association for C-GET: the model, and storage classes of which we take the role of SCP
 * (PS3.7 D.3.3.4). With few classes, each transfer syntax has a context of its own, so that objects
 * come as they are stored; with many, the last context of a class has all that are left. No
 * classes: the most common ones of the registry, uncompressed and in the commonest compressed
 * forms. */
err_t scu_get_open(const struct scu_peer *p, struct str model, const struct str *classes,
                   size_t n_classes, struct assoc **ret, struct diag *d) MUST_CHECK;

#endif
