/* The data folder that a command works on, opened as far as it needs: options, then the registry
 * and the audit trail, then the archive itself.
 *
 *     struct data data;
 *     err_t e = data_open(&data, a->args[0], DATA_REGISTRY, d);
 *     ... data.options, data.access, data.audit, data.archive ...
 *     data_close(&data);
 *
 * A passphrase that the master key asks for is read from the file that LASTRA_PASSPHRASE_FILE
 * names, else asked for at the terminal. */
#ifndef LASTRA_APP_DATA_H
#define LASTRA_APP_DATA_H

#include "access/audit.h"
#include "access/user.h"
#include "app/collector.h"
#include "app/options.h"
#include "archive/archive.h"

enum data_mode {
    DATA_OPTIONS,  /* lastra.conf only */
    DATA_KEYS,     /* and the keys, nothing opened that writes */
    DATA_REGISTRY, /* peers, users and the audit trail; also beside a running server */
    DATA_LOOK,     /* and the archive for looking, beside a running server */
    DATA_WORK,     /* and the archive for work: the only process */
};

enum { DATA_PASSPHRASE_MAX = 1024, DATA_NETWORKS_MAX = 16 };

struct data {
    bool open;
    const char *path;
    int dir; /* DATA; -1 when not open */
    int keys_dir, audit_dir;
    struct options options;
    struct access *access;
    struct audit *audit;
    struct collector collector; /* where audit messages go besides */
    struct archive *archive;    /* DATA_LOOK, DATA_WORK */
    struct archive_recovery recovery;
    struct keys keys;
    struct network public[DATA_NETWORKS_MAX]; /* option networks-public */
    size_t n_public;
    char passphrase[DATA_PASSPHRASE_MAX];
};

/* path is NUL-terminated. After a failure nothing is open. */
err_t data_open(struct data *data, struct str path, enum data_mode mode, struct diag *d) MUST_CHECK;

/* The same with options set over what lastra.conf says ("name=value"). E_USAGE. */
err_t data_open_with(struct data *data, struct str path, enum data_mode mode,
                     const struct str *settings, size_t n, struct diag *d) MUST_CHECK;

/* DATA_REGISTRY with a passphrase that is known already: for whoever has just made the keys. */
err_t data_open_unlocked(struct data *data, struct str path, const char *passphrase,
                         struct diag *d) MUST_CHECK;

/* Also when data_open failed, or never ran on a zeroed struct. */
void data_close(struct data *data);

/* What the options say of the archive, for who opens it in another way (rebuild). Views into data.
 */
struct archive_options data_archive_options(const struct data *data, enum archive_mode mode);

/* The passphrase of a new archive, from LASTRA_PASSPHRASE_FILE; empty where there is none. */
err_t data_passphrase(char buf[DATA_PASSPHRASE_MAX], struct diag *d) MUST_CHECK;

/* The person at the command line, for audit events: the account's name, "uid 1000" without one. */
struct str data_person(char *buf, size_t cap);

#endif
