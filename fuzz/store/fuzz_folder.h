/* A scratch folder for targets that read files, on memory where there is some. */
#ifndef LASTRA_FUZZ_FOLDER_H
#define LASTRA_FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/file.h"

/* An empty folder with a name of its own; a killed run leaves it. */
static inline int folder_make(char *path, size_t cap)
{
    int fd;
    snprintf(path, cap, "%s/lastra-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(path) || dir_open(AT_FDCWD, path, &fd, NULL) != OK)
        abort();
    return fd;
}

static inline err_t folder_remove_one_(void *ctx, const char *name)
{
    return file_remove(*(int *)ctx, name, NULL);
}

static inline void folder_remove(int fd, const char *path)
{
    if (dir_each(fd, folder_remove_one_, &fd, NULL) != OK || rmdir(path) != 0)
        abort();
    close(fd);
}

static inline void folder_put(int fd, const char *name, const void *p, size_t n)
{
    int f;
    if (file_open(fd, name, FILE_CREATE, &f, NULL) != OK || file_write_at(f, 0, p, n, NULL) != OK)
        abort();
    file_close(&f);
}

#endif
