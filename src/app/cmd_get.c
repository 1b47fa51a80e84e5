/* lastra get: objects from an application entity into a folder (C-GET). */
#include <fcntl.h>
#include <stdio.h>

#include "app/client_keys.h"
#include "app/pull.h"
#include "dicom/tags.h"
#include "dicom/uid.h"
#include "io/file.h"
#include "scu/folder.h"

enum {
    OPT_LEVEL = CLIENT_OPTIONS,
    OPT_MODEL,
    OPT_KEY,
    OPT_DIR,
    OPT_CLASS,
    OPT_QUIET,
    CLASSES_MAX = 64,
    CLASSES_ARENA = 1 << 20
};

static const struct cmd_option options[] = {
    CLIENT_ROWS,
    CLIENT_KEY_ROWS(OPT_LEVEL, OPT_MODEL, OPT_KEY),
    [OPT_DIR] = {.name = "dir", .letter = 'd', .arg = "DIR", .help = "where the files go (.)"},
    [OPT_CLASS] = {.name = "class",
                   .arg = "UID",
                   .type = CMD_LIST,
                   .help = "the SOP classes to expect (asked for by C-FIND, else the usual ones)"},
    [OPT_QUIET] = {.name = "quiet", .letter = 'q', .help = "no progress"},
};

/* The SOP classes that will come. */
struct classes {
    struct arena arena;
    struct str list[CLASSES_MAX];
    size_t n;
};

static err_t add_class(struct classes *c, struct str uid)
{
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->list[i], uid))
            return OK;
    if (c->n == CLASSES_MAX || !pdu_uid_ok(uid, false))
        return OK;
    c->list[c->n] = arena_copy(&c->arena, uid);
    return c->list[c->n++].p ? OK : E_NOMEM;
}

static err_t class_answer(void *ctx, const struct dcm_ds *ds)
{
    struct str all = dcm_ds_str(ds, TAG_SOPClassesInStudy), one;
    while (all.n && str_split(&all, '\\', &one))
        TRY(add_class(ctx, str_trim(one)));
    return OK;
}

static err_t ask_classes(struct pull *r, struct assoc *a, struct str study, struct classes *to)
{
    struct arena arena = arena_init(CLASSES_ARENA);
    struct dcm_ds *ds = dcm_ds_new(&arena);
    struct scu_outcome outcome = {0};
    const struct scu_query q = {STR(UID_StudyRootQueryRetrieveInformationModelFind), ds, 1, 0};
    const struct scu_find_calls calls = {class_answer, to};
    err_t e = ds ? OK : E_NOMEM;
    if (e == OK)
        e = dcm_ds_set(ds, TAG_QueryRetrieveLevel, VR('C', 'S'), STR("STUDY"));
    if (e == OK)
        e = dcm_ds_set(ds, TAG_StudyInstanceUID, VR('U', 'I'), study);
    if (e == OK)
        e = dcm_ds_set(ds, TAG_SOPClassesInStudy, VR('U', 'I'), str_of("", 0));
    if (e == OK)
        e = scu_find(a, &q, &calls, &outcome);
    if (e == OK)
        e = assoc_release(a);
    (void)r;
    arena_done(&arena);
    return e;
}

/* Which classes a study has, by C-FIND: then each can be offered in every transfer syntax. Whoever
 * cannot say gets the usual offer. */
static void find_classes(struct pull *r, struct classes *to)
{
    struct assoc *a = NULL;
    struct diag d;
    struct str study = dcm_ds_str(r->keys.ds, TAG_StudyInstanceUID);
    if (study.n == 0 ||
        scu_open(&r->client.peer, STR(UID_StudyRootQueryRetrieveInformationModelFind), false, &a,
                 &d) != OK)
        return;
    if (ask_classes(r, a, study, to) != OK)
        to->n = 0;
    assoc_free(a);
}

static err_t get(struct pull *r, const struct classes *c, struct scu_folder *f, struct diag *d)
{
    const struct scu_query q = {r->keys.sop_class, r->keys.ds, 1, 0};
    const struct scu_retrieve_calls calls = {pull_progress, r};
    const struct scu_sink sink = scu_folder_sink(f);
    TRY(scu_get_open(&r->client.peer, r->keys.sop_class, c->list, c->n, &r->a, d));
    progress_start(&r->progress, STR("getting"), 0, 0, r->shown);
    err_t e = scu_get(r->a, &q, &sink, &calls, &r->outcome);
    progress_end(&r->progress);
    if (e != OK)
        return client_failed(r->a, e, "C-GET", d);
    if (f->diag.text[0])
        return diag_set(d, E_IO, "not kept: %s", f->diag.text);
    return OK;
}

static void kept(void *ctx, const char *name, uint64_t bytes)
{
    struct pull *r = ctx;
    (void)name;
    r->bytes += bytes;
    progress_add(&r->progress, 1, bytes);
}

static err_t get_into(struct pull *r, const struct cmd_args *a, struct diag *d)
{
    struct classes c = {.arena = arena_init(CLASSES_ARENA)};
    struct scu_folder f;
    int dir = -1;
    const char *name = cmd_flag(a, OPT_DIR) ? cmd_text(a, OPT_DIR).p : ".";
    err_t e = dir_make(AT_FDCWD, name, &dir, d);
    for (size_t i = 0; e == OK && i < cmd_count(a, OPT_CLASS); i++)
        e = add_class(&c, cmd_at(a, OPT_CLASS, i));
    if (e == OK && c.n == 0)
        find_classes(r, &c);
    scu_folder_init(&f, dir);
    f.kept = kept;
    f.ctx = r;
    if (e == OK)
        e = get(r, &c, &f, d);
    file_close(&dir);
    arena_done(&c.arena);
    return e;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    static const struct client_key_options where = {OPT_LEVEL, OPT_MODEL, OPT_KEY};
    struct pull r;
    TRY(pull_init(&r, a, &where, VERB_GET, !cmd_flag(a, OPT_QUIET), d));
    r.counts_come_from_us = true;
    err_t e = get_into(&r, a, d);
    if (e == OK)
        e = pull_report(&r, "C-GET", d);
    pull_done(&r);
    return e;
}

const struct cmd cmd_get = {
    .name = "get",
    .summary = "get objects from an application entity into a folder",
    .args = "AE@HOST:PORT",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about = "Sends C-GET and keeps each object that comes as SOPINSTANCEUID.dcm (Part 10), in the "
             "transfer syntax it is sent in. A file of the same name is replaced.",
    .examples = "lastra get ARCHIVE@127.0.0.1:11112 -k StudyInstanceUID=1.2.3 -d study\n",
    .run = run,
};
