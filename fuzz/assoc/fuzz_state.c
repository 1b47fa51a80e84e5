/* A player of random PDU sequences, legal and not, against an association over a loopback
 * connection, in either role. Whatever comes: each call returns, an association that is over stays
 * over, and what was sent in answer is a sequence of whole PDUs.
 *
 * Input: a byte of role and pace, then moves: a byte that says what to send (enum move), with what
 * it needs behind it. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "assoc/assoc.h"
#include "base/rd.h"
#include "base/size.h"
#include "dicom/uid.h"
#include "io/thread.h"

enum move {
    SEND_REQUEST,
    SEND_ANSWER,
    SEND_REJECTION,
    SEND_ECHO,
    SEND_STORE,
    SEND_FIND,
    SEND_CANCEL,
    SEND_RESPONSE,
    SEND_DATA, /* a PDV: context, control, length, bytes */
    SEND_RELEASE,
    SEND_RELEASED,
    SEND_ABORT,
    SEND_HEADER,    /* a PDU's header: type and length */
    SEND_BYTES,     /* length, bytes */
    SEND_BAD_STORE, /* a path for a UID */
    SEND_BULK,      /* a PDU of 20,000 bytes of data on context 1 */
    MOVES
};

static struct str transfers[] = {STR_INIT(UID_ImplicitVRLittleEndian)};
static struct pdu_context contexts[] = {
    {.id = 1, .abstract = STR_INIT(UID_CTImageStorage), .transfers = transfers, .n_transfers = 1},
    {.id = 3, .abstract = STR_INIT(UID_Verification), .transfers = transfers, .n_transfers = 1},
};
static const struct pdu_associate associate = {.version = 1,
                                               .called = STR_INIT("ARCHIVE"),
                                               .calling = STR_INIT("FUZZ"),
                                               .application = STR_INIT(PDU_APPLICATION_CONTEXT),
                                               .contexts = contexts,
                                               .n_contexts = COUNT(contexts),
                                               .max_pdu = 16384};

static void put_data(struct wr *w, uint8_t context, uint8_t control, struct str data)
{
    wr_u8(w, PDU_DATA_TF);
    wr_u8(w, 0);
    wr_u32be(w, (uint32_t)(PDV_HEADER + data.n));
    wr_u32be(w, (uint32_t)(2 + data.n));
    wr_u8(w, context);
    wr_u8(w, control);
    wr_put(w, data);
}

static void put_command(struct wr *w, uint8_t context, uint16_t field, uint8_t id, bool data,
                        struct str instance)
{
    uint8_t bytes[512];
    struct wr set = wr_fixed(bytes, sizeof bytes);
    struct dimse_command c = dimse_command(field, id);
    c.sop_class = contexts[0].abstract;
    c.sop_instance = instance;
    c.has_data = data;
    dimse_command_write(&c, &set);
    put_data(w, context, 3, wr_str(&set));
}

/* One move as bytes. */
static void play(enum move m, struct rd *r, struct wr *w)
{
    static const uint8_t bulk[20000];
    const uint8_t a = rd_u8(r), b = rd_u8(r);
    const struct pdu_refusal refusal = {1, a, b};
    switch (m) {
    case SEND_REQUEST:
        pdu_associate_write(&associate, PDU_ASSOCIATE_RQ, w);
        return;
    case SEND_ANSWER:
        pdu_associate_write(&associate, PDU_ASSOCIATE_AC, w);
        return;
    case SEND_REJECTION:
        pdu_refusal_write(&refusal, PDU_ASSOCIATE_RJ, w);
        return;
    case SEND_ECHO:
        put_command(w, 3, C_ECHO_RQ, a, false, STR(""));
        return;
    case SEND_STORE:
        put_command(w, 1, C_STORE_RQ, a, true, STR("1.2.3"));
        return;
    case SEND_FIND:
        put_command(w, 1, C_FIND_RQ, a, b & 1, STR(""));
        return;
    case SEND_CANCEL:
        put_command(w, 1, C_CANCEL_RQ, a, false, STR(""));
        return;
    case SEND_RESPONSE:
        put_command(w, 1, C_STORE_RSP, a, b & 1, STR(""));
        return;
    case SEND_DATA:
        put_data(w, a, b & 3, rd_take(r, size_min(rd_u8(r), r->n)));
        return;
    case SEND_RELEASE:
        pdu_release_write(PDU_RELEASE_RQ, w);
        return;
    case SEND_RELEASED:
        pdu_release_write(PDU_RELEASE_RP, w);
        return;
    case SEND_ABORT:
        pdu_refusal_write(&refusal, PDU_ABORT, w);
        return;
    case SEND_HEADER:
        wr_u8(w, a);
        wr_u8(w, 0);
        wr_u32be(w, rd_u32be(r));
        return;
    case SEND_BYTES:
        wr_put(w, rd_take(r, size_min(a, r->n)));
        return;
    case SEND_BAD_STORE:
        put_command(w, 1, C_STORE_RQ, a, true, STR("../../x"));
        return;
    case SEND_BULK:
        put_data(w, 1, a & 2, str_of(bulk, b & 1 ? 20000 : 16000));
        return;
    case MOVES:
        return;
    }
}

/* The other side: takes the connection, sends it all, ends its half, reads to the end. */
struct other {
    int listener, fd;
    struct wr out;
    uint8_t *got;
    size_t n;
};
enum { GOT_MAX = 1 << 20 };

static void run_other(void *arg)
{
    struct other *o = arg;
    ssize_t n;
    if (o->fd < 0)
        o->fd = accept(o->listener, NULL, NULL);
    for (size_t at = 0; at < o->out.n; at += (size_t)n) {
        n = send(o->fd, o->out.p + at, o->out.n - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
    }
    shutdown(o->fd, SHUT_WR);
    while (o->n < GOT_MAX && (n = recv(o->fd, o->got + o->n, GOT_MAX - o->n, 0)) > 0)
        o->n += (size_t)n;
    close(o->fd);
}

static err_t take_data(struct assoc *a, uint16_t way)
{
    struct arena arena = arena_init(1 << 20);
    struct str piece;
    bool last = false;
    err_t e = OK;
    switch (way % 3) {
    case 0:
        while (e == OK && !last)
            e = assoc_data(a, &piece, &last);
        break;
    case 1:
        e = assoc_data_all(a, 5000, &arena, &piece);
        e = e == E_LIMIT && assoc_is_open(a) ? OK : e;
        break;
    default: /* left to the next call */
        break;
    }
    arena_done(&arena);
    return e;
}

static err_t answer(struct assoc *a, const struct dimse_command *rq)
{
    struct dimse_command rsp = dimse_response(rq, DIMSE_SUCCESS);
    bool cancelled = false;
    if (!dimse_is_request(rq->field) || rq->field == C_CANCEL_RQ)
        return OK;
    for (int i = 0; rq->field == C_FIND_RQ && i < 3 && !cancelled; i++) {
        rsp.status = DIMSE_PENDING;
        rsp.has_data = true;
        TRY(assoc_send(a, rq->context, &rsp));
        TRY(assoc_send_data(a, STR("answer"), false));
        TRY(assoc_send_data(a, STR("!"), true));
        TRY(assoc_cancelled(a, rq->message_id, &cancelled));
    }
    rsp.has_data = false;
    rsp.status = cancelled ? DIMSE_CANCEL : DIMSE_SUCCESS;
    return assoc_send(a, rq->context, &rsp);
}

static void converse(struct assoc *a, uint8_t pace)
{
    struct dimse_command c = dimse_command(C_ECHO_RQ, 1);
    err_t e = OK;
    if (pace & 2 && assoc_context(a, 3))
        e = assoc_send(a, 3, &c);
    for (int n = 0; e == OK && n < 50; n++) {
        e = assoc_next(a, 0, &c);
        assert(e != OK || !c.refuse);
        if (e == OK && c.has_data)
            e = take_data(a, c.message_id);
        if (e == OK)
            e = answer(a, &c);
        if (e == OK && pace & 4 && n == 1)
            e = assoc_release(a) == OK ? E_CLOSED : E_IO;
    }
    if (e != OK) {
        assert(!assoc_is_open(a));
        assert(assoc_next(a, 0, &c) != OK);
    }
}

/* Ours are whole PDUs of types there are; only when the connection broke may the last be torn. */
static void check_answers(const struct other *o)
{
    struct str in = str_of(o->got, o->n);
    while (in.n >= PDU_HEADER) {
        struct rd r = rd_of(in);
        uint8_t type = rd_u8(&r);
        rd_skip(&r, 1);
        uint32_t length = rd_u32be(&r);
        assert(type >= PDU_ASSOCIATE_RQ && type <= PDU_ABORT);
        assert(length <= 70000);
        in = str_slice(in, PDU_HEADER + length, in.n);
    }
}

static const struct assoc_limits limits = {200, 200, 200, 16384, 4};

static int listen_on(struct sockaddr_in *ret)
{
    socklen_t n = sizeof *ret;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(fd, (struct sockaddr *)ret, sizeof *ret) || listen(fd, 8) ||
        getsockname(fd, (struct sockaddr *)ret, &n))
        abort();
    return fd;
}

static void as_requestor(struct other *o, uint8_t pace)
{
    struct sockaddr_in at;
    struct thread *t;
    struct assoc *a = NULL;
    struct diag d;
    o->listener = listen_on(&at);
    if (thread_start(run_other, o, "other", &t) != OK)
        abort();
    if (assoc_open(STR("127.0.0.1"), ntohs(at.sin_port), NULL, &associate, &limits, NULL, &a, &d) ==
        OK)
        converse(a, pace);
    assoc_free(a);
    thread_join(t);
    close(o->listener);
}

static err_t accept_it(struct assoc *a)
{
    struct pdu_context answers[PDU_CONTEXTS_MAX];
    const struct pdu_associate *rq = assoc_request(a);
    struct pdu_associate ac = {.contexts = answers, .n_contexts = rq->n_contexts};
    memcpy(answers, rq->contexts, rq->n_contexts * sizeof *answers);
    return assoc_accept(a, &ac);
}

static void as_acceptor(struct other *o, uint8_t pace)
{
    struct listener *l;
    struct conn *c;
    struct thread *t;
    struct assoc *a = NULL;
    struct diag d;
    size_t which;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (listener_open(STR("127.0.0.1"), 0, &l, &d) != OK)
        abort();
    at.sin_port = htons(listener_port(l));
    o->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(o->fd, (struct sockaddr *)&at, sizeof at) ||
        listener_accept(&l, 1, NULL, &c, &which) != OK ||
        thread_start(run_other, o, "other", &t) != OK)
        abort();
    if (assoc_receive(c, &limits, &a, &d) == OK) {
        if (pace & 8)
            assoc_reject(a, 1, 1, 1);
        else if (accept_it(a) == OK)
            converse(a, pace);
    }
    assoc_free(a);
    thread_join(t);
    listener_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_of(str_of(data, size));
    struct other o = {.fd = -1, .out = wr_heap(1 << 20), .got = malloc(GOT_MAX)};
    uint8_t pace = rd_u8(&r);
    while (r.n && o.got)
        play(rd_u8(&r) % MOVES, &r, &o.out);
    if (pace & 1)
        as_requestor(&o, pace);
    else
        as_acceptor(&o, pace);
    check_answers(&o);
    wr_done(&o.out);
    free(o.got);
    return 0;
}
