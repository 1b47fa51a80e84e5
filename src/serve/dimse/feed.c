#include "serve/dimse/feed.h"

#include <stdlib.h>

/* Cut to what fits: these go into the audit trail, and UIDs fit by definition. */
static void keep(char *to, size_t cap, struct str s)
{
    struct str cut = str_slice(s, 0, cap - 1);
    if (!str_to_z(cut, to, cap))
        to[0] = 0;
}

static void keep_item(struct feed_item *to, const struct fetch_item *from)
{
    keep(to->sop_class, sizeof to->sop_class, from->sop_class);
    keep(to->sop_instance, sizeof to->sop_instance, from->sop_instance);
    keep(to->transfer_syntax, sizeof to->transfer_syntax, from->transfer_syntax);
    keep(to->study, sizeof to->study, from->study);
    keep(to->patient_id, sizeof to->patient_id, from->patient_id);
    keep(to->accession, sizeof to->accession, from->accession);
    to->size = from->size;
}

/* Pieces into the buffer until the next one does not fit; that one waits as a view. */
static err_t read_ahead(struct feed *f)
{
    while (!f->last) {
        struct str piece;
        TRY(object_next(f->object, &piece, &f->last));
        if (piece.n > FEED_AHEAD - f->n) {
            f->piece = piece;
            return OK;
        }
        memcpy(f->ahead + f->n, piece.p, piece.n);
        f->n += piece.n;
    }
    return OK;
}

static err_t open_object(struct feed *f, struct archive *a, const struct fetch_item *item)
{
    if (!f->ahead)
        f->ahead = malloc(FEED_AHEAD);
    if (!f->ahead)
        return E_NOMEM;
    TRY(object_open(a, item, STR(""), &f->object, &f->diag));
    return read_ahead(f);
}

void feed_open(struct feed *f, struct archive *a, const struct fetch_item *item)
{
    object_free(f->object);
    *f = (struct feed){.ahead = f->ahead};
    keep_item(&f->item, item);
    f->error = open_object(f, a, item);
}

/* What was read ahead, then the piece that waits, then the rest as it comes. */
static err_t next(void *ctx, struct str *ret_piece, bool *ret_last)
{
    struct feed *f = ctx;
    if (!f->given) {
        f->given = true;
        *ret_piece = str_of(f->ahead, f->n);
        *ret_last = f->last && !f->piece.n;
        return OK;
    }
    if (f->piece.n) {
        *ret_piece = f->piece;
        *ret_last = f->last;
        f->piece.n = 0;
        return OK;
    }
    return object_next(f->object, ret_piece, ret_last);
}

struct scu_object feed_object(struct feed *f)
{
    return (struct scu_object){
        .sop_class = str_z(f->item.sop_class),
        .sop_instance = str_z(f->item.sop_instance),
        .transfer_syntax = str_z(f->item.transfer_syntax),
        .next = next,
        .ctx = f,
    };
}

void feed_done(struct feed *f)
{
    if (!f)
        return;
    object_free(f->object);
    free(f->ahead);
    *f = (struct feed){.ahead = NULL};
}
