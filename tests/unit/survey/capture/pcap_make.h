/* Captures made by the tests themselves: pcap files of TCP connections that speak DICOM, HL7 and
 * whatever else. The writer is the test's own; it shares nothing with what reads them. */
#ifndef LASTRA_TESTS_SURVEY_PCAP_MAKE_H
#define LASTRA_TESTS_SURVEY_PCAP_MAKE_H

#include "base/wr.h"
#include "io/pcap.h"

struct make {
    struct wr w;
    enum packets_link link;
    int64_t us;
    size_t segment; /* payload of a segment */
    unsigned vlans; /* tags before the IP header (Ethernet) */
    size_t snaplen; /* 0: all */
    bool ng;        /* pcapng */
    uint8_t ttl;
};

struct make_conn {
    uint32_t client, server; /* IPv4; with v6 the last four bytes of fd00::/64 addresses */
    uint16_t client_port, server_port;
    uint32_t seq[2];
    bool v6;
};

/* The file's header. `max`: how large it may become. */
struct make make_begin(enum packets_link link, bool ng, size_t max);
void make_done(struct make *m);

/* A record with these bytes. */
void make_record(struct make *m, struct str bytes, size_t wire);
/* A segment from the client (0) or server (1). */
void make_segment(struct make *m, const struct make_conn *c, unsigned from, uint32_t seq,
                  uint8_t flags, struct str payload);

struct make_conn make_conn(uint32_t client, uint32_t server, uint16_t port);
void make_open(struct make *m, struct make_conn *c);
/* In segments, each side going on where it was. */
void make_say(struct make *m, struct make_conn *c, unsigned from, struct str bytes);
void make_close(struct make *m, struct make_conn *c);

/* DICOM, as bytes of a side. */
void make_rq(struct wr *w, const char *calling, const char *called);
void make_ac(struct wr *w, const char *calling, const char *called, const char *class_uid,
             const char *version);
/* A C-STORE-RQ and its data set with a name and id, in PDUs of 16 KiB. */
void make_store(struct wr *w, const char *name, const char *id, size_t pixels);
void make_store_rsp(struct wr *w);
void make_find_rsp(struct wr *w, const char *name);
void make_echo(struct wr *w, bool answer);
void make_release(struct wr *w, bool answer);

/* A whole association: n stores of `pixels` bytes, from its first SYN to its last FIN. */
void make_association(struct make *m, struct make_conn *c, const char *name, unsigned n,
                      size_t pixels);

#endif
