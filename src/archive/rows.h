/* The index's rows as the committer writes them: its prepared statements, what an entry becomes,
 * how a row is taken out again, and up to where each pack is in the index. One thread at a time. */
#ifndef LASTRA_ARCHIVE_ROWS_H
#define LASTRA_ARCHIVE_ROWS_H

#include "archive/entry.h"
#include "archive/schema.h"
#include "store/pack.h"
#include "store/sql.h"

struct rows;

enum rows_outcome { ROWS_NEW, ROWS_KNOWN, ROWS_CONFLICT };

/* packs is read only to compare digests of two records with one UID, and to see what lies between
 * two records. */
err_t rows_new(struct sql *db, struct packs *packs, struct rows **ret, struct diag *d) MUST_CHECK;
void rows_free(struct rows *r); /* before the connection closes; NULL is fine */

/* Puts an object into the index, inside the caller's transaction. Idempotent. */
err_t rows_add(struct rows *r, const struct entry *e, enum rows_outcome *ret,
               struct diag *d) MUST_CHECK;

/* Takes an instance out, with its series, study and patient when they are empty then. E_NOTFOUND.
 */
err_t rows_remove(struct rows *r, int64_t instance, struct diag *d) MUST_CHECK;

/* Says that every record of the pack before `end` is in the index, for what was read in order. */
err_t rows_mark(struct rows *r, uint32_t pack, uint64_t end, struct diag *d) MUST_CHECK;

/* To where the pack is in the index; 0 when nothing of it is. */
err_t rows_marked(struct rows *r, uint32_t pack, uint64_t *ret, struct diag *d) MUST_CHECK;

/* What was remembered of rows that a rollback may have taken back. */
void rows_forget(struct rows *r);

/* The instance with a UID on any connection of the index; 0 when there is none. */
struct instance_place {
    int64_t id;
    struct pack_place place;
};
extern const char rows_find_sql[];
err_t rows_find(struct sql_stmt *find, const uint8_t seed[UID_SEED_SIZE], struct str uid,
                struct instance_place *ret) MUST_CHECK;

const uint8_t *rows_seed(const struct rows *r);

#endif
