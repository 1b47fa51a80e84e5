/* The seccomp filter, each case in a child of its own since the filter is for good. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/confine.h"
#include "dicom/charset.h"

enum { CHILD_FINE = 0, CHILD_WRONG = 3, CHILD_NO_FILTER = 4 };

/* Runs it confined; how the child ended. */
static int confined(int (*body)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct diag d = {{0}};
        if (confine(&d) != OK)
            _exit(CHILD_NO_FILTER);
        _exit(body());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void *threaded(void *arg)
{
    return arg;
}

static int works(void)
{
    pthread_t t;
    char path[] = "/tmp/lastra-confine-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, "x", 1) != 1 || fdatasync(fd) != 0 || unlink(path) != 0)
        return CHILD_WRONG;
    if (pthread_create(&t, NULL, threaded, NULL) != 0 || pthread_join(t, NULL) != 0)
        return CHILD_WRONG;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    return s >= 0 ? CHILD_FINE : CHILD_WRONG;
}

/* A converter of its own, as an association has; what it needs was loaded before. */
static int converts(void)
{
    struct charset cs = charset_parse(STR("ISO_IR 127"));
    struct charset_conv *conv = charset_conv_new();
    char buf[16];
    struct wr w = wr_fixed(buf, sizeof buf);
    bool good = charset_decode(conv, &cs, VR('P', 'N'), STR("\xe2"), &w);
    charset_conv_free(conv);
    return good && str_eq(wr_str(&w), STR("\xd9\x82")) ? CHILD_FINE : CHILD_WRONG;
}

static int starts_a_program(void)
{
    char name[] = "true", *argv[] = {name, NULL}, *envp[] = {NULL};
    execve("/bin/true", argv, envp);
    return CHILD_FINE;
}

static int traces(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    return CHILD_FINE;
}

static int maps_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return CHILD_WRONG;
    return mprotect(p, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EPERM ? CHILD_FINE
                                                                            : CHILD_WRONG;
}

static int opens_a_raw_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM ? CHILD_FINE : CHILD_WRONG;
}

static void goes_on_working(void **state)
{
    (void)state;
    int status = confined(works);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CHILD_FINE);
}

static void converts_character_sets_that_were_loaded_before(void **state)
{
    struct charset_conv *conv = charset_conv_new();
    (void)state;
    assert_true(charset_conv_load(conv));
    int status = confined(converts);
    charset_conv_free(conv);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CHILD_FINE);
}

static void ends_who_starts_a_program_or_traces(void **state)
{
    (void)state;
    int (*const bodies[])(void) = {starts_a_program, traces};
    for (size_t i = 0; i < 2; i++) {
        int status = confined(bodies[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

static void refuses_new_code_and_other_sockets(void **state)
{
    (void)state;
    int (*const bodies[])(void) = {maps_code, opens_a_raw_socket};
    for (size_t i = 0; i < 2; i++) {
        int status = confined(bodies[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), CHILD_FINE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_working),
        cmocka_unit_test(converts_character_sets_that_were_loaded_before),
        cmocka_unit_test(ends_who_starts_a_program_or_traces),
        cmocka_unit_test(refuses_new_code_and_other_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
