/* JSON from outside: whole and in pieces it is the same events or the same refusal, and the reader
 * goes on with the next text. Byte 0: how long the pieces are. */
#include <stdlib.h>

#include "survey/core/jsonin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum(uint64_t h, struct str s)
{
    return (h ^ str_hash(s)) * 31;
}

static err_t on_value(void *ctx, const struct json_at *at, enum json_type type, struct str text)
{
    uint64_t *h = ctx;
    if (at->depth > JSONIN_DEPTH)
        abort();
    *h = sum(sum(*h + at->path[at->depth] + type, text),
             at->depth ? at->keys[at->depth - 1] : STR(""));
    return OK;
}

static err_t read_text(struct jsonin *j, struct str text, size_t piece)
{
    for (; text.n; text = str_slice(text, piece, text.n))
        TRY(jsonin_feed(j, str_slice(text, 0, piece), NULL));
    return jsonin_end(j, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = 0, pieces = 0;
    struct jsonin_calls calls = {.value = on_value, .ctx = &whole};
    struct jsonin *j;
    if (size < 1)
        return 0;
    struct str text = str_of(data + 1, size - 1);
    err_t e = jsonin_text(text, &calls, NULL);
    calls.ctx = &pieces;
    if (jsonin_new(&calls, &j) != OK)
        return 0;
    err_t e2 = read_text(j, text, 1u + data[0] % 16);
    if (e != e2 || (e == OK && whole != pieces))
        abort();
    if (e != OK)
        jsonin_reset(j);
    if (read_text(j, STR("{\"a\":[1]}"), 3) != OK)
        abort();
    jsonin_free(j);
    return 0;
}
