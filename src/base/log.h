/* The log: one event a line, from the table log.def, with `key=value` particulars. Only edges log
 * (the server, the command line); libraries return errors. The sink is the caller's, since only
 * `io` makes system calls; it must be callable from several threads and take a whole line at a
 * time. */
#ifndef LASTRA_BASE_LOG_H
#define LASTRA_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

/* The longest line there can be: every byte of the particulars escaped. What is longer is cut
 * before that, so that no line is ever lost to what stands in it. */
enum { LOG_PARTICULARS_MAX = 768, LOG_LINE_MAX = 4 * LOG_PARTICULARS_MAX + 64 };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_id {
#define LOG(id, level, name) LOG_##id,
#include "base/log.def"
#undef LOG
};

struct log {
    enum log_level level; /* lines above it are dropped */
    void (*sink)(void *ctx, enum log_level level, struct str line);
    void *ctx;
};

/* Writes "event name: key=value ...". The format makes the particulars ("source=%s"); control bytes
 * in what comes out are escaped, so that nothing from outside can forge a line. l may be NULL. */
void log_event(const struct log *l, enum log_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
