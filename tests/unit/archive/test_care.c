/* Import notes, removal, conflicts, verification, backup and rebuild, below the command line. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/backup.h"
#include "archive/export.h"
#include "archive/import_media.h"
#include "archive/import_note.h"
#include "archive/rebuild.h"
#include "archive/remove.h"
#include "archive/verify.h"
#include "fixture.h"
#include "io/file.h"

/* clang-format off */
#define END {0, NULL, NULL, 0}
/* clang-format on */

static const struct slice one = {
    .study = "1.1", .series = "1.1.1", .sop = "1.1.1.1", .pixels = 900};
static const struct slice two = {
    .study = "1.1", .series = "1.1.1", .sop = "1.1.1.2", .pixels = 900};
static const struct slice other = {
    .study = "2.1", .series = "2.1.1", .sop = "2.1.1.1", .pixels = 900};

static void fill(struct fixture *f)
{
    assert_int_equal(store_slice(f->a, &one), INGEST_STORED);
    assert_int_equal(store_slice(f->a, &two), INGEST_STORED);
    assert_int_equal(store_slice(f->a, &other), INGEST_STORED);
}

static uint64_t instances(struct archive *a)
{
    struct archive_state s;
    assert_ok(archive_barrier(a));
    assert_ok(archive_get_state(a, &s));
    return s.instances;
}

static void say_nothing(void *ctx, const char *text)
{
    (void)text;
    ++*(unsigned *)ctx;
}

static struct verify_counts verify(struct archive *a)
{
    unsigned said = 0;
    struct verify_counts c;
    struct verify_options o = {.say = say_nothing, .ctx = &said};
    assert_ok(archive_barrier(a));
    assert_ok(archive_verify(a, &o, &c, NULL));
    assert_int_equal(said != 0, verify_faults(&c) != 0);
    return c;
}

static void a_note_remembers_what_was_taken_until_the_import_is_finished(void **state)
{
    struct fixture *f = *state;
    struct import_note *n;
    struct diag d = {0};
    uint64_t a, b;
    assert_ok(import_note_key(STR("a.dcm"), 10, 5, &a));
    assert_ok(import_note_key(STR("a.dcm"), 11, 5, &b));
    assert_int_not_equal(a, b);
    assert_ok(import_note_open(archive_dir(f->a), STR("/cd"), false, &n, &d));
    for (uint64_t key = 1; key <= 3000; key++)
        assert_ok(import_note_add(n, key * 0x9e3779b97f4a7c15u));
    assert_ok(import_note_add(n, a));
    import_note_close(n, false);
    assert_ok(import_note_open(archive_dir(f->a), STR("/cd"), false, &n, &d));
    assert_true(import_note_has(n, a));
    assert_false(import_note_has(n, b));
    for (uint64_t key = 1; key <= 3000; key++)
        assert_true(import_note_has(n, key * 0x9e3779b97f4a7c15u));
    import_note_close(n, true);
    assert_ok(import_note_open(archive_dir(f->a), STR("/cd"), false, &n, &d));
    assert_false(import_note_has(n, a));
    import_note_close(n, true);
}

static void removing_takes_rows_space_and_conflicts(void **state)
{
    struct fixture *f = *state;
    struct remove_counts c;
    struct slice changed = one;
    changed.pixels = 700;
    fill(f);
    assert_int_equal(store_slice(f->a, &changed), INGEST_CONFLICT);
    assert_err(archive_remove(f->a, QUERY_STUDY, STR("9.9"), &c, NULL), E_NOTFOUND);
    assert_err(archive_remove(f->a, QUERY_PATIENT, STR("1.1"), &c, NULL), E_USAGE);
    assert_ok(archive_remove(f->a, QUERY_IMAGE, STR("1.1.1.2"), &c, NULL));
    assert_int_equal(c.objects, 1);
    assert_ok(archive_remove(f->a, QUERY_STUDY, STR("1.1"), &c, NULL));
    assert_int_equal(c.objects, 2); /* the first and the one kept aside */
    assert_int_equal(instances(f->a), 1);
    struct verify_counts v = verify(f->a);
    assert_int_equal(verify_faults(&v), 0);
    assert_int_equal(v.whole, 1);
    fixture_reopen(f);
    assert_int_equal(instances(f->a), 1);
}

/* Removes in a child that is killed at some moment; whatever the moment, nothing is half there. */
static void a_removal_that_is_killed_is_finished_or_never_was(void **state)
{
    struct fixture *f = *state;
    fill(f);
    for (unsigned us = 0; us < 4000; us += 400) {
        struct archive_options o = *archive_get_options(f->a);
        archive_close(f->a);
        f->a = NULL;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct archive *a;
            o.path = f->path;
            o.mode = ARCHIVE_WORK;
            if (archive_open(&o, &a, NULL, NULL) == OK)
                (void)!archive_remove(a, QUERY_STUDY, STR("1.1"), NULL, NULL);
            _exit(0);
        }
        usleep(2000 + us);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        fixture_reopen(f);
        uint64_t n = instances(f->a);
        assert_true(n == 3 || n == 1);
        struct verify_counts v = verify(f->a);
        assert_int_equal(verify_faults(&v), 0);
        if (n == 1) { /* and once more */
            assert_int_equal(store_slice(f->a, &one), INGEST_STORED);
            assert_int_equal(store_slice(f->a, &two), INGEST_STORED);
        }
    }
}

static void flip_middle(const char *path, const char *prefix)
{
    char name[512];
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        struct diag why;
        int fd;
        uint8_t byte;
        assert_ok(file_open(AT_FDCWD, name, FILE_WRITE, &fd, &why));
        assert_ok(file_read_at(fd, 5000, &byte, 1, &why));
        byte ^= 0x10;
        assert_ok(file_write_at(fd, 5000, &byte, 1, &why));
        file_close(&fd);
    }
    closedir(d);
}

static void verify_counts_a_flipped_bit_once_and_the_rest_as_whole(void **state)
{
    struct fixture *f = *state;
    char packs[128];
    fill(f);
    assert_int_equal(verify(f->a).whole, 3);
    snprintf(packs, sizeof packs, "%s/packs", f->path);
    flip_middle(packs, "0000");
    struct verify_counts v = verify(f->a);
    assert_int_equal(v.damaged, 1);
    assert_int_equal(v.whole, 2);
}

static err_t find_conflict(void *ctx, const struct conflict *c)
{
    *(int64_t *)ctx = c->id;
    return OK;
}

static void a_settled_conflict_survives_a_rebuild(void **state)
{
    struct fixture *f = *state;
    struct slice changed = one;
    struct rebuild_result r;
    struct diag d = {0};
    int64_t id = 0;
    char rows[64];
    static const struct el whose[] = {
        {TAG_QueryRetrieveLevel, "CS", "IMAGE", 0}, {TAG_StudyInstanceUID, "UI", "1.1", 0},
        {TAG_SeriesInstanceUID, "UI", "1.1.1", 0},  {TAG_SOPInstanceUID, "UI", "1.1.1.1", 0},
        {TAG_InstanceNumber, "IS", "", 0},          END};
    changed.number = "77";
    fill(f);
    assert_int_equal(store_slice(f->a, &changed), INGEST_CONFLICT);
    assert_ok(conflicts_each(f->a, find_conflict, &id, &d));
    assert_err(conflict_settle(f->a, id + 1, CONFLICT_TAKE_OTHER, &d), E_NOTFOUND);
    assert_ok(conflict_settle(f->a, id, CONFLICT_TAKE_OTHER, &d));
    struct archive_options o = *archive_get_options(f->a);
    o.path = f->path;
    archive_close(f->a);
    f->a = NULL;
    assert_ok(archive_rebuild(&o, &r, &d));
    assert_int_equal(r.recovery.damaged, 0);
    fixture_reopen(f);
    assert_int_equal(instances(f->a), 3);
    assert_int_equal(ask(f->a, QUERY_STUDY_ROOT, false, whose, TAG_InstanceNumber, rows, 64), 1);
    assert_string_equal(rows, "77");
}

static void a_backup_comes_back_and_takes_removals_along(void **state)
{
    struct fixture *f = *state;
    char copy[128], back[128];
    struct backup_options o = {0};
    struct backup_counts c;
    struct diag d = {0};
    snprintf(copy, sizeof copy, "%s.copy", f->path);
    snprintf(back, sizeof back, "%s.back", f->path);
    assert_int_equal(store_slice(f->a, &one), INGEST_STORED);
    assert_err(archive_restore(f->path, back, &o, &c, &d), E_NOTFOUND);
    assert_ok(archive_backup(f->a, copy, &o, &c, &d));
    uint64_t first = c.bytes;
    assert_int_equal(store_slice(f->a, &two), INGEST_STORED);
    assert_int_equal(store_slice(f->a, &other), INGEST_STORED);
    assert_ok(archive_remove(f->a, QUERY_IMAGE, STR("1.1.1.1"), NULL, &d));
    assert_ok(archive_backup(f->a, copy, &o, &c, &d));
    assert_true(c.bytes < 3 * first);
    assert_int_equal(c.removed, 1);
    assert_ok(archive_restore(copy, back, &o, &c, &d));
    struct archive_options ao = *archive_get_options(f->a);
    struct archive *a;
    ao.path = back;
    ao.mode = ARCHIVE_WORK;
    assert_ok(archive_open(&ao, &a, NULL, &d));
    assert_int_equal(instances(a), 2);
    struct verify_counts v = verify(a);
    assert_int_equal(verify_faults(&v), 0);
    archive_close(a);
    remove_tree(copy);
    remove_tree(back);
}

static void not_written(void *ctx, struct str sop_instance, err_t why, const char *text)
{
    (void)sop_instance;
    (void)why;
    (void)text;
    ++*(unsigned *)ctx;
}

static void missing(void *ctx, const char *file)
{
    assert_non_null(strstr(file, "IM000001"));
    ++*(unsigned *)ctx;
}

static void an_export_has_a_dicomdir_that_tells_what_is_missing(void **state)
{
    struct fixture *f = *state;
    char folder[128], path[256];
    unsigned n = 0;
    struct diag d = {0};
    struct export_counts c;
    struct export_options o = {.say = not_written, .ctx = &n};
    fill(f);
    snprintf(folder, sizeof folder, "%s.out", f->path);
    assert_ok(export_to(f->a, folder, &o, &c, &d));
    assert_int_equal(c.objects, 3);
    assert_int_equal(c.studies, 2);
    assert_int_equal(n, 0);
    assert_err(export_to(f->a, folder, &o, &c, &d), E_EXISTS);
    snprintf(path, sizeof path, "%s/DICOMDIR", folder);
    assert_ok(import_media_check(path, missing, &n, &d));
    assert_int_equal(n, 0);
    snprintf(path, sizeof path, "%s/PT000001/ST000001/SE000001/IM000001", folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/DICOMDIR", folder);
    assert_ok(import_media_check(path, missing, &n, &d));
    assert_int_equal(n, 1);
    remove_tree(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_note_remembers_what_was_taken_until_the_import_is_finished),
        TEST(removing_takes_rows_space_and_conflicts),
        TEST(a_removal_that_is_killed_is_finished_or_never_was),
        TEST(verify_counts_a_flipped_bit_once_and_the_rest_as_whole),
        TEST(a_settled_conflict_survives_a_rebuild),
        TEST(a_backup_comes_back_and_takes_removals_along),
        TEST(an_export_has_a_dicomdir_that_tells_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
