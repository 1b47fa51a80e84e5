#include "serve/dimse/status.h"

#include "base/size.h"
#include "dimse/command.h"

/* One error in the terms of each service. */
struct edge {
    uint16_t store, query, retrieve;
};

/* The peer's fault, ours for now, ours: most errors are one of these. */
static const struct edge malformed = {DIMSE_CANNOT_UNDERSTAND, DIMSE_DATASET_MISMATCH,
                                      DIMSE_DATASET_MISMATCH};
static const struct edge resources = {DIMSE_OUT_OF_RESOURCES, DIMSE_OUT_OF_RESOURCES,
                                      DIMSE_OUT_OF_RESOURCES_SUBOPERATIONS};
/* What is damaged is ours, and the object of a C-STORE is none the worse for it. */
static const struct edge damaged = {DIMSE_OUT_OF_RESOURCES, DIMSE_UNABLE_TO_PROCESS,
                                    DIMSE_UNABLE_TO_PROCESS};
static const struct edge unable = {DIMSE_UNABLE_TO_PROCESS, DIMSE_UNABLE_TO_PROCESS,
                                   DIMSE_UNABLE_TO_PROCESS};

static struct edge edge_of(err_t e)
{
    switch (e) {
    case OK:
        return (struct edge){DIMSE_SUCCESS, DIMSE_SUCCESS, DIMSE_SUCCESS};
    case E_MISMATCH:
        return (struct edge){DIMSE_DATASET_MISMATCH, DIMSE_DATASET_MISMATCH,
                             DIMSE_DATASET_MISMATCH};
    case E_BAD_UID:
        return (struct edge){DIMSE_INVALID_SOP_INSTANCE, DIMSE_DATASET_MISMATCH,
                             DIMSE_DATASET_MISMATCH};
    case E_UNSUPPORTED:
        return (struct edge){DIMSE_SOP_CLASS_NOT_SUPPORTED, DIMSE_UNABLE_TO_PROCESS,
                             DIMSE_UNABLE_TO_PROCESS};
    case E_DENIED:
        return (struct edge){DIMSE_NOT_AUTHORIZED, DIMSE_NOT_AUTHORIZED, DIMSE_NOT_AUTHORIZED};
    case E_CANCELLED:
        return (struct edge){DIMSE_UNABLE_TO_PROCESS, DIMSE_CANCEL, DIMSE_CANCEL};
    case E_MALFORMED:
    case E_MISSING:
    case E_USAGE:
        return malformed;
    case E_LIMIT:
        return (struct edge){DIMSE_CANNOT_UNDERSTAND, DIMSE_OUT_OF_RESOURCES,
                             DIMSE_OUT_OF_RESOURCES_MATCHES};
    case E_NOMEM:
    case E_BUSY:
    case E_TIMEOUT:
    case E_STOPPED:
    case E_IO:
    case E_NOSPACE:
    case E_INDEX:
    case E_CRYPTO:
        return resources;
    case E_NOTFOUND:
    case E_EXISTS:
    case E_CONFLICT:
    case E_CLOSED:
    case E_PROTOCOL:
    case E_REJECTED:
    case E_INTERNAL:
        return unable;
    case E_DAMAGED:
        return damaged;
    }
    return unable;
}

uint16_t status_of(err_t e, uint16_t field)
{
    struct edge edge = edge_of(e);
    if (field == C_STORE_RQ)
        return edge.store;
    return field == C_FIND_RQ ? edge.query : edge.retrieve;
}

struct str status_comment(const char *text, char buf[65])
{
    struct str s = str_z(text);
    size_t n = size_min(s.n, 64);
    if (n < s.n)
        while (n > 32 && s.p[n - 1] != ' ' && s.p[n] != ' ')
            n--;
    for (size_t i = 0; i < n; i++)
        buf[i] = s.p[i] == '\\' || (unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] > '~'
                     ? '?'
                     : s.p[i];
    buf[n] = 0;
    return str_trim(str_of(buf, n));
}
