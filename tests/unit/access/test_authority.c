#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access/authority.h"
#include "io/file.h"

static struct diag d;
static char path[64];
static int dir = -1;

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/lastra-authority-XXXXXX");
    assert_non_null(mkdtemp(path));
    assert_ok(dir_open(AT_FDCWD, path, &dir, &d));
    return 0;
}

static err_t remove_one(void *ctx, const char *name)
{
    (void)ctx;
    return file_remove(dir, name, &d);
}

static int tear_down(void **state)
{
    (void)state;
    assert_ok(dir_each(dir, remove_one, NULL, &d));
    file_close(&dir);
    return rmdir(path);
}

static void makes_an_authority_and_a_server_certificate(void **state)
{
    (void)state;
    struct authority_state s;
    assert_ok(authority_create(dir, STR("pacs.example"), STR("10.1.2.3,archive.example"), &d));
    assert_ok(authority_state(dir, &s, &d));
    int64_t now = time(NULL), day = 86400;
    assert_in_range(s.authority_expires, now + (AUTHORITY_DAYS - 2) * day,
                    now + (AUTHORITY_DAYS + 2) * day);
    assert_in_range(s.server_expires, now + (CERT_DAYS - 2) * day, now + (CERT_DAYS + 2) * day);
    assert_true(s.can_issue);
}

static void keeps_every_file_from_other_users(void **state)
{
    (void)state;
    static const char *const names[] = {AUTHORITY_CERT, AUTHORITY_KEY, SERVER_CERT, SERVER_KEY};
    assert_ok(authority_create(dir, STR("pacs"), STR(""), &d));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        assert_int_equal(fstatat(dir, names[i], &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void never_writes_over_what_is_there(void **state)
{
    (void)state;
    assert_ok(file_save(dir, SERVER_KEY, 0600, STR("mine"), &d));
    assert_err(authority_create(dir, STR("pacs"), STR(""), &d), E_EXISTS);
    char buf[16];
    struct wr w = wr_fixed(buf, sizeof buf);
    assert_ok(file_load(dir, SERVER_KEY, sizeof buf, &w, &d));
    assert_str(wr_str(&w), "mine");
}

static void a_failure_leaves_nothing_behind(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_not_equal(authority_create(dir, STR("pacs"), STR("not a name"), &d), OK);
    assert_err(file_open(dir, AUTHORITY_KEY, FILE_READ, &fd, &d), E_NOTFOUND);
    assert_err(file_open(dir, AUTHORITY_CERT, FILE_READ, &fd, &d), E_NOTFOUND);
}

static void issues_a_certificate_to_an_ae_title(void **state)
{
    (void)state;
    struct wr cert = wr_heap(65536), key = wr_heap(65536), again = wr_heap(65536),
              again_key = wr_heap(65536);
    struct peer_cert one, other;
    assert_ok(authority_create(dir, STR("pacs"), STR(""), &d));
    assert_ok(authority_issue(dir, STR("CT 1/a"), STR(""), 30, &cert, &key, &one, &d));
    assert_ok(authority_issue(dir, STR("CT 1/a"), STR(""), 30, &again, &again_key, &other, &d));
    assert_true(str_starts(wr_str(&cert), STR("-----BEGIN CERTIFICATE-----")));
    assert_non_null(memmem(key.p, key.n, "PRIVATE KEY", 11));
    assert_memory_not_equal(one.sha256, other.sha256, sizeof one.sha256);
    int64_t end = time(NULL) + 30 * 86400;
    assert_in_range(one.expires, end - 86400, end + 86400);

    struct peer_cert read;
    assert_ok(file_save(dir, "peer.pem", 0600, wr_str(&cert), &d));
    assert_ok(authority_read_cert(dir, "peer.pem", &read, &d));
    assert_memory_equal(read.sha256, one.sha256, sizeof read.sha256);
    assert_int_equal(read.expires, one.expires);
    wr_done(&cert);
    wr_done(&key);
    wr_done(&again);
    wr_done(&again_key);
}

static void refuses_to_issue_to_what_is_no_ae_title(void **state)
{
    (void)state;
    struct wr cert = wr_heap(65536), key = wr_heap(65536);
    struct peer_cert one;
    assert_ok(authority_create(dir, STR("pacs"), STR(""), &d));
    assert_err(authority_issue(dir, STR("A\nB"), STR(""), 30, &cert, &key, &one, &d), E_USAGE);
    assert_err(authority_issue(dir, STR(""), STR(""), 30, &cert, &key, &one, &d), E_USAGE);
    assert_int_equal(cert.n, 0);
    wr_done(&cert);
    wr_done(&key);
}

static void an_owners_authority_without_its_key_issues_nothing(void **state)
{
    (void)state;
    struct wr cert = wr_heap(65536), key = wr_heap(65536);
    struct peer_cert one;
    struct authority_state s;
    assert_ok(authority_create(dir, STR("pacs"), STR(""), &d));
    assert_ok(file_remove(dir, AUTHORITY_KEY, &d));
    assert_err(authority_issue(dir, STR("CT1"), STR(""), 30, &cert, &key, &one, &d), E_NOTFOUND);
    assert_non_null(strstr(d.text, "--cert-file"));
    assert_ok(authority_state(dir, &s, &d));
    assert_false(s.can_issue);
    wr_done(&cert);
    wr_done(&key);
}

static void renews_the_servers_certificate(void **state)
{
    (void)state;
    struct peer_cert before, after;
    assert_ok(authority_create(dir, STR("pacs"), STR(""), &d));
    assert_ok(authority_read_cert(dir, SERVER_CERT, &before, &d));
    assert_ok(authority_renew_server(dir, STR("pacs"), STR("10.9.9.9"), &d));
    assert_ok(authority_read_cert(dir, SERVER_CERT, &after, &d));
    assert_memory_not_equal(before.sha256, after.sha256, sizeof before.sha256);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(makes_an_authority_and_a_server_certificate),
        CASE(keeps_every_file_from_other_users),
        CASE(never_writes_over_what_is_there),
        CASE(a_failure_leaves_nothing_behind),
        CASE(issues_a_certificate_to_an_ae_title),
        CASE(refuses_to_issue_to_what_is_no_ae_title),
        CASE(an_owners_authority_without_its_key_issues_nothing),
        CASE(renews_the_servers_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
