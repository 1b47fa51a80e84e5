/* The system calls that the archive needs, and no others (seccomp(2)): what is not in the table of
 * confine.c is refused with EPERM; starting another program, tracing one or loading code into the
 * kernel ends the process. A second wall behind that of the systemd unit, for those who run it
 * without. */
#ifndef LASTRA_APP_CONFINE_H
#define LASTRA_APP_CONFINE_H

#include "base/err.h"

/* For all threads, from now on, for good. E_UNSUPPORTED where the kernel has no seccomp. */
err_t confine(struct diag *d) MUST_CHECK;

#endif
