/* assoc with DCMTK's tools on the other side: an implementation that knows nothing of ours. Skipped
 * where they are not installed. */
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/size.h"
#include "dicom/part10.h"
#include "io/file.h"
#include "rig.h"

static const struct assoc_limits plain = {10000, 10000, 10000, 131072, 1};
static struct rig r;
static char port[16];

static int setup(void **state)
{
    (void)state;
    rig_open(&r);
    snprintf(port, sizeof port, "%u", r.port);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&r);
    return 0;
}

static pid_t start(const char *const *command)
{
    char *arguments[32] = {0};
    static char nodelay[] = "TCP_NODELAY=1", path[] = "PATH=/usr/bin:/bin";
    char *environment[] = {nodelay, path, NULL};
    pid_t pid = -1;
    for (size_t i = 0; command[i] && i + 1 < COUNT(arguments); i++)
        arguments[i] = strdup(command[i]);
    if (posix_spawnp(&pid, command[0], NULL, NULL, arguments, environment) != 0)
        pid = -1;
    for (size_t i = 0; i < COUNT(arguments); i++)
        free(arguments[i]);
    if (pid < 0)
        skip();
    return pid;
}

static void ends_well(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void open_accepted(void)
{
    assert_ok(assoc_receive(rig_accept(&r), &plain, &r.assoc, &r.diag));
    assert_ok(rig_accept_all(r.assoc));
}

static void answer(const struct dimse_command *c)
{
    struct dimse_command rsp = dimse_response(c, DIMSE_SUCCESS);
    assert_ok(assoc_send(r.assoc, c->context, &rsp));
}

static void echoscu_is_answered(void **state)
{
    (void)state;
    struct dimse_command c;
    pid_t pid = start((const char *const[]){"echoscu", "--repeat", "20", "-aet", "THEM", "-aec",
                                            "US", "127.0.0.1", port, NULL});
    open_accepted();
    assert_str(assoc_request(r.assoc)->calling, "THEM");
    assert_str(assoc_request(r.assoc)->called, "US");
    for (int i = 0; i < 20; i++) {
        assert_ok(assoc_next(r.assoc, 0, &c));
        assert_int_equal(c.field, C_ECHO_RQ);
        answer(&c);
    }
    assert_err(assoc_next(r.assoc, 0, &c), E_CLOSED);
    ends_well(pid);
}

static void echoscu_may_abort(void **state)
{
    (void)state;
    struct dimse_command c;
    pid_t pid = start((const char *const[]){"echoscu", "--abort", "127.0.0.1", port, NULL});
    open_accepted();
    assert_ok(assoc_next(r.assoc, 0, &c));
    answer(&c);
    assert_err(assoc_next(r.assoc, 0, &c), E_REJECTED);
    ends_well(pid);
}

static void echoscu_understands_a_rejection(void **state)
{
    (void)state;
    int status = 0;
    pid_t pid = start((const char *const[]){"echoscu", "--quiet", "127.0.0.1", port, NULL});
    assert_ok(assoc_receive(rig_accept(&r), &plain, &r.assoc, &r.diag));
    assoc_reject(r.assoc, 1, 1, 7);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

static void expect_file(const char *path, const struct dimse_command *c)
{
    struct wr file = wr_heap(64 << 20), data = wr_heap(64 << 20);
    struct dcm_meta m;
    struct str piece;
    bool last = false;
    while (!last) {
        assert_ok(assoc_data(r.assoc, &piece, &last));
        wr_put(&data, piece);
    }
    assert_ok(file_load(AT_FDCWD, path, 64 << 20, &file, &r.diag));
    assert_int_equal(dcm_meta_read(wr_str(&file), true, &m, &r.diag), STEP_DONE);
    assert_true(str_eq(m.sop_instance, c->sop_instance));
    assert_true(str_eq(m.transfer_syntax, assoc_context(r.assoc, c->context)->transfer_syntax));
    /* DCMTK encodes anew: lengths and the padding at the end may differ, the pixels may not. */
    struct str sent = str_slice(wr_str(&file), m.data_at, file.n);
    assert_true(sent.n < data.n + 200 && data.n < sent.n + 200);
    assert_non_null(memmem(sent.p, sent.n, data.p + data.n - 1000, 1000));
    wr_done(&file);
    wr_done(&data);
}

/* Each of these files in a transfer syntax of its own, with the option that has storescu propose
 * it. */
static const char *const stored[][2] = {
    {"CT_small.dcm", "-xe"},
    {"MR_small_implicit.dcm", "-xi"},
    {"MR_small_jp2klossless.dcm", "-xv"},
    {"MR_small_RLE.dcm", "-xr"},
};

static void storescu_delivers_whole_objects(void **state)
{
    (void)state;
    struct dimse_command c;
    char path[256];
    for (size_t i = 0; i < COUNT(stored); i++) {
        glob_t g;
        snprintf(path, sizeof path, "/usr/lib/python3/dist-packages/pydicom/data/test_files/%s",
                 stored[i][0]);
        if (glob(path, 0, NULL, &g) != 0)
            skip();
        globfree(&g);
        pid_t pid = start((const char *const[]){"storescu", stored[i][1], "-aec", "US", "127.0.0.1",
                                                port, path, NULL});
        open_accepted();
        assert_ok(assoc_next(r.assoc, 0, &c));
        assert_int_equal(c.field, C_STORE_RQ);
        expect_file(path, &c);
        answer(&c);
        assert_err(assoc_next(r.assoc, 0, &c), E_CLOSED);
        ends_well(pid);
        assoc_free(r.assoc);
        r.assoc = NULL;
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(echoscu_is_answered),
        TEST(echoscu_may_abort),
        TEST(echoscu_understands_a_rejection),
        TEST(storescu_delivers_whole_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
