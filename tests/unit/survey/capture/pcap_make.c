#include "survey/capture/pcap_make.h"

#include <stdlib.h>

#include "dimse/command.h"
#include "dimse/pdu.h"
#include "survey/source/capture/packet.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define EXPLICIT "1.2.840.10008.1.2.1"

enum { PDU = 16384, HEADS = 160 };

static void put_u32(struct make *m, uint32_t v)
{
    wr_u32le(&m->w, v);
}

struct make make_begin(enum packets_link link, bool ng, size_t max)
{
    struct make m = {.w = wr_heap(max),
                     .link = link,
                     .us = 1700000000000000,
                     .segment = 1448,
                     .ng = ng,
                     .ttl = 64};
    if (ng) {
        put_u32(&m, 0x0a0d0d0a); /* section header block */
        put_u32(&m, 28);
        put_u32(&m, 0x1a2b3c4d);
        put_u32(&m, 1);
        put_u32(&m, UINT32_MAX);
        put_u32(&m, UINT32_MAX);
        put_u32(&m, 28);
        put_u32(&m, 1); /* interface description block */
        put_u32(&m, 20);
        put_u32(&m, (uint32_t)link);
        put_u32(&m, 262144);
        put_u32(&m, 20);
        return m;
    }
    put_u32(&m, 0xa1b2c3d4);
    put_u32(&m, 0x00040002);
    put_u32(&m, 0);
    put_u32(&m, 0);
    put_u32(&m, 262144);
    put_u32(&m, link == LINK_RAW ? 101 : (uint32_t)link);
    return m;
}

void make_done(struct make *m)
{
    wr_done(&m->w);
}

void make_record(struct make *m, struct str bytes, size_t wire)
{
    size_t n = m->snaplen && bytes.n > m->snaplen ? m->snaplen : bytes.n;
    size_t pad = m->ng ? (4 - n % 4) % 4 : 0;
    m->us += 10;
    if (m->ng) {
        put_u32(m, 6);
        put_u32(m, (uint32_t)(32 + n + pad));
        put_u32(m, 0);
        put_u32(m, (uint32_t)(m->us >> 32));
        put_u32(m, (uint32_t)m->us);
    } else {
        put_u32(m, (uint32_t)(m->us / 1000000));
        put_u32(m, (uint32_t)(m->us % 1000000));
    }
    put_u32(m, (uint32_t)n);
    put_u32(m, (uint32_t)wire);
    wr_bytes(&m->w, bytes.p, n);
    wr_fill(&m->w, 0, pad);
    if (m->ng)
        put_u32(m, (uint32_t)(32 + n + pad));
}

static void put_link(const struct make *m, struct wr *w, unsigned from, uint32_t host, bool v6)
{
    uint16_t type = v6 ? 0x86dd : 0x0800;
    switch ((int)m->link) {
    case LINK_ETHERNET:
        wr_bytes(w, "\x02\x00\x00\x00\x00\x01", 6);
        wr_bytes(w, "\x00\x1a\x2b", 3);
        wr_u8(w, (uint8_t)(host >> 8));
        wr_u8(w, (uint8_t)host);
        wr_u8(w, (uint8_t)from);
        for (unsigned i = 0; i < m->vlans; i++) {
            wr_u16be(w, i + 1 < m->vlans ? 0x88a8 : 0x8100);
            wr_u16be(w, (uint16_t)(100 + i));
        }
        wr_u16be(w, type);
        break;
    case LINK_SLL:
        wr_bytes(w, "\0\0\0\1\0\6\0\x1a\x2b\1\2\3\0\0", 14);
        wr_u16be(w, type);
        break;
    case LINK_SLL2:
        wr_u16be(w, type);
        wr_bytes(w, "\0\0\0\0\0\1\0\1\0\6\0\x1a\x2b\1\2\3\0\0", 18);
        break;
    case LINK_NULL:
        wr_u32le(w, v6 ? 10 : 2);
        break;
    case LINK_LOOP:
        wr_u32be(w, v6 ? 24 : 2);
        break;
    default:
        break;
    }
}

static void put_ip(const struct make *m, struct wr *w, uint32_t src, uint32_t dst, bool v6,
                   size_t length)
{
    if (v6) {
        wr_u32be(w, 0x60000000);
        wr_u16be(w, (uint16_t)length);
        wr_u8(w, 6);
        wr_u8(w, m->ttl);
        wr_u64be(w, 0xfd00000000000000);
        wr_u64be(w, src);
        wr_u64be(w, 0xfd00000000000000);
        wr_u64be(w, dst);
        return;
    }
    wr_u16be(w, 0x4500);
    wr_u16be(w, (uint16_t)(length + 20 > UINT16_MAX ? 0 : length + 20));
    wr_u32be(w, 0x00014000);
    wr_u8(w, m->ttl);
    wr_u8(w, 6);
    wr_u16be(w, 0);
    wr_u32be(w, src);
    wr_u32be(w, dst);
}

void make_segment(struct make *m, const struct make_conn *c, unsigned from, uint32_t seq,
                  uint8_t flags, struct str payload)
{
    uint32_t src = from ? c->server : c->client, dst = from ? c->client : c->server;
    uint8_t *buf = malloc(payload.n + HEADS);
    struct wr w = wr_fixed(buf, payload.n + HEADS);
    put_link(m, &w, from, src, c->v6);
    put_ip(m, &w, src, dst, c->v6, payload.n + 20);
    wr_u16be(&w, from ? c->server_port : c->client_port);
    wr_u16be(&w, from ? c->client_port : c->server_port);
    wr_u32be(&w, seq);
    wr_u32be(&w, flags & TCP_ACK ? c->seq[!from] : 0);
    wr_u8(&w, 0x50);
    wr_u8(&w, flags);
    wr_u16be(&w, 65535);
    wr_u32be(&w, 0);
    wr_put(&w, payload);
    make_record(m, wr_str(&w), w.n);
    free(buf);
}

struct make_conn make_conn(uint32_t client, uint32_t server, uint16_t port)
{
    return (struct make_conn){.client = client,
                              .server = server,
                              .client_port = 40000,
                              .server_port = port,
                              .seq = {1000, 500000}};
}

void make_open(struct make *m, struct make_conn *c)
{
    make_segment(m, c, 0, c->seq[0]++, TCP_SYN, STR(""));
    make_segment(m, c, 1, c->seq[1]++, TCP_SYN | TCP_ACK, STR(""));
    make_segment(m, c, 0, c->seq[0], TCP_ACK, STR(""));
}

void make_say(struct make *m, struct make_conn *c, unsigned from, struct str bytes)
{
    while (bytes.n) {
        struct str part = str_slice(bytes, 0, m->segment);
        make_segment(m, c, from, c->seq[from], TCP_ACK, part);
        c->seq[from] += (uint32_t)part.n;
        bytes = str_slice(bytes, part.n, bytes.n);
    }
}

void make_close(struct make *m, struct make_conn *c)
{
    make_segment(m, c, 0, c->seq[0]++, TCP_FIN | TCP_ACK, STR(""));
    make_segment(m, c, 1, c->seq[1]++, TCP_FIN | TCP_ACK, STR(""));
    make_segment(m, c, 0, c->seq[0], TCP_ACK, STR(""));
}

static struct pdu_associate associate(const char *calling, const char *called)
{
    return (struct pdu_associate){.version = 1,
                                  .called = str_z(called),
                                  .calling = str_z(calling),
                                  .application = STR(PDU_APPLICATION_CONTEXT),
                                  .max_pdu = PDU};
}

void make_rq(struct wr *w, const char *calling, const char *called)
{
    struct pdu_associate p = associate(calling, called);
    struct str transfer = STR(EXPLICIT);
    struct pdu_context contexts[] = {
        {.id = 1, .abstract = STR(CT), .transfers = &transfer, .n_transfers = 1},
        {.id = 3, .abstract = STR("1.2.840.10008.1.1"), .transfers = &transfer, .n_transfers = 1}};
    p.contexts = contexts;
    p.n_contexts = 2;
    p.implementation_uid = STR("1.2.276.0.7230010.3.0.3.6.7");
    p.implementation_version = STR("OFFIS_DCMTK_367");
    pdu_associate_write(&p, PDU_ASSOCIATE_RQ, w);
}

void make_ac(struct wr *w, const char *calling, const char *called, const char *class_uid,
             const char *version)
{
    struct pdu_associate p = associate(calling, called);
    struct str transfer = STR(EXPLICIT);
    struct pdu_context contexts[] = {
        {.id = 1, .transfers = &transfer, .n_transfers = 1},
        {.id = 3, .result = PDU_ABSTRACT_NOT_SUPPORTED, .transfers = &transfer, .n_transfers = 1}};
    p.contexts = contexts;
    p.n_contexts = 2;
    p.implementation_uid = str_z(class_uid);
    p.implementation_version = str_z(version);
    pdu_associate_write(&p, PDU_ASSOCIATE_AC, w);
}

static void put_pdv(struct wr *w, uint8_t context, bool command, bool last, struct str data)
{
    wr_u16be(w, PDU_DATA_TF << 8);
    wr_u32be(w, (uint32_t)(data.n + PDV_HEADER));
    pdv_header_write(context, command, last, data.n, w);
    wr_put(w, data);
}

static void put_command(struct wr *w, uint8_t context, struct dimse_command c)
{
    uint8_t buf[1024];
    struct wr set = wr_fixed(buf, sizeof buf);
    dimse_command_write(&c, &set);
    put_pdv(w, context, true, true, wr_str(&set));
}

static void element(struct wr *w, uint16_t group, uint16_t number, const char *vr,
                    const char *value)
{
    size_t n = strlen(value);
    wr_u16le(w, group);
    wr_u16le(w, number);
    wr_bytes(w, vr, 2);
    wr_u16le(w, (uint16_t)(n + n % 2));
    wr_bytes(w, value, n);
    wr_fill(w, ' ', n % 2);
}

static void data_set(struct wr *w, const char *name, const char *id, size_t pixels)
{
    element(w, 0x0008, 0x0016, "UI", CT);
    element(w, 0x0008, 0x0020, "DA", "20260101");
    element(w, 0x0008, 0x0050, "SH", "");
    element(w, 0x0010, 0x0010, "PN", name);
    element(w, 0x0010, 0x0020, "LO", id);
    element(w, 0x0010, 0x0030, "DA", "19700101");
    if (pixels) {
        wr_bytes(w, "\xe0\x7f\x10\0OW\0\0", 8);
        wr_u32le(w, (uint32_t)pixels);
        wr_fill(w, 0x55, pixels);
    }
}

static void put_data(struct wr *w, uint8_t context, struct str data)
{
    while (data.n) {
        struct str part = str_slice(data, 0, PDU - PDV_HEADER);
        data = str_slice(data, part.n, data.n);
        put_pdv(w, context, false, data.n == 0, part);
    }
}

static void put_data_set(struct wr *w, const char *name, const char *id, size_t pixels)
{
    struct wr data = wr_heap(pixels + 4096);
    data_set(&data, name, id, pixels);
    put_data(w, 1, wr_str(&data));
    wr_done(&data);
}

void make_store(struct wr *w, const char *name, const char *id, size_t pixels)
{
    struct dimse_command c = dimse_command(C_STORE_RQ, 1);
    c.has_data = true;
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3.4");
    put_command(w, 1, c);
    put_data_set(w, name, id, pixels);
}

void make_store_rsp(struct wr *w)
{
    struct dimse_command c = dimse_command(C_STORE_RSP, 1);
    c.sop_class = STR(CT);
    c.sop_instance = STR("1.2.3.4");
    put_command(w, 1, c);
}

void make_find_rsp(struct wr *w, const char *name)
{
    struct dimse_command c = dimse_command(C_FIND_RSP, 1);
    c.has_data = true;
    c.status = 0xff00;
    c.sop_class = STR("1.2.840.10008.5.1.4.1.2.2.1");
    put_command(w, 1, c);
    put_data_set(w, name, "F-1", 0);
}

void make_echo(struct wr *w, bool answer)
{
    struct dimse_command c = dimse_command(answer ? C_ECHO_RSP : C_ECHO_RQ, 7);
    c.sop_class = STR("1.2.840.10008.1.1");
    put_command(w, 3, c);
}

void make_release(struct wr *w, bool answer)
{
    pdu_release_write(answer ? PDU_RELEASE_RP : PDU_RELEASE_RQ, w);
}

void make_association(struct make *m, struct make_conn *c, const char *name, unsigned n,
                      size_t pixels)
{
    struct wr w = wr_heap((size_t)64 << 20);
    make_open(m, c);
    make_rq(&w, "STORESCU", "PACS");
    make_say(m, c, 0, wr_str(&w));
    wr_clear(&w);
    make_ac(&w, "STORESCU", "PACS", "1.2.276.0.7230010.3.0.3.6.4", "OFFIS_DCMTK_364");
    make_say(m, c, 1, wr_str(&w));
    for (unsigned i = 0; i < n; i++) {
        wr_clear(&w);
        make_store(&w, name, "ID-4711", pixels);
        make_say(m, c, 0, wr_str(&w));
        wr_clear(&w);
        make_store_rsp(&w);
        make_say(m, c, 1, wr_str(&w));
    }
    wr_clear(&w);
    make_release(&w, false);
    make_say(m, c, 0, wr_str(&w));
    wr_clear(&w);
    make_release(&w, true);
    make_say(m, c, 1, wr_str(&w));
    make_close(m, c);
    wr_done(&w);
}
