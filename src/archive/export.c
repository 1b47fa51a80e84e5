#include "archive/export.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "archive/fetch.h"
#include "dicom/dicomdir.h"
#include "dicom/part10.h"
#include "dicom/tags.h"
#include "dicom/uid.h"
#include "io/file.h"

enum { STUDIES_ARENA = 512 << 20, ANSWER_ARENA = 16 << 20, DICOMDIR_MAX_SIZE = 1 << 30, NAME = 16 };

/* A study to go out; sorted by patient, so that each patient's folder is made once. */
struct study {
    struct str uid, patient_id, issuer;
    struct str apart; /* what tells patients without an id from each other */
};

struct export
{
    struct archive *archive;
    const struct export_options *o;
    struct export_counts *counts;
    struct arena arena; /* the list of studies */
    struct study *studies;
    size_t n, cap;
    struct dicomdir *directory;
    int dirs[4];         /* folder given, patient, study, series; -1: none */
    uint32_t numbers[4]; /* the present one's number, of the level below the index's */
    struct diag *d;
};

static struct query_options options_of(void)
{
    return (struct query_options){.model = QUERY_STUDY_ROOT, .relational = true};
}

/* One query; each answer to a function. */
static err_t ask(struct export *x, const struct dcm_ds *identifier,
                 err_t (*each)(struct export *x, const struct dcm_ds *answer))
{
    struct query_options o = options_of();
    struct query *q;
    struct dcm_ds *answer = NULL;
    TRY(query_open(x->archive, &o, identifier, &q, NULL, x->d));
    err_t e;
    while ((e = query_next(q, &answer)) == OK && answer) {
        if (x->o->stop && stop_is_set(x->o->stop))
            e = E_STOPPED;
        else
            e = each(x, answer);
        if (e != OK)
            break;
    }
    query_close(q);
    return e;
}

/* An identifier with its level, what is given of patient, study and series, and empty keys for a
 * level's directory record. */
struct given {
    const char *level;
    struct str patient, study, series;
    enum dicomdir_level keys; /* up to this level */
};

static err_t identifier_of(struct arena *a, const struct given *g, struct dcm_ds **ret)
{
    struct dcm_ds *ds = dcm_ds_new(a);
    if (!ds)
        return E_NOMEM;
    TRY(dcm_ds_set(ds, TAG_QueryRetrieveLevel, VR('C', 'S'), str_z(g->level)));
    for (int level = DICOMDIR_PATIENT; level <= (int)g->keys; level++) {
        tag_t tag;
        for (size_t i = 0; (tag = dicomdir_key((enum dicomdir_level)level, i)); i++)
            if (!dcm_ds_get(ds, tag))
                TRY(dcm_ds_set(ds, tag, VR_NONE, STR("")));
    }
    if (g->patient.n)
        TRY(dcm_ds_set(ds, TAG_PatientID, VR('L', 'O'), g->patient));
    TRY(dcm_ds_set(ds, TAG_StudyInstanceUID, VR('U', 'I'), g->study));
    if (g->keys >= DICOMDIR_SERIES)
        TRY(dcm_ds_set(ds, TAG_SeriesInstanceUID, VR('U', 'I'), g->series));
    if (g->keys >= DICOMDIR_INSTANCE) {
        TRY(dcm_ds_set(ds, TAG_SOPInstanceUID, VR('U', 'I'), STR("")));
        TRY(dcm_ds_set(ds, TAG_SOPClassUID, VR('U', 'I'), STR("")));
    }
    *ret = ds;
    return OK;
}

static err_t ask_given(struct export *x, const struct given *g,
                       err_t (*each)(struct export *x, const struct dcm_ds *answer))
{
    struct arena arena __attribute__((cleanup(arena_done))) = arena_init(ANSWER_ARENA);
    struct dcm_ds *identifier;
    TRY(identifier_of(&arena, g, &identifier));
    return ask(x, identifier, each);
}

/* --- which studies --- */

static err_t note_study(struct export *x, const struct dcm_ds *answer)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 256;
        struct study *more = realloc(x->studies, cap * sizeof *more);
        if (!more)
            return E_NOMEM;
        x->studies = more;
        x->cap = cap;
    }
    struct study s = {
        .uid = arena_copy(&x->arena, dcm_ds_str(answer, TAG_StudyInstanceUID)),
        .patient_id = arena_copy(&x->arena, dcm_ds_str(answer, TAG_PatientID)),
        .issuer = arena_copy(&x->arena, dcm_ds_str(answer, TAG_IssuerOfPatientID)),
    };
    s.apart = s.patient_id.n ? STR("") : arena_copy(&x->arena, dcm_ds_str(answer, TAG_PatientName));
    if (!s.uid.p || !s.patient_id.p || !s.issuer.p || !s.apart.p)
        return E_NOMEM;
    x->studies[x->n++] = s;
    return OK;
}

static int compare_patients(const struct study *a, const struct study *b)
{
    int order = str_cmp(a->patient_id, b->patient_id);
    if (!order)
        order = str_cmp(a->issuer, b->issuer);
    return order ? order : str_cmp(a->apart, b->apart);
}

static int by_patient(const void *a, const void *b)
{
    const struct study *x = a, *y = b;
    int order = compare_patients(x, y);
    return order ? order : str_cmp(x->uid, y->uid);
}

static err_t choose(struct export *x)
{
    const struct export_options *o = x->o;
    struct given g = {.level = "STUDY", .keys = DICOMDIR_STUDY};
    if (!o->n_studies && !o->n_patients)
        TRY(ask_given(x, &g, note_study));
    for (size_t i = 0; i < o->n_patients; i++) {
        g.patient = o->patients[i];
        TRY(ask_given(x, &g, note_study));
    }
    g.patient = STR("");
    for (size_t i = 0; i < o->n_studies; i++) {
        g.study = o->studies[i];
        TRY(ask_given(x, &g, note_study));
    }
    if (!x->n)
        return diag_set(x->d, E_NOTFOUND, "the archive has nothing of that");
    qsort(x->studies, x->n, sizeof *x->studies, by_patient);
    return OK;
}

/* --- folders and files --- */

static const char *const prefixes[] = {"PT", "ST", "SE", "IM"};

/* The next folder of a level, in that of the level above; its number begins below at 0. */
static err_t next_folder(struct export *x, size_t level)
{
    char name[NAME];
    file_close(&x->dirs[level + 1]);
    snprintf(name, sizeof name, "%s%06u", prefixes[level], ++x->numbers[level]);
    if (level + 1 < 4)
        memset(&x->numbers[level + 1], 0, sizeof x->numbers[0] * (3 - level));
    return dir_make(x->dirs[level], name, &x->dirs[level + 1], x->d);
}

static err_t write_object(struct export *x, struct object *obj, const struct fetch_item *item,
                          int fd)
{
    uint8_t head[1024];
    struct wr w = wr_fixed(head, sizeof head);
    struct dcm_meta meta = {.sop_class = item->sop_class,
                            .sop_instance = item->sop_instance,
                            .transfer_syntax = item->transfer_syntax};
    dcm_meta_write(&meta, &w);
    TRY(wr_flush(&w));
    TRY(file_write_at(fd, 0, w.p, w.n, x->d));
    uint64_t at = w.n;
    for (bool last = false; !last;) {
        struct str piece;
        TRY(object_next(obj, &piece, &last));
        TRY(file_write_at(fd, at, piece.p, piece.n, x->d));
        at += piece.n;
    }
    x->counts->bytes += at;
    if (x->o->progress)
        progress_add(x->o->progress, 1, at);
    return OK;
}

static err_t new_file(struct export *x, const struct fetch_item *item, char name[NAME])
{
    struct object *obj = NULL;
    int fd = -1;
    TRY(object_open(x->archive, item, STR(""), &obj, x->d));
    snprintf(name, NAME, "%s%06u", prefixes[3], x->numbers[3] + 1);
    err_t e = file_open(x->dirs[3], name, FILE_CREATE, &fd, x->d);
    if (e == OK) {
        e = write_object(x, obj, item, fd);
        file_close(&fd);
        if (e != OK && file_remove(x->dirs[3], name, NULL) != OK)
            e = E_IO;
    }
    object_free(obj);
    return e;
}

static err_t record(struct export *x, const struct fetch_item *item, const struct dcm_ds *keys)
{
    char id[64];
    int n = snprintf(id, sizeof id, "PT%06u\\ST%06u\\SE%06u\\IM%06u", x->numbers[0], x->numbers[1],
                     x->numbers[2], x->numbers[3]);
    struct dicomdir_file file = {str_of(id, (size_t)n), item->sop_class, item->sop_instance,
                                 item->transfer_syntax};
    return dicomdir_add(x->directory, DICOMDIR_INSTANCE, keys, &file);
}

/* One object that cannot be read does not end an export; a disk that cannot be written does. */
static err_t export_item(struct export *x, const struct fetch_item *item, const struct dcm_ds *keys)
{
    char name[NAME];
    x->d->text[0] = '\0';
    err_t e = new_file(x, item, name);
    if (e == E_DAMAGED || e == E_NOTFOUND) {
        x->counts->failed++;
        x->o->say(x->o->ctx, item->sop_instance, e, diag_text(x->d, e));
        return OK;
    }
    TRY(e);
    x->numbers[3]++;
    x->counts->objects++;
    return record(x, item, keys);
}

static err_t export_instance(struct export *x, const struct dcm_ds *answer)
{
    struct query_options o = options_of();
    struct fetch *f;
    const struct fetch_item *item;
    struct arena arena __attribute__((cleanup(arena_done))) = arena_init(ANSWER_ARENA);
    struct dcm_ds *ds = dcm_ds_new(&arena);
    if (!ds)
        return E_NOMEM;
    TRY(dcm_ds_set(ds, TAG_QueryRetrieveLevel, VR('C', 'S'), STR("IMAGE")));
    TRY(dcm_ds_set(ds, TAG_SOPInstanceUID, VR('U', 'I'), dcm_ds_str(answer, TAG_SOPInstanceUID)));
    TRY(fetch_open(x->archive, &o, ds, &f, NULL, x->d));
    err_t e = fetch_next(f, &item);
    if (e == OK && item)
        e = export_item(x, item, answer);
    fetch_close(f);
    return e;
}

static err_t export_series(struct export *x, const struct dcm_ds *answer)
{
    struct str series = dcm_ds_str(answer, TAG_SeriesInstanceUID);
    if (x->o->series.n && !str_eq(x->o->series, series))
        return OK;
    TRY(next_folder(x, 2));
    TRY(dicomdir_add(x->directory, DICOMDIR_SERIES, answer, NULL));
    x->counts->series++;
    struct given g = {.level = "IMAGE",
                      .study = dcm_ds_str(answer, TAG_StudyInstanceUID),
                      .series = series,
                      .keys = DICOMDIR_INSTANCE};
    return ask_given(x, &g, export_instance);
}

static err_t add_patient(struct export *x, const struct dcm_ds *answer)
{
    return dicomdir_add(x->directory, DICOMDIR_PATIENT, answer, NULL);
}

static err_t add_study(struct export *x, const struct dcm_ds *answer)
{
    return dicomdir_add(x->directory, DICOMDIR_STUDY, answer, NULL);
}

static err_t export_study(struct export *x, size_t i)
{
    const struct study *s = &x->studies[i];
    const struct study *before = i ? s - 1 : NULL;
    uint64_t had = x->counts->objects;
    struct given g = {.level = "STUDY", .study = s->uid, .keys = DICOMDIR_STUDY};
    if (!before || compare_patients(before, s) != 0) {
        TRY(next_folder(x, 0));
        TRY(ask_given(x, &g, add_patient));
        x->counts->patients++;
    }
    TRY(next_folder(x, 1));
    TRY(ask_given(x, &g, add_study));
    g = (struct given){.level = "SERIES", .study = s->uid, .keys = DICOMDIR_SERIES};
    TRY(ask_given(x, &g, export_series));
    x->counts->studies++;
    if (x->o->done)
        x->o->done(x->o->ctx, s->uid, s->patient_id, x->counts->objects - had);
    return OK;
}

static err_t write_directory(struct export *x)
{
    uint8_t random[16];
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(DICOMDIR_MAX_SIZE);
    TRY(crypto_random(random, sizeof random));
    struct dcm_uid_text uid = dcm_uid_generate(random);
    TRY(dicomdir_write(x->directory, str_z(uid.text), &w));
    return file_save(x->dirs[0], "DICOMDIR", 0644, wr_str(&w), x->d);
}

static err_t found_entry(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return E_EXISTS;
}

static err_t open_folder(struct export *x, const char *folder)
{
    TRY(dir_make(AT_FDCWD, folder, &x->dirs[0], x->d));
    if (dir_each(x->dirs[0], found_entry, NULL, x->d) == E_EXISTS)
        return diag_set(x->d, E_EXISTS, "%s is not empty; name a new folder", folder);
    return OK;
}

static err_t run(struct export *x, const char *folder)
{
    TRY(choose(x));
    TRY(open_folder(x, folder));
    TRY(dicomdir_new(DICOMDIR_MAX_SIZE, &x->directory));
    for (size_t i = 0; i < x->n; i++)
        TRY(export_study(x, i));
    return write_directory(x);
}

err_t export_to(struct archive *a, const char *folder, const struct export_options *o,
                struct export_counts *ret, struct diag *d)
{
    struct diag own;
    struct export x = {.archive = a,
                       .o = o,
                       .counts = ret,
                       .dirs = {-1, -1, -1, -1},
                       .arena = arena_init(STUDIES_ARENA),
                       .d = d ? d : &own};
    *ret = (struct export_counts){0};
    err_t e = run(&x, folder);
    for (size_t i = 0; i < 4; i++)
        file_close(&x.dirs[i]);
    dicomdir_free(x.directory);
    arena_done(&x.arena);
    free(x.studies);
    return e;
}
