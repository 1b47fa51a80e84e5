#include "scp.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "dicom/part10.h"
#include "dicom/tags.h"
#include "io/file.h"
#include "scu/scu.h"

static bool count_down(atomic_int *n)
{
    int old = atomic_load(n);
    while (old > 0 && !atomic_compare_exchange_weak(n, &old, old - 1))
        ;
    return old > 0;
}

static err_t accept_some(struct scp *s, struct assoc *a)
{
    struct pdu_context answers[PDU_CONTEXTS_MAX];
    const struct pdu_associate *rq = assoc_request(a);
    struct pdu_associate answer = {.contexts = answers, .n_contexts = rq->n_contexts};
    for (size_t i = 0; i < rq->n_contexts; i++) {
        answers[i] = rq->contexts[i];
        bool found = s->only.n == 0;
        for (size_t k = 0; !found && k < answers[i].n_transfers; k++)
            if (str_eq(rq->contexts[i].transfers[k], s->only)) {
                answers[i].transfers = &rq->contexts[i].transfers[k];
                found = true;
            }
        answers[i].n_transfers = 1;
        answers[i].result = found ? PDU_ACCEPTED : PDU_TRANSFER_NOT_SUPPORTED;
    }
    return assoc_accept(a, &answer);
}

static uint16_t judge(struct scp *s, const struct dimse_command *c)
{
    char tail[16];
    snprintf(tail, sizeof tail, ".%d", atomic_load(&s->fail_instance));
    if (atomic_load(&s->fail_instance) && str_ends(c->sop_instance, str_z(tail)))
        return DIMSE_CANNOT_UNDERSTAND;
    return count_down(&s->busy) ? DIMSE_OUT_OF_RESOURCES : DIMSE_SUCCESS;
}

static err_t take_object(struct scp *s, struct assoc *a, const struct dimse_command *c)
{
    struct str piece;
    bool last = false;
    size_t n = 0;
    while (!last) {
        TRY(assoc_data(a, &piece, &last));
        n += piece.n;
    }
    if (atomic_load(&s->abort_at) && count_down(&s->abort_at) && !atomic_load(&s->abort_at)) {
        assoc_abort(a);
        return E_CANCELLED;
    }
    struct dimse_command rsp = dimse_response(c, judge(s, c));
    if (rsp.status == DIMSE_SUCCESS) {
        atomic_fetch_add(&s->objects, 1);
        atomic_fetch_add(&s->bytes, n);
    }
    return assoc_send(a, c->context, &rsp);
}

struct visit {
    struct scp *scp;
    struct conn *conn;
};

static void converse(struct scp *s, struct assoc *a)
{
    struct dimse_command c;
    err_t e = accept_some(s, a);
    while (e == OK && (e = assoc_next(a, 0, &c)) == OK) {
        struct dimse_command rsp = dimse_response(&c, DIMSE_SUCCESS);
        e = c.field == C_STORE_RQ ? take_object(s, a, &c) : assoc_send(a, c.context, &rsp);
    }
}

static void run_visit(void *arg)
{
    struct visit v = *(struct visit *)arg;
    struct assoc_limits l = ASSOC_LIMITS_DEFAULT;
    struct assoc *a = NULL;
    struct diag d;
    free(arg);
    l.max_ops = 4;
    if (assoc_receive(v.conn, &l, &a, &d) != OK)
        return;
    atomic_fetch_add(&v.scp->associations, 1);
    if (atomic_load(&v.scp->refuse)) {
        assoc_reject(a, 1, 1, 3);
    } else if (count_down(&v.scp->refuse_now)) {
        assoc_reject(a, 2, 3, 1);
    } else {
        int now = atomic_fetch_add(&v.scp->at_once, 1) + 1;
        if (now > atomic_load(&v.scp->most_at_once))
            atomic_store(&v.scp->most_at_once, now);
        converse(v.scp, a);
        atomic_fetch_sub(&v.scp->at_once, 1);
    }
    assoc_free(a);
}

static void run_scp(void *arg)
{
    struct scp *s = arg;
    struct conn *c;
    size_t which;
    while (listener_accept(&s->rig.listener, 1, &s->stop, &c, &which) == OK) {
        struct visit *v = malloc(sizeof *v);
        *v = (struct visit){s, c};
        if (crew_run(s->crew, run_visit, v) != OK) {
            conn_free(c);
            free(v);
        }
    }
}

void scp_start(struct scp *s)
{
    *s = (struct scp){0};
    rig_open(&s->rig);
    assert_ok(stop_init(&s->stop));
    assert_ok(crew_new(16, &s->crew));
    assert_ok(thread_start(run_scp, s, "scp", &s->rig.thread));
}

void scp_stop(struct scp *s)
{
    stop_set(&s->stop);
    crew_free(s->crew);
    rig_close(&s->rig);
    stop_done(&s->stop);
}

struct scu_peer scp_peer(const struct scp *s)
{
    struct scu_peer p = {.host = STR("127.0.0.1"),
                         .port = s->rig.port,
                         .called = STR("SCP"),
                         .calling = STR("SCU"),
                         .limits = {3000, 3000, 3000, 131072, 1}};
    return p;
}

void make_dataset(struct wr *w, const char *instance, size_t pixels, enum dcm_encoding encoding)
{
    struct arena arena = arena_init(64 << 20);
    struct dcm_ds *ds = dcm_ds_new(&arena);
    uint8_t *bytes = calloc(1, pixels + 1);
    for (size_t i = 0; i < pixels; i++)
        bytes[i] = (uint8_t)(i * 31);
    assert_ok(dcm_ds_set(ds, TAG_SOPClassUID, VR('U', 'I'), STR(CT)));
    assert_ok(dcm_ds_set(ds, TAG_SOPInstanceUID, VR('U', 'I'), str_z(instance)));
    assert_ok(dcm_ds_set(ds, TAG_PatientID, VR('L', 'O'), STR("TEST")));
    assert_ok(dcm_ds_set_u16(ds, TAG_Rows, 16));
    assert_ok(dcm_ds_set_u16(ds, TAG_BitsAllocated, 16));
    assert_ok(dcm_ds_set(ds, TAG_PixelData, VR('O', 'W'), str_of(bytes, pixels)));
    dcm_ds_write(ds, encoding, w);
    assert_false(w->bad);
    free(bytes);
    arena_done(&arena);
}

void make_file(int dir, const char *name, const char *instance, size_t pixels)
{
    struct wr w = wr_heap(128 << 20);
    struct dcm_meta m = {.sop_class = STR(CT),
                         .sop_instance = str_z(instance),
                         .transfer_syntax = STR(UID_ExplicitVRLittleEndian)};
    struct diag d;
    dcm_meta_write(&m, &w);
    make_dataset(&w, instance, pixels, DCM_EXPLICIT_LE);
    int fd = -1;
    assert_ok(file_open(dir, name, FILE_OPEN_OR_CREATE, &fd, &d));
    assert_ok(file_truncate(fd, 0, &d));
    assert_ok(file_write_at(fd, 0, w.p, w.n, &d));
    file_close(&fd);
    wr_done(&w);
}

int make_folder(char path[64])
{
    struct diag d;
    int fd = -1;
    snprintf(path, 64, "/tmp/lastra-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    assert_ok(dir_open(AT_FDCWD, path, &fd, &d));
    return fd;
}

static err_t remove_entry(void *ctx, const char *name)
{
    return unlinkat(*(int *)ctx, name, 0) == 0 ? OK : E_IO;
}

void remove_folder(const char *path, int dir)
{
    struct diag d;
    assert_ok(dir_each(dir, remove_entry, &dir, &d));
    file_close(&dir);
    assert_int_equal(rmdir(path), 0);
}
