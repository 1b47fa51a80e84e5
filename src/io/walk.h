/* Every regular file under a folder that the user named, one after another, folders before what
 * stands in them in no other order. Links to files are followed, links to folders are not (no
 * loops). Iterative, with a limit on depth; memory is bounded by the names of the folders still to
 * be looked at. */
#ifndef LASTRA_IO_WALK_H
#define LASTRA_IO_WALK_H

#include "io/file.h"

enum { WALK_PATH_MAX = 4096, WALK_DEPTH_MAX = 64 };

struct walk_file {
    const char *path;      /* the root's path and the names below, for messages and AT_FDCWD */
    struct file_info info; /* of a link: of what it leads to */
    unsigned depth;        /* 0: the root itself is a file */
};

/* Calls `each` for every file; its first error ends the walk and is returned. A folder that cannot
 * be read is told to `skip` with the reason (which may return OK to go on); NULL: ends the walk. */
struct walk_calls {
    err_t (*each)(void *ctx, const struct walk_file *f);
    err_t (*skip)(void *ctx, const char *path, err_t why, const struct diag *d);
    void *ctx;
};
err_t walk_files(const char *root, const struct walk_calls *calls, struct diag *d) MUST_CHECK;

#endif
