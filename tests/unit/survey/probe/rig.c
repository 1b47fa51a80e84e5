#include "rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/file.h"

struct call {
    struct server *s;
    int fd;
};

static void *serve_one(void *arg)
{
    struct call *c = arg;
    c->s->serve(c->fd, c->s);
    close(c->fd);
    __atomic_sub_fetch(&c->s->serving, 1, __ATOMIC_SEQ_CST);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct server *s = arg;
    for (;;) {
        pthread_t t;
        struct call *c = malloc(sizeof *c);
        c->s = s;
        c->fd = accept(s->fd, NULL, NULL);
        if (c->fd < 0) {
            free(c);
            return NULL;
        }
        __atomic_add_fetch(&s->connections, 1, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&s->serving, 1, __ATOMIC_SEQ_CST);
        assert_int_equal(pthread_create(&t, NULL, serve_one, c), 0);
        pthread_detach(t);
    }
}

void server_start(struct server *s, const char *address, void (*serve)(int fd, struct server *s))
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int one = 1;
    memset(s, 0, sizeof *s);
    s->serve = serve;
    assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 1024), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, accept_all, s), 0);
}

void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    /* What was accepted is counted before the next test begins. */
    for (int tries = 0; tries < 500 && __atomic_load_n(&s->serving, __ATOMIC_SEQ_CST); tries++)
        usleep(10000);
}

unsigned server_count(struct server *s)
{
    return __atomic_load_n(&s->connections, __ATOMIC_SEQ_CST);
}

void rig_read(int fd, struct server *s, size_t n)
{
    s->got_n = 0;
    while (s->got_n < n) {
        ssize_t got = recv(fd, s->got + s->got_n, sizeof s->got - s->got_n, 0);
        if (got <= 0)
            return;
        s->got_n += (size_t)got;
    }
}

void rig_drain(int fd, struct server *s)
{
    rig_read(fd, s, sizeof s->got);
}

void rig_write(int fd, const void *p, size_t n)
{
    (void)!send(fd, p, n, MSG_NOSIGNAL);
}

static void note(void *ctx, const char *text)
{
    struct rig *r = ctx;
    size_t n = strlen(r->notes);
    snprintf(r->notes + n, sizeof r->notes - n, "%s\n", text);
}

static err_t parse(const char *lines, struct scope **ret, struct diag *d)
{
    char text[4096];
    snprintf(text, sizeof text,
             "owner = test\npermission = the test itself\npermitted-until = 2099-12-31\n%s", lines);
    return scope_parse(str_z(text), "scope", "2026-11-22", ret, d);
}

void rig_scope(struct rig *r, const char *lines)
{
    scope_free(r->scope);
    r->scope = NULL;
    assert_ok(parse(lines, &r->scope, &r->diag));
    r->options.scope = r->scope;
}

void rig_open(struct rig *r, const char *lines)
{
    char folder[] = "/tmp/probe-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    rig_open_in(r, folder, lines);
}

void rig_open_in(struct rig *r, const char *folder, const char *lines)
{
    char site[80];
    memset(r, 0, sizeof *r);
    snprintf(r->folder, sizeof r->folder, "%s", folder);
    snprintf(site, sizeof site, "%s/site", r->folder);
    assert_ok(inventory_open(site, INVENTORY_CREATE, STR(""), &r->inventory, NULL, &r->diag));
    assert_ok(journal_open(r->inventory, &r->journal, &r->diag));
    assert_ok(inventory_survey(r->inventory, STR("test"), &r->survey, &r->diag));
    assert_ok(stop_init(&r->stop));
    progress_start(&r->progress, STR("probe"), 0, 0, false);
    rig_scope(r, lines);
    r->options.unlimited = true;
    r->options.connect_ms = 500;
    r->options.answer_ms = 500;
    r->run = (struct source_run){.inventory = r->inventory,
                                 .journal = r->journal,
                                 .survey = r->survey,
                                 .shards = 1,
                                 .stop = &r->stop,
                                 .progress = &r->progress,
                                 .note = note,
                                 .ctx = r};
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char below[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        remove_all(below);
    }
    if (d)
        closedir(d);
    (void)!remove(path);
}

void rig_close(struct rig *r)
{
    scope_free(r->scope);
    journal_close(r->journal);
    inventory_close(r->inventory);
    stop_done(&r->stop);
    remove_all(r->folder);
}

err_t rig_probe(struct rig *r)
{
    r->diag.text[0] = 0;
    return probe_run(&r->run, &r->options, &r->sum, &r->diag);
}

struct wanted {
    struct ip ip;
    uint16_t port;
    struct wr w;
};

static err_t on_host(void *ctx, const struct host *h)
{
    struct wanted *want = ctx;
    for (size_t i = 0; i < h->n; i++) {
        if (ip_cmp(&h->ip, &want->ip) != 0 || h->endpoints[i].port != want->port)
            continue;
        for (size_t k = 0; k < h->endpoints[i].e->n; k++) {
            const struct fact *f = &h->endpoints[i].e->facts[k];
            wr_printf(&want->w, "%.*s=%.*s\n", STR_ARG(ev_name(f->kind)), STR_ARG(f->value));
        }
    }
    return OK;
}

const char *rig_facts(struct rig *r, const char *address, uint16_t port, char text[RIG_TEXT_MAX])
{
    struct wanted want = {.port = port, .w = wr_fixed(text, RIG_TEXT_MAX - 1)};
    assert_ok(ip_parse(str_z(address), &want.ip));
    assert_ok(inventory_hosts(r->inventory, r->survey.id, on_host, &want));
    text[want.w.n] = 0;
    return text;
}

static bool holds(struct rig *r, const char *address, uint16_t port, const char *fact,
                  char text[RIG_TEXT_MAX])
{
    char line[512];
    snprintf(line, sizeof line, "%s\n", fact);
    const char *at = strstr(rig_facts(r, address, port, text), line);
    return at && (at == text || at[-1] == '\n');
}

void rig_has(struct rig *r, const char *address, uint16_t port, const char *fact)
{
    char text[RIG_TEXT_MAX];
    if (!holds(r, address, port, fact, text))
        fail_msg("%s:%u has no %s, but\n%s", address, port, fact, text);
}

void rig_has_not(struct rig *r, const char *address, uint16_t port, const char *fact)
{
    char text[RIG_TEXT_MAX];
    if (holds(r, address, port, fact, text))
        fail_msg("%s:%u has %s:\n%s", address, port, fact, text);
}

void rig_know(struct rig *r, const char *address, enum ev_kind kind, const char *value)
{
    struct arena a = arena_init(1 << 16);
    struct evidence e;
    struct run run;
    struct ip ip;
    evidence_init(&e, &a);
    assert_ok(evidence_add(&e, BY_SITE, kind, str_z(value)));
    assert_ok(ip_parse(str_z(address), &ip));
    assert_ok(inventory_run_begin(r->inventory, r->survey.id, STR("hosts"), str_z(value), STR(""),
                                  &run, &r->diag));
    assert_ok(inventory_put(r->inventory, &run, &ip, 0, &e, clock_wall_us()));
    assert_ok(inventory_run_end(r->inventory, &run, STR("")));
    arena_done(&a);
}

static err_t on_line(void *ctx, uint64_t n, struct str json)
{
    struct wr *w = ctx;
    (void)n;
    wr_put(w, json);
    wr_u8(w, '\n');
    return OK;
}

const char *rig_journal(struct rig *r, char *text, size_t cap)
{
    struct wr w = wr_fixed(text, cap - 1);
    struct chain_report report;
    int dir;
    assert_ok(journal_sync(r->journal));
    assert_ok(dir_open(inventory_dir(r->inventory), "journal", &dir, &r->diag));
    assert_ok(chain_verify(dir, inventory_chain_key(r->inventory), on_line, &w, &report, &r->diag));
    close(dir);
    text[w.n] = 0;
    return text;
}
