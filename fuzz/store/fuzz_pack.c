/* A pack file that somebody else made: opened, repaired, scanned, read, removed from, written to.
 * Byte 0 says how: 1 the header is the input's too, 2 leaders are made to check (an attacker who
 * has the key), 4 for reading only. What is stored afterwards must be there, whatever was. */
#include "base/rd.h"
#include "fuzz_folder.h"
#include "store/pack_file.h"

enum { RAW_HEADER = 1, KEYED = 2, READ_ONLY = 4, READ_MAX = 3 * PACK_CHUNK };

static const struct key KEY = {{7}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes every leader anew, with the input's kind and sizes, its own place, and checks that fit. */
static void make_leaders_check(uint8_t *p, size_t n)
{
    struct pack_keys keys;
    if (pack_keys_derive(&KEY, 1, &keys) != OK)
        abort();
    for (size_t at = PACK_RECORDS_AT; at + LEADER_SIZE <= n; at += RECORD_ALIGN) {
        if (!leader_like(p + at))
            continue;
        struct rd r = rd_of(str_of(p + at + 8, LEADER_SIZE - 8));
        struct leader l = {.kind = (enum record_kind)rd_u8(&r), .offset = at};
        rd_skip(&r, 31);
        l.head_size = rd_u64le(&r);
        l.size = rd_u64le(&r);
        memcpy(&l.target, p + at + 100, sizeof l.target);
        bool removed = p[at + 90] & 1;
        if (leader_write(&keys, &l, p + at) != OK)
            abort();
        if (removed)
            memset(p + at + LEADER_SECRET, 0, LEADER_SECRET_SIZE);
    }
}

static err_t visit(void *ctx, const struct pack_record *r)
{
    struct packs *p = ctx;
    struct pack_reader *reader;
    static uint8_t buf[READ_MAX];
    size_t n;
    if (r->info.end <= r->info.place.offset)
        abort();
    if (!r->live || pack_read(p, r->info.place, &reader, NULL) != OK)
        return OK;
    (void)!pack_read_at(reader, 0, buf, sizeof buf, &n);
    (void)!pack_read_at(reader, r->info.size / 2, buf, 100, &n);
    pack_reader_free(reader);
    if (r->info.size < 1 << 20)
        (void)!pack_check(p, r->info.place, NULL);
    (void)!pack_remove(p, r->info.place, NULL);
    return OK;
}

static struct pack_info store(struct packs *p)
{
    struct pack_writer *w;
    struct pack_info info;
    static const uint8_t digest[DIGEST_SIZE] = {1};
    if (pack_begin(p, &w, NULL) != OK || pack_head(w, STR("head")) != OK ||
        pack_body(w, STR("body")) != OK || pack_commit(w, digest, 0, &info, NULL) != OK)
        abort();
    return info;
}

static void use(struct packs_options *o)
{
    struct packs *p;
    uint64_t end, removed;
    if (packs_open(o, &p, NULL) != OK)
        return;
    (void)!pack_scan(p, 1, 0, visit, p, &end, NULL);
    struct pack_info info = {0};
    if (!o->read_only) {
        (void)!packs_settle(p, &removed, NULL);
        info = store(p);
    }
    packs_close(p);
    if (o->read_only)
        return;
    if (packs_open(o, &p, NULL) != OK || pack_check(p, info.place, NULL) != OK)
        abort();
    packs_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (size < 1 || size > 1 << 20)
        return 0;
    uint8_t mode = data[0];
    int fd = folder_make(path, sizeof path);
    struct packs_options o = {.dir = fd, .key = &KEY};
    struct packs *p;
    if (packs_open(&o, &p, NULL) != OK)
        abort();
    store(p);
    packs_close(p);
    /* A true header, then the input. */
    size_t n = mode & RAW_HEADER ? size - 1 : PACK_RECORDS_AT + size - 1;
    uint8_t *file = calloc(1, n + 1);
    int f;
    if (file_open(fd, "00000001.pack", FILE_WRITE, &f, NULL) != OK ||
        file_read_at(f, 0, file, n < 512 ? n : 512, NULL) != OK)
        abort();
    memcpy(file + n - (size - 1), data + 1, size - 1);
    if (mode & KEYED)
        make_leaders_check(file, n);
    if (file_truncate(f, 0, NULL) != OK || file_write_at(f, 0, file, n, NULL) != OK)
        abort();
    file_close(&f);
    o.read_only = mode & READ_ONLY;
    use(&o);
    free(file);
    folder_remove(fd, path);
    return 0;
}
