#include "survey/core/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/size.h"
#include "base/wr.h"
#include "io/file.h"

enum { FILE_BLOCK = 64 << 10, BOMB_FROM = 1 << 20, LABEL_MAX = 288 };

struct input {
    int fd;
    bool seekable, gzip, looked, in_member, file_end;
    uint64_t read, size, given, lines;
    const struct stop *stop;
    z_stream z;
    struct str raw;   /* of the file, not looked at */
    struct str block; /* of the text, not given */
    struct wr line;   /* a line that spans blocks */
    err_t failed;     /* told once everything before it was given, and from then on */
    struct diag why;
    char label[LABEL_MAX];
    uint8_t in[FILE_BLOCK];
    uint8_t out[INPUT_BLOCK];
};

static err_t fail(struct input *in, err_t e, const char *what)
{
    return diag_set(&in->why, e, "%s: %s after %llu bytes", in->label, what,
                    (unsigned long long)in->read);
}

/* More of the file; in->raw stays empty at its end. */
static err_t fill_raw(struct input *in)
{
    size_t n = 0;
    if (in->raw.n || in->file_end)
        return OK;
    if (in->seekable)
        TRY(file_read_some(in->fd, in->read, in->in, sizeof in->in, &n, &in->why));
    else
        TRY(file_read_next(in->fd, in->in, sizeof in->in, in->stop, &n, &in->why));
    in->read += n;
    in->file_end = n == 0;
    in->raw = str_of(in->in, n);
    return OK;
}

static bool is_gzip(struct str s)
{
    return str_starts(s, STR("\x1f\x8b"));
}

/* RFC 1952 2.2: members follow one another. Zeros behind the last are a tape's padding. */
static err_t next_member(struct input *in)
{
    while (in->raw.n && in->raw.p[0] == '\0')
        in->raw = str_slice(in->raw, 1, in->raw.n);
    if (in->raw.n == 0)
        return OK;
    if ((uint8_t)in->raw.p[0] != 0x1f)
        return fail(in, E_DAMAGED, "not gzip any more");
    in->in_member = inflateReset(&in->z) == Z_OK;
    return in->in_member ? OK : fail(in, E_INTERNAL, "cannot inflate");
}

static err_t check_ratio(struct input *in, size_t n)
{
    uint64_t out = in->given + n;
    if (out > BOMB_FROM && out / INPUT_RATIO > in->read)
        return fail(in, E_LIMIT, "it swells like a gzip bomb");
    return OK;
}

/* Some of the text from in->raw into out; *n grows. */
static err_t inflate_some(struct input *in, size_t *n)
{
    if (!in->in_member)
        return next_member(in);
    in->z.next_in = (Bytef *)(uintptr_t)in->raw.p;
    in->z.avail_in = (uInt)in->raw.n;
    in->z.next_out = in->out + *n;
    in->z.avail_out = (uInt)(sizeof in->out - *n);
    int z = inflate(&in->z, Z_NO_FLUSH);
    in->raw = str_of(in->z.next_in, in->z.avail_in);
    *n = sizeof in->out - in->z.avail_out;
    if (z == Z_STREAM_END)
        in->in_member = false;
    else if (z != Z_OK && z != Z_BUF_ERROR)
        return fail(in, z == Z_MEM_ERROR ? E_NOMEM : E_DAMAGED, "the gzip stream is damaged");
    return check_ratio(in, *n);
}

static err_t copy_some(struct input *in, size_t *n)
{
    size_t take = size_min(in->raw.n, sizeof in->out - *n);
    memcpy(in->out + *n, in->raw.p, take);
    in->raw = str_slice(in->raw, take, in->raw.n);
    *n += take;
    return OK;
}

static err_t look(struct input *in)
{
    in->looked = true;
    in->gzip = is_gzip(in->raw);
    if (!in->gzip)
        return OK;
    in->in_member = true;
    return inflateInit2(&in->z, 15 + 16) == Z_OK ? OK : fail(in, E_NOMEM, "cannot inflate");
}

/* Fills the block as far as the text goes. What came before an error is in it. */
static err_t fill_block(struct input *in)
{
    size_t n = 0;
    err_t e = OK;
    while (e == OK && n < sizeof in->out) {
        e = fill_raw(in);
        if (e == OK && !in->looked)
            e = look(in);
        if (e == OK && in->raw.n == 0) {
            if (in->in_member)
                e = fail(in, E_DAMAGED, "the gzip stream is cut off");
            break;
        }
        if (e == OK)
            e = in->gzip ? inflate_some(in, &n) : copy_some(in, &n);
    }
    in->given += n;
    in->block = str_of(in->out, n);
    return e;
}

static err_t told(struct input *in, struct diag *d)
{
    return diag_set(d, in->failed, "%s", diag_text(&in->why, in->failed));
}

/* Makes in->block hold something unless the text is at its end. */
static err_t need_block(struct input *in, struct diag *d)
{
    if (in->block.n)
        return OK;
    if (in->failed == OK)
        in->failed = fill_block(in);
    return in->block.n || in->failed == OK ? OK : told(in, d);
}

err_t input_block(struct input *in, struct str *ret, struct diag *d)
{
    TRY(need_block(in, d));
    *ret = in->block;
    in->block.n = 0;
    return OK;
}

void input_unread(struct input *in, struct str bytes)
{
    in->block = bytes;
}

/* Takes from the block up to a line's end, or all of it; whether the end was there. */
static bool take_part(struct input *in, struct str *ret)
{
    size_t end = str_find(in->block, '\n');
    bool whole = end < in->block.n;
    *ret = str_slice(in->block, 0, end);
    in->block = str_slice(in->block, end + whole, in->block.n);
    return whole;
}

static struct str without_cr(struct str s)
{
    return s.n && s.p[s.n - 1] == '\r' ? str_slice(s, 0, s.n - 1) : s;
}

/* A line that goes past its block: its parts are gathered, up to the cap. */
static err_t gather(struct input *in, struct str part, struct str *ret, bool *ret_long,
                    struct diag *d)
{
    bool whole = false;
    wr_clear(&in->line);
    wr_put(&in->line, part);
    while (!whole) {
        TRY(need_block(in, d));
        if (in->block.n == 0)
            break;
        whole = take_part(in, &part);
        wr_put(&in->line, part);
    }
    *ret_long = in->line.bad;
    *ret = in->line.bad ? STR("") : without_cr(wr_str(&in->line));
    return OK;
}

err_t input_line(struct input *in, struct str *ret, bool *ret_more, bool *ret_long, struct diag *d)
{
    struct str part;
    *ret_more = *ret_long = false;
    if (in->line.cap > INPUT_BLOCK) {
        wr_done(&in->line);
        in->line = wr_heap(INPUT_LINE_MAX);
    }
    *ret = STR("");
    TRY(need_block(in, d));
    if (in->block.n == 0)
        return OK;
    if (take_part(in, &part))
        *ret = without_cr(part);
    else
        TRY(gather(in, part, ret, ret_long, d));
    *ret_more = true;
    in->lines++;
    return OK;
}

uint64_t input_read(const struct input *in)
{
    return in->read;
}

uint64_t input_size(const struct input *in)
{
    return in->size;
}

uint64_t input_lines(const struct input *in)
{
    return in->lines;
}

struct str input_label(const struct input *in)
{
    return str_z(in->label);
}

/* A file is known again by its name and size wherever its folder is. */
static void set_label(struct input *in, struct str path)
{
    char name[LABEL_MAX - 32];
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    path = str_slice(path, n, sizeof name);
    for (size_t i = 0; i < path.n; i++)
        name[i] = (uint8_t)path.p[i] < 0x20 || path.p[i] == 0x7f ? '?' : path.p[i];
    if (in->seekable)
        snprintf(in->label, sizeof in->label, "%.*s (%llu bytes)", (int)path.n, name,
                 (unsigned long long)in->size);
    else
        snprintf(in->label, sizeof in->label, "%.*s", (int)path.n, name);
}

static err_t open_fd(struct input *in, const char *path, struct diag *d)
{
    if (str_eq(str_z(path), STR("-"))) {
        in->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
        if (in->fd < 0)
            return diag_set(d, E_IO, "cannot read standard input");
        set_label(in, STR("standard input"));
        return OK;
    }
    TRY(file_open(AT_FDCWD, path, FILE_READ, &in->fd, d));
    in->seekable = true;
    TRY(file_size(in->fd, &in->size, d));
    set_label(in, str_z(path));
    return OK;
}

err_t input_open(const char *path, struct input **ret, struct diag *d)
{
    struct input *in = calloc(1, sizeof *in);
    if (!in)
        return diag_set(d, E_NOMEM, "no memory to read %s", path);
    in->fd = -1;
    in->line = wr_heap(INPUT_LINE_MAX);
    err_t e = open_fd(in, path, d);
    if (e != OK) {
        input_close(in);
        return e;
    }
    *ret = in;
    return OK;
}

void input_set_stop(struct input *in, const struct stop *stop)
{
    in->stop = stop;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    if (in->gzip)
        inflateEnd(&in->z);
    wr_done(&in->line);
    file_close(&in->fd);
    free(in);
}
