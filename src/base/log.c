#include "base/log.h"

#include <stdio.h>

#include "base/wr.h"

static const struct {
    enum log_level level;
    const char *name;
} events[] = {
#define LOG(id, lvl, text) [LOG_##id] = {LOG_LEVEL_##lvl, text},
#include "base/log.def"
#undef LOG
};

void log_event(const struct log *l, enum log_id id, const char *fmt, ...)
{
    if (!l || !l->sink || events[id].level > l->level)
        return;
    char particulars[LOG_PARTICULARS_MAX], line[LOG_LINE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(particulars, sizeof particulars, fmt, ap);
    va_end(ap);
    struct wr w = wr_fixed(line, sizeof line);
    wr_printf(&w, "%s%s", events[id].name, particulars[0] ? ": " : "");
    wr_printable(&w, str_z(particulars));
    wr_u8(&w, '\n');
    if (!w.bad)
        l->sink(l->ctx, events[id].level, wr_str(&w));
}
