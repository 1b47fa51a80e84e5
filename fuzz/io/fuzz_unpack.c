/* Archives from anywhere, read to the end under small limits. */
#include "io/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_all(struct unpack *u, bool passing_over)
{
    struct unpack_entry entry;
    bool more;
    uint64_t sum = 0;
    while (unpack_next(u, &entry, &more) == OK && more) {
        char buf[4096];
        size_t n = 1;
        while (!passing_over && n > 0 && unpack_read(u, buf, sizeof buf, &n) == OK)
            sum += n;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct unpack_limits l = {
        .entries = 100, .entry_bytes = 1 << 20, .total_bytes = 4 << 20, .ratio = 100};
    for (int passing_over = 0; passing_over < 2; passing_over++) {
        struct unpack *u;
        struct diag d;
        if (unpack_memory(str_of(data, size), &l, &u, &d) != OK)
            return 0;
        if (read_all(u, passing_over) > l.total_bytes + 4096)
            __builtin_trap();
        unpack_free(u);
    }
    return 0;
}
