#include "survey/source/import/table.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/source/import/csv_text.h"
#include "survey/source/import/said.h"

enum { NAME_ROOM = 40 };

struct reader {
    const struct table_format *format;
    struct importer_sink *sink;
    struct csv csv;
    struct column columns[CSV_CELLS_MAX];
    size_t n; /* 0: the names were not read */
    struct diag *why;
};

/* One row as it is understood. */
struct row {
    struct str ip, port, time, product, version, banner;
};

/* "Indirizzo IP" as "indirizzo_ip". */
static struct str plain_name(struct str cell, char buf[NAME_ROOM])
{
    size_t n = 0;
    for (size_t i = 0; i < cell.n && n < NAME_ROOM; i++) {
        char c = cell.p[i];
        bool gap = c == ' ' || c == '-' || c == '_' || c == '.' || c == '/';
        if (gap && (n == 0 || buf[n - 1] == '_'))
            continue;
        buf[n++] = gap ? '_' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    while (n && buf[n - 1] == '_')
        n--;
    return str_of(buf, n);
}

static struct column column_of(const struct table_format *f, struct str cell)
{
    char buf[NAME_ROOM];
    struct str name = plain_name(cell, buf);
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(str_z(f->columns[i].name), name))
            return f->columns[i];
    enum ev_kind kind = f->any_fact ? ev_by_name(name) : EV_NONE;
    if (kind != EV_NONE && !ev_is_raw(kind) && kind != EV_match)
        return (struct column){"", COLUMN_FACT, kind};
    return (struct column){"", COLUMN_NOTHING, EV_NONE};
}

static err_t read_names(struct reader *r, const struct str *cells, size_t n)
{
    bool ip = false;
    for (size_t i = 0; i < n; i++) {
        r->columns[i] = column_of(r->format, cells[i]);
        ip = ip || r->columns[i].what == COLUMN_IP;
    }
    r->n = n;
    return ip ? OK : diag_set(r->why, E_MALFORMED, "%s", r->format->wants);
}

static struct row sort_cells(const struct reader *r, const struct str *cells, size_t n)
{
    struct row row = {0};
    struct str *const places[] = {
        [COLUMN_IP] = &row.ip,         [COLUMN_PORT] = &row.port,
        [COLUMN_TIME] = &row.time,     [COLUMN_PRODUCT] = &row.product,
        [COLUMN_BANNER] = &row.banner, [COLUMN_PRODUCT_VERSION] = &row.version,
        [COLUMN_NOTHING] = NULL,
    };
    for (size_t i = 0; i < n && i < r->n; i++) {
        struct str *place = places[r->columns[i].what];
        if (place && cells[i].n)
            *place = cells[i];
    }
    return row;
}

/* Those of evidence.def's part "Of a host". */
static bool is_of_host(enum ev_kind kind)
{
    return kind >= EV_mac && kind <= EV_never_probe;
}

/* Values that are not text: an address of hardware, a country, a type of system. */
static err_t add_value(struct evidence *e, enum ev_by by, enum ev_kind kind, struct str value)
{
    char mac[SAID_MAC];
    if (kind == EV_mac)
        return evidence_keep(e, by, kind, said_mac(value, mac));
    if (kind == EV_country)
        return said_country(e, by, value);
    if (kind == EV_role)
        return evidence_keep(e, by, kind, said_type(value));
    return evidence_keep(e, by, kind, value);
}

static err_t put_facts(struct reader *r, const struct str *cells, size_t n, bool host,
                       struct evidence *e)
{
    for (size_t i = 0; i < n && i < r->n; i++) {
        const struct column *c = &r->columns[i];
        if (c->what == COLUMN_FACT && is_of_host(c->kind) == host && cells[i].n)
            TRY(add_value(e, r->format->by, c->kind, cells[i]));
    }
    return OK;
}

/* Without a port what belongs to one is kept with the host. */
static err_t put_host(struct reader *r, const struct str *cells, size_t n, const struct row *row,
                      bool has_port)
{
    struct evidence *e = sink_evidence(r->sink);
    TRY(put_facts(r, cells, n, true, e));
    if (!has_port) {
        TRY(put_facts(r, cells, n, false, e));
        TRY(said_product(e, row->product, row->version));
    }
    return sink_endpoint(r->sink, 0, said_time(row->time));
}

static err_t put_port(struct reader *r, const struct str *cells, size_t n, const struct row *row,
                      uint16_t port)
{
    struct evidence *e = sink_evidence(r->sink);
    struct said_banner b = {sink_stable(r->sink, row->banner), STR(""), STR("/"), STR(""), false};
    if (!b.text.p)
        return E_NOMEM;
    if (r->format->by == BY_ENGINE) {
        TRY(evidence_add(e, BY_ENGINE, EV_port_open, STR("yes")));
        TRY(said_date(e, EV_first_said, row->time));
        TRY(said_product(e, row->product, row->version));
        TRY(said_answer(e, &b));
    }
    TRY(put_facts(r, cells, n, false, e));
    return sink_endpoint(r->sink, port, said_time(row->time));
}

static err_t put_row(struct reader *r, const struct str *cells, size_t n)
{
    struct row row = sort_cells(r, cells, n);
    struct ip ip;
    uint16_t port = 0;
    bool has_port = row.port.n > 0;
    if (ip_parse(row.ip, &ip) != OK) {
        sink_bad(r->sink, "no address");
        return OK;
    }
    if (has_port && !said_port(row.port, &port)) {
        sink_bad(r->sink, "not a port");
        return OK;
    }
    if (sink_wants(r->sink, &ip)) {
        TRY(put_host(r, cells, n, &row, has_port));
        if (has_port)
            TRY(put_port(r, cells, n, &row, port));
    }
    return sink_host(r->sink, &ip);
}

static err_t on_row(void *ctx, const struct str *cells, size_t n, bool over)
{
    struct reader *r = ctx;
    if (r->n == 0)
        return read_names(r, cells, n);
    if (over) {
        sink_bad(r->sink, "a row of more than %d cells or %d bytes", CSV_CELLS_MAX, CSV_ROW_MAX);
        return OK;
    }
    err_t e = put_row(r, cells, n);
    if (e != E_LIMIT && e != E_NOMEM)
        return e;
    sink_bad(r->sink, "too large");
    return OK;
}

static err_t open_reader(const void *format, struct importer_sink *s, void **ret)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->format = format;
    r->sink = s;
    csv_init(&r->csv, &(struct csv_calls){on_row, r});
    *ret = r;
    return OK;
}

static void close_reader(void *reader)
{
    struct reader *r = reader;
    if (!r)
        return;
    csv_done(&r->csv);
    free(r);
}

static err_t read_block(void *reader, struct str bytes, struct diag *d)
{
    struct reader *r = reader;
    r->why = d;
    return csv_feed(&r->csv, bytes);
}

static err_t read_end(void *reader, struct diag *d)
{
    struct reader *r = reader;
    r->why = d;
    return csv_end(&r->csv);
}

const struct import_reader table_reader = {
    .open = open_reader,
    .close = close_reader,
    .block = read_block,
    .end = read_end,
};

bool table_looks(const struct table_format *f, struct str head)
{
    struct str cell;
    if (str_starts(head, STR("\xef\xbb\xbf")))
        head = str_slice(head, 3, head.n);
    char separator = csv_separator(head);
    struct str line = str_slice(head, 0, str_find(head, '\n'));
    if (str_starts(str_trim(line), STR("{")) || str_starts(str_trim(line), STR("[")))
        return false;
    while (str_split(&line, separator, &cell)) {
        cell = str_trim(cell);
        if (cell.n >= 2 && cell.p[0] == '"' && cell.p[cell.n - 1] == '"')
            cell = str_slice(cell, 1, cell.n - 2);
        if (column_of(f, cell).what == COLUMN_IP)
            return true;
    }
    return false;
}
