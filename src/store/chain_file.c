#include "store/chain_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rd.h"
#include "io/file.h"

enum {
    WINDOW = 2 * CHAIN_LINE_BYTES,
    TIP_BODY = 8 + 8 + 4 + 8 + DIGEST_SIZE,
    TIP_SIZE = TIP_BODY + DIGEST_SIZE
};

static const struct str TIP_MAGIC = STR_INIT("LstrTip\n");

err_t chain_keys_derive(const struct key *key, struct chain_keys *ret)
{
    TRY(crypto_derive(key, STR("chain line"), &ret->line));
    return crypto_derive(key, STR("chain tip"), &ret->tip);
}

err_t chain_mac(const struct chain_keys *k, const struct chain_at *at, struct str json,
                uint8_t ret[DIGEST_SIZE])
{
    /* HMAC over a short text of fixed shape: what came before, the number, the line's digest. */
    uint8_t buf[2 * DIGEST_SIZE + 8];
    struct wr w = wr_fixed(buf, sizeof buf);
    wr_bytes(&w, at->mac, DIGEST_SIZE);
    wr_u64le(&w, at->n + 1);
    TRY(crypto_sha256(json, wr_reserve(&w, DIGEST_SIZE)));
    return crypto_hmac(&k->line, wr_str(&w), ret);
}

void chain_name(uint32_t file, char ret[CHAIN_NAME_SIZE])
{
    snprintf(ret, CHAIN_NAME_SIZE, "%08u.log", (unsigned)(file % 100000000));
}

static err_t tip_bytes(const struct chain_keys *k, const struct chain_at *at, uint8_t ret[TIP_SIZE])
{
    struct wr w = wr_fixed(ret, TIP_SIZE);
    wr_put(&w, TIP_MAGIC);
    wr_u64le(&w, at->n);
    wr_u32le(&w, at->file);
    wr_u64le(&w, at->offset);
    wr_bytes(&w, at->mac, DIGEST_SIZE);
    return crypto_hmac(&k->tip, wr_str(&w), ret + TIP_BODY);
}

err_t chain_tip_read(int fd, const struct chain_keys *k, struct chain_at *ret, bool *ret_there,
                     struct diag *d)
{
    uint8_t buf[TIP_SIZE], want[TIP_SIZE];
    size_t n;
    struct chain_at at = {0};
    *ret_there = false;
    TRY(file_read_some(fd, 0, buf, sizeof buf, &n, d));
    if (n < sizeof buf)
        return OK;
    struct rd r = rd_of(str_of(buf, sizeof buf));
    rd_skip(&r, TIP_MAGIC.n);
    at.n = rd_u64le(&r);
    at.file = rd_u32le(&r);
    at.offset = rd_u64le(&r);
    memcpy(at.mac, rd_take(&r, DIGEST_SIZE).p, DIGEST_SIZE);
    TRY(tip_bytes(k, &at, want));
    *ret_there = crypto_same(buf, want, sizeof buf);
    if (*ret_there)
        *ret = at;
    return OK;
}

err_t chain_tip_write(int fd, const struct chain_keys *k, const struct chain_at *at, struct diag *d)
{
    uint8_t buf[TIP_SIZE];
    TRY(tip_bytes(k, at, buf));
    return file_write_at(fd, 0, buf, sizeof buf, d);
}

err_t chain_walk_init(struct chain_walk *w, const struct chain_keys *k, int fd,
                      const struct chain_at *at)
{
    *w = (struct chain_walk){.keys = k, .fd = fd, .at = *at, .buf = malloc(WINDOW)};
    return w->buf ? OK : E_NOMEM;
}

void chain_walk_done(struct chain_walk *w)
{
    free(w->buf);
    w->buf = NULL;
}

void chain_walk_again(struct chain_walk *w)
{
    w->buf_n = 0;
}

/* What the file holds from the walk's place on, as far as a line can reach. */
static err_t view(struct chain_walk *w, struct str *ret, struct diag *d)
{
    for (int again = 0; again < 2; again++) {
        size_t from =
            w->at.offset - w->buf_at < w->buf_n ? (size_t)(w->at.offset - w->buf_at) : w->buf_n;
        *ret = str_of(w->buf + from, w->buf_n - from);
        if (w->at.offset >= w->buf_at && memchr(ret->p, '\n', ret->n))
            return OK;
        if (again)
            return OK;
        w->buf_at = w->at.offset;
        w->buf_n = 0;
        for (size_t n = 1; n > 0 && w->buf_n < WINDOW; w->buf_n += n)
            TRY(file_read_some(w->fd, w->buf_at + w->buf_n, w->buf + w->buf_n, WINDOW - w->buf_n,
                               &n, d));
    }
    return OK;
}

static bool parse_mac(struct str hex, uint8_t ret[DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 2 * DIGEST_SIZE; i++) {
        const char *p = hex.p[i] ? strchr(digits, hex.p[i]) : NULL;
        if (!p)
            return false;
        ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | (p - digits));
    }
    return true;
}

/* Number, HMAC and text of a line that fits its place. */
static err_t check_line(struct chain_walk *w, struct str line, struct str *ret_json,
                        uint8_t ret_mac[DIGEST_SIZE], bool *ret_good)
{
    struct str rest = line, number, hex;
    uint64_t n;
    uint8_t mac[DIGEST_SIZE] = {0};
    *ret_good = false;
    if (!str_split(&rest, ' ', &number) || !rest.p || !str_split(&rest, ' ', &hex) || !rest.p ||
        hex.n != 2 * DIGEST_SIZE || !str_to_u64(number, UINT64_MAX, &n) || n != w->at.n + 1 ||
        !parse_mac(hex, mac))
        return OK;
    TRY(chain_mac(w->keys, &w->at, rest, ret_mac));
    *ret_good = crypto_same(mac, ret_mac, DIGEST_SIZE);
    *ret_json = rest;
    return OK;
}

err_t chain_walk_next(struct chain_walk *w, struct str *ret_json, enum chain_line *ret,
                      struct diag *d)
{
    struct str s;
    uint8_t mac[DIGEST_SIZE];
    bool good = false;
    TRY(view(w, &s, d));
    size_t n = str_find(s, '\n');
    if (n < s.n)
        TRY(check_line(w, str_slice(s, 0, n), ret_json, mac, &good));
    if (good) {
        w->at.n++;
        w->at.offset += n + 1;
        memcpy(w->at.mac, mac, DIGEST_SIZE);
        *ret = CHAIN_GOOD;
        return OK;
    }
    bool torn = n == s.n && n < CHAIN_LINE_BYTES;
    *ret = s.n == 0 ? CHAIN_END : torn ? CHAIN_TORN : CHAIN_BAD;
    return OK;
}
