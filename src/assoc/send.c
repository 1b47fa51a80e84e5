/* Messages going out: P-DATA-TF PDUs of at most the length that the other side takes, with headers
 * of ours between data that stays where it is (PS3.8 9.3.5, E). */
#include "assoc/internal.h"
#include "base/size.h"

enum {
    HEADERS = PDU_HEADER + PDV_HEADER,
    COMMAND_BYTES = 1024,
    BATCH_PDUS = 32,
    BATCH_BYTES = 1024 * 1024,
};

/* Data bytes that fit a PDU; even, as fragments shall be. */
static size_t room(const struct assoc *a)
{
    const struct pdu_associate *peer = a->ul.requestor ? a->answer : a->request;
    size_t max = peer->max_pdu ? peer->max_pdu : PEER_PDU_DEFAULT;
    return (size_min(max, PEER_PDU_DEFAULT) - PDV_HEADER) & ~(size_t)1;
}

static void put_headers(struct wr *w, uint8_t context, bool command, bool last, size_t n)
{
    wr_u8(w, PDU_DATA_TF);
    wr_u8(w, 0);
    wr_u32be(w, (uint32_t)(n + PDV_HEADER));
    pdv_header_write(context, command, last, n, w);
}

static err_t write_parts(struct assoc *a, const struct str *parts, size_t n)
{
    err_t e = conn_writev(a->conn, parts, n, clock_deadline(a->limits.dimse_ms));
    if (e == OK)
        return OK;
    if (e == E_TIMEOUT)
        (void)diag_set(&a->diag, e, "the other side took nothing in time");
    else if (e != E_STOPPED && wire_farewell(a))
        return a->dead;
    /* Half a PDU may be out, so that an A-ABORT would only be read as its end. */
    return wire_lost(a, e == E_TIMEOUT || e == E_STOPPED ? e : E_IO);
}

static void open_pdu(struct assoc *a)
{
    a->send_pdu = a->send.n;
    wr_fill(&a->send, 0, HEADERS);
}

static size_t held(const struct assoc *a)
{
    return a->send.n - a->send_pdu - HEADERS;
}

/* The open PDU gets its headers, for n bytes. */
static void close_pdu(struct assoc *a, size_t n, bool last)
{
    struct wr w = wr_fixed(a->send.p + a->send_pdu, HEADERS);
    put_headers(&w, a->send_context, false, last, n);
}

static void put_command(struct assoc *a, uint8_t context, struct str bytes)
{
    size_t max = room(a);
    do {
        struct str part = str_slice(bytes, 0, max);
        bytes = str_slice(bytes, part.n, bytes.n);
        put_headers(&a->send, context, true, bytes.n == 0, part.n);
        wr_put(&a->send, part);
    } while (bytes.n);
}

err_t assoc_send(struct assoc *a, uint8_t context, const struct dimse_command *cmd)
{
    uint8_t bytes[COMMAND_BYTES];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    if (a->dead != OK)
        return a->dead;
    if (a->sending || !assoc_context(a, context))
        return E_USAGE;
    dimse_command_write(cmd, &w);
    if (w.bad)
        return E_LIMIT;
    TRY(wire_do(a, EVT9, NULL, NULL));
    wr_clear(&a->send);
    put_command(a, context, wr_str(&w));
    a->send_context = context;
    a->sending = cmd->has_data;
    if (a->sending)
        open_pdu(a);
    if (a->send.bad)
        return wire_abort(a, EVT15, UL_REASON_NONE, E_NOMEM);
    struct str all = wr_str(&a->send);
    return a->sending ? OK : write_parts(a, &all, 1);
}

/* As many PDUs of one write as there are data for. */
struct batch {
    struct str parts[1 + 2 * BATCH_PDUS];
    uint8_t headers[BATCH_PDUS][HEADERS];
    size_t n_parts, n_headers, bytes;
};

static void batch_part(struct batch *b, struct str s)
{
    if (s.n)
        b->parts[b->n_parts++] = s;
    b->bytes += s.n;
}

/* The next PDU from the piece. */
static struct str batch_pdu(struct assoc *a, struct batch *b, struct str piece, bool last)
{
    struct str part = str_slice(piece, 0, room(a));
    piece = str_slice(piece, part.n, piece.n);
    struct wr w = wr_fixed(b->headers[b->n_headers++], HEADERS);
    put_headers(&w, a->send_context, false, last && piece.n == 0, part.n);
    batch_part(b, wr_str(&w));
    batch_part(b, part);
    return piece;
}

/* Sends what is held and then the piece, all of it, without copying. */
static err_t send_all(struct assoc *a, struct str piece, bool last)
{
    struct batch b = {0};
    struct str part = str_slice(piece, 0, room(a) - held(a));
    piece = str_slice(piece, part.n, piece.n);
    close_pdu(a, held(a) + part.n, last && piece.n == 0);
    batch_part(&b, wr_str(&a->send));
    batch_part(&b, part);
    while (piece.n) {
        if (b.n_headers == BATCH_PDUS - 1 || b.bytes >= BATCH_BYTES) {
            TRY(write_parts(a, b.parts, b.n_parts));
            b.n_parts = b.n_headers = b.bytes = 0;
        }
        piece = batch_pdu(a, &b, piece, last);
    }
    TRY(write_parts(a, b.parts, b.n_parts));
    wr_clear(&a->send);
    return OK;
}

static err_t hold(struct assoc *a, struct str piece)
{
    wr_put(&a->send, piece);
    return a->send.bad ? wire_abort(a, EVT15, UL_REASON_NONE, E_NOMEM) : OK;
}

/* Sends what is there but for a byte or two: fragments are even, and the last one is not empty. */
static err_t split(struct assoc *a, struct str piece)
{
    size_t keep = (held(a) + piece.n) % 2 ? 1 : 2;
    if (piece.n < keep) /* one byte, and an odd number held: it still has room */
        return hold(a, piece);
    TRY(send_all(a, str_slice(piece, 0, piece.n - keep), false));
    open_pdu(a);
    return hold(a, str_slice(piece, piece.n - keep, keep));
}

err_t assoc_send_data(struct assoc *a, struct str piece, bool last)
{
    if (a->dead != OK)
        return a->dead;
    if (!a->sending)
        return E_USAGE;
    if (last) {
        a->sending = false;
        return send_all(a, piece, true);
    }
    size_t n = held(a) + piece.n;
    if (n <= size_min(HOLD_MAX, room(a)))
        return hold(a, piece);
    return split(a, piece);
}
