#include "scratch.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io/clock.h"
#include "io/local.h"
#include "io/thread.h"

static void one_question_and_one_answer(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct stop stop;
    struct stat st;
    char buf[LOCAL_MESSAGE_MAX];
    struct str got;
    int listener, client, server;
    assert_ok(stop_init(&stop));
    assert_ok(local_listen(s->fd, "control", &listener, &d));
    assert_int_equal(fstatat(s->fd, "control", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(local_connect(s->fd, "control", &client, &d));
    assert_ok(local_accept(listener, &stop, &server));
    assert_ok(local_send(client, STR("first")));
    assert_ok(local_send(client, STR("second")));
    assert_ok(local_recv(server, buf, clock_deadline(5000), &got));
    assert_str(got, "first");
    assert_ok(local_recv(server, buf, clock_deadline(5000), &got));
    assert_str(got, "second");
    assert_err(local_recv(server, buf, clock_deadline(20), &got), E_TIMEOUT);
    file_close(&client);
    assert_err(local_recv(server, buf, clock_deadline(5000), &got), E_CLOSED);
    assert_err(local_send(server, STR("nobody")), E_CLOSED);
    file_close(&server);
    file_close(&listener);
    stop_done(&stop);
}

static void messages_have_a_limit_on_both_ends(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct stop stop;
    static char big[LOCAL_MESSAGE_MAX + 1], buf[LOCAL_MESSAGE_MAX];
    struct str got;
    int listener, client, server;
    assert_ok(stop_init(&stop));
    assert_ok(local_listen(s->fd, "control", &listener, &d));
    assert_ok(local_connect(s->fd, "control", &client, &d));
    assert_ok(local_accept(listener, &stop, &server));
    assert_err(local_send(client, str_of(big, sizeof big)), E_LIMIT);
    assert_ok(local_send(client, str_of(big, LOCAL_MESSAGE_MAX)));
    assert_ok(local_recv(server, buf, clock_deadline(5000), &got));
    assert_int_equal(got.n, LOCAL_MESSAGE_MAX);
    assert_int_equal(send(client, big, sizeof big, 0), sizeof big);
    assert_err(local_recv(server, buf, clock_deadline(5000), &got), E_LIMIT);
    file_close(&client);
    file_close(&server);
    file_close(&listener);
    stop_done(&stop);
}

static void nobody_there_is_not_found(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    int fd, listener;
    assert_err(local_connect(s->fd, "control", &fd, &d), E_NOTFOUND);
    assert_ok(local_listen(s->fd, "control", &listener, &d));
    file_close(&listener); /* as after a crash: the name stays */
    assert_err(local_connect(s->fd, "control", &fd, &d), E_NOTFOUND);
    assert_ok(local_listen(s->fd, "control", &listener, &d));
    assert_ok(local_connect(s->fd, "control", &fd, &d));
    file_close(&fd);
    file_close(&listener);
}

static void waiting_ends_with_the_stop_switch(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct stop stop;
    int listener, fd;
    assert_ok(stop_init(&stop));
    assert_ok(local_listen(s->fd, "control", &listener, &d));
    stop_set(&stop);
    assert_err(local_accept(listener, &stop, &fd), E_STOPPED);
    file_close(&listener);
    stop_done(&stop);
}

/* A process of another account. */
static int knock_as_nobody(struct scratch *s)
{
    struct diag d;
    int fd;
    char byte;
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        return 77;
    err_t e = local_connect(s->fd, "control", &fd, &d);
    if (e == E_DENIED)
        return 1; /* the mode kept it out already */
    return e == OK && recv(fd, &byte, 1, 0) == 0 ? 2 : 3;
}

static void another_account_is_cut_without_a_byte(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    struct stop stop;
    int listener, fd, status;
    if (geteuid() != 0)
        skip();
    assert_ok(stop_init(&stop));
    assert_ok(local_listen(s->fd, "control", &listener, &d));
    assert_int_equal(chmod(s->path, 0755), 0);
    for (int open_to_all = 0; open_to_all < 2; open_to_all++) {
        if (open_to_all)
            assert_int_equal(fchmodat(s->fd, "control", 0666, 0), 0);
        pid_t child = fork();
        if (child == 0)
            _exit(knock_as_nobody(s));
        if (open_to_all)
            assert_err(local_accept(listener, &stop, &fd), E_DENIED);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), open_to_all ? 2 : 1);
    }
    file_close(&listener);
    stop_done(&stop);
}

#define ON_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCRATCH(one_question_and_one_answer),
        ON_SCRATCH(messages_have_a_limit_on_both_ends),
        ON_SCRATCH(nobody_there_is_not_found),
        ON_SCRATCH(waiting_ends_with_the_stop_switch),
        ON_SCRATCH(another_account_is_cut_without_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
