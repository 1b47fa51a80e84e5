/* Packs: append-only files of encrypted records, one object each. The format and its crash
 * reasoning: docs/formats.md, "Packs".
 *
 * A pack set hands each writer a pack of its own for the time of one object, so that nothing
 * interleaves. An object is its header part (what stands before the pixel data) and the rest, each
 * in chunks of PACK_CHUNK bytes that can be read at random. An object's place (pack, offset) is its
 * address for good; the object id inside is random.
 *
 * A pack set may be used from any number of threads; a writer or a reader belongs to one.
 */
#ifndef LASTRA_STORE_PACK_H
#define LASTRA_STORE_PACK_H

#include "base/err.h"
#include "base/wr.h"
#include "io/crypto.h"

enum { PACK_CHUNK = 65536, OBJECT_ID_SIZE = 16, PACK_HEAD_MAX = 16 << 20 };

struct packs;

struct packs_options {
    int dir;               /* DATA/packs; stays the caller's */
    const struct key *key; /* keys.packs; copied */
    uint64_t size_max;     /* a pack is closed past this; 0: 1 GiB */
    uint64_t reserve;      /* disk kept free: writes fail with E_NOSPACE before it is touched */
    uint32_t open_max;     /* packs written to at once; 0: 64 */
    int64_t lease_wait_ms; /* how long a writer waits for one of them, then E_BUSY; 0: 30 s */
    bool read_only;        /* nothing is repaired or written */
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
                                    set bytes; zeros once the object is removed */
    int64_t received_us;         /* wall clock at pack_begin */
    uint32_t flags;              /* PACK_CONFLICT */
    uint64_t end;                /* offset just past the record: where the next begins */
};
enum pack_flags { PACK_CONFLICT = 1 };

/* Opens the set (E_BUSY when another process or set has it open for writing) and, unless read_only,
 * repairs what a crash left: a torn record at a pack's end is cut, a removal that had got as far as
 * its tombstone is finished. Only packs that were not closed cleanly are looked through, from their
 * last mark. */
err_t packs_open(const struct packs_options *o, struct packs **ret, struct diag *d) MUST_CHECK;
/* Every writer and reader must be gone. Gives back space reserved ahead and marks the packs clean.
 */
void packs_close(struct packs *p);

/* What packs_open found and did. */
struct packs_repair {
    uint32_t packs;      /* there are */
    uint32_t unclean;    /* were not closed cleanly */
    uint32_t torn;       /* had a torn record cut off */
    uint64_t torn_bytes; /* bytes cut off */
    uint32_t damaged;    /* have a damaged header, or damage after the last mark */
    uint32_t removals;   /* removals finished */
};
struct packs_repair packs_repair(const struct packs *p);

/* Writing one object: begin, head (once, first), body (any number, any sizes), then commit or
 * abandon. Objects of up to about 250 KB touch no file before the commit. After an error only
 * commit (which returns it again) or abandon may follow. */
struct pack_writer;
err_t pack_begin(struct packs *p, struct pack_writer **ret, struct diag *d) MUST_CHECK;
err_t pack_head(struct pack_writer *w, struct str head) MUST_CHECK;
err_t pack_body(struct pack_writer *w, struct str bytes) MUST_CHECK;
/* Everything on stable storage when it returns OK. flags and digest are given here. The writer is
 * used up either way; after an error nothing of the record will ever be read. */
err_t pack_commit(struct pack_writer *w, const uint8_t digest[DIGEST_SIZE], uint32_t flags,
                  struct pack_info *ret, struct diag *d) MUST_CHECK;
void pack_abandon(struct pack_writer *w); /* NULL is fine */
const struct diag *pack_writer_diag(const struct pack_writer *w);

/* Reading. Head and chunks are decrypted and checked as they are read (E_DAMAGED, also where no
 * record begins). E_NOTFOUND for a removed object, a tombstone, or a place outside the packs. The
 * set must outlive its readers. */
struct pack_reader;
err_t pack_read(struct packs *p, struct pack_place at, struct pack_reader **ret,
                struct diag *d) MUST_CHECK;
const struct pack_info *pack_reader_info(const struct pack_reader *r);
/* Up to n bytes of the object from `at`, header part and rest as one; *ret_n is 0 only at the end.
 * Fastest at chunk borders and multiples. */
err_t pack_read_at(struct pack_reader *r, uint64_t at, void *buf, size_t n,
                   size_t *ret_n) MUST_CHECK;
const struct diag *pack_reader_diag(const struct pack_reader *r);
void pack_reader_free(struct pack_reader *r); /* NULL is fine */

/* Removal: a tombstone on stable storage first, then the key is dropped and the space given back.
 * Idempotent: a removed object gives OK. */
err_t pack_remove(struct packs *p, struct pack_place at, struct diag *d) MUST_CHECK;

/* Every pack there is, in order of number, with the offset up to which its records are whole. Bytes
 * before `end` never change, but for removals: a backup may copy them. */
struct pack_summary {
    uint32_t pack;
    uint64_t end; /* past the last whole record */
    bool closed;  /* no more is appended */
    bool damaged; /* its header is; records may still be readable */
};
err_t packs_each(struct packs *p, err_t (*each)(void *ctx, const struct pack_summary *s),
                 void *ctx) MUST_CHECK;

/* The records of a pack from an offset (0: the start) to the end at the time of the call. Looks at
 * leaders, not at chunks (pack_check does). What is damaged is reported with error set, and passed
 * over to the next leader whose check holds; info then has the place and the end only. live: not
 * removed. tombstone: info.object_id and removed name what was removed. Stops at the callback's
 * first error and returns it. */
struct pack_record {
    struct pack_info info;
    bool live, tombstone;
    struct pack_place removed;
    err_t error; /* OK, E_DAMAGED */
};
err_t pack_scan(struct packs *p, uint32_t pack, uint64_t from,
                err_t (*each)(void *ctx, const struct pack_record *r), void *ctx, uint64_t *ret_end,
                struct diag *d) MUST_CHECK;

/* Finishes every removal whose tombstone stands in any pack: wanted after packs came back from a
 * backup that is older than the tombstones. Scans everything. */
err_t packs_settle(struct packs *p, uint64_t *ret_removed, struct diag *d) MUST_CHECK;

/* Reads everything of one object and checks every chunk. */
err_t pack_check(struct packs *p, struct pack_place at, struct diag *d) MUST_CHECK;

#endif
