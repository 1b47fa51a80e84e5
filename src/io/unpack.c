#include "io/unpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/file.h"
#include "io/unpack_lib.h"

enum { BLOCK = 65536, RATIO_FREE = 1 << 20, DICOM_MARK = 128, TAR_HEAD = 512, TAR_SUM = 148 };

struct unpack {
    struct unpack_lib lib;
    struct archive *a;
    struct unpack_limits limits;
    int fd;           /* -1: from memory */
    struct str bytes; /* from memory; else what was read last, within block */
    uint64_t at, size, consumed;
    uint64_t entries, entry_out, total_out;
    bool in_entry;
    bool filtered; /* compressed as a whole: passing a file over means unpacking it */
    err_t source_error;
    struct diag d;
    char block[];
};

static bool is_octal(struct str s, unsigned *ret)
{
    unsigned v = 0;
    s = str_trim(str_unpad(s));
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7' || v > 0xffffff)
            return false;
        v = v * 8 + (unsigned)(s.p[i] - '0');
    }
    *ret = v;
    return s.n > 0;
}

/* The sum over the header, its own field as spaces: what tells a tar of before POSIX from noise. */
static bool is_tar(struct str head)
{
    unsigned expected, sum = 0;
    if (head.n < TAR_HEAD || !is_octal(str_slice(head, TAR_SUM, 8), &expected))
        return false;
    for (size_t i = 0; i < TAR_HEAD; i++)
        sum += i >= TAR_SUM && i < TAR_SUM + 8 ? ' ' : (uint8_t)head.p[i];
    return sum == expected;
}

bool unpack_looks_so(struct str head)
{
    static const struct str magic[] = {STR_INIT("PK\x03\x04"),
                                       STR_INIT("PK\x05\x06"),
                                       STR_INIT("\x1f\x8b\x08"),
                                       STR_INIT("BZh"),
                                       STR_INIT("\xfd"
                                                "7zXZ\0"),
                                       STR_INIT("\x28\xb5\x2f\xfd")};
    if (str_eq(str_slice(head, DICOM_MARK, 4), STR("DICM")))
        return false;
    for (size_t i = 0; i < COUNT(magic); i++)
        if (str_starts(head, magic[i]))
            return true;
    return is_tar(str_slice(head, 0, TAR_HEAD));
}

static la_ssize_t give(struct archive *a, void *ctx, const void **ret)
{
    struct unpack *u = ctx;
    size_t n = u->size - u->at < BLOCK ? (size_t)(u->size - u->at) : BLOCK;
    if (u->fd >= 0) {
        *ret = u->block;
        u->source_error = file_read_some(u->fd, u->at, u->block, n, &n, &u->d);
        if (u->source_error != OK) {
            u->lib.archive_set_error(a, EIO, "cannot be read");
            return ARCHIVE_FATAL;
        }
    } else {
        *ret = u->bytes.p + u->at;
    }
    u->at += n;
    u->consumed += n;
    return (la_ssize_t)n;
}

static la_int64_t move(struct unpack *u, int64_t to)
{
    if (to < 0)
        to = 0;
    u->at = (uint64_t)to < u->size ? (uint64_t)to : u->size;
    return (la_int64_t)u->at;
}

static la_int64_t seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct unpack *u = ctx;
    int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (int64_t)u->at : (int64_t)u->size;
    int64_t to;
    (void)a;
    return __builtin_add_overflow(from, offset, &to) ? ARCHIVE_FATAL : move(u, to);
}

static la_int64_t skip(struct archive *a, void *ctx, la_int64_t n)
{
    struct unpack *u = ctx;
    uint64_t before = u->at;
    (void)a;
    if (n <= 0)
        return 0;
    return (la_int64_t)((uint64_t)move(u, (uint64_t)n < u->size - u->at ? (int64_t)u->at + n
                                                                        : (int64_t)u->size) -
                        before);
}

static err_t fail(struct unpack *u)
{
    if (u->source_error != OK)
        return u->source_error; /* its diag is set */
    const char *why = u->lib.archive_error_string(u->a);
    return diag_set(&u->d, E_MALFORMED, "damaged archive: %s", why ? why : "no reason is known");
}

/* Every byte that comes out passes here. Overlapping entries read the same bytes of the archive
 * again and again, so what was read counts only up to the archive's size. */
static err_t count_out(struct unpack *u, uint64_t n)
{
    uint64_t in = u->consumed < u->size ? u->consumed : u->size, room;
    u->entry_out += n;
    u->total_out += n;
    if (u->entry_out > u->limits.entry_bytes)
        return diag_set(&u->d, E_LIMIT, "a file in the archive is larger than %llu bytes",
                        (unsigned long long)u->limits.entry_bytes);
    if (u->total_out > u->limits.total_bytes)
        return diag_set(&u->d, E_LIMIT, "the archive unpacks to more than %llu bytes",
                        (unsigned long long)u->limits.total_bytes);
    if (__builtin_mul_overflow(in, (uint64_t)u->limits.ratio, &room) ||
        __builtin_add_overflow(room, (uint64_t)RATIO_FREE, &room))
        return OK;
    if (u->total_out > room)
        return diag_set(&u->d, E_LIMIT, "the archive unpacks to more than %u times its size",
                        u->limits.ratio);
    return OK;
}

static int prepare(struct unpack *u)
{
    /* By name, since "all" also brings filters that run programs. */
    int bad = u->lib.archive_read_support_format_zip(u->a) |
              u->lib.archive_read_support_format_tar(u->a) |
              u->lib.archive_read_support_filter_gzip(u->a) |
              u->lib.archive_read_support_filter_bzip2(u->a) |
              u->lib.archive_read_support_filter_xz(u->a) |
              u->lib.archive_read_support_filter_zstd(u->a);
    u->lib.archive_read_set_read_callback(u->a, give);
    u->lib.archive_read_set_seek_callback(u->a, seek);
    u->lib.archive_read_set_skip_callback(u->a, skip);
    u->lib.archive_read_set_callback_data(u->a, u);
    return bad;
}

static err_t open_it(struct unpack *u)
{
    TRY(unpack_lib_load(&u->lib, &u->d));
    u->a = u->lib.archive_read_new();
    if (!u->a)
        return E_NOMEM;
    if (prepare(u) != ARCHIVE_OK)
        return diag_set(&u->d, E_UNSUPPORTED, "this libarchive lacks a format");
    if (u->lib.archive_read_open1(u->a) != ARCHIVE_OK)
        return fail(u);
    /* One compression and the bytes themselves: layers could unpack each other without end. */
    if (u->lib.archive_filter_count(u->a) > 2)
        return diag_set(&u->d, E_UNSUPPORTED, "the archive is compressed more than once");
    u->filtered = u->lib.archive_filter_code(u->a, 0) != ARCHIVE_FILTER_NONE;
    return OK;
}

static err_t check_head(struct unpack *u)
{
    struct str head = str_slice(u->bytes, 0, UNPACK_HEAD);
    if (u->fd >= 0) {
        size_t n;
        TRY(file_read_some(u->fd, 0, u->block, UNPACK_HEAD, &n, &u->d));
        head = str_of(u->block, n);
    }
    return unpack_looks_so(head) ? OK : diag_set(&u->d, E_MALFORMED, "not a zip or tar archive");
}

static err_t start(struct unpack *u, struct unpack **ret, struct diag *d)
{
    if (!u)
        return E_NOMEM;
    err_t e = u->fd >= 0 ? file_size(u->fd, &u->size, &u->d) : OK;
    if (e == OK)
        e = check_head(u);
    if (e == OK)
        e = open_it(u);
    if (e != OK) {
        if (d)
            *d = u->d;
        unpack_free(u);
        return e;
    }
    *ret = u;
    return OK;
}

err_t unpack_open(int fd, const struct unpack_limits *l, struct unpack **ret, struct diag *d)
{
    struct unpack *u = calloc(1, sizeof *u + BLOCK);
    if (u) {
        u->fd = fd;
        u->limits = *l;
    }
    return start(u, ret, d);
}

err_t unpack_memory(struct str bytes, const struct unpack_limits *l, struct unpack **ret,
                    struct diag *d)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (u) {
        u->fd = -1;
        u->bytes = bytes;
        u->size = bytes.n;
        u->limits = *l;
    }
    return start(u, ret, d);
}

void unpack_free(struct unpack *u)
{
    if (!u)
        return;
    if (u->a)
        u->lib.archive_read_free(u->a);
    unpack_lib_done(&u->lib);
    free(u);
}

/* What was not read of a file is unpacked under the same limits; libarchive's own way of passing it
 * over knows none. Without a compression around it all, it just moves on. */
static err_t pass_over(struct unpack *u)
{
    if (!u->in_entry || !u->filtered)
        return OK;
    for (;;) {
        const void *block;
        size_t n;
        la_int64_t offset;
        int rc = u->lib.archive_read_data_block(u->a, &block, &n, &offset);
        if (rc == ARCHIVE_EOF)
            return OK;
        if (rc < ARCHIVE_WARN)
            return fail(u);
        TRY(count_out(u, n));
    }
}

static bool is_file(const struct unpack *u, struct archive_entry *e)
{
    return u->lib.archive_entry_filetype(e) == AE_IFREG && !u->lib.archive_entry_hardlink(e) &&
           !u->lib.archive_entry_symlink(e);
}

static void describe(const struct unpack *u, struct archive_entry *e, struct unpack_entry *ret)
{
    const char *name = u->lib.archive_entry_pathname(e);
    if (!name)
        name = u->lib.archive_entry_pathname_utf8(e);
    *ret =
        (struct unpack_entry){.label = name ? str_z(name) : STR("(a name that cannot be shown)")};
    if (u->lib.archive_entry_size_is_set(e) && u->lib.archive_entry_size(e) >= 0) {
        ret->has_size = true;
        ret->size = (uint64_t)u->lib.archive_entry_size(e);
    }
}

err_t unpack_next(struct unpack *u, struct unpack_entry *ret, bool *ret_more)
{
    struct archive_entry *e;
    do {
        TRY(pass_over(u));
        u->in_entry = false;
        int rc = u->lib.archive_read_next_header(u->a, &e);
        if (rc == ARCHIVE_EOF) {
            *ret_more = false;
            return OK;
        }
        if (rc < ARCHIVE_WARN)
            return fail(u);
        u->in_entry = true;
        u->entry_out = 0;
        if (++u->entries > u->limits.entries)
            return diag_set(&u->d, E_LIMIT, "more than %llu files in the archive",
                            (unsigned long long)u->limits.entries);
    } while (!is_file(u, e));
    if (u->lib.archive_entry_is_encrypted(e))
        return diag_set(&u->d, E_UNSUPPORTED, "the archive is encrypted");
    describe(u, e, ret);
    *ret_more = true;
    return OK;
}

err_t unpack_read(struct unpack *u, void *buf, size_t n, size_t *ret_n)
{
    la_ssize_t got = n ? u->lib.archive_read_data(u->a, buf, n) : 0;
    if (got < 0)
        return fail(u);
    TRY(count_out(u, (uint64_t)got));
    *ret_n = (size_t)got;
    return OK;
}

const struct diag *unpack_diag(const struct unpack *u)
{
    return &u->d;
}
