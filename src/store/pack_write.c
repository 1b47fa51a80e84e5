/* Writing one object. Its bytes are encrypted in place in one buffer, in the order in which they
 * stand on disk. What fits the buffer needs no pack before the commit and goes out in one write; of
 * a longer object the place of the leader stays empty until the commit. */
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/file.h"
#include "store/pack_set.h"

/* What is written of a long object is sent on to the disk while more of it comes, so that the
 * commit's sync has less to wait for, and the system holds little of it in memory. Measured in
 * pairs with one sender of 525 kB objects: 678/s against 641/s without, and up to half as fast
 * again on a slower disk or at 100 MB. */
enum { WRITE_OUT = 128 << 10 };

struct pack_writer {
    struct packs *set;
    struct pack *pack; /* leased; NULL while everything is still in the buffer */
    struct aead *aead;
    struct leader leader;
    uint8_t *buf;
    size_t n;              /* bytes in buf, an unfinished chunk's plain bytes among them */
    size_t fill;           /* of those */
    uint64_t at;           /* buf's place in the pack; 0 while there is none */
    uint64_t written_out;  /* what stands before it in the pack is on its way to the disk */
    enum record_part part; /* being written */
    uint64_t chunk;        /* number of the one being filled */
    bool exposed;          /* the leader may be in the pack */
    err_t error;
    struct diag diag;
};

static void writer_free(struct pack_writer *w)
{
    if (!w)
        return;
    packs_buf_put(w->set, w->buf);
    aead_free(w->aead);
    key_wipe(&w->leader.key);
    free(w);
}

static err_t writer_init(struct pack_writer *w)
{
    w->buf = packs_buf_get(w->set);
    if (!w->buf)
        return E_NOMEM;
    w->n = LEADER_SIZE;
    w->leader.kind = RECORD_OBJECT;
    w->leader.received_us = clock_wall_us();
    TRY(crypto_random(w->leader.object_id, OBJECT_ID_SIZE));
    TRY(crypto_random(w->leader.key.bytes, KEY_SIZE));
    return aead_new(&w->leader.key, &w->aead);
}

err_t pack_begin(struct packs *p, struct pack_writer **ret, struct diag *d)
{
    if (p->o.read_only)
        return diag_set(d, E_DENIED, "the packs are open for reading only");
    struct pack_writer *w = calloc(1, sizeof *w);
    if (!w)
        return E_NOMEM;
    w->set = p;
    err_t e = writer_init(w);
    if (e != OK) {
        writer_free(w);
        return e;
    }
    *ret = w;
    return OK;
}

/* Writes out what is finished. Only at chunk borders. */
static err_t flush(struct pack_writer *w)
{
    size_t skip = 0;
    if (!w->pack) {
        TRY(pack_lease(w->set, &w->pack, &w->diag));
        w->at = w->leader.offset = w->written_out = w->pack->end;
        skip = LEADER_SIZE;
    }
    TRY(pack_room(w->set, w->pack, w->at + w->n, &w->diag));
    TRY(file_write_at(w->pack->fd, w->at + skip, w->buf + skip, w->n - skip, &w->diag));
    w->at += w->n;
    w->n = 0;
    if (w->at - w->written_out >= WRITE_OUT) {
        file_write_out(w->pack->fd, w->written_out, w->at - w->written_out);
        w->written_out = w->at;
    }
    return OK;
}

/* Encrypts the chunk that src holds to the buffer's end; src may be its own place there. */
static err_t seal(struct pack_writer *w, const void *src, size_t n)
{
    uint8_t nonce[NONCE_SIZE];
    chunk_nonce(w->part, w->chunk++, nonce);
    uint8_t *out = w->buf + w->n - w->fill;
    TRY(aead_seal(w->aead, nonce, str_of(NULL, 0), str_of(src, n), out));
    w->n += n - w->fill + TAG_SIZE;
    w->fill = 0;
    return OK;
}

static err_t seal_rest(struct pack_writer *w)
{
    return w->fill ? seal(w, w->buf + w->n - w->fill, w->fill) : OK;
}

static err_t add_some(struct pack_writer *w, struct str *bytes)
{
    /* Room for a chunk, its tag, and the record's padding. */
    if (w->fill == 0 && WRITE_BUF - w->n < CHUNK_SEALED + RECORD_ALIGN)
        TRY(flush(w));
    if (w->fill == 0 && bytes->n >= PACK_CHUNK) {
        TRY(seal(w, bytes->p, PACK_CHUNK));
        *bytes = str_slice(*bytes, PACK_CHUNK, bytes->n);
        return OK;
    }
    size_t n = size_min(PACK_CHUNK - w->fill, bytes->n);
    memcpy(w->buf + w->n, bytes->p, n);
    w->n += n;
    w->fill += n;
    *bytes = str_slice(*bytes, n, bytes->n);
    return w->fill == PACK_CHUNK ? seal_rest(w) : OK;
}

static err_t add(struct pack_writer *w, struct str bytes)
{
    if (w->error != OK)
        return w->error;
    w->leader.size += bytes.n;
    while (bytes.n > 0 && w->error == OK)
        w->error = add_some(w, &bytes);
    return w->error;
}

err_t pack_head(struct pack_writer *w, struct str head)
{
    if (w->error == OK && (w->part != PART_HEAD || w->leader.size > 0))
        w->error = diag_set(&w->diag, E_USAGE, "an object has one header part, and it comes first");
    if (w->error == OK && head.n > PACK_HEAD_MAX)
        w->error = diag_set(&w->diag, E_LIMIT, "an object's header part is over %d bytes",
                            (int)PACK_HEAD_MAX);
    TRY(add(w, head));
    w->leader.head_size = head.n;
    w->error = seal_rest(w);
    w->part = PART_BODY;
    w->chunk = 0;
    return w->error;
}

err_t pack_body(struct pack_writer *w, struct str bytes)
{
    if (w->part == PART_HEAD)
        TRY(pack_head(w, str_of("", 0)));
    return add(w, bytes);
}

const struct diag *pack_writer_diag(const struct pack_writer *w)
{
    return &w->diag;
}

/* The leader's place, the record's first bytes: in the buffer, or left empty in the pack. */
static err_t write_record(struct pack_writer *w)
{
    size_t end = (w->n + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    bool whole = w->pack == NULL;
    if (whole) {
        TRY(pack_lease(w->set, &w->pack, &w->diag));
        w->at = w->leader.offset = w->pack->end;
    } else {
        end = (size_t)(w->leader.offset + record_size(w->leader.head_size, w->leader.size) - w->at);
    }
    memset(w->buf + w->n, 0, end - w->n);
    w->n = end;
    TRY(pack_room(w->set, w->pack, w->at + w->n, &w->diag));
    uint8_t leader[LEADER_SIZE];
    TRY(leader_write(&w->pack->keys, &w->leader, leader));
    if (whole)
        memcpy(w->buf, leader, LEADER_SIZE);
    w->exposed = true;
    TRY(file_write_at(w->pack->fd, w->at, w->buf, w->n, &w->diag));
    return whole ? OK : file_write_at(w->pack->fd, w->leader.offset, leader, LEADER_SIZE, &w->diag);
}

static err_t commit(struct pack_writer *w, const uint8_t *digest, uint32_t flags)
{
    TRY(w->error);
    if (w->part == PART_HEAD)
        TRY(pack_head(w, str_of("", 0)));
    TRY(seal_rest(w));
    memcpy(w->leader.digest, digest, DIGEST_SIZE);
    w->leader.flags = flags;
    TRY(write_record(w));
    TRY(pack_mark(w->set, w->pack, &w->diag));
    return file_sync(w->pack->fd, &w->diag);
}

/* Undoes what was written. */
static void give_up(struct pack_writer *w)
{
    if (!w->pack)
        return;
    pack_cut(w->set, w->pack, w->exposed);
    pack_release(w->set, w->pack, w->pack->end);
}

err_t pack_commit(struct pack_writer *w, const uint8_t digest[DIGEST_SIZE], uint32_t flags,
                  struct pack_info *ret, struct diag *d)
{
    err_t e = commit(w, digest, flags);
    if (e == OK) {
        leader_info(&w->leader, w->pack->number, ret);
        pack_release(w->set, w->pack, ret->end);
    } else {
        diag_set(d, e, "%s", diag_text(&w->diag, e));
        give_up(w);
    }
    writer_free(w);
    return e;
}

void pack_abandon(struct pack_writer *w)
{
    if (!w)
        return;
    give_up(w);
    writer_free(w);
}
