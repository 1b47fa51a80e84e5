/* A tool of the tests: a DICOM file, or JSON, as DICOM JSON on standard output.
 *
 *     dcm2json FILE [BYTES]     from tokens, reading pieces of that many bytes (default: all at
 * once) dcm2json --ds FILE        by way of a data set in memory dcm2json --bulk N FILE    values
 * over N bytes as BulkDataURI "bulk:PATH" dcm2json --json FILE      JSON read and written again
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "dicom/json_in.h"
#include "dicom/json_out.h"
#include "dicom/part10.h"
#include "dicom/stream.h"

static err_t to_stdout(void *ctx, struct str bytes)
{
    (void)ctx;
    return fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n ? OK : E_IO;
}

static bool read_file(const char *path, struct wr *w)
{
    char buf[65536];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;)
        wr_bytes(w, buf, n);
    bool good = !ferror(f);
    fclose(f);
    return good && !w->bad;
}

static bool bulk_uri(void *ctx, struct str path, const struct dcm_token *element, struct wr *uri)
{
    (void)ctx;
    (void)element;
    wr_printf(uri, "bulk:%.*s", STR_ARG(path));
    return true;
}

static err_t tokens(struct dcm_json *j, struct dcm_stream *s, struct str data, size_t piece)
{
    struct dcm_token t;
    while (data.n || !s->ended) {
        struct str in = str_slice(data, 0, piece);
        data = str_slice(data, in.n, data.n);
        if (data.n == 0)
            dcm_stream_end(s);
        enum step step;
        while ((step = dcm_stream_read(s, &in, &t)) == STEP_EVENT)
            TRY(dcm_json_token(j, &t));
        if (step == STEP_FAIL) {
            fprintf(stderr, "%s\n", s->reader.diag.text);
            return s->reader.error;
        }
    }
    return dcm_json_finish(j);
}

static err_t from_tokens(struct str file, size_t piece, const struct dcm_json_options *options,
                         struct wr *out)
{
    struct dcm_meta meta;
    struct diag d = {0};
    struct dcm_stream s;
    struct dcm_limits limits = DCM_LIMITS_DEFAULT;
    struct dcm_json j;
    if (dcm_meta_read(file, true, &meta, &d) != STEP_DONE)
        return E_MALFORMED;
    TRY(dcm_stream_init(&s, meta.ts, &limits));
    dcm_json_init(&j, out, options);
    err_t e = tokens(&j, &s, str_slice(file, meta.data_at, file.n), piece);
    dcm_json_done(&j);
    dcm_stream_done(&s);
    return e;
}

static err_t from_ds(struct str file, const struct dcm_json_options *options, struct wr *out)
{
    struct dcm_meta meta;
    struct diag d = {0};
    struct dcm_ds *ds;
    struct dcm_limits limits = {32, 1000000, SIZE_MAX};
    struct arena a = arena_init(SIZE_MAX);
    if (dcm_meta_read(file, true, &meta, &d) != STEP_DONE)
        return E_MALFORMED;
    err_t e = dcm_ds_parse(&a, str_slice(file, meta.data_at, file.n), meta.ts->encoding, &limits,
                           true, &ds, &d);
    if (e == OK)
        e = dcm_json_ds(out, ds, options);
    arena_done(&a);
    return e;
}

static err_t from_json(struct str text, const struct dcm_json_options *options, struct wr *out)
{
    struct dcm_json_in_options in = DCM_JSON_IN_OPTIONS_DEFAULT;
    struct diag d = {0};
    struct dcm_ds *ds;
    struct arena a = arena_init(SIZE_MAX);
    in.text_max = in.limits.value = SIZE_MAX / 2;
    in.values_max = SIZE_MAX;
    err_t e = dcm_json_read(&a, text, &in, &ds, &d);
    if (e == OK)
        e = dcm_json_ds(out, ds, options);
    else
        fprintf(stderr, "%s\n", d.text);
    arena_done(&a);
    return e;
}

int main(int argc, char **argv)
{
    char buf[4096];
    struct wr file = wr_heap(SIZE_MAX / 2);
    struct wr out = wr_sink(buf, sizeof buf, to_stdout, NULL);
    struct dcm_json_options options = DCM_JSON_OPTIONS_DEFAULT;
    const char *verb = argc > 2 && argv[1][0] == '-' ? argv[1] : "";
    bool bulk = strcmp(verb, "--bulk") == 0;
    if (argc < 2 || (bulk && argc < 4))
        return 2;
    if (bulk) {
        options.bulk_uri = bulk_uri;
        options.inline_max = options.text_max = strtoul(argv[2], NULL, 10);
    }
    if (!read_file(*verb ? argv[bulk ? 3 : 2] : argv[1], &file))
        return 2;
    err_t e =
        strcmp(verb, "--ds") == 0 ? from_ds(wr_str(&file), &options, &out)
        : strcmp(verb, "--json") == 0
            ? from_json(wr_str(&file), &options, &out)
            : from_tokens(wr_str(&file), argc > 2 && !*verb ? strtoul(argv[2], NULL, 10) : SIZE_MAX,
                          &options, &out);
    if (e == OK)
        e = wr_flush(&out);
    if (e != OK)
        fprintf(stderr, "%s\n", err_text(e));
    wr_done(&file);
    return e == OK ? 0 : 1;
}
