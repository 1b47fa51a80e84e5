#include "app/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_BY_SIGNAL = 128 };

static void watch(void *arg)
{
    struct signals *s = arg;
    for (;;) {
        struct pollfd fds[] = {{.fd = s->fd, .events = POLLIN},
                               {.fd = s->done.fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            return;
        struct signalfd_siginfo info;
        if (!fds[0].revents || read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (stop_is_set(&s->stop) && info.ssi_signo == SIGINT)
            _exit(EXIT_BY_SIGNAL + (int)info.ssi_signo);
        stop_set(&s->stop);
    }
}

static err_t start(struct signals *s, struct diag *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of that write, not our end */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->fd < 0)
        return diag_set(d, E_IO, "cannot watch signals: %s", strerror(errno));
    return thread_start(watch, s, "signals", &s->thread);
}

err_t signals_init(struct signals *s, struct diag *d)
{
    *s = (struct signals){.stop = {.fd = -1}, .done = {.fd = -1}, .fd = -1};
    TRY(stop_init(&s->stop));
    err_t e = stop_init(&s->done);
    if (e == OK)
        e = start(s, d);
    if (e != OK)
        signals_done(s);
    return e;
}

void signals_done(struct signals *s)
{
    if (s->thread) {
        stop_set(&s->done);
        thread_join(s->thread);
    }
    if (s->fd >= 0)
        close(s->fd);
    if (s->done.fd >= 0)
        stop_done(&s->done);
    if (s->stop.fd >= 0)
        stop_done(&s->stop);
}
