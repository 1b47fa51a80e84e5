/* What two sides of a connection say, in segments: a byte of control (who speaks; a hole, a
 * repetition, an early segment), two of length, the bytes. Goes to the dialects straight. */
#include <stdlib.h>

#include "base/rd.h"
#include "base/size.h"
#include "survey/source/capture/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVER = 1, HOLE = 2, AGAIN = 4, EARLY = 8, NO_SYN = 16, RESET = 32 };

static void say(struct table *t, unsigned from, uint32_t seq, uint8_t flags, struct str bytes)
{
    struct packet p = {.src_port = from ? 104 : 40000,
                       .dst_port = from ? 40000 : 104,
                       .seq = seq,
                       .flags = flags,
                       .payload = bytes};
    p.src.b[15] = from ? 2 : 1;
    p.dst.b[15] = from ? 1 : 2;
    if (table_packet(t, &p) != OK)
        abort();
}

static void talk(struct table *t, struct rd r)
{
    uint32_t seq[2] = {100, UINT32_MAX - 50};
    if (!(r.n && r.p[0] & NO_SYN)) {
        say(t, 0, seq[0] - 1, TCP_SYN, STR(""));
        say(t, 1, seq[1] - 1, TCP_SYN | TCP_ACK, STR(""));
    }
    while (r.n) {
        uint8_t control = rd_u8(&r);
        unsigned from = control & SERVER;
        struct str bytes = rd_take(&r, size_min(rd_u16be(&r), r.n));
        seq[from] += control & HOLE ? 7 : 0;
        uint32_t at = seq[from] + (control & EARLY ? (uint32_t)bytes.n : 0);
        say(t, from, at, control & RESET ? TCP_RST : TCP_ACK, bytes);
        if (control & AGAIN)
            say(t, from, at - 3, TCP_ACK, bytes);
        seq[from] += control & EARLY ? 0 : (uint32_t)bytes.n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gather *g; /* compiling its patterns takes longer than an input */
    static const struct source_run run = {.shards = 1};
    struct table *t;
    if (!g && gather_new(&run, &g, NULL) != OK)
        abort();
    if (table_new(g, 16, 1 << 20, &t) != OK)
        abort();
    talk(t, rd_of(str_of(data, size)));
    table_tell(t);
    table_end(t);
    table_free(t);
    if (gather_error(g) != OK)
        abort();
    gather_forget(g);
    return 0;
}
