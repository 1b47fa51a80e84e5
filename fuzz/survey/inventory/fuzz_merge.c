/* A row of each table of another's inventory, merged. The input is values, each behind a byte with
 * its length: place, evidence, run's source and note, flow's server, client, protocol and fields,
 * note's name and value. Whatever it holds, what was merged can be read and merged again. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rd.h"
#include "io/file.h"
#include "survey/inventory/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(err_t e)
{
    if (e != OK)
        abort();
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static void put_row(struct inventory *v, struct str text, const struct str *values, size_t n)
{
    struct sql_stmt *q;
    must(sql_prepare(v->db, text, &q, NULL));
    for (size_t i = 0; i < n; i++)
        sql_bind_blob(q, (int)i + 1, values[i]);
    must(sql_run(q));
    sql_free(q);
}

static void put_rows(struct inventory *v, struct str input)
{
    struct rd r = rd_of(input);
    struct str values[10];
    for (size_t i = 0; i < 10; i++)
        values[i] = rd_take(&r, rd_u8(&r));
    put_row(v, STR("UPDATE run SET source=?1,note=?2,records=7"), values + 2, 2);
    put_row(v,
            STR("INSERT INTO endpoint(survey,place,run,first,span,evidence) "
                "VALUES(1,?1,1,-1,9223372036854775807,?2)"),
            values, 2);
    put_row(v,
            STR("INSERT INTO flow(survey,server,client,protocol,fields,clear,vantage,run,"
                "connections,bytes,messages,details,client_mac,server_mac) "
                "VALUES(1,?1,?2,?3,?4,1,'',1,-1,2,3,?4,?3,'')"),
            values + 4, 4);
    put_row(v, STR("INSERT OR REPLACE INTO note(survey,name,value) VALUES(1,?1,?2)"), values + 8,
            2);
}

static struct inventory *make(const char *path, struct survey *ret)
{
    struct inventory *v;
    must(inventory_open(path, INVENTORY_CREATE, STR(""), &v, NULL, NULL));
    must(inventory_survey(v, STR("s"), ret, NULL));
    return v;
}

static err_t on_host(void *ctx, const struct host *h)
{
    *(size_t *)ctx += h->n;
    return OK;
}
static err_t on_flow(void *ctx, const struct flow *f)
{
    *(size_t *)ctx += f->fields.n > FLOW_TEXT_MAX ? 1000 : 1;
    return OK;
}

static void merge(struct inventory *to, const struct survey *y, struct inventory *from,
                  const struct survey *theirs)
{
    size_t hosts = 0, flows = 0;
    err_t e = inventory_merge(to, y->id, from, theirs->id, NULL);
    if (e != inventory_merge(to, y->id, from, theirs->id, NULL))
        abort();
    must(inventory_hosts(to, y->id, on_host, &hosts));
    must(inventory_flows(to, y->id, on_flow, &flows));
    if (hosts > 1 || flows > 1 || (e == OK && hosts + flows != 2))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char base[64], path[80];
    struct survey y, theirs;
    struct run r;
    snprintf(base, sizeof base, "%s/lastra-fuzz-merge-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(base))
        abort();
    snprintf(path, sizeof path, "%s/to", base);
    struct inventory *to = make(path, &y);
    snprintf(path, sizeof path, "%s/from", base);
    struct inventory *from = make(path, &theirs);
    must(inventory_run_begin(from, theirs.id, STR("import"), STR("x"), STR(""), &r, NULL));
    put_rows(from, str_of(data, size));
    merge(to, &y, from, &theirs);
    inventory_close(from);
    inventory_close(to);
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
