/* Certificates for tests, made by the archive's own authority and written into a scratch folder. */
#ifndef LASTRA_TESTS_IO_CERTS_H
#define LASTRA_TESTS_IO_CERTS_H

#include "scratch.h"

#include "io/tls.h"
#include "io/x509.h"

enum { PEM_CAP = 4096, PATH_CAP = 256 };

/* One certificate with its key: as text, and as files in the folder. */
struct cert {
    char cert[PEM_CAP], key[PEM_CAP];
    struct wr cert_w, key_w;
    char cert_path[PATH_CAP], key_path[PATH_CAP];
    uint8_t print[32];
};

static inline void cert_save_(struct scratch *s, struct cert *c, const char *name)
{
    struct diag d;
    char file[64];
    snprintf(file, sizeof file, "%s.crt", name);
    assert_ok(file_save(s->fd, file, 0600, wr_str(&c->cert_w), &d));
    scratch_path(s, file, c->cert_path);
    snprintf(file, sizeof file, "%s.key", name);
    assert_ok(file_save(s->fd, file, 0600, wr_str(&c->key_w), &d));
    scratch_path(s, file, c->key_path);
    assert_ok(x509_fingerprint(wr_str(&c->cert_w), c->print, &d));
}

static inline struct cert *cert_new_(void)
{
    struct cert *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->cert_w = wr_fixed(c->cert, sizeof c->cert);
    c->key_w = wr_fixed(c->key, sizeof c->key);
    return c;
}

static inline struct cert *authority_new(struct scratch *s, const char *name)
{
    struct cert *c = cert_new_();
    assert_ok(x509_authority(str_z(name), 30, &c->cert_w, &c->key_w));
    cert_save_(s, c, name);
    return c;
}

static inline struct cert *cert_issue(struct scratch *s, const struct cert *by, const char *name,
                                      const char *names, bool server, unsigned days)
{
    struct cert *c = cert_new_();
    struct diag d = {0};
    assert_ok(x509_issue(wr_str(&by->cert_w), wr_str(&by->key_w), str_z(name), str_z(names), server,
                         days, &c->cert_w, &c->key_w, &d));
    cert_save_(s, c, name);
    return c;
}

#endif
