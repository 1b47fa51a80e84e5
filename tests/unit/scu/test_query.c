/* scu/query and scu/get: answers, cancel, counts, objects into a folder, hostile names. */
#include "scu/query.h"

#include <stdio.h>

#include "dicom/part10.h"
#include "dicom/tags.h"
#include "io/file.h"
#include "scp.h"
#include "scu/folder.h"

#define FIND UID_StudyRootQueryRetrieveInformationModelFind
#define MOVE UID_StudyRootQueryRetrieveInformationModelMove
#define GET UID_StudyRootQueryRetrieveInformationModelGet

static const struct assoc_limits plain = {3000, 3000, 3000, 131072, 1};
static struct arena arena;
static struct dcm_ds *keys;
static struct rig r;

static int setup(void **state)
{
    (void)state;
    arena = arena_init(1 << 20);
    keys = dcm_ds_new(&arena);
    assert_ok(dcm_ds_set(keys, TAG_QueryRetrieveLevel, VR('C', 'S'), STR("STUDY")));
    assert_ok(dcm_ds_set(keys, TAG_PatientName, VR('P', 'N'), STR("DOE*")));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (assoc_is_open(r.assoc))
        assert_ok(assoc_release(r.assoc));
    rig_close(&r);
    arena_done(&arena);
    return 0;
}

static void open_for(const char *model, void (*serve)(struct assoc *a, void *ctx), void *ctx)
{
    static struct str ele = STR_INIT(UID_ExplicitVRLittleEndian);
    struct pdu_context contexts[] = {
        {.id = 1, .abstract = str_z(model), .transfers = &ele, .n_transfers = 1},
        {.id = 3, .abstract = STR(CT), .transfers = &ele, .n_transfers = 1}};
    struct pdu_role role = {STR(CT), false, true};
    struct pdu_associate rq = rig_request();
    rq.contexts = contexts;
    rq.n_contexts = 2;
    rq.roles = &role;
    rq.n_roles = 1;
    rig_pair(&r, &plain, &rq, &plain, serve, ctx);
}

/* Reads the request and its identifier. */
static struct dimse_command take_request(struct assoc *a)
{
    struct dimse_command rq;
    struct arena mem = arena_init(1 << 20);
    struct dcm_ds *ds;
    struct str bytes;
    struct diag d;
    assert_ok(assoc_next(a, 0, &rq));
    assert_ok(assoc_data_all(a, 1 << 16, &mem, &bytes));
    assert_ok(dcm_ds_parse(&mem, bytes, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT, true, &ds, &d));
    assert_str(dcm_ds_str(ds, TAG_PatientName), "DOE*");
    arena_done(&mem);
    return rq;
}

static void answer_patient(struct assoc *a, const struct dimse_command *rq, int number)
{
    struct arena mem = arena_init(1 << 20);
    struct dcm_ds *ds = dcm_ds_new(&mem);
    struct dimse_command rsp = dimse_response(rq, DIMSE_PENDING);
    struct wr w = wr_heap(1 << 16);
    char id[16];
    snprintf(id, sizeof id, "P%d", number);
    assert_ok(dcm_ds_set(ds, TAG_PatientID, VR('L', 'O'), str_z(id)));
    dcm_ds_write(ds, DCM_EXPLICIT_LE, &w);
    rsp.has_data = true;
    if (assoc_send(a, rq->context, &rsp) == OK)
        (void)!assoc_send_data(a, wr_str(&w), true);
    wr_done(&w);
    arena_done(&mem);
}

static void serve_find(struct assoc *a, void *ctx)
{
    struct dimse_command rq = take_request(a), end;
    bool cancelled = false;
    int i = 0;
    for (; i < *(int *)ctx && !cancelled; i++) {
        answer_patient(a, &rq, i);
        assert_ok(assoc_cancelled(a, rq.message_id, &cancelled));
    }
    *(int *)ctx = i;
    struct dimse_command rsp = dimse_response(&rq, cancelled ? DIMSE_CANCEL : DIMSE_SUCCESS);
    assert_ok(assoc_send(a, rq.context, &rsp));
    err_t e = assoc_next(a, 0, &end);
    if (e == OK) /* a C-CANCEL that came too late */
        e = assoc_next(a, 0, &end);
    assert_err(e, E_CLOSED);
}

struct seen {
    int n, enough;
    err_t then;
};

static err_t see(void *ctx, const struct dcm_ds *answer)
{
    struct seen *s = ctx;
    char id[16];
    snprintf(id, sizeof id, "P%d", s->n);
    assert_str(dcm_ds_str(answer, TAG_PatientID), id);
    return ++s->n == s->enough ? s->then : OK;
}

static void every_answer_is_passed_on(void **state)
{
    (void)state;
    int answers = 250;
    struct seen seen = {0, -1, OK};
    struct scu_outcome out = {0};
    open_for(FIND, serve_find, &answers);
    assert_ok(scu_find(r.assoc, &(struct scu_query){STR(FIND), keys, 5, 0},
                       &(struct scu_find_calls){see, &seen}, &out));
    assert_int_equal(seen.n, 250);
    assert_int_equal(out.answers, 250);
    assert_int_equal(out.status, DIMSE_SUCCESS);
    assert_false(out.cancelled);
}

static void enough_answers_cancel_the_query(void **state)
{
    (void)state;
    int answers = 1000000;
    struct seen seen = {0, 10, E_CANCELLED};
    struct scu_outcome out = {0};
    open_for(FIND, serve_find, &answers);
    assert_ok(scu_find(r.assoc, &(struct scu_query){STR(FIND), keys, 5, 0},
                       &(struct scu_find_calls){see, &seen}, &out));
    assert_int_equal(seen.n, 10); /* what was under way is dropped */
    assert_true(out.cancelled);
    assert_int_equal(out.status, DIMSE_CANCEL);
}

static void serve_abandoned(struct assoc *a, void *ctx)
{
    struct dimse_command rq = take_request(a), c;
    (void)ctx;
    answer_patient(a, &rq, 0);
    assert_err(assoc_next(a, 0, &c), E_REJECTED);
}

static void error_of_the_caller_aborts(void **state)
{
    (void)state;
    struct seen seen = {0, 1, E_NOSPACE};
    struct scu_outcome out = {0};
    open_for(FIND, serve_abandoned, NULL);
    assert_err(scu_find(r.assoc, &(struct scu_query){STR(FIND), keys, 5, 0},
                        &(struct scu_find_calls){see, &seen}, &out),
               E_NOSPACE);
    assert_false(assoc_is_open(r.assoc));
}

static void serve_move(struct assoc *a, void *ctx)
{
    struct dimse_command rq = take_request(a), end;
    (void)ctx;
    assert_str(rq.move_destination, "DEST");
    for (int i = 0; i < 3; i++) {
        struct dimse_command rsp = dimse_response(&rq, DIMSE_PENDING);
        rsp.remaining = 3 - i;
        rsp.completed = i;
        rsp.failed = rsp.warning = 0;
        assert_ok(assoc_send(a, rq.context, &rsp));
    }
    struct arena mem = arena_init(1 << 20);
    struct dcm_ds *ds = dcm_ds_new(&mem);
    struct wr w = wr_heap(1 << 16);
    assert_ok(dcm_ds_set(ds, TAG_FailedSOPInstanceUIDList, VR('U', 'I'), STR("1.2.3\\1.2.4")));
    dcm_ds_write(ds, DCM_EXPLICIT_LE, &w);
    struct dimse_command rsp = dimse_response(&rq, DIMSE_COERCED);
    rsp.completed = 1;
    rsp.failed = 2;
    rsp.warning = 0;
    rsp.comment = STR("two failed");
    rsp.has_data = true;
    assert_ok(assoc_send(a, rq.context, &rsp));
    assert_ok(assoc_send_data(a, wr_str(&w), true));
    assert_err(assoc_next(a, 0, &end), E_CLOSED);
    wr_done(&w);
    arena_done(&mem);
}

static err_t sum_up(void *ctx, const struct scu_counts *c)
{
    *(int *)ctx += 100 + c->remaining;
    return OK;
}

static void move_tells_its_counts_and_failures(void **state)
{
    (void)state;
    int sum = 0;
    struct wr failed = wr_heap(1024);
    struct scu_outcome out = {.failed = &failed};
    const struct scu_retrieve_calls calls = {sum_up, &sum};
    open_for(MOVE, serve_move, NULL);
    assert_ok(
        scu_move(r.assoc, &(struct scu_query){STR(MOVE), keys, 9, 0}, STR("DEST"), &calls, &out));
    assert_int_equal(sum, 300 + 3 + 2 + 1);
    assert_int_equal(out.status, DIMSE_COERCED);
    assert_int_equal(out.counts.failed, 2);
    assert_int_equal(out.counts.completed, 1);
    assert_string_equal(out.comment, "two failed");
    assert_str(wr_str(&failed), "1.2.3\\1.2.4");
    wr_done(&failed);
}

/* Instances that a server sends in answer to a C-GET, and the status it must be answered with. */
static const struct {
    const char *instance;
    uint16_t status;
} sent[] = {
    {"1.2.3.1", DIMSE_SUCCESS},         {"../../../tmp/evil", DIMSE_INVALID_SOP_INSTANCE},
    {"1.2.3.2", DIMSE_SUCCESS},         {"/etc/passwd", DIMSE_INVALID_SOP_INSTANCE},
    {"..", DIMSE_INVALID_SOP_INSTANCE}, {"1.2.3.1", DIMSE_SUCCESS}, /* once more: replaced */
};
enum { SENT = sizeof sent / sizeof *sent };

static void serve_get(struct assoc *a, void *ctx)
{
    struct dimse_command rq = take_request(a), c, end;
    (void)ctx;
    for (uint16_t i = 0; i < SENT; i++) {
        struct wr w = wr_heap(1 << 20);
        make_dataset(&w, sent[i].instance, 40000, DCM_EXPLICIT_LE);
        c = dimse_command(C_STORE_RQ, (uint16_t)(100 + i));
        c.sop_class = STR(CT);
        c.sop_instance = str_z(sent[i].instance);
        c.has_data = true;
        assert_ok(assoc_send(a, 3, &c));
        assert_ok(assoc_send_data(a, wr_str(&w), true));
        assert_ok(assoc_next(a, 0, &c));
        assert_int_equal(c.field, C_STORE_RSP);
        assert_int_equal(c.message_id, 100 + i);
        assert_int_equal(c.status, sent[i].status);
        wr_done(&w);
    }
    struct dimse_command rsp = dimse_response(&rq, DIMSE_SUCCESS);
    rsp.completed = 3;
    assert_ok(assoc_send(a, rq.context, &rsp));
    assert_err(assoc_next(a, 0, &end), E_CLOSED);
}

static size_t n_entries;

static err_t expect_name(void *ctx, const char *name)
{
    (void)ctx;
    n_entries++;
    return strcmp(name, "1.2.3.1.dcm") == 0 || strcmp(name, "1.2.3.2.dcm") == 0 ? OK : E_CONFLICT;
}

/* CVE-2022-2119: a name that the other side sends as a UID must never become a path. */
static void cve_2022_2119_objects_go_under_checked_names_only(void **state)
{
    (void)state;
    char path[64];
    struct diag d = {""};
    struct scu_folder f;
    struct scu_outcome out = {0};
    int dir = make_folder(path);
    open_for(GET, serve_get, NULL);
    scu_folder_init(&f, dir);
    struct scu_sink sink = scu_folder_sink(&f);
    assert_ok(scu_get(r.assoc, &(struct scu_query){STR(GET), keys, 2, 0}, &sink, NULL, &out));
    assert_int_equal(out.answers, 3);
    assert_int_equal(assoc_refused(r.assoc), 3);
    n_entries = 0;
    assert_ok(dir_each(dir, expect_name, NULL, &d));
    assert_int_equal(n_entries, 2);
    struct wr file = wr_heap(1 << 20), data = wr_heap(1 << 20);
    struct dcm_meta m;
    assert_ok(file_load(dir, "1.2.3.2.dcm", 1 << 20, &file, &d));
    assert_int_equal(dcm_meta_read(wr_str(&file), true, &m, &d), STEP_DONE);
    assert_str(m.sop_instance, "1.2.3.2");
    assert_str(m.transfer_syntax, UID_ExplicitVRLittleEndian);
    make_dataset(&data, "1.2.3.2", 40000, DCM_EXPLICIT_LE);
    assert_true(str_eq(str_slice(wr_str(&file), m.data_at, file.n), wr_str(&data)));
    wr_done(&file);
    wr_done(&data);
    remove_folder(path, dir);
}

/* A sink whose disk is full after the first object. */
static err_t full_begin(void *ctx, const struct dimse_command *rq, struct str transfer_syntax)
{
    (void)rq;
    (void)transfer_syntax;
    return ++*(int *)ctx == 1 ? OK : E_NOSPACE;
}
static err_t full_data(void *ctx, struct str piece)
{
    (void)ctx;
    (void)piece;
    return OK;
}
static err_t full_end(void *ctx)
{
    (void)ctx;
    return OK;
}

static void serve_to_full(struct assoc *a, void *ctx)
{
    struct dimse_command rq = take_request(a), c, end;
    (void)ctx;
    for (uint16_t i = 0; i < 2; i++) {
        c = dimse_command(C_STORE_RQ, i);
        c.sop_class = STR(CT);
        c.sop_instance = STR("1.2");
        c.has_data = true;
        assert_ok(assoc_send(a, 3, &c));
        assert_ok(assoc_send_data(a, STR("data"), true));
        assert_ok(assoc_next(a, 0, &c));
        assert_int_equal(c.status, i == 0 ? DIMSE_SUCCESS : DIMSE_OUT_OF_RESOURCES);
    }
    struct dimse_command rsp = dimse_response(&rq, DIMSE_COERCED);
    assert_ok(assoc_send(a, rq.context, &rsp));
    assert_err(assoc_next(a, 0, &end), E_CLOSED);
}

static void full_disk_is_answered_out_of_resources(void **state)
{
    (void)state;
    int begun = 0;
    struct scu_outcome out = {0};
    const struct scu_sink sink = {full_begin, full_data, full_end, NULL, &begun};
    open_for(GET, serve_to_full, NULL);
    assert_ok(scu_get(r.assoc, &(struct scu_query){STR(GET), keys, 2, 0}, &sink, NULL, &out));
    assert_int_equal(out.answers, 1);
}

static void run_get_server(void *arg)
{
    struct rig *s = arg;
    struct assoc *a = NULL;
    struct diag d;
    struct dimse_command c;
    for (int i = 0; i < 2; i++) {
        assert_ok(assoc_receive(rig_accept(s), &plain, &a, &d));
        const struct pdu_associate *rq = assoc_request(a);
        assert_true(rq->n_contexts <= PDU_CONTEXTS_MAX);
        assert_int_equal(rq->roles[0].scp, 1);
        if (i == 0) /* one class: each syntax has a context of its own */
            assert_true(rq->contexts[1].n_transfers == 1 && rq->contexts[3].n_transfers == 1);
        assert_ok(rig_accept_all(a));
        assert_err(assoc_next(a, 0, &c), E_CLOSED);
        assoc_free(a);
    }
}

static void known_classes_are_offered_in_every_syntax(void **state)
{
    (void)state;
    struct str ct = STR(CT);
    struct diag d = {""};
    rig_open(&r);
    assert_ok(thread_start(run_get_server, &r, "get", &r.thread));
    struct scu_peer p = {.host = STR("127.0.0.1"),
                         .port = r.port,
                         .called = STR("A"),
                         .calling = STR("B"),
                         .limits = plain};
    assert_ok(scu_get_open(&p, STR(GET), &ct, 1, &r.assoc, &d));
    const struct assoc_context *c = assoc_context_for(r.assoc, ct, STR(UID_JPEG2000Lossless));
    assert_true(c && c->scp && !c->scu);
    assert_ok(assoc_release(r.assoc));
    assoc_free(r.assoc);
    assert_ok(scu_get_open(&p, STR(GET), NULL, 0, &r.assoc, &d));
    assert_non_null(assoc_context_for(r.assoc, ct, STR(UID_ExplicitVRLittleEndian)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_answer_is_passed_on),
        TEST(enough_answers_cancel_the_query),
        TEST(error_of_the_caller_aborts),
        TEST(move_tells_its_counts_and_failures),
        TEST(cve_2022_2119_objects_go_under_checked_names_only),
        TEST(full_disk_is_answered_out_of_resources),
        TEST(known_classes_are_offered_in_every_syntax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
