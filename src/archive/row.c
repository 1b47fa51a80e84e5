#include "archive/row.h"

#include <stdlib.h>

#include "archive/extra.h"
#include "archive/record.h"

enum { SCRATCH_MAX = 4 << 20, NUMBER_TEXT = 24, CLASS_BYTES = 2 };

err_t row_reader_init(struct row_reader *r, struct archive *a, const struct keys_of *keys)
{
    *r = (struct row_reader){.a = a, .keys = keys, .scratch = arena_init(SCRATCH_MAX)};
    r->head = wr_heap(PACK_HEAD_MAX);
    header_init(&r->header, &a->o.limits, a->o.head_max);
    r->conv = charset_conv_new();
    if (r->conv)
        return OK;
    row_reader_done(r);
    return E_NOMEM;
}

void row_reader_done(struct row_reader *r)
{
    if (!r->a)
        return;
    arena_done(&r->scratch);
    wr_done(&r->head);
    header_done(&r->header);
    charset_conv_free(r->conv);
    r->a = NULL;
}

struct row row_begin(struct row_reader *r, struct sql *db, struct sql_stmt *q)
{
    arena_reset(&r->scratch);
    return (struct row){.reader = r, .db = db, .q = q};
}

/* The one row of a side statement, if there is one. */
static err_t side(struct row *r, struct str text, int64_t id,
                  err_t (*take)(struct row *r, struct sql_stmt *q))
{
    struct sql_stmt *q;
    bool row = false;
    TRY(sql_prepare(r->db, text, &q, NULL));
    sql_bind_i64(q, 1, id);
    err_t e;
    if ((e = sql_step(q, &row)) == OK && row)
        e = take(r, q);
    sql_free(q);
    return e;
}

static err_t take_equipment(struct row *r, struct sql_stmt *q)
{
    r->equipment = arena_copy(&r->reader->scratch, sql_blob(q, 0));
    return r->equipment.p ? OK : E_NOMEM;
}

static err_t equipment(struct row *r, struct str *ret)
{
    if (!r->has_equipment)
        TRY(side(r, STR("SELECT extra FROM equipment WHERE id = ?1"), sql_i64(r->q, ROW_EQUIPMENT),
                 take_equipment));
    r->has_equipment = true;
    *ret = r->equipment;
    return OK;
}

static err_t take_sums(struct row *r, struct sql_stmt *q)
{
    for (int i = 0; i < 3; i++)
        r->sums[i] = sql_i64(q, i);
    return OK;
}

static err_t sum(struct row *r, int which, int64_t *ret)
{
    if (!r->has_sums)
        TRY(side(r,
                 STR("SELECT count(*), coalesce(sum(series), 0), coalesce(sum(instances), 0)"
                     " FROM study WHERE patient = ?1"),
                 sql_i64(r->q, ROW_PATIENT), take_sums));
    r->has_sums = true;
    *ret = r->sums[which];
    return OK;
}

static err_t number_text(struct row *r, const char *format, int64_t v, struct str *ret)
{
    char *text = arena_alloc(&r->reader->scratch, NUMBER_TEXT);
    if (!text)
        return E_NOMEM;
    struct wr w = wr_fixed(text, NUMBER_TEXT);
    wr_printf(&w, format, (long long)v);
    *ret = wr_str(&w);
    return OK;
}

static err_t unpacked(struct row *r, struct str packed, struct str *ret)
{
    struct uid_text t = uid_unpack(packed);
    *ret = arena_copy(&r->reader->scratch, uid_text_str(&t));
    return ret->p ? OK : E_NOMEM;
}

static struct str extra_of(const struct row *r, enum level level)
{
    static const int column[] = {[LEVEL_PATIENT] = ROW_PATIENT_EXTRA,
                                 [LEVEL_STUDY] = ROW_STUDY_EXTRA,
                                 [LEVEL_SERIES] = ROW_SERIES_EXTRA};
    return sql_blob(r->q, column[level]);
}

/* Dates and times whose text was not what the column would be written as stand in the extra value.
 */
static err_t study_date(struct row *r, const struct attr *at, struct str *ret)
{
    int64_t v = sql_i64(r->q, ROW_STUDY_DATE);
    *ret = extra_get(extra_of(r, LEVEL_STUDY), at->code);
    return ret->n || v == STUDY_DATE_UNKNOWN ? OK : number_text(r, "%08lld", v, ret);
}

static err_t study_time(struct row *r, const struct attr *at, struct str *ret)
{
    int64_t v = sql_i64(r->q, ROW_STUDY_TIME);
    *ret = extra_get(extra_of(r, LEVEL_STUDY), at->code);
    int64_t clock = v / 3600 * 10000 + v / 60 % 60 * 100 + v % 60;
    return ret->n || v == STUDY_TIME_UNKNOWN ? OK : number_text(r, "%06lld", clock, ret);
}

static err_t nullable(struct row *r, int column, struct str *ret)
{
    *ret = str_of("", 0);
    return sql_is_null(r->q, column) ? OK : number_text(r, "%lld", sql_i64(r->q, column), ret);
}

static err_t series_number(struct row *r, const struct attr *at, struct str *ret)
{
    *ret = extra_get(extra_of(r, LEVEL_SERIES), at->code);
    return ret->n ? OK : nullable(r, ROW_SERIES_NUMBER, ret);
}

/* What has no number in the index stands in the object as it is: an instance number "1.5". */
static err_t from_header(struct row *r, const struct attr *at, int column, struct str *ret)
{
    const struct dcm_ds *ds;
    TRY(nullable(r, column, ret));
    if (ret->n || at->vr != VR('I', 'S'))
        return OK;
    TRY(row_header(r, &ds));
    if (ds)
        *ret = dcm_ds_str(ds, at->tag);
    return OK;
}

static bool has_class(struct str list, struct str two)
{
    for (size_t i = 0; i + CLASS_BYTES <= list.n; i += CLASS_BYTES)
        if (!memcmp(list.p + i, two.p, CLASS_BYTES))
            return true;
    return false;
}

/* The SOP classes of a study's series, each once. */
static err_t classes(struct row *r, struct str *ret)
{
    struct sql_stmt *q;
    char seen_bytes[256];
    struct wr seen = wr_fixed(seen_bytes, sizeof seen_bytes), text = wr_heap(1 << 14);
    bool row = false;
    TRY(sql_prepare(r->db, STR("SELECT classes FROM series WHERE study = ?1"), &q, NULL));
    sql_bind_i64(q, 1, sql_i64(r->q, ROW_STUDY));
    err_t e;
    while ((e = sql_step(q, &row)) == OK && row) {
        struct str list = sql_blob(q, 0);
        for (size_t i = 0; e == OK && i + CLASS_BYTES <= list.n; i += CLASS_BYTES) {
            struct str two = str_slice(list, i, CLASS_BYTES), uid;
            if (has_class(wr_str(&seen), two) || seen.cap - seen.n < CLASS_BYTES)
                continue;
            e = terms_text(&r->reader->a->terms, r->db, (uint8_t)two.p[0] << 8 | (uint8_t)two.p[1],
                           &uid);
            wr_printf(&text, "%s%.*s", text.n ? "\\" : "", STR_ARG(uid));
            wr_put(&seen, two);
        }
        if (e != OK)
            break;
    }
    sql_free(q);
    *ret = arena_copy(&r->reader->scratch, wr_str(&text));
    wr_done(&text);
    return e == OK && !ret->p ? E_NOMEM : e;
}

static err_t term(struct row *r, int column, struct str *ret)
{
    return terms_text(&r->reader->a->terms, r->db, sql_i64(r->q, column), ret);
}

static err_t sum_text(struct row *r, int which, struct str *ret)
{
    int64_t v;
    TRY(sum(r, which, &v));
    return number_text(r, "%lld", v, ret);
}

static err_t column_text(struct row *r, const struct attr *at, struct str *ret)
{
    switch ((enum attr_column)at->column) {
    case COLUMN_NONE:
        break;
    case COLUMN_PATIENT_ID:
        *ret = sql_text(r->q, ROW_PATIENT_ID);
        return OK;
    case COLUMN_ISSUER:
        *ret = sql_text(r->q, ROW_ISSUER);
        return OK;
    case COLUMN_PATIENT_STUDIES:
        return sum_text(r, 0, ret);
    case COLUMN_PATIENT_SERIES:
        return sum_text(r, 1, ret);
    case COLUMN_PATIENT_INSTANCES:
        return sum_text(r, 2, ret);
    case COLUMN_STUDY_UID:
        return unpacked(r, sql_blob(r->q, ROW_STUDY_UID), ret);
    case COLUMN_STUDY_DATE:
        return study_date(r, at, ret);
    case COLUMN_STUDY_TIME:
        return study_time(r, at, ret);
    case COLUMN_ACCESSION:
        *ret = sql_text(r->q, ROW_ACCESSION);
        return OK;
    case COLUMN_MODALITIES:
        *ret = sql_text(r->q, ROW_MODALITIES);
        return OK;
    case COLUMN_CLASSES:
        return classes(r, ret);
    case COLUMN_STUDY_SERIES:
        return nullable(r, ROW_STUDY_SERIES, ret);
    case COLUMN_STUDY_INSTANCES:
        return nullable(r, ROW_STUDY_INSTANCES, ret);
    case COLUMN_SERIES_UID:
        return unpacked(r, sql_blob(r->q, ROW_SERIES_UID), ret);
    case COLUMN_MODALITY:
        *ret = sql_text(r->q, ROW_MODALITY);
        return OK;
    case COLUMN_SERIES_NUMBER:
        return series_number(r, at, ret);
    case COLUMN_SERIES_INSTANCES:
        return nullable(r, ROW_SERIES_INSTANCES, ret);
    case COLUMN_SOP_UID:
        return unpacked(r, sql_blob(r->q, ROW_SOP_UID), ret);
    case COLUMN_SOP_CLASS:
        return term(r, ROW_CLASS, ret);
    case COLUMN_SYNTAX:
        return term(r, ROW_SYNTAX, ret);
    case COLUMN_NUMBER:
        return from_header(r, at, ROW_NUMBER, ret);
    case COLUMN_ROWS:
        return nullable(r, ROW_ROWS, ret);
    case COLUMN_COLUMNS:
        return nullable(r, ROW_COLUMNS, ret);
    case COLUMN_FRAMES:
        return nullable(r, ROW_FRAMES, ret);
    }
    return E_INTERNAL;
}

static err_t stored(struct row *r, const struct attr *at, struct str *ret)
{
    struct str extra;
    if (at->place == ATTR_EQUIPMENT)
        TRY(equipment(r, &extra));
    else
        extra = extra_of(r, (enum level)at->level);
    *ret = extra_get(extra, at->code);
    return OK;
}

err_t row_text(struct row *r, const struct attr *at, struct str *ret)
{
    *ret = str_of("", 0);
    if (at->place == ATTR_COLUMN)
        return column_text(r, at, ret);
    TRY(stored(r, at, ret));
    return at->vr == VR('U', 'I') && ret->n ? unpacked(r, *ret, ret) : OK;
}

err_t row_sequence(struct row *r, const struct attr *at, struct arena *a,
                   const struct dcm_elem **ret)
{
    struct str bytes;
    struct dcm_ds *ds;
    *ret = NULL;
    TRY(stored(r, at, &bytes));
    if (!bytes.n)
        return OK;
    TRY(dcm_ds_parse(a, bytes, DCM_EXPLICIT_LE, &r->reader->a->o.limits, false, &ds, NULL));
    *ret = dcm_ds_get(ds, at->tag);
    return OK;
}

err_t row_header(struct row *r, const struct dcm_ds **ret)
{
    struct row_reader *reader = r->reader;
    struct pack_place at = {(uint32_t)sql_i64(r->q, ROW_PACK), (uint64_t)sql_i64(r->q, ROW_AT)};
    struct dcm_meta meta;
    struct diag unused;
    if (!r->has_ds) {
        err_t e = record_head(reader->a->packs, at, &reader->head, NULL, &unused);
        if (e == OK)
            e = record_dataset(wr_str(&reader->head), &reader->header, &meta, &r->ds, &unused);
        if (e == E_NOMEM || e == E_IO)
            return e;
        if (e != OK)
            r->ds = NULL; /* damaged or removed meanwhile: `verify` says so, not a query */
        r->has_ds = true;
    }
    *ret = r->ds;
    return OK;
}

/* Matching. */

static err_t sequence_matches(struct row *r, const struct key_match *key, bool *ret)
{
    struct arena *scratch = &r->reader->scratch;
    const struct dcm_elem *e;
    TRY(row_sequence(r, key->attr, scratch, &e));
    *ret = false;
    for (size_t i = 0; e && i < e->n_items && !*ret; i++) {
        /* Said to be UTF-8, as it is stored. */
        TRY(dcm_ds_set(e->items[i], TAG_SpecificCharacterSet, VR('C', 'S'), STR("ISO_IR 192")));
        *ret = match_item_test(key->item, r->reader->conv, e->items[i], scratch);
    }
    return OK;
}

/* Date and time as one: the first moment of what the time says, or of the day. */
static err_t moment_matches(struct row *r, const struct key_match *key, bool *ret)
{
    struct str date_text, time_text;
    int32_t date;
    struct dt_span time = {0, 0};
    TRY(row_text(r, key->attr, &date_text));
    TRY(row_text(r, key->time->attr, &time_text));
    *ret = false;
    if (!da_parse(date_text, &date))
        return OK;
    if (!tm_parse(time_text, &time))
        time.lo = 0;
    int64_t moment = dt_combine(date, time.lo, 0);
    *ret = moment >= key->moment.lo && moment <= key->moment.hi;
    return OK;
}

static err_t key_matches(struct row *r, const struct key_match *key, bool *ret)
{
    struct str value;
    *ret = true;
    if (key->source != KEY_ATTR || key->with_date || (!key->match && !key->item))
        return OK;
    if (key->item)
        return sequence_matches(r, key, ret);
    if (key->time)
        return moment_matches(r, key, ret);
    TRY(row_text(r, key->attr, &value));
    *ret = match_test(key->match, value);
    return OK;
}

err_t row_matches(struct row *r, bool *ret)
{
    const struct keys_of *k = r->reader->keys;
    const struct dcm_ds *ds;
    *ret = true;
    for (size_t i = 0; i < k->n && *ret; i++)
        TRY(key_matches(r, &k->key[i], ret));
    if (!*ret || !k->header_match)
        return OK;
    TRY(row_header(r, &ds));
    *ret = ds && match_item_test(k->header_match, r->reader->conv, ds, &r->reader->scratch);
    return OK;
}
