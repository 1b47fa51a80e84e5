#include "access/authority.h"

#include "base/size.h"
#include "io/file.h"
#include "io/x509.h"

enum { PEM_MAX = 65536, NAMES_MAX = 2048, COMMON_NAME_MAX = 64 };

#define PEM __attribute__((cleanup(pem_done))) struct wr

/* A private key may be in it. */
static void pem_done(struct wr *w)
{
    if (w->p)
        explicit_bzero(w->p, w->cap);
    wr_done(w);
}

static err_t load(int dir, const char *name, struct wr *ret, struct diag *d)
{
    *ret = wr_heap(PEM_MAX);
    return file_load(dir, name, PEM_MAX, ret, d);
}

static err_t refuse_existing(int dir, struct diag *d)
{
    static const char *const names[] = {AUTHORITY_CERT, AUTHORITY_KEY, SERVER_CERT, SERVER_KEY};
    for (size_t i = 0; i < COUNT(names); i++) {
        int fd = -1;
        err_t e = file_open(dir, names[i], FILE_READ, &fd, NULL);
        file_close(&fd);
        if (e != E_NOTFOUND)
            return diag_set(d, E_EXISTS, "keys/%s is there already; it is not written over",
                            names[i]);
    }
    return OK;
}

/* The server's names: its own first, then those that always hold, then what was asked for. */
static err_t server_names(struct str host, struct str names, struct wr *w, struct diag *d)
{
    wr_put(w, host);
    wr_put(w, host.n ? STR(",") : STR(""));
    wr_put(w, STR("localhost,127.0.0.1,::1"));
    wr_put(w, names.n ? STR(",") : STR(""));
    wr_put(w, names);
    return w->bad ? diag_set(d, E_LIMIT, "too many names for one certificate") : OK;
}

/* Key before certificate: a certificate without its key would look like a server that is ready. */
static err_t save_pair(int dir, const char *key_name, struct str key, const char *cert_name,
                       struct str cert, struct diag *d)
{
    TRY(file_save(dir, key_name, 0600, key, d));
    return file_save(dir, cert_name, 0600, cert, d);
}

static err_t issue_server(int dir, struct str ca_cert, struct str ca_key, struct str host,
                          struct str names, struct diag *d)
{
    char list[NAMES_MAX];
    struct wr w = wr_fixed(list, sizeof list);
    TRY(server_names(host, names, &w, d));
    struct str name = host.n && host.n <= COMMON_NAME_MAX ? host : STR("localhost");
    PEM cert = wr_heap(PEM_MAX);
    PEM key = wr_heap(PEM_MAX);
    TRY(x509_issue(ca_cert, ca_key, name, wr_str(&w), true, CERT_DAYS, &cert, &key, d));
    return save_pair(dir, SERVER_KEY, wr_str(&key), SERVER_CERT, wr_str(&cert), d);
}

static err_t make_all(int dir, struct str host, struct str names, struct diag *d)
{
    char text[COMMON_NAME_MAX];
    struct wr name = wr_fixed(text, sizeof text);
    PEM cert = wr_heap(PEM_MAX);
    PEM key = wr_heap(PEM_MAX);
    wr_put(&name, STR("Lastra authority"));
    if (host.n && host.n < COMMON_NAME_MAX - 24)
        wr_printf(&name, " of %.*s", STR_ARG(host));
    TRY(x509_authority(wr_str(&name), AUTHORITY_DAYS, &cert, &key));
    TRY(save_pair(dir, AUTHORITY_KEY, wr_str(&key), AUTHORITY_CERT, wr_str(&cert), d));
    return issue_server(dir, wr_str(&cert), wr_str(&key), host, names, d);
}

err_t authority_create(int keys_dir, struct str host, struct str names, struct diag *d)
{
    static const char *const made[] = {AUTHORITY_CERT, AUTHORITY_KEY, SERVER_CERT, SERVER_KEY};
    TRY(refuse_existing(keys_dir, d));
    err_t e = make_all(keys_dir, host, names, d);
    for (size_t i = 0; e != OK && i < COUNT(made); i++)
        if (file_remove(keys_dir, made[i], NULL) != OK)
            continue; /* the first error is the one to tell */
    return e;
}

static err_t load_authority(int dir, struct wr *cert, struct wr *key, struct diag *d)
{
    err_t e = load(dir, AUTHORITY_CERT, cert, d);
    if (e == OK)
        e = load(dir, AUTHORITY_KEY, key, d);
    if (e == E_NOTFOUND)
        return diag_set(d, e,
                        "keys/" AUTHORITY_KEY " is not here, so certificates come from your own "
                        "authority; register one with `lastra peer change --cert-file FILE`");
    return e;
}

err_t authority_renew_server(int keys_dir, struct str host, struct str names, struct diag *d)
{
    PEM cert = {0};
    PEM key = {0};
    TRY(load_authority(keys_dir, &cert, &key, d));
    return issue_server(keys_dir, wr_str(&cert), wr_str(&key), host, names, d);
}

static err_t read_pem(struct str pem, struct peer_cert *ret, struct diag *d)
{
    struct peer_cert c;
    TRY(x509_fingerprint(pem, c.sha256, d));
    TRY(x509_expiry(pem, &c.expires, d));
    *ret = c;
    return OK;
}

err_t authority_issue(int keys_dir, struct str aet, struct str names, unsigned days,
                      struct wr *ret_cert, struct wr *ret_key, struct peer_cert *ret,
                      struct diag *d)
{
    PEM cert = {0};
    PEM key = {0};
    if (!aet_is_valid(aet))
        return diag_set(d, E_USAGE, "'%.*s' cannot be an AE title", (int)size_min(aet.n, 64),
                        aet.p);
    TRY(load_authority(keys_dir, &cert, &key, d));
    TRY(x509_issue(wr_str(&cert), wr_str(&key), aet, names, names.n > 0, days, ret_cert, ret_key,
                   d));
    return read_pem(wr_str(ret_cert), ret, d);
}

err_t authority_read_cert(int dir, const char *name, struct peer_cert *ret, struct diag *d)
{
    PEM pem = {0};
    TRY(load(dir, name, &pem, d));
    return read_pem(wr_str(&pem), ret, d);
}

err_t authority_state(int keys_dir, struct authority_state *ret, struct diag *d)
{
    struct peer_cert authority, server;
    TRY(authority_read_cert(keys_dir, AUTHORITY_CERT, &authority, d));
    TRY(authority_read_cert(keys_dir, SERVER_CERT, &server, d));
    int fd = -1;
    err_t e = file_open(keys_dir, AUTHORITY_KEY, FILE_READ, &fd, NULL);
    file_close(&fd);
    *ret = (struct authority_state){authority.expires, server.expires, e == OK};
    return OK;
}
