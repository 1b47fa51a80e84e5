/* A chained log that somebody changed. Byte 0: how many true lines stand before the input; bit 7:
 * without the tip. Verifying must not be fooled, and if the log opens, it goes on and verifies. */
#include "fuzz_folder.h"
#include "store/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct key KEY = {{7}};

static uint64_t write_true_lines(int fd, unsigned n)
{
    struct chain *c;
    int f;
    uint64_t size;
    if (chain_open(fd, &KEY, 0, &c, NULL) != OK)
        abort();
    for (unsigned i = 0; i < n; i++)
        if (chain_add(c, STR("{\"event\":1}")) != OK)
            abort();
    chain_close(c);
    if (file_open(fd, "00000001.log", FILE_WRITE, &f, NULL) != OK ||
        file_size(f, &size, NULL) != OK)
        abort();
    file_close(&f);
    return size;
}

static void append(int fd, uint64_t at, const uint8_t *p, size_t n)
{
    int f;
    if (file_open(fd, "00000001.log", FILE_WRITE, &f, NULL) != OK ||
        file_write_at(f, at, p, n, NULL) != OK)
        abort();
    file_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct chain_report r;
    struct chain *c;
    if (size < 1 || size > 1 << 18)
        return 0;
    unsigned lines = data[0] & 7;
    int fd = folder_make(path, sizeof path);
    append(fd, write_true_lines(fd, lines), data + 1, size - 1);
    if (data[0] & 0x80 && file_remove(fd, "tip", NULL) != OK)
        abort();
    err_t e = chain_verify(fd, &KEY, NULL, NULL, &r, NULL);
    if (r.lines != lines || (e == OK && size > 1 && !r.torn))
        abort();
    if (chain_open(fd, &KEY, 0, &c, NULL) == OK) {
        if (chain_add(c, STR("{}")) != OK)
            abort();
        chain_close(c);
        if (chain_verify(fd, &KEY, NULL, NULL, &r, NULL) != OK || r.lines != lines + 1 + (size > 1))
            abort();
    }
    folder_remove(fd, path);
    return 0;
}
