/* lastra init: a new archive, closed to everybody. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/authority.h"
#include "access/password.h"
#include "app/ask.h"
#include "app/cmd.h"
#include "app/data.h"
#include "app/server_names.h"
#include "io/file.h"

enum { OPT_NAME, OPT_ADMIN, OPT_AE_TITLE, OPT_PASSPHRASE };

static const struct cmd_option options[] = {
    [OPT_NAME] = {.name = "name",
                  .arg = "NAME",
                  .type = CMD_LIST,
                  .help = "a further host name or address for the server's certificate"},
    [OPT_ADMIN] = {.name = "admin", .arg = "NAME", .help = "the administrator's name (admin)"},
    [OPT_AE_TITLE] = {.name = "ae-title", .arg = "AET", .help = "the archive's own (LASTRA)"},
    [OPT_PASSPHRASE] = {.name = "passphrase",
                        .help = "ask for one that the master key is kept under"},
};

static err_t refuse_entry(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "lost+found") == 0 ? OK : E_EXISTS;
}

/* Makes the folder, or takes an empty one, for us alone. */
static err_t prepare_folder(const char *path, struct diag *d)
{
    int dir = -1;
    TRY(dir_make(AT_FDCWD, path, &dir, d));
    err_t e = dir_each(dir, refuse_entry, NULL, d);
    if (e == E_EXISTS)
        e = diag_set(d, e, "%s is not empty; an archive begins in a folder of its own", path);
    if (e == OK && fchmod(dir, 0700) != 0)
        e = diag_set(d, E_DENIED, "%s belongs to somebody else", path);
    file_close(&dir);
    return e;
}

static err_t get_passphrase(const struct cmd_args *a, char buf[DATA_PASSPHRASE_MAX], struct diag *d)
{
    char again[DATA_PASSPHRASE_MAX];
    TRY(data_passphrase(buf, d));
    if (buf[0] || !cmd_flag(a, OPT_PASSPHRASE))
        return OK;
    TRY(ask_secret("Passphrase for the master key", buf, DATA_PASSPHRASE_MAX, d));
    TRY(password_check(str_z(buf), d));
    if (!isatty(STDIN_FILENO))
        return OK;
    err_t e = ask_secret("Again", again, sizeof again, d);
    if (e == OK && strcmp(buf, again) != 0)
        e = diag_set(d, E_USAGE, "the two were not the same; nothing was made");
    explicit_bzero(again, sizeof again);
    return e;
}

static err_t write_config(int dir, const struct cmd_args *a, struct diag *d)
{
    struct options o;
    char assignment[64];
    options_init(&o);
    if (cmd_flag(a, OPT_AE_TITLE)) {
        struct str aet = cmd_text(a, OPT_AE_TITLE);
        if (!aet_is_valid(aet))
            return diag_set(d, E_USAGE, "%s cannot be an AE title", aet.p);
        snprintf(assignment, sizeof assignment, "ae-title=%s", aet.p);
        TRY(options_set(&o, str_z(assignment), d));
    }
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(OPTIONS_FILE_MAX);
    options_write(&o, &w);
    TRY(wr_flush(&w));
    return file_save(dir, "lastra.conf", 0600, wr_str(&w), d);
}

/* What stands beside the archive's own files. */
static err_t make_rest(const struct cmd_args *a, struct diag *d)
{
    int dir = -1, keys = -1;
    struct server_names names;
    TRY(dir_open(AT_FDCWD, a->args[0].p, &dir, d));
    err_t e = write_config(dir, a, d);
    if (e == OK)
        e = dir_open(dir, "keys", &keys, d);
    if (e == OK)
        e = server_names(a, OPT_NAME, &names, d);
    if (e == OK)
        e = authority_create(keys, str_z(names.host), str_z(names.more), d);
    if (e == OK)
        e = dir_sync(dir, d);
    file_close(&keys);
    file_close(&dir);
    return e;
}

static err_t make_administrator(struct data *data, struct str name,
                                char password[PASSWORD_RANDOM + 1], struct diag *d)
{
    char person[64];
    struct str who = data_person(person, sizeof person);
    TRY(password_random(password));
    TRY(user_add(data->access, name, ROLE_ADMINISTRATOR, str_z(password), d));
    err_t e = audit_admin(data->audit, AUDIT_SECURITY_CONFIGURED, who, AUDIT_NODE,
                          str_z(data->options.ae_title), STR("archive made, with its keys"));
    if (e == OK)
        e = audit_admin(data->audit, AUDIT_USER_CHANGED, who, AUDIT_USER, name,
                        STR("user added as administrator"));
    return e == OK ? OK : diag_set(d, e, "the audit trail cannot be written");
}

static err_t make_all(const struct cmd_args *a, const char *passphrase, struct str admin,
                      char password[PASSWORD_RANDOM + 1], struct diag *d)
{
    struct data data;
    TRY(archive_create(a->args[0].p, str_z(passphrase), d));
    TRY(make_rest(a, d));
    TRY(data_open_unlocked(&data, a->args[0], passphrase, d));
    err_t e = make_administrator(&data, admin, password, d);
    data_close(&data);
    return e;
}

/* What cannot be removed is left: there is an error to tell already. */
static err_t remove_file(void *ctx, const char *name)
{
    struct diag unused;
    if (file_remove(*(int *)ctx, name, &unused) != OK)
        return OK;
    return OK;
}

/* Takes back what a failed init made: the folder was empty before. */
static void undo(const char *path)
{
    static const char *const folders[] = {"keys", "packs", "audit", "."};
    struct diag unused;
    int top = -1;
    if (dir_open(AT_FDCWD, path, &top, &unused) != OK)
        return;
    for (size_t i = 0; i < COUNT(folders); i++) {
        int dir = -1;
        if (dir_open(top, folders[i], &dir, &unused) != OK)
            continue;
        if (dir_each(dir, remove_file, &dir, &unused) != OK)
            fprintf(stderr, "note: %s/%s is not empty\n", path, folders[i]);
        file_close(&dir);
        unlinkat(top, folders[i], AT_REMOVEDIR);
    }
    file_close(&top);
}

static void tell(const char *path, struct str admin, const char *password)
{
    printf("%s is ready, and closed to everybody.\n\n"
           "administrator: %.*s\n"
           "password:      %s   (shown only now)\n\n"
           "Next:\n"
           "  lastra peer add %s CT1 10.1.2.0/24 --grant echo,store   # let a device in\n"
           "  lastra peer cert %s CT1                                 # and give it a certificate\n"
           "  lastra serve %s\n\n"
           "Keep a copy of %s/keys in a safe place: without it nothing can ever be read.\n",
           path, STR_ARG(admin), password, path, path, path, path);
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    char passphrase[DATA_PASSPHRASE_MAX], password[PASSWORD_RANDOM + 1];
    const char *path = a->args[0].p;
    struct str admin = cmd_flag(a, OPT_ADMIN) ? cmd_text(a, OPT_ADMIN) : STR("admin");
    umask(077);
    if (!user_name_is_valid(admin))
        return diag_set(d, E_USAGE, "%s cannot be a user's name", admin.p);
    TRY(get_passphrase(a, passphrase, d));
    TRY(prepare_folder(path, d));
    err_t e = make_all(a, passphrase, admin, password, d);
    if (e == OK)
        tell(path, admin, password);
    else
        undo(path);
    explicit_bzero(passphrase, sizeof passphrase);
    explicit_bzero(password, sizeof password);
    return e;
}

const struct cmd cmd_init = {
    .name = "init",
    .summary = "make a new archive, closed to everybody",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Makes the folder DATA with master key, certificate authority, server certificate, empty "
        "index and audit trail, and\none administrator with a random password that is shown "
        "once. Nobody else is let in until `lastra peer add`.\n\nThe master key is protected by "
        "file permissions; with --passphrase (or LASTRA_PASSPHRASE_FILE) it is also kept\nunder "
        "a passphrase, which every start then needs.",
    .examples = "lastra init /var/lib/lastra --name pacs.hospital.example --name 10.1.0.20\n",
    .run = run,
};
