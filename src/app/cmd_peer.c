/* lastra peer: who is let in, from where, with what proof, to do what. */
#include <fcntl.h>
#include <stdio.h>

#include "access/authority.h"
#include "app/cmd.h"
#include "app/data.h"
#include "app/peer_options.h"
#include "app/peer_text.h"
#include "app/server_names.h"
#include "io/file.h"

/* What stands in the audit trail when it was done; the change itself is durable by then. */
static err_t note(struct data *data, enum audit_kind kind, struct str aet, const char *what,
                  const struct peer *p, struct diag *d)
{
    char person[64], text[512];
    struct wr w = wr_fixed(text, sizeof text);
    wr_put(&w, str_z(what));
    size_t short_n = w.n;
    if (p) {
        wr_put(&w, STR(": "));
        peer_write_line(p, &w);
    }
    if (w.bad)
        w.n = short_n;
    err_t e = audit_admin(data->audit, kind, data_person(person, sizeof person), AUDIT_NODE, aet,
                          wr_str(&w));
    if (e != OK)
        return diag_set(d, e, "the change was made, but the audit trail could not be written: %s",
                        err_text(e));
    return OK;
}

/* What works, but hardly as it is meant. */
static err_t warn_about(struct data *data, const struct peer *p)
{
    for (size_t i = 0; i < p->n_destinations; i++) {
        struct peer to;
        struct diag unused = {""};
        err_t e = access_find_peer(data->access, str_z(p->destinations[i]), &to, &unused);
        if (e != OK && e != E_NOTFOUND)
            return e;
        if (e == E_NOTFOUND)
            fprintf(stderr, "note: there is no peer %s yet to move to\n", p->destinations[i]);
        else if (!to.host[0])
            fprintf(stderr,
                    "note: nobody knows where %s is: lastra peer change %s %s --host H --port P\n",
                    to.aet, data->path, to.aet);
    }
    if (peer_may(p, GRANT_MOVE) && !p->n_destinations)
        fprintf(stderr, "note: %s may move, but to nobody: give it a destination with --to\n",
                p->aet);
    return OK;
}

static err_t tell(const struct peer *p, const char *what)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(1 << 16);
    peer_write_line(p, &w);
    TRY(wr_flush(&w));
    printf("%s: %s %.*s\n", p->aet, what, STR_ARG(wr_str(&w)));
    return OK;
}

static err_t add(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct peer p = peer_new();
    p.grants = 1U << GRANT_ECHO;
    TRY(peer_set_aet(&p, a->args[1], d));
    for (size_t i = 2; i < a->n_args; i++)
        TRY(peer_add_network(&p, a->args[i], d));
    TRY(peer_options_apply(a, &p, d));
    TRY(access_add_peer(data->access, &p, d));
    TRY(note(data, AUDIT_NETWORK_CONFIGURED, str_z(p.aet), "peer added", &p, d));
    TRY(warn_about(data, &p));
    return tell(&p, "added,");
}

static err_t store_change(struct data *data, const struct peer *p, const char *what, struct diag *d)
{
    TRY(access_change_peer(data->access, p, d));
    TRY(note(data, AUDIT_NETWORK_CONFIGURED, str_z(p->aet), what, p, d));
    TRY(warn_about(data, p));
    return tell(p, "now");
}

static err_t change(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct peer p;
    TRY(access_find_peer(data->access, a->args[1], &p, d));
    TRY(peer_options_change(a, &p, d));
    return store_change(data, &p, "peer changed", d);
}

static err_t grants_given(const struct cmd_args *a, uint32_t *ret, struct diag *d)
{
    *ret = 0;
    for (size_t i = 2; i < a->n_args; i++) {
        uint32_t some;
        TRY(grants_parse(a->args[i], &some, d));
        *ret |= some;
    }
    return OK;
}

static err_t grant(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct peer p;
    uint32_t grants;
    TRY(grants_given(a, &grants, d));
    TRY(access_find_peer(data->access, a->args[1], &p, d));
    p.grants |= grants;
    return store_change(data, &p, "peer granted more", d);
}

static err_t revoke(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct peer p;
    uint32_t grants;
    TRY(grants_given(a, &grants, d));
    TRY(access_find_peer(data->access, a->args[1], &p, d));
    p.grants &= ~grants;
    if (!peer_may(&p, GRANT_MOVE))
        p.n_destinations = 0;
    return store_change(data, &p, "peer granted less", d);
}

static err_t remove_peer(struct data *data, const struct cmd_args *a, struct diag *d)
{
    TRY(access_remove_peer(data->access, a->args[1], d));
    TRY(note(data, AUDIT_NETWORK_CONFIGURED, a->args[1], "peer removed", NULL, d));
    printf("%s: removed; its certificates are refused from now on\n", a->args[1].p);
    return OK;
}

enum { OPT_JSON };
static const struct cmd_option json_options[] = {
    [OPT_JSON] = {.name = "json", .help = "write JSON"},
};

struct listing {
    struct wr w;
    struct json j;
    bool json;
};

static err_t list_one(void *ctx, const struct peer *p, uint64_t associations)
{
    struct listing *l = ctx;
    (void)associations;
    if (l->json) {
        peer_write_json(p, &l->j);
        return OK;
    }
    wr_printf(&l->w, "%-17s", p->aet);
    peer_write_line(p, &l->w);
    wr_u8(&l->w, '\n');
    return OK;
}

static err_t list(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct listing l = {.w = wr_heap(64 << 20), .json = cmd_flag(a, OPT_JSON)};
    l.j = json_of(&l.w);
    if (l.json)
        json_open_array(&l.j);
    err_t e = access_each_peer(data->access, list_one, &l, d);
    if (l.json) {
        json_end(&l.j);
        wr_u8(&l.w, '\n');
    }
    if (e == OK)
        e = wr_flush(&l.w);
    if (e == OK)
        fwrite(l.w.p, 1, l.w.n, stdout);
    if (e == OK && !l.w.n)
        fputs("no peers yet: nobody is let in. See `lastra peer add --help`.\n", stderr);
    wr_done(&l.w);
    return e;
}

static err_t show(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct peer p;
    TRY(access_find_peer(data->access, a->args[1], &p, d));
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(1 << 20);
    struct json j = json_of(&w);
    if (cmd_flag(a, OPT_JSON)) {
        peer_write_json(&p, &j);
        wr_u8(&w, '\n');
    } else {
        peer_write_full(&p, &w);
    }
    TRY(wr_flush(&w));
    fwrite(w.p, 1, w.n, stdout);
    return OK;
}

enum { OPT_DAYS, OPT_OUT, OPT_CERT_NAME };
static const struct cmd_option cert_options[] = {
    [OPT_DAYS] = {.name = "days",
                  .arg = "N",
                  .type = CMD_NUMBER,
                  .min = 1,
                  .max = CERT_DAYS_MAX,
                  .help = "how long it holds (825)"},
    [OPT_OUT] = {.name = "out",
                 .letter = 'o',
                 .arg = "DIR",
                 .help = "folder for the files (the current one); - writes to standard output"},
    [OPT_CERT_NAME] = {.name = "name",
                       .arg = "NAME",
                       .type = CMD_LIST,
                       .help =
                           "a host name or address that stands in it, besides the peer's --host"},
};

/* A file name of an AE title: what could mean something to a shell or a file system becomes '_'. */
static void file_name(const char *aet, const char *suffix, char buf[AET_MAX + 8])
{
    size_t n = 0;
    for (; aet[n] && n < AET_MAX; n++) {
        char c = aet[n];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '_' || (c == '-' && n > 0);
        buf[n] = plain ? c : '_';
    }
    snprintf(buf + n, AET_MAX + 8 - n, "%s", suffix);
}

static err_t save_files(const struct data *data, const char *out, const char *aet, struct str cert,
                        struct str key, struct diag *d)
{
    char name[AET_MAX + 8];
    int dir = -1;
    struct wr authority __attribute__((cleanup(wr_done))) = wr_heap(1 << 16);
    TRY(file_load(data->keys_dir, AUTHORITY_CERT, 1 << 16, &authority, d));
    TRY(dir_open(AT_FDCWD, out, &dir, d));
    file_name(aet, ".key", name);
    err_t e = file_save(dir, name, 0600, key, d);
    file_name(aet, ".pem", name);
    if (e == OK)
        e = file_save(dir, name, 0600, cert, d);
    if (e == OK)
        e = file_save(dir, AUTHORITY_CERT, 0644, wr_str(&authority), d);
    file_close(&dir);
    return e;
}

static err_t deliver(const struct data *data, const struct cmd_args *a, const struct peer *p,
                     struct str cert, struct str key, struct diag *d)
{
    const char *out = cmd_flag(a, OPT_OUT) ? cmd_text(a, OPT_OUT).p : ".";
    if (strcmp(out, "-") == 0) {
        fwrite(cert.p, 1, cert.n, stdout);
        fwrite(key.p, 1, key.n, stdout);
        return OK;
    }
    char pem[AET_MAX + 8], key_name[AET_MAX + 8];
    file_name(p->aet, ".pem", pem);
    file_name(p->aet, ".key", key_name);
    TRY(save_files(data, out, p->aet, cert, key, d));
    if (!p->cleartext[0])
        printf("%s must use TLS from now on, with a certificate that is registered for it\n",
               p->aet);
    printf("%s/%s: its certificate\n%s/%s: its private key; keep it secret, then delete it here\n"
           "%s/" AUTHORITY_CERT ": the authority, for the peer to know this archive by\n",
           out, pem, out, key_name, out);
    return OK;
}

/* The names under which a peer is connected to, so that its certificate serves there as well. */
static err_t peer_names(const struct cmd_args *a, const struct peer *p, struct wr *w,
                        struct diag *d)
{
    wr_put(w, str_z(p->host));
    for (size_t i = 0; i < cmd_count(a, OPT_CERT_NAME); i++) {
        wr_put(w, w->n ? STR(",") : STR(""));
        wr_put(w, cmd_at(a, OPT_CERT_NAME, i));
    }
    return w->bad ? diag_set(d, E_USAGE, "too many names for one certificate") : OK;
}

/* The certificate is registered before its key leaves the archive, so that no key is abroad that
 * nobody can withdraw. */
static err_t cert(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct peer p;
    struct peer_cert made;
    char list[1024];
    struct wr pem = wr_heap(1 << 16), key = wr_heap(1 << 16), names = wr_fixed(list, sizeof list);
    err_t e = access_find_peer(data->access, a->args[1], &p, d);
    if (e == OK)
        e = peer_names(a, &p, &names, d);
    if (e == OK)
        e = authority_issue(data->keys_dir, str_z(p.aet), wr_str(&names),
                            (unsigned)cmd_number(a, OPT_DAYS, CERT_DAYS), &pem, &key, &made, d);
    if (e == OK)
        e = peer_add_cert(&p, made.sha256, made.expires, d);
    if (e == OK)
        e = access_change_peer(data->access, &p, d);
    if (e == OK)
        e = note(data, AUDIT_SECURITY_CONFIGURED, str_z(p.aet), "peer given a certificate", &p, d);
    if (e == OK)
        e = deliver(data, a, &p, wr_str(&pem), wr_str(&key), d);
    if (key.p)
        explicit_bzero(key.p, key.cap);
    wr_done(&pem);
    wr_done(&key);
    return e;
}

enum { OPT_NAME };
static const struct cmd_option server_options[] = {
    [OPT_NAME] = {.name = "name",
                  .arg = "NAME",
                  .type = CMD_LIST,
                  .help = "a host name or address that stands in it besides this machine's own"},
};

static err_t server_cert(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct server_names names;
    TRY(server_names(a, OPT_NAME, &names, d));
    TRY(authority_renew_server(data->keys_dir, str_z(names.host), str_z(names.more), d));
    TRY(note(data, AUDIT_SECURITY_CONFIGURED, str_z(data->options.ae_title),
             "server given a new certificate", NULL, d));
    puts("the server has a new certificate; it counts from its next start on");
    return OK;
}

static err_t with_data(const struct cmd_args *a,
                       err_t (*run)(struct data *data, const struct cmd_args *a, struct diag *d),
                       struct diag *d)
{
    struct data data;
    TRY(data_open(&data, a->args[0], DATA_REGISTRY, d));
    err_t e = run(&data, a, d);
    data_close(&data);
    return e;
}

#define RUN(verb)                                                                                  \
    static err_t run_##verb(const struct cmd_args *a, struct diag *d)                              \
    {                                                                                              \
        return with_data(a, verb, d);                                                              \
    }
RUN(add)
RUN(change)
RUN(grant)
RUN(revoke)
RUN(remove_peer)
RUN(list)
RUN(show)
RUN(cert)
RUN(server_cert)

enum { MANY = 64 };

static const struct cmd verbs[] = {
    {.name = "add",
     .summary = "let a peer in",
     .args = "DATA AET NETWORK...",
     .min_args = 3,
     .max_args = 2 + PEER_NETWORKS_MAX,
     .options = peer_options,
     .n_options = OPTS_OF_ADD,
     .about =
         "Registers an application entity: the AE title it calls itself, and the networks it "
         "comes from\n(10.1.2.3, 10.1.0.0/16, fd00:1::/64). Without --grant it may only verify "
         "(echo).\n\nIt must use TLS with a certificate of its own: issue one with `lastra peer "
         "cert`, or register the one it\nhas. From loopback cleartext is enough. A device that "
         "cannot do TLS is let in from private networks with\n--cleartext \"why\"; the reason "
         "stands in the audit trail and in `lastra status` until it is gone.",
     .examples = "lastra peer add /var/lib/lastra CT1 10.1.2.0/24 --grant echo,store\n"
                 "lastra peer add /var/lib/lastra US7 10.1.3.7 --grant store --cleartext \"no TLS, "
                 "replaced in 2027\"\n"
                 "lastra peer add /var/lib/lastra WS1 10.1.4.9 --grant find,move --to WS1 --host "
                 "10.1.4.9 --port 2762\n",
     .run = run_add},
    {.name = "list",
     .summary = "all peers, a line each",
     .args = "DATA",
     .min_args = 1,
     .max_args = 1,
     .options = json_options,
     .n_options = COUNT(json_options),
     .run = run_list},
    {.name = "show",
     .summary = "everything about one",
     .args = "DATA AET",
     .min_args = 2,
     .max_args = 2,
     .options = json_options,
     .n_options = COUNT(json_options),
     .run = run_show},
    {.name = "change",
     .summary = "change a peer's networks, proof, destinations or limits",
     .args = "DATA AET",
     .min_args = 2,
     .max_args = 2,
     .options = peer_options,
     .n_options = OPTS_OF_CHANGE,
     .about = "Only what is named changes; --grant replaces all grants. It counts from the peer's "
              "next association on.",
     .examples = "lastra peer change /var/lib/lastra CT1 --from 10.1.9.0/24\n"
                 "lastra peer change /var/lib/lastra US7 --no-cleartext --cert-file us7.pem\n",
     .run = run_change},
    {.name = "grant",
     .summary = "let it do more",
     .args = "DATA AET GRANT...",
     .min_args = 3,
     .max_args = MANY,
     .examples = "lastra peer grant /var/lib/lastra CT1 find get\n",
     .run = run_grant},
    {.name = "revoke",
     .summary = "let it do less",
     .args = "DATA AET GRANT...",
     .min_args = 3,
     .max_args = MANY,
     .examples = "lastra peer revoke /var/lib/lastra CT1 find\n",
     .run = run_revoke},
    {.name = "cert",
     .summary = "issue a client certificate to it",
     .args = "DATA AET",
     .min_args = 2,
     .max_args = 2,
     .options = cert_options,
     .n_options = COUNT(cert_options),
     .about =
         "The archive's own authority makes a key and a certificate for the peer's AE title and "
         "registers it; from then\non the peer must show a registered certificate. The files "
         "are readable by you alone: carry them to the device\nand delete the key here.",
     .examples = "lastra peer cert /var/lib/lastra CT1 --out /root/ct1\n",
     .run = run_cert},
    {.name = "server-cert",
     .summary = "issue a new certificate to the archive itself",
     .args = "DATA",
     .min_args = 1,
     .max_args = 1,
     .options = server_options,
     .n_options = COUNT(server_options),
     .about =
         "Before the old one ends (`lastra status` says when). The authority stays, so peers need "
         "nothing new.\nGive the names again that `lastra init --name` was given.",
     .examples = "lastra peer server-cert /var/lib/lastra --name pacs.hospital.example\n",
     .run = run_server_cert},
    {.name = "remove",
     .summary = "no longer let it in",
     .args = "DATA AET",
     .min_args = 2,
     .max_args = 2,
     .run = run_remove_peer},
};

const struct cmd cmd_peer = {
    .name = "peer",
    .summary = "who is let in, from where, to do what",
    .verbs = verbs,
    .n_verbs = COUNT(verbs),
};
