/* Surveys and their notes. */
#include <stdio.h>

#include "io/clock.h"
#include "io/crypto.h"
#include "survey/core/clean.h"
#include "survey/inventory/inside.h"

enum { UID_SIZE = 16 };

static void survey_row(struct sql_stmt *q, struct survey *ret)
{
    struct str name = sql_text(q, 1);
    *ret = (struct survey){.id = sql_i64(q, 0),
                           .began_us = sql_i64(q, 2),
                           .changed_us = sql_i64(q, 3),
                           .concluded = sql_i64(q, 4) != 0};
    memcpy(ret->name, name.p, name.n < sizeof ret->name ? name.n : sizeof ret->name - 1);
}

err_t inventory_find(struct inventory *v, struct str name, struct survey *ret)
{
    struct sql_stmt *q;
    bool row;
    v->diag.text[0] = 0;
    TRY(inside_query(v, name.n ? Q_SURVEY_NAMED : Q_SURVEY_NEWEST, &q));
    if (name.n)
        sql_bind_text(q, 1, name);
    TRY(sql_step(q, &row));
    if (!row)
        return inside_fail(v, E_NOTFOUND, "there is no such survey");
    survey_row(q, ret);
    sql_reset(q);
    return OK;
}

static err_t add_survey(struct inventory *v, struct str name)
{
    uint8_t uid[UID_SIZE];
    struct sql_stmt *q;
    int64_t n = 0;
    bool row;
    TRY(inside_query(v, Q_SURVEY_COUNT, &q));
    TRY(inside_number(q, &n, &row));
    if (n >= SURVEYS_MAX)
        return inside_fail(v, E_LIMIT, "an inventory holds at most %d surveys", SURVEYS_MAX);
    TRY(crypto_random(uid, sizeof uid));
    TRY(inside_query(v, Q_SURVEY_ADD, &q));
    sql_bind_text(q, 1, name);
    sql_bind_blob(q, 2, str_of(uid, sizeof uid));
    sql_bind_i64(q, 3, clock_wall_us());
    return sql_run(q);
}

static err_t find_or_add(struct inventory *v, struct str name, struct survey *ret)
{
    char today[DAY_SIZE];
    err_t e = inventory_find(v, name, ret);
    if (e != E_NOTFOUND)
        return e;
    TRY(inside_may_write(v));
    if (!name.n)
        name = inside_day(clock_wall_us(), today);
    TRY(add_survey(v, name));
    return inventory_find(v, name, ret);
}

err_t inventory_survey(struct inventory *v, struct str name, struct survey *ret, struct diag *d)
{
    if (name.n >= sizeof ret->name || (name.n && !clean_is(name)))
        return diag_set(d, E_USAGE,
                        "the name of a survey is 1 to 64 printable bytes, without spaces around");
    return inside_tell(v, find_or_add(v, name, ret), d);
}

err_t inventory_surveys(struct inventory *v, err_t (*each)(void *ctx, const struct survey *s),
                        void *ctx)
{
    struct sql_stmt *q;
    struct survey s;
    bool row;
    v->diag.text[0] = 0;
    TRY(sql_prepare(v->db,
                    STR("SELECT id,name,began,changed,concluded FROM survey ORDER BY began,id"), &q,
                    NULL));
    err_t e;
    while ((e = sql_step(q, &row)) == OK && row) {
        survey_row(q, &s);
        e = each(ctx, &s);
        if (e != OK)
            break;
    }
    sql_free(q);
    return e;
}

static err_t set_note(struct inventory *v, int64_t survey, struct str name, struct str value,
                      struct arena *a)
{
    struct sql_stmt *q;
    TRY(inside_clean(a, name, SURVEY_NOTE_NAME_MAX, &name));
    TRY(inside_clean(a, value, TEXT_MAX, &value));
    TRY(inside_query(v, Q_NOTE_SET, &q));
    sql_bind_i64(q, 1, survey);
    sql_bind_text(q, 2, name);
    sql_bind_text(q, 3, value);
    return sql_run(q);
}

err_t inventory_note(struct inventory *v, int64_t survey, struct str name, struct str value)
{
    struct arena a = arena_init(4 * TEXT_MAX);
    TRY(inside_may_write(v));
    err_t e = set_note(v, survey, name, value, &a);
    arena_done(&a);
    return e;
}

err_t inventory_note_get(struct inventory *v, int64_t survey, struct str name, struct wr *ret)
{
    struct sql_stmt *q;
    bool row;
    v->diag.text[0] = 0;
    TRY(inside_query(v, Q_NOTE_GET, &q));
    sql_bind_i64(q, 1, survey);
    sql_bind_text(q, 2, name);
    TRY(sql_step(q, &row));
    if (!row)
        return OK;
    wr_put(ret, str_slice(sql_text(q, 0), 0, TEXT_MAX));
    sql_reset(q);
    return ret->bad ? E_LIMIT : OK;
}
