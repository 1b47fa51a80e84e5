#include "app/progress.h"

#include <stdio.h>

#include "io/clock.h"

enum { REDRAW_MS = 200, BAR = 24 };

struct progress progress_start(bool on, const char *what, const char *unit)
{
    int64_t now = clock_ms();
    return (struct progress){on, what, unit, now, now + REDRAW_MS};
}

static void bar(uint64_t done, uint64_t total)
{
    unsigned full = total ? (unsigned)((double)done / (double)total * BAR) : 0;
    fputs(" [", stderr);
    for (unsigned i = 0; i < BAR; i++)
        fputc(i < full ? '=' : ' ', stderr);
    fputc(']', stderr);
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, uint64_t bytes)
{
    int64_t now = clock_ms();
    if (!p->on || now < p->next_ms)
        return;
    p->next_ms = now + REDRAW_MS;
    double seconds = (double)(now - p->begun_ms) / 1000;
    fprintf(stderr, "\r\033[K%s", p->what);
    if (total)
        bar(done, total);
    fprintf(stderr, " %llu", (unsigned long long)done);
    if (total)
        fprintf(stderr, " of %llu", (unsigned long long)total);
    fprintf(stderr, " %s, %.0f/s", p->unit, (double)done / seconds);
    if (bytes)
        fprintf(stderr, ", %.1f MB/s", (double)bytes / 1e6 / seconds);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->on)
        fputs("\r\033[K", stderr);
}
