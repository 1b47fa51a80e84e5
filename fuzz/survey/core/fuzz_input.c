/* A file from outside, gzip or not: lines come to an end, without more than the limits allow. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wr.h"
#include "survey/core/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct wr w = wr_fixed(path, sizeof path - 1);
    int fd = memfd_create("input", MFD_CLOEXEC);
    struct input *in;
    struct str line;
    bool more = true, too_long;
    uint64_t lines = 0;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    wr_printf(&w, "/proc/self/fd/%d", fd);
    path[w.n] = '\0';
    if (input_open(path, &in, NULL) != OK)
        abort();
    while (more && input_line(in, &line, &more, &too_long, NULL) == OK)
        if (more && (++lines != input_lines(in) || line.n > INPUT_LINE_MAX ||
                     str_find(line, '\n') < line.n))
            abort();
    input_close(in);
    close(fd);
    return 0;
}
