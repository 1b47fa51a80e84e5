/* What the TLS tests share: an authority and its certificates, and the rules made from them. */
#ifndef LASTRA_TESTS_IO_WORLD_H
#define LASTRA_TESTS_IO_WORLD_H

#include "certs.h"
#include "peer.h"

/* An authority, a server certificate for 127.0.0.1 and localhost, a client's, a stranger's. */
struct world {
    struct scratch *s;
    struct cert *authority, *foreign, *server, *client, *stranger;
    uint8_t registered[32]; /* what known() recognises */
    unsigned asked;
};

static inline int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->s = scratch_new();
    w->authority = authority_new(w->s, "authority");
    w->foreign = authority_new(w->s, "foreign");
    w->server = cert_issue(w->s, w->authority, "server", "127.0.0.1,localhost", true, 10);
    w->client = cert_issue(w->s, w->authority, "client", "", false, 10);
    w->stranger = cert_issue(w->s, w->foreign, "stranger", "127.0.0.1", true, 10);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;
    free(w->authority);
    free(w->foreign);
    free(w->server);
    free(w->client);
    free(w->stranger);
    scratch_free(w->s);
    free(w);
    return 0;
}

static inline bool known(void *ctx, const uint8_t sha256[32])
{
    struct world *w = ctx;
    w->asked++;
    return memcmp(sha256, w->registered, 32) == 0;
}

static inline struct tls *server_rules(struct world *w)
{
    struct tls_files f = {w->server->cert_path, w->server->key_path,
                          .trust = w->authority->cert_path};
    struct diag d = {0};
    struct tls *t;
    err_t e = tls_server(&f, known, w, &t, &d);
    if (e != OK)
        fail_msg("%s", d.text);
    return t;
}

static inline struct tls *client_rules(const struct tls_files *f)
{
    struct diag d = {0};
    struct tls *t;
    err_t e = tls_client(f, &t, &d);
    if (e != OK)
        fail_msg("%s", d.text);
    return t;
}

static inline struct tls_files files(const struct cert *own, const struct cert *trust)
{
    return (struct tls_files){.cert = own ? own->cert_path : NULL,
                              .key = own ? own->key_path : NULL,
                              .trust = trust ? trust->cert_path : NULL};
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
