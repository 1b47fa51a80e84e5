#include "archive/import_media.h"

#include <fcntl.h>

#include "dicom/dataset.h"
#include "dicom/part10.h"
#include "dicom/tags.h"
#include "io/file.h"

enum { DICOMDIR_MAX = 64 << 20, DICOMDIR_ARENA = 256 << 20, PATH_MAX_ = 2048 };

struct media {
    struct str folder; /* with its slash */
    void (*missing)(void *ctx, const char *file);
    void *ctx;
};

static bool is_component(struct str s)
{
    return s.n && s.n <= 64 && str_find(s, '/') == s.n && str_find(s, '\0') == s.n && s.p[0] != '.';
}

/* "DIR\SUB\FILE" below the folder; lower: in small letters, as some systems show a disc's names. */
static bool path_of(const struct media *m, struct str id, bool lower, struct wr *w)
{
    struct str part, rest = id;
    wr_clear(w);
    wr_put(w, m->folder);
    for (bool first = true; str_split(&rest, '\\', &part); first = false) {
        part = str_unpad(part);
        if (!is_component(part))
            return false;
        if (!first)
            wr_u8(w, '/');
        for (size_t i = 0; i < part.n; i++) {
            bool upper = part.p[i] >= 'A' && part.p[i] <= 'Z';
            wr_u8(w, (uint8_t)(lower && upper ? part.p[i] + 32 : part.p[i]));
        }
    }
    wr_u8(w, '\0');
    return !w->bad;
}

static bool there(const char *path)
{
    struct file_info info;
    return file_stat(AT_FDCWD, path, &info, NULL) == OK;
}

static void check(const struct media *m, struct str id)
{
    char a[PATH_MAX_], b[PATH_MAX_];
    struct wr wa = wr_fixed(a, sizeof a), wb = wr_fixed(b, sizeof b);
    if (!path_of(m, id, false, &wa) || !path_of(m, id, true, &wb))
        return;
    if (!there(a) && !there(b))
        m->missing(m->ctx, a);
}

static err_t parse(struct str file, struct arena *a, const struct media *m, struct diag *d)
{
    struct dcm_meta meta;
    struct dcm_ds *ds;
    if (dcm_meta_read(file, true, &meta, d) != STEP_DONE)
        return E_MALFORMED;
    TRY(dcm_ds_parse(a, str_slice(file, (size_t)meta.data_at, file.n), meta.ts->encoding,
                     &DCM_LIMITS_DEFAULT, true, &ds, d));
    const struct dcm_ds *record;
    for (size_t i = 0; (record = dcm_ds_item(ds, TAG_DirectoryRecordSequence, i)); i++) {
        struct str id = dcm_ds_str(record, TAG_ReferencedFileID);
        if (id.n)
            check(m, id);
    }
    return OK;
}

err_t import_media_check(const char *path, void (*missing)(void *ctx, const char *file), void *ctx,
                         struct diag *d)
{
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(DICOMDIR_MAX);
    struct arena arena __attribute__((cleanup(arena_done))) = arena_init(DICOMDIR_ARENA);
    struct str s = str_z(path);
    size_t slash = s.n;
    while (slash && s.p[slash - 1] != '/')
        slash--;
    struct media m = {str_slice(s, 0, slash), missing, ctx};
    TRY(file_load(AT_FDCWD, path, DICOMDIR_MAX, &w, d));
    return parse(wr_str(&w), &arena, &m, d);
}
