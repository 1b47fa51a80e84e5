#include "store/pack_record.h"

#include "base/rd.h"
#include "base/size.h"

enum { CHECK_SIZE = 16, AT_CHECK = 64 };

static const char MAGIC[8] = {'L', 's', 't', 'r', 'R', 'e', 'c', 1};

err_t pack_keys_derive(const struct key *set, uint32_t pack, struct pack_keys *ret)
{
    /* Derived from the number, not from bytes in the file's header: a damaged header costs no
     * object.
     */
    char buf[32];
    struct wr label = wr_fixed(buf, sizeof buf);
    wr_printf(&label, "pack %u leader", (unsigned)pack);
    TRY(crypto_derive(set, wr_str(&label), &ret->leader));
    wr_clear(&label);
    wr_printf(&label, "pack %u wrap", (unsigned)pack);
    return crypto_derive(set, wr_str(&label), &ret->wrap);
}

static void write_public(const struct leader *l, struct wr *w)
{
    wr_bytes(w, MAGIC, sizeof MAGIC);
    wr_u8(w, (uint8_t)l->kind);
    wr_fill(w, 0, 3);
    wr_u32le(w, l->flags);
    wr_bytes(w, l->object_id, sizeof l->object_id);
    wr_u64le(w, l->offset);
    wr_u64le(w, l->head_size);
    wr_u64le(w, l->size);
    wr_u64le(w, (uint64_t)l->received_us);
}

static void write_secret(const struct leader *l, struct wr *w)
{
    if (l->kind == RECORD_TOMBSTONE) {
        wr_u32le(w, l->target.pack);
        wr_u64le(w, l->target.offset);
        wr_fill(w, 0, KEY_SIZE + DIGEST_SIZE - 12);
        return;
    }
    wr_bytes(w, l->key.bytes, KEY_SIZE);
    wr_bytes(w, l->digest, DIGEST_SIZE);
}

static err_t leader_check(const struct pack_keys *k, const uint8_t *bytes, uint8_t *ret)
{
    uint8_t mac[DIGEST_SIZE];
    TRY(crypto_hmac(&k->leader, str_of(bytes, LEADER_PUBLIC), mac));
    memcpy(ret, mac, CHECK_SIZE);
    return OK;
}

err_t leader_write(const struct pack_keys *k, const struct leader *l, uint8_t ret[LEADER_SIZE])
{
    struct wr w = wr_fixed(ret, LEADER_SIZE);
    write_public(l, &w);
    TRY(leader_check(k, ret, wr_reserve(&w, CHECK_SIZE)));
    uint8_t *nonce = wr_reserve(&w, NONCE_SIZE);
    TRY(crypto_random(nonce, NONCE_SIZE));
    uint8_t *secret = ret + w.n;
    write_secret(l, &w);
    struct aead *a;
    TRY(aead_new(&k->wrap, &a));
    err_t e = aead_seal(a, nonce, str_of(ret, LEADER_SECRET),
                        str_of(secret, KEY_SIZE + DIGEST_SIZE), secret);
    aead_free(a);
    (void)wr_reserve(&w, TAG_SIZE);
    wr_fill(&w, 0, LEADER_SIZE - w.n);
    return e;
}

bool leader_like(const uint8_t *bytes)
{
    return memcmp(bytes, MAGIC, sizeof MAGIC) == 0;
}

bool leader_unwritten(const uint8_t bytes[LEADER_SIZE])
{
    /* Each 64-byte piece of a written leader holds something: magic, check, sealed secret. Sectors
     * end at multiples of 64, so one that never reached the disk leaves a whole piece empty. */
    for (size_t at = 0; at < LEADER_SIZE; at += RECORD_ALIGN)
        if (bytes_zero(bytes + at, RECORD_ALIGN))
            return true;
    return false;
}

static err_t read_public(const uint8_t *bytes, struct leader *ret)
{
    struct rd r = rd_of(str_of(bytes, LEADER_PUBLIC));
    rd_skip(&r, sizeof MAGIC);
    uint8_t kind = rd_u8(&r);
    rd_skip(&r, 3);
    ret->kind = (enum record_kind)kind;
    ret->flags = rd_u32le(&r);
    memcpy(ret->object_id, rd_take(&r, OBJECT_ID_SIZE).p, OBJECT_ID_SIZE);
    ret->offset = rd_u64le(&r);
    ret->head_size = rd_u64le(&r);
    ret->size = rd_u64le(&r);
    ret->received_us = (int64_t)rd_u64le(&r);
    if (kind != RECORD_OBJECT && kind != RECORD_TOMBSTONE)
        return E_DAMAGED;
    if (ret->head_size > PACK_HEAD_MAX || ret->size < ret->head_size || ret->size >> 62)
        return E_DAMAGED;
    return kind == RECORD_TOMBSTONE && ret->size ? E_DAMAGED : OK;
}

err_t leader_read(const struct pack_keys *k, uint64_t offset, const uint8_t bytes[LEADER_SIZE],
                  struct leader *ret)
{
    uint8_t check[CHECK_SIZE];
    if (!leader_like(bytes))
        return E_DAMAGED;
    TRY(leader_check(k, bytes, check));
    if (!crypto_same(check, bytes + AT_CHECK, CHECK_SIZE))
        return E_DAMAGED;
    struct leader l = {0};
    TRY(read_public(bytes, &l));
    if (l.offset != offset)
        return E_DAMAGED;
    l.removed = bytes_zero(bytes + LEADER_SECRET, LEADER_SECRET_SIZE);
    *ret = l;
    return OK;
}

err_t leader_open(const struct pack_keys *k, const uint8_t bytes[LEADER_SIZE], struct leader *l)
{
    if (l->removed)
        return E_NOTFOUND;
    uint8_t secret[KEY_SIZE + DIGEST_SIZE];
    struct aead *a;
    TRY(aead_new(&k->wrap, &a));
    err_t e =
        aead_open(a, bytes + LEADER_SECRET, str_of(bytes, LEADER_SECRET),
                  str_of(bytes + LEADER_SECRET + NONCE_SIZE, sizeof secret + TAG_SIZE), secret);
    aead_free(a);
    TRY(e);
    struct rd r = rd_of(str_of(secret, sizeof secret));
    if (l->kind == RECORD_TOMBSTONE) {
        l->target.pack = rd_u32le(&r);
        l->target.offset = rd_u64le(&r);
        return OK;
    }
    memcpy(l->key.bytes, rd_take(&r, KEY_SIZE).p, KEY_SIZE);
    memcpy(l->digest, rd_take(&r, DIGEST_SIZE).p, DIGEST_SIZE);
    explicit_bzero(secret, sizeof secret);
    return OK;
}

void chunk_nonce(enum record_part part, uint64_t i, uint8_t ret[NONCE_SIZE])
{
    /* A counter is safe: the key is this object's own and each nonce is used once. */
    struct wr w = wr_fixed(ret, NONCE_SIZE);
    wr_u32le(&w, (uint32_t)part);
    wr_u64le(&w, i);
}

void chunk_find(const struct leader *l, uint64_t at, struct chunk *ret)
{
    bool head = at < l->head_size;
    uint64_t first = head ? 0 : l->head_size, part = head ? l->head_size : l->size - first;
    uint64_t i = (at - first) / PACK_CHUNK, left = part - i * PACK_CHUNK;
    *ret = (struct chunk){
        .at = first + i * PACK_CHUNK,
        .n = left < PACK_CHUNK ? (size_t)left : PACK_CHUNK,
        .place =
            l->offset + LEADER_SIZE + (head ? 0 : part_sealed(l->head_size)) + i * CHUNK_SEALED,
    };
    chunk_nonce(head ? PART_HEAD : PART_BODY, i, ret->nonce);
}

void leader_info(const struct leader *l, uint32_t pack, struct pack_info *ret)
{
    *ret = (struct pack_info){
        .place = {pack, l->offset},
        .head_size = l->head_size,
        .size = l->size,
        .received_us = l->received_us,
        .flags = l->flags,
        .end = l->offset + record_size(l->head_size, l->size),
    };
    memcpy(ret->object_id, l->object_id, OBJECT_ID_SIZE);
    if (l->kind == RECORD_OBJECT && !l->removed)
        memcpy(ret->digest, l->digest, DIGEST_SIZE);
}
