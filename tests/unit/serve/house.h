/* An archive with its server on a thread of this process: for tests of the server under each
 * sanitizer, ThreadSanitizer too. Peers: TEST may everything, READER only find; both from loopback.
 */
#ifndef LASTRA_TESTS_SERVE_HOUSE_H
#define LASTRA_TESTS_SERVE_HOUSE_H

#include "scu/scu.h"
#include "serve/dimse/server.h"

struct house {
    char path[64];
    int dir, audit_dir;
    struct archive *archive;
    struct access *access;
    struct audit *audit;
    struct log log;
    atomic_int lines[64]; /* how often each event was logged */
    struct stop stop;
    struct server_listen listen;
    struct server_options options;
    struct server *server;
    struct thread *thread;
    err_t ended; /* what server_run returned */
};

/* Everything but the server: options may be changed before house_open. */
void house_build(struct house *h);
void house_open(struct house *h);
/* Stops and takes everything down. */
void house_close(struct house *h);

/* How a client reaches it, calling itself so. */
struct scu_peer house_peer(struct house *h, const char *calling);

/* An association for storing CT in explicit little endian and for Study Root find and get. */
struct assoc *house_call(struct house *h, const char *calling);

/* Sends one object of a study by C-STORE; the status. */
uint16_t house_store(struct assoc *a, unsigned study, unsigned instance);
/* Studies that C-FIND gives with this Patient ID ("" for all); the status. */
uint16_t house_find(struct assoc *a, const char *patient, size_t *ret_answers);
/* Objects that C-GET gives of a study; the status. */
uint16_t house_get(struct assoc *a, unsigned study, size_t *ret_objects);

#endif
