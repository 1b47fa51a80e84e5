/* Acceptors that a probe meets, and the site and server of the tests of the safety rules. */
#ifndef LASTRA_TESTS_SURVEY_PROBE_ACCEPTOR_H
#define LASTRA_TESTS_SURVEY_PROBE_ACCEPTOR_H

#include "rig.h"

/* A PDU of one connection; servers have many at once. */
struct heard {
    uint8_t p[8192];
    size_t n;
};
/* False at the end. */
bool read_pdu(int fd, struct heard *h);
/* Everything that was proposed gets this result. */
void write_accept(int fd, const struct heard *h, uint8_t result);
/* Keeps what comes in after_answer and answers a release. */
void keep_rest(int fd);
extern uint8_t last_request[65536], after_answer[64];
extern size_t last_request_n, after_answer_n;

void accepts(int fd, struct server *s);
void accepts_and_keeps_quiet(int fd, struct server *s);
void rejects_called(int fd, struct server *s);

/* What every test of a rule needs: a server on all loopback addresses, a site with a scope of
 * 127.9.0.1 and its port. */
extern struct rig rig;
extern struct server server;
extern char lines[512], text[65536];
const char *scope_lines(const char *address, const char *kind, const char *more);
void rules_begin(void (*serve)(int fd, struct server *s), const char *kind, const char *more);
void rules_end(void);
void wait_for_threads(void);

#endif
