/* One pack file: its header and mark, the walk over its records, and its repair after a crash.
 * Internal to `store`; the layout and the reasoning are in docs/formats.md, "Packs". */
#ifndef LASTRA_STORE_PACK_FILE_H
#define LASTRA_STORE_PACK_FILE_H

#include "store/pack_record.h"

enum { PACK_RECORDS_AT = 4096 };

/* "00000001.pack" and back. */
enum { PACK_NAME_SIZE = 16 };
void pack_name(uint32_t number, char ret[PACK_NAME_SIZE]);
bool pack_name_read(const char *name, uint32_t *ret_number);

struct pack_header {
    bool fresh;      /* the file was being made when a crash came: there is nothing in it */
    bool damaged;    /* identity does not check: nothing is appended, records may be readable */
    uint64_t marked; /* the last mark, 0 when there is none that checks */
};
err_t pack_header_write(int fd, const struct key *k, uint32_t number, struct diag *d) MUST_CHECK;
/* size: the file's. E_UNSUPPORTED for a version we do not know. */
err_t pack_header_read(int fd, uint64_t size, const struct key *k, uint32_t number,
                       struct pack_header *ret, struct diag *d) MUST_CHECK;
/* Notes that everything before end is whole. Not synced here. */
err_t pack_mark_write(int fd, const struct key *k, uint32_t number, uint64_t end,
                      struct diag *d) MUST_CHECK;

/* A walk over the records in [at, limit). */
struct pack_walk {
    int fd;
    const struct pack_keys *keys;
    uint64_t at, limit;
    bool unreadable; /* the disk refused some bytes; they count as zeros */
    uint8_t *buf;
    uint64_t buf_at;
    size_t buf_n;
    bool sparse; /* the last record was long: reading ahead would be wasted */
};
struct pack_item {
    uint64_t at, end;
    bool whole;                 /* leader checks and the record ends inside the limit */
    struct leader leader;       /* when whole; its secret not opened */
    uint8_t bytes[LEADER_SIZE]; /* as far as the file goes, then zeros */
};
err_t pack_walk_init(struct pack_walk *w, int fd, const struct pack_keys *k, uint64_t from,
                     uint64_t limit) MUST_CHECK;
void pack_walk_done(struct pack_walk *w);
/* The next record, or the damage up to the next leader that checks. *ret_more is false at the
 * limit. */
err_t pack_walk_next(struct pack_walk *w, struct pack_item *ret, bool *ret_more,
                     struct diag *d) MUST_CHECK;

/* Reads and checks all chunks of a live object. E_DAMAGED, with *ret_unwritten when the bytes look
 * as if they never reached the disk. */
err_t pack_chunks_check(int fd, const struct leader *l, bool *ret_unwritten,
                        struct diag *d) MUST_CHECK;

/* What stands in [from, size) after a crash: the end of what is whole, and what the tombstones in
 * it want removed. */
struct pack_found {
    uint64_t end;                      /* where the next record may begin */
    uint64_t torn;                     /* bytes past it that are a torn record */
    uint64_t whole;                    /* records */
    bool damaged;                      /* something in between does not check */
    struct pack_tombstone *tombstones; /* malloc'd */
    size_t n_tombstones;
};
struct pack_tombstone {
    struct pack_place target;
    uint8_t object_id[OBJECT_ID_SIZE];
};
err_t pack_find_end(int fd, const struct pack_keys *k, uint64_t from, uint64_t size,
                    struct pack_found *ret, struct diag *d) MUST_CHECK;

#endif
