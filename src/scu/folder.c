#include "scu/folder.h"

#include <stdio.h>

#include "dicom/part10.h"
#include "io/file.h"

enum { META_BYTES = 1024, TRIES = 1000 };

void scu_folder_init(struct scu_folder *f, int dir)
{
    *f = (struct scu_folder){.dir = dir, .fd = -1};
}

/* A name of our own that nobody else has: several retrieves may go into one folder. */
static err_t open_part(struct scu_folder *f)
{
    for (int i = 0; i < TRIES; i++) {
        snprintf(f->part, sizeof f->part, "incoming-%06u.part", ++f->counter);
        err_t e = file_open(f->dir, f->part, FILE_CREATE, &f->fd, &f->diag);
        if (e != E_EXISTS)
            return e;
    }
    return E_EXISTS;
}

static err_t write_some(struct scu_folder *f, struct str s)
{
    TRY(file_write_at(f->fd, f->at, s.p, s.n, &f->diag));
    f->at += s.n;
    return OK;
}

static void drop(void *ctx)
{
    struct scu_folder *f = ctx;
    file_close(&f->fd);
    (void)!file_remove(f->dir, f->part, NULL);
}

static err_t begin(void *ctx, const struct dimse_command *rq, struct str transfer_syntax)
{
    struct scu_folder *f = ctx;
    uint8_t head[META_BYTES];
    struct wr w = wr_fixed(head, sizeof head);
    struct dcm_meta m = {.sop_class = rq->sop_class,
                         .sop_instance = rq->sop_instance,
                         .transfer_syntax = transfer_syntax};
    if (!pdu_uid_ok(rq->sop_instance, false))
        return diag_set(&f->diag, E_MALFORMED, "an object without a valid SOP Instance UID");
    snprintf(f->name, sizeof f->name, "%.*s.dcm", STR_ARG(rq->sop_instance));
    dcm_meta_write(&m, &w);
    if (w.bad)
        return E_LIMIT;
    TRY(open_part(f));
    f->at = 0;
    err_t e = write_some(f, wr_str(&w));
    if (e != OK)
        drop(f);
    return e;
}

static err_t data(void *ctx, struct str piece)
{
    return write_some(ctx, piece);
}

static err_t end(void *ctx)
{
    struct scu_folder *f = ctx;
    file_close(&f->fd);
    err_t e = file_rename(f->dir, f->part, f->name, &f->diag);
    if (e != OK) {
        (void)!file_remove(f->dir, f->part, NULL);
        return e;
    }
    f->bytes += f->at;
    if (f->kept)
        f->kept(f->ctx, f->name, f->at);
    return OK;
}

struct scu_sink scu_folder_sink(struct scu_folder *f)
{
    return (struct scu_sink){.begin = begin, .data = data, .end = end, .drop = drop, .ctx = f};
}
