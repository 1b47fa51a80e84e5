/* The scope file's text (scope.def). A file that grants more than it was meant to is worse than one
 * that is refused: what is not understood ends the reading. */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/wr.h"
#include "io/crypto.h"
#include "io/file.h"
#include "survey/source/probe/scope.h"

enum { SETTINGS_MAX = 32, MINUTES = 24 * 60, EVERY_DAY = 0x7f };

struct setting;

struct reading {
    struct scope *s;
    const char *file;
    unsigned line;
    const struct setting *row; /* under way */
    bool seen[SETTINGS_MAX];
    struct diag *d;
};

struct setting {
    struct str name;
    err_t (*read)(struct reading *r, struct str value, void *field);
    bool needed, many;
    uint64_t min, max;
    size_t field;
    struct str standard, help;
};

enum { MAY = 0, NEEDED = 1, ONCE = 0, MANY = 1 };

/* "scope:12: ports: WHAT" */
static err_t refuse(const struct reading *r, err_t e, const char *what, struct str value)
{
    char shown[64];
    struct wr w = wr_fixed(shown, sizeof shown);
    wr_printable(&w, str_slice(value, 0, 15));
    return diag_set(r->d, e, "%s:%u: %.*s \"%.*s\"%s", r->file, r->line, STR_ARG(r->row->name),
                    STR_ARG(wr_str(&w)), what);
}

static err_t read_text(struct reading *r, struct str value, void *field)
{
    if (value.n < r->row->min || value.n > r->row->max || !str_is_utf8(value))
        return refuse(r, E_MALFORMED, " must be a text of 2 to 255 bytes", value);
    for (size_t i = 0; i < value.n; i++)
        if (iscntrl((unsigned char)value.p[i]))
            return refuse(r, E_MALFORMED, " holds a control character", value);
    memcpy(field, value.p, value.n);
    ((char *)field)[value.n] = 0;
    return OK;
}

/* It goes into a request's header. */
static err_t read_contact(struct reading *r, struct str value, void *field)
{
    for (size_t i = 0; i < value.n; i++)
        if (!isalnum((unsigned char)value.p[i]) && !strchr("@.+-_: /", value.p[i]))
            return refuse(r, E_MALFORMED,
                          ": letters, digits and @.+-_:/ only, as survey@hospital.example", value);
    return read_text(r, value, field);
}

static bool date_ok(struct str v)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year, month, day;
    if (v.n != 10 || v.p[4] != '-' || v.p[7] != '-' ||
        !str_to_u64(str_slice(v, 0, 4), 9999, &year) ||
        !str_to_u64(str_slice(v, 5, 2), 12, &month) || !str_to_u64(str_slice(v, 8, 2), 31, &day))
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && day >= 1 && day <= days[month - 1] && (month != 2 || day < 29 || leap);
}

static err_t read_date(struct reading *r, struct str value, void *field)
{
    if (!date_ok(value))
        return refuse(r, E_MALFORMED, " is not a day, as 2026-12-31", value);
    return str_to_z(value, field, 11) ? OK : E_MALFORMED;
}

static err_t add_network(struct reading *r, struct str value, const struct network *n,
                         struct network *list, size_t *count)
{
    if (128 - n->bits > SCOPE_HOST_BITS && list == r->s->networks)
        return refuse(r, E_LIMIT, " holds more than 2^24 addresses: name the ranges in use", value);
    if (*count == SCOPE_NETWORKS_MAX)
        return refuse(r, E_LIMIT, ": too many networks; split the scope", value);
    list[(*count)++] = *n;
    return OK;
}

static err_t parse_network(struct reading *r, struct str value, struct network *ret)
{
    if (network_parse(value, ret) != OK)
        return refuse(r, E_MALFORMED, " is not a network, as 10.20.0.0/16 or fd00::12:0/112",
                      value);
    return OK;
}

static err_t read_network(struct reading *r, struct str value, void *field)
{
    struct network n;
    (void)field;
    TRY(parse_network(r, value, &n));
    if (!network_is_private(&n))
        return refuse(r, E_DENIED,
                      " is not private: if it is the owner's, say public-network for it", value);
    return add_network(r, value, &n, r->s->networks, &r->s->n_networks);
}

/* Where no host stands: "this" network, multicast and reserved, the same of IPv6. */
static bool no_hosts_there(const struct network *n)
{
    struct ip ip;
    memcpy(ip.b, n->bytes, sizeof ip.b);
    if (ip_is_v4(&ip))
        return ip.b[12] == 0 || ip.b[12] >= 224;
    return ip.b[0] == 0xff || (ip.b[0] == 0 && !ip_is_loopback(&ip));
}

static err_t read_public_network(struct reading *r, struct str value, void *field)
{
    struct network n;
    (void)field;
    TRY(parse_network(r, value, &n));
    if (no_hosts_there(&n))
        return refuse(r, E_DENIED, " is not where hosts have their addresses", value);
    return add_network(r, value, &n, r->s->networks, &r->s->n_networks);
}

static err_t read_exclude(struct reading *r, struct str value, void *field)
{
    struct network n;
    (void)field;
    TRY(parse_network(r, value, &n));
    return add_network(r, value, &n, r->s->excludes, &r->s->n_excludes);
}

static err_t read_pattern(struct reading *r, struct str value, void *field)
{
    struct scope *s = r->s;
    (void)field;
    if (s->n_never_names == SCOPE_NAMES_MAX)
        return refuse(r, E_LIMIT, ": too many names; use patterns", value);
    TRY(read_text(r, value, s->never_names[s->n_never_names]));
    s->n_never_names++;
    return OK;
}

static err_t read_mac(struct reading *r, struct str value, void *field)
{
    struct scope *s = r->s;
    size_t n = 0;
    (void)field;
    if (s->n_never_macs == SCOPE_NAMES_MAX)
        return refuse(r, E_LIMIT, ": too many hardware addresses", value);
    char *to = s->never_macs[s->n_never_macs];
    for (size_t i = 0; i < value.n; i++) {
        if (isxdigit((unsigned char)value.p[i]) && n < 12)
            to[n++] = (char)tolower((unsigned char)value.p[i]);
        else if (!strchr(":-.", value.p[i]))
            n = SIZE_MAX / 2;
        if (n > 12)
            break;
    }
    if (n == 0 || n > 12)
        return refuse(r, E_MALFORMED, " is not the beginning of a hardware address, as 00:1a:2b",
                      value);
    to[n] = 0;
    s->n_never_macs++;
    return OK;
}

static bool kind_by_name(struct str name, enum probe_kind *ret)
{
    if (str_eq(name, STR("tls"))) {
        *ret = PROBE_DICOM_TLS;
        return true;
    }
    for (int k = 0; k < PROBE_KINDS; k++)
        if (str_eq(name, probe_kind_name((enum probe_kind)k))) {
            *ret = (enum probe_kind)k;
            return true;
        }
    return false;
}

/* A connection to them prints. */
static bool is_print_port(uint64_t port)
{
    return port == 515 || port == 631 || (port >= 9100 && port <= 9107);
}

static err_t add_port(struct reading *r, struct str text)
{
    struct scope *s = r->s;
    size_t slash = str_find(text, '/');
    struct str what = str_slice(text, slash + 1, text.n);
    struct scope_port p = {.kind = PROBE_DICOM};
    uint64_t port;
    if (!str_to_u64(str_slice(text, 0, slash), 65535, &port) || port == 0)
        return refuse(r, E_MALFORMED, " is not a port, as 104 or 8443/https", text);
    if (slash < text.n && !kind_by_name(what, &p.kind))
        return refuse(r, E_MALFORMED, ": after the port stands dicom, tls, http, https or mllp",
                      text);
    if (is_print_port(port))
        return refuse(r, E_DENIED, " is a printer's port and never probed: take it out", text);
    for (size_t i = 0; i < s->n_ports; i++)
        if (s->ports[i].port == port)
            return refuse(r, E_MALFORMED, " is there twice: a port gets one connection", text);
    if (s->n_ports == SCOPE_PORTS_MAX)
        return refuse(r, E_LIMIT, ": too many ports", text);
    p.port = (uint16_t)port;
    s->ports[s->n_ports++] = p;
    return OK;
}

static err_t read_ports(struct reading *r, struct str value, void *field)
{
    struct str part;
    (void)field;
    while (str_split(&value, ',', &part))
        TRY(add_port(r, str_trim(part)));
    return OK;
}

static err_t read_number(struct reading *r, struct str value, void *field)
{
    uint64_t n;
    char what[64];
    if (str_to_u64(value, r->row->max, &n) && n >= r->row->min) {
        *(uint32_t *)field = (uint32_t)n;
        return OK;
    }
    struct wr w = wr_fixed(what, sizeof what);
    wr_printf(&w, " is not a number from %u to %u", (unsigned)r->row->min, (unsigned)r->row->max);
    wr_u8(&w, 0);
    return refuse(r, E_MALFORMED, what, value);
}

static err_t read_millis(struct reading *r, struct str value, void *field)
{
    TRY(read_number(r, value, field));
    *(uint32_t *)field *= 1000;
    return OK;
}

static err_t read_flag(struct reading *r, struct str value, void *field)
{
    bool yes = str_eq(value, STR("yes"));
    if (!yes && !str_eq(value, STR("no")))
        return refuse(r, E_MALFORMED, " must be yes or no", value);
    *(bool *)field = yes;
    return OK;
}

static bool time_of_day(struct str v, uint16_t *ret)
{
    uint64_t hour, minute;
    if (v.n != 5 || v.p[2] != ':' || !str_to_u64(str_slice(v, 0, 2), 24, &hour) ||
        !str_to_u64(str_slice(v, 3, 2), 59, &minute) || hour * 60 + minute > MINUTES)
        return false;
    *ret = (uint16_t)((hour * 60 + minute) % MINUTES);
    return true;
}

static int day_of_week(struct str v)
{
    static const char days[] = "montuewedthufrisatsun";
    for (int i = 0; i < 7; i++)
        if (str_eq_nocase(v, str_of(days + (size_t)i * 3, 3)))
            return i;
    return -1;
}

/* "mon-fri", "sat", "fri-mon"; several with commas. 0 when it is not that. */
static uint8_t days_of_week(struct str v)
{
    struct str part;
    uint8_t days = 0;
    while (str_split(&v, ',', &part)) {
        size_t dash = str_find(part, '-');
        int first = day_of_week(str_slice(part, 0, dash));
        int last = dash < part.n ? day_of_week(str_slice(part, dash + 1, part.n)) : first;
        if (first < 0 || last < 0)
            return 0;
        for (int day = first;; day = (day + 1) % 7) {
            days |= (uint8_t)(1u << day);
            if (day == last)
                break;
        }
    }
    return days;
}

static err_t read_window(struct reading *r, struct str value, void *field)
{
    struct scope *s = r->s;
    size_t space = str_find(value, ' ');
    struct str hours = str_slice(value, 0, space),
               days = str_trim(str_slice(value, space, value.n));
    (void)field;
    s->window_days = days.n ? days_of_week(days) : EVERY_DAY;
    if (str_eq(hours, STR("always")) && s->window_days) {
        s->window_from = s->window_until = 0;
        return OK;
    }
    if (hours.n != 11 || hours.p[5] != '-' || !s->window_days ||
        !time_of_day(str_slice(hours, 0, 5), &s->window_from) ||
        !time_of_day(str_slice(hours, 6, 5), &s->window_until))
        return refuse(r, E_MALFORMED, " is not a window, as 22:00-05:00 mon-fri", value);
    return OK;
}

#define SETTING(id, reader, need, often, low, high, at, def, what)                                 \
    {STR_INIT(id),  read_##reader, need, often, low, high, offsetof(struct scope, at),             \
     STR_INIT(def), STR_INIT(what)},
static const struct setting settings[] = {
#include "survey/source/probe/scope.def"
};
#undef SETTING
_Static_assert(COUNT(settings) <= SETTINGS_MAX, "raise SETTINGS_MAX");

static err_t apply(struct reading *r, const struct setting *row, struct str value)
{
    r->row = row;
    return row->read(r, value, (char *)r->s + row->field);
}

/* A comment begins with # at the line's start or behind a space. */
static struct str without_comment(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return str_slice(line, 0, i);
    return line;
}

static err_t read_line(struct reading *r, struct str line)
{
    static const struct setting unknown = {.name = STR_INIT("line")};
    line = str_trim(without_comment(line));
    if (line.n == 0)
        return OK;
    r->row = &unknown;
    size_t equals = str_find(line, '=');
    if (equals == line.n)
        return refuse(r, E_MALFORMED, " is not `name = value`", line);
    struct str name = str_trim(str_slice(line, 0, equals)),
               value = str_trim(str_slice(line, equals + 1, line.n));
    for (size_t i = 0; i < COUNT(settings); i++) {
        if (!str_eq(name, settings[i].name))
            continue;
        r->row = &settings[i];
        if (r->seen[i] && !settings[i].many)
            return refuse(r, E_MALFORMED, ": the setting is there twice", value);
        r->seen[i] = true;
        return apply(r, &settings[i], value);
    }
    return refuse(r, E_MALFORMED, ": there is no such setting", name);
}

static err_t read_lines(struct reading *r, struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        r->line++;
        TRY(read_line(r, line));
    }
    return OK;
}

static err_t read_missing(struct reading *r)
{
    for (size_t i = 0; i < COUNT(settings); i++) {
        const struct setting *row = &settings[i];
        if (r->seen[i])
            continue;
        if (row->needed)
            return diag_set(r->d, E_DENIED, "%s names no %.*s: nothing is probed without it; %.*s",
                            r->file, STR_ARG(row->name), STR_ARG(row->help));
        if (row->standard.n)
            TRY(apply(r, row, row->standard));
    }
    if (r->s->n_networks == 0)
        return diag_set(r->d, E_DENIED, "%s names no network: nothing is probed without one",
                        r->file);
    return OK;
}

static int network_order(const void *a, const void *b)
{
    const struct network *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, sizeof x->bytes);
    return order ? order : (x->bits > y->bits) - (x->bits < y->bits);
}

/* In order and without what is inside another one: an address has one place. */
static void tidy(struct network *list, size_t *n)
{
    size_t kept = 0;
    qsort(list, *n, sizeof *list, network_order);
    for (size_t i = 0; i < *n; i++) {
        struct ip ip;
        memcpy(ip.b, list[i].bytes, sizeof ip.b);
        if (kept == 0 || !ip_in(&list[kept - 1], &ip))
            list[kept++] = list[i];
    }
    *n = kept;
}

static err_t finish(struct reading *r, struct str text, const char today[11])
{
    struct scope *s = r->s;
    uint64_t sum = 0;
    TRY(read_missing(r));
    if (strcmp(today, s->until) > 0)
        return diag_set(r->d, E_DENIED,
                        "%s: the permission ended on %s: ask for a new one before probing", r->file,
                        s->until);
    if (!scope_day_allowed(s, today))
        return diag_set(r->d, E_DENIED, "%s: the permission begins on %s: wait until then", r->file,
                        s->from);
    tidy(s->networks, &s->n_networks);
    tidy(s->excludes, &s->n_excludes);
    for (size_t i = 0; i < s->n_networks; i++) {
        s->firsts[i] = sum;
        sum += (uint64_t)1 << (128 - s->networks[i].bits);
    }
    return crypto_sha256(text, s->digest);
}

static struct scope *scope_new(void)
{
    struct scope *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->networks = calloc(SCOPE_NETWORKS_MAX, sizeof *s->networks);
    s->firsts = calloc(SCOPE_NETWORKS_MAX, sizeof *s->firsts);
    s->excludes = calloc(SCOPE_NETWORKS_MAX, sizeof *s->excludes);
    s->never_names = calloc(SCOPE_NAMES_MAX, sizeof *s->never_names);
    s->never_macs = calloc(SCOPE_NAMES_MAX, sizeof *s->never_macs);
    if (s->networks && s->firsts && s->excludes && s->never_names && s->never_macs)
        return s;
    scope_free(s);
    return NULL;
}

err_t scope_parse(struct str text, const char *file, const char today[11], struct scope **ret,
                  struct diag *d)
{
    struct reading r = {.s = scope_new(), .file = file, .d = d};
    if (!r.s)
        return E_NOMEM;
    err_t e = read_lines(&r, text);
    if (e == OK)
        e = finish(&r, text, today);
    if (e != OK) {
        scope_free(r.s);
        return e;
    }
    *ret = r.s;
    return OK;
}

err_t scope_load(const char *path, const char today[11], struct scope **ret, struct diag *d)
{
    struct wr w = wr_heap(SCOPE_FILE_MAX);
    err_t e = file_load(AT_FDCWD, path, SCOPE_FILE_MAX, &w, d);
    if (e == OK)
        e = scope_parse(wr_str(&w), path, today, ret, d);
    wr_done(&w);
    return e;
}

void scope_markdown(struct wr *w)
{
    wr_put(w, STR("| setting | | standard | what it is |\n|---|---|---|---|\n"));
    for (size_t i = 0; i < COUNT(settings); i++) {
        const struct setting *row = &settings[i];
        wr_printf(w, "| `%.*s` | %s | %.*s | %.*s |\n", STR_ARG(row->name),
                  row->needed ? "needed"
                  : row->many ? "any number"
                              : "",
                  STR_ARG(row->standard), STR_ARG(row->help));
    }
}
