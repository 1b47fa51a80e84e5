#include "survey/core/jsonin.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "base/size.h"

struct jsonin {
    struct jsonin_calls calls;
    yajl_handle yajl;
    bool fresh;   /* nothing was fed since it was made or ended */
    bool told;    /* something was heard of the text being fed */
    bool value;   /* at least one value was whole */
    bool root;    /* jsonin_root was called for the object that is being opened */
    size_t quiet; /* bytes fed since something was heard: the length of a string so far */
    err_t failed;
    struct json_at at;
    bool array[JSONIN_DEPTH];
    char names[JSONIN_DEPTH][JSONIN_NAME_MAX];
};

/* Step numbers are mixed eight bytes at a time: a record has a hundred names. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t step_name(uint64_t h, struct str name)
{
    uint64_t word;
    h = mix(h, name.n);
    for (; name.n > 8; name = str_slice(name, 8, name.n)) {
        memcpy(&word, name.p, 8);
        h = mix(h, word);
    }
    word = 0;
    memcpy(&word, name.p, name.n);
    return mix(h, word);
}

static uint64_t step_index(uint64_t h)
{
    return mix(h, UINT64_MAX);
}

uint64_t json_path(const char *path)
{
    struct str rest = str_z(path), part;
    uint64_t h = 0;
    while (rest.n && str_split(&rest, '.', &part))
        h = str_eq(part, STR("#")) ? step_index(h) : step_name(h, part);
    return h;
}

static bool step_is(const struct json_at *at, unsigned i, struct str part)
{
    uint64_t index;
    if (str_eq(part, STR("*")))
        return true;
    if (at->keys[i].p)
        return str_eq(part, at->keys[i]);
    return str_eq(part, STR("#")) ||
           (str_to_u64(part, UINT32_MAX, &index) && index == at->index[i]);
}

bool json_at_is(const struct json_at *at, const char *path)
{
    struct str rest = str_z(path), part;
    unsigned i = 0;
    if (rest.n == 0)
        return at->depth == 0;
    while (str_split(&rest, '.', &part)) {
        if (i >= at->depth || !step_is(at, i, part))
            return false;
        i++;
    }
    return i == at->depth;
}

static int answer(struct jsonin *j, err_t e)
{
    j->failed = e;
    return e == OK;
}

/* Called before each value: in an array its place is the next one. */
static void arrive(struct jsonin *j)
{
    j->told = true;
    if (j->at.depth == 0)
        return;
    unsigned i = j->at.depth - 1;
    if (j->array[i])
        j->at.index[i]++;
}

static int scalar(struct jsonin *j, enum json_type type, struct str text)
{
    arrive(j);
    j->value = j->value || j->at.depth == 0;
    if (text.n > JSONIN_STRING_MAX)
        return answer(j, E_LIMIT);
    return answer(j, j->calls.value(j->calls.ctx, &j->at, type, text));
}

static int on_null(void *ctx)
{
    return scalar(ctx, JSON_NULL, STR("null"));
}

static int on_bool(void *ctx, int v)
{
    return scalar(ctx, JSON_BOOL, v ? STR("true") : STR("false"));
}

static int on_number(void *ctx, const char *p, size_t n)
{
    return scalar(ctx, JSON_NUMBER, str_of(p, n));
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    return scalar(ctx, JSON_STRING, str_of(p ? (const char *)p : "", n));
}

static int on_open(struct jsonin *j, bool array)
{
    arrive(j);
    if (j->at.depth == JSONIN_DEPTH)
        return answer(j, E_LIMIT);
    err_t e = j->calls.open ? j->calls.open(j->calls.ctx, &j->at, array) : OK;
    unsigned i = j->at.depth++;
    if (j->root)
        j->at.path[i] = 0;
    j->root = false;
    j->array[i] = array;
    j->at.keys[i] = array ? str_of(NULL, 0) : STR("");
    j->at.index[i] = UINT32_MAX; /* the first value makes it 0 */
    if (array)
        j->at.path[i + 1] = step_index(j->at.path[i]);
    return answer(j, e);
}

static int on_close(struct jsonin *j, bool array)
{
    j->told = true;
    unsigned i = --j->at.depth;
    j->value = j->value || i == 0;
    /* What was a root within an array is an element of it again. */
    if (i > 0 && j->array[i - 1])
        j->at.path[i] = step_index(j->at.path[i - 1]);
    return answer(j, j->calls.close ? j->calls.close(j->calls.ctx, &j->at, array) : OK);
}

static int on_open_object(void *ctx)
{
    return on_open(ctx, false);
}

static int on_open_array(void *ctx)
{
    return on_open(ctx, true);
}

static int on_close_object(void *ctx)
{
    return on_close(ctx, false);
}

static int on_close_array(void *ctx)
{
    return on_close(ctx, true);
}

static int on_name(void *ctx, const unsigned char *p, size_t n)
{
    struct jsonin *j = ctx;
    unsigned i = j->at.depth - 1;
    j->told = true;
    n = size_min(n, JSONIN_NAME_MAX);
    if (n)
        memcpy(j->names[i], p, n);
    j->at.keys[i] = str_of(j->names[i], n);
    j->at.path[i + 1] = step_name(j->at.path[i], j->at.keys[i]);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_name,
    .yajl_end_map = on_close_object,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close_array,
};

static err_t ready(struct jsonin *j)
{
    j->fresh = true;
    j->told = j->value = false;
    j->quiet = 0;
    j->failed = OK;
    j->at.depth = 0;
    j->at.path[0] = 0;
    if (j->yajl)
        return OK;
    j->yajl = yajl_alloc(&callbacks, NULL, j);
    if (!j->yajl)
        return E_NOMEM;
    /* One handle reads document after document: making one costs more than reading a record. */
    yajl_config(j->yajl, yajl_allow_multiple_values, 1);
    return OK;
}

err_t jsonin_new(const struct jsonin_calls *calls, struct jsonin **ret)
{
    struct jsonin *j = calloc(1, sizeof *j);
    if (!j)
        return E_NOMEM;
    j->calls = *calls;
    err_t e = ready(j);
    if (e != OK) {
        free(j);
        return e;
    }
    *ret = j;
    return OK;
}

void jsonin_free(struct jsonin *j)
{
    if (!j)
        return;
    if (j->yajl)
        yajl_free(j->yajl);
    free(j);
}

void jsonin_reset(struct jsonin *j)
{
    /* What yajl holds of a broken text cannot be told apart from what is whole. */
    if (!j->fresh && j->yajl) {
        yajl_free(j->yajl);
        j->yajl = NULL;
    }
    /* Without memory there is no handle, and feeding says so. */
    (void)!ready(j);
}

void jsonin_root(struct jsonin *j)
{
    j->root = true;
}

static err_t explain(struct jsonin *j, yajl_status s, struct diag *d)
{
    if (s == yajl_status_client_canceled && j->failed != OK)
        return j->failed == E_LIMIT
                   ? diag_set(d, E_LIMIT, "nested or long past what is read of JSON")
                   : j->failed;
    unsigned char *why = yajl_get_error(j->yajl, 0, NULL, 0);
    err_t e =
        diag_set(d, E_MALFORMED, "not JSON at byte %zu: %.*s", yajl_get_bytes_consumed(j->yajl),
                 why ? (int)strcspn((const char *)why, "\n") : 0, why ? (const char *)why : "");
    yajl_free_error(j->yajl, why);
    return j->failed = e;
}

static err_t feed(struct jsonin *j, struct str bytes, struct diag *d)
{
    if (!j->yajl)
        return E_NOMEM;
    if (j->failed != OK)
        return j->failed;
    j->fresh = j->told = false;
    yajl_status s = yajl_parse(j->yajl, (const unsigned char *)bytes.p, bytes.n);
    if (s != yajl_status_ok)
        return explain(j, s, d);
    j->quiet = j->told ? 0 : j->quiet + bytes.n;
    if (j->quiet > JSONIN_STRING_MAX)
        return j->failed = diag_set(d, E_LIMIT, "a text past what is read of JSON");
    return OK;
}

err_t jsonin_feed(struct jsonin *j, struct str bytes, struct diag *d)
{
    enum { PIECE = 1 << 20, AT_ONCE = 4 << 20 };
    /* A string that ends in a later piece is copied by yajl, and read again from its beginning with
     * each: piece by piece its length is seen, in not too many. */
    if (bytes.n <= AT_ONCE)
        return feed(j, bytes, d);
    for (; bytes.n; bytes = str_slice(bytes, PIECE, bytes.n))
        TRY(feed(j, str_slice(bytes, 0, PIECE), d));
    return OK;
}

err_t jsonin_end(struct jsonin *j, struct diag *d)
{
    /* A line's end completes a number and cannot stand in a string. */
    TRY(feed(j, STR("\n"), d));
    if (j->at.depth > 0 || !j->value)
        return j->failed = diag_set(d, E_MALFORMED, "not JSON: it ends too soon");
    return ready(j);
}

err_t jsonin_text(struct str text, const struct jsonin_calls *calls, struct diag *d)
{
    struct jsonin *j;
    TRY(jsonin_new(calls, &j));
    err_t e = jsonin_feed(j, text, d);
    if (e == OK)
        e = jsonin_end(j, d);
    jsonin_free(j);
    return e;
}
