/* What the fault tests run under the preload: a survey folder filled, concluded, merged and looked
 * at.
 *
 *   work SITE          takes the run up where it is, puts up to RECORDS, marks at every STEP, ends
 * it and concludes; "mark N" after each mark that was acknowledged merge SITE OTHER   OTHER's
 * survey into SITE's check SITE         "position N" and "hosts N" (the same number, or it fails),
 * "systems N" make SITE          an empty one */
#include <stdio.h>
#include <stdlib.h>

#include "survey/inventory/inventory.h"

enum { RECORDS = 120, STEP = 20 };

static err_t open_site(const char *path, enum inventory_mode mode, struct inventory **v,
                       struct survey *y, struct diag *d)
{
    TRY(inventory_open(path, mode, STR(""), v, NULL, d));
    err_t e = inventory_survey(*v, STR("spring"), y, d);
    if (e != OK)
        inventory_close(*v);
    return e;
}

static err_t put_record(struct inventory *v, struct run *r)
{
    struct ip ip = {{[10] = 0xff, 0xff, 10, 0, 0, (uint8_t)r->position}};
    struct arena a = arena_init(4096);
    struct evidence e;
    evidence_init(&e, &a);
    TRY(evidence_add(&e, BY_PROBE, EV_dicom_answer, STR("accepted")));
    TRY(inventory_run_touch(v, r, &ip, 105));
    TRY(inventory_put(v, r, &ip, 0, &e, 1000000));
    TRY(inventory_put(v, r, &ip, 104, &e, 1000000));
    r->position++;
    return OK;
}

static err_t put_all(struct inventory *v, struct run *r)
{
    while (r->position < RECORDS) {
        TRY(put_record(v, r));
        if (r->position % STEP)
            continue;
        TRY(inventory_run_mark(v, r));
        printf("mark %llu\n", (unsigned long long)r->position);
        fflush(stdout);
    }
    return inventory_run_end(v, r, STR(""));
}

static err_t conclude_host(void *ctx, const struct host *h)
{
    struct system s = {.ip = h->ip, .port = 104, .type = TYPE_pacs};
    struct finding f = {.kind = STR("vulnerability")};
    TRY(inventory_put_system(ctx, &s));
    f.system = s.id;
    return inventory_put_finding(ctx, &f);
}

static err_t conclude(struct inventory *v, const struct survey *y, struct diag *d)
{
    TRY(inventory_conclude_begin(v, y->id));
    err_t e = inventory_hosts(v, y->id, conclude_host, v);
    if (e == OK)
        return inventory_conclude_end(v, d);
    inventory_conclude_cancel(v);
    return e;
}

static err_t job_work(char **args, struct diag *d)
{
    struct inventory *v;
    struct survey y;
    struct run r;
    TRY(open_site(args[0], INVENTORY_CREATE, &v, &y, d));
    err_t e = inventory_run_begin(v, y.id, STR("import"), STR("x"), STR(""), &r, d);
    if (e == OK && !r.again)
        e = put_all(v, &r);
    if (e == OK)
        e = conclude(v, &y, d);
    inventory_close(v);
    return e;
}

static err_t job_make(char **args, struct diag *d)
{
    struct inventory *v;
    struct survey y;
    TRY(open_site(args[0], INVENTORY_CREATE, &v, &y, d));
    inventory_close(v);
    return OK;
}

static err_t job_merge(char **args, struct diag *d)
{
    struct inventory *v, *from;
    struct survey y, theirs;
    TRY(open_site(args[0], INVENTORY_WORK, &v, &y, d));
    err_t e = open_site(args[1], INVENTORY_LOOK, &from, &theirs, d);
    if (e == OK) {
        e = inventory_merge(v, y.id, from, theirs.id, d);
        inventory_close(from);
    }
    inventory_close(v);
    return e;
}

struct seen {
    uint64_t hosts, systems, position;
};

static err_t see_host(void *ctx, const struct host *h)
{
    ((struct seen *)ctx)->hosts++;
    return h->n == 2 ? OK : E_DAMAGED;
}
static err_t see_system(void *ctx, const struct system *s, const struct finding *f, size_t n)
{
    (void)s;
    ((struct seen *)ctx)->systems++;
    return n == 1 && str_eq(f->kind, STR("vulnerability")) ? OK : E_DAMAGED;
}
static err_t see_run(void *ctx, const struct run_info *r)
{
    ((struct seen *)ctx)->position += r->run.position;
    return OK;
}

static err_t look(struct inventory *v, const struct survey *y, struct seen *s)
{
    TRY(inventory_hosts(v, y->id, see_host, s));
    TRY(inventory_runs(v, y->id, see_run, s));
    TRY(inventory_systems(v, y->id, see_system, s));
    printf("position %llu\nhosts %llu\nsystems %llu\n", (unsigned long long)s->position,
           (unsigned long long)s->hosts, (unsigned long long)s->systems);
    if (s->systems && s->systems != RECORDS)
        return E_DAMAGED;
    return s->position == s->hosts ? OK : E_DAMAGED;
}

static err_t job_check(char **args, struct diag *d)
{
    struct inventory *v;
    struct survey y;
    struct seen s = {0, 0, 0};
    TRY(open_site(args[0], INVENTORY_LOOK, &v, &y, d));
    err_t e = look(v, &y, &s);
    inventory_close(v);
    return e;
}

static const struct job {
    const char *name;
    int args;
    err_t (*run)(char **args, struct diag *d);
} jobs[] = {
    {"work", 1, job_work}, {"make", 1, job_make}, {"merge", 2, job_merge}, {"check", 1, job_check}};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        struct diag d = {""};
        if (argc != jobs[i].args + 2 || strcmp(argv[1], jobs[i].name) != 0)
            continue;
        err_t e = jobs[i].run(argv + 2, &d);
        printf("%s\n", e == OK ? "done" : diag_text(&d, e));
        return e != OK;
    }
    return 2;
}
