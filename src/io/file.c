#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/size.h"
#include "io/thread.h"

enum { NAME_BUF = 4096 };

static err_t err_of(int en)
{
    switch (en) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return E_NOSPACE;
    case ENOENT:
    case ENOTDIR:
        return E_NOTFOUND;
    case EEXIST:
        return E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
        return E_DENIED;
    case ENOMEM:
        return E_NOMEM;
    default:
        return E_IO;
    }
}

static const char *reason(int en)
{
    const char *text = strerrordesc_np(en);
    if (en == ELOOP)
        return "a symbolic link is not followed here";
    return text ? text : "unknown error";
}

static err_t fail_name(struct diag *d, const char *doing, const char *name)
{
    int en = errno;
    return diag_set(d, err_of(en), "cannot %s %s: %s", doing, name, reason(en));
}

/* The name is asked of the system only when something went wrong, so that no descriptor has to
 * carry one. */
static err_t fail_fd(struct diag *d, const char *doing, int fd)
{
    int en = errno;
    char link[64], name[NAME_BUF];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    name[n > 0 ? n : 0] = '\0';
    return diag_set(d, err_of(en), "cannot %s %s: %s", doing, n > 0 ? name : "the file",
                    reason(en));
}

/* Links are followed only in what the user named. */
static int no_follow(int at)
{
    return at == AT_FDCWD ? 0 : O_NOFOLLOW;
}

static int open_again(int at, const char *name, int flags, mode_t mode)
{
    int fd;
    do
        fd = openat(at, name, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

err_t dir_open(int at, const char *name, int *ret_fd, struct diag *d)
{
    int fd = open_again(at, name, O_RDONLY | O_DIRECTORY | no_follow(at), 0);
    if (fd < 0)
        return fail_name(d, "open folder", name);
    *ret_fd = fd;
    return OK;
}

/* What root makes in a data folder belongs to the folder's owner, so that `lastra peer add` by an
 * administrator leaves nothing that the service, which runs under an account of its own, cannot
 * open. Under AT_FDCWD it is the caller's own. */
static err_t give_to_owner(int dir, int fd, struct diag *d)
{
    struct stat folder;
    if (dir == AT_FDCWD || geteuid() != 0 || fstat(dir, &folder) != 0 || folder.st_uid == 0)
        return OK;
    if (fchown(fd, folder.st_uid, folder.st_gid) != 0)
        return diag_set(d, E_DENIED, "cannot give a new file to the folder's owner: %s",
                        strerror(errno));
    return OK;
}

err_t dir_make(int at, const char *name, int *ret_fd, struct diag *d)
{
    bool made = mkdirat(at, name, 0700) == 0;
    if (!made && errno != EEXIST)
        return fail_name(d, "make folder", name);
    TRY(dir_open(at, name, ret_fd, d));
    err_t e = made ? give_to_owner(at, *ret_fd, d) : OK;
    if (e != OK)
        file_close(ret_fd);
    return e;
}

static err_t sync_fd(int (*sync)(int), int fd, struct diag *d)
{
    int rc;
    do
        rc = sync(fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? OK : fail_fd(d, "sync", fd);
}

err_t dir_sync(int fd, struct diag *d)
{
    return sync_fd(fsync, fd, d);
}

static err_t walk(DIR *dir, int fd, err_t (*each)(void *ctx, const char *name), void *ctx,
                  struct diag *d)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e)
            return errno ? fail_fd(d, "read folder", fd) : OK;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        TRY(each(ctx, e->d_name));
    }
}

err_t dir_each(int fd, err_t (*each)(void *ctx, const char *name), void *ctx, struct diag *d)
{
    /* A descriptor of its own, so that two walks of one folder have two places. */
    int own = open_again(fd, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (!dir) {
        err_t e = fail_fd(d, "read folder", fd);
        file_close(&own);
        return e;
    }
    err_t e = walk(dir, fd, each, ctx, d);
    closedir(dir);
    return e;
}

static enum file_kind kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return FILE_IS_REGULAR;
    case S_IFDIR:
        return FILE_IS_DIR;
    case S_IFLNK:
        return FILE_IS_LINK;
    default:
        return FILE_IS_OTHER;
    }
}

err_t file_stat(int dir, const char *name, struct file_info *ret, struct diag *d)
{
    struct stat st;
    if (fstatat(dir, name, &st, dir == AT_FDCWD ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
        return fail_name(d, "look at", name);
    *ret = (struct file_info){.kind = kind_of(st.st_mode),
                              .mode = st.st_mode & 07777,
                              .size = (uint64_t)st.st_size,
                              .modified_us =
                                  (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000};
    return OK;
}

err_t file_open(int dir, const char *name, enum file_mode mode, int *ret_fd, struct diag *d)
{
    static const int flags[] = {[FILE_READ] = O_RDONLY,
                                [FILE_READ_LINK] = O_RDONLY,
                                [FILE_WRITE] = O_RDWR,
                                [FILE_CREATE] = O_RDWR | O_CREAT | O_EXCL,
                                [FILE_OPEN_OR_CREATE] = O_RDWR | O_CREAT};
    int follow = mode == FILE_READ_LINK ? 0 : no_follow(dir);
    /* O_NONBLOCK: opening a pipe must not wait for its other end. It means nothing to a file. */
    int fd = open_again(dir, name, flags[mode] | follow | O_NONBLOCK, 0600);
    if (fd < 0)
        return fail_name(d, "open", name);
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        file_close(&fd);
        return diag_set(d, E_UNSUPPORTED, "cannot open %s: not a regular file", name);
    }
    if (flags[mode] & O_CREAT && st.st_uid == 0 && give_to_owner(dir, fd, d) != OK) {
        file_close(&fd);
        return E_DENIED;
    }
    *ret_fd = fd;
    return OK;
}

void file_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

err_t file_size(int fd, uint64_t *ret, struct diag *d)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_fd(d, "look at", fd);
    *ret = (uint64_t)st.st_size;
    return OK;
}

err_t file_read_some(int fd, uint64_t at, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
    ssize_t got;
    do
        got = pread(fd, buf, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail_fd(d, "read", fd);
    *ret_n = (size_t)got;
    return OK;
}

err_t file_read_at(int fd, uint64_t at, void *buf, size_t n, struct diag *d)
{
    for (size_t done = 0, part = 0; done < n; done += part) {
        TRY(file_read_some(fd, at + done, (char *)buf + done, n - done, &part, d));
        if (part == 0)
            return diag_set(d, E_DAMAGED, "the file ends at byte %llu, before its contents do",
                            (unsigned long long)(at + done));
    }
    return OK;
}

err_t file_read_next(int fd, void *buf, size_t n, const struct stop *stop, size_t *ret_n,
                     struct diag *d)
{
    ssize_t got;
    do {
        struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
                              {.fd = stop ? stop->fd : -1, .events = POLLIN}};
        if (poll(p, COUNT(p), -1) < 0)
            continue;
        if (stop && stop_is_set(stop))
            return E_STOPPED;
        got = read(fd, buf, n);
        if (got >= 0) {
            *ret_n = (size_t)got;
            return OK;
        }
    } while (errno == EINTR || errno == EAGAIN);
    return fail_fd(d, "read", fd);
}

err_t file_write_at(int fd, uint64_t at, const void *buf, size_t n, struct diag *d)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, (const char *)buf + done, n - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = ENOSPC; /* cannot happen on a regular file; must not loop */
        if (put <= 0)
            return fail_fd(d, "write", fd);
        done += (size_t)put;
    }
    return OK;
}

err_t file_sync(int fd, struct diag *d)
{
    return sync_fd(fdatasync, fd, d);
}

void file_write_out(int fd, uint64_t at, uint64_t n)
{
    (void)!sync_file_range(fd, (off_t)at, (off_t)n, SYNC_FILE_RANGE_WRITE);
}

err_t file_truncate(int fd, uint64_t size, struct diag *d)
{
    int rc;
    do
        rc = ftruncate(fd, (off_t)size);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? OK : fail_fd(d, "cut", fd);
}

static int allocate(int fd, int mode, uint64_t at, uint64_t n)
{
    int rc;
    do
        rc = fallocate(fd, mode, (off_t)at, (off_t)n);
    while (rc != 0 && errno == EINTR);
    return rc;
}

static bool cannot_allocate(void)
{
    return errno == EOPNOTSUPP || errno == ENOSYS;
}

err_t file_reserve(int fd, uint64_t at, uint64_t n, struct diag *d)
{
    if (n == 0 || allocate(fd, FALLOC_FL_KEEP_SIZE, at, n) == 0 || cannot_allocate())
        return OK;
    return fail_fd(d, "reserve room in", fd);
}

static err_t write_zeros(int fd, uint64_t at, uint64_t n, struct diag *d)
{
    static const char zeros[16384];
    while (n > 0) {
        size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
        TRY(file_write_at(fd, at, zeros, part, d));
        at += part;
        n -= part;
    }
    return OK;
}

err_t file_punch(int fd, uint64_t at, uint64_t n, struct diag *d)
{
    uint64_t size;
    TRY(file_size(fd, &size, d));
    if (at >= size || n == 0)
        return OK;
    n = n < size - at ? n : size - at;
    if (allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n) == 0)
        return OK;
    return cannot_allocate() ? write_zeros(fd, at, n, d) : fail_fd(d, "free room in", fd);
}

err_t file_lock(int fd, struct diag *d)
{
    int rc;
    do
        rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return OK;
    if (errno == EWOULDBLOCK)
        return diag_set(d, E_BUSY, "in use by another process");
    return fail_fd(d, "lock", fd);
}

err_t file_lock_wait(int fd, struct diag *d)
{
    int rc;
    do
        rc = flock(fd, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? OK : fail_fd(d, "lock", fd);
}

void file_unlock(int fd)
{
    flock(fd, LOCK_UN);
}

static err_t load_fd(int fd, const char *name, size_t max, struct wr *ret, struct diag *d)
{
    char buf[8192];
    for (uint64_t at = 0;;) {
        size_t n = 0;
        TRY(file_read_some(fd, at, buf, sizeof buf, &n, d));
        if (n == 0)
            return ret->bad ? diag_set(d, E_LIMIT, "no room for %s", name) : OK;
        at += n;
        if (at > max)
            return diag_set(d, E_LIMIT, "%s is larger than %zu bytes", name, max);
        wr_bytes(ret, buf, n);
    }
}

err_t file_load(int dir, const char *name, size_t max, struct wr *ret, struct diag *d)
{
    int fd;
    TRY(file_open(dir, name, FILE_READ, &fd, d));
    err_t e = load_fd(fd, name, max, ret, d);
    file_close(&fd);
    return e;
}

static err_t save_new(int dir, const char *name, mode_t mode, struct str s, struct diag *d)
{
    int fd;
    err_t e = file_open(dir, name, FILE_CREATE, &fd, d);
    if (e == E_EXISTS && unlinkat(dir, name, 0) == 0) /* left by a crash */
        e = file_open(dir, name, FILE_CREATE, &fd, d);
    TRY(e);
    e = file_write_at(fd, 0, s.p, s.n, d);
    if (e == OK && fchmod(fd, mode) != 0)
        e = fail_name(d, "set the mode of", name);
    if (e == OK)
        e = file_sync(fd, d);
    file_close(&fd);
    return e;
}

/* Syncs the folder that a name stands in; the name may be a path under AT_FDCWD. */
static err_t sync_parent(int dir, const char *name, struct diag *d)
{
    char parent[NAME_BUF];
    const char *slash = strrchr(name, '/');
    struct str path = slash ? str_of(name, (size_t)(slash - name) + 1) : STR(".");
    if (!str_to_z(path, parent, sizeof parent))
        return diag_set(d, E_LIMIT, "the name is too long");
    int fd = open_again(dir, parent, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fail_name(d, "open folder", parent);
    err_t e = dir_sync(fd, d);
    file_close(&fd);
    return e;
}

err_t file_save(int dir, const char *name, mode_t mode, struct str s, struct diag *d)
{
    char fresh[NAME_BUF];
    int n = snprintf(fresh, sizeof fresh, "%s.new", name);
    if (n < 0 || (size_t)n >= sizeof fresh)
        return diag_set(d, E_LIMIT, "the name is too long");
    err_t e = save_new(dir, fresh, mode, s, d);
    if (e == OK)
        e = file_rename(dir, fresh, name, d);
    if (e != OK) {
        unlinkat(dir, fresh, 0);
        return e;
    }
    return sync_parent(dir, name, d);
}

err_t file_remove(int dir, const char *name, struct diag *d)
{
    return unlinkat(dir, name, 0) == 0 ? OK : fail_name(d, "remove", name);
}

err_t file_rename(int dir, const char *from, const char *to, struct diag *d)
{
    return renameat(dir, from, dir, to) == 0 ? OK : fail_name(d, "rename", from);
}

err_t file_space(int fd, uint64_t *ret_free, uint64_t *ret_total, struct diag *d)
{
    struct statvfs v;
    int rc;
    do
        rc = fstatvfs(fd, &v);
    while (rc != 0 && errno == EINTR);
    if (rc != 0)
        return fail_fd(d, "look at the file system of", fd);
    *ret_free = (uint64_t)v.f_bavail * v.f_frsize;
    *ret_total = (uint64_t)v.f_blocks * v.f_frsize;
    return OK;
}
