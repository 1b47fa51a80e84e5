/* SOP classes and transfer syntaxes as the index's rows name them: by number. Read once from the
 * index, then from memory; text stays where it is until the end. */
#ifndef LASTRA_ARCHIVE_TERMS_H
#define LASTRA_ARCHIVE_TERMS_H

#include "io/thread.h"
#include "store/sql.h"

enum { TERMS_MAX = 65536 };

struct terms {
    lock_t lock;       /* guards both arrays; texts themselves never change */
    struct str **page; /* by id in pages of 256 */
};

err_t terms_init(struct terms *t) MUST_CHECK;
void terms_done(struct terms *t);

/* The text of a number, looked up on the caller's connection when it is new. Empty when there is
 * none. */
err_t terms_text(struct terms *t, struct sql *db, int64_t id, struct str *ret) MUST_CHECK;

#endif
