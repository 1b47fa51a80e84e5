#include "scratch.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/size.h"
#include "io/crypto.h"
#include "io/unpack.h"

/* An archive made by the same library's other half, in memory. */
struct made {
    struct archive *a;
    char *p;
    size_t n, cap;
};

static struct made make(int format, int filter)
{
    struct made m = {.cap = 8 << 20};
    m.p = malloc(m.cap);
    m.a = archive_write_new();
    assert_non_null(m.p);
    assert_int_equal(archive_write_set_format(m.a, format), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter(m.a, filter), ARCHIVE_OK);
    return m;
}

static void begin(struct made *m)
{
    assert_int_equal(archive_write_open_memory(m->a, m->p, m->cap, &m->n), ARCHIVE_OK);
}

static void add_as(struct made *m, const char *name, struct str s, int type, const char *link)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, (unsigned)type);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)s.n);
    if (link)
        archive_entry_set_symlink(e, link);
    assert_int_equal(archive_write_header(m->a, e), ARCHIVE_OK);
    if (s.n)
        assert_int_equal(archive_write_data(m->a, s.p, s.n), (la_ssize_t)s.n);
    archive_entry_free(e);
}

static void add(struct made *m, const char *name, struct str s)
{
    add_as(m, name, s, AE_IFREG, NULL);
}

static struct str finish(struct made *m)
{
    assert_int_equal(archive_write_close(m->a), ARCHIVE_OK);
    archive_write_free(m->a);
    m->a = NULL;
    return str_of(m->p, m->n);
}

static struct unpack *opened(struct str s, const struct unpack_limits *l)
{
    struct unpack *u;
    struct diag d = {0};
    err_t e = unpack_memory(s, l, &u, &d);
    if (e != OK)
        fail_msg("%s", d.text);
    return u;
}

/* Reads everything; the first error. */
static err_t read_through(struct unpack *u, size_t *ret_files, uint64_t *ret_bytes)
{
    char buf[5000];
    struct unpack_entry entry;
    bool more;
    size_t n;
    *ret_files = 0;
    *ret_bytes = 0;
    for (;;) {
        TRY(unpack_next(u, &entry, &more));
        if (!more)
            return OK;
        ++*ret_files;
        do {
            TRY(unpack_read(u, buf, sizeof buf, &n));
            *ret_bytes += n;
        } while (n > 0);
    }
}

static const struct {
    int format, filter;
} kinds[] = {{ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE},
             {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE},
             {ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE},
             {ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_GZIP},
             {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_BZIP2},
             {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ},
             {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD}};

static void reads_every_kind_from_memory_and_from_a_file(void **state)
{
    struct scratch *s = *state;
    struct diag d;
    static char big[300000];
    assert_ok(crypto_random(big, sizeof big));
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct made m = make(kinds[i].format, kinds[i].filter);
        begin(&m);
        add(&m, "study/first.dcm", STR("one"));
        add_as(&m, "study", STR(""), AE_IFDIR, NULL);
        add_as(&m, "link", STR(""), AE_IFLNK, "/etc/passwd");
        add(&m, "empty", STR(""));
        add(&m, "../../etc/second", str_of(big, sizeof big));
        struct str whole = finish(&m);
        assert_true(unpack_looks_so(str_slice(whole, 0, UNPACK_HEAD)));
        int fd;
        assert_ok(file_save(s->fd, "archive", 0600, whole, &d));
        assert_ok(file_open(s->fd, "archive", FILE_READ, &fd, &d));
        for (int from_file = 0; from_file < 2; from_file++) {
            struct unpack *u;
            struct unpack_entry e;
            bool more;
            char *buf = malloc(sizeof big + 1);
            size_t n, sum = 0;
            assert_ok(from_file ? unpack_open(fd, &UNPACK_LIMITS_DEFAULT, &u, &d)
                                : unpack_memory(whole, &UNPACK_LIMITS_DEFAULT, &u, &d));
            assert_ok(unpack_next(u, &e, &more));
            assert_true(more);
            assert_str(e.label, "study/first.dcm");
            assert_ok(unpack_read(u, buf, 100, &n));
            assert_str(str_of(buf, n), "one");
            assert_ok(unpack_read(u, buf, 100, &n));
            assert_int_equal(n, 0);
            assert_ok(unpack_next(u, &e, &more));
            assert_str(e.label, "empty");
            assert_ok(unpack_next(u, &e, &more));
            assert_str(e.label, "../../etc/second"); /* a label, no path */
            assert_true(e.has_size);
            assert_int_equal(e.size, sizeof big);
            do {
                assert_ok(unpack_read(u, buf + sum, size_min(7777, sizeof big + 1 - sum), &n));
                sum += n;
            } while (n > 0);
            assert_int_equal(sum, sizeof big);
            assert_memory_equal(buf, big, sizeof big);
            assert_ok(unpack_next(u, &e, &more));
            assert_false(more);
            unpack_free(u);
            free(buf);
        }
        file_close(&fd);
        free(m.p);
    }
}

static void files_can_be_passed_over(void **state)
{
    (void)state;
    static char big[100000];
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct made m = make(kinds[i].format, kinds[i].filter);
        struct unpack_entry e;
        bool more;
        char buf[16];
        size_t n;
        begin(&m);
        add(&m, "a", str_of(big, sizeof big));
        add(&m, "b", STR("wanted"));
        struct unpack *u = opened(finish(&m), &UNPACK_LIMITS_DEFAULT);
        assert_ok(unpack_next(u, &e, &more));
        assert_ok(unpack_read(u, buf, 3, &n)); /* a little of it */
        assert_ok(unpack_next(u, &e, &more));
        assert_ok(unpack_read(u, buf, sizeof buf, &n));
        assert_str(str_of(buf, n), "wanted");
        unpack_free(u);
        free(m.p);
    }
    unpack_free(NULL);
}

static struct str zeros_in(struct made *m, int format, int filter, size_t n)
{
    static char block[1 << 20];
    *m = make(format, filter);
    if (filter == ARCHIVE_FILTER_XZ)
        assert_int_equal(archive_write_set_filter_option(m->a, "xz", "compression-level", "6"), 0);
    begin(m);
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, "bomb");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (la_int64_t)n);
    assert_int_equal(archive_write_header(m->a, e), ARCHIVE_OK);
    for (size_t done = 0; done < n; done += sizeof block)
        assert_int_equal(archive_write_data(m->a, block, size_min(sizeof block, n - done)),
                         (la_ssize_t)size_min(sizeof block, n - done));
    archive_entry_free(e);
    return finish(m);
}

static void a_bomb_is_over_the_limit_read_or_passed_over(void **state)
{
    (void)state;
    static const int filters[] = {ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_BZIP2};
    for (size_t i = 0; i < COUNT(filters); i++) {
        struct made m;
        struct unpack_entry e;
        bool more;
        size_t files;
        uint64_t bytes;
        struct str bomb = zeros_in(&m, ARCHIVE_FORMAT_TAR_USTAR, filters[i], 48 << 20);
        struct unpack *u = opened(bomb, &UNPACK_LIMITS_DEFAULT);
        assert_err(read_through(u, &files, &bytes), E_LIMIT);
        assert_true(bytes < 24 << 20);
        assert_non_null(strstr(unpack_diag(u)->text, "times its size"));
        unpack_free(u);
        u = opened(bomb, &UNPACK_LIMITS_DEFAULT);
        assert_ok(unpack_next(u, &e, &more));
        assert_err(unpack_next(u, &e, &more), E_LIMIT);
        unpack_free(u);
        free(m.p);
    }
}

static void what_deflate_can_do_is_no_bomb(void **state)
{
    (void)state;
    struct made m;
    size_t files;
    uint64_t bytes;
    struct unpack *u = opened(zeros_in(&m, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, 64 << 20),
                              &UNPACK_LIMITS_DEFAULT);
    assert_ok(read_through(u, &files, &bytes));
    assert_int_equal(bytes, 64 << 20);
    unpack_free(u);
    free(m.p);
}

static void counts_and_sizes_are_bounded(void **state)
{
    (void)state;
    struct unpack_limits few = UNPACK_LIMITS_DEFAULT, small = few, little = few;
    size_t files;
    uint64_t bytes;
    struct made m = make(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE);
    few.entries = 2;
    small.entry_bytes = 9;
    little.total_bytes = 25;
    begin(&m);
    for (int i = 0; i < 3; i++)
        add(&m, "file", STR("0123456789"));
    struct str whole = finish(&m);
    struct unpack *u = opened(whole, &few);
    assert_err(read_through(u, &files, &bytes), E_LIMIT);
    assert_int_equal(files, 2);
    unpack_free(u);
    u = opened(whole, &small);
    assert_err(read_through(u, &files, &bytes), E_LIMIT);
    assert_int_equal(bytes, 0);
    unpack_free(u);
    u = opened(whole, &little);
    assert_err(read_through(u, &files, &bytes), E_LIMIT);
    assert_int_equal(bytes, 20);
    unpack_free(u);
    free(m.p);
}

static void folders_count_too(void **state)
{
    (void)state;
    struct unpack_limits few = UNPACK_LIMITS_DEFAULT;
    size_t files;
    uint64_t bytes;
    struct made m = make(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP);
    few.entries = 100;
    begin(&m);
    for (int i = 0; i < 101; i++)
        add_as(&m, "folder/", STR(""), AE_IFDIR, NULL);
    struct unpack *u = opened(finish(&m), &few);
    assert_err(read_through(u, &files, &bytes), E_LIMIT);
    unpack_free(u);
    free(m.p);
}

static void archives_within_archives_are_not_opened(void **state)
{
    (void)state;
    struct made inner = make(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP);
    begin(&inner);
    add(&inner, "a", STR("1"));
    struct str once = finish(&inner);
    struct made outer = make(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE);
    struct unpack_entry e;
    bool more;
    begin(&outer);
    add(&outer, "inner.tgz", once);
    struct unpack *u = opened(finish(&outer), &UNPACK_LIMITS_DEFAULT);
    assert_ok(unpack_next(u, &e, &more));
    assert_str(e.label, "inner.tgz");
    assert_int_equal(e.size, once.n);
    unpack_free(u);
    free(inner.p);
    free(outer.p);
    /* A tar that was compressed twice over. */
    struct made twice = make(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ);
    assert_int_equal(archive_write_add_filter(twice.a, ARCHIVE_FILTER_GZIP), ARCHIVE_OK);
    begin(&twice);
    add(&twice, "a", STR("1"));
    struct diag d;
    assert_err(unpack_memory(finish(&twice), &UNPACK_LIMITS_DEFAULT, &u, &d), E_UNSUPPORTED);
    free(twice.p);
}

/* Whether it could be read without an error, and if so what came out. */
static bool reads(struct str archive, uint64_t *ret_bytes)
{
    struct unpack *u;
    struct diag d;
    size_t files;
    if (unpack_memory(archive, &UNPACK_LIMITS_DEFAULT, &u, &d) != OK)
        return false;
    err_t e = read_through(u, &files, ret_bytes);
    unpack_free(u);
    return e == OK;
}

static void damage_anywhere_ends_and_a_cut_is_never_whole(void **state)
{
    (void)state;
    static char big[20000];
    assert_ok(crypto_random(big, sizeof big));
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct made m = make(kinds[k].format, kinds[k].filter);
        uint64_t bytes = 0;
        begin(&m);
        add(&m, "a", str_of(big, sizeof big));
        struct str whole = finish(&m);
        assert_true(reads(whole, &bytes));
        assert_int_equal(bytes, sizeof big);
        for (size_t at = 0; at < sizeof big; at += 199) {
            char *copy = malloc(whole.n);
            assert_non_null(copy);
            memcpy(copy, whole.p, whole.n);
            if (reads(str_of(copy, at), &bytes))
                fail_msg("kind %zu cut at %zu", k, at);
            copy[at] = (char)(copy[at] ^ 0x55);
            reads(str_of(copy, whole.n), &bytes);
            free(copy);
        }
        free(m.p);
    }
}

static void an_encrypted_archive_is_not_supported(void **state)
{
    (void)state;
    struct made m = make(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE);
    struct unpack_entry e;
    bool more;
    if (archive_write_set_format_option(m.a, "zip", "encryption", "traditional") != ARCHIVE_OK)
        skip();
    assert_int_equal(archive_write_set_passphrase(m.a, "secret"), ARCHIVE_OK);
    begin(&m);
    add(&m, "a", STR("text"));
    struct unpack *u = opened(finish(&m), &UNPACK_LIMITS_DEFAULT);
    assert_err(unpack_next(u, &e, &more), E_UNSUPPORTED);
    unpack_free(u);
    free(m.p);
}

static void knows_an_archive_from_other_files(void **state)
{
    (void)state;
    char head[UNPACK_HEAD] = "PK\x03\x04";
    assert_true(unpack_looks_so(str_of(head, sizeof head)));
    memcpy(head + 128, "DICM", 4); /* whatever its preamble pretends */
    assert_false(unpack_looks_so(str_of(head, sizeof head)));
    memset(head, 0, sizeof head);
    assert_false(unpack_looks_so(str_of(head, sizeof head)));
    assert_false(unpack_looks_so(STR("")));
    assert_false(unpack_looks_so(STR("PK")));
    assert_false(unpack_looks_so(STR("hello, this is a text")));
    struct unpack *u;
    struct diag d;
    assert_err(unpack_memory(str_of(head, sizeof head), &UNPACK_LIMITS_DEFAULT, &u, &d),
               E_MALFORMED);
    assert_non_null(strstr(d.text, "not a zip or tar"));
}

static void a_source_that_cannot_be_read_says_so(void **state)
{
    struct scratch *s = *state;
    struct diag d = {0};
    struct unpack *u;
    int fd = openat(s->fd, "write-only", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_err(unpack_open(fd, &UNPACK_LIMITS_DEFAULT, &u, &d), E_IO);
    assert_non_null(strstr(d.text, "cannot read"));
    close(fd);
}

#define ON_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCRATCH(reads_every_kind_from_memory_and_from_a_file),
        ON_SCRATCH(files_can_be_passed_over),
        ON_SCRATCH(a_bomb_is_over_the_limit_read_or_passed_over),
        ON_SCRATCH(what_deflate_can_do_is_no_bomb),
        ON_SCRATCH(counts_and_sizes_are_bounded),
        ON_SCRATCH(folders_count_too),
        ON_SCRATCH(archives_within_archives_are_not_opened),
        ON_SCRATCH(damage_anywhere_ends_and_a_cut_is_never_whole),
        ON_SCRATCH(an_encrypted_archive_is_not_supported),
        ON_SCRATCH(knows_an_archive_from_other_files),
        ON_SCRATCH(a_source_that_cannot_be_read_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
