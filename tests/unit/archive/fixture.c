#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/deflate.h"
#include "dicom/ts.h"

static void remove_inside(int at, const char *name, int depth)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || depth == 4) {
        unlinkat(at, name, 0);
        return;
    }
    DIR *d = fdopendir(fd);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_inside(fd, e->d_name, depth + 1);
    closedir(d);
    unlinkat(at, name, AT_REMOVEDIR);
}

void remove_tree(const char *path)
{
    remove_inside(AT_FDCWD, path, 0);
}

static void open_it(struct fixture *f)
{
    struct archive_options o = {.path = f->path, .reserve = 1 << 20};
    struct diag d = {""};
    err_t e = archive_open(&o, &f->a, &f->recovery, &d);
    if (e != OK)
        print_error("%s\n", diag_text(&d, e));
    assert_ok(e);
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct diag d = {""};
    snprintf(f->path, sizeof f->path, "/tmp/lastra-archive-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    err_t e = archive_create(f->path, STR(""), &d);
    if (e != OK)
        print_error("%s\n", diag_text(&d, e));
    assert_ok(e);
    open_it(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    archive_close(f->a);
    remove_tree(f->path);
    free(f);
    return 0;
}

void fixture_reopen(struct fixture *f)
{
    archive_close(f->a);
    f->a = NULL;
    open_it(f);
}

static void set_element(struct dcm_ds *ds, const struct el *el)
{
    vr_t vr = VR(el->vr[0], el->vr[1]);
    if (vr == VR('U', 'S'))
        assert_ok(dcm_ds_set_u16(ds, el->tag, el->number));
    else
        assert_ok(dcm_ds_set(ds, el->tag, vr, str_z(el->text)));
}

struct dcm_ds *dataset_of(struct arena *a, const struct el *els)
{
    struct dcm_ds *ds = dcm_ds_new(a);
    for (; els->tag; els++)
        set_element(ds, els);
    return ds;
}

static struct wr write_dataset(const struct dcm_ds *ds, const char *transfer_syntax)
{
    const struct dcm_ts *ts = dcm_ts_guess(str_z(transfer_syntax));
    struct wr plain = wr_heap(64 << 20);
    dcm_ds_write(ds, ts->encoding, &plain);
    assert_false(plain.bad);
    if (!ts->deflated)
        return plain;
    struct wr w = wr_heap(64 << 20);
    struct dcm_deflate *z = dcm_deflate_new(&w);
    dcm_deflate(z, wr_str(&plain));
    dcm_deflate_end(z);
    dcm_deflate_free(z);
    wr_done(&plain);
    return w;
}

struct wr dataset_bytes(const struct el *els, const char *transfer_syntax)
{
    struct arena a = arena_init(64 << 20);
    struct wr w = write_dataset(dataset_of(&a, els), transfer_syntax);
    arena_done(&a);
    return w;
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static struct dcm_ds *slice_dataset(struct arena *a, const struct slice *s)
{
    const struct el els[] = {
        {TAG_SpecificCharacterSet, "CS", or_else(s->charset, "ISO_IR 192"), 0},
        {TAG_SOPClassUID, "UI", CT_CLASS, 0},
        {TAG_SOPInstanceUID, "UI", or_else(s->sop, "1.2.3.4.1.1"), 0},
        {TAG_StudyDate, "DA", or_else(s->date, "20240517"), 0},
        {TAG_StudyTime, "TM", or_else(s->time, "101112"), 0},
        {TAG_AccessionNumber, "SH", or_else(s->accession, "A1"), 0},
        {TAG_Modality, "CS", or_else(s->modality, "CT"), 0},
        {TAG_StudyDescription, "LO", or_else(s->description, "Thorax"), 0},
        {TAG_PatientName, "PN", or_else(s->name, "Doe^Jane"), 0},
        {TAG_PatientID, "LO", or_else(s->patient_id, "P1"), 0},
        {TAG_IssuerOfPatientID, "LO", or_else(s->issuer, ""), 0},
        {TAG_PatientBirthDate, "DA", or_else(s->birth, "19700102"), 0},
        {TAG_StudyInstanceUID, "UI", or_else(s->study, "1.2.3.4"), 0},
        {TAG_SeriesInstanceUID, "UI", or_else(s->series, "1.2.3.4.1"), 0},
        {TAG_InstanceNumber, "IS", or_else(s->number, "1"), 0},
        {TAG_Rows, "US", NULL, 512},
        {TAG_Columns, "US", NULL, 256},
        {0, NULL, NULL, 0},
    };
    struct dcm_ds *ds = dataset_of(a, els);
    for (const struct el *el = s->more; el && el->tag; el++)
        set_element(ds, el);
    if (s->pixels) {
        char *pixels = arena_alloc(a, s->pixels);
        assert_non_null(pixels);
        memset(pixels, 0xab, s->pixels);
        assert_ok(dcm_ds_set(ds, TAG_PixelData, VR('O', 'W'), str_of(pixels, s->pixels)));
    }
    return ds;
}

struct wr slice_bytes(const struct slice *s, const char *transfer_syntax)
{
    struct arena a = arena_init(64 << 20);
    struct wr w = write_dataset(slice_dataset(&a, s), transfer_syntax);
    arena_done(&a);
    return w;
}

static err_t feed(struct ingest *in, struct str bytes, const char *transfer_syntax, size_t piece,
                  struct ingest_result *ret)
{
    struct ingest_request rq = {.transfer_syntax = str_z(transfer_syntax), .source = STR("TESTER")};
    TRY(ingest_begin(in, &rq));
    for (size_t at = 0; at < bytes.n; at += piece)
        TRY(ingest_data(in, str_slice(bytes, at, piece)));
    return ingest_end(in, ret);
}

err_t take_in(struct archive *a, struct str bytes, const char *transfer_syntax, size_t piece,
              struct ingest_result *ret, struct diag *d)
{
    struct ingest *in;
    struct ingest_result unused;
    assert_ok(ingest_new(a, &in));
    err_t e = feed(in, bytes, transfer_syntax, piece, ret ? ret : &unused);
    if (d)
        *d = *ingest_diag(in);
    ingest_free(in);
    return e;
}

enum ingest_outcome store_slice(struct archive *a, const struct slice *s)
{
    struct wr w = slice_bytes(s, LE);
    struct ingest_result result;
    struct diag d;
    err_t e = take_in(a, wr_str(&w), LE, 1 << 16, &result, &d);
    if (e != OK)
        print_error("%s\n", diag_text(&d, e));
    assert_ok(e);
    wr_done(&w);
    return result.outcome;
}

size_t ask(struct archive *a, enum query_model model, bool relational, const struct el *els,
           tag_t tag, char *joined, size_t cap)
{
    struct arena arena = arena_init(16 << 20);
    struct query_options o = {.model = model, .relational = relational};
    struct wr w = wr_fixed(joined, cap ? cap - 1 : 0);
    struct query *q;
    struct dcm_ds *answer;
    struct diag d = {""};
    err_t e = query_open(a, &o, dataset_of(&arena, els), &q, NULL, &d);
    if (e != OK)
        print_error("%s\n", diag_text(&d, e));
    assert_ok(e);
    size_t n = 0;
    for (; (e = query_next(q, &answer)) == OK && answer; n++) {
        if (n && cap)
            wr_u8(&w, '|');
        if (cap)
            wr_put(&w, dcm_ds_text(answer, tag, &arena));
    }
    assert_ok(e);
    query_close(q);
    if (cap)
        joined[w.n] = 0;
    arena_done(&arena);
    return n;
}
