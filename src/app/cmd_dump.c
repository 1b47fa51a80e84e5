/* lastra dump: a DICOM file as text, or as JSON; of any size, in bounded memory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cmd.h"
#include "dicom/dump.h"
#include "dicom/json_out.h"
#include "dicom/part10.h"
#include "dicom/stream.h"
#include "io/file.h"

enum { OPT_JSON, OPT_LONG };
enum { PIECE = 64 * 1024 };

static const struct cmd_option options[] = {
    [OPT_JSON] = {.name = "json", .help = "write the DICOM JSON model (PS3.18 Annex F)"},
    [OPT_LONG] = {.name = "long", .letter = 'l', .help = "do not cut long values short"},
};

struct run {
    const struct cmd_args *args;
    struct diag *d;
    int fd;
    struct wr head; /* the file's first bytes, for its meta information */
    struct wr out;
    struct dcm_meta meta;
    struct dcm_stream stream;
    struct dcm_dump *dump; /* NULL: JSON */
    struct dcm_json json;
    uint8_t out_buffer[16 * 1024];
    uint8_t piece[PIECE];
};

static err_t to_stdout(void *ctx, struct str bytes)
{
    (void)ctx;
    return fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n ? OK : E_IO;
}

/* The meta information, from as much of the file's beginning as it takes. */
static err_t read_meta(struct run *r)
{
    for (;;) {
        size_t n;
        enum step step = dcm_meta_read(wr_str(&r->head), false, &r->meta, r->d);
        if (step == STEP_MORE) {
            TRY(file_read_some(r->fd, r->head.n, r->piece, sizeof r->piece, &n, r->d));
            wr_bytes(&r->head, r->piece, n);
            TRY(wr_flush(&r->head));
            if (n)
                continue;
            step = dcm_meta_read(wr_str(&r->head), true, &r->meta, r->d);
        }
        return step == STEP_DONE ? OK : E_MALFORMED;
    }
}

static err_t give(struct run *r, const struct dcm_token *t)
{
    if (!r->dump)
        return dcm_json_token(&r->json, t);
    dcm_dump_token(r->dump, t);
    return OK;
}

static err_t give_all(struct run *r, struct str in)
{
    struct dcm_token t;
    enum step step;
    while ((step = dcm_stream_read(&r->stream, &in, &t)) == STEP_EVENT) {
        TRY(give(r, &t));
        if (r->out.bad)
            return diag_set(r->d, E_IO, "cannot write to standard output");
    }
    if (step == STEP_FAIL)
        return diag_set(r->d, r->stream.reader.error, "%s", r->stream.reader.diag.text);
    return OK;
}

static err_t read_data(struct run *r)
{
    uint64_t at = r->meta.data_at;
    size_t n;
    do {
        TRY(file_read_some(r->fd, at, r->piece, sizeof r->piece, &n, r->d));
        if (n == 0)
            dcm_stream_end(&r->stream);
        TRY(give_all(r, str_of(r->piece, n)));
        at += n;
    } while (n);
    return OK;
}

static err_t begin(struct run *r)
{
    const struct dcm_dump_options o = {.whole_values = cmd_flag(r->args, OPT_LONG)};
    TRY(dcm_stream_init(&r->stream, r->meta.ts, &DCM_LIMITS_DEFAULT));
    if (cmd_flag(r->args, OPT_JSON)) {
        dcm_json_init(&r->json, &r->out, &DCM_JSON_OPTIONS_DEFAULT);
        return OK;
    }
    r->dump = dcm_dump_new(&r->out, &o);
    if (!r->dump)
        return E_NOMEM;
    r->stream.reader.raw_un = true; /* a dump shows what stands there */
    dcm_dump_meta(r->dump, &r->meta);
    return OK;
}

/* The end of the output, also after a failure: what came before it is of use. */
static err_t end(struct run *r, err_t e)
{
    if (r->dump)
        dcm_dump_quirks(r->dump, r->stream.reader.quirks);
    else if (e == OK)
        e = dcm_json_finish(&r->json);
    if (!r->dump)
        wr_u8(&r->out, '\n');
    if (wr_flush(&r->out) != OK && e == OK)
        return diag_set(r->d, E_IO, "cannot write to standard output");
    if (e == OK && (r->stream.reader.quirks & DCM_QUIRK_TRUNCATED))
        return diag_set(r->d, E_MALFORMED, "the file is cut short");
    return e;
}

static err_t dump(struct run *r)
{
    TRY(read_meta(r));
    err_t e = begin(r);
    if (e == OK)
        e = end(r, read_data(r));
    dcm_json_done(&r->json);
    dcm_dump_free(r->dump);
    dcm_stream_done(&r->stream);
    return e;
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    r->args = a;
    r->d = d;
    r->fd = -1;
    r->head = wr_heap(DCM_META_MAX + 2 * PIECE);
    r->out = wr_sink(r->out_buffer, sizeof r->out_buffer, to_stdout, NULL);
    err_t e = file_open(AT_FDCWD, a->args[0].p, FILE_READ, &r->fd, d);
    if (e == OK)
        e = dump(r);
    file_close(&r->fd);
    wr_done(&r->head);
    free(r);
    return e;
}

const struct cmd cmd_dump = {
    .name = "dump",
    .summary = "show what stands in a DICOM file",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Prints each data element: tag, value representation, value, length in bytes and "
        "keyword. Text is decoded\nby the file's character sets; control characters are "
        "escaped. Reads files without preamble or meta\ninformation too, and says what it read "
        "over. With --json, the DICOM JSON model on one line.",
    .examples = "lastra dump image.dcm\nlastra dump --json image.dcm | jq .\n",
    .run = run,
};
