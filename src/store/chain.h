/* A chained log: lines of JSON, each carrying an HMAC over itself and the one before, so that
 * nothing can be changed, cut out or added without the key. Files DIR/NNNNNNNN.log, a new one past
 * a size; the chain runs on through them; DIR/tip says how far it had got at the last sync, so that
 * a cut at the end shows too. Used by the audit trail and the survey's journal. The format:
 * docs/formats.md, "Chained logs". */
#ifndef LASTRA_STORE_CHAIN_H
#define LASTRA_STORE_CHAIN_H

#include "base/err.h"
#include "base/str.h"
#include "io/crypto.h"

enum { CHAIN_LINE_MAX = 65536 }; /* of JSON */

struct chain;

/* file_max 0: 64 MiB. A torn end (a crash) is cut, and a line that says so is added:
 * {"chain":"resumed","cut":BYTES}. */
err_t chain_open(int dir, const struct key *key, uint64_t file_max, struct chain **ret,
                 struct diag *d) MUST_CHECK;
/* Appends one line (a JSON object, no newline). From any thread. Written at once; on stable storage
 * after chain_sync. Several processes may have the same folder open (the server and a command):
 * each append takes a lock on the folder's tip and goes on from what stands there now. */
err_t chain_add(struct chain *c, struct str json) MUST_CHECK;
err_t chain_sync(struct chain *c) MUST_CHECK;
void chain_close(struct chain *c); /* syncs; NULL is fine */

/* Walks the whole chain. Each line with its number; a break ends it with E_DAMAGED and
 * ret->bad_line (from 1), with *ret filled in. A torn end that was never synced is reported, not an
 * error. tip_missing: there is no tip, so that a cut at the end would not show. last is the last
 * line's HMAC: whoever notes it with the count elsewhere can prove a later cut. */
struct chain_report {
    uint64_t lines, files, bad_line;
    bool torn, tip_missing;
    uint8_t last[DIGEST_SIZE];
};
err_t chain_verify(int dir, const struct key *key,
                   err_t (*each)(void *ctx, uint64_t n, struct str json), void *ctx,
                   struct chain_report *ret, struct diag *d) MUST_CHECK;

#endif
