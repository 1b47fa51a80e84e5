/* Reading one object: leader and first chunks come in one read; after that one read a chunk. */
#include <stdlib.h>

#include "base/size.h"
#include "io/file.h"
#include "store/pack_set.h"

enum { WINDOW = LEADER_SIZE + CHUNK_SEALED };

struct pack_reader {
    struct packs *set;
    struct pack *pack;
    struct leader leader;
    struct aead *aead;
    struct pack_info info;
    struct diag diag;
    /* Sealed bytes of the pack, as last read. */
    uint8_t *window;
    uint64_t window_at;
    size_t window_n;
    /* The last chunk that was opened for a part of its bytes. */
    uint8_t *plain;
    uint64_t plain_at;
    size_t plain_n;
};

/* n sealed bytes at a place of the pack, in the window. */
static err_t fetch(struct pack_reader *r, uint64_t place, size_t n, const uint8_t **ret)
{
    if (place < r->window_at || place + n > r->window_at + r->window_n) {
        size_t got;
        r->window_n = 0;
        TRY(file_read_some(r->pack->fd, place, r->window, WINDOW, &got, &r->diag));
        r->window_at = place;
        r->window_n = got;
    }
    if (place + n > r->window_at + r->window_n)
        return diag_set(&r->diag, E_DAMAGED, "pack %u ends inside the object at %llu",
                        (unsigned)r->pack->number, (unsigned long long)r->leader.offset);
    *ret = r->window + (place - r->window_at);
    return OK;
}

/* A live object's leader, secret and all. */
static err_t leader_check_all(const struct pack_keys *k, uint64_t offset, const uint8_t *bytes,
                              struct leader *ret)
{
    TRY(leader_read(k, offset, bytes, ret));
    return ret->kind == RECORD_OBJECT ? leader_open(k, bytes, ret) : E_NOTFOUND;
}

static err_t read_leader(struct pack_reader *r, uint64_t offset)
{
    uint64_t size;
    const uint8_t *bytes;
    TRY(file_size(r->pack->fd, &size, &r->diag));
    if (offset < PACK_RECORDS_AT || offset % RECORD_ALIGN || size < LEADER_SIZE ||
        offset > size - LEADER_SIZE)
        return diag_set(&r->diag, E_NOTFOUND, "there is no object at %llu in pack %u",
                        (unsigned long long)offset, (unsigned)r->pack->number);
    err_t e = E_DAMAGED;
    /* One that does not check may just be being removed, and is looked at again. */
    for (int i = 0; i < 2 && e == E_DAMAGED; i++) {
        r->window_n = 0;
        TRY(fetch(r, offset, LEADER_SIZE, &bytes));
        e = leader_check_all(&r->pack->keys, offset, bytes, &r->leader);
    }
    if (e != OK)
        return diag_set(&r->diag, e, "the object at %llu in pack %u is %s",
                        (unsigned long long)offset, (unsigned)r->pack->number,
                        e == E_NOTFOUND ? "removed" : "damaged in its leader");
    leader_info(&r->leader, r->pack->number, &r->info);
    return aead_new(&r->leader.key, &r->aead);
}

void pack_reader_free(struct pack_reader *r)
{
    if (!r)
        return;
    if (r->pack)
        pack_unuse(r->set, r->pack);
    aead_free(r->aead);
    key_wipe(&r->leader.key);
    free(r->window);
    free(r->plain);
    free(r);
}

err_t pack_read(struct packs *p, struct pack_place at, struct pack_reader **ret, struct diag *d)
{
    struct pack_reader *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->set = p;
    r->window = malloc(WINDOW);
    err_t e = r->window ? pack_use(p, at.pack, &r->pack, &r->diag) : E_NOMEM;
    if (e == OK)
        e = read_leader(r, at.offset);
    if (e != OK) {
        diag_set(d, e, "%s", diag_text(&r->diag, e));
        pack_reader_free(r);
        return e;
    }
    *ret = r;
    return OK;
}

const struct pack_info *pack_reader_info(const struct pack_reader *r)
{
    return &r->info;
}

const struct diag *pack_reader_diag(const struct pack_reader *r)
{
    return &r->diag;
}

/* A chunk that does not check: was the object removed while we read it? */
static err_t explain(struct pack_reader *r, const struct chunk *c)
{
    uint8_t bytes[LEADER_SIZE];
    struct leader l;
    if (file_read_at(r->pack->fd, r->leader.offset, bytes, LEADER_SIZE, NULL) == OK &&
        leader_read(&r->pack->keys, r->leader.offset, bytes, &l) == OK && l.removed)
        return diag_set(&r->diag, E_NOTFOUND, "the object was removed while it was read");
    return diag_set(
        &r->diag, E_DAMAGED, "the object at %llu in pack %u is damaged at its byte %llu",
        (unsigned long long)r->leader.offset, (unsigned)r->pack->number, (unsigned long long)c->at);
}

static err_t open_chunk(struct pack_reader *r, const struct chunk *c, uint8_t *out)
{
    const uint8_t *sealed;
    TRY(fetch(r, c->place, c->n + TAG_SIZE, &sealed));
    err_t e = aead_open(r->aead, c->nonce, str_of(NULL, 0), str_of(sealed, c->n + TAG_SIZE), out);
    return e == E_DAMAGED ? explain(r, c) : e;
}

/* Part of a chunk: opened aside and kept, since the next call likely wants its next part. */
static err_t read_part(struct pack_reader *r, uint64_t at, uint8_t *buf, size_t n, size_t *ret_n)
{
    if (at < r->plain_at || at >= r->plain_at + r->plain_n) {
        struct chunk c;
        chunk_find(&r->leader, at, &c);
        if (!r->plain)
            r->plain = malloc(PACK_CHUNK);
        if (!r->plain)
            return E_NOMEM;
        r->plain_n = 0;
        TRY(open_chunk(r, &c, r->plain));
        r->plain_at = c.at;
        r->plain_n = c.n;
    }
    size_t from = (size_t)(at - r->plain_at), part = size_min(n, r->plain_n - from);
    memcpy(buf, r->plain + from, part);
    *ret_n = part;
    return OK;
}

err_t pack_read_at(struct pack_reader *r, uint64_t at, void *buf, size_t n, size_t *ret_n)
{
    uint8_t *out = buf;
    size_t done = 0, part;
    for (; done < n && at < r->leader.size; done += part, at += part) {
        struct chunk c;
        chunk_find(&r->leader, at, &c);
        if (c.at != at || c.n > n - done) {
            TRY(read_part(r, at, out + done, n - done, &part));
            continue;
        }
        TRY(open_chunk(r, &c, out + done));
        part = c.n;
    }
    *ret_n = done;
    return OK;
}

static err_t check_all(struct pack_reader *r, struct diag *d)
{
    uint8_t *buf = malloc(PACK_CHUNK);
    err_t e = buf ? OK : E_NOMEM;
    struct chunk c;
    for (uint64_t at = 0; e == OK && at < r->leader.size; at = c.at + c.n) {
        chunk_find(&r->leader, at, &c);
        e = open_chunk(r, &c, buf);
    }
    free(buf);
    return e == OK ? OK : diag_set(d, e, "%s", diag_text(&r->diag, e));
}

err_t pack_check(struct packs *p, struct pack_place at, struct diag *d)
{
    struct pack_reader *r;
    TRY(pack_read(p, at, &r, d));
    err_t e = check_all(r, d);
    pack_reader_free(r);
    return e;
}
