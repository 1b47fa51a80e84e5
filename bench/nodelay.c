/* A preload for the peers of the benchmark: TCP_NODELAY on every socket that they accept. Without
 * it DCMTK and Orthanc wait 40 ms an object for a delayed acknowledgement, and a comparison would
 * say nothing about their work. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#pragma GCC diagnostic ignored "-Wpedantic" /* the C library declares the address as a union */

static int at_once(int fd)
{
    const int yes = 1;
    if (fd >= 0) /* another kind of socket does not have it, and does not need it */
        (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

int accept(int fd, struct sockaddr *restrict a, socklen_t *restrict n)
{
    int (*next)(int, struct sockaddr *, socklen_t *);
    *(void **)&next = dlsym(RTLD_NEXT, "accept");
    return at_once(next(fd, a, n));
}

int accept4(int fd, struct sockaddr *restrict a, socklen_t *restrict n, int flags)
{
    int (*next)(int, struct sockaddr *, socklen_t *, int);
    *(void **)&next = dlsym(RTLD_NEXT, "accept4");
    return at_once(next(fd, a, n, flags));
}
