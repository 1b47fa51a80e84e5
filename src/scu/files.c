/* What is in a file, from its first bytes. */
#include "scu/files.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/size.h"
#include "dicom/part10.h"
#include "dicom/stream.h"
#include "dicom/tags.h"
#include "io/file.h"

enum {
    HEAD_FIRST = 4 * 1024,
    HEAD_MAX = DCM_META_MAX + 64 * 1024,
    FILES_MAX = 20 * 1000 * 1000,
};
static const size_t arena_max = (size_t)8 << 30;

void scu_files_init(struct scu_files *f)
{
    *f = (struct scu_files){.arena = arena_init(arena_max)};
}

void scu_files_done(struct scu_files *f)
{
    arena_done(&f->arena);
    free(f->list);
    *f = (struct scu_files){0};
}

/* The start of a file, as much as is wanted of it so far. */
struct head {
    int fd;
    uint64_t size;
    uint8_t *p;
    size_t n;
};

static struct str head_str(const struct head *h)
{
    return str_of(h->p, h->n);
}

static bool head_whole(const struct head *h)
{
    return h->n == h->size;
}

static err_t read_head(struct head *h, size_t n, struct diag *d)
{
    n = size_min(n, (size_t)size_min(h->size, HEAD_MAX));
    uint8_t *p = realloc(h->p, n ? n : 1);
    if (!p)
        return E_NOMEM;
    h->p = p;
    TRY(file_read_at(h->fd, h->n, p + h->n, n - h->n, d));
    h->n = n;
    return OK;
}

static err_t read_meta(struct head *h, struct dcm_meta *ret, struct diag *d)
{
    for (size_t want = HEAD_FIRST;; want *= 2) {
        TRY(read_head(h, want, d));
        enum step s = dcm_meta_read(head_str(h), head_whole(h), ret, d);
        if (s == STEP_DONE)
            return OK;
        if (s == STEP_FAIL || h->n == HEAD_MAX || head_whole(h))
            return E_MALFORMED;
    }
}

/* The two UIDs from the data set itself. */
struct names {
    char sop_class[DCM_UID_MAX], sop_instance[DCM_UID_MAX];
    size_t n_class, n_instance;
};

static void take_uid(const struct dcm_token *t, char *to, size_t *n)
{
    size_t part = size_min(t->value.n, DCM_UID_MAX - *n);
    memcpy(to + *n, t->value.p, part);
    *n += part;
}

/* Reads tokens up to SOP Instance UID. *ret_more: the bytes end before. */
static err_t read_names(struct str bytes, const struct dcm_ts *ts, struct names *ret,
                        bool *ret_more)
{
    struct dcm_stream s;
    struct dcm_token t;
    enum step step;
    *ret = (struct names){0};
    TRY(dcm_stream_init(&s, ts, &DCM_LIMITS_DEFAULT));
    while ((step = dcm_stream_read(&s, &bytes, &t)) == STEP_EVENT) {
        if (t.depth > 0)
            continue;
        if (t.kind == DCM_VALUE && t.tag == TAG_SOPClassUID)
            take_uid(&t, ret->sop_class, &ret->n_class);
        if (t.kind == DCM_VALUE && t.tag == TAG_SOPInstanceUID)
            take_uid(&t, ret->sop_instance, &ret->n_instance);
        if (t.kind != DCM_VALUE && t.tag > TAG_SOPInstanceUID)
            break;
    }
    *ret_more = step == STEP_MORE; /* not when past it, which is all that is wanted */
    dcm_stream_done(&s);
    return step == STEP_FAIL ? E_MALFORMED : OK;
}

static err_t names_from_data(struct head *h, struct dcm_meta *m, struct names *ret, struct diag *d)
{
    bool more = true;
    uint64_t at = m->data_at;
    for (size_t want = h->n;; want *= 2) {
        TRY(read_head(h, want, d));
        err_t e = read_names(str_slice(head_str(h), at, h->n), m->ts, ret, &more);
        if (e != OK)
            return diag_set(d, e, "not a DICOM data set");
        if (!more || h->n == HEAD_MAX || head_whole(h))
            return OK;
    }
}

/* Each text once. */
static struct str intern(struct scu_files *f, struct str *table, size_t *n, size_t cap,
                         struct str s)
{
    for (size_t i = *n; i-- > 0;)
        if (str_eq(table[i], s))
            return table[i];
    struct str kept = arena_copy(&f->arena, s);
    if (kept.p && *n < cap)
        table[(*n)++] = kept;
    return kept;
}

static err_t grow(struct scu_files *f)
{
    if (f->n < f->cap)
        return OK;
    if (f->n >= FILES_MAX)
        return E_LIMIT;
    size_t cap = size_max(256, f->cap * 2);
    struct scu_file *list = realloc(f->list, cap * sizeof *list);
    if (!list)
        return E_NOMEM;
    f->list = list;
    f->cap = cap;
    return OK;
}

static err_t keep(struct scu_files *f, const char *path, const struct head *h,
                  const struct dcm_meta *m, struct str sop_class, struct str sop_instance)
{
    TRY(grow(f));
    char *kept = arena_alloc(&f->arena, strlen(path) + 1);
    struct scu_file add = {
        .path = kept,
        .sop_class = intern(f, f->classes, &f->n_classes, COUNT(f->classes), sop_class),
        .sop_instance = arena_copy(&f->arena, sop_instance),
        .transfer_syntax =
            intern(f, f->syntaxes, &f->n_syntaxes, COUNT(f->syntaxes), m->transfer_syntax),
        .size = h->size,
        .data_at = m->data_at,
    };
    if (!kept || !add.sop_class.p || !add.sop_instance.p || !add.transfer_syntax.p)
        return E_NOMEM;
    memcpy(kept, path, strlen(path) + 1);
    f->list[f->n++] = add;
    f->bytes += h->size - m->data_at;
    return OK;
}

static err_t add_open(struct scu_files *f, const char *path, struct head *h, struct diag *d)
{
    struct dcm_meta m;
    struct names names = {0};
    TRY(file_size(h->fd, &h->size, d));
    TRY(read_meta(h, &m, d));
    if (str_eq(m.sop_class, STR(UID_MediaStorageDirectoryStorage)))
        return diag_set(d, E_UNSUPPORTED, "a DICOMDIR");
    /* What the data set says counts: receivers compare it with the command. */
    err_t e = names_from_data(h, &m, &names, d);
    TRY(read_meta(h, &m, d)); /* its views moved with the head */
    struct str sop_class = str_unpad(str_of(names.sop_class, names.n_class));
    struct str sop_instance = str_unpad(str_of(names.sop_instance, names.n_instance));
    if (e != OK || !pdu_uid_ok(sop_class, false))
        sop_class = m.sop_class;
    if (e != OK || !pdu_uid_ok(sop_instance, false))
        sop_instance = m.sop_instance;
    if (!pdu_uid_ok(sop_class, false) || !pdu_uid_ok(sop_instance, false))
        return diag_set(d, E_UNSUPPORTED, "has no valid SOP Class and SOP Instance UID");
    return keep(f, path, h, &m, sop_class, sop_instance);
}

err_t scu_files_add(struct scu_files *f, const char *path, struct diag *d)
{
    struct head h = {.fd = -1};
    TRY(file_open(AT_FDCWD, path, FILE_READ, &h.fd, d));
    err_t e = add_open(f, path, &h, d);
    file_close(&h.fd);
    free(h.p);
    return e;
}
