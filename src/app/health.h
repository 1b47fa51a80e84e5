/* How the running server is, for `lastra status` in another process: DATA/serve.state, one JSON
 * object in a file of fixed size that is written over in place about every second, since that works
 * on a full disk too. */
#ifndef LASTRA_APP_HEALTH_H
#define LASTRA_APP_HEALTH_H

#include "base/err.h"
#include "base/log.h"
#include "io/thread.h"

enum { HEALTH_SIZE = 4096, HEALTH_LINE = 400, HEALTH_FRESH_MS = 10000 };

/* What is kept; text is UTF-8. */
struct health {
    int64_t pid, started_us, updated_us;
    bool index_behind;
    char index_why[HEALTH_LINE];
    uint64_t errors;              /* lines of level error since the start */
    int64_t last_error_us;        /* 0: none */
    char last_error[HEALTH_LINE]; /* the line */
};

/* The writing side. Errors reach it through a log sink that passes every line on. */
struct health_keeper {
    lock_t lock; /* guards now */
    struct health now;
    struct log behind; /* where lines go on to */
    int fd;
};
err_t health_begin(struct health_keeper *k, int data_dir, struct diag *d) MUST_CHECK;
/* A log that remembers errors and passes every line on to `to`. */
struct log health_log(struct health_keeper *k, const struct log *to);
/* index_why: empty when all is well. */
err_t health_write(struct health_keeper *k, const char *index_why) MUST_CHECK;
/* The server ends in order: the file goes away. */
void health_end(struct health_keeper *k, int data_dir);

/* The reading side. E_NOTFOUND: no server has left one; E_DAMAGED: it is being written now. Whether
 * the server still runs: updated_us is of the last HEALTH_FRESH_MS. */
err_t health_read(int data_dir, struct health *ret) MUST_CHECK;
bool health_is_fresh(const struct health *h, int64_t now_us);

#endif
