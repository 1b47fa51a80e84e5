/* Inside of io only: host names to addresses, with a deadline. */
#ifndef LASTRA_IO_RESOLVE_H
#define LASTRA_IO_RESOLVE_H

#include "io/net.h"

enum { RESOLVE_MAX = 8, HOST_MAX = 256 };

struct addrs {
    struct addr a[RESOLVE_MAX];
    size_t n;
};

/* The addresses of a name or of an address in text ("::1", "[::1]"), in the system's order of
 * preference. listening: for bind; an empty host is then every address. E_NOTFOUND, E_TIMEOUT,
 * E_STOPPED. */
err_t resolve(struct str host, uint16_t port, bool listening, int64_t deadline,
              const struct stop *stop, struct addrs *ret, struct diag *d) MUST_CHECK;

#endif
