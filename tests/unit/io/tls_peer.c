/* One end of a TLS connection by the io layer, for tests against other people's TLS (tests/e2e).
 *
 *   tls_peer serve CERT KEY TRUST|- KNOWN|-        prints "port N"; then a line for each
 * connection, whose bytes it sends back; ends at "quit" tls_peer talk HOST PORT TRUST|- PIN|- [CERT
 * KEY]   says "ping", prints what comes back KNOWN and PIN are SHA-256 fingerprints in hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "io/clock.h"
#include "io/net.h"
#include "io/tls.h"

enum { WAIT_MS = 5000 };

static const char *unless_dash(const char *arg)
{
    return strcmp(arg, "-") == 0 ? NULL : arg;
}

static bool parse_print(const char *hex, uint8_t ret[32])
{
    if (strlen(hex) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        ret[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return true;
}

static bool is_known(void *ctx, const uint8_t sha256[32])
{
    return memcmp(ctx, sha256, 32) == 0;
}

static void show_print(const char *word, const struct conn *c)
{
    uint8_t print[32];
    char text[80];
    struct wr w = wr_fixed(text, sizeof text);
    if (conn_peer_cert(c, print))
        wr_hex(&w, str_of(print, sizeof print));
    printf("%s %.*s\n", word, STR_ARG(wr_str(&w)));
}

/* Sends back what comes; true when that began with "quit". */
static bool echo(struct conn *c)
{
    char buf[65536];
    size_t n;
    bool quit = false;
    while (!quit && conn_read(c, buf, sizeof buf, clock_deadline(WAIT_MS), &n) == OK) {
        quit = n >= 4 && memcmp(buf, "quit", 4) == 0;
        if (conn_write(c, str_of(buf, n), clock_deadline(WAIT_MS)) != OK)
            break;
    }
    return quit;
}

static bool meet(struct listener *l, const struct tls *tls)
{
    struct conn *c;
    size_t which;
    struct diag d = {0};
    bool quit = false;
    if (listener_accept(&l, 1, NULL, &c, &which) != OK)
        return true;
    err_t e = conn_tls_accept(c, tls, clock_deadline(WAIT_MS), &d);
    if (e == OK) {
        show_print("accepted", c);
        quit = echo(c);
    } else {
        printf("refused %s: %s\n", err_text(e), d.text);
    }
    conn_free(c);
    return quit;
}

static err_t serve(char **args, struct diag *d)
{
    struct tls_files f = {.cert = args[0], .key = args[1], .trust = unless_dash(args[2])};
    uint8_t known[32] = {0};
    struct tls *tls;
    struct listener *l;
    if (unless_dash(args[3]) && !parse_print(args[3], known))
        return E_USAGE;
    TRY(tls_server(&f, is_known, known, &tls, d));
    err_t e = listener_open(STR("127.0.0.1"), 0, &l, d);
    if (e == OK) {
        printf("port %u\n", listener_port(l));
        while (!meet(l, tls))
            continue;
        listener_free(l);
    }
    tls_free(tls);
    return e;
}

static err_t say(struct conn *c)
{
    char buf[256];
    size_t n;
    show_print("server", c);
    TRY(conn_write(c, STR("ping\n"), clock_deadline(WAIT_MS)));
    TRY(conn_read(c, buf, sizeof buf, clock_deadline(WAIT_MS), &n));
    printf("got %.*s\n", STR_ARG(str_trim(str_of(buf, n))));
    return OK;
}

static err_t talk(char **args, int n, struct diag *d)
{
    struct tls_files f = {.trust = unless_dash(args[2])};
    struct tls *tls;
    struct conn *c;
    if (unless_dash(args[3])) {
        f.pinned = true;
        if (!parse_print(args[3], f.pin))
            return E_USAGE;
    }
    if (n == 6) {
        f.cert = args[4];
        f.key = args[5];
    }
    TRY(tls_client(&f, &tls, d));
    err_t e = conn_connect(str_z(args[0]), (uint16_t)strtoul(args[1], NULL, 10), tls,
                           clock_deadline(WAIT_MS), NULL, &c, d);
    if (e == OK) {
        e = say(c);
        conn_free(c);
    }
    tls_free(tls);
    return e;
}

int main(int argc, char **argv)
{
    struct diag d = {0};
    err_t e = E_USAGE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 6 && strcmp(argv[1], "serve") == 0)
        e = serve(argv + 2, &d);
    else if ((argc == 6 || argc == 8) && strcmp(argv[1], "talk") == 0)
        e = talk(argv + 2, argc - 2, &d);
    if (e != OK)
        printf("failed %s: %s\n", err_text(e), d.text);
    return e == OK ? 0 : 1;
}
