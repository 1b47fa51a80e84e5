#include "archive/uid.h"

#include "base/size.h"

enum { RAW = 0xff, DOT = 1, DIGIT = 2, LOCAL = 6 };

static bool uid_char(char c)
{
    return c == '.' || (c >= '0' && c <= '9');
}

static bool all_uid_chars(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!uid_char(s.p[i]))
            return false;
    return true;
}

bool uid_ok(struct str uid)
{
    if (!uid.n || uid.n > DCM_UID_MAX || uid.p[0] == '.' || uid.p[uid.n - 1] == '.')
        return false;
    for (size_t i = 1; i < uid.n; i++)
        if (uid.p[i] == '.' && uid.p[i - 1] == '.')
            return false;
    return all_uid_chars(uid);
}

static uint8_t nibble(char c)
{
    return (uint8_t)(c == '.' ? DOT : c - '0' + DIGIT);
}

struct uid_packed uid_pack(struct str uid)
{
    struct uid_packed u = {0};
    uid.n = size_min(uid.n, DCM_UID_MAX);
    if (!all_uid_chars(uid)) {
        u.bytes[0] = RAW;
        memcpy(u.bytes + 1, uid.p, uid.n);
        u.n = (uint8_t)(uid.n + 1);
        return u;
    }
    for (size_t i = 0; i < uid.n; i++)
        u.bytes[i / 2] |= (uint8_t)(nibble(uid.p[i]) << (i % 2 ? 0 : 4));
    u.n = (uint8_t)((uid.n + 1) / 2);
    return u;
}

struct uid_text uid_unpack(struct str packed)
{
    struct uid_text t = {0};
    if (packed.n && (uint8_t)packed.p[0] == RAW) {
        t.n = (uint8_t)size_min(packed.n - 1, DCM_UID_MAX);
        memcpy(t.text, packed.p + 1, t.n);
        return t;
    }
    for (size_t i = 0; i < 2 * packed.n && t.n < DCM_UID_MAX; i++) {
        unsigned v = (uint8_t)packed.p[i / 2] >> (i % 2 ? 0 : 4) & 15;
        if (!v || v >= DIGIT + 10)
            break;
        t.text[t.n++] = v == DOT ? '.' : (char)('0' + v - DIGIT);
    }
    return t;
}

static uint64_t word(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static uint64_t turn(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

/* One round of SipHash (Aumasson, Bernstein 2012). */
static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13) ^ v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[2] = turn(v[2], 32);
}

static uint64_t sip13(const uint8_t seed[UID_SEED_SIZE], struct str s)
{
    uint64_t k0 = word(seed, 8), k1 = word(seed + 8, 8);
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    const uint8_t *p = (const uint8_t *)s.p;
    for (size_t left = s.n;; left -= 8, p += 8) {
        bool last = left < 8;
        uint64_t m = last ? word(p, left) | (uint64_t)s.n << 56 : word(p, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
        if (last)
            break;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int64_t uid_key(const uint8_t seed[UID_SEED_SIZE], struct str uid)
{
    enum { HALF = 0xffffff };
    struct str group = str_slice(uid, 0, uid.n > LOCAL ? uid.n - LOCAL : 0);
    return (int64_t)((sip13(seed, group) & HALF) << 24 | (sip13(seed, uid) & HALF));
}
