#include "app/site.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "app/ask.h"
#include "io/clock.h"
#include "io/file.h"
#include "survey/report/report.h"

void site_today(char today[11])
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm tm;
    gmtime_r(&now, &tm);
    if (!strftime(today, 11, "%Y-%m-%d", &tm))
        today[0] = 0;
}

/* With what the environment gives, and where that is refused and somebody sits there, with what
 * they type. */
static err_t unlock(const char *path, enum inventory_mode mode, struct inventory **ret,
                    bool *ret_created, struct diag *d)
{
    char passphrase[DATA_PASSPHRASE_MAX];
    TRY(data_passphrase(passphrase, d));
    err_t e = inventory_open(path, mode, str_z(passphrase), ret, ret_created, d);
    if (e == E_DENIED && !passphrase[0] && isatty(STDIN_FILENO)) {
        e = ask_secret("Passphrase of the survey's key", passphrase, sizeof passphrase, d);
        if (e == OK)
            e = inventory_open(path, mode, str_z(passphrase), ret, ret_created, d);
    }
    explicit_bzero(passphrase, sizeof passphrase);
    return e;
}

err_t site_open(struct site *s, const struct cmd_args *a, enum inventory_mode mode, struct diag *d)
{
    bool created = false;
    *s = (struct site){.args = a, .path = a->args[0].p, .quiet = false};
    site_today(s->today);
    TRY(unlock(s->path, mode, &s->inventory, &created, d));
    err_t e = mode == INVENTORY_LOOK ? OK : journal_open(s->inventory, &s->journal, d);
    if (e != OK) {
        inventory_close(s->inventory);
        return e;
    }
    if (created)
        fprintf(stderr,
                "Made %s. Its key is in %s/keys: keep a copy elsewhere, without it the "
                "inventory cannot be read.\n",
                s->path, s->path);
    return OK;
}

void site_close(struct site *s)
{
    journal_close(s->journal);
    inventory_close(s->inventory);
    *s = (struct site){0};
}

err_t site_other(struct str path, struct inventory **ret, struct diag *d)
{
    return unlock(path.p, INVENTORY_LOOK, ret, NULL, d);
}

err_t site_survey(struct site *s, bool make, struct diag *d)
{
    struct str name = cmd_text(s->args, SITE_SURVEY);
    if (make)
        return inventory_survey(s->inventory, name, &s->survey, d);
    err_t e = inventory_find(s->inventory, name, &s->survey);
    if (e == E_NOTFOUND && name.p)
        return diag_set(d, e, "%s has no survey \"%.*s\"; `lastra survey list %s` shows them",
                        s->path, STR_ARG(name), s->path);
    if (e == E_NOTFOUND)
        return diag_set(d, e, "%s has no survey yet: import, capture or probe something first",
                        s->path);
    return e;
}

/* A file that is used when it is there: the option's, else the folder's own. NULL: neither. */
static const char *found(const struct site *s, size_t option, const char *name, char *buf,
                         size_t cap)
{
    struct str given = cmd_text(s->args, option);
    struct file_info info;
    struct diag unused = {""};
    if (given.p)
        return given.p;
    if (file_stat(inventory_dir(s->inventory), name, &info, &unused) != OK)
        return NULL;
    struct wr w = wr_fixed(buf, cap - 1);
    wr_printf(&w, "%s/%s", s->path, name);
    buf[w.n] = 0;
    return w.bad ? NULL : buf;
}

/* What the conclusions stand on. */
struct grounds {
    struct advisories *advisories;
    struct policy *policy;
    struct geo *geo;
};

static void grounds_done(struct grounds *g)
{
    advisories_free(g->advisories);
    policy_free(g->policy);
    geo_close(g->geo);
}

static err_t load_advisories(struct site *s, struct grounds *g, const char *path, struct diag *d)
{
    struct advisory_sum sum = {0};
    TRY(advisories_load(g->advisories, path, &sum, d));
    if (!s->quiet)
        fprintf(stderr,
                "advisories: %s: %llu files, %llu affected products taken, %llu records malformed, "
                "%llu products past the cap left out\n",
                path, (unsigned long long)sum.files, (unsigned long long)sum.added,
                (unsigned long long)sum.bad, (unsigned long long)sum.passed);
    return OK;
}

static err_t grounds_load(struct site *s, struct grounds *g, struct diag *d)
{
    char buf[4096];
    TRY(advisories_new(&g->advisories, d));
    for (size_t i = 0; i < cmd_count(s->args, SITE_ADVISORIES); i++)
        TRY(load_advisories(s, g, cmd_at(s->args, SITE_ADVISORIES, i).p, d));
    const char *path = found(s, SITE_ADVISORIES, "advisories", buf, sizeof buf);
    if (path && !cmd_count(s->args, SITE_ADVISORIES))
        TRY(load_advisories(s, g, path, d));
    if ((path = found(s, SITE_POLICY, "policy.conf", buf, sizeof buf))) {
        TRY(policy_load(path, &g->policy, d));
        TRY(inventory_note(s->inventory, s->survey.id, STR("policy"), str_z(path)));
    }
    if ((path = found(s, SITE_GEO, "geo.mmdb", buf, sizeof buf))) {
        TRY(geo_open(path, &g->geo, d));
        TRY(inventory_note(s->inventory, s->survey.id, STR("geo"), str_z(path)));
    }
    return OK;
}

static err_t note_conclusion(struct site *s, const struct assess_sum *sum)
{
    char systems[24], findings[24];
    struct wr ws = wr_fixed(systems, sizeof systems), wf = wr_fixed(findings, sizeof findings);
    wr_printf(&ws, "%llu", (unsigned long long)sum->systems);
    wr_printf(&wf, "%llu", (unsigned long long)sum->findings);
    TRY(SITE_NOTE(s, "concluded", STR("survey"), str_z(s->survey.name), STR("systems"), wr_str(&ws),
                  STR("findings"), wr_str(&wf)));
    return journal_sync(s->journal);
}

static err_t conclude(struct site *s, struct grounds *g, struct diag *d)
{
    struct assess_sum sum = {0};
    const struct assess_options o = {.advisories = g->advisories,
                                     .policy = g->policy,
                                     .geo = g->geo,
                                     .today = s->today,
                                     .stop = s->args->stop,
                                     .progress = &s->progress};
    progress_start(&s->progress, STR("concluding"), 0, 0, !s->quiet);
    err_t e = assess_survey(s->inventory, s->survey.id, &o, &sum, d);
    progress_end(&s->progress);
    return e == OK ? note_conclusion(s, &sum) : e;
}

err_t site_conclude(struct site *s, bool always, struct diag *d)
{
    struct grounds g = {0};
    TRY(inventory_find(s->inventory, str_z(s->survey.name), &s->survey));
    if (s->survey.concluded && !always)
        return OK;
    err_t e = grounds_load(s, &g, d);
    if (e == OK)
        e = conclude(s, &g, d);
    grounds_done(&g);
    return e;
}

err_t site_shard(struct str text, unsigned *ret_shard, unsigned *ret_shards, struct diag *d)
{
    struct str rest = text, i, n;
    uint64_t shard, shards;
    if (!text.p) {
        *ret_shard = 0;
        *ret_shards = 1;
        return OK;
    }
    if (!str_split(&rest, '/', &i) || !str_split(&rest, '/', &n) || rest.p ||
        !str_to_u64(i, 10000, &shard) || !str_to_u64(n, 10000, &shards) || !shard || shard > shards)
        return diag_set(d, E_USAGE, "--shard %.*s: want PART/PARTS, such as 1/4", STR_ARG(text));
    *ret_shard = (unsigned)shard - 1;
    *ret_shards = (unsigned)shards;
    return OK;
}
