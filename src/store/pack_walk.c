/* The walk over a pack's records, trusting nothing that does not check. */
#include <stdlib.h>

#include "base/size.h"
#include "io/file.h"
#include "store/pack_file.h"

enum { AHEAD = 128 << 10, SPARSE = 4096, SECTOR = 512 };

err_t pack_walk_init(struct pack_walk *w, int fd, const struct pack_keys *k, uint64_t from,
                     uint64_t limit)
{
    uint64_t at = from < PACK_RECORDS_AT ? PACK_RECORDS_AT : from;
    at = at >= limit ? limit : (at + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    *w = (struct pack_walk){
        .fd = fd, .keys = k, .at = at, .limit = limit, .buf = malloc(AHEAD + LEADER_SIZE)};
    return w->buf ? OK : E_NOMEM;
}

void pack_walk_done(struct pack_walk *w)
{
    free(w->buf);
    w->buf = NULL;
}

/* Reads n bytes; what the disk refuses counts as zeros, by blocks, so that one bad block does not
 * hide what follows it. */
static err_t read_hard(struct pack_walk *w, uint64_t at, uint8_t *buf, size_t n, struct diag *d)
{
    err_t e = file_read_at(w->fd, at, buf, n, d);
    if (e != E_IO || n <= SECTOR) {
        w->unreadable |= e == E_IO;
        if (e == E_IO)
            memset(buf, 0, n);
        return e == E_IO ? OK : e;
    }
    for (size_t i = 0; i < n; i += SECTOR) {
        size_t part = size_min(SECTOR, n - i);
        if (file_read_at(w->fd, at + i, buf + i, part, NULL) == OK)
            continue;
        memset(buf + i, 0, part);
        w->unreadable = true;
    }
    return OK;
}

/* A leader's bytes at a place, zeros where the limit cuts them off. */
static err_t view(struct pack_walk *w, uint64_t at, size_t ahead, const uint8_t **ret,
                  struct diag *d)
{
    uint64_t end = w->limit - at < LEADER_SIZE ? w->limit : at + LEADER_SIZE;
    if (at < w->buf_at || end > w->buf_at + w->buf_n) {
        size_t n = w->limit - at < ahead ? (size_t)(w->limit - at) : ahead;
        w->buf_n = 0;
        TRY(read_hard(w, at, w->buf, n, d));
        w->buf_at = at;
        w->buf_n = n;
    }
    size_t from = (size_t)(at - w->buf_at), have = (size_t)(end - at);
    if (have < LEADER_SIZE)
        memset(w->buf + from + have, 0, LEADER_SIZE - have);
    *ret = w->buf + from;
    return OK;
}

/* A leader that checks, of a record that ends inside the limit. */
static bool whole_at(const struct pack_walk *w, uint64_t at, const uint8_t *bytes,
                     struct leader *ret, uint64_t *ret_end)
{
    struct leader l;
    if (w->limit - at < LEADER_SIZE || leader_read(w->keys, at, bytes, &l) != OK)
        return false;
    uint64_t n = record_size(l.head_size, l.size);
    if (n > w->limit - at)
        return false;
    *ret = l;
    *ret_end = at + n;
    return true;
}

/* Looks for the next leader after damage at `at`: a whole pack can be read faster than its loss
 * would be explained. */
static err_t resync(struct pack_walk *w, uint64_t at, uint64_t *ret_next, struct diag *d)
{
    struct leader l;
    uint64_t end;
    for (at += RECORD_ALIGN; at < w->limit && w->limit - at >= LEADER_SIZE; at += RECORD_ALIGN) {
        const uint8_t *p;
        TRY(view(w, at, AHEAD, &p, d));
        if (!leader_like(p) || !whole_at(w, at, p, &l, &end))
            continue;
        *ret_next = at;
        return OK;
    }
    *ret_next = w->limit;
    return OK;
}

err_t pack_walk_next(struct pack_walk *w, struct pack_item *ret, bool *ret_more, struct diag *d)
{
    *ret_more = w->at < w->limit;
    if (!*ret_more)
        return OK;
    const uint8_t *p;
    struct pack_item item = {.at = w->at};
    TRY(view(w, w->at, w->sparse ? SPARSE : AHEAD, &p, d));
    memcpy(item.bytes, p, LEADER_SIZE);
    item.whole = whole_at(w, w->at, p, &item.leader, &item.end);
    if (!item.whole)
        TRY(resync(w, w->at, &item.end, d));
    w->sparse = item.end - item.at > AHEAD / 2;
    w->at = item.end;
    *ret = item;
    return OK;
}

/* Sealed bytes are random: a sector of zeros among them was never written. */
static bool has_empty_sector(uint64_t place, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t part = size_min(SECTOR - (size_t)((place + i) % SECTOR), n - i), zeros = 0;
        while (zeros < part && p[i + zeros] == 0)
            zeros++;
        if (zeros == part && part >= TAG_SIZE)
            return true;
        i += part;
    }
    return false;
}

err_t pack_chunks_check(int fd, const struct leader *l, bool *ret_unwritten, struct diag *d)
{
    struct aead *a;
    uint8_t *buf = malloc(CHUNK_SEALED);
    err_t e = buf ? aead_new(&l->key, &a) : E_NOMEM;
    if (e != OK) {
        free(buf);
        return e;
    }
    *ret_unwritten = false;
    struct chunk c;
    for (uint64_t at = 0; e == OK && at < l->size; at = c.at + c.n) {
        chunk_find(l, at, &c);
        e = file_read_at(fd, c.place, buf, c.n + TAG_SIZE, d);
        bool empty = e == OK && has_empty_sector(c.place, buf, c.n + TAG_SIZE);
        if (e == OK)
            e = aead_open(a, c.nonce, str_of(NULL, 0), str_of(buf, c.n + TAG_SIZE), buf);
        *ret_unwritten = e == E_DAMAGED && empty;
    }
    aead_free(a);
    free(buf);
    return e;
}
