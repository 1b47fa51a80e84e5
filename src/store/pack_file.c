#include "store/pack_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rd.h"
#include "io/clock.h"
#include "io/file.h"

enum { IDENTITY_SIZE = 64, MARK_AT = 512, MARK_SIZE = 32, CHECK_SIZE = 16, VERSION = 1 };

static const struct str HEADER_MAGIC = STR_INIT("LstrPack"), MARK_MAGIC = STR_INIT("LstrMark");

void pack_name(uint32_t number, char ret[PACK_NAME_SIZE])
{
    snprintf(ret, PACK_NAME_SIZE, "%08u.pack", (unsigned)(number % 100000000));
}

bool pack_name_read(const char *name, uint32_t *ret_number)
{
    struct str s = str_z(name), digits = str_slice(s, 0, 8);
    uint64_t n;
    if (s.n != 13 || !str_eq(str_slice(s, 8, 5), STR(".pack")) || !str_to_u64(digits, 99999999, &n))
        return false;
    *ret_number = (uint32_t)n;
    return n > 0;
}

/* Truncated HMAC over what was written so far. */
static err_t add_check(const struct key *k, struct wr *w)
{
    uint8_t mac[DIGEST_SIZE];
    TRY(crypto_hmac(k, wr_str(w), mac));
    wr_bytes(w, mac, CHECK_SIZE);
    return OK;
}

static err_t mark_bytes(const struct key *k, uint32_t number, uint64_t end,
                        uint8_t ret[MARK_SIZE + 4])
{
    struct wr w = wr_fixed(ret, MARK_SIZE + 4);
    wr_put(&w, MARK_MAGIC);
    wr_u64le(&w, end);
    wr_u32le(&w, number);
    return add_check(k, &w);
}

err_t pack_mark_write(int fd, const struct key *k, uint32_t number, uint64_t end, struct diag *d)
{
    uint8_t bytes[MARK_SIZE + 4];
    TRY(mark_bytes(k, number, end, bytes));
    return file_write_at(fd, MARK_AT, bytes, sizeof bytes, d);
}

err_t pack_header_write(int fd, const struct key *k, uint32_t number, struct diag *d)
{
    uint8_t buf[PACK_RECORDS_AT] = {0};
    struct wr w = wr_fixed(buf, sizeof buf);
    wr_put(&w, HEADER_MAGIC);
    wr_u32le(&w, VERSION);
    wr_u32le(&w, number);
    TRY(crypto_random(wr_reserve(&w, 16), 16));
    wr_u64le(&w, (uint64_t)clock_wall_us());
    TRY(add_check(k, &w));
    TRY(mark_bytes(k, number, PACK_RECORDS_AT, buf + MARK_AT));
    TRY(file_write_at(fd, 0, buf, sizeof buf, d));
    return file_sync(fd, d);
}

static err_t identity_read(const uint8_t *buf, const struct key *k, uint32_t number,
                           struct pack_header *ret, struct diag *d)
{
    uint8_t mac[DIGEST_SIZE];
    TRY(crypto_hmac(k, str_of(buf, 40), mac));
    struct rd r = rd_of(str_of(buf, IDENTITY_SIZE));
    bool magic = str_eq(rd_take(&r, HEADER_MAGIC.n), HEADER_MAGIC);
    uint32_t version = rd_u32le(&r), own = rd_u32le(&r);
    ret->damaged = !magic || !crypto_same(mac, buf + 40, CHECK_SIZE) || own != number;
    if (!ret->damaged && version != VERSION)
        return diag_set(d, E_UNSUPPORTED, "pack %u has format %u; this program knows %d",
                        (unsigned)number, (unsigned)version, VERSION);
    return OK;
}

static err_t mark_read(const uint8_t *buf, const struct key *k, uint32_t number, uint64_t size,
                       struct pack_header *ret)
{
    uint8_t want[MARK_SIZE + 4];
    struct rd r = rd_of(str_of(buf, MARK_SIZE));
    rd_skip(&r, MARK_MAGIC.n);
    uint64_t end = rd_u64le(&r);
    TRY(mark_bytes(k, number, end, want));
    bool good = crypto_same(want, buf, sizeof want);
    ret->marked = good && end >= PACK_RECORDS_AT && end <= size ? end : 0;
    return OK;
}

err_t pack_header_read(int fd, uint64_t size, const struct key *k, uint32_t number,
                       struct pack_header *ret, struct diag *d)
{
    uint8_t buf[MARK_AT + MARK_SIZE + 4] = {0};
    size_t n = size < sizeof buf ? (size_t)size : sizeof buf;
    *ret = (struct pack_header){0};
    TRY(file_read_at(fd, 0, buf, n, d));
    if (size < PACK_RECORDS_AT || (size == PACK_RECORDS_AT && bytes_zero(buf, sizeof buf))) {
        ret->fresh = true; /* the header is synced whole before the first record is written */
        return OK;
    }
    TRY(identity_read(buf, k, number, ret, d));
    return mark_read(buf + MARK_AT, k, number, size, ret);
}

static void free_found(struct pack_found *f)
{
    free(f->tombstones);
    *f = (struct pack_found){0};
}

static err_t add_tombstone(struct pack_found *f, const struct pack_keys *k, struct pack_item *item)
{
    err_t e = leader_open(k, item->bytes, &item->leader);
    f->damaged |= e == E_DAMAGED;
    if (e != OK)
        return e == E_DAMAGED ? OK : e;
    size_t n = (f->n_tombstones + 1) * sizeof *f->tombstones;
    struct pack_tombstone *more = realloc(f->tombstones, n);
    if (!more)
        return E_NOMEM;
    f->tombstones = more;
    struct pack_tombstone *t = &more[f->n_tombstones++];
    t->target = item->leader.target;
    memcpy(t->object_id, item->leader.object_id, OBJECT_ID_SIZE);
    return OK;
}

/* A tail without a leader that checks. Torn when the leader never got there as a whole; else
 * somebody's record is damaged, and stays. */
static bool gap_is_torn(const struct pack_keys *k, const struct pack_item *gap)
{
    struct leader l;
    if (gap->end - gap->at < LEADER_SIZE || leader_unwritten(gap->bytes))
        return true;
    return leader_read(k, gap->at, gap->bytes, &l) == OK; /* it reaches past the file's end */
}

/* The last record was perhaps being synced when the crash came: its leader may be there and its
 * chunks not. */
static err_t last_is_torn(int fd, const struct pack_keys *k, struct pack_item *last, bool *ret_torn,
                          bool *ret_damaged, struct diag *d)
{
    *ret_torn = false;
    if (last->leader.kind != RECORD_OBJECT || last->leader.removed)
        return OK;
    err_t e = leader_open(k, last->bytes, &last->leader);
    if (e == OK)
        e = pack_chunks_check(fd, &last->leader, ret_torn, d);
    else
        *ret_torn = leader_unwritten(last->bytes);
    key_wipe(&last->leader.key);
    *ret_damaged |= e == E_DAMAGED && !*ret_torn;
    return e == E_DAMAGED || e == E_IO ? OK : e;
}

static err_t walk_to_end(struct pack_walk *w, struct pack_found *f, struct pack_item *last,
                         struct diag *d)
{
    for (struct pack_item item = {0};;) {
        bool more;
        TRY(pack_walk_next(w, &item, &more, d));
        if (!more)
            return OK;
        f->whole += item.whole;
        f->damaged |= !item.whole && item.end < w->limit;
        if (item.whole && item.leader.kind == RECORD_TOMBSTONE)
            TRY(add_tombstone(f, w->keys, &item));
        *last = item;
    }
}

static err_t find_end(struct pack_walk *w, struct pack_found *f, struct diag *d)
{
    struct pack_item last = {.end = w->at, .at = w->at, .whole = true, .leader.removed = true};
    bool torn = false;
    uint64_t size = w->limit;
    TRY(walk_to_end(w, f, &last, d));
    if (last.whole)
        TRY(last_is_torn(w->fd, w->keys, &last, &torn, &f->damaged, d));
    else
        torn = gap_is_torn(w->keys, &last);
    /* What the disk could not read was perhaps acknowledged: it is never cut. */
    torn = torn && !w->unreadable;
    f->damaged |= w->unreadable || (!last.whole && !torn);
    f->end = torn ? last.at : (size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    f->torn = torn ? size - last.at : 0;
    return OK;
}

err_t pack_find_end(int fd, const struct pack_keys *k, uint64_t from, uint64_t size,
                    struct pack_found *ret, struct diag *d)
{
    struct pack_walk w;
    struct pack_found f = {0};
    TRY(pack_walk_init(&w, fd, k, from, size));
    err_t e = find_end(&w, &f, d);
    pack_walk_done(&w);
    if (e != OK)
        free_found(&f);
    else
        *ret = f;
    return e;
}
