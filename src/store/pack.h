/* Packs: append-only files of encrypted records, one object each. The format and its crash
 * reasoning: docs/architecture.md, "Packs".
 *
 * A pack set hands each writer a pack of its own for the time of one object, so that nothing
 * interleaves. An object is its header part (what stands before the pixel data, kept whole for
 * quick reading) and the rest in chunks of PACK_CHUNK bytes. An object's place (pack, offset) is
 * its address for good; the object id inside is random.
 */
#ifndef LASTRA_STORE_PACK_H
#define LASTRA_STORE_PACK_H

#include "base/err.h"
#include "base/wr.h"
#include "io/crypto.h"

enum { PACK_CHUNK = 65536, OBJECT_ID_SIZE = 16, PACK_HEAD_MAX = 16 << 20 };

struct packs;

struct packs_options {
    int dir; /* DATA/packs */
    const struct key *key;
    uint64_t size_max; /* a pack is closed past this; 1 GiB */
    uint64_t reserve; /* disk kept free: writes fail with E_NOSPACE before it is touched; 256 MiB */
    bool read_only;
};

struct pack_place {
    uint32_t pack;
    uint64_t offset; /* of the record's leader */
};

/* What a record says of itself; all of it is authenticated. */
struct pack_info {
    struct pack_place place;
    uint8_t object_id[OBJECT_ID_SIZE];
    uint64_t head_size;          /* the header part */
    uint64_t size;               /* the whole object: header part and rest */
    uint8_t digest[DIGEST_SIZE]; /* given by the writer: SHA-256 over transfer syntax UID and data
                                    set bytes */
    int64_t received_us;         /* wall clock */
    uint32_t flags;              /* PACK_CONFLICT */
    uint64_t end;                /* offset just past the record: where the next begins */
};
enum pack_flags { PACK_CONFLICT = 1 };

err_t packs_open(const struct packs_options *o, struct packs **ret, struct diag *d) MUST_CHECK;
void packs_close(struct packs *p);

/* Writing one object: begin, head (once, first), body (any number, any sizes), then commit or
 * abandon. */
struct pack_writer;
err_t pack_begin(struct packs *p, struct pack_writer **ret, struct diag *d) MUST_CHECK;
err_t pack_head(struct pack_writer *w, struct str head) MUST_CHECK;
err_t pack_body(struct pack_writer *w, struct str bytes) MUST_CHECK;
/* Everything on stable storage when it returns OK. flags and digest are given here. The writer is
 * used up either way; after an error nothing of the record will ever be read. */
err_t pack_commit(struct pack_writer *w, const uint8_t digest[DIGEST_SIZE], uint32_t flags,
                  struct pack_info *ret) MUST_CHECK;
void pack_abandon(struct pack_writer *w);
const struct diag *pack_writer_diag(const struct pack_writer *w);

/* Reading. A reader belongs to one thread; head and chunks are decrypted and checked as they are
 * read (E_DAMAGED). E_NOTFOUND for a removed object. */
struct pack_reader;
err_t pack_read(struct packs *p, struct pack_place at, struct pack_reader **ret,
                struct diag *d) MUST_CHECK;
const struct pack_info *pack_reader_info(const struct pack_reader *r);
/* Up to n bytes of the object from `at`, header part and rest as one; *ret_n is 0 only at the end.
 */
err_t pack_read_at(struct pack_reader *r, uint64_t at, void *buf, size_t n,
                   size_t *ret_n) MUST_CHECK;
void pack_reader_free(struct pack_reader *r);

/* Removal: a tombstone on stable storage first, then the key is dropped and the space given back.
 * Idempotent. */
err_t pack_remove(struct packs *p, struct pack_place at, struct diag *d) MUST_CHECK;

/* Every pack there is, with the offset up to which its records are whole. */
struct pack_summary {
    uint32_t pack;
    uint64_t end; /* past the last whole record */
    bool closed;  /* no more is appended */
};
err_t packs_each(struct packs *p, err_t (*each)(void *ctx, const struct pack_summary *s),
                 void *ctx) MUST_CHECK;

/* The records of a pack from an offset (0: the start). A record that fails its check is reported
 * with error set and passed over where its length can be trusted. live: not removed. tombstone:
 * info.object_id names what was removed. Stops at the callback's first error. */
struct pack_record {
    struct pack_info info;
    bool live, tombstone;
    err_t error; /* OK, E_DAMAGED */
};
err_t pack_scan(struct packs *p, uint32_t pack, uint64_t from,
                err_t (*each)(void *ctx, const struct pack_record *r), void *ctx, uint64_t *ret_end,
                struct diag *d) MUST_CHECK;

/* Reads everything of one object and checks every chunk. */
err_t pack_check(struct packs *p, struct pack_place at, struct diag *d) MUST_CHECK;

#endif
