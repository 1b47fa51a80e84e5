/* lastra audit: reading the audit trail, and proving that it is whole. */
#include <stdio.h>

#include "access/audit.h"
#include "app/cmd.h"
#include "app/data.h"
#include "io/clock.h"
#include "io/file.h"
#include "store/chain.h"

enum { POLL_MS = 500, LINES_DEFAULT = 20, PARSE_MAX = 1 << 20, PRINT_MAX = 1 << 20 };

/* The keys and the folder, and nothing opened that writes: what is to be proved must not change. */
struct trail {
    struct data data;
    int dir;
};

static err_t trail_open(struct trail *t, const struct cmd_args *a, struct diag *d)
{
    t->dir = -1;
    TRY(data_open(&t->data, a->args[0], DATA_KEYS, d));
    err_t e = dir_open(t->data.dir, "audit", &t->dir, d);
    if (e != OK)
        data_close(&t->data);
    return e;
}

static void trail_close(struct trail *t)
{
    file_close(&t->dir);
    data_close(&t->data);
}

/* Reading the trail is itself an event of it (PS3.15 A.5.3.2). */
static err_t note_use(struct trail *t, const char *what, struct diag *d)
{
    char person[64];
    struct audit *audit;
    struct audit_options o = {
        .dir = t->dir, .key = &t->data.keys.chain, .source_id = str_z(t->data.options.ae_title)};
    TRY(audit_open(&o, &audit, d));
    err_t e = audit_admin(audit, AUDIT_LOG_USED, data_person(person, sizeof person), AUDIT_LOG,
                          STR("audit"), str_z(what));
    audit_close(audit);
    return e == OK ? OK : diag_set(d, e, "the audit trail could not be written");
}

static err_t verify_whole(struct trail *t, struct diag *d)
{
    struct chain_report r = {0};
    err_t e = chain_verify(t->dir, &t->data.keys.chain, NULL, NULL, &r, d);
    if (e == E_DAMAGED && r.bad_line) {
        struct diag why = *d;
        return diag_set(d, e, "the audit trail was changed or damaged at line %llu: %s",
                        (unsigned long long)r.bad_line, diag_text(&why, e));
    }
    TRY(e);
    char last[2 * DIGEST_SIZE];
    struct wr w = wr_fixed(last, sizeof last);
    wr_hex(&w, str_of(r.last, sizeof r.last));
    printf("whole: %llu lines in %llu file%s\nlast line's seal: %.*s\n",
           (unsigned long long)r.lines, (unsigned long long)r.files, r.files == 1 ? "" : "s",
           STR_ARG(wr_str(&w)));
    if (r.torn)
        puts("the last line was cut off by a crash before it was on stable storage");
    if (r.tip_missing)
        puts("audit/tip is missing: lines cut off at the end would not show");
    return OK;
}

static err_t run_verify(const struct cmd_args *a, struct diag *d)
{
    struct trail t;
    TRY(trail_open(&t, a, d));
    err_t e = verify_whole(&t, d);
    if (e == OK)
        e = note_use(&t, "verified", d);
    trail_close(&t);
    return e;
}

enum { OPT_LINES, OPT_FOLLOW, OPT_JSON, OPT_XML };
static const struct cmd_option tail_options[] = {
    [OPT_LINES] = {.name = "lines",
                   .letter = 'n',
                   .arg = "N",
                   .type = CMD_NUMBER,
                   .max = UINT64_MAX,
                   .help = "how many of the last lines (20)"},
    [OPT_FOLLOW] = {.name = "follow", .letter = 'f', .help = "wait for more, until Ctrl-C"},
    [OPT_JSON] = {.name = "json", .help = "the lines as they stand in the trail"},
    [OPT_XML] = {.name = "xml", .help = "messages of DICOM PS3.15 A.5, one a line"},
};

/* What a walk over the trail is for: lines after `from` are shown. */
struct show {
    const struct cmd_args *args;
    uint64_t from, seen;
};

/* Lines of the chain's own are no messages: they are shown as they are. */
static err_t show_line(const struct cmd_args *a, struct str json)
{
    struct arena arena = arena_init(PARSE_MAX);
    struct audit_message m;
    struct wr w = wr_heap(PRINT_MAX);
    bool message = !cmd_flag(a, OPT_JSON) && audit_parse(json, &arena, &m) == OK;
    if (!message)
        wr_printable(&w, json);
    else if (cmd_flag(a, OPT_XML))
        audit_to_xml(&m, &w);
    else
        audit_to_text(&m, &w);
    wr_u8(&w, '\n');
    err_t e = wr_flush(&w);
    if (e == OK && fwrite(w.p, 1, w.n, stdout) != w.n)
        e = E_IO;
    wr_done(&w);
    arena_done(&arena);
    return e;
}

static err_t each_line(void *ctx, uint64_t n, struct str json)
{
    struct show *s = ctx;
    s->seen = n;
    if (stop_is_set(s->args->stop))
        return E_STOPPED;
    return n > s->from ? show_line(s->args, json) : OK;
}

static err_t walk(struct trail *t, struct show *s, struct diag *d)
{
    struct chain_report r = {0};
    err_t e = chain_verify(t->dir, &t->data.keys.chain, each_line, s, &r, d);
    fflush(stdout);
    if (e == E_DAMAGED && r.bad_line)
        return diag_set(d, e, "the trail breaks at line %llu; `lastra audit verify` says why",
                        (unsigned long long)r.bad_line);
    return e;
}

static err_t add_size(void *ctx, const char *name)
{
    struct trail *t = ((void **)ctx)[0];
    uint64_t *sum = ((void **)ctx)[1], size = 0;
    int fd = -1;
    struct diag unused;
    TRY(file_open(t->dir, name, FILE_READ, &fd, &unused));
    err_t e = file_size(fd, &size, &unused);
    file_close(&fd);
    *sum += size;
    return e;
}

/* Cheap to ask: whether anything was written since. */
static err_t trail_size(struct trail *t, uint64_t *ret, struct diag *d)
{
    void *ctx[] = {t, ret};
    *ret = 0;
    return dir_each(t->dir, add_size, ctx, d);
}

static err_t follow(struct trail *t, struct show *s, struct diag *d)
{
    uint64_t before = 0, now = 0;
    while (!stop_is_set(s->args->stop)) {
        TRY(trail_size(t, &now, d));
        if (now != before) {
            s->from = s->seen;
            err_t e = walk(t, s, d);
            if (e != OK)
                return e == E_STOPPED ? OK : e;
        }
        before = now;
        clock_sleep_ms(POLL_MS);
    }
    return OK;
}

/* Twice over the whole trail: its length is known only at its end. */
static err_t tail(struct trail *t, const struct cmd_args *a, struct diag *d)
{
    struct show s = {.args = a, .from = UINT64_MAX};
    uint64_t wanted = cmd_number(a, OPT_LINES, LINES_DEFAULT);
    TRY(walk(t, &s, d));
    s.from = s.seen > wanted ? s.seen - wanted : 0;
    TRY(walk(t, &s, d));
    return cmd_flag(a, OPT_FOLLOW) ? follow(t, &s, d) : OK;
}

static err_t run_tail(const struct cmd_args *a, struct diag *d)
{
    struct trail t;
    struct diag unused = {""};
    TRY(trail_open(&t, a, d));
    err_t noted = note_use(&t, "read", &unused);
    if (noted != OK)
        fprintf(stderr, "note: this reading is not in the trail: %s\n", diag_text(&unused, noted));
    err_t e = tail(&t, a, d);
    trail_close(&t);
    return e;
}

static const struct cmd verbs[] = {
    {.name = "verify",
     .summary = "prove that nothing was changed, cut out or added",
     .args = "DATA",
     .min_args = 1,
     .max_args = 1,
     .about =
         "Checks every line's seal from the first to the last, and names the line where the "
         "chain breaks. Note the count\nand the last seal elsewhere (on paper, in another "
         "system): together they prove at any later time that nothing\nbefore them was cut off.",
     .examples = "lastra audit verify /var/lib/lastra\n",
     .run = run_verify},
    {.name = "tail",
     .summary = "show the last events",
     .args = "DATA",
     .min_args = 1,
     .max_args = 1,
     .options = tail_options,
     .n_options = COUNT(tail_options),
     .about = "Patient IDs stand in these events. Each reading is an event too.",
     .examples = "lastra audit tail /var/lib/lastra -n 100\n"
                 "lastra audit tail /var/lib/lastra -f --json\n",
     .run = run_tail},
};

const struct cmd cmd_audit = {
    .name = "audit",
    .summary = "who did what to whose data, and the proof of it",
    .verbs = verbs,
    .n_verbs = COUNT(verbs),
};
