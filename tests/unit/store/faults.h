/* Calls that fail on purpose: the system calls of the file layer, defined here in place of the C
 * library's, and the allocations of our own code (linked with --wrap). One includer a program. */
#ifndef LASTRA_TESTS_FAULTS_H
#define LASTRA_TESTS_FAULTS_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault_kind { FAULT_NONE, FAULT_WRITE, FAULT_SYNC, FAULT_CUT, FAULT_RESERVE, FAULT_ALLOC };

/* Set by the test; the calls come from any thread. */
static struct {
    _Atomic enum fault_kind kind;
    _Atomic unsigned at;  /* the at-th call fails, from 1 */
    _Atomic bool onwards; /* and all after it */
    _Atomic int errnum;
    _Atomic unsigned calls; /* seen */
} fault;

static inline void fault_arm(enum fault_kind kind, unsigned at, bool onwards, int errnum)
{
    fault.kind = FAULT_NONE;
    fault.at = at;
    fault.onwards = onwards;
    fault.errnum = errnum;
    fault.calls = 0;
    fault.kind = kind;
}

/* Whether the armed fault came. */
static inline bool fault_came(void)
{
    return fault.calls >= fault.at;
}

static inline bool fault_now(enum fault_kind kind)
{
    if (fault.kind != kind)
        return false;
    unsigned call = ++fault.calls;
    if (call != fault.at && !(fault.onwards && call > fault.at))
        return false;
    errno = fault.errnum;
    return true;
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at);
ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
    /* Half of it gets there: what a full disk does. */
    if (fault_now(FAULT_WRITE)) {
        (void)!syscall(SYS_pwrite64, fd, buf, n / 2, at);
        errno = fault.errnum;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, buf, n, at);
}

int fdatasync(int fd)
{
    return fault_now(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fault_now(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t n);
int ftruncate64(int fd, off64_t n)
{
    return fault_now(FAULT_CUT) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int fallocate64(int fd, int mode, off64_t at, off64_t n);
int fallocate64(int fd, int mode, off64_t at, off64_t n)
{
    return fault_now(FAULT_RESERVE) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return fault_now(FAULT_ALLOC) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fault_now(FAULT_ALLOC) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fault_now(FAULT_ALLOC) ? NULL : __real_realloc(p, n);
}

#endif
