/* lastra user: the people who may use the archive. */
#include <stdio.h>
#include <unistd.h>

#include "access/password.h"
#include "access/stamp.h"
#include "app/ask.h"
#include "app/cmd.h"
#include "app/data.h"
#include "base/json.h"
#include "io/clock.h"

enum { OPT_RANDOM, OPTS_OF_PASSWD, OPT_ROLE = OPTS_OF_PASSWD, OPTS_OF_ADD };
static const struct cmd_option options[] = {
    [OPT_RANDOM] = {.name = "random", .help = "make the password, and show it once"},
    [OPT_ROLE] = {.name = "role",
                  .letter = 'r',
                  .arg = "ROLE",
                  .help = "reader, technologist, administrator or auditor (reader)"},
};

static err_t note(struct data *data, enum audit_kind kind, struct str name, const char *what,
                  struct diag *d)
{
    char person[64];
    err_t e = audit_admin(data->audit, kind, data_person(person, sizeof person), AUDIT_USER, name,
                          str_z(what));
    if (e != OK)
        return diag_set(d, e, "the change was made, but the audit trail could not be written: %s",
                        err_text(e));
    return OK;
}

static err_t ask_twice(char buf[PASSWORD_MAX + 2], struct diag *d)
{
    char again[PASSWORD_MAX + 2];
    TRY(ask_secret("New password", buf, PASSWORD_MAX + 2, d));
    TRY(password_check(str_z(buf), d));
    if (!isatty(STDIN_FILENO))
        return OK;
    err_t e = ask_secret("Again", again, sizeof again, d);
    if (e == OK && strcmp(buf, again) != 0)
        e = diag_set(d, E_USAGE, "the two were not the same; nothing was changed");
    explicit_bzero(again, sizeof again);
    return e;
}

/* From the terminal, the first line of stdin, or made up. */
static err_t get_password(const struct cmd_args *a, char buf[PASSWORD_MAX + 2], struct diag *d)
{
    return cmd_flag(a, OPT_RANDOM) ? password_random(buf) : ask_twice(buf, d);
}

static void show_random(const struct cmd_args *a, const char *password)
{
    if (cmd_flag(a, OPT_RANDOM))
        printf("password: %s   (shown only now)\n", password);
}

static err_t role_of(const struct cmd_args *a, enum role *ret, struct diag *d)
{
    *ret = ROLE_READER;
    if (cmd_flag(a, OPT_ROLE) && !role_parse(cmd_text(a, OPT_ROLE), ret))
        return diag_set(d, E_USAGE,
                        "%s is no role; there are reader, technologist, administrator, auditor",
                        cmd_text(a, OPT_ROLE).p);
    return OK;
}

static err_t add(struct data *data, const struct cmd_args *a, struct diag *d)
{
    char password[PASSWORD_MAX + 2] = "", what[64];
    enum role role;
    TRY(role_of(a, &role, d));
    err_t e = get_password(a, password, d);
    if (e == OK)
        e = user_add(data->access, a->args[1], role, str_z(password), d);
    snprintf(what, sizeof what, "user added as %.*s", STR_ARG(role_word(role)));
    if (e == OK)
        e = note(data, AUDIT_USER_CHANGED, a->args[1], what, d);
    if (e == OK) {
        printf("%s: added as %.*s\n", a->args[1].p, STR_ARG(role_word(role)));
        show_random(a, password);
    }
    explicit_bzero(password, sizeof password);
    return e;
}

static err_t passwd(struct data *data, const struct cmd_args *a, struct diag *d)
{
    char password[PASSWORD_MAX + 2] = "";
    struct user u;
    TRY(user_find(data->access, a->args[1], &u, d));
    err_t e = get_password(a, password, d);
    if (e == OK)
        e = user_set_password(data->access, a->args[1], str_z(password), d);
    if (e == OK)
        e = note(data, AUDIT_USER_CHANGED, a->args[1], "password changed", d);
    if (e == OK) {
        printf("%s: new password set\n", a->args[1].p);
        show_random(a, password);
    }
    explicit_bzero(password, sizeof password);
    return e;
}

static err_t set_locked(struct data *data, const struct cmd_args *a, bool locked, struct diag *d)
{
    TRY(user_set_locked(data->access, a->args[1], locked, d));
    TRY(note(data, AUDIT_USER_CHANGED, a->args[1], locked ? "user locked" : "user unlocked", d));
    printf("%s: %s\n", a->args[1].p, locked ? "locked" : "unlocked");
    return OK;
}

static err_t lock(struct data *data, const struct cmd_args *a, struct diag *d)
{
    return set_locked(data, a, true, d);
}

static err_t unlock(struct data *data, const struct cmd_args *a, struct diag *d)
{
    return set_locked(data, a, false, d);
}

static err_t remove_user(struct data *data, const struct cmd_args *a, struct diag *d)
{
    TRY(user_remove(data->access, a->args[1], d));
    TRY(note(data, AUDIT_USER_CHANGED, a->args[1], "user removed", d));
    printf("%s: removed\n", a->args[1].p);
    return OK;
}

enum { OPT_JSON };
static const struct cmd_option list_options[] = {
    [OPT_JSON] = {.name = "json", .help = "write JSON"},
};

struct listing {
    struct wr w;
    struct json j;
    bool json;
};

static const char *state_of(const struct user *u)
{
    if (u->locked)
        return "locked";
    return u->closed_until_us > clock_wall_us() ? "closed after wrong passwords" : "";
}

static void list_json(struct json *j, const struct user *u)
{
    json_open_object(j);
    json_member(j, STR("name"), str_z(u->name));
    json_member(j, STR("role"), role_word(u->role));
    json_member_bool(j, STR("locked"), u->locked);
    json_member_u64(j, STR("failures"), u->failures);
    json_end(j);
}

static err_t list_one(void *ctx, const struct user *u)
{
    struct listing *l = ctx;
    if (l->json) {
        list_json(&l->j, u);
        return OK;
    }
    wr_printf(&l->w, "%-20s %-14.*s password of ", u->name, STR_ARG(role_word(u->role)));
    stamp_write_day(u->changed_us / 1000000, &l->w);
    wr_printf(&l->w, "  %s\n", state_of(u));
    return OK;
}

static err_t list(struct data *data, const struct cmd_args *a, struct diag *d)
{
    struct listing l = {.w = wr_heap(64 << 20), .json = cmd_flag(a, OPT_JSON)};
    l.j = json_of(&l.w);
    if (l.json)
        json_open_array(&l.j);
    err_t e = user_each(data->access, list_one, &l, d);
    if (l.json) {
        json_end(&l.j);
        wr_u8(&l.w, '\n');
    }
    if (e == OK)
        e = wr_flush(&l.w);
    if (e == OK)
        fwrite(l.w.p, 1, l.w.n, stdout);
    wr_done(&l.w);
    return e;
}

static err_t with_data(const struct cmd_args *a,
                       err_t (*run)(struct data *data, const struct cmd_args *a, struct diag *d),
                       struct diag *d)
{
    struct data data;
    TRY(data_open(&data, a->args[0], DATA_REGISTRY, d));
    err_t e = run(&data, a, d);
    data_close(&data);
    return e;
}

#define RUN(verb)                                                                                  \
    static err_t run_##verb(const struct cmd_args *a, struct diag *d)                              \
    {                                                                                              \
        return with_data(a, verb, d);                                                              \
    }
RUN(add)
RUN(list)
RUN(passwd)
RUN(lock)
RUN(unlock)
RUN(remove_user)

#define ON_ONE .args = "DATA NAME", .min_args = 2, .max_args = 2

static const struct cmd verbs[] = {
    {.name = "add",
     .summary = "add a person",
     ON_ONE,
     .options = options,
     .n_options = OPTS_OF_ADD,
     .about =
         "The password is asked for at the terminal, or is the first line of standard input: at "
         "least 12 characters.",
     .examples = "lastra user add /var/lib/lastra anna --role technologist\n",
     .run = run_add},
    {.name = "list",
     .summary = "all people, a line each",
     .args = "DATA",
     .min_args = 1,
     .max_args = 1,
     .options = list_options,
     .n_options = COUNT(list_options),
     .run = run_list},
    {.name = "passwd",
     .summary = "set a person's password",
     ON_ONE,
     .options = options,
     .n_options = OPTS_OF_PASSWD,
     .about = "Also opens an account that wrong passwords have closed.",
     .run = run_passwd},
    {.name = "lock", .summary = "let a person in no longer", ON_ONE, .run = run_lock},
    {.name = "unlock", .summary = "let a person in again", ON_ONE, .run = run_unlock},
    {.name = "remove", .summary = "remove a person", ON_ONE, .run = run_remove_user},
};

const struct cmd cmd_user = {
    .name = "user",
    .summary = "the people who may use the archive",
    .verbs = verbs,
    .n_verbs = COUNT(verbs),
};
