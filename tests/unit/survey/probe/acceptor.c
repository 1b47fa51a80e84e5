#include "acceptor.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dicom/uid.h"
#include "dimse/pdu.h"

/* Accepts the association with everything that was proposed, then answers a release. */
void write_accept(int fd, const struct heard *h, uint8_t result)
{
    uint8_t bytes[4096];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    struct arena a = arena_init(1 << 18);
    struct pdu_associate rq;
    struct str chosen = STR(UID_ImplicitVRLittleEndian);
    assert_ok(pdu_associate_parse(str_of(h->p + PDU_HEADER, h->n - PDU_HEADER), PDU_ASSOCIATE_RQ,
                                  &a, &rq, NULL));
    for (size_t i = 0; i < rq.n_contexts; i++) {
        rq.contexts[i].result = result;
        rq.contexts[i].transfers = &chosen;
        rq.contexts[i].n_transfers = 1;
    }
    rq.implementation_uid = STR("1.2.276.0.7230010.3.0.3.6.7");
    rq.implementation_version = STR("OFFIS_DCMTK_367");
    pdu_associate_write(&rq, PDU_ASSOCIATE_AC, &w);
    rig_write(fd, w.p, w.n);
    arena_done(&a);
}

/* False at the end. */
bool read_pdu(int fd, struct heard *h)
{
    h->n = 0;
    if (recv(fd, h->p, PDU_HEADER, MSG_WAITALL) != PDU_HEADER)
        return false;
    size_t length = (size_t)h->p[4] << 8 | h->p[5];
    if (h->p[2] || h->p[3] || length > sizeof h->p - PDU_HEADER ||
        recv(fd, h->p + PDU_HEADER, length, MSG_WAITALL) != (ssize_t)length)
        return false;
    h->n = PDU_HEADER + length;
    return true;
}

uint8_t last_request[65536];
size_t last_request_n;
uint8_t after_answer[64];
size_t after_answer_n;

void keep_rest(int fd)
{
    uint8_t rest[sizeof after_answer];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof rest && (got = recv(fd, rest + n, sizeof rest - n, 0)) > 0) {
        n += (size_t)got;
        if (n == 10 && rest[0] == PDU_RELEASE_RQ) {
            uint8_t rp[64];
            struct wr w = wr_fixed(rp, sizeof rp);
            pdu_release_write(PDU_RELEASE_RP, &w);
            rig_write(fd, w.p, w.n);
        }
    }
    memcpy(after_answer, rest, n);
    after_answer_n = n;
}

void accepts(int fd, struct server *s)
{
    struct heard h;
    (void)s;
    if (!read_pdu(fd, &h))
        return;
    memcpy(last_request, h.p, h.n);
    last_request_n = h.n;
    write_accept(fd, &h, PDU_ACCEPTED);
    keep_rest(fd);
}

void accepts_and_keeps_quiet(int fd, struct server *s)
{
    struct heard h;
    (void)s;
    if (!read_pdu(fd, &h))
        return;
    write_accept(fd, &h, PDU_ACCEPTED);
    after_answer_n = 0;
    ssize_t n;
    while (after_answer_n < sizeof after_answer &&
           (n = recv(fd, after_answer + after_answer_n, sizeof after_answer - after_answer_n, 0)) >
               0)
        after_answer_n += (size_t)n;
}

void rejects_called(int fd, struct server *s)
{
    static const uint8_t rj[] = {3, 0, 0, 0, 0, 4, 0, 1, 1, 7};
    rig_read(fd, s, 1);
    rig_write(fd, rj, sizeof rj);
    rig_drain(fd, s);
}

/* The three that every test needs. */
struct rig rig;
struct server server;
char lines[512], text[65536];

const char *scope_lines(const char *address, const char *kind, const char *more)
{
    snprintf(lines, sizeof lines, "network = %s\nports = %u/%s\n%s", address, server.port, kind,
             more);
    return lines;
}

void rules_begin(void (*serve)(int fd, struct server *s), const char *kind, const char *more)
{
    server_start(&server, "0.0.0.0", serve);
    rig_open(&rig, scope_lines("127.9.0.1", kind, more));
}

void rules_end(void)
{
    rig_close(&rig);
    server_stop(&server);
}

void wait_for_threads(void)
{
    usleep(100000);
}
