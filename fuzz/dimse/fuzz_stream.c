/* The upper-layer machine on any bytes in any pieces, in either role, with local primitives thrown
 * in: it always ends up in a state of the table, and pieces of data lie in the input.
 * Input: a byte of role and first state, then pairs of a control byte and that many bytes. */
#include <assert.h>

#include "base/size.h"
#include "dimse/ul.h"

static const enum ul_evt locals[] = {EVT7, EVT8, EVT9, EVT11, EVT14, EVT15, EVT17, EVT18};

static struct str transfers[] = {STR_INIT("1.2.840.10008.1.2")};
static struct pdu_context contexts[] = {
    {.id = 1, .abstract = STR_INIT("1.2"), .transfers = transfers, .n_transfers = 1}};
static const struct ul_argument argument = {
    .associate = &(struct pdu_associate){
        .version = 1, .contexts = contexts, .n_contexts = 1, .max_pdu = 16384}};

static void feed(struct ul *u, struct str *in, struct wr *out)
{
    struct ul_event e;
    for (size_t before = in->n + 1;;) {
        enum step s = ul_feed(u, in, out, &e);
        assert(u->state >= STA1 && u->state <= STA13);
        assert(s != STEP_EVENT || e.kind != UL_NOTHING);
        assert(s != STEP_MORE || u->want > in->n);
        assert(in->n < before || s != STEP_EVENT || e.kind == UL_DATA);
        before = in->n + 1;
        if (s != STEP_EVENT)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum ul_state starts[] = {STA2, STA3, STA5, STA6, STA7, STA8, STA9, STA10};
    uint8_t sent[4096];
    struct wr out = wr_fixed(sent, sizeof sent);
    struct arena arena = arena_init(1 << 20);
    struct ul u;
    struct ul_event e;
    struct str in = str_of(data, 0);
    if (size == 0)
        return 0;
    ul_init(&u, data[0] & 1, 16384, 65536, &arena);
    u.state = starts[data[0] >> 1 & 7];
    for (size_t at = 1; at < size && u.state != STA1 && u.state != STA4;) {
        uint8_t control = data[at++];
        if (control >= 0xf8) {
            ul_do(&u, locals[control & 7], &argument, &out, &e);
        } else {
            size_t n = size_min(control, size - at);
            /* What was left stands before what comes, as the I/O side does it. */
            in = in.n ? str_of(in.p, in.n + 1 + n) : str_of(data + at, n);
            at += n;
            feed(&u, &in, &out);
        }
        wr_clear(&out);
    }
    arena_done(&arena);
    return 0;
}
