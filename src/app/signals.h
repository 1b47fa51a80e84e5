/* Ctrl-C and SIGTERM as a stop switch, without a handler: the signals are blocked and a thread of
 * its own waits for them. A second Ctrl-C ends the process at once. */
#ifndef LASTRA_APP_SIGNALS_H
#define LASTRA_APP_SIGNALS_H

#include "base/err.h"
#include "io/thread.h"

struct signals {
    struct stop stop; /* set at the first signal */
    struct stop done; /* tells the thread to end */
    int fd;
    struct thread *thread;
};

/* Before any other thread starts, so that they all inherit the mask. SIGPIPE and SIGXFSZ are
 * ignored too. */
err_t signals_init(struct signals *s, struct diag *d) MUST_CHECK;
void signals_done(struct signals *s);

#endif
