/* Retrieval (PS3.4 C.4.2, C.4.3): which instances an identifier names, and their bytes.
 *
 *     fetch_open(archive, &options, identifier, &f, &offending, &diag);   fetch_count(f) ...
 *     while (fetch_next(f, &item) == OK && item) { object_open(...); object_next(...) ... }
 *     fetch_close(f);
 */
#ifndef LASTRA_ARCHIVE_FETCH_H
#define LASTRA_ARCHIVE_FETCH_H

#include "archive/query.h"

struct fetch;

/* One instance; views are valid until the next fetch_next on the same fetch. */
struct fetch_item {
    struct str sop_class, sop_instance, transfer_syntax;
    struct str study, patient_id, accession; /* for the audit trail; UTF-8 */
    struct pack_place place;
    uint64_t size; /* data set bytes as stored */
};

enum { FETCH_MAX = 1000000 };

/* Unique keys only: the level's own (one or a list) and, unless relational, one value of each level
 * above. Any other key is passed over, as PS3.4 C.4.2.1.4.1 has it. The set of instances is fixed
 * here: what arrives later is not in it. E_MISMATCH with *ret_offending as in query_open; E_LIMIT
 * past FETCH_MAX instances. A set may be empty. */
err_t fetch_open(struct archive *a, const struct query_options *o, const struct dcm_ds *identifier,
                 struct fetch **ret, tag_t *ret_offending, struct diag *d) MUST_CHECK;

uint64_t fetch_count(const struct fetch *f);

/* Each pair of SOP class and transfer syntax in the set, for proposing presentation contexts. */
struct fetch_syntax {
    struct str sop_class, transfer_syntax;
    uint64_t count;
};
size_t fetch_syntaxes(const struct fetch *f, const struct fetch_syntax **ret);

/* By series and instance number within; *ret is NULL at the end. An instance that was removed since
 * is passed over. */
err_t fetch_next(struct fetch *f, const struct fetch_item **ret) MUST_CHECK;
void fetch_close(struct fetch *f);

/* The bytes of an object: its data set without file meta information, in order, in pieces. */
struct object;

/* transfer_syntax: what the other side accepts; empty or the stored one: the bytes as stored.
 * Another: converted on the way when both are uncompressed, else E_UNSUPPORTED. E_NOTFOUND when it
 * was removed, E_DAMAGED. */
err_t object_open(struct archive *a, const struct fetch_item *item, struct str transfer_syntax,
                  struct object **ret, struct diag *d) MUST_CHECK;

/* The next piece, up to 256 KiB: a view valid until the next call. *ret_last with the last one
 * (which may be empty). */
err_t object_next(struct object *o, struct str *ret_piece, bool *ret_last) MUST_CHECK;

/* Bytes of the data set as stored. */
uint64_t object_size(const struct object *o);
const struct pack_info *object_info(const struct object *o);
void object_free(struct object *o);

#endif
