/* Packets of a capture file (pcap, pcapng) or of a network interface, over libpcap, which is loaded
 * when a capture is opened: it brings dbus and more along, and a server never opens one.
 *
 * Reading only: nothing is ever sent, and an interface is not made promiscuous. */
#ifndef LASTRA_IO_PCAP_H
#define LASTRA_IO_PCAP_H

#include "base/err.h"
#include "base/str.h"
#include "io/thread.h"

/* Kinds of link (the registry at tcpdump.org, as libpcap numbers them). */
enum packets_link {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 12,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

struct packet_bytes {
    struct str bytes; /* as captured; valid until the next call */
    uint32_t wire;    /* its length on the wire: more than bytes.n when the capture cut it */
    int64_t us;       /* since 1970-01-01 UTC */
};

struct packets;

/* A capture whose bytes come from `read`: up to n bytes into buf, *ret_n 0 at the end. What it does
 * not take for a capture: E_UNSUPPORTED. */
typedef err_t packets_read_fn(void *ctx, void *buf, size_t n, size_t *ret_n);
err_t packets_open_stream(packets_read_fn *read, void *ctx, struct packets **ret,
                          struct diag *d) MUST_CHECK;
/* An interface by name. E_DENIED without the right to capture, E_NOTFOUND. */
err_t packets_open_interface(const char *name, struct packets **ret, struct diag *d) MUST_CHECK;
void packets_close(struct packets *p); /* NULL is fine */

enum packets_link packets_link(const struct packets *p);
/* The link in libpcap's words, for a message. */
const char *packets_link_name(const struct packets *p);

/* STEP_EVENT: *ret is a packet. STEP_MORE: none came within wait_ms (interface only). STEP_DONE:
 * the capture is at its end. STEP_FAIL: it is cut short or damaged here (*ret_err and d say how);
 * what came before stands. A set stop switch (NULL: none) ends the wait. */
enum step packets_next(struct packets *p, int wait_ms, const struct stop *stop,
                       struct packet_bytes *ret, err_t *ret_err, struct diag *d);

/* How many packets the system lost because we were too slow; an interface only. */
uint64_t packets_lost(struct packets *p);

#endif
