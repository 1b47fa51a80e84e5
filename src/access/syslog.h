/* Audit messages to a collector by syslog (RFC 5424) over TLS (RFC 5425), as PS3.15 A.6 has it:
 * a thread of its own sends from a bounded queue; what does not fit is lost there (never in the
 * trail on disk) and counted. */
#ifndef LASTRA_ACCESS_SYSLOG_H
#define LASTRA_ACCESS_SYSLOG_H

#include "access/audit_message.h"
#include "io/tls.h"

struct syslog_sender;

struct syslog_options {
    struct str host;       /* the collector (option audit_syslog) */
    uint16_t port;         /* 6514 */
    const struct tls *tls; /* stays the caller's */
    struct str hostname;   /* ours, in each message */
    size_t queue_bytes;    /* 0: 4 MiB */
    int64_t retry_ms;      /* 0: from 1 s, doubling to 60 s */
};
err_t syslog_start(const struct syslog_options *o, struct syslog_sender **ret,
                   struct diag *d) MUST_CHECK;
struct syslog_figures {
    uint64_t sent, lost, queued_bytes;
    bool connected;
    struct diag last; /* why it is not */
};
/* Gives what is queued until the deadline to go out. Returns how many messages were lost, now and
 * before; the last figures in *ret (may be NULL), so that their reason can be told. NULL is fine.
 */
uint64_t syslog_stop(struct syslog_sender *s, int64_t deadline, struct syslog_figures *ret);

/* Never waits; false when the queue is full and the message was counted as lost. */
bool syslog_send(struct syslog_sender *s, const struct audit_message *m);

void syslog_figures(struct syslog_sender *s, struct syslog_figures *ret);
/* Messages lost since the last call. */
uint64_t syslog_take_lost(struct syslog_sender *s);

/* The frame of RFC 5425 around the header of RFC 5424 around the XML. */
void syslog_frame(const struct audit_message *m, struct str hostname, struct wr *w);

#endif
