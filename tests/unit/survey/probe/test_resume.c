/* Killed at any moment and begun again: no endpoint gets a second connection, and hardly one is
 * left out. */
#include "rig.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"

enum { HOSTS = 256, PORTS = 2, KILLS_MAX = 60 };

static struct server servers[PORTS];
static unsigned char met[PORTS][HOSTS]; /* connections, by the last byte of the address */

static void counts_by_address(int fd, struct server *s)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) == 0)
        __atomic_add_fetch(&met[s - servers][ntohl(a.sin_addr.s_addr) & 0xff], 1, __ATOMIC_SEQ_CST);
    rig_drain(fd, s);
}

static void start_servers(char lines[256], const char *more)
{
    memset(met, 0, sizeof met);
    for (size_t i = 0; i < PORTS; i++)
        server_start(&servers[i], "0.0.0.0", counts_by_address);
    snprintf(lines, 256, "network = 127.7.0.0/24\nports = %u, %u\n%s", servers[0].port,
             servers[1].port, more);
}

static void stop_servers(void)
{
    for (size_t i = 0; i < PORTS; i++)
        server_stop(&servers[i]);
}

/* In a process of its own. */
static pid_t probe_in_child(const char *folder, const char *lines)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct rig rig;
    rig_open_in(&rig, folder, lines);
    rig.options.answer_ms = 10;
    rig.options.batch = 8;
    err_t e = rig_probe(&rig);
    journal_close(rig.journal);
    inventory_close(rig.inventory);
    _exit(e == OK ? 0 : 1);
}

static err_t is_finished(void *ctx, const struct run_info *r)
{
    *(bool *)ctx = r->run.finished;
    return OK;
}

/* Whether it was killed after its last act: begun again, it would be a new look. */
static bool was_over(const char *folder)
{
    struct inventory *v;
    struct survey s;
    struct diag d;
    char site[80];
    bool over = false;
    snprintf(site, sizeof site, "%s/site", folder);
    if (inventory_open(site, INVENTORY_LOOK, STR(""), &v, NULL, &d) != OK)
        return false;
    if (inventory_find(v, STR("test"), &s) == OK)
        assert_ok(inventory_runs(v, s.id, is_finished, &over));
    inventory_close(v);
    return over;
}

/* Runs it again and again, killed after a while each time, until it ends by itself. */
static unsigned kill_until_done(const char *folder, const char *lines)
{
    for (unsigned kills = 0; kills < KILLS_MAX; kills++) {
        int status;
        pid_t pid = probe_in_child(folder, lines);
        /* Longer each time, so that it ends on a slow machine too. */
        usleep(60000 + (kills * 7919 % 50) * 1000 + kills * kills * 1000);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return kills;
        }
        if (was_over(folder))
            return kills;
    }
    fail_msg("it came to no end");
    return 0;
}

static unsigned all_met(void)
{
    unsigned n = 0;
    for (size_t h = 0; h < HOSTS; h++)
        n += (unsigned)(met[0][h] + met[1][h]);
    return n;
}

/* A server may count a connection after the probe has given it up. */
static void wait_for_all(unsigned n)
{
    for (int tries = 0; tries < 100 && all_met() < n; tries++)
        clock_sleep_ms(50);
}

static void after_kill_9_no_endpoint_gets_a_second_connection(void **state)
{
    (void)state;
    char folder[] = "/tmp/probe-test-XXXXXX", lines[256];
    struct rig rig;
    unsigned none = 0;
    assert_non_null(mkdtemp(folder));
    start_servers(lines, "");
    unsigned kills = kill_until_done(folder, lines);
    assert_true(kills >= 2);
    for (size_t p = 0; p < PORTS; p++)
        for (size_t h = 0; h < HOSTS; h++) {
            assert_in_range(met[p][h], 0, 1);
            none += met[p][h] == 0;
        }
    /* At most the group that was written down when it was killed. */
    assert_in_range(none, 0, kills * 8);
    rig_open_in(&rig, folder, lines);
    struct chain_report report;
    assert_ok(journal_verify(rig.inventory, &report, &rig.diag));
    /* Once more changes nothing: the run is over, and a new one is a new look. */
    rig_close(&rig);
    stop_servers();
}

static void what_only_forbids_or_slows_down_may_change_meanwhile(void **state)
{
    (void)state;
    char lines[256], stop_file[96];
    struct rig rig;
    start_servers(lines, "");
    rig_open(&rig, lines);
    snprintf(stop_file, sizeof stop_file, "%s/stop", rig.folder);
    rig.options.stop_file = stop_file;
    rig.options.unlimited = false;
    rig.options.answer_ms = 10;
    FILE *f = fopen(stop_file, "w");
    fclose(f);
    assert_ok(rig_probe(&rig));
    assert_true(rig.sum.sum.stopped);
    assert_int_equal(rig.sum.done, 0);
    rig.options.stop_file = NULL;
    rig.options.unlimited = true;
    snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
             "exclude = 127.7.0.128/25\nrate = 900\n");
    rig_scope(&rig, lines);
    assert_ok(rig_probe(&rig));
    assert_true(rig.sum.sum.resumed);
    assert_int_equal(rig.sum.done, 128 * PORTS);
    wait_for_all(128 * PORTS);
    for (size_t h = 0; h < HOSTS; h++)
        assert_int_equal(met[0][h], h < 128);
    rig_close(&rig);
    stop_servers();
}

static void shards_share_the_hosts(void **state)
{
    (void)state;
    char lines[256];
    struct rig rig;
    start_servers(lines, "");
    rig_open(&rig, lines);
    rig.options.answer_ms = 10;
    rig.run.shards = 3;
    uint64_t done = 0;
    for (rig.run.shard = 0; rig.run.shard < 3; rig.run.shard++) {
        assert_ok(rig_probe(&rig));
        assert_in_range(rig.sum.done, HOSTS * PORTS / 5, HOSTS * PORTS / 2);
        done += rig.sum.done;
    }
    assert_int_equal(done, HOSTS * PORTS);
    wait_for_all(2 * HOSTS);
    for (size_t h = 0; h < HOSTS; h++)
        assert_int_equal(met[0][h] + met[1][h], 2);
    rig_close(&rig);
    stop_servers();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_kill_9_no_endpoint_gets_a_second_connection),
        cmocka_unit_test(what_only_forbids_or_slows_down_may_change_meanwhile),
        cmocka_unit_test(shards_share_the_hosts),
    };
    return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
