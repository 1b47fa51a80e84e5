#include "io/pcap_lib.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* The name that Debian gives libpcap 1, and the one that everybody else does. */
static const char *const LIBRARIES[] = {"libpcap.so.0.8", "libpcap.so.1"};

/* A function's address as a value: C has no cast from an object pointer to it. */
static bool find(void *handle, const char *name, void *ret_call)
{
    void *call = dlsym(handle, name);
    memcpy(ret_call, &call, sizeof call);
    return call != NULL;
}

err_t pcap_lib_load(struct pcap_lib *l, struct diag *d)
{
    for (size_t i = 0; !l->handle && i < sizeof LIBRARIES / sizeof *LIBRARIES; i++)
        l->handle = dlopen(LIBRARIES[i], RTLD_NOW | RTLD_LOCAL);
    if (!l->handle)
        return diag_set(d, E_UNSUPPORTED, "captures need %s: %s", LIBRARIES[0], dlerror());
    bool all = true;
#define CALL(name) all &= find(l->handle, #name, &l->name);
    PCAP_LIB_CALLS(CALL)
#undef CALL
    return all ? OK : diag_set(d, E_UNSUPPORTED, "libpcap lacks something: it is too old");
}

void pcap_lib_done(struct pcap_lib *l)
{
    if (l->handle)
        dlclose(l->handle);
    l->handle = NULL;
}
