#include "serve/dimse/qr.h"

#include "io/clock.h"
#include "serve/dimse/negotiate.h"

struct query_options qr_options(const struct session *s, const struct dimse_command *rq,
                                const struct service_class *c)
{
    enum { RELATIONAL, DATETIME };
    return (struct query_options){
        .model = (enum query_model)c->model,
        .relational = negotiated(s->answer, rq->sop_class, RELATIONAL),
        .datetime = negotiated(s->answer, rq->sop_class, DATETIME),
        .max_answers = s->options->query_rows,
        .deadline = clock_deadline(s->options->query_ms),
        .retrieve_ae = s->options->ae_title,
    };
}
