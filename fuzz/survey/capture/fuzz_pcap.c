/* A whole capture file: libpcap's reader, the packets, the connections and their dialects, with
 * tables small enough to overflow. */
#include <stdlib.h>

#include "base/size.h"
#include "survey/source/capture/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t read_some(void *ctx, void *buf, size_t n, size_t *ret_n)
{
    struct str *rest = ctx;
    *ret_n = size_min(n, rest->n);
    if (*ret_n)
        memcpy(buf, rest->p, *ret_n);
    *rest = str_slice(*rest, *ret_n, rest->n);
    return OK;
}

static void read_all(struct packets *p, struct gather *g)
{
    struct table *t;
    struct packet_bytes b;
    err_t e;
    if (table_new(g, 16, 256 << 10, &t) != OK)
        abort();
    while (packets_next(p, 0, NULL, &b, &e, NULL) == STEP_EVENT) {
        struct packet k;
        gather_at(g, b.us);
        if (packet_decode(packets_link(p), b.bytes, b.wire, &k) != PACKET_TCP)
            continue;
        gather_mac(g, &k.src, k.src_mac);
        if (table_packet(t, &k) != OK)
            abort();
        if (gather_full(g))
            gather_forget(g);
    }
    table_end(t);
    if (table_sum(t).memory_max > 24 << 20) /* one message of the largest kind each way */
        abort();
    table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gather *g; /* compiling its patterns takes longer than an input */
    static const struct source_run run = {.shards = 1};
    struct str rest = str_of(data, size);
    struct packets *p;
    if (!g && gather_new(&run, &g, NULL) != OK)
        abort();
    if (packets_open_stream(read_some, &rest, &p, NULL) != OK)
        return 0;
    read_all(p, g);
    packets_close(p);
    gather_forget(g);
    return 0;
}
