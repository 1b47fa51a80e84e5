/* A site and servers on loopback to probe: each server is an address, a port and what it does with
 * a connection, on threads of its own; it counts connections. */
#ifndef LASTRA_TESTS_SURVEY_PROBE_RIG_H
#define LASTRA_TESTS_SURVEY_PROBE_RIG_H

#include <pthread.h>

#include "unit.h"

#include "survey/source/probe/probe.h"

enum { RIG_TEXT_MAX = 8192 };

struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
    void (*serve)(int fd, struct server *s);
    unsigned connections, serving; /* so far; at this moment */ /* atomically */
    uint8_t got[65536];   /* of the last connection, by rig_read_some */
    size_t got_n;
};
/* address: 127.x.y.z, or 0.0.0.0 for all. */
void server_start(struct server *s, const char *address, void (*serve)(int fd, struct server *s));
void server_stop(struct server *s);
unsigned server_count(struct server *s);

/* Reads at least n bytes (or to the end) into s->got. */
void rig_read(int fd, struct server *s, size_t n);
/* Until the other side's end. */
void rig_drain(int fd, struct server *s);
void rig_write(int fd, const void *p, size_t n);

/* A site under /tmp with a scope of these lines (owner, permission and date are added). */
struct rig {
    char folder[64];
    struct inventory *inventory;
    struct journal *journal;
    struct scope *scope;
    struct survey survey;
    struct progress progress;
    struct stop stop;
    struct source_run run;
    struct probe_options options;
    struct probe_sum sum;
    struct diag diag;
    char notes[1024];
};
void rig_open(struct rig *r, const char *lines);
void rig_open_in(struct rig *r, const char *folder, const char *lines); /* it is there already */
void rig_scope(struct rig *r, const char *lines);                       /* another one */
void rig_close(struct rig *r);
err_t rig_probe(struct rig *r);

/* "name=value\n" of every fact of an endpoint, sorted as they come; empty when there is none. */
const char *rig_facts(struct rig *r, const char *address, uint16_t port, char text[RIG_TEXT_MAX]);
/* A fact of an endpoint must be there. */
void rig_has(struct rig *r, const char *address, uint16_t port, const char *fact);
void rig_has_not(struct rig *r, const char *address, uint16_t port, const char *fact);
/* The site's own list, or a capture: a fact about a host. */
void rig_know(struct rig *r, const char *address, enum ev_kind kind, const char *value);
/* All lines of the journal. */
const char *rig_journal(struct rig *r, char *text, size_t cap);

#endif
