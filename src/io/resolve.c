#include "io/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/conn.h"

/* A question put to the system's resolver, which may take any time and cannot be called off: a
 * thread asks, the caller waits as long as it wants to, the last one of the two frees. */
struct question {
    atomic_int holders;
    int done; /* eventfd, readable once `answered` */
    atomic_bool answered;
    char host[HOST_MAX], service[8];
    struct addrinfo hints;
    int rc;
    struct addrinfo *list;
};

static void release(struct question *q)
{
    if (atomic_fetch_sub(&q->holders, 1) != 1)
        return;
    if (q->list)
        freeaddrinfo(q->list);
    close(q->done);
    free(q);
}

static void ask(struct question *q)
{
    q->rc = getaddrinfo(q->host[0] ? q->host : NULL, q->service, &q->hints, &q->list);
}

static void *asker(void *arg)
{
    struct question *q = arg;
    ask(q);
    atomic_store(&q->answered, true);
    ssize_t put = write(q->done, &(uint64_t){1}, sizeof(uint64_t));
    (void)put;
    release(q);
    return NULL;
}

/* Name service modules are other people's code: they get the system's usual stack. */
static err_t ask_aside(struct question *q, int64_t deadline, const struct stop *stop)
{
    pthread_t id;
    atomic_store(&q->holders, 2);
    if (pthread_create(&id, NULL, asker, q) != 0) {
        atomic_store(&q->holders, 1);
        return E_NOMEM;
    }
    pthread_detach(id);
    err_t e = net_wait(q->done, POLLIN, deadline, stop);
    /* What the thread wrote is ours to read only past this. */
    return e == OK && !atomic_load(&q->answered) ? E_INTERNAL : e;
}

static void collect(const struct question *q, struct addrs *ret)
{
    ret->n = 0;
    for (const struct addrinfo *i = q->list; i && ret->n < RESOLVE_MAX; i = i->ai_next) {
        if (i->ai_addrlen > sizeof ret->a[0].sa)
            continue;
        struct addr *a = &ret->a[ret->n++];
        *a = (struct addr){.n = i->ai_addrlen};
        memcpy(&a->sa, i->ai_addr, i->ai_addrlen);
    }
}

static struct question *question_new(struct str host, uint16_t port, bool listening)
{
    struct question *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    bool bracketed = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    if (bracketed)
        host = str_slice(host, 1, host.n - 2);
    atomic_init(&q->holders, 1);
    q->hints = (struct addrinfo){.ai_family = AF_UNSPEC,
                                 .ai_socktype = SOCK_STREAM,
                                 .ai_flags = AI_NUMERICSERV | (listening ? AI_PASSIVE : 0)};
    snprintf(q->service, sizeof q->service, "%u", port);
    q->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->done < 0 || !str_to_z(host, q->host, sizeof q->host)) {
        release(q);
        return NULL;
    }
    return q;
}

/* An address in text needs no resolver, and no thread. */
static err_t answer(struct question *q, int64_t deadline, const struct stop *stop)
{
    int flags = q->hints.ai_flags;
    q->hints.ai_flags = flags | AI_NUMERICHOST;
    ask(q);
    q->hints.ai_flags = flags;
    return q->rc == 0 ? OK : ask_aside(q, deadline, stop);
}

err_t resolve(struct str host, uint16_t port, bool listening, int64_t deadline,
              const struct stop *stop, struct addrs *ret, struct diag *d)
{
    if (host.n >= HOST_MAX || str_find(host, '\0') < host.n || (host.n == 0 && !listening))
        return diag_set(d, E_NOTFOUND, "\"%.*s\" is no host", STR_ARG(str_slice(host, 0, 64)));
    struct question *q = question_new(host, port, listening);
    if (!q)
        return E_NOMEM;
    err_t e = answer(q, deadline, stop);
    if (e != OK) {
        diag_set(d, e, "cannot look up %s: %s", q->host, err_text(e));
    } else if (q->rc != 0) {
        e = diag_set(d, E_NOTFOUND, "cannot look up %s: %s", q->host, gai_strerror(q->rc));
    } else {
        collect(q, ret);
    }
    release(q);
    return e;
}
