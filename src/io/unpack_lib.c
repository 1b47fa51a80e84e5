#include "io/unpack_lib.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* The name that libarchive 3 has had since its first version. */
#define LIBRARY "libarchive.so.13"

/* A function's address as a value: C has no cast from an object pointer to it. */
static bool find(void *handle, const char *name, void *ret_call)
{
    void *call = dlsym(handle, name);
    memcpy(ret_call, &call, sizeof call);
    return call != NULL;
}

err_t unpack_lib_load(struct unpack_lib *l, struct diag *d)
{
    l->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!l->handle)
        return diag_set(d, E_UNSUPPORTED, "zip and tar archives need %s: %s", LIBRARY, dlerror());
    bool all = true;
#define CALL(name) all &= find(l->handle, #name, &l->name);
    UNPACK_LIB_CALLS(CALL)
#undef CALL
    return all ? OK : diag_set(d, E_UNSUPPORTED, "%s lacks something: it is too old", LIBRARY);
}

void unpack_lib_done(struct unpack_lib *l)
{
    if (l->handle)
        dlclose(l->handle);
    l->handle = NULL;
}
