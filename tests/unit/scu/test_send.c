/* scu/send: many files, over one association and several, against an SCP that misbehaves. */
#include <stdio.h>

#include "scp.h"
#include "scu/send.h"

enum { FILES = 40 };

static struct scp scp;
static struct scu_files files;
static struct scu_send_options o;
static struct scu_send_totals totals;
static char path[64];
static int dir;
static struct diag d;
static size_t told_sent, told_failed;
static char last_why[256];

static void done(void *ctx, const struct scu_sent *s)
{
    (void)ctx;
    told_sent += s->sent;
    told_failed += !s->sent;
    if (!s->sent)
        snprintf(last_why, sizeof last_why, "%s", s->why);
}

static atomic_ullong told_bytes;

static void bytes(void *ctx, uint64_t n)
{
    (void)ctx;
    atomic_fetch_add(&told_bytes, n);
}

static int setup(void **state)
{
    char name[32], full[128], instance[32];
    (void)state;
    dir = make_folder(path);
    scu_files_init(&files);
    for (int i = 1; i <= FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        snprintf(full, sizeof full, "%s/%s", path, name);
        snprintf(instance, sizeof instance, "1.2.3.%d", i);
        make_file(dir, name, instance, (size_t)i * 3000);
        assert_ok(scu_files_add(&files, full, &d));
    }
    scp_start(&scp);
    o = (struct scu_send_options){.peer = scp_peer(&scp),
                                  .jobs = 1,
                                  .retries = 3,
                                  .backoff_ms = 10,
                                  .bytes = bytes,
                                  .done = done};
    told_sent = told_failed = 0;
    atomic_store(&told_bytes, 0);
    last_why[0] = d.text[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scp_stop(&scp);
    scu_files_done(&files);
    remove_folder(path, dir);
    return 0;
}

static void expect(size_t sent, size_t failed)
{
    assert_int_equal(totals.sent, sent);
    assert_int_equal(totals.failed, failed);
    assert_int_equal(told_sent, sent);
    assert_int_equal(told_failed, failed);
    assert_int_equal(atomic_load(&scp.objects), sent);
    assert_int_equal(atomic_load(&scp.bytes), totals.bytes);
}

static void all_files_arrive_over_one_association(void **state)
{
    (void)state;
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(FILES, 0);
    assert_int_equal(atomic_load(&scp.associations), 1);
    assert_int_equal(totals.bytes, files.bytes);
    assert_int_equal(atomic_load(&told_bytes), files.bytes);
}

static void several_associations_share_the_work(void **state)
{
    (void)state;
    o.jobs = 4;
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(FILES, 0);
    assert_true(atomic_load(&scp.associations) <= 4);
    assert_true(atomic_load(&scp.most_at_once) >= 1);
}

static void window_lets_objects_go_ahead_of_answers(void **state)
{
    (void)state;
    o.peer.limits.max_ops = 16; /* the SCP agrees to 4 */
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(FILES, 0);
}

static void busy_archive_is_tried_again(void **state)
{
    (void)state;
    atomic_store(&scp.busy, 5);
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(FILES, 0);
}

static void archive_that_stays_busy_is_told(void **state)
{
    (void)state;
    atomic_store(&scp.busy, 1000000);
    files.n = 2;
    o.retries = 1;
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(0, 2);
    assert_non_null(strstr(last_why, "A700"));
}

static void refused_object_is_told_and_the_rest_goes_on(void **state)
{
    (void)state;
    atomic_store(&scp.fail_instance, 7);
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(FILES - 1, 1);
    assert_non_null(strstr(last_why, "C000"));
}

static void abort_in_between_loses_nothing(void **state)
{
    (void)state;
    o.peer.limits.max_ops = 4;
    atomic_store(&scp.abort_at, 10);
    assert_ok(scu_send(&files, &o, &totals, &d));
    assert_int_equal(totals.sent, FILES);
    assert_int_equal(totals.failed, 0);
    assert_int_equal(atomic_load(&scp.associations), 2);
}

static void rejection_for_now_is_tried_again(void **state)
{
    (void)state;
    atomic_store(&scp.refuse_now, 2);
    assert_ok(scu_send(&files, &o, &totals, &d));
    expect(FILES, 0);
    assert_int_equal(atomic_load(&scp.associations), 3);
}

static void rejection_for_good_is_an_error_at_once(void **state)
{
    (void)state;
    atomic_store(&scp.refuse, true);
    assert_err(scu_send(&files, &o, &totals, &d), E_REJECTED);
    expect(0, FILES);
    assert_int_equal(atomic_load(&scp.associations), 1);
    assert_non_null(strstr(d.text, "calling AE title"));
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    o.peer.port = 1;
    o.retries = 1;
    assert_err(scu_send(&files, &o, &totals, &d), E_CLOSED);
    expect(0, FILES);
}

static void other_uncompressed_syntax_is_converted_to(void **state)
{
    (void)state;
    scp.only = STR(UID_ImplicitVRLittleEndian);
    assert_ok(scu_send(&files, &o, &totals, &d));
    assert_int_equal(totals.sent, FILES);
    assert_int_equal(atomic_load(&scp.objects), FILES);
}

static void file_that_shrank_fails_alone(void **state)
{
    (void)state;
    files.list[4].size += 100000; /* as if it had been longer when its head was read */
    assert_ok(scu_send(&files, &o, &totals, &d));
    assert_int_equal(totals.sent, FILES - 1);
    assert_int_equal(totals.failed, 1);
}

static void stop_ends_it(void **state)
{
    (void)state;
    struct stop stop;
    assert_ok(stop_init(&stop));
    stop_set(&stop);
    o.peer.stop = &stop;
    assert_err(scu_send(&files, &o, &totals, &d), E_STOPPED);
    assert_int_equal(told_failed, FILES);
    stop_done(&stop);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_files_arrive_over_one_association),
        TEST(several_associations_share_the_work),
        TEST(window_lets_objects_go_ahead_of_answers),
        TEST(busy_archive_is_tried_again),
        TEST(archive_that_stays_busy_is_told),
        TEST(refused_object_is_told_and_the_rest_goes_on),
        TEST(abort_in_between_loses_nothing),
        TEST(rejection_for_now_is_tried_again),
        TEST(rejection_for_good_is_an_error_at_once),
        TEST(nobody_there_is_an_error),
        TEST(other_uncompressed_syntax_is_converted_to),
        TEST(file_that_shrank_fails_alone),
        TEST(stop_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
