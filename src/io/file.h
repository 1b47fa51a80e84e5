/* Files: by directory descriptor, close-on-exec; what must last is synced, and so is its directory.
 * A name under a directory descriptor is ours (a name from outside never comes here) and its last
 * component is never a symbolic link that we follow: E_DENIED. A name under AT_FDCWD is one that
 * the user gave on the command line or in the configuration, and links in it are followed. errno
 * becomes E_NOSPACE (ENOSPC, EDQUOT, EFBIG), E_NOTFOUND, E_EXISTS, E_DENIED, E_NOMEM or E_IO, with
 * the name and the reason in the diag. Interrupted and short calls are continued. */
#ifndef LASTRA_IO_FILE_H
#define LASTRA_IO_FILE_H

#include <sys/types.h>

#include "base/err.h"
#include "base/wr.h"

struct stop; /* io/thread.h */

/* A directory, opened. */
err_t dir_open(int at, const char *name, int *ret_fd, struct diag *d) MUST_CHECK;
/* Makes it (0700) if it is not there, and opens it. */
err_t dir_make(int at, const char *name, int *ret_fd, struct diag *d) MUST_CHECK;
err_t dir_sync(int fd, struct diag *d) MUST_CHECK;
/* Calls each for every entry but . and .., in no order; stops at its first error and returns it. */
err_t dir_each(int fd, err_t (*each)(void *ctx, const char *name), void *ctx,
               struct diag *d) MUST_CHECK;

/* What stands under a name; a symbolic link is not followed, but under AT_FDCWD. */
enum file_kind { FILE_IS_REGULAR, FILE_IS_DIR, FILE_IS_LINK, FILE_IS_OTHER };
struct file_info {
    enum file_kind kind;
    mode_t mode; /* permission bits */
    uint64_t size;
    int64_t modified_us; /* since 1970 */
};
err_t file_stat(int dir, const char *name, struct file_info *ret, struct diag *d) MUST_CHECK;

/* FILE_READ_LINK: as FILE_READ, but a link is followed under a directory descriptor too (walking a
 * folder that the user named). What is opened is always a regular file: a pipe or a device is
 * E_UNSUPPORTED at once. New files are 0600. */
enum file_mode {
    FILE_READ,
    FILE_READ_LINK,
    FILE_WRITE,
    FILE_CREATE, /* must not exist */
    FILE_OPEN_OR_CREATE
};

err_t file_open(int dir, const char *name, enum file_mode mode, int *ret_fd,
                struct diag *d) MUST_CHECK;
void file_close(int *fd); /* -1 is fine; leaves -1 */

err_t file_size(int fd, uint64_t *ret, struct diag *d) MUST_CHECK;
/* All n bytes; E_DAMAGED when the file ends before. */
err_t file_read_at(int fd, uint64_t at, void *buf, size_t n, struct diag *d) MUST_CHECK;
/* Up to n bytes; 0 at the end. */
err_t file_read_some(int fd, uint64_t at, void *buf, size_t n, size_t *ret_n,
                     struct diag *d) MUST_CHECK;
/* The next bytes of a stream that cannot be sought in (standard input), up to n; 0 at its end.
 * Waits for them; E_STOPPED when the switch is set meanwhile (NULL: none). */
err_t file_read_next(int fd, void *buf, size_t n, const struct stop *stop, size_t *ret_n,
                     struct diag *d) MUST_CHECK;
err_t file_write_at(int fd, uint64_t at, const void *buf, size_t n, struct diag *d) MUST_CHECK;
/* Data and size on stable storage. */
err_t file_sync(int fd, struct diag *d) MUST_CHECK;
/* Begins to write a part out and does not wait for it: the sync that follows has less to do. A
 * hint.
 */
void file_write_out(int fd, uint64_t at, uint64_t n);
err_t file_truncate(int fd, uint64_t size, struct diag *d) MUST_CHECK;
/* Room on the disk without changing the size. Not an error where the file system cannot. */
err_t file_reserve(int fd, uint64_t at, uint64_t n, struct diag *d) MUST_CHECK;
/* Gives the blocks back; reads as zeros afterwards. Writes zeros where the file system cannot. */
err_t file_punch(int fd, uint64_t at, uint64_t n, struct diag *d) MUST_CHECK;
/* An exclusive lock on the open file, for one process per data folder. E_BUSY when another holds
 * it. */
err_t file_lock(int fd, struct diag *d) MUST_CHECK;
/* The same, waiting until the other lets go: for short turns between processes. */
err_t file_lock_wait(int fd, struct diag *d) MUST_CHECK;
void file_unlock(int fd);

/* Whole small files. load: E_LIMIT when there are more than max bytes. save: writes NAME.new,
 * syncs, renames it over NAME and syncs the directory, so that NAME is always the old or the new
 * text; mode as for chmod. One saver per name at a time. */
err_t file_load(int dir, const char *name, size_t max, struct wr *ret, struct diag *d) MUST_CHECK;
err_t file_save(int dir, const char *name, mode_t mode, struct str s, struct diag *d) MUST_CHECK;
err_t file_remove(int dir, const char *name, struct diag *d) MUST_CHECK;
/* Within one directory, over what is there; the directory is not synced. */
err_t file_rename(int dir, const char *from, const char *to, struct diag *d) MUST_CHECK;

/* Free (for us, not root's share) and total bytes of the file system that holds fd. */
err_t file_space(int fd, uint64_t *ret_free, uint64_t *ret_total, struct diag *d) MUST_CHECK;

#endif
