#include "app/collector.h"

#include <stdio.h>
#include <unistd.h>

#include "access/authority.h"
#include "io/clock.h"

enum { PATH_SIZE = 4096, HOST_SIZE = 256, STOP_MS = 3000, PORT_DEFAULT = 6514 };

static err_t no_address(struct str text, struct diag *d)
{
    return diag_set(d, E_USAGE, "audit-syslog: \"%.*s\" is not HOST:PORT", STR_ARG(text));
}

/* "host", "host:6514", "[::1]:6514". */
static err_t parse_address(struct str text, struct str *ret_host, uint16_t *ret_port,
                           struct diag *d)
{
    struct str host = text, port = {NULL, 0};
    if (str_starts(text, STR("["))) {
        size_t end = str_find(text, ']');
        if (end == text.n || (end + 1 < text.n && text.p[end + 1] != ':'))
            return no_address(text, d);
        host = str_slice(text, 1, end - 1);
        port = str_slice(text, end + 2, text.n);
    } else {
        size_t colon = str_find(text, ':');
        host = str_slice(text, 0, colon);
        port = str_slice(text, colon + 1, text.n);
    }
    uint64_t number = PORT_DEFAULT;
    if (!host.n || (port.n && (!str_to_u64(port, UINT16_MAX, &number) || !number)))
        return no_address(text, d);
    *ret_host = host;
    *ret_port = (uint16_t)number;
    return OK;
}

static err_t key_path(const char *path, const char *name, char buf[PATH_SIZE], struct diag *d)
{
    if (strchr(name, '/'))
        return diag_set(d, E_USAGE, "audit-syslog-trust is a file's name in DATA/keys, not a path");
    int n = snprintf(buf, PATH_SIZE, "%s/keys/%s", path, name);
    return n > 0 && n < PATH_SIZE ? OK : diag_set(d, E_USAGE, "the data folder's path is too long");
}

static err_t make_tls(const struct options *o, const char *path, struct tls **ret, struct diag *d)
{
    char cert[PATH_SIZE], key[PATH_SIZE], trust[PATH_SIZE];
    const char *authority = o->audit_syslog_trust[0] ? o->audit_syslog_trust : AUTHORITY_CERT;
    TRY(key_path(path, SERVER_CERT, cert, d));
    TRY(key_path(path, SERVER_KEY, key, d));
    TRY(key_path(path, authority, trust, d));
    return tls_client(&(struct tls_files){.cert = cert, .key = key, .trust = trust}, ret, d);
}

err_t collector_start(const struct options *o, const char *path, struct collector *ret,
                      struct diag *d)
{
    char ours[HOST_SIZE] = "";
    struct syslog_options so = {0};
    *ret = (struct collector){0};
    if (!o->audit_syslog[0])
        return OK;
    TRY(parse_address(str_trim(str_z(o->audit_syslog)), &so.host, &so.port, d));
    TRY(make_tls(o, path, &ret->tls, d));
    if (gethostname(ours, sizeof ours - 1) == 0)
        so.hostname = str_z(ours);
    so.tls = ret->tls;
    err_t e = syslog_start(&so, &ret->sender, d);
    if (e != OK)
        collector_stop(ret);
    return e;
}

void collector_stop(struct collector *c)
{
    struct syslog_figures f;
    if (c->sender) {
        uint64_t left = syslog_stop(c->sender, clock_deadline(STOP_MS), &f);
        if (left)
            fprintf(stderr, "note: %llu audit messages did not reach the collector: %s\n",
                    (unsigned long long)left, f.last.text);
    }
    tls_free(c->tls);
    *c = (struct collector){0};
}
