#include "access/syslog.h"

#include <stdlib.h>

#include "access/stamp.h"
#include "io/clock.h"
#include "io/net.h"
#include "io/thread.h"

enum {
    QUEUE_BYTES = 4 << 20,
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 60000,
    CONNECT_MS = 10000,
    WRITE_MS = 10000,
    FRAME_MAX = 2 * AUDIT_LINE_MAX,
    HOST_MAX = 253,
};

/* facility 10 (security/authorization), severity 5 (notice) or 4 (warning): PS3.15 A.6 */
enum { PRI_NOTICE = 85, PRI_WARNING = 84 };

struct frame {
    struct frame *next;
    size_t n;
    char bytes[];
};

struct syslog_sender {
    char host[HOST_MAX + 1], hostname[HOST_MAX + 1];
    uint16_t port;
    const struct tls *tls;
    size_t queue_max;
    int64_t retry_ms;
    struct stop stop;
    struct thread *thread;
    lock_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct frame *first, **last;
    bool ending;
    uint64_t lost_since_taken;
    struct syslog_figures figures;
};

void syslog_frame(const struct audit_message *m, struct str hostname, struct wr *w)
{
    struct wr body __attribute__((cleanup(wr_done))) = wr_heap(FRAME_MAX);
    wr_printf(&body, "<%d>1 ", m->outcome == AUDIT_SUCCESS ? PRI_NOTICE : PRI_WARNING);
    stamp_write(m->time_us, &body);
    wr_printf(&body, " %.*s lastra - DICOM+RFC3881 - \xef\xbb\xbf", STR_ARG(hostname));
    audit_to_xml(m, &body);
    if (body.bad) {
        w->bad = true;
        return;
    }
    wr_printf(w, "%zu ", body.n);
    wr_put(w, wr_str(&body));
}

/* RFC 5424 6.2.4: printable ASCII, no space; "-" when there is no name. */
static void copy_hostname(char *to, struct str from)
{
    size_t n = 0;
    for (size_t i = 0; i < from.n && n < HOST_MAX; i++)
        to[n++] = from.p[i] > ' ' && from.p[i] <= '~' ? from.p[i] : '-';
    if (!n)
        to[n++] = '-';
    to[n] = '\0';
}

/* The next frame stays in the queue until it has been sent. NULL once nothing more is to be sent.
 */
static struct frame *wait_for_frame(struct syslog_sender *s)
{
    LOCKED(&s->lock);
    while (!s->first && !s->ending)
        cond_wait(&s->changed, &s->lock, IO_FOREVER);
    return stop_is_set(&s->stop) ? NULL : s->first;
}

static void frame_is_sent(struct syslog_sender *s)
{
    LOCKED(&s->lock);
    struct frame *f = s->first;
    s->first = f->next;
    if (!s->first)
        s->last = &s->first;
    s->figures.queued_bytes -= f->n;
    s->figures.sent++;
    free(f);
    pthread_cond_broadcast(&s->changed);
}

static void note_state(struct syslog_sender *s, bool connected, const struct diag *why)
{
    LOCKED(&s->lock);
    s->figures.connected = connected;
    if (why)
        s->figures.last = *why;
}

static err_t reach(struct syslog_sender *s, struct conn **ret)
{
    struct diag d = {""};
    err_t e = conn_connect(str_z(s->host), s->port, s->tls, clock_deadline(CONNECT_MS), &s->stop,
                           ret, &d);
    if (e != OK && !d.text[0])
        (void)diag_set(&d, e, "%s", err_text(e));
    note_state(s, e == OK, e == OK ? NULL : &d);
    return e;
}

/* A pause that an end cuts short. */
static void pause_ms(struct syslog_sender *s, int64_t ms)
{
    int64_t until = clock_deadline(ms);
    LOCKED(&s->lock);
    while (!stop_is_set(&s->stop) && clock_left(until) > 0)
        if (!cond_wait(&s->changed, &s->lock, until))
            return;
}

/* A collector says nothing back (RFC 5425): bytes or an end from it mean that the connection is no
 * good, and a frame written into it would be lost without a word. */
static bool is_alive(struct conn *c)
{
    return c && !conn_readable(c);
}

static void run(void *arg)
{
    struct syslog_sender *s = arg;
    struct conn *c = NULL;
    int64_t pause = s->retry_ms;
    for (struct frame *f; (f = wait_for_frame(s));) {
        if (!is_alive(c)) {
            conn_free(c);
            c = NULL;
            if (reach(s, &c) != OK) {
                pause_ms(s, pause);
                pause = pause * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : pause * 2;
                continue;
            }
        }
        if (conn_write(c, str_of(f->bytes, f->n), clock_deadline(WRITE_MS)) == OK) {
            frame_is_sent(s);
            pause = s->retry_ms;
        } else {
            conn_free(c);
            c = NULL;
            note_state(s, false, &(struct diag){"the collector closed the connection"});
            pause_ms(s, pause);
        }
    }
    conn_free(c);
}

static err_t prepare(struct syslog_sender *s, const struct syslog_options *o, struct diag *d)
{
    if (!o->host.n || !str_to_z(o->host, s->host, sizeof s->host) || !o->port || !o->tls)
        return diag_set(d, E_USAGE, "a syslog collector is HOST:PORT, reached over TLS");
    copy_hostname(s->hostname, o->hostname);
    s->port = o->port;
    s->tls = o->tls;
    s->queue_max = o->queue_bytes ? o->queue_bytes : QUEUE_BYTES;
    s->retry_ms = o->retry_ms ? o->retry_ms : RETRY_FIRST_MS;
    s->last = &s->first;
    TRY(stop_init(&s->stop));
    TRY(cond_init(&s->changed));
    return thread_start(run, s, "syslog", &s->thread);
}

static void free_sender(struct syslog_sender *s)
{
    for (struct frame *f = s->first, *next; f; f = next) {
        next = f->next;
        free(f);
    }
    stop_done(&s->stop);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

err_t syslog_start(const struct syslog_options *o, struct syslog_sender **ret, struct diag *d)
{
    struct syslog_sender *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    s->stop.fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    err_t e = prepare(s, o, d);
    if (e != OK) {
        free_sender(s);
        return e;
    }
    *ret = s;
    return OK;
}

/* After the thread's end: what it left behind is lost. */
static uint64_t count_left(const struct syslog_sender *s)
{
    uint64_t n = s->figures.lost;
    for (const struct frame *f = s->first; f; f = f->next)
        n++;
    return n;
}

uint64_t syslog_stop(struct syslog_sender *s, int64_t deadline, struct syslog_figures *ret)
{
    if (!s)
        return 0;
    {
        LOCKED(&s->lock);
        while (s->first && cond_wait(&s->changed, &s->lock, deadline))
            ;
        s->ending = true;
        stop_set(&s->stop);
        pthread_cond_broadcast(&s->changed);
    }
    thread_join(s->thread);
    uint64_t left = count_left(s);
    if (ret)
        *ret = s->figures;
    free_sender(s);
    return left;
}

static bool lose(struct syslog_sender *s)
{
    s->figures.lost++;
    s->lost_since_taken++;
    return false;
}

bool syslog_send(struct syslog_sender *s, const struct audit_message *m)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(FRAME_MAX);
    syslog_frame(m, str_z(s->hostname), &w);
    struct frame *f = w.bad ? NULL : malloc(sizeof *f + w.n);
    LOCKED(&s->lock);
    if (!f || s->figures.queued_bytes + w.n > s->queue_max) {
        free(f);
        return lose(s);
    }
    f->next = NULL;
    f->n = w.n;
    memcpy(f->bytes, w.p, w.n);
    *s->last = f;
    s->last = &f->next;
    s->figures.queued_bytes += f->n;
    pthread_cond_broadcast(&s->changed);
    return true;
}

void syslog_figures(struct syslog_sender *s, struct syslog_figures *ret)
{
    LOCKED(&s->lock);
    *ret = s->figures;
}

uint64_t syslog_take_lost(struct syslog_sender *s)
{
    LOCKED(&s->lock);
    uint64_t n = s->lost_since_taken;
    s->lost_since_taken = 0;
    return n;
}
