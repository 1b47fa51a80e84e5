#include "io/progress.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/size.h"
#include "base/wr.h"
#include "io/clock.h"

enum {
    DRAW_US = 100000,
    WIDTH_DEFAULT = 80,
    WIDTH_MAX = 200,
    BAR = 24,
    LINE_CAP = 512,
    TOO_LONG = 360000
};

static void put_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        s = str_slice(s, (size_t)n, s.n);
    }
}

void progress_start(struct progress *p, struct str what, uint64_t total_items, uint64_t total_bytes,
                    bool wanted)
{
    *p = (struct progress){.lock = PTHREAD_MUTEX_INITIALIZER,
                           .fd = wanted && isatty(STDERR_FILENO) ? STDERR_FILENO : -1,
                           .what = what,
                           .total_items = total_items,
                           .total_bytes = total_bytes,
                           .started_us = clock_us()};
}

/* 1234567 as 1,234,567. */
static void put_count(struct wr *w, uint64_t v)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            wr_u8(w, ',');
        wr_u8(w, (uint8_t)digits[i]);
    }
}

static void put_size(struct wr *w, double v)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (v >= 999.5 && unit + 1 < COUNT(units)) {
        v /= 1000;
        unit++;
    }
    wr_printf(w, unit == 0 || v >= 9.95 ? "%.0f %s" : "%.1f %s", v, units[unit]);
}

static void put_time(struct wr *w, double seconds)
{
    uint64_t s = (uint64_t)(seconds + 0.5);
    if (s >= 3600)
        wr_printf(w, "%llu:%02llu:%02llu", (unsigned long long)(s / 3600),
                  (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60));
    else
        wr_printf(w, "%llu:%02llu", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
}

/* Done, from 0 to 1, by bytes where their total is known, since files differ in size; else by
 * items; -1 when neither is. */
static double fraction(const struct progress *p)
{
    double f = p->total_bytes   ? (double)p->bytes / (double)p->total_bytes
               : p->total_items ? (double)p->items / (double)p->total_items
                                : -1;
    return f > 1 ? 1 : f;
}

static void put_bar(struct wr *w, double f)
{
    unsigned full = (unsigned)(f * BAR);
    wr_put(w, STR("  ["));
    wr_fill(w, '#', full);
    wr_fill(w, '-', BAR - full);
    wr_printf(w, "] %3u %%", (unsigned)(f * 100));
}

static void put_counts(struct wr *w, const struct progress *p)
{
    if (p->items || p->total_items) {
        wr_put(w, STR("  "));
        put_count(w, p->items);
        if (p->total_items) {
            wr_u8(w, '/');
            put_count(w, p->total_items);
        }
    }
    if (p->bytes) {
        wr_put(w, STR("  "));
        put_size(w, (double)p->bytes);
    }
}

static void put_rates(struct wr *w, const struct progress *p, double seconds, double f)
{
    if (p->items) {
        wr_printf(w, (double)p->items / seconds >= 9.95 ? "  %.0f/s" : "  %.1f/s",
                  (double)p->items / seconds);
    }
    if (p->bytes) {
        wr_put(w, STR("  "));
        put_size(w, (double)p->bytes / seconds);
        wr_put(w, STR("/s"));
    }
    double left = f > 0 ? seconds * (1 - f) / f : TOO_LONG;
    if (left > 0 && left < TOO_LONG) {
        wr_put(w, STR("  "));
        put_time(w, left);
        wr_put(w, STR(" left"));
    }
}

struct str progress_line(const struct progress *p, int64_t us, size_t width, char *buf, size_t cap)
{
    double f = fraction(p), seconds = (double)us / 1e6;
    struct wr w = wr_fixed(buf, cap);
    wr_put(&w, p->what);
    if (f >= 0)
        put_bar(&w, f);
    put_counts(&w, p);
    if (seconds > 0.5) /* before that a rate is noise */
        put_rates(&w, p, seconds, f);
    /* One column stays free, or the cursor would wrap. */
    return str_slice(wr_str(&w), 0, width > 0 ? width - 1 : 0);
}

static size_t columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_DEFAULT;
    return size_min(size.ws_col, WIDTH_MAX);
}

/* With the lock held. */
static void draw(struct progress *p, bool now)
{
    char line[LINE_CAP], text[LINE_CAP + 16];
    int64_t us = clock_us();
    if (p->fd < 0 || (!now && us - p->drawn_us < DRAW_US))
        return;
    struct wr w = wr_fixed(text, sizeof text);
    wr_put(&w, STR("\r"));
    wr_put(&w, progress_line(p, us - p->started_us, columns(p->fd), line, sizeof line));
    wr_put(&w, STR("\x1b[K")); /* what is left of a longer line */
    put_all(p->fd, wr_str(&w));
    p->drawn_us = us;
    p->shown = true;
}

static void clear(struct progress *p)
{
    if (p->shown)
        put_all(p->fd, STR("\r\x1b[K"));
    p->shown = false;
}

void progress_totals(struct progress *p, uint64_t total_items, uint64_t total_bytes)
{
    LOCKED(&p->lock);
    p->total_items = total_items;
    p->total_bytes = total_bytes;
    draw(p, false);
}

void progress_add(struct progress *p, uint64_t items, uint64_t bytes)
{
    LOCKED(&p->lock);
    p->items += items;
    p->bytes += bytes;
    draw(p, false);
}

void progress_note(struct progress *p, const char *fmt, ...)
{
    char text[1024], line[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct wr w = wr_fixed(line, sizeof line);
    wr_printable(&w, str_z(text));
    wr_u8(&w, '\n');
    LOCKED(&p->lock);
    bool again = p->shown;
    clear(p);
    put_all(STDERR_FILENO, wr_str(&w));
    if (again)
        draw(p, true);
}

void progress_end(struct progress *p)
{
    LOCKED(&p->lock);
    clear(p);
    p->fd = -1;
}

struct progress_sum progress_sum(struct progress *p)
{
    LOCKED(&p->lock);
    return (struct progress_sum){p->items, p->bytes, (double)(clock_us() - p->started_us) / 1e6};
}
