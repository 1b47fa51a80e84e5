/* lastra serve: the archive as a daemon. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>

#include "access/authority.h"
#include "access/syslog.h"
#include "app/cmd.h"
#include "app/confine.h"
#include "app/control.h"
#include "app/data.h"
#include "app/health.h"
#include "app/notify.h"
#include "dicom/charset.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/logsink.h"
#include "io/tls.h"
#include "serve/dimse/server.h"

enum { OPT_SET, LISTEN_MAX = 16, PATH_SIZE = 4096, AUDIT_SYNC_MS = 1000 };

static const struct cmd_option options[] = {
    [OPT_SET] = {.name = "set",
                 .arg = "NAME=VALUE",
                 .type = CMD_LIST,
                 .help = "an option for this run, over what lastra.conf says"},
};

/* Everything that lives as long as the server. */
struct daemon {
    struct data data;
    struct logsink sink;
    struct health_keeper health;
    struct log lines, log; /* what goes to standard error; the same, with errors remembered */
    const struct stop *stop;
    char cert[PATH_SIZE], key[PATH_SIZE], trust[PATH_SIZE];
    struct tls_files files; /* of the server's certificate, which serves in both directions */
    struct tls *tls;
    struct server_listen listen[LISTEN_MAX];
    size_t n_listen;
    struct server *server;
    struct control *control;
    struct charset_conv *charsets; /* keeps the code of every character set loaded */
    struct thread *keeper;
    struct stop keeper_stop;
};

static err_t start_log(struct daemon *m, struct diag *d)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; i < COUNT(levels); i++)
        if (str_eq(str_z(m->data.options.log_level), str_z(levels[i]))) {
            m->sink = logsink_stderr();
            m->lines = logsink_log(&m->sink, (enum log_level)i);
            TRY(health_begin(&m->health, m->data.dir, d));
            m->log = health_log(&m->health, &m->lines);
            return OK;
        }
    return diag_set(d, E_USAGE, "log-level is error, warning, info or debug, not \"%s\"",
                    m->data.options.log_level);
}

/* A machine can be without IPv6; that it has no ::1 then is no reason not to serve. */
static bool has_address(struct str address)
{
    static const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                                 .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (!str_eq(address, STR("::1")))
        return true;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    file_close(&fd);
    return has;
}

/* A list of addresses; an empty one is all addresses. */
static err_t add_addresses(struct daemon *m, const char *addresses, uint64_t port, bool tls,
                           struct diag *d)
{
    struct str rest = str_z(addresses), address;
    while (str_split(&rest, ',', &address)) {
        address = str_trim(address);
        if (!has_address(address)) {
            log_event(&m->log, LOG_CONFIG, "address=::1 why=this machine has no IPv6");
            continue;
        }
        if (m->n_listen == LISTEN_MAX)
            return diag_set(d, E_LIMIT, "at most %d addresses to listen on", LISTEN_MAX);
        m->listen[m->n_listen++] = (struct server_listen){address, (uint16_t)port, tls};
    }
    return OK;
}

static err_t choose_ports(struct daemon *m, struct diag *d)
{
    const struct options *o = &m->data.options;
    if (o->dicom)
        TRY(add_addresses(m, o->dicom_addresses, o->dicom_port, false, d));
    if (o->dicom_tls)
        TRY(add_addresses(m, o->dicom_tls_addresses, o->dicom_tls_port, true, d));
    if (!m->n_listen)
        return diag_set(d, E_USAGE, "nothing to listen on: dicom and dicom-tls are both off");
    return OK;
}

static err_t key_path(const struct daemon *m, const char *name, char buf[PATH_SIZE], struct diag *d)
{
    int n = snprintf(buf, PATH_SIZE, "%s/keys/%s", m->data.path, name);
    return n > 0 && n < PATH_SIZE ? OK : diag_set(d, E_USAGE, "the data folder's path is too long");
}

static err_t find_keys(struct daemon *m, struct diag *d)
{
    TRY(key_path(m, SERVER_CERT, m->cert, d));
    TRY(key_path(m, SERVER_KEY, m->key, d));
    TRY(key_path(m, AUTHORITY_CERT, m->trust, d));
    m->files = (struct tls_files){.cert = m->cert, .key = m->key, .trust = m->trust};
    return OK;
}

static err_t start_server(struct daemon *m, struct diag *d)
{
    const struct options *o = &m->data.options;
    struct server_options so = {
        .archive = m->data.archive,
        .access = m->data.access,
        .audit = m->data.audit,
        .log = &m->log,
        .stop = m->stop,
        .listen = m->listen,
        .n_listen = m->n_listen,
        .tls = m->tls,
        .client_files = &m->files,
        .ae_title = str_z(o->ae_title),
        .limits = {.artim_ms = (int64_t)o->artim,
                   .idle_ms = (int64_t)o->idle,
                   .dimse_ms = (int64_t)o->dimse_timeout,
                   .max_pdu = (uint32_t)o->pdu_size,
                   .max_ops = (uint16_t)o->operations},
        .data_limits = {.depth = (unsigned)o->nesting,
                        .elements = o->elements,
                        .value = o->value_size},
        .associations = o->associations,
        .handshakes = o->handshakes,
        .contexts = o->contexts,
        .identifier_size = o->identifier_size,
        .query_rows = o->query_rows,
        .query_ms = (int64_t)o->query_time,
        .retrieve_objects = o->retrieve_objects,
        .pending_ms = (int64_t)o->pending_interval,
        .move_ms = (int64_t)o->move_timeout,
        .operations = (uint16_t)o->operations,
        .stop_ms = (int64_t)o->stop_timeout,
    };
    return server_new(&so, &m->server, d);
}

/* For `lastra status`; on a disk that fails, there is nobody else to tell. */
static void write_health(struct daemon *m)
{
    struct archive_state state;
    err_t e = archive_get_state(m->data.archive, &state);
    const char *why = e != OK ? err_text(e) : state.index_failed ? state.index_text.text : "";
    if (health_write(&m->health, why) != OK)
        log_event(&m->lines, LOG_OPERATION_FAILED, "what=serve.state");
}

/* What has to be done about every second: the audit trail reaches stable storage, and how the
 * server is stands in serve.state. */
static void keep(void *arg)
{
    struct daemon *m = arg;
    bool said = false;
    struct pollfd stopped = {.fd = m->keeper_stop.fd, .events = POLLIN};
    while (poll(&stopped, 1, AUDIT_SYNC_MS) == 0) {
        err_t e = audit_sync(m->data.audit);
        if (e != OK && !said)
            log_event(&m->log, LOG_AUDIT_FAILED, "why=%s", err_text(e));
        said = e != OK;
        write_health(m);
    }
}

static void log_recovery(const struct daemon *m)
{
    const struct archive_recovery *r = &m->data.recovery;
    if (r->replayed || r->damaged)
        log_event(&m->log, LOG_RECOVERED, "replayed=%llu damaged=%llu",
                  (unsigned long long)r->replayed, (unsigned long long)r->damaged);
}

/* From here on no code can be loaded: what libraries load when they first need it has to be there.
 */
static err_t close_off(struct daemon *m, struct diag *d)
{
    if (!(m->charsets = charset_conv_new()))
        return E_NOMEM;
    if (!charset_conv_load(m->charsets))
        return diag_set(d, E_UNSUPPORTED,
                        "iconv of this system lacks a character set of DICOM: install the whole of "
                        "the C library's gconv modules");
    return confine(d);
}

static err_t start(struct daemon *m, const struct cmd_args *a, struct diag *d)
{
    TRY(data_open_with(&m->data, a->args[0], DATA_WORK, cmd_list(a, OPT_SET), cmd_count(a, OPT_SET),
                       d));
    TRY(start_log(m, d));
    log_recovery(m);
    TRY(choose_ports(m, d));
    TRY(find_keys(m, d));
    if (m->data.options.dicom_tls)
        TRY(tls_server(&m->files, access_knows_cert, m->data.access, &m->tls, d));
    TRY(start_server(m, d));
    TRY(stop_init(&m->keeper_stop));
    TRY(thread_start(keep, m, "keeper", &m->keeper));
    TRY(control_start(&m->data, &m->control, d));
    return m->data.options.seccomp ? close_off(m, d) : OK;
}

static void finish(struct daemon *m)
{
    if (m->keeper)
        stop_set(&m->keeper_stop);
    thread_join(m->keeper);
    if (m->keeper_stop.fd >= 0)
        stop_done(&m->keeper_stop);
    control_stop(m->control);
    server_free(m->server);
    health_end(&m->health, m->data.dir);
    tls_free(m->tls);
    charset_conv_free(m->charsets);
    data_close(&m->data);
}

static void note(struct daemon *m, enum audit_kind kind, enum log_id id)
{
    if (audit_application(m->data.audit, kind) != OK)
        log_event(&m->log, LOG_AUDIT_FAILED, "event=application");
    log_event(&m->log, id, "data=%s", m->data.path);
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct daemon m = {.stop = a->stop, .keeper_stop = {.fd = -1}, .health = {.fd = -1}};
    err_t e = start(&m, a, d);
    if (e == OK) {
        note(&m, AUDIT_APPLICATION_START, LOG_STARTED);
        notify_manager("READY=1");
        e = server_run(m.server);
        notify_manager("STOPPING=1");
        note(&m, AUDIT_APPLICATION_STOP, LOG_STOPPED);
    }
    finish(&m);
    return e;
}

const struct cmd cmd_serve = {
    .name = "serve",
    .summary = "take in, keep, find and return studies until Ctrl-C or SIGTERM",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Listens for DICOM on loopback and for DICOM over TLS on all addresses, unless "
        "lastra.conf\n"
        "says otherwise. Only peers that `lastra peer` registered are let in; others get no byte.\n"
        "Log lines go to standard error.",
    .examples = "lastra serve /var/lib/lastra\n"
                "lastra serve var/demo --set dicom-port=104 --set log-level=debug\n",
    .run = run,
};
