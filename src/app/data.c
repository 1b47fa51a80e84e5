#include "app/data.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/ask.h"
#include "archive/rebuild.h"
#include "io/file.h"

err_t data_passphrase(char buf[DATA_PASSPHRASE_MAX], struct diag *d)
{
    memset(buf, 0, DATA_PASSPHRASE_MAX);
    const char *path = getenv("LASTRA_PASSPHRASE_FILE");
    if (!path)
        return OK;
    struct wr w = wr_fixed(buf, DATA_PASSPHRASE_MAX - 1);
    TRY(file_load(AT_FDCWD, path, DATA_PASSPHRASE_MAX - 1, &w, d));
    while (w.n && (buf[w.n - 1] == '\n' || buf[w.n - 1] == '\r'))
        buf[--w.n] = 0;
    return OK;
}

/* The keys: with what the environment gives, and where that is refused and somebody sits there,
 * with what they type. */
static err_t unlock(struct data *data, struct diag *d)
{
    if (!data->passphrase[0])
        TRY(data_passphrase(data->passphrase, d));
    err_t e = keys_load(data->keys_dir, str_z(data->passphrase), &data->keys, d);
    if (e != E_DENIED || data->passphrase[0] || !isatty(STDIN_FILENO))
        return e;
    TRY(ask_secret("Passphrase of the master key", data->passphrase, DATA_PASSPHRASE_MAX, d));
    return keys_load(data->keys_dir, str_z(data->passphrase), &data->keys, d);
}

static err_t parse_networks(struct data *data, struct diag *d)
{
    struct str rest = str_z(data->options.networks_public), word;
    while (str_split(&rest, ',', &word)) {
        word = str_trim(word);
        if (!word.n)
            continue;
        if (data->n_public == DATA_NETWORKS_MAX)
            return diag_set(d, E_LIMIT, "networks-public: at most %d networks", DATA_NETWORKS_MAX);
        if (network_parse(word, &data->public[data->n_public]) != OK)
            return diag_set(d, E_USAGE, "networks-public: \"%.*s\" is not a network",
                            STR_ARG(word));
        data->n_public++;
    }
    return OK;
}

static err_t open_registry(struct data *data, struct diag *d)
{
    struct sql *sql;
    TRY(archive_index_open(data->path, str_z(data->passphrase), false, &sql, d));
    const struct options *o = &data->options;
    struct access_options ao = {
        .sql = sql, .public_networks = data->public, .n_public_networks = data->n_public};
    TRY(access_open(&ao, &data->access, d));
    TRY(dir_make(data->dir, "audit", &data->audit_dir, d));
    TRY(collector_start(o, data->path, &data->collector, d));
    struct audit_options au = {.dir = data->audit_dir,
                               .key = &data->keys.chain,
                               .source_id = str_z(o->ae_title),
                               .remote = data->collector.sender};
    return audit_open(&au, &data->audit, d);
}

struct archive_options data_archive_options(const struct data *data, enum archive_mode mode)
{
    const struct options *o = &data->options;
    return (struct archive_options){
        .path = data->path,
        .passphrase = str_z(data->passphrase),
        .mode = mode,
        .cache = o->index_cache,
        .pack_size = o->pack_size,
        .reserve = o->reserve,
        .limits = {.depth = (unsigned)o->nesting, .elements = o->elements, .value = o->value_size},
        .head_max = o->header_size,
        .object_max = o->object_size,
    };
}

static err_t open_archive(struct data *data, enum data_mode mode, struct diag *d)
{
    struct archive_options o =
        data_archive_options(data, mode == DATA_WORK ? ARCHIVE_WORK : ARCHIVE_LOOK);
    return archive_open(&o, &data->archive, &data->recovery, d);
}

static err_t open_all(struct data *data, enum data_mode mode, const struct str *settings, size_t n,
                      struct diag *d)
{
    TRY(dir_open(AT_FDCWD, data->path, &data->dir, d));
    TRY(options_load(&data->options, data->dir, d));
    for (size_t i = 0; i < n; i++)
        TRY(options_set(&data->options, settings[i], d));
    if (mode == DATA_OPTIONS)
        return OK;
    TRY(parse_networks(data, d));
    TRY(dir_open(data->dir, "keys", &data->keys_dir, d));
    TRY(unlock(data, d));
    if (mode == DATA_KEYS)
        return OK;
    TRY(archive_check_rebuilt(data->dir, d));
    if (mode != DATA_REGISTRY)
        TRY(open_archive(data, mode, d));
    return open_registry(data, d);
}

err_t data_open(struct data *data, struct str path, enum data_mode mode, struct diag *d)
{
    return data_open_with(data, path, mode, NULL, 0, d);
}

err_t data_open_with(struct data *data, struct str path, enum data_mode mode,
                     const struct str *settings, size_t n, struct diag *d)
{
    *data = (struct data){.path = path.p, .dir = -1, .keys_dir = -1, .audit_dir = -1, .open = true};
    err_t e = open_all(data, mode, settings, n, d);
    if (e != OK)
        data_close(data);
    return e;
}

err_t data_open_unlocked(struct data *data, struct str path, const char *passphrase, struct diag *d)
{
    *data = (struct data){.path = path.p, .dir = -1, .keys_dir = -1, .audit_dir = -1, .open = true};
    if (!str_to_z(str_z(passphrase), data->passphrase, sizeof data->passphrase))
        return diag_set(d, E_LIMIT, "the passphrase is too long");
    err_t e = open_all(data, DATA_REGISTRY, NULL, 0, d);
    if (e != OK)
        data_close(data);
    return e;
}

void data_close(struct data *data)
{
    if (!data->open)
        return;
    audit_close(data->audit);
    collector_stop(&data->collector);
    access_close(data->access);
    archive_close(data->archive);
    file_close(&data->audit_dir);
    file_close(&data->keys_dir);
    file_close(&data->dir);
    keys_wipe(&data->keys);
    explicit_bzero(data->passphrase, sizeof data->passphrase);
    data->open = false;
}

struct str data_person(char *buf, size_t cap)
{
    struct passwd entry, *found = NULL;
    char strings[1024];
    int n = -1;
    if (getpwuid_r(getuid(), &entry, strings, sizeof strings, &found) == 0 && found)
        n = snprintf(buf, cap, "%s", found->pw_name);
    else
        n = snprintf(buf, cap, "uid %u", (unsigned)getuid());
    return str_of(buf, n > 0 ? strlen(buf) : 0);
}
