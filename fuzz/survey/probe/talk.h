/* Any bytes, in any pieces, to a machine of the probe. Input: a byte of options, then pairs of a
 * length byte and that many bytes. `sent` checks each thing that it says. */
#ifndef LASTRA_FUZZ_SURVEY_PROBE_TALK_H
#define LASTRA_FUZZ_SURVEY_PROBE_TALK_H

#include <assert.h>
#include <stdlib.h>

#include "base/size.h"
#include "survey/source/probe/talk.h"

static inline void talk_run(const struct talk_calls *calls, const uint8_t *data, size_t size,
                            void (*sent)(const struct talk *t, struct str out))
{
    if (size == 0)
        return;
    const struct talk_manner manner = {.ae_title = STR_INIT("LASTRA-SURVEY"),
                                       .called = STR_INIT("ANY-SCP"),
                                       .contact = STR_INIT("a@b.example"),
                                       .version = STR_INIT("0"),
                                       .own_called = data[0] & 1,
                                       .surface = data[0] >> 1 & 1,
                                       .count = data[0] >> 2 & 1,
                                       .count_cap = 1 + (data[0] >> 4)};
    uint8_t bytes[2 * TALK_MESSAGE_MAX];
    struct wr out = wr_fixed(bytes, sizeof bytes);
    struct arena arena = arena_init(TALK_ARENA_MAX);
    struct talk *t = calloc(1, calls->size);
    struct evidence *e = malloc(sizeof *e);
    assert(t && e);
    *t = (struct talk){.calls = calls, .manner = &manner, .arena = &arena, .port = 104};
    t->ip.b[10] = t->ip.b[11] = 0xff;
    enum step s = calls->open(t, &out);
    sent(t, wr_str(&out));
    uint8_t end = data[0] >> 3 & 1;
    for (size_t at = 1; at < size && s != STEP_DONE && s != STEP_FAIL;) {
        size_t n = data[at++];
        n = size_min(n, size - at);
        wr_clear(&out);
        t->n_said = 0;
        t->packets++;
        if (n == 0)
            continue;
        s = calls->bytes(t, str_of(data + at, n), &out);
        t->bytes_out += (uint32_t)out.n;
        assert(!out.bad && (out.n == 0) == (t->n_said == 0));
        sent(t, wr_str(&out));
        at += n;
    }
    wr_clear(&out);
    if (s != STEP_DONE && s != STEP_FAIL)
        calls->end(t, end ? TALK_END : TALK_LATE, &out);
    sent(t, wr_str(&out));
    evidence_init(e, &arena);
    err_t err = calls->facts(t, e);
    assert(err == OK || err == E_NOMEM);
    if (calls->done)
        calls->done(t);
    free(e);
    free(t);
    arena_done(&arena);
}

#endif
