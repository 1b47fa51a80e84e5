/* Every sample file: read whole and in pieces, kept in memory and written, converted around. The
 * folders come from the environment (LASTRA_SAMPLES, by ':'). */
#include "bytes.h"

#include <ftw.h>
#include <stdio.h>

#include "dicom/dataset.h"
#include "dicom/part10.h"
#include "dicom/stream.h"
#include "dicom/transcode.h"

enum { FILES_MAX = 1000, FILE_MAX = 64 << 20, BYTEWISE_MAX = 100 << 10 };

static struct sample {
    char *path;
    struct str bytes;
    struct dcm_meta meta;
} samples[FILES_MAX];
static size_t n_samples;

/* What stands in those folders and is no DICOM file; no_meta.dcm has a stray byte before its data
 * set. */
static bool is_other(const char *path)
{
    static const char *const ends[] = {".json", ".txt", ".gz",   ".dump",       ".py",
                                       ".pyc",  ".md",  ".jpeg", "/README",     ".zip",
                                       ".csv",  ".xml", ".icc",  "/no_meta.dcm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(str_z(path), str_z(ends[i])))
            return true;
    return false;
}

static int add_file(const char *path, const struct stat *st, int type)
{
    if (type != FTW_F || is_other(path) || st->st_size > FILE_MAX || n_samples == FILES_MAX)
        return 0;
    FILE *f = fopen(path, "rb");
    size_t n = (size_t)st->st_size;
    char *p = malloc(n + 1);
    if (!f || !p || fread(p, 1, n, f) != n)
        return 1;
    fclose(f);
    samples[n_samples++] = (struct sample){.path = strdup(path), .bytes = str_of(p, n)};
    return 0;
}

static int load(void **state)
{
    (void)state;
    struct str rest = str_z(getenv("LASTRA_SAMPLES")), part;
    char folder[4096];
    while (rest.n && str_split(&rest, ':', &part))
        if (part.n && (!str_to_z(part, folder, sizeof folder) || ftw(folder, add_file, 16) != 0))
            return 1;
    for (size_t i = 0; i < n_samples; i++) {
        struct diag d;
        if (dcm_meta_read(samples[i].bytes, true, &samples[i].meta, &d) != STEP_DONE) {
            fprintf(stderr, "%s: %s\n", samples[i].path, d.text);
            return 1;
        }
    }
    printf("%zu sample files\n", n_samples);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_samples; i++) {
        free(samples[i].path);
        free((void *)(uintptr_t)samples[i].bytes.p);
    }
    return 0;
}

static void need_samples(void)
{
    if (n_samples == 0)
        skip();
    assert_true(n_samples > 100);
}

static struct str data_of(const struct sample *s)
{
    return str_slice(s->bytes, (size_t)s->meta.data_at, SIZE_MAX);
}

/* FNV-1a over the tokens, in which the pieces of a value count as one. */
struct digest {
    uint64_t hash;
    unsigned quirks;
};

static void digest_bytes(struct digest *g, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        g->hash = (g->hash ^ b[i]) * 0x100000001b3u;
}

static void digest_token(struct digest *g, const struct dcm_token *t)
{
    const uint64_t head[] = {t->kind, t->tag, t->vr, t->length, t->depth, t->fragment, t->at};
    if (t->kind == DCM_VALUE)
        digest_bytes(g, t->value.p, t->value.n);
    else
        digest_bytes(g, head, sizeof head);
}

static struct digest digest_of(const struct sample *s, size_t piece)
{
    struct digest g = {0xcbf29ce484222325u, 0};
    struct dcm_stream stream;
    struct dcm_token t;
    enum step step = STEP_MORE;
    assert_ok(dcm_stream_init(&stream, s->meta.ts, &DCM_LIMITS_DEFAULT));
    for (size_t at = 0; step == STEP_MORE; at += piece) {
        struct str in = str_slice(data_of(s), at, piece);
        if (in.n == 0)
            dcm_stream_end(&stream);
        while ((step = dcm_stream_read(&stream, &in, &t)) == STEP_EVENT)
            digest_token(&g, &t);
    }
    if (step != STEP_DONE)
        fail_msg("%s: %s", s->path, stream.reader.diag.text);
    g.quirks = stream.reader.quirks;
    dcm_stream_done(&stream);
    return g;
}

static void every_sample_reads_to_its_end(void **state)
{
    (void)state;
    need_samples();
    for (size_t i = 0; i < n_samples; i++)
        (void)digest_of(&samples[i], SIZE_MAX / 2);
}

static void pieces_of_any_size_give_the_same_tokens(void **state)
{
    (void)state;
    need_samples();
    for (size_t i = 0; i < n_samples; i++) {
        struct digest whole = digest_of(&samples[i], SIZE_MAX / 2);
        size_t piece = samples[i].bytes.n < BYTEWISE_MAX ? 1 : 997;
        struct digest parts = digest_of(&samples[i], piece);
        if (whole.hash != parts.hash || whole.quirks != parts.quirks)
            fail_msg("%s differs in pieces", samples[i].path);
    }
}

static void truncated_samples_are_noticed(void **state)
{
    (void)state;
    need_samples();
    static const char *const cut[] = {"/rtplan_truncated.dcm", "/MR_truncated.dcm"};
    for (size_t i = 0; i < n_samples; i++)
        for (size_t k = 0; k < sizeof cut / sizeof *cut; k++)
            if (str_ends(str_z(samples[i].path), str_z(cut[k])))
                assert_true(digest_of(&samples[i], 100).quirks & DCM_QUIRK_TRUNCATED);
}

/* The data set as explicit little endian in canonical form; false when it was cut short. */
static bool canonical(struct str in, enum dcm_encoding encoding, struct wr *out)
{
    struct arena a = arena_init(512 << 20);
    struct dcm_limits limits = {64, 1000000, FILE_MAX};
    struct dcm_ds *ds = NULL;
    struct diag d = {""};
    err_t e = dcm_ds_parse(&a, in, encoding, &limits, true, &ds, &d);
    if (e == OK)
        dcm_ds_write(ds, DCM_EXPLICIT_LE, out);
    else if (e != E_MALFORMED)
        fail_msg("%s", d.text);
    arena_done(&a);
    assert_false(out->bad);
    return e == OK;
}

static void what_is_written_parses_to_the_same(void **state)
{
    (void)state;
    need_samples();
    size_t n = 0;
    for (size_t i = 0; i < n_samples; i++) {
        struct wr once = wr_heap(FILE_MAX), twice = wr_heap(FILE_MAX);
        const struct sample *s = &samples[i];
        if (!s->meta.ts->deflated && canonical(data_of(s), s->meta.ts->encoding, &once)) {
            assert_true(canonical(wr_str(&once), DCM_EXPLICIT_LE, &twice));
            if (!str_eq(wr_str(&once), wr_str(&twice)))
                fail_msg("%s is not the same written twice", s->path);
            n++;
        }
        wr_done(&once);
        wr_done(&twice);
    }
    assert_true(n > n_samples * 9 / 10);
}

static struct wr transcode(const char *path, const struct dcm_ts *from, const char *to,
                           struct str in)
{
    struct wr out = wr_heap(4 * FILE_MAX);
    struct dcm_transcode *t = NULL;
    assert_ok(dcm_transcode_new(from, dcm_ts_find(str_z(to)), &DCM_LIMITS_DEFAULT, &out, &t));
    err_t e = OK;
    for (size_t at = 0; e == OK && at < in.n; at += 5000)
        e = dcm_transcode_feed(t, str_slice(in, at, 5000));
    if (e == OK)
        e = dcm_transcode_end(t);
    if (e != OK)
        fail_msg("%s: %s", path, dcm_transcode_diag(t)->text);
    dcm_transcode_free(t);
    return out;
}

static void assert_same(const struct sample *s, const struct wr *a, const struct wr *b)
{
    if (!str_eq(wr_str(a), wr_str(b)))
        fail_msg("%s: differs after conversion", s->path);
}

/* Explicit little endian, then by way of big endian and deflate back to it: the same bytes. And all
 * of them give the same in implicit VR. */
static void around(const struct sample *s)
{
    const char *little = UID_ExplicitVRLittleEndian, *big = UID_ExplicitVRBigEndian,
               *deflated = UID_DeflatedExplicitVRLittleEndian,
               *implicit = UID_ImplicitVRLittleEndian;
    struct wr first = transcode(s->path, s->meta.ts, implicit, data_of(s));
    struct wr a = transcode(s->path, s->meta.ts, deflated, data_of(s));
    struct wr b = transcode(s->path, dcm_ts_find(str_z(deflated)), big, wr_str(&a));
    struct wr c = transcode(s->path, dcm_ts_find(str_z(big)), little, wr_str(&b));
    struct wr d = transcode(s->path, dcm_ts_find(str_z(little)), big, wr_str(&c));
    assert_same(s, &b, &d);
    struct wr e = transcode(s->path, dcm_ts_find(str_z(big)), implicit, wr_str(&d));
    if (s->meta.ts->encoding != DCM_IMPLICIT_LE)
        assert_same(s, &first, &e);
    wr_done(&first);
    wr_done(&a);
    wr_done(&b);
    wr_done(&c);
    wr_done(&d);
    wr_done(&e);
}

static void conversion_and_back_changes_nothing(void **state)
{
    (void)state;
    need_samples();
    for (size_t i = 0; i < n_samples; i++) {
        const struct sample *s = &samples[i];
        bool cut = digest_of(s, SIZE_MAX / 2).quirks & DCM_QUIRK_TRUNCATED;
        if (s->meta.ts->pixels == DCM_PIXELS_NATIVE && !cut)
            around(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_reads_to_its_end),
        cmocka_unit_test(pieces_of_any_size_give_the_same_tokens),
        cmocka_unit_test(truncated_samples_are_noticed),
        cmocka_unit_test(what_is_written_parses_to_the_same),
        cmocka_unit_test(conversion_and_back_changes_nothing),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
