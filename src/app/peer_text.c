#include "app/peer_text.h"

#include "access/stamp.h"

static bool all_loopback(const struct peer *p)
{
    for (size_t i = 0; i < p->n_networks; i++)
        if (!str_starts(str_z(p->networks[i].text), STR("127.")) &&
            !str_starts(str_z(p->networks[i].text), STR("::1")))
            return false;
    return true;
}

void peer_write_transport(const struct peer *p, struct wr *w)
{
    if (p->cleartext[0])
        wr_printf(w, "cleartext: %s", p->cleartext);
    else if (all_loopback(p) && !p->n_certs)
        wr_put(w, STR("cleartext from loopback"));
    else if (p->n_certs)
        wr_printf(w, "TLS with %zu certificate%s", p->n_certs, p->n_certs == 1 ? "" : "s");
    else
        wr_put(w, STR("TLS with a certificate made out to its AE title"));
}

static void write_networks(const struct peer *p, struct wr *w)
{
    for (size_t i = 0; i < p->n_networks; i++)
        wr_printf(w, "%s%s", i ? " " : "", p->networks[i].text);
}

static void write_destinations(const struct peer *p, struct wr *w)
{
    for (size_t i = 0; i < p->n_destinations; i++)
        wr_printf(w, "%s%s", i ? ", " : "", p->destinations[i]);
}

static void write_grants(const struct peer *p, struct wr *w)
{
    if (p->grants)
        grants_write(p->grants, w);
    else
        wr_put(w, STR("nothing"));
}

void peer_write_line(const struct peer *p, struct wr *w)
{
    wr_put(w, STR("from "));
    write_networks(p, w);
    wr_put(w, STR("; "));
    peer_write_transport(p, w);
    wr_put(w, STR("; may "));
    write_grants(p, w);
    if (p->n_destinations) {
        wr_put(w, STR(" to "));
        write_destinations(p, w);
    }
    if (p->host[0])
        wr_printf(w, "; reached at %s:%u%s", p->host, p->port, p->tls ? "" : " without TLS");
}

static void write_limit(struct wr *w, const char *name, uint64_t limit, uint64_t otherwise)
{
    wr_printf(w, "%-14s", name);
    bool unset = limit == LIMIT_DEFAULT;
    uint64_t value = unset ? otherwise : limit;
    if (value)
        wr_printf(w, "%llu", (unsigned long long)value);
    else
        wr_put(w, STR("no limit"));
    wr_put(w, unset ? STR(" (default)\n") : STR("\n"));
}

static void write_cert(const struct peer_cert *c, struct wr *w)
{
    wr_printf(w, "%-14s", "certificate:");
    wr_hex(w, str_of(c->sha256, sizeof c->sha256));
    if (c->expires) {
        wr_put(w, STR(" until "));
        stamp_write_day(c->expires, w);
    }
    wr_u8(w, '\n');
}

void peer_write_full(const struct peer *p, struct wr *w)
{
    const struct peer_limits defaults = PEER_LIMITS_DEFAULT;
    wr_printf(w, "%-14s%s\n%-14s", "AE title:", p->aet, "from:");
    write_networks(p, w);
    wr_printf(w, "\n%-14s", "transport:");
    peer_write_transport(p, w);
    wr_u8(w, '\n');
    for (size_t i = 0; i < p->n_certs; i++)
        write_cert(&p->certs[i], w);
    wr_printf(w, "%-14s", "may:");
    write_grants(p, w);
    wr_u8(w, '\n');
    if (p->n_destinations) {
        wr_printf(w, "%-14s", "moves to:");
        write_destinations(p, w);
        wr_u8(w, '\n');
    }
    if (p->host[0])
        wr_printf(w, "%-14s%s:%u%s\n", "reached at:", p->host, p->port,
                  p->tls ? " over TLS" : " without TLS");
    write_limit(w, "associations:", p->limits.associations, defaults.associations);
    write_limit(w, "objects/s:", p->limits.objects_per_second, defaults.objects_per_second);
    write_limit(w, "bytes/s:", p->limits.bytes_per_second, defaults.bytes_per_second);
    wr_printf(w, "%-14s", "since:");
    stamp_write_day(p->added_us / 1000000, w);
    wr_u8(w, '\n');
}

static void json_certs(const struct peer *p, struct json *j)
{
    json_key(j, STR("certificates"));
    json_open_array(j);
    for (size_t i = 0; i < p->n_certs; i++) {
        char text[FINGERPRINT_TEXT];
        struct wr w = wr_fixed(text, sizeof text);
        wr_hex(&w, str_of(p->certs[i].sha256, FINGERPRINT_SIZE));
        json_open_object(j);
        json_member(j, STR("sha256"), wr_str(&w));
        json_key(j, STR("expires"));
        json_i64(j, p->certs[i].expires);
        json_end(j);
    }
    json_end(j);
}

static void json_grants(const struct peer *p, struct json *j)
{
    json_key(j, STR("grants"));
    json_open_array(j);
    for (unsigned g = 0; g < GRANTS; g++)
        if (peer_may(p, (enum grant)g))
            json_text(j, grant_word((enum grant)g));
    json_end(j);
}

static void json_reach(const struct peer *p, struct json *j)
{
    json_key(j, STR("destinations"));
    json_open_array(j);
    for (size_t i = 0; i < p->n_destinations; i++)
        json_text(j, str_z(p->destinations[i]));
    json_end(j);
    if (!p->host[0])
        return;
    json_member(j, STR("host"), str_z(p->host));
    json_member_u64(j, STR("port"), p->port);
    json_member_bool(j, STR("tls"), p->tls);
}

static void json_limit(struct json *j, struct str name, uint64_t limit)
{
    if (limit != LIMIT_DEFAULT)
        json_member_u64(j, name, limit);
}

void peer_write_json(const struct peer *p, struct json *j)
{
    json_open_object(j);
    json_member(j, STR("aet"), str_z(p->aet));
    json_key(j, STR("networks"));
    json_open_array(j);
    for (size_t i = 0; i < p->n_networks; i++)
        json_text(j, str_z(p->networks[i].text));
    json_end(j);
    if (p->cleartext[0])
        json_member(j, STR("cleartext"), str_z(p->cleartext));
    json_certs(p, j);
    json_grants(p, j);
    json_reach(p, j);
    json_limit(j, STR("associations"), p->limits.associations);
    json_limit(j, STR("objects_per_second"), p->limits.objects_per_second);
    json_limit(j, STR("bytes_per_second"), p->limits.bytes_per_second);
    json_end(j);
}
