/* The set of packs behind pack.h: what is known of each, who writes to which, open descriptors.
 * Internal to `store`. */
#ifndef LASTRA_STORE_PACK_SET_H
#define LASTRA_STORE_PACK_SET_H

#include "io/thread.h"
#include "store/pack_file.h"

enum {
    /* Leader, four chunks, and what the ends of two parts need: small objects go out in one write,
     * and 50 writers keep 15 MiB. */
    WRITE_BUF = LEADER_SIZE + 4 * CHUNK_SEALED + 32768,
    BUFS_KEPT = 4,
    FDS_MAX = 128,
};

struct pack {
    uint32_t number;
    struct pack_keys keys;
    bool keyed;
    /* Guarded by the set's lock. */
    int fd;         /* -1: not open now */
    uint32_t users; /* of fd */
    uint64_t used;  /* when, in the set's ticks */
    uint64_t end;   /* past the last whole record */
    bool leased;    /* a writer has it */
    bool closed;    /* past size_max */
    bool damaged;   /* the header is; nothing is appended */
    bool failed;    /* a write or sync failed; nothing is appended until the next start */
    /* The lease holder's; packs_open's and packs_close's. */
    uint64_t reserved; /* disk blocks are held up to here */
    uint64_t marked;   /* the mark in the file */
    bool unsettled;    /* holds a tombstone that is not carried out: no mark may pass it */
};

struct packs {
    struct packs_options o;
    struct key key, header_key; /* o.key's copy, and the one of headers and marks */
    struct packs_repair repair;
    int lock_fd;          /* held against other processes that would repair, too */
    pthread_mutex_t lock; /* guards what follows and the parts of struct pack named above */
    pthread_cond_t freed; /* a lease ended */
    struct pack **list;   /* by number */
    size_t n, cap;
    size_t first_open; /* all before it are closed */
    uint32_t next;     /* the next new pack's number */
    uint32_t leases;
    uint32_t fds;
    uint64_t tick;
    uint8_t *bufs[BUFS_KEPT]; /* write buffers kept for the next writer */
    size_t n_bufs;
};

/* A pack by number with its descriptor open, until pack_unuse. E_NOTFOUND. */
err_t pack_use(struct packs *p, uint32_t number, struct pack **ret, struct diag *d) MUST_CHECK;
void pack_unuse(struct packs *p, struct pack *k);

/* A pack to append to, alone, until pack_release: the lowest that is free, else a new one. */
err_t pack_lease(struct packs *p, struct pack **ret, struct diag *d) MUST_CHECK;
/* end: past what was appended and synced; the pack's own end when nothing was. */
void pack_release(struct packs *p, struct pack *k, uint64_t end);
/* Gives back disk space held ahead and marks the pack clean: one whose mark is its size was closed
 * in order. By the lease holder, or where there are no others. */
err_t pack_finish(struct packs *p, struct pack *k, uint64_t end, struct diag *d) MUST_CHECK;
/* Holds disk space for bytes up to `upto`. E_NOSPACE before the set's reserve is touched. */
err_t pack_room(struct packs *p, struct pack *k, uint64_t upto, struct diag *d) MUST_CHECK;
/* Takes back what a lease holder wrote past the pack's end. When that fails nothing is appended to
 * the pack any more. sure: the cut is synced, for a record that was whole. */
void pack_cut(struct packs *p, struct pack *k, bool sure);
/* Moves the mark up to the pack's end when it is far behind. */
err_t pack_mark(struct packs *p, struct pack *k, struct diag *d) MUST_CHECK;

/* A buffer of WRITE_BUF bytes, or NULL. */
uint8_t *packs_buf_get(struct packs *p);
void packs_buf_put(struct packs *p, uint8_t *buf);

/* Carries out a tombstone: drops the key and the bytes of the object at a place, if it is still
 * that object. *ret_removed: there was something to remove. */
err_t pack_drop(struct packs *p, const struct pack_tombstone *t, bool *ret_removed,
                struct diag *d) MUST_CHECK;

/* pack_open.c: looks at the folder and repairs. */
err_t packs_load(struct packs *p, struct diag *d) MUST_CHECK;
/* Puts it in its place in the list, which owns it then. */
err_t packs_add(struct packs *p, struct pack *k) MUST_CHECK;

#endif
