#include "io/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A folder still to be looked at: a stack, so that depth first needs little memory. */
struct folder {
    struct folder *next;
    unsigned depth;
    char path[];
};

struct walk {
    const struct walk_calls *calls;
    struct folder *todo;
    const struct folder *now;
    struct diag *d;
};

static err_t push(struct walk *w, const char *path, unsigned depth)
{
    size_t n = strlen(path) + 1;
    struct folder *f = malloc(sizeof *f + n);
    if (!f)
        return diag_set(w->d, E_NOMEM, "out of memory at %s", path);
    f->next = w->todo;
    f->depth = depth;
    memcpy(f->path, path, n);
    w->todo = f;
    return OK;
}

static err_t skip(struct walk *w, const char *path, err_t why)
{
    return w->calls->skip ? w->calls->skip(w->calls->ctx, path, why, w->d) : why;
}

static err_t visit(struct walk *w, const char *path, unsigned depth)
{
    struct stat link, st;
    if (lstat(path, &link) != 0 || stat(path, &st) != 0)
        return skip(w, path,
                    diag_set(w->d, E_NOTFOUND, "cannot look at %s: %s", path, strerror(errno)));
    if (S_ISDIR(st.st_mode) && S_ISLNK(link.st_mode) && depth > 0)
        return OK;
    if (S_ISDIR(st.st_mode)) {
        if (depth >= WALK_DEPTH_MAX)
            return skip(w, path, diag_set(w->d, E_LIMIT, "%s: folders nest too deep", path));
        return push(w, path, depth + 1);
    }
    if (!S_ISREG(st.st_mode))
        return OK;
    struct walk_file f = {
        .path = path,
        .depth = depth,
        .info = {.kind = FILE_IS_REGULAR,
                 .mode = st.st_mode & 07777,
                 .size = (uint64_t)st.st_size,
                 .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000},
    };
    return w->calls->each(w->calls->ctx, &f);
}

static err_t entry(void *ctx, const char *name)
{
    struct walk *w = ctx;
    char path[WALK_PATH_MAX];
    size_t n = strlen(w->now->path);
    const char *slash = n && w->now->path[n - 1] == '/' ? "" : "/";
    int len = snprintf(path, sizeof path, "%s%s%s", w->now->path, slash, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return skip(w, w->now->path,
                    diag_set(w->d, E_LIMIT, "%s: a name below it is too long", w->now->path));
    return visit(w, path, w->now->depth);
}

static err_t folder(struct walk *w, const struct folder *f)
{
    int fd = -1;
    w->now = f;
    err_t e = dir_open(AT_FDCWD, f->path, &fd, w->d);
    if (e != OK)
        return skip(w, f->path, e);
    e = dir_each(fd, entry, w, w->d);
    file_close(&fd);
    return e;
}

err_t walk_files(const char *root, const struct walk_calls *calls, struct diag *d)
{
    struct walk w = {.calls = calls, .d = d};
    struct stat st;
    if (stat(root, &st) != 0)
        return diag_set(d, E_NOTFOUND, "there is no %s: %s", root, strerror(errno));
    err_t e = visit(&w, root, 0);
    while (w.todo) {
        struct folder *f = w.todo;
        w.todo = f->next;
        if (e == OK)
            e = folder(&w, f);
        free(f);
    }
    return e;
}
