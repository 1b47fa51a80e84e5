/* lastra status: counts, space, peers, what is open and why, and what needs attention. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "access/authority.h"
#include "app/cmd.h"
#include "app/data.h"
#include "app/health.h"
#include "app/peer_text.h"
#include "base/json.h"
#include "io/clock.h"
#include "io/file.h"

enum { OPT_JSON, NOTES_MAX = 64, NOTE = 512, TEXT_MAX = 8 << 20, DAY_S = 86400 };

static const struct cmd_option options[] = {
    [OPT_JSON] = {.name = "json", .help = "write JSON"},
};

struct status {
    struct data data;
    struct archive_state state;
    struct health health;
    bool serving;
    uint64_t disk_free, disk_total;
    struct authority_state authority;
    char notes[NOTES_MAX][NOTE]; /* what needs attention */
    size_t n_notes;
    struct peer *peers;
    size_t n_peers;
};

static void note(struct status *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct status *s, const char *fmt, ...)
{
    va_list ap;
    if (s->n_notes == NOTES_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(s->notes[s->n_notes++], NOTE, fmt, ap);
    va_end(ap);
}

/* --- what there is to say --- */

static void note_index(struct status *s)
{
    if (s->serving && s->health.index_behind)
        note(s,
             "the index is behind the packs: %s; nothing is lost, but queries fail until it can "
             "be written",
             s->health.index_why);
    if (s->serving && s->health.errors)
        note(s, "the server had %llu errors since it started; the last: %s",
             (unsigned long long)s->health.errors, s->health.last_error);
    if (s->state.conflicts)
        note(s, "%llu objects are kept aside because their UID was taken: lastra conflict list",
             (unsigned long long)s->state.conflicts);
    if (s->state.unindexed)
        note(s, "%llu objects in the packs could not be put into the index: lastra verify",
             (unsigned long long)s->state.unindexed);
}

/* Its state is written even on a full disk: a server that does not is in trouble. */
static void note_silence(struct status *s, const struct health *last)
{
    int64_t silent = (clock_wall_us() - last->updated_us) / 1000000;
    if (kill((pid_t)last->pid, 0) != 0 && errno != EPERM)
        return;
    note(s,
         "the server (process %lld) has not written how it is for %lld s, though a process of that "
         "number runs: its disk may be failing, or it hangs",
         (long long)last->pid, (long long)silent);
}

static void note_disk(struct status *s)
{
    uint64_t reserve = s->data.options.reserve;
    if (s->disk_free <= reserve)
        note(s,
             "the disk is full: %.1f MB free, %.1f MB are kept in reserve; new objects are "
             "refused",
             (double)s->disk_free / 1e6, (double)reserve / 1e6);
    else if (s->disk_total && s->disk_free < s->disk_total / 20)
        note(s, "the disk is nearly full: %.1f GB free", (double)s->disk_free / 1e9);
}

static void note_certificate(struct status *s, const char *what, int64_t expires, int64_t now)
{
    if (!expires)
        return;
    if (expires <= now)
        note(s, "%s has expired", what);
    else if (expires - now < (int64_t)CERT_WARN_DAYS * DAY_S)
        note(s, "%s expires in %lld days", what, (long long)((expires - now) / DAY_S));
}

static void note_peer(struct status *s, const struct peer *p, int64_t now)
{
    char what[64];
    if (p->cleartext[0])
        note(s, "%s may come in cleartext: %s", p->aet, p->cleartext);
    snprintf(what, sizeof what, "a certificate of %s", p->aet);
    for (size_t i = 0; i < p->n_certs; i++)
        note_certificate(s, what, p->certs[i].expires, now);
    for (size_t i = 0; i < p->n_networks; i++)
        if (!network_is_private(&p->networks[i].net))
            note(s, "%s may come from a public network: %s", p->aet, p->networks[i].text);
}

static void note_all(struct status *s)
{
    int64_t now = clock_wall_us() / 1000000;
    note_index(s);
    note_disk(s);
    note_certificate(s, "the authority's certificate", s->authority.authority_expires, now);
    note_certificate(s, "the server's certificate", s->authority.server_expires, now);
    for (size_t i = 0; i < s->n_peers; i++)
        note_peer(s, &s->peers[i], now);
}

/* --- finding it out --- */

static err_t add_peer(void *ctx, const struct peer *p, uint64_t associations)
{
    struct status *s = ctx;
    (void)associations;
    struct peer *more = realloc(s->peers, (s->n_peers + 1) * sizeof *more);
    if (!more)
        return E_NOMEM;
    s->peers = more;
    s->peers[s->n_peers++] = *p;
    return OK;
}

static err_t find_out(struct status *s, struct diag *d)
{
    TRY(archive_get_state(s->data.archive, &s->state));
    TRY(file_space(s->data.dir, &s->disk_free, &s->disk_total, d));
    TRY(access_each_peer(s->data.access, add_peer, s, d));
    /* An owner's own certificates may be elsewhere: then there is nothing to say of them. */
    if (authority_state(s->data.keys_dir, &s->authority, NULL) != OK)
        s->authority = (struct authority_state){0};
    bool said = health_read(s->data.dir, &s->health) == OK;
    s->serving = said && health_is_fresh(&s->health, clock_wall_us());
    if (said && !s->serving)
        note_silence(s, &s->health);
    note_all(s);
    return OK;
}

/* --- saying it --- */

static void put_time(struct wr *w, int64_t us)
{
    char text[32];
    time_t seconds = us / 1000000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    wr_put(w, str_z(text));
}

static void put_listening(struct wr *w, const struct options *o)
{
    if (o->dicom)
        wr_printf(w, "  cleartext DICOM on %s, port %llu\n", o->dicom_addresses,
                  (unsigned long long)o->dicom_port);
    if (o->dicom_tls)
        wr_printf(w, "  DICOM over TLS with client certificates on %s, port %llu\n",
                  o->dicom_tls_addresses[0] ? o->dicom_tls_addresses : "all addresses",
                  (unsigned long long)o->dicom_tls_port);
}

static void put_text(const struct status *s, struct wr *w)
{
    wr_printf(w, "%s, ", s->data.options.ae_title);
    if (s->serving) {
        wr_printf(w, "served by process %lld since ", (long long)s->health.pid);
        put_time(w, s->health.started_us);
    } else {
        wr_put(w, STR("not served"));
    }
    wr_printf(w,
              "\n\nContents\n  %llu patients, %llu studies, %llu series, %llu objects, %.1f MB\n",
              (unsigned long long)s->state.patients, (unsigned long long)s->state.studies,
              (unsigned long long)s->state.series, (unsigned long long)s->state.instances,
              (double)s->state.bytes / 1e6);
    wr_printf(w, "  disk: %.1f GB free of %.1f GB\n\nOpen\n", (double)s->disk_free / 1e9,
              (double)s->disk_total / 1e9);
    put_listening(w, &s->data.options);
    wr_put(w, STR("\nPeers\n"));
    for (size_t i = 0; i < s->n_peers; i++) {
        wr_printf(w, "  %-16s  ", s->peers[i].aet);
        peer_write_line(&s->peers[i], w);
        wr_u8(w, '\n');
    }
    if (!s->n_peers)
        wr_put(w, STR("  none: nobody gets in until lastra peer add\n"));
    wr_printf(w, "\nNeeds attention\n%s", s->n_notes ? "" : "  nothing\n");
    for (size_t i = 0; i < s->n_notes; i++) {
        wr_put(w, STR("  "));
        wr_printable(w, str_z(s->notes[i]));
        wr_u8(w, '\n');
    }
}

static void put_counts(const struct status *s, struct json *j)
{
    json_member_u64(j, STR("patients"), s->state.patients);
    json_member_u64(j, STR("studies"), s->state.studies);
    json_member_u64(j, STR("series"), s->state.series);
    json_member_u64(j, STR("instances"), s->state.instances);
    json_member_u64(j, STR("conflicts"), s->state.conflicts);
    json_member_u64(j, STR("bytes"), s->state.bytes);
    json_member_u64(j, STR("disk_free"), s->disk_free);
    json_member_u64(j, STR("disk_total"), s->disk_total);
}

static void put_json(const struct status *s, struct wr *w)
{
    struct json j = json_of(w);
    json_open_object(&j);
    json_member(&j, STR("ae_title"), str_z(s->data.options.ae_title));
    json_member_bool(&j, STR("serving"), s->serving);
    if (s->serving) {
        json_member_u64(&j, STR("pid"), (uint64_t)s->health.pid);
        json_member_bool(&j, STR("index_behind"), s->health.index_behind);
        json_member(&j, STR("index_why"), str_z(s->health.index_why));
        json_member_u64(&j, STR("errors"), s->health.errors);
        json_member(&j, STR("last_error"), str_z(s->health.last_error));
    }
    put_counts(s, &j);
    json_key(&j, STR("peers"));
    json_open_array(&j);
    for (size_t i = 0; i < s->n_peers; i++)
        peer_write_json(&s->peers[i], &j);
    json_end(&j);
    json_key(&j, STR("attention"));
    json_open_array(&j);
    for (size_t i = 0; i < s->n_notes; i++)
        json_text(&j, str_z(s->notes[i]));
    json_end(&j);
    json_end(&j);
    wr_u8(w, '\n');
}

static err_t print(const struct status *s, bool json)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(TEXT_MAX);
    if (json)
        put_json(s, &w);
    else
        put_text(s, &w);
    TRY(wr_flush(&w));
    fwrite(w.p, 1, w.n, stdout);
    return OK;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct status *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    err_t e = data_open(&s->data, a->args[0], DATA_LOOK, d);
    if (e == OK)
        e = find_out(s, d);
    if (e == OK)
        e = print(s, cmd_flag(a, OPT_JSON));
    data_close(&s->data);
    free(s->peers);
    free(s);
    return e;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "counts, space, peers, what is open and why, what needs attention",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about = "Works beside a running server and without one. \"Needs attention\" names what is "
             "wrong or stands open: a full disk,\nan index behind, conflicts, peers in cleartext "
             "with the reason given for them, certificates that end.",
    .examples = "lastra status /var/lib/lastra\nlastra status /var/lib/lastra --json\n",
    .run = run,
};
