/* A DIMSE service: one file serve/dimse/<name>.c that ends in a const struct service, registered by
 * its word in the folder's meson list. */
#ifndef LASTRA_SERVE_DIMSE_SERVICE_H
#define LASTRA_SERVE_DIMSE_SERVICE_H

#include "access/peer.h"
#include "assoc/assoc.h"

struct session;

/* A SOP class of a service; `model` means something to the service (enum query_model). */
struct service_class {
    struct str uid;
    int model;
};

struct service {
    const char *name;
    uint16_t field; /* the request it performs */
    enum grant grant;
    const struct service_class *classes;
    size_t n_classes;
    bool (*takes)(struct str sop_class); /* besides the list; may be NULL */
    bool any_syntax;                     /* every transfer syntax, else those that need no codec */
    /* Takes part in SOP class extended negotiation (PS3.7 D.3.3.5): writes what we answer to
     * `asked` into `ret`, which has room for as many bytes, and gives their number. NULL: not
     * answered. */
    size_t (*extended)(struct str asked, uint8_t *ret);
    /* Performs one request and sends its responses. An error ends the association; what the other
     * side got wrong is a status in a response, and OK. The data set is read or skipped. */
    err_t (*perform)(struct session *s, const struct dimse_command *rq);
};

/* All of them, by place; NULL past the end. */
const struct service *service_at(size_t i);

/* The one that performs this request on this abstract syntax; NULL when there is none. */
const struct service *service_for(uint16_t field, struct str abstract_syntax);

/* A service's row for a class; NULL when it is not in its list. */
const struct service_class *service_class_of(const struct service *s, struct str sop_class);

#define SERVICE(word) extern const struct service service_##word;
#include "serve/dimse/services.def"
#undef SERVICE

#endif
