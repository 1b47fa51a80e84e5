/* First byte: transfer syntax and the size of pieces; then an object's data set. Reading it ends,
 * header part and body are all of it, and the header part read again as a record says the same. */
#include <stdlib.h>

#include "archive/entry.h"
#include "archive/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_MAX = 1 << 14 };

static const char *const syntaxes[] = {"1.2.840.10008.1.2.1",    "1.2.840.10008.1.2",
                                       "1.2.840.10008.1.2.2",    "1.2.840.10008.1.2.1.99",
                                       "1.2.840.10008.1.2.4.50", "1.2.3.4"};

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static err_t feed(struct header *h, const struct dcm_ts *ts, struct str bytes, size_t piece,
                  size_t *ret_body)
{
    struct str body;
    *ret_body = 0;
    TRY(header_begin(h, ts));
    for (size_t at = 0; at < bytes.n; at += piece) {
        struct str part = str_slice(bytes, at, piece);
        TRY(header_feed(h, part, &body));
        require(body.n <= part.n && body.p + body.n == part.p + part.n);
        require(header_is_cut(h) || !body.n);
        *ret_body += body.n;
    }
    return OK;
}

static bool entry(struct header *h, struct str syntax, struct entry *ret)
{
    struct dcm_ds *ds;
    return header_dataset(h, &ds) == OK && entry_of(ds, syntax, NULL, &h->arena, ret) == OK;
}

static void same(const struct entry *a, const struct entry *b)
{
    for (int i = 0; i < ENTRY_TEXTS; i++)
        require(str_eq(a->text[i], b->text[i]));
}

/* What recovery sees of the same object. */
static void read_again(const struct header *first, const struct dcm_limits *limits,
                       const struct entry *e, struct str syntax)
{
    struct header *h = malloc(sizeof *h);
    struct entry again;
    size_t body;
    require(h != NULL);
    header_init(h, limits, HEAD_MAX);
    err_t fed = feed(h, first->ts, header_bytes(first), HEAD_MAX, &body);
    header_stop(h);
    if (fed == OK && !body && entry(h, syntax, &again))
        same(e, &again);
    header_done(h);
    free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dcm_limits limits = {16, 20000, 1 << 16};
    struct header *h = malloc(sizeof *h);
    struct entry e;
    size_t body;
    if (!size || !h) {
        free(h);
        return 0;
    }
    struct str syntax = str_z(syntaxes[data[0] % 6]), bytes = str_of(data + 1, size - 1);
    size_t piece = (size_t)1 << (data[0] / 6 % 16);
    header_init(h, &limits, HEAD_MAX);
    err_t fed = feed(h, dcm_ts_guess(syntax), bytes, piece, &body);
    if (fed == OK && header_end(h) == OK) {
        require(header_bytes(h).n + body == bytes.n);
        if (entry(h, syntax, &e) && body)
            read_again(h, &limits, &e, syntax);
    }
    header_done(h);
    free(h);
    return 0;
}
