#include "app/health.h"

#include <jansson.h>
#include <unistd.h>

#include "base/json.h"
#include "io/clock.h"
#include "io/file.h"

#define NAME "serve.state"

err_t health_begin(struct health_keeper *k, int data_dir, struct diag *d)
{
    *k = (struct health_keeper){.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};
    k->now.pid = getpid();
    k->now.started_us = clock_wall_us();
    TRY(file_open(data_dir, NAME, FILE_OPEN_OR_CREATE, &k->fd, d));
    return health_write(k, "");
}

static void keep(char to[HEALTH_LINE], struct str s)
{
    s = str_slice(str_trim(s), 0, HEALTH_LINE - 1);
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
}

static void remember(void *ctx, enum log_level level, struct str line)
{
    struct health_keeper *k = ctx;
    if (level == LOG_LEVEL_ERROR) {
        LOCKED(&k->lock);
        k->now.errors++;
        k->now.last_error_us = clock_wall_us();
        keep(k->now.last_error, line);
    }
    k->behind.sink(k->behind.ctx, level, line);
}

struct log health_log(struct health_keeper *k, const struct log *to)
{
    k->behind = *to;
    return (struct log){.level = to->level, .sink = remember, .ctx = k};
}

static void put_i64(struct json *j, struct str name, int64_t v)
{
    json_key(j, name);
    json_i64(j, v);
}

/* One object and spaces up to the file's size. */
static void put(const struct health *h, struct wr *w)
{
    struct json j = json_of(w);
    json_open_object(&j);
    put_i64(&j, STR("pid"), h->pid);
    put_i64(&j, STR("started_us"), h->started_us);
    put_i64(&j, STR("updated_us"), h->updated_us);
    json_member_bool(&j, STR("index_behind"), h->index_behind);
    json_member(&j, STR("index_why"), str_z(h->index_why));
    json_member_u64(&j, STR("errors"), h->errors);
    put_i64(&j, STR("last_error_us"), h->last_error_us);
    json_member(&j, STR("last_error"), str_z(h->last_error));
    json_end(&j);
    if (!w->bad)
        wr_fill(w, ' ', HEALTH_SIZE - w->n);
}

err_t health_write(struct health_keeper *k, const char *index_why)
{
    uint8_t buf[HEALTH_SIZE];
    struct wr w = wr_fixed(buf, sizeof buf);
    {
        LOCKED(&k->lock);
        k->now.updated_us = clock_wall_us();
        k->now.index_behind = index_why[0] != '\0';
        keep(k->now.index_why, str_z(index_why));
        put(&k->now, &w);
    }
    TRY(wr_flush(&w));
    return file_write_at(k->fd, 0, w.p, w.n, NULL);
}

void health_end(struct health_keeper *k, int data_dir)
{
    if (k->fd < 0)
        return;
    file_close(&k->fd);
    /* What stays is told from a running server's by its age. */
    if (file_remove(data_dir, NAME, NULL) != OK)
        return;
}

static void get_text(const json_t *object, const char *name, char to[HEALTH_LINE])
{
    keep(to, str_z(json_string_value(json_object_get(object, name))));
}

static int64_t get_i64(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

err_t health_read(int data_dir, struct health *ret)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(HEALTH_SIZE);
    TRY(file_load(data_dir, NAME, HEALTH_SIZE, &w, NULL));
    json_t *o = json_loadb((const char *)w.p, w.n, 0, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return E_DAMAGED;
    }
    *ret = (struct health){
        .pid = get_i64(o, "pid"),
        .started_us = get_i64(o, "started_us"),
        .updated_us = get_i64(o, "updated_us"),
        .index_behind = json_is_true(json_object_get(o, "index_behind")),
        .errors = (uint64_t)get_i64(o, "errors"),
        .last_error_us = get_i64(o, "last_error_us"),
    };
    get_text(o, "index_why", ret->index_why);
    get_text(o, "last_error", ret->last_error);
    json_decref(o);
    return OK;
}

bool health_is_fresh(const struct health *h, int64_t now_us)
{
    int64_t age_ms = (now_us - h->updated_us) / 1000;
    return age_ms > -HEALTH_FRESH_MS && age_ms < HEALTH_FRESH_MS;
}
