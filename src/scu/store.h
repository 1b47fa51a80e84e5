/* C-STORE as service class user (PS3.7 9.1.1, PS3.4 B): one object, from any source, over an open
 * association. `lastra send` uses it for files, the server for the sub-operations of C-GET and
 * C-MOVE. */
#ifndef LASTRA_SCU_STORE_H
#define LASTRA_SCU_STORE_H

#include "assoc/assoc.h"

/* An object and where its data set comes from. */
struct scu_object {
    struct str sop_class, sop_instance, transfer_syntax;
    /* The next piece of the data set (without file meta) as it is stored: a view that holds until
     * the next call. Pieces of 16 KiB and more are sent without being copied. */
    err_t (*next)(void *ctx, struct str *ret_piece, bool *ret_last);
    void *ctx;
};

/* Who asked for it, when it is sent for a C-MOVE (PS3.7 9.1.1.1.6). */
struct scu_origin {
    struct str ae;
    uint16_t message_id;
};

/* The accepted context on which an object can be sent: as stored, else, between uncompressed
 * transfer syntaxes, converted. NULL when there is none. */
const struct assoc_context *scu_store_context(const struct assoc *a, struct str sop_class,
                                              struct str transfer_syntax);

/* Sends C-STORE-RQ and the data set, converted where the context asks for it; the response is the
 * caller's to await (scu_response, or assoc_next with several outstanding).
 * E_UNSUPPORTED: no context, nothing was sent. E_MALFORMED and whatever `next` returned: the object
 * could not be read to its end; the association was aborted (see assoc_is_open) unless this showed
 * before the first byte left. d says what was wrong with the object; may be NULL. */
err_t scu_store(struct assoc *a, const struct scu_object *o, uint16_t message_id, uint16_t priority,
                const struct scu_origin *origin, struct diag *d) MUST_CHECK;

/* What shall be proposed for sending: pairs of SOP class and transfer syntax are collected, and cut
 * into associations of at most 128 contexts. */
struct scu_proposal;
err_t scu_proposal_new(struct scu_proposal **ret) MUST_CHECK;
void scu_proposal_free(struct scu_proposal *p);
/* Adds a pair; *ret_part is the association (0, 1, ...) in which it will be. Known pairs cost
 * nothing. */
err_t scu_proposal_add(struct scu_proposal *p, struct str sop_class, struct str transfer_syntax,
                       size_t *ret_part) MUST_CHECK;
size_t scu_proposal_parts(const struct scu_proposal *p);
/* The contexts of a part: for each pair one context with the stored transfer syntax alone, and,
 * where that is uncompressed, one with what it can be converted to. Views into the proposal, valid
 * until the next add. */
err_t scu_proposal_part(struct scu_proposal *p, size_t part, struct pdu_associate *ret) MUST_CHECK;

#endif
