#include "survey/inventory/journal.h"

#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "io/clock.h"
#include "io/file.h"

enum { LINE_MAX_BYTES = 16384 };

struct journal {
    int dir;
    struct chain *chain;
};

static const char DIR_NAME[] = "journal";

err_t journal_open(struct inventory *v, struct journal **ret, struct diag *d)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return E_NOMEM;
    err_t e = dir_make(inventory_dir(v), DIR_NAME, &j->dir, d);
    if (e == OK) {
        e = chain_open(j->dir, inventory_chain_key(v), 0, &j->chain, d);
        if (e != OK)
            file_close(&j->dir);
    }
    if (e != OK)
        free(j);
    else
        *ret = j;
    return e;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    chain_close(j->chain);
    file_close(&j->dir);
    free(j);
}

static void begin_line(struct json *w, const char *what)
{
    char when[32] = "";
    struct tm tm;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    if (gmtime_r(&now, &tm))
        (void)!strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_open_object(w);
    json_member(w, STR("t"), str_z(when));
    json_member(w, STR("what"), str_z(what));
}

static err_t end_line(struct journal *j, struct json *w)
{
    json_end(w);
    TRY(wr_flush(w->w));
    return chain_add(j->chain, wr_str(w->w));
}

err_t journal_note(struct journal *j, const char *what, const struct str *pairs, size_t n)
{
    char buf[LINE_MAX_BYTES];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct json line = json_of(&w);
    if (n % 2)
        return E_USAGE;
    begin_line(&line, what);
    for (size_t i = 0; i < n; i += 2)
        json_member(&line, pairs[i], pairs[i + 1]);
    return end_line(j, &line);
}

err_t journal_sync(struct journal *j)
{
    return chain_sync(j->chain);
}

err_t journal_verify(struct inventory *v, struct chain_report *ret, struct diag *d)
{
    int dir;
    TRY(dir_open(inventory_dir(v), DIR_NAME, &dir, d));
    err_t e = chain_verify(dir, inventory_chain_key(v), NULL, NULL, ret, d);
    file_close(&dir);
    return e;
}
