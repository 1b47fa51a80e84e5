/* Networks as they stand in `lastra peer add`; what was read has its own first address. */
#include <netinet/in.h>

#include "io/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct network n;
    if (network_parse(str_of(data, size), &n) != OK)
        return 0;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct addr a = {.n = sizeof six};
    memcpy(&six.sin6_addr, n.bytes, 16);
    memcpy(&a.sa, &six, sizeof six);
    if (n.bits > 128 || !network_has(&n, &a))
        __builtin_trap();
    if (network_is_private(&n) && !addr_is_private(&a))
        __builtin_trap();
    return 0;
}
