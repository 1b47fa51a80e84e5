/* An HTTP message: the same in any pieces, and its facts. Input: a byte of role, a byte of piece
 * size, the bytes. */
#include "pieces.h"

#include <assert.h>

#include "survey/wire/http_text.h"

static struct http_reader *run(bool response, struct str in, size_t size, enum step *ret)
{
    struct http_reader *r;
    if (http_reader_new(response, false, &r) != OK)
        return NULL;
    *ret = STEP_MORE;
    while (in.n && *ret == STEP_MORE) {
        struct str piece = next_piece(&in, size);
        *ret = http_reader_feed(r, &piece);
    }
    http_reader_eof(r);
    return r;
}

static void facts(const struct http_message *m, struct str path)
{
    struct arena a = arena_init(4 << 20);
    struct evidence e;
    evidence_init(&e, &a);
    err_t r = http_facts(m, path, BY_PROBE, &e);
    assert(r == OK || r == E_NOMEM);
    evidence_init(&e, &a);
    r = http_facts_text(m->head, m->body, path, BY_ENGINE, &e);
    assert(r == OK || r == E_NOMEM);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str paths[] = {STR_INIT("/"), STR_INIT("/system"), STR_INIT("/r4/metadata"),
                                       STR_INIT("/api/server/version")};
    enum step s, again;
    if (size < 2)
        return 0;
    struct str in = str_of(data + 2, size - 2);
    struct http_reader *whole = run(data[0] & 1, in, 0, &s);
    struct http_reader *pieces = run(data[0] & 1, in, data[1], &again);
    if (whole && pieces) {
        const struct http_message *m = http_reader_message(whole);
        const struct http_message *p = http_reader_message(pieces);
        assert(m->head.n <= HTTP_HEAD_MAX && m->body.n <= HTTP_BODY_MAX);
        assert(m->body.n <= m->body_size);
        assert(s == again);
        assert(s != STEP_DONE || (str_eq(m->head, p->head) && str_eq(m->body, p->body) &&
                                  str_eq(m->path, p->path) && m->status == p->status));
        facts(m, paths[data[0] >> 1 & 3]);
    }
    http_reader_free(whole);
    http_reader_free(pieces);
    return 0;
}
