/* scu/files: what is in a file, from its head. */
#include <stdio.h>

#include "dicom/part10.h"
#include "io/file.h"
#include "scp.h"
#include "scu/files.h"

static struct scu_files files;
static char path[64], name[128];
static int dir;
static struct diag d;

static int setup(void **state)
{
    (void)state;
    dir = make_folder(path);
    scu_files_init(&files);
    d.text[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scu_files_done(&files);
    remove_folder(path, dir);
    return 0;
}

static const char *in_folder(const char *file)
{
    snprintf(name, sizeof name, "%s/%s", path, file);
    return name;
}

static void save(const char *file, const struct wr *w)
{
    assert_false(w->bad);
    assert_ok(file_save(dir, file, 0600, wr_str(w), &d));
}

static void part_10_is_read(void **state)
{
    (void)state;
    make_file(dir, "a", "1.2.3.4", 5000);
    assert_ok(scu_files_add(&files, in_folder("a"), &d));
    const struct scu_file *f = &files.list[0];
    assert_str(f->sop_class, CT);
    assert_str(f->sop_instance, "1.2.3.4");
    assert_str(f->transfer_syntax, UID_ExplicitVRLittleEndian);
    assert_true(f->data_at > 132 && f->size > f->data_at + 5000);
    assert_int_equal(files.bytes, f->size - f->data_at);
    assert_string_equal(f->path, in_folder("a"));
}

static void bare_data_set_is_read(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 20);
    make_dataset(&w, "1.2.3.5", 100, DCM_IMPLICIT_LE);
    save("bare", &w);
    wr_done(&w);
    assert_ok(scu_files_add(&files, in_folder("bare"), &d));
    assert_str(files.list[0].sop_instance, "1.2.3.5");
    assert_str(files.list[0].transfer_syntax, UID_ImplicitVRLittleEndian);
    assert_int_equal(files.list[0].data_at, 0);
}

/* Receivers compare the command with the data set, not with the file's meta information. */
static void data_set_counts_more_than_meta(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 20);
    struct dcm_meta m = {.sop_class = STR(CT),
                         .sop_instance = STR("9.9.9"),
                         .transfer_syntax = STR(UID_ExplicitVRLittleEndian)};
    dcm_meta_write(&m, &w);
    make_dataset(&w, "1.2.3.6", 100, DCM_EXPLICIT_LE);
    save("other", &w);
    wr_done(&w);
    assert_ok(scu_files_add(&files, in_folder("other"), &d));
    assert_str(files.list[0].sop_instance, "1.2.3.6");
}

static void what_cannot_be_sent_is_told(void **state)
{
    (void)state;
    struct wr w = wr_heap(1 << 20);
    wr_put(&w, STR("This is a text file, and long enough to look at its first bytes."));
    save("text", &w);
    assert_err(scu_files_add(&files, in_folder("text"), &d), E_MALFORMED);
    wr_clear(&w);
    save("empty", &w);
    assert_err(scu_files_add(&files, in_folder("empty"), &d), E_MALFORMED);
    struct dcm_meta m = {.sop_class = STR(UID_MediaStorageDirectoryStorage),
                         .sop_instance = STR("1.2"),
                         .transfer_syntax = STR(UID_ExplicitVRLittleEndian)};
    dcm_meta_write(&m, &w);
    save("DICOMDIR", &w);
    assert_err(scu_files_add(&files, in_folder("DICOMDIR"), &d), E_UNSUPPORTED);
    wr_clear(&w);
    make_dataset(&w, "../../etc/passwd", 10, DCM_EXPLICIT_LE);
    save("evil", &w);
    assert_err(scu_files_add(&files, in_folder("evil"), &d), E_UNSUPPORTED);
    assert_non_null(strstr(d.text, "SOP Instance UID"));
    assert_err(scu_files_add(&files, in_folder("absent"), &d), E_NOTFOUND);
    assert_int_equal(files.n, 0);
    wr_done(&w);
}

static void texts_are_kept_once(void **state)
{
    (void)state;
    char instance[32];
    for (int i = 0; i < 300; i++) {
        snprintf(instance, sizeof instance, "1.2.3.%d", i);
        make_file(dir, "same", instance, 10);
        assert_ok(scu_files_add(&files, in_folder("same"), &d));
    }
    assert_int_equal(files.n, 300);
    assert_int_equal(files.n_classes, 1);
    assert_int_equal(files.n_syntaxes, 1);
    assert_str(files.list[299].sop_instance, "1.2.3.299");
    assert_ptr_equal(files.list[0].sop_class.p, files.list[299].sop_class.p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(part_10_is_read),
        TEST(bare_data_set_is_read),
        TEST(data_set_counts_more_than_meta),
        TEST(what_cannot_be_sent_is_told),
        TEST(texts_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
