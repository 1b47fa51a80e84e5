/* What C-FIND, C-MOVE and C-GET share. */
#ifndef LASTRA_SCU_QUERY_PRIV_H
#define LASTRA_SCU_QUERY_PRIV_H

#include "scu/query.h"

enum { ANSWER_MAX = 4 << 20 };

/* A query under way. */
struct asking {
    struct assoc *a;
    const struct scu_query *q;
    const struct assoc_context *context;
    struct scu_outcome *to;
};

/* Sends the request with its identifier. E_UNSUPPORTED: no context for the model. */
err_t asking_begin(struct asking *k, struct dimse_command *rq) MUST_CHECK;
/* C-CANCEL-RQ, once. */
err_t asking_cancel(struct asking *k) MUST_CHECK;
/* What a callback said: OK or E_CANCELLED go on, anything else aborts. */
err_t asking_said(struct asking *k, err_t said) MUST_CHECK;
/* Takes status, counts and comment of a response. */
void asking_note(struct asking *k, const struct dimse_command *rsp);
/* Takes the failed UIDs of a response's data set, if it has one. */
err_t asking_failed_list(struct asking *k, const struct dimse_command *rsp) MUST_CHECK;
/* A message that does not belong here. */
err_t asking_broken(struct asking *k);

#endif
