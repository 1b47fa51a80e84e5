/* How fast, and where no longer: the global rate, and the circuit breaker of each subnet. No clock:
 * times are milliseconds that the caller gives. */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_PACE_H
#define LASTRA_SURVEY_SOURCE_PROBE_PACE_H

#include "survey/core/ip.h"

/* A token bucket: so many connections a second, evenly, never more than a second's at once after a
 * rest. */
struct bucket {
    uint32_t rate; /* a second; 0: no limit */
    uint32_t burst;
    int64_t last_us;
    uint64_t credit; /* millionths of a token */
};
void bucket_init(struct bucket *b, uint32_t rate, int64_t now_us);
/* Takes up to `want` tokens; how many there were. */
uint32_t bucket_take(struct bucket *b, uint32_t want, int64_t now_us);
/* Microseconds until the next one; 0: now. */
int64_t bucket_wait(const struct bucket *b, int64_t now_us);

/* Subnets are /24 and /64. Trouble is a connection that was cut, or silence of a host that had
 * answered: after BREAK_TROUBLES in a row the subnet rests, twice as long each time, and after
 * BREAK_RESTS rests it is given up. Silence where nothing ever answered is mostly an address that
 * nobody has: it takes BREAK_SILENCES in a row. An answer heals, a refusal is one. */
enum { BREAK_TROUBLES = 8, BREAK_SILENCES = 256, BREAK_REST_MS = 10000, BREAK_RESTS = 4 };

enum breaker_says { BREAKER_GO, BREAKER_REST, BREAKER_GIVEN_UP };

/* What a connection met, as far as the net's health goes. */
enum meeting { MET_ANSWER, MET_NOBODY, MET_SILENCE, MET_RESET };

struct breakers;
/* rest_ms 0: BREAK_REST_MS. */
err_t breakers_new(uint32_t rest_ms, struct breakers **ret) MUST_CHECK;
void breakers_free(struct breakers *b); /* NULL is fine */
/* Whether a connection may begin now; *ret_until when to ask again of a resting one. */
enum breaker_says breakers_ask(struct breakers *b, const struct ip *ip, int64_t now_ms,
                               int64_t *ret_until);
/* What came of one. True when the subnet was given up by it: told once. */
bool breakers_tell(struct breakers *b, const struct ip *ip, enum meeting met, int64_t now_ms);
/* "10.0.0.0/24", "fd00:1::/64" into buf. */
struct str subnet_text(const struct ip *ip, char buf[IP_TEXT_MAX]);

#endif
