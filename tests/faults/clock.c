/* A wall clock that is wrong, by LD_PRELOAD: the file that LASTRA_CLOCK names holds the seconds
 * that are added to it (they may be negative) and is read anew at each look, so that a test can
 * step the clock while a program runs. The monotonic clock stays what it is. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* By system calls, since the program under test may have its own ideas about open and read. */
static long offset(void)
{
    const char *path = getenv("LASTRA_CLOCK");
    char text[32] = "";
    int saved = errno;
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)!syscall(SYS_read, fd, text, sizeof text - 1);
        syscall(SYS_close, fd);
    }
    errno = saved;
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t which, struct timespec *ret)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    int rc = next(which, ret);
    if (rc == 0 && which == CLOCK_REALTIME)
        ret->tv_sec += offset();
    return rc;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    *ret = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
