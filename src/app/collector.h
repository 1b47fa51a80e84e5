/* The collector of audit messages that lastra.conf names (audit-syslog, audit-syslog-trust): its
 * address, the certificates, the sender. */
#ifndef LASTRA_APP_COLLECTOR_H
#define LASTRA_APP_COLLECTOR_H

#include "access/syslog.h"
#include "app/options.h"

struct collector {
    struct syslog_sender *sender; /* NULL where none is configured */
    struct tls *tls;
};

/* path: DATA. Our own certificate towards the collector is the server's; it is believed when the
 * authority in keys/<audit-syslog-trust> (without that: our own) signed its certificate. Connects
 * only when there is something to send. E_USAGE: the options do not make sense. */
err_t collector_start(const struct options *o, const char *path, struct collector *ret,
                      struct diag *d) MUST_CHECK;

/* Gives what is queued a few seconds to go out, and says on standard error what did not. */
void collector_stop(struct collector *c);

#endif
