/* Keys of places and lists of counts as another's database may hold them. Byte 0: where the input
 * is cut in two lists. */
#include <stdlib.h>

#include "survey/inventory/pending.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void places(struct str bytes)
{
    struct ip ip;
    uint16_t port;
    if (place_parse(bytes, &ip, &port) == OK) {
        struct place p = place_of(&ip, port);
        if (!str_eq(place_str(&p), bytes))
            abort();
    }
    if (host_parse(bytes, &ip) == OK) {
        struct place p = host_of(&ip);
        if (!str_eq(place_str(&p), bytes))
            abort();
    }
}

static void counts(struct str a, struct str b)
{
    struct arena arena = arena_init(1 << 16);
    struct str sum, again;
    if (counts_add(&arena, a, b, &sum) != OK || sum.n > FLOW_TEXT_MAX)
        abort();
    /* What was added up is a list itself: nothing more comes of adding nothing to it. */
    if (counts_add(&arena, sum, STR(""), &again) != OK || !str_eq(sum, again))
        abort();
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct str bytes = str_of(data + 1, size - 1);
    size_t cut = data[0] < bytes.n ? data[0] : bytes.n;
    places(bytes);
    counts(str_slice(bytes, 0, cut), str_slice(bytes, cut, bytes.n));
    return 0;
}
