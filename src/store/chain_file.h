/* The files of a chained log: lines, the walk over them, and the tip. Internal to `store`; the
 * layout is docs/formats.md, "Chained logs". */
#ifndef LASTRA_STORE_CHAIN_FILE_H
#define LASTRA_STORE_CHAIN_FILE_H

#include "base/wr.h"
#include "store/chain.h"

/* "4711 <HMAC in hexadecimal> {json}\n" */
enum {
    CHAIN_FRONT_MAX = 20 + 1 + 2 * DIGEST_SIZE + 1,
    CHAIN_LINE_BYTES = CHAIN_FRONT_MAX + CHAIN_LINE_MAX + 1
};

struct chain_keys {
    struct key line, tip;
};
err_t chain_keys_derive(const struct key *key, struct chain_keys *ret) MUST_CHECK;

/* A place between two lines: what the next line is chained to. All zero, with file 1: the start. */
struct chain_at {
    uint64_t n;      /* lines before it */
    uint32_t file;   /* from 1 */
    uint64_t offset; /* in the file */
    uint8_t mac[DIGEST_SIZE];
};

/* The HMAC of the line that follows. */
err_t chain_mac(const struct chain_keys *k, const struct chain_at *at, struct str json,
                uint8_t ret[DIGEST_SIZE]) MUST_CHECK;

/* "00000001.log" */
enum { CHAIN_NAME_SIZE = 16 };
void chain_name(uint32_t file, char ret[CHAIN_NAME_SIZE]);

/* The tip: a place up to which everything is on stable storage. *ret_there is false when there is
 * none or it does not check. */
err_t chain_tip_read(int fd, const struct chain_keys *k, struct chain_at *ret, bool *ret_there,
                     struct diag *d) MUST_CHECK;
err_t chain_tip_write(int fd, const struct chain_keys *k, const struct chain_at *at,
                      struct diag *d) MUST_CHECK;

/* Lines of one file, from at->offset on. */
struct chain_walk {
    const struct chain_keys *keys;
    int fd;
    struct chain_at at; /* behind the last good line */
    uint8_t *buf;
    uint64_t buf_at;
    size_t buf_n;
};
enum chain_line {
    CHAIN_GOOD, /* *ret_json, valid until the next call */
    CHAIN_END,
    CHAIN_TORN, /* what follows is part of a line, without its end */
    CHAIN_BAD,  /* a whole line that does not check */
};
err_t chain_walk_init(struct chain_walk *w, const struct chain_keys *k, int fd,
                      const struct chain_at *at) MUST_CHECK;
void chain_walk_done(struct chain_walk *w);
err_t chain_walk_next(struct chain_walk *w, struct str *ret_json, enum chain_line *ret,
                      struct diag *d) MUST_CHECK;
/* Forgets what was read ahead: it may have been half written. */
void chain_walk_again(struct chain_walk *w);

#endif
