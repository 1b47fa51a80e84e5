#include "app/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/local.h"

enum { WORDS = 4, ASK_MS = 10000, ANSWER_MS = 3600000 };

#define NAME "control"

struct control {
    struct data *data;
    struct stop stop;
    struct thread *thread;
    int listener;
};

static bool to_level(struct str word, enum query_level *ret)
{
    static const struct str names[] = {[QUERY_STUDY] = STR_INIT("STUDY"),
                                       [QUERY_SERIES] = STR_INIT("SERIES"),
                                       [QUERY_IMAGE] = STR_INIT("IMAGE")};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!names[i].n || !str_eq(word, names[i]))
            continue;
        *ret = (enum query_level)i;
        return true;
    }
    return false;
}

static const char *level_name(enum query_level level)
{
    switch (level) {
    case QUERY_STUDY:
        return "STUDY";
    case QUERY_SERIES:
        return "SERIES";
    case QUERY_IMAGE:
        return "IMAGE";
    case QUERY_PATIENT:
        break;
    }
    return "";
}

/* --- the serving side --- */

/* "remove" LEVEL UID: objects, bytes */
static err_t do_remove(struct control *c, const struct str *words, struct wr *answer,
                       struct diag *d)
{
    enum query_level level;
    struct remove_counts counts;
    if (!to_level(words[1], &level))
        return E_USAGE;
    TRY(archive_remove(c->data->archive, level, words[2], &counts, d));
    wr_printf(answer, "%llu%c%llu", (unsigned long long)counts.objects, 0,
              (unsigned long long)counts.bytes);
    return OK;
}

/* "settle" NUMBER keep|take */
static err_t do_settle(struct control *c, const struct str *words, struct wr *answer,
                       struct diag *d)
{
    int64_t id;
    bool take = str_eq(words[2], STR("take"));
    (void)answer;
    if (!str_to_i64(words[1], &id) || (!take && !str_eq(words[2], STR("keep"))))
        return E_USAGE;
    return conflict_settle(c->data->archive, id, take ? CONFLICT_TAKE_OTHER : CONFLICT_KEEP_FIRST,
                           d);
}

static const struct {
    struct str name;
    size_t words;
    err_t (*run)(struct control *c, const struct str *words, struct wr *answer, struct diag *d);
} requests[] = {
    {STR_INIT("remove"), 3, do_remove},
    {STR_INIT("settle"), 3, do_settle},
};

static size_t split(struct str message, struct str words[WORDS])
{
    size_t n = 0;
    while (n < WORDS && str_split(&message, '\0', &words[n]))
        n++;
    return message.p ? WORDS + 1 : n;
}

static err_t perform(struct control *c, struct str message, struct wr *answer, struct diag *d)
{
    struct str words[WORDS];
    size_t n = split(message, words);
    for (size_t i = 0; i < COUNT(requests); i++)
        if (n == requests[i].words && str_eq(words[0], requests[i].name))
            return requests[i].run(c, words, answer, d);
    return diag_set(d, E_UNSUPPORTED, "the serving process does not know this request");
}

static err_t answer_one(struct control *c, int fd)
{
    char buf[LOCAL_MESSAGE_MAX], out[LOCAL_MESSAGE_MAX], rest[LOCAL_MESSAGE_MAX / 2];
    struct wr w = wr_fixed(out, sizeof out), result = wr_fixed(rest, sizeof rest);
    struct diag d = {0};
    struct str message;
    TRY(local_recv(fd, buf, clock_deadline(ASK_MS), &message));
    err_t e = perform(c, message, &result, &d);
    wr_printf(&w, "%d%c", (int)e, 0);
    if (e == OK)
        wr_put(&w, wr_str(&result));
    else
        wr_put(&w, str_z(diag_text(&d, e)));
    return local_send(fd, wr_str(&w));
}

/* One at a time: what is asked here is rare. Who goes away before the answer comes is no loss. */
static void serve(void *arg)
{
    struct control *c = arg;
    for (;;) {
        int fd = -1;
        err_t e = local_accept(c->listener, &c->stop, &fd);
        if (e == E_STOPPED)
            return;
        if (e != OK)
            continue;
        (void)!answer_one(c, fd);
        file_close(&fd);
    }
}

err_t control_start(struct data *data, struct control **ret, struct diag *d)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    *c = (struct control){.data = data, .stop = {.fd = -1}, .listener = -1};
    err_t e = stop_init(&c->stop);
    if (e == OK)
        e = local_listen(data->dir, NAME, &c->listener, d);
    if (e == OK)
        e = thread_start(serve, c, "control", &c->thread);
    if (e != OK) {
        control_stop(c);
        return e;
    }
    *ret = c;
    return OK;
}

void control_stop(struct control *c)
{
    if (!c)
        return;
    if (c->thread)
        stop_set(&c->stop);
    thread_join(c->thread);
    if (c->stop.fd >= 0)
        stop_done(&c->stop);
    file_close(&c->listener);
    free(c);
}

/* --- the asking side --- */

/* The answer's words after the code, in buf. */
static err_t ask(struct data *data, struct str message, char buf[LOCAL_MESSAGE_MAX],
                 struct str *ret, struct diag *d)
{
    int fd = -1;
    struct str answer, code;
    uint64_t e;
    TRY(local_connect(data->dir, NAME, &fd, d));
    err_t sent = local_send(fd, message);
    if (sent == OK)
        sent = local_recv(fd, buf, clock_deadline(ANSWER_MS), &answer);
    file_close(&fd);
    if (sent != OK)
        return diag_set(d, sent, "the serving process did not answer");
    if (!str_split(&answer, '\0', &code) || !str_to_u64(code, 1000, &e))
        return diag_set(d, E_PROTOCOL, "the serving process gave no sensible answer");
    if (e != OK)
        return diag_set(d, (err_t)e, "%.*s", STR_ARG(answer));
    *ret = answer;
    return OK;
}

static err_t ask_remove(struct data *data, enum query_level level, struct str uid,
                        struct remove_counts *ret, struct diag *d)
{
    char out[256], buf[LOCAL_MESSAGE_MAX];
    struct wr w = wr_fixed(out, sizeof out);
    struct str answer, word;
    wr_printf(&w, "remove%c%s%c", 0, level_name(level), 0);
    wr_put(&w, uid);
    TRY(wr_flush(&w));
    TRY(ask(data, wr_str(&w), buf, &answer, d));
    if (!str_split(&answer, '\0', &word) || !str_to_u64(word, UINT64_MAX, &ret->objects) ||
        !str_to_u64(answer, UINT64_MAX, &ret->bytes))
        return diag_set(d, E_PROTOCOL, "the serving process gave no sensible answer");
    return OK;
}

err_t control_remove(struct data *data, enum query_level level, struct str uid,
                     struct remove_counts *ret, struct diag *d)
{
    if (archive_get_options(data->archive)->mode == ARCHIVE_WORK)
        return archive_remove(data->archive, level, uid, ret, d);
    return ask_remove(data, level, uid, ret, d);
}

err_t control_settle(struct data *data, int64_t conflict, enum conflict_choice choice,
                     struct diag *d)
{
    char out[64], buf[LOCAL_MESSAGE_MAX];
    struct str answer;
    if (archive_get_options(data->archive)->mode == ARCHIVE_WORK)
        return conflict_settle(data->archive, conflict, choice, d);
    int n = snprintf(out, sizeof out, "settle%c%lld%c%s", 0, (long long)conflict, 0,
                     choice == CONFLICT_TAKE_OTHER ? "take" : "keep");
    return ask(data, str_of(out, (size_t)n), buf, &answer, d);
}

err_t control_open(struct data *data, struct str path, struct diag *d)
{
    err_t e = data_open(data, path, DATA_WORK, d);
    return e == E_BUSY ? data_open(data, path, DATA_LOOK, d) : e;
}
