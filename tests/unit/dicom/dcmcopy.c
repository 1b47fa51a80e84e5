/* A tool of the tests: a DICOM file converted to another transfer syntax, in small pieces.
 *
 *     dcmcopy FROM TO UID
 */
#include <stdio.h>

#include "dicom/part10.h"
#include "dicom/transcode.h"

enum { PIECE = 1000, FILE_MAX = 256 << 20 };

static err_t to_file(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n ? OK : E_IO;
}

static err_t load(const char *path, struct wr *w)
{
    char buf[65536];
    FILE *f = fopen(path, "rb");
    if (!f)
        return E_NOTFOUND;
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;)
        wr_bytes(w, buf, n);
    bool failed = ferror(f);
    fclose(f);
    return failed || w->bad ? E_IO : OK;
}

static err_t convert(struct str file, struct str uid, struct wr *out, struct diag *d)
{
    struct dcm_meta m;
    struct dcm_transcode *t = NULL;
    if (dcm_meta_read(file, true, &m, d) != STEP_DONE)
        return E_MALFORMED;
    struct str data = str_slice(file, (size_t)m.data_at, SIZE_MAX);
    const struct dcm_ts *from = m.ts;
    m.transfer_syntax = uid;
    m.implementation_uid = str_of("", 0);
    dcm_meta_write(&m, out);
    TRY(dcm_transcode_new(from, dcm_ts_guess(uid), &DCM_LIMITS_DEFAULT, out, &t));
    err_t e = OK;
    for (size_t at = 0; e == OK && at < data.n; at += PIECE)
        e = dcm_transcode_feed(t, str_slice(data, at, PIECE));
    if (e == OK)
        e = dcm_transcode_end(t);
    if (e != OK)
        *d = *dcm_transcode_diag(t);
    dcm_transcode_free(t);
    return e;
}

int main(int argc, char **argv)
{
    char buf[4096];
    struct diag d = {""};
    struct wr file = wr_heap(FILE_MAX);
    FILE *to = argc == 4 ? fopen(argv[2], "wb") : NULL;
    if (!to)
        return 2;
    struct wr out = wr_sink(buf, sizeof buf, to_file, to);
    err_t e = load(argv[1], &file);
    if (e == OK)
        e = convert(wr_str(&file), str_z(argv[3]), &out, &d);
    if (e == OK)
        e = wr_flush(&out);
    if (fclose(to) != 0 && e == OK)
        e = E_IO;
    if (e != OK)
        fprintf(stderr, "%s\n", diag_text(&d, e));
    wr_done(&file);
    return e == OK ? 0 : 1;
}
