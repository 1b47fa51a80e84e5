#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

const char *err_text(err_t e)
{
    switch (e) {
    case OK:
        return "done";
#define ERR(name, text)                                                                            \
    case E_##name:                                                                                 \
        return text;
#include "base/err.def"
#undef ERR
    }
    return "unknown error";
}

err_t diag_set(struct diag *d, err_t e, const char *fmt, ...)
{
    if (!d)
        return e;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->text, sizeof d->text, fmt, ap);
    va_end(ap);
    for (char *p = d->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return e;
}

const char *diag_text(const struct diag *d, err_t e)
{
    return d && d->text[0] ? d->text : err_text(e);
}
