#include "app/server_names.h"

#include <unistd.h>

#include "base/wr.h"

static void machine_name(char *buf, size_t cap)
{
    memset(buf, 0, cap);
    bool good = gethostname(buf, cap - 1) == 0 && strcmp(buf, "localhost") != 0;
    for (const char *c = buf; *c; c++)
        good = good && ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                        (*c >= 'A' && *c <= 'Z') || *c == '-' || *c == '.');
    if (!good)
        buf[0] = '\0';
}

err_t server_names(const struct cmd_args *a, size_t option, struct server_names *ret,
                   struct diag *d)
{
    struct wr w = wr_fixed(ret->more, sizeof ret->more - 1);
    machine_name(ret->host, sizeof ret->host);
    for (size_t i = 0; i < cmd_count(a, option); i++) {
        wr_put(&w, i ? STR(",") : STR(""));
        wr_put(&w, cmd_at(a, option, i));
    }
    if (w.bad)
        return diag_set(d, E_USAGE, "too many names for one certificate");
    ret->more[w.n] = '\0';
    return OK;
}
