/* The scope file: who allowed which networks to be probed, when, how. Without one nothing is sent
 * (safety rule 1). `name = value` lines, # comments; networks may be given many times. A row of
 * scope.def is the manual.
 *
 *     owner = Ospedale San Luca
 *     permission = Dr. A. Rossi, CISO, letter of 2026-11-20
 *     permitted-until = 2026-12-31
 *     network = 10.20.0.0/16
 *     public-network = 203.0.113.8/29
 *     exclude = 10.20.30.0/24          # intensive care
 *     never-name = *monitor*
 *     ports = 104, 11112, 2762/tls, 8042/http, 8443/https, 2575/mllp
 *     rate = 5
 *     window = 22:00-05:00 mon-fri
 *     surface = yes
 *     count = yes
 */
#ifndef LASTRA_SURVEY_SOURCE_PROBE_SCOPE_H
#define LASTRA_SURVEY_SOURCE_PROBE_SCOPE_H

#include "survey/core/ip.h"

enum {
    SCOPE_NETWORKS_MAX = 4096,
    SCOPE_NAMES_MAX = 256,
    SCOPE_PORTS_MAX = 64,
    SCOPE_TEXT_MAX = 256,
    SCOPE_FILE_MAX = 1 << 20,
    SCOPE_HOST_BITS = 24, /* a line's network holds at most 2^24 addresses */
};

enum probe_kind { PROBE_DICOM, PROBE_DICOM_TLS, PROBE_HTTP, PROBE_HTTPS, PROBE_MLLP, PROBE_KINDS };
struct str probe_kind_name(enum probe_kind k); /* "dicom", "dicom-tls", "http", "https", "mllp" */

struct scope_port {
    uint16_t port;
    enum probe_kind kind;
};

struct scope {
    char owner[SCOPE_TEXT_MAX], permission[SCOPE_TEXT_MAX], contact[SCOPE_TEXT_MAX];
    char from[11], until[11]; /* YYYY-MM-DD; until is required */
    struct network *networks; /* private and, each by its own public-network line, public; in the
                                 order of their addresses, none within another */
    uint64_t *firsts;         /* of each network: how many addresses stand before it */
    size_t n_networks;
    struct network *excludes; /* likewise */
    size_t n_excludes;
    char (*never_names)[SCOPE_TEXT_MAX]; /* patterns with * and ? */
    size_t n_never_names;
    char (*never_macs)[SCOPE_TEXT_MAX]; /* beginnings of hardware addresses, digits in lower case */
    size_t n_never_macs;
    struct scope_port ports[SCOPE_PORTS_MAX];
    size_t n_ports;
    uint32_t rate;                      /* connections a second over all; default 5 */
    uint32_t pause_ms;                  /* between two connections to one host */
    uint16_t window_from, window_until; /* minutes of the day; equal: always */
    uint8_t window_days;                /* bit 0 Monday */
    bool surface, count;
    uint32_t count_cap; /* answers to a counting query before it is cancelled */
    uint8_t digest[32]; /* SHA-256 of the file's text, for the journal */
};

/* E_MALFORMED: "scope:12: ..."; E_DENIED: a rule is not met (no owner, no permission, no date, a
 * public range on a network line, a printer's port; an excluded range inside a network is fine:
 * excludes win). today: YYYY-MM-DD: an expired or not yet valid permission is E_DENIED. */
err_t scope_parse(struct str text, const char *file, const char today[11], struct scope **ret,
                  struct diag *d) MUST_CHECK;
err_t scope_load(const char *path, const char today[11], struct scope **ret,
                 struct diag *d) MUST_CHECK;
void scope_free(struct scope *s); /* NULL is fine */

/* How many addresses the networks hold, excludes and all; and one of them by its place in their
 * order. Never more than 2^36. */
uint64_t scope_hosts(const struct scope *s);
struct ip scope_host_at(const struct scope *s, uint64_t i);
/* How many (address, port) pairs there are, without the excludes; saturates. */
uint64_t scope_size(const struct scope *s);
/* Whether an address may be probed: in a network, in no exclude. why: a literal when not. */
bool scope_allows(const struct scope *s, const struct ip *ip, const char **ret_why);
/* Names and hardware addresses (as in facts: aa:bb:cc:dd:ee:ff) that must not be probed. */
bool scope_name_forbidden(const struct scope *s, struct str name);
bool scope_mac_forbidden(const struct scope *s, struct str mac);
/* Every address is loopback: what --unlimited wants. */
bool scope_is_loopback(const struct scope *s);

/* When: minute of the day and day of the week (0 Monday) in local time. An overnight window belongs
 * to the day on which it begins. */
bool scope_window_open(const struct scope *s, unsigned minute, unsigned weekday);
/* Whether the permission covers a day. */
bool scope_day_allowed(const struct scope *s, const char today[11]);

/* docs/manual: the table of names. */
struct wr;
void scope_markdown(struct wr *w);

#endif
