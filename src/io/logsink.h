/* Where the daemon's log lines go: standard error. Under systemd (JOURNAL_STREAM names it) each
 * line begins with the priority that the journal understands, "<4>"; elsewhere with the UTC time
 * and the level. A line is one write, so that lines from several threads do not mix. */
#ifndef LASTRA_IO_LOGSINK_H
#define LASTRA_IO_LOGSINK_H

#include "base/log.h"

struct logsink {
    int fd;
    bool journal;
};

/* For standard error, as the environment says. */
struct logsink logsink_stderr(void);

/* A log over the sink, which must outlive it. Lines that cannot be written are lost. */
struct log logsink_log(struct logsink *s, enum log_level level);

#endif
