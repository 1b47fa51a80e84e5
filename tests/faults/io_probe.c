/* What the fault tests run under the preload: one small job of the io layer, whose end is told in
 * words on standard output. A fault must end in one of these words, never in a crash. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/net.h"
#include "io/thread.h"
#include "io/tls.h"
#include "io/unpack.h"
#include "io/x509.h"

enum { PEM_CAP = 8192, PATH_CAP = 512 };

/* save FOLDER TEXT: FOLDER/file becomes TEXT. */
static err_t job_save(char **args, struct diag *d)
{
    int dir;
    TRY(dir_open(AT_FDCWD, args[0], &dir, d));
    err_t e = file_save(dir, "file", 0600, str_z(args[1]), d);
    file_close(&dir);
    return e;
}

/* load FOLDER: FOLDER/file on standard output. */
static err_t job_load(char **args, struct diag *d)
{
    int dir;
    struct wr w = wr_heap(1 << 20);
    TRY(dir_open(AT_FDCWD, args[0], &dir, d));
    err_t e = file_load(dir, "file", 1 << 20, &w, d);
    if (e == OK)
        printf("text: %.*s\n", STR_ARG(wr_str(&w)));
    file_close(&dir);
    wr_done(&w);
    return e;
}

/* punch FOLDER: FOLDER/file is written, and its middle given back. */
static err_t punch(int fd, struct diag *d)
{
    static const char bytes[200000] = "x";
    TRY(file_reserve(fd, 0, sizeof bytes, d));
    TRY(file_write_at(fd, 0, bytes, sizeof bytes, d));
    TRY(file_sync(fd, d));
    TRY(file_punch(fd, 0, 100000, d));
    char back[1] = "y";
    TRY(file_read_at(fd, 0, back, 1, d));
    printf("first: %d\n", back[0]);
    return OK;
}

static err_t job_punch(char **args, struct diag *d)
{
    char name[PATH_CAP];
    int fd;
    snprintf(name, sizeof name, "%s/file", args[0]);
    TRY(file_open(AT_FDCWD, name, FILE_OPEN_OR_CREATE, &fd, d));
    err_t e = punch(fd, d);
    file_close(&fd);
    return e;
}

static void nothing(void *arg)
{
    (void)arg;
}

/* crew: three tasks, and a thread of its own. */
static err_t job_crew(char **args, struct diag *d)
{
    struct crew *c;
    struct thread *t;
    (void)args;
    (void)d;
    TRY(crew_new(3, &c));
    err_t e = OK;
    for (int i = 0; i < 3 && e == OK; i++)
        e = crew_run(c, nothing, NULL);
    crew_free(c);
    TRY(e);
    TRY(thread_start(nothing, NULL, "probe", &t));
    thread_join(t);
    return OK;
}

static err_t issue(const char *folder, struct wr *w, struct diag *d)
{
    int dir;
    TRY(x509_authority(STR("probe"), 10, &w[0], &w[1]));
    TRY(x509_issue(wr_str(&w[0]), wr_str(&w[1]), STR("server"), STR("127.0.0.1"), true, 10, &w[2],
                   &w[3], d));
    TRY(dir_open(AT_FDCWD, folder, &dir, d));
    err_t e = file_save(dir, "ca", 0600, wr_str(&w[0]), d);
    if (e == OK)
        e = file_save(dir, "cert", 0600, wr_str(&w[2]), d);
    if (e == OK)
        e = file_save(dir, "key", 0600, wr_str(&w[3]), d);
    file_close(&dir);
    return e;
}

/* certs FOLDER: an authority and a certificate, written there. */
static err_t job_certs(char **args, struct diag *d)
{
    struct wr w[4] = {wr_heap(PEM_CAP), wr_heap(PEM_CAP), wr_heap(PEM_CAP), wr_heap(PEM_CAP)};
    err_t e = issue(args[0], w, d);
    for (size_t i = 0; i < COUNT(w); i++)
        wr_done(&w[i]);
    return e;
}

struct meeting {
    struct listener *l;
    struct tls *server, *client;
    err_t server_error;
};

static err_t answer(struct meeting *m)
{
    struct conn *c;
    size_t which, n;
    char buf[8];
    struct diag d;
    TRY(listener_accept(&m->l, 1, NULL, &c, &which));
    err_t e = conn_tls_accept(c, m->server, clock_deadline(3000), &d);
    if (e == OK)
        e = conn_read(c, buf, sizeof buf, clock_deadline(3000), &n);
    if (e == OK)
        e = conn_write(c, str_of(buf, n), clock_deadline(3000));
    conn_free(c);
    return e;
}

static void serve(void *arg)
{
    struct meeting *m = arg;
    m->server_error = answer(m);
}

static err_t talk(struct meeting *m, struct diag *d)
{
    struct conn *c;
    size_t n;
    char buf[8];
    TRY(conn_connect(STR("127.0.0.1"), listener_port(m->l), m->client, clock_deadline(3000), NULL,
                     &c, d));
    err_t e = conn_write(c, STR("ping"), clock_deadline(3000));
    if (e == OK)
        e = conn_read(c, buf, sizeof buf, clock_deadline(3000), &n);
    conn_free(c);
    return e;
}

static err_t meet(struct meeting *m, const struct tls_files *f, struct diag *d)
{
    struct thread *t;
    TRY(tls_server(f, NULL, NULL, &m->server, d));
    TRY(tls_client(f, &m->client, d));
    TRY(listener_open(STR("127.0.0.1"), 0, &m->l, d));
    TRY(thread_start(serve, m, "server", &t));
    err_t e = talk(m, d);
    if (e != OK) {
        /* The server may not have got so far as to accept: one more wakes it. */
        struct conn *c;
        if (conn_connect(STR("127.0.0.1"), listener_port(m->l), NULL, clock_deadline(3000), NULL,
                         &c, NULL) == OK)
            conn_free(c);
    }
    thread_join(t);
    return e != OK ? e : m->server_error;
}

/* tls FOLDER: a handshake and a word each way, with the files that certs made. */
static err_t job_tls(char **args, struct diag *d)
{
    char path[3][PATH_CAP];
    static const char *const names[] = {"cert", "key", "ca"};
    for (size_t i = 0; i < COUNT(names); i++)
        snprintf(path[i], sizeof path[i], "%s/%s", args[0], names[i]);
    struct tls_files f = {.cert = path[0], .key = path[1], .trust = path[2]};
    struct meeting m = {.l = NULL};
    err_t e = meet(&m, &f, d);
    listener_free(m.l);
    tls_free(m.server);
    tls_free(m.client);
    return e;
}

static err_t list(struct unpack *u)
{
    struct unpack_entry entry;
    bool more;
    for (;;) {
        TRY(unpack_next(u, &entry, &more));
        if (!more)
            return OK;
        char buf[4096];
        size_t n;
        do
            TRY(unpack_read(u, buf, sizeof buf, &n));
        while (n > 0);
        printf("entry: %.*s\n", STR_ARG(entry.label));
    }
}

/* unpack FILE: its entries' names. */
static err_t job_unpack(char **args, struct diag *d)
{
    int fd;
    struct unpack *u;
    TRY(file_open(AT_FDCWD, args[0], FILE_READ, &fd, d));
    err_t e = unpack_open(fd, &UNPACK_LIMITS_DEFAULT, &u, d);
    if (e == OK) {
        e = list(u);
        unpack_free(u);
    }
    file_close(&fd);
    return e;
}

static const struct {
    const char *name;
    int args;
    err_t (*run)(char **args, struct diag *d);
} jobs[] = {{"save", 2, job_save},    {"load", 1, job_load},   {"punch", 1, job_punch},
            {"crew", 0, job_crew},    {"certs", 1, job_certs}, {"tls", 1, job_tls},
            {"unpack", 1, job_unpack}};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < COUNT(jobs); i++) {
        if (argc < 2 || strcmp(argv[1], jobs[i].name) != 0 || argc != 2 + jobs[i].args)
            continue;
        struct diag d = {0};
        err_t e = jobs[i].run(argv + 2, &d);
        printf("%s\n", err_text(e));
        return e == OK ? 0 : 1;
    }
    return 2;
}
