/* Questions to a scope: which addresses, which of them never, when. */
#include "survey/source/probe/scope.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/wr.h"

static const struct str kind_names[PROBE_KINDS] = {
    [PROBE_DICOM] = STR_INIT("dicom"), [PROBE_DICOM_TLS] = STR_INIT("dicom-tls"),
    [PROBE_HTTP] = STR_INIT("http"),   [PROBE_HTTPS] = STR_INIT("https"),
    [PROBE_MLLP] = STR_INIT("mllp"),
};

struct str probe_kind_name(enum probe_kind k)
{
    return k < PROBE_KINDS ? kind_names[k] : STR("");
}

void scope_free(struct scope *s)
{
    if (!s)
        return;
    free(s->networks);
    free(s->firsts);
    free(s->excludes);
    free(s->never_names);
    free(s->never_macs);
    free(s);
}

static uint64_t network_size(const struct network *n)
{
    return (uint64_t)1 << (128 - n->bits);
}

uint64_t scope_hosts(const struct scope *s)
{
    size_t last = s->n_networks;
    return last == 0 ? 0 : s->firsts[last - 1] + network_size(&s->networks[last - 1]);
}

struct ip scope_host_at(const struct scope *s, uint64_t i)
{
    size_t low = 0, high = s->n_networks;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->firsts[mid] <= i)
            low = mid;
        else
            high = mid;
    }
    struct ip ip;
    memcpy(ip.b, s->networks[low].bytes, sizeof ip.b);
    uint64_t rest = i - s->firsts[low];
    for (size_t at = 16; rest && at-- > 0; rest >>= 8)
        ip.b[at] |= (uint8_t)rest;
    return ip;
}

static bool network_within(const struct network *outer, const struct network *inner)
{
    struct ip ip;
    memcpy(ip.b, inner->bytes, sizeof ip.b);
    return outer->bits <= inner->bits && ip_in(outer, &ip);
}

/* Networks either nest or have nothing in common. */
static uint64_t excluded(const struct scope *s, const struct network *n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n_excludes; i++) {
        if (network_within(&s->excludes[i], n))
            return network_size(n);
        if (network_within(n, &s->excludes[i]))
            sum += network_size(&s->excludes[i]);
    }
    return sum;
}

uint64_t scope_size(const struct scope *s)
{
    uint64_t hosts = scope_hosts(s), pairs;
    for (size_t i = 0; i < s->n_networks; i++)
        hosts -= excluded(s, &s->networks[i]);
    return __builtin_mul_overflow(hosts, s->n_ports, &pairs) ? UINT64_MAX : pairs;
}

/* Both lists are in order and without nesting: the last one that begins at or before the address is
 * the only one that can hold it. */
static bool listed(const struct network *list, size_t n, const struct ip *ip)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(list[mid].bytes, ip->b, sizeof ip->b) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 && ip_in(&list[low - 1], ip);
}

bool scope_allows(const struct scope *s, const struct ip *ip, const char **ret_why)
{
    if (!listed(s->networks, s->n_networks, ip))
        *ret_why = "not in the scope";
    else if (listed(s->excludes, s->n_excludes, ip))
        *ret_why = "excluded by the scope";
    else
        return true;
    return false;
}

/* The usual wildcards, any case: on a mismatch the last '*' takes one character more. */
static bool name_fits(struct str pattern, struct str name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, from = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.n &&
                   (pattern.p[p] == '?' ||
                    tolower((unsigned char)pattern.p[p]) == tolower((unsigned char)name.p[n]))) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool scope_name_forbidden(const struct scope *s, struct str name)
{
    for (size_t i = 0; i < s->n_never_names; i++)
        if (name_fits(str_z(s->never_names[i]), name))
            return true;
    return false;
}

bool scope_mac_forbidden(const struct scope *s, struct str mac)
{
    char digits[13] = "";
    size_t n = 0;
    for (size_t i = 0; i < mac.n && n < 12; i++)
        if (isxdigit((unsigned char)mac.p[i]))
            digits[n++] = (char)tolower((unsigned char)mac.p[i]);
    for (size_t i = 0; i < s->n_never_macs; i++)
        if (str_starts(str_of(digits, n), str_z(s->never_macs[i])))
            return true;
    return false;
}

bool scope_is_loopback(const struct scope *s)
{
    for (size_t i = 0; i < s->n_networks; i++) {
        struct ip ip;
        memcpy(ip.b, s->networks[i].bytes, sizeof ip.b);
        /* 127.0.0.0/8 and ::1 are what there is: a network that begins there and is no larger. */
        if (!ip_is_loopback(&ip) || s->networks[i].bits < (ip_is_v4(&ip) ? 96 + 8 : 128))
            return false;
    }
    return s->n_networks > 0;
}

bool scope_window_open(const struct scope *s, unsigned minute, unsigned weekday)
{
    unsigned from = s->window_from, until = s->window_until;
    bool overnight = from > until, tail = overnight && minute < until;
    if (tail)
        weekday = (weekday + 6) % 7;
    if (!(s->window_days >> weekday & 1))
        return false;
    if (from == until || tail)
        return true;
    return overnight ? minute >= from : minute >= from && minute < until;
}

bool scope_day_allowed(const struct scope *s, const char today[11])
{
    return strcmp(today, s->until) <= 0 && (!*s->from || strcmp(today, s->from) >= 0);
}
