#include "app/confine.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/size.h"

/* By what they are for. A call that libraries make on newer systems and that an older libseccomp
 * does not know is left out by seccomp_rule_add's own answer. */
static const char *const allowed[] = {
    /* files */
    "access", "close", "close_range", "copy_file_range", "dup", "dup2", "dup3", "faccessat",
    "faccessat2", "fadvise64", "fallocate", "fchmod", "fchmodat", "fchown", "fcntl", "fdatasync",
    "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64", "ioctl", "lseek",
    "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "pipe2", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readlink", "readlinkat", "readv",
    "rename", "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "sync_file_range",
    "umask", "unlink", "unlinkat", "utimensat", "write", "writev",
    /* sockets; which kinds, below */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    /* waiting */
    "clock_nanosleep", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2",
    "futex", "nanosleep", "poll", "ppoll", "pselect6", "restart_syscall", "select", "signalfd4",
    "timerfd_create", "timerfd_settime",
    /* memory; nothing executable, below */
    "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mremap", "munlock", "munmap",
    /* threads, signals, who and when we are */
    "clock_getres", "clock_gettime", "exit", "exit_group", "getegid", "geteuid", "getgid",
    "getgroups", "getpid", "getppid", "getpriority", "getrandom", "getrlimit", "getrusage",
    "gettid", "gettimeofday", "getuid", "prctl", "prlimit64", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sched_getaffinity",
    "sched_yield", "set_robust_list", "set_tid_address", "sigaltstack", "sysinfo", "tgkill", "time",
    "times", "uname"};

/* Nothing of ours asks for these: whoever does is not us any more. */
static const char *const fatal[] = {
    "execve", "execveat",        "ptrace",           "fork",
    "vfork",  "init_module",     "finit_module",     "kexec_load",
    "bpf",    "perf_event_open", "process_vm_readv", "process_vm_writev",
    "mount",  "umount2",         "pivot_root",       "chroot",
    "setns",  "unshare",         "userfaultfd"};

static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};

/* Keeps the first failure. */
static void first(int *bad, int rc)
{
    if (!*bad)
        *bad = rc;
}

static int add(scmp_filter_ctx f, uint32_t action, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, action, number, 0);
}

static int add_lists(scmp_filter_ctx f)
{
    int bad = 0;
    for (size_t i = 0; i < COUNT(allowed); i++)
        first(&bad, add(f, SCMP_ACT_ALLOW, allowed[i]));
    for (size_t i = 0; i < COUNT(fatal); i++)
        first(&bad, add(f, SCMP_ACT_KILL_PROCESS, fatal[i]));
    return bad;
}

/* Calls that depend on what they are asked for. clone3 hides its flags behind a pointer: glibc
 * falls back to clone when it seems not to be there. */
static int add_conditions(scmp_filter_ctx f)
{
    int bad = 0;
    for (size_t i = 0; i < COUNT(families); i++) {
        first(&bad, seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0)));
        first(&bad, seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0)));
    }
    first(&bad, seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    first(&bad, seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    first(&bad, seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)));
    first(&bad, seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
    return bad;
}

err_t confine(struct diag *d)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!f)
        return E_NOMEM;
    int bad = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    first(&bad, add_lists(f));
    first(&bad, add_conditions(f));
    if (!bad)
        bad = seccomp_load(f);
    seccomp_release(f);
    if (bad)
        return diag_set(d, E_UNSUPPORTED,
                        "cannot confine the process (seccomp: %s); `seccomp = no` in lastra.conf "
                        "goes without",
                        strerror(-bad));
    return OK;
}
