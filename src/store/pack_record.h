/* The record of a pack, byte for byte: leader, chunk arithmetic, keys. Internal to `store`.
 * The layout is docs/formats.md, "Packs"; this file and that page change together.
 */
#ifndef LASTRA_STORE_PACK_RECORD_H
#define LASTRA_STORE_PACK_RECORD_H

#include "store/pack.h"

enum {
    RECORD_ALIGN = 64, /* records begin at multiples, so that a lost one can be looked for */
    LEADER_SIZE = 192,
    LEADER_PUBLIC = 64, /* what its check covers */
    LEADER_SECRET = 80, /* where nonce and sealed secret stand */
    LEADER_SECRET_SIZE = NONCE_SIZE + KEY_SIZE + DIGEST_SIZE + TAG_SIZE,
    CHUNK_SEALED = PACK_CHUNK + TAG_SIZE,
};

enum record_kind { RECORD_OBJECT = 1, RECORD_TOMBSTONE = 2 };
enum record_part { PART_HEAD, PART_BODY };

/* The keys of one pack, both derived from the set's key and the pack's number. */
struct pack_keys {
    struct key leader; /* of the leaders' checks */
    struct key wrap;   /* of the secrets in them */
};
err_t pack_keys_derive(const struct key *set, uint32_t pack, struct pack_keys *ret) MUST_CHECK;

/* A leader in memory. */
struct leader {
    enum record_kind kind;
    uint32_t flags;
    uint8_t object_id[OBJECT_ID_SIZE];
    uint64_t offset; /* its own place in the pack */
    uint64_t head_size, size;
    int64_t received_us;
    bool removed; /* the secret is gone */
    union {
        struct {
            struct key key; /* of the object's chunks */
            uint8_t digest[DIGEST_SIZE];
        };
        struct pack_place target; /* tombstone: what it removes */
    };
};

/* Bytes of a part of n bytes on disk. */
static inline uint64_t part_sealed(uint64_t n)
{
    return n + (n + PACK_CHUNK - 1) / PACK_CHUNK * TAG_SIZE;
}

/* Bytes of the whole record, up to the next one's begin. */
static inline uint64_t record_size(uint64_t head_size, uint64_t size)
{
    uint64_t n = LEADER_SIZE + part_sealed(head_size) + part_sealed(size - head_size);
    return (n + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

/* Writes it under a fresh random nonce. */
err_t leader_write(const struct pack_keys *k, const struct leader *l,
                   uint8_t ret[LEADER_SIZE]) MUST_CHECK;

/* Reads and checks the part that stays after a removal; E_DAMAGED when it is no leader of this pack
 * and offset, or its sizes are not possible. Says whether it is removed; does not open the secret.
 */
err_t leader_read(const struct pack_keys *k, uint64_t offset, const uint8_t bytes[LEADER_SIZE],
                  struct leader *ret) MUST_CHECK;
/* Opens the secret: key and digest, or a tombstone's target. E_DAMAGED; E_NOTFOUND when removed. */
err_t leader_open(const struct pack_keys *k, const uint8_t bytes[LEADER_SIZE],
                  struct leader *l) MUST_CHECK;

static inline bool bytes_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

/* Whether the bytes begin like a leader: a cheap test before the check. */
bool leader_like(const uint8_t *bytes);
/* Whether bytes that should be a leader were never written, wholly or by sectors: a crash did it.
 */
bool leader_unwritten(const uint8_t bytes[LEADER_SIZE]);

/* The nonce of a part's chunk i. */
void chunk_nonce(enum record_part part, uint64_t i, uint8_t ret[NONCE_SIZE]);

/* One chunk of an object. */
struct chunk {
    uint64_t at;    /* where it begins in the object */
    size_t n;       /* its plain bytes */
    uint64_t place; /* of its n + TAG_SIZE sealed bytes in the pack */
    uint8_t nonce[NONCE_SIZE];
};
/* The chunk that holds byte `at` of the object; at < l->size. */
void chunk_find(const struct leader *l, uint64_t at, struct chunk *ret);

void leader_info(const struct leader *l, uint32_t pack, struct pack_info *ret);

#endif
