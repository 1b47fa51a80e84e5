/* A policy file: refused with a diagnosis, or it answers for every address and service. */
#include <stdlib.h>

#include "survey/assess/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const addresses[] = {"10.0.0.1", "8.8.8.8", "fd00::1", "10.20.1.7"};
    struct policy *p;
    struct diag d = {0};
    unsigned line;
    if (policy_parse(str_of(data, size), "policy", &p, &d) != OK) {
        if (!d.text[0])
            abort();
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        struct ip ip;
        if (ip_parse(str_z(addresses[i]), &ip) != OK)
            abort();
        struct str zone = policy_zone(p, &ip);
        if (zone.n && !policy_has_zone(p, zone))
            abort();
        (void)policy_allows(p, zone, STR("pacs"), STR("dicom"), 104, &line);
    }
    policy_free(p);
    return 0;
}
