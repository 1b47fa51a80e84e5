/* A chained log: lines of JSON, each carrying an HMAC over itself and the one before, so that
 * nothing can be changed, cut out or added without the key. Files DIR/NNNNNNNN.log, a new one past
 * a size; the chain runs on through them. Used by the audit trail and the survey's journal. */
#ifndef LASTRA_STORE_CHAIN_H
#define LASTRA_STORE_CHAIN_H

#include "base/err.h"
#include "base/str.h"
#include "io/crypto.h"

struct chain;

err_t chain_open(int dir, const struct key *key, uint64_t file_max, struct chain **ret,
                 struct diag *d) MUST_CHECK;
/* Appends one line (a JSON object, no newline). From any thread. Written at once; on stable storage
 * after chain_sync. Several processes may have the same folder open (the server and a command): each
 * append takes a lock on the last file and goes on from what stands there now. */
err_t chain_add(struct chain *c, struct str json) MUST_CHECK;
err_t chain_sync(struct chain *c) MUST_CHECK;
void chain_close(struct chain *c);

/* Walks the whole chain. Each line with its number; a break ends it with E_DAMAGED and
 * *ret_bad_line (from 1). A torn last line (a crash) is reported, not an error. */
struct chain_report {
    uint64_t lines, files, bad_line;
    bool torn;
};
err_t chain_verify(int dir, const struct key *key,
                   err_t (*each)(void *ctx, uint64_t n, struct str json), void *ctx,
                   struct chain_report *ret, struct diag *d) MUST_CHECK;

#endif
