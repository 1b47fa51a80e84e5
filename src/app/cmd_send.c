/* lastra send: files and folders to another application entity (C-STORE). */
#include <stdio.h>

#include "app/client.h"
#include "base/json.h"
#include "io/progress.h"
#include "io/walk.h"
#include "scu/send.h"

enum { OPT_JOBS = CLIENT_OPTIONS, OPT_WINDOW, OPT_RETRY, OPT_QUIET, JSON_ITEM_MAX = 65536 };

static const struct cmd_option options[] = {
    CLIENT_ROWS,
    [OPT_JOBS] = {.name = "jobs",
                  .letter = 'j',
                  .arg = "N",
                  .type = CMD_NUMBER,
                  .min = 1,
                  .max = SCU_JOBS_MAX,
                  .help = "associations at the same time (1)"},
    [OPT_WINDOW] = {.name = "window",
                    .arg = "N",
                    .type = CMD_NUMBER,
                    .min = 1,
                    .max = SCU_WINDOW_MAX,
                    .help = "objects sent ahead of their answers, where the other side agrees (8)"},
    [OPT_RETRY] = {.name = "retry",
                   .arg = "N",
                   .type = CMD_NUMBER,
                   .min = 0,
                   .max = 100,
                   .help = "how often what failed for now is tried again (3)"},
    [OPT_QUIET] = {.name = "quiet",
                   .letter = 'q',
                   .help = "no progress, and skipped files unnamed"},
};

struct send {
    const struct cmd_args *args;
    struct client client;
    struct scu_files files;
    struct scu_send_totals totals;
    struct progress progress;
    struct wr out; /* JSON, an item at a time */
    struct json json;
    size_t skipped;
    bool quiet;
};

static err_t add_file(void *ctx, const struct walk_file *f)
{
    struct send *s = ctx;
    struct diag d = {""};
    err_t e = scu_files_add(&s->files, f->path, &d);
    if (e == E_NOMEM || e == E_LIMIT)
        return e;
    if (e != OK) {
        s->skipped++;
        if (!s->quiet)
            progress_note(&s->progress, "skipped: %s: %s", f->path, diag_text(&d, e));
    }
    if (stop_is_set(s->args->stop))
        return E_STOPPED;
    progress_add(&s->progress, e == OK, 0);
    return OK;
}

static err_t skip_folder(void *ctx, const char *path, err_t why, const struct diag *d)
{
    struct send *s = ctx;
    s->skipped++;
    progress_note(&s->progress, "skipped: %s: %s", path, diag_text(d, why));
    return OK;
}

static err_t collect(struct send *s, struct diag *d)
{
    const struct walk_calls calls = {.each = add_file, .skip = skip_folder, .ctx = s};
    err_t e = OK;
    progress_start(&s->progress, STR("reading"), 0, 0, !s->quiet);
    for (size_t i = 1; e == OK && i < s->args->n_args; i++)
        e = walk_files(s->args->args[i].p, &calls, d);
    progress_end(&s->progress);
    return e;
}

static void bytes_sent(void *ctx, uint64_t n)
{
    struct send *s = ctx;
    progress_add(&s->progress, 0, n);
}

static void put_result(struct send *s, const struct scu_sent *r)
{
    struct json *j = &s->json;
    json_open_object(j);
    json_member(j, STR("path"), str_z(r->file->path));
    json_member(j, STR("sop_class"), r->file->sop_class);
    json_member(j, STR("sop_instance"), r->file->sop_instance);
    json_member_bool(j, STR("sent"), r->sent);
    if (r->error == OK)
        json_member_u64(j, STR("status"), r->status);
    json_member(j, STR("why"), str_z(r->why));
    json_end(j);
}

static void flush_json(struct send *s)
{
    if (fwrite(s->out.p, 1, s->out.n, stdout) == s->out.n)
        s->out.n = 0;
}

static void done(void *ctx, const struct scu_sent *r)
{
    struct send *s = ctx;
    if (s->client.json) {
        put_result(s, r);
        flush_json(s);
    }
    if (!r->sent)
        progress_note(&s->progress, "not sent: %s: %s", r->file->path, r->why);
    else if (!dimse_is_success(r->status) && !s->quiet)
        progress_note(&s->progress, "sent, but: %s: %s", r->file->path, r->why);
    progress_add(&s->progress, 1, 0);
}

static void open_json(struct send *s)
{
    s->json = json_of(&s->out);
    json_open_object(&s->json);
    json_key(&s->json, STR("files"));
    json_open_array(&s->json);
}

static void close_json(struct send *s, double seconds)
{
    json_end(&s->json);
    json_member_u64(&s->json, STR("sent"), s->totals.sent);
    json_member_u64(&s->json, STR("warnings"), s->totals.warnings);
    json_member_u64(&s->json, STR("failed"), s->totals.failed);
    json_member_u64(&s->json, STR("skipped"), s->skipped);
    json_member_u64(&s->json, STR("bytes"), s->totals.bytes);
    json_key(&s->json, STR("seconds"));
    json_double(&s->json, seconds);
    json_end(&s->json);
    wr_u8(&s->out, '\n');
}

static void put_text(struct send *s, double seconds)
{
    double mb = (double)s->totals.bytes / 1e6, rate = seconds > 0 ? 1 / seconds : 0;
    wr_printf(&s->out, "%zu sent", s->totals.sent);
    if (s->totals.warnings)
        wr_printf(&s->out, " (%zu with a warning)", s->totals.warnings);
    wr_printf(&s->out, ", %zu failed, %zu skipped: %.1f MB in %.2f s, %.0f/s, %.1f MB/s\n",
              s->totals.failed, s->skipped, mb, seconds, (double)s->totals.sent * rate, mb * rate);
}

static err_t transmit(struct send *s, struct diag *d)
{
    const struct scu_send_options o = {.peer = s->client.peer,
                                       .jobs = (unsigned)cmd_number(s->args, OPT_JOBS, 1),
                                       .retries = (unsigned)cmd_number(s->args, OPT_RETRY, 3),
                                       .backoff_ms = 500,
                                       .bytes = bytes_sent,
                                       .done = done,
                                       .ctx = s};
    if (s->client.json)
        open_json(s);
    progress_start(&s->progress, STR("sending"), s->files.n, s->files.bytes, !s->quiet);
    err_t e = scu_send(&s->files, &o, &s->totals, d);
    progress_end(&s->progress);
    double seconds = progress_sum(&s->progress).seconds;
    if (s->client.json)
        close_json(s, seconds);
    else
        put_text(s, seconds);
    struct diag print = {""};
    err_t p = client_print(&s->out, &print);
    if (e == OK && p != OK)
        return diag_set(d, p, "%s", print.text);
    return e;
}

static err_t send_all(struct send *s, struct diag *d)
{
    TRY(collect(s, d));
    if (s->files.n == 0)
        return diag_set(d, E_NOTFOUND, "there is nothing to send");
    TRY(transmit(s, d));
    if (s->totals.failed)
        return diag_set(d, E_REJECTED, "%zu of %zu objects were not sent", s->totals.failed,
                        s->files.n);
    return OK;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct send s = {.args = a, .quiet = cmd_flag(a, OPT_QUIET), .out = wr_heap(JSON_ITEM_MAX)};
    TRY(client_init(&s.client, a, d));
    s.client.peer.limits.max_ops = (uint16_t)cmd_number(a, OPT_WINDOW, 8);
    scu_files_init(&s.files);
    err_t e = send_all(&s, d);
    scu_files_done(&s.files);
    wr_done(&s.out);
    client_done(&s.client);
    return e;
}

const struct cmd cmd_send = {
    .name = "send",
    .summary = "send files and folders to an application entity",
    .args = "AE@HOST:PORT PATH...",
    .min_args = 2,
    .max_args = UINT32_MAX,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Reads files and folders (with all below them), proposes what is in them, and sends each "
        "object in the transfer syntax it is stored in. Where the other side accepts only another "
        "uncompressed one, an uncompressed object is converted on the way.\n\n"
        "Files that are not DICOM are skipped and named. What failed for now (a lost connection, a "
        "full archive) is tried again with growing pauses; what was refused for good is named, and "
        "the exit status is 1.",
    .examples = "lastra send ARCHIVE@127.0.0.1:11112 study/\n"
                "lastra send ARCHIVE@127.0.0.1:11112 -j 4 --json study/ >result.json\n",
    .run = run,
};
