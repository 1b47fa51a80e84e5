/* Certificates as owners and peers hand them in: PEM text of any kind. */
#include "io/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str pem = str_of(data, size);
    struct diag d;
    uint8_t print[32];
    int64_t t;
    err_t e = x509_fingerprint(pem, print, &d), f = x509_expiry(pem, &t, &d);
    if (e == E_MALFORMED && f == OK) /* both read the same certificate, or none */
        __builtin_trap();
    return 0;
}
