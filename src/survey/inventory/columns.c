#include "survey/inventory/columns.h"

#include "base/size.h"
#include "base/wr.h"

enum { QUERY_MAX = 4096, TEXT_READ_MAX = 65536 };

#define SYSTEM(kind, name, member, below)                                                          \
    {                                                                                              \
#name, COLUMN_##kind, offsetof(struct system, member), below                               \
    }
#define ANSWER(which)                                                                              \
    SYSTEM(str, which##_vendor, which.vendor, 0), SYSTEM(str, which##_name, which.name, 0),        \
        SYSTEM(str, which##_version, which.version, 0),                                            \
        SYSTEM(int, which##_conf, which.conf, CONF_high + 1),                                      \
        SYSTEM(str, which##_why, which.why, 0)
#define OPEN(name) SYSTEM(i8, name, name, 0)
#define TEXT(name) SYSTEM(str, name, name, 0)

/* clang-format off */
static const struct column systems[] = {
    SYSTEM(u16, port, port, 0), TEXT(ports),
    SYSTEM(type, type, type, 0),
    SYSTEM(int, type_conf, type_conf, CONF_high + 1),
    TEXT(type_why),
    ANSWER(product), ANSWER(toolkit), ANSWER(vendor),
    SYSTEM(int, level, level, VER_version + 1),
    OPEN(open_calling), OPEN(open_called), OPEN(open_query), OPEN(open_retrieve), OPEN(open_store),
    OPEN(open_print), OPEN(cleartext), OPEN(tls), OPEN(web_open), OPEN(is_public),
    SYSTEM(i64, studies, studies, 0), SYSTEM(i64, images, images, 0),
    SYSTEM(u64, clear_objects, clear_objects, 0), SYSTEM(u64, clear_values, clear_values, 0),
    TEXT(clear_fields), TEXT(hostname), TEXT(country), TEXT(city), TEXT(site), TEXT(zone),
    TEXT(owner), TEXT(organisation), TEXT(maker),
    SYSTEM(bool, stale, stale, 0),
};

#define FINDING(kind, name, member, below)                                                         \
    {#name, COLUMN_##kind, offsetof(struct finding, member), below}
static const struct column findings[] = {
    FINDING(int, severity, severity, SEV_COUNT),
    FINDING(str, kind, kind, 0),
    FINDING(int, level, level, VER_version + 1),
    FINDING(u16, port, port, 0),
    FINDING(str, evidence, evidence, 0),
    FINDING(int, state, state, STATE_COUNT),
    FINDING(str, cve, cve, 0), FINDING(str, advisory, advisory, 0),
    FINDING(str, cvss_source, cvss_source, 0), FINDING(str, component, component, 0),
    FINDING(int, cvss, cvss, 0), FINDING(bool, exploited, exploited, 0),
    FINDING(str, refs, references, 0),
    FINDING(str, evidence_it, evidence_it, 0), FINDING(str, cves, cves, 0),
};
/* clang-format on */

const struct columns system_columns = {.table = "system",
                                       .keys = "survey,host,first,last,changed",
                                       .n_keys = 5,
                                       .where = "survey=?1 ORDER BY host,port,id",
                                       .list = systems,
                                       .n = COUNT(systems)};
const struct columns finding_columns = {.table = "finding",
                                        .keys = "survey,system",
                                        .n_keys = 2,
                                        .where = "survey=?1 AND system=?2 "
                                                 "ORDER BY severity DESC,id",
                                        .list = findings,
                                        .n = COUNT(findings)};

static void names(const struct columns *c, struct wr *w)
{
    wr_put(w, str_z(c->keys));
    for (size_t i = 0; i < c->n; i++)
        wr_printf(w, ",%s", c->list[i].name);
}

err_t columns_insert(struct inventory *v, const struct columns *c, struct sql_stmt **ret)
{
    char text[QUERY_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    wr_printf(&w, "INSERT INTO %s(", c->table);
    names(c, &w);
    wr_put(&w, STR(") VALUES("));
    for (size_t i = 1; i <= c->n_keys + c->n; i++)
        wr_printf(&w, i > 1 ? ",?%zu" : "?%zu", i);
    wr_put(&w, STR(")"));
    TRY(wr_flush(&w));
    return sql_prepare(v->db, wr_str(&w), ret, NULL);
}

err_t columns_select(struct inventory *v, const struct columns *c, struct sql_stmt **ret)
{
    char text[QUERY_MAX];
    struct wr w = wr_fixed(text, sizeof text);
    wr_put(&w, STR("SELECT "));
    names(c, &w);
    wr_printf(&w, ",id FROM %s WHERE %s", c->table, c->where);
    TRY(wr_flush(&w));
    return sql_prepare(v->db, wr_str(&w), ret, NULL);
}

/* The member as it lies in memory, without assuming that it is aligned as this file thinks. */
#define GET(type, from) (*(const type *)(const void *)((const char *)thing + (from)->at))
#define SET(type, to) (*(type *)(void *)((char *)thing + (to)->at))

void columns_bind(const struct columns *c, struct sql_stmt *q, const void *thing)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct column *col = &c->list[i];
        int at = (int)(c->n_keys + i + 1);
        switch (col->kind) {
        case COLUMN_i8:
            sql_bind_i64(q, at, GET(int8_t, col));
            break;
        case COLUMN_u16:
            sql_bind_i64(q, at, GET(uint16_t, col));
            break;
        case COLUMN_int:
            sql_bind_i64(q, at, GET(int, col));
            break;
        case COLUMN_i64:
            sql_bind_i64(q, at, GET(int64_t, col));
            break;
        case COLUMN_u64:
            sql_bind_i64(q, at, inside_i64(GET(uint64_t, col)));
            break;
        case COLUMN_bool:
            sql_bind_i64(q, at, GET(bool, col));
            break;
        case COLUMN_str:
            sql_bind_text(q, at, GET(struct str, col));
            break;
        case COLUMN_type:
            sql_bind_text(q, at, type_name(GET(enum sys_type, col)));
            break;
        }
    }
}

static int read_int(const struct column *col, int64_t n)
{
    if (n < INT32_MIN || n > INT32_MAX || (col->below && (n < 0 || n >= col->below)))
        return 0;
    return (int)n;
}

void columns_read(const struct columns *c, struct sql_stmt *q, void *thing)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct column *col = &c->list[i];
        int at = (int)(c->n_keys + i);
        bool text = col->kind == COLUMN_str || col->kind == COLUMN_type;
        int64_t n = text ? 0 : sql_i64(q, at);
        switch (col->kind) {
        case COLUMN_i8:
            SET(int8_t, col) = (int8_t)n;
            break;
        case COLUMN_u16:
            SET(uint16_t, col) = (uint16_t)n;
            break;
        case COLUMN_int:
            SET(int, col) = read_int(col, n);
            break;
        case COLUMN_i64:
            SET(int64_t, col) = n;
            break;
        case COLUMN_u64:
            SET(uint64_t, col) = (uint64_t)n;
            break;
        case COLUMN_bool:
            SET(bool, col) = n != 0;
            break;
        case COLUMN_str:
            SET(struct str, col) = str_slice(sql_text(q, at), 0, TEXT_READ_MAX);
            break;
        case COLUMN_type:
            SET(enum sys_type, col) = type_by_name(sql_text(q, at));
            break;
        }
    }
}
