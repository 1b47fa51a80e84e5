#include "survey/source/probe/pace.h"

#include <stdlib.h>

#include "base/size.h"
#include "base/wr.h"

enum { TOKEN = 1000000, TABLE = 1 << 14, NEIGHBOURS = 8 };

void bucket_init(struct bucket *b, uint32_t rate, int64_t now_us)
{
    /* The first one goes at once; after a rest no more than a tenth of a second's go together. */
    *b = (struct bucket){
        .rate = rate, .burst = rate / 10 > 1 ? rate / 10 : 1, .last_us = now_us, .credit = TOKEN};
}

static uint64_t credit_at(const struct bucket *b, int64_t now_us)
{
    uint64_t most = (uint64_t)b->burst * TOKEN;
    uint64_t passed = now_us > b->last_us ? (uint64_t)(now_us - b->last_us) : 0;
    if (passed > (uint64_t)60 * TOKEN)
        return most;
    uint64_t credit = b->credit + passed * b->rate;
    return credit < most ? credit : most;
}

uint32_t bucket_take(struct bucket *b, uint32_t want, int64_t now_us)
{
    if (b->rate == 0)
        return want;
    b->credit = credit_at(b, now_us);
    b->last_us = now_us;
    uint64_t there = b->credit / TOKEN;
    uint32_t take = there < want ? (uint32_t)there : want;
    b->credit -= (uint64_t)take * TOKEN;
    return take;
}

int64_t bucket_wait(const struct bucket *b, int64_t now_us)
{
    if (b->rate == 0)
        return 0;
    uint64_t credit = credit_at(b, now_us);
    return credit >= TOKEN ? 0 : (int64_t)((TOKEN - credit + b->rate - 1) / b->rate);
}

/* One subnet that something was met in. */
struct breaker {
    uint8_t prefix[8];
    bool used, v4, given_up;
    uint8_t rests;
    uint16_t troubles, silences; /* in a row */
    int64_t rest_until;
};

struct breakers {
    uint32_t rest_ms;
    struct breaker table[TABLE];
};

err_t breakers_new(uint32_t rest_ms, struct breakers **ret)
{
    struct breakers *b = calloc(1, sizeof *b);
    if (!b)
        return E_NOMEM;
    b->rest_ms = rest_ms ? rest_ms : BREAK_REST_MS;
    *ret = b;
    return OK;
}

void breakers_free(struct breakers *b)
{
    free(b);
}

static void prefix_of(const struct ip *ip, uint8_t ret[8])
{
    memset(ret, 0, 8);
    if (ip_is_v4(ip))
        memcpy(ret, ip->b + 12, 3);
    else
        memcpy(ret, ip->b, 8);
}

struct str subnet_text(const struct ip *ip, char buf[IP_TEXT_MAX])
{
    bool v4 = ip_is_v4(ip);
    struct ip first = *ip;
    if (v4)
        first.b[15] = 0;
    else
        memset(first.b + 8, 0, 8);
    struct str s = ip_text(&first, buf);
    struct wr w = wr_fixed(buf + s.n, IP_TEXT_MAX - s.n);
    wr_put(&w, v4 ? STR("/24") : STR("/64"));
    return str_of(buf, s.n + w.n);
}

static bool is(const struct breaker *b, const uint8_t prefix[8], bool v4)
{
    return b->used && b->v4 == v4 && memcmp(b->prefix, prefix, 8) == 0;
}

/* What is lost first when places are short: what is healthy. */
static unsigned weight(const struct breaker *b)
{
    return !b->used ? 0 : 1u + b->given_up * 100u + b->rests * 10u + (b->troubles > 0);
}

static struct breaker *find(struct breakers *b, const struct ip *ip, bool make)
{
    uint8_t prefix[8];
    bool v4 = ip_is_v4(ip);
    prefix_of(ip, prefix);
    uint64_t h = str_hash(str_of(prefix, sizeof prefix));
    struct breaker *least = NULL;
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        struct breaker *at = &b->table[(h + i) % TABLE];
        if (is(at, prefix, v4))
            return at;
        if (!least || weight(at) < weight(least))
            least = at;
    }
    if (!make)
        return NULL;
    *least = (struct breaker){.used = true, .v4 = v4};
    memcpy(least->prefix, prefix, sizeof prefix);
    return least;
}

enum breaker_says breakers_ask(struct breakers *b, const struct ip *ip, int64_t now_ms,
                               int64_t *ret_until)
{
    const struct breaker *at = find(b, ip, false);
    if (!at)
        return BREAKER_GO;
    if (at->given_up)
        return BREAKER_GIVEN_UP;
    if (now_ms >= at->rest_until)
        return BREAKER_GO;
    *ret_until = at->rest_until;
    return BREAKER_REST;
}

bool breakers_tell(struct breakers *b, const struct ip *ip, enum meeting met, int64_t now_ms)
{
    struct breaker *at = find(b, ip, met != MET_ANSWER);
    if (!at || at->given_up)
        return false;
    if (met == MET_ANSWER) {
        at->troubles = at->silences = at->rests = 0;
        return false;
    }
    /* What was under way when the rest began belongs to the same bout. */
    if (now_ms < at->rest_until)
        return false;
    at->silences += met == MET_NOBODY;
    at->troubles += met != MET_NOBODY;
    if (at->troubles < BREAK_TROUBLES && at->silences < BREAK_SILENCES)
        return false;
    at->troubles = at->silences = 0;
    at->rest_until = now_ms + ((int64_t)b->rest_ms << at->rests);
    at->given_up = at->rests++ == BREAK_RESTS;
    return at->given_up;
}
