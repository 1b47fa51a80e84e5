#include "archive/import_note.h"

#include <stdlib.h>

#include "base/size.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/thread.h"

enum { NOTE_LABEL_MAX = 1 << 16, NOTE_NAME = 24, KEYS_FIRST = 1024, NOTE_MAX = 1 << 29 };

struct import_note {
    lock_t lock; /* guards all that follows */
    int dir, fd;
    char name[NOTE_NAME];
    uint64_t size;  /* of the file */
    uint64_t *keys; /* an open hash table; 0 is a free place */
    size_t cap, n;
};

static void place(uint64_t *keys, size_t cap, uint64_t key)
{
    size_t i = key & (cap - 1);
    while (keys[i] && keys[i] != key)
        i = (i + 1) & (cap - 1);
    keys[i] = key;
}

static err_t grow(struct import_note *n)
{
    size_t cap = n->cap ? n->cap * 2 : KEYS_FIRST;
    uint64_t *keys = calloc(cap, sizeof *keys);
    if (!keys)
        return E_NOMEM;
    for (size_t i = 0; i < n->cap; i++)
        if (n->keys[i])
            place(keys, cap, n->keys[i]);
    free(n->keys);
    n->keys = keys;
    n->cap = cap;
    return OK;
}

static err_t remember(struct import_note *n, uint64_t key)
{
    if (n->n >= n->cap / 2)
        TRY(grow(n));
    place(n->keys, n->cap, key);
    n->n++;
    return OK;
}

static bool knows(const struct import_note *n, uint64_t key)
{
    for (size_t i = key & (n->cap - 1); n->cap && n->keys[i]; i = (i + 1) & (n->cap - 1))
        if (n->keys[i] == key)
            return true;
    return false;
}

static err_t load(struct import_note *n, struct diag *d)
{
    uint8_t buf[8 * 1024];
    TRY(file_size(n->fd, &n->size, d));
    n->size = n->size / 8 * 8;
    if (n->size > NOTE_MAX)
        return diag_set(d, E_LIMIT, "DATA/import/%s is too long; remove it", n->name);
    for (uint64_t at = 0; at < n->size; at += sizeof buf) {
        size_t part = (size_t)(n->size - at < sizeof buf ? n->size - at : sizeof buf);
        TRY(file_read_at(n->fd, at, buf, part, d));
        for (size_t i = 0; i < part; i += 8) {
            uint64_t key;
            memcpy(&key, buf + i, 8);
            if (key)
                TRY(remember(n, key));
        }
    }
    return OK;
}

static err_t name_of(struct str source, char ret[NOTE_NAME])
{
    uint8_t digest[DIGEST_SIZE];
    TRY(crypto_sha256(source, digest));
    struct wr w = wr_fixed(ret, NOTE_NAME - 1);
    wr_hex(&w, str_of(digest, 8));
    wr_put(&w, STR(".note"));
    ret[w.n] = '\0';
    return OK;
}

static err_t open_file(struct import_note *n, int data_dir, bool afresh, struct diag *d)
{
    TRY(dir_make(data_dir, "import", &n->dir, d));
    TRY(file_open(n->dir, n->name, FILE_OPEN_OR_CREATE, &n->fd, d));
    if (afresh)
        TRY(file_truncate(n->fd, 0, d));
    return load(n, d);
}

err_t import_note_open(int data_dir, struct str source, bool afresh, struct import_note **ret,
                       struct diag *d)
{
    struct import_note *n = calloc(1, sizeof *n);
    if (!n)
        return E_NOMEM;
    n->lock = (lock_t)PTHREAD_MUTEX_INITIALIZER;
    n->dir = n->fd = -1;
    err_t e = name_of(source, n->name);
    if (e == OK)
        e = open_file(n, data_dir, afresh, d);
    if (e != OK) {
        import_note_close(n, false);
        return e;
    }
    *ret = n;
    return OK;
}

bool import_note_has(struct import_note *n, uint64_t key)
{
    LOCKED(&n->lock);
    return knows(n, key);
}

err_t import_note_add(struct import_note *n, uint64_t key)
{
    LOCKED(&n->lock);
    if (knows(n, key))
        return OK;
    TRY(remember(n, key));
    TRY(file_write_at(n->fd, n->size, &key, sizeof key, NULL));
    n->size += sizeof key;
    return OK;
}

void import_note_close(struct import_note *n, bool finished)
{
    if (!n)
        return;
    file_close(&n->fd);
    /* What cannot be removed is at worst read again and found to be there. */
    if (finished && n->dir >= 0 && file_remove(n->dir, n->name, NULL) != OK)
        n->n = 0;
    file_close(&n->dir);
    free(n->keys);
    free(n);
}

err_t import_note_key(struct str label, uint64_t size, int64_t modified_us, uint64_t *ret)
{
    uint8_t digest[DIGEST_SIZE];
    struct wr w __attribute__((cleanup(wr_done))) = wr_heap(NOTE_LABEL_MAX);
    wr_printf(&w, "%llu|%lld|", (unsigned long long)size, (long long)modified_us);
    wr_put(&w, label);
    TRY(wr_flush(&w));
    TRY(crypto_sha256(wr_str(&w), digest));
    memcpy(ret, digest, sizeof *ret);
    *ret |= !*ret;
    return OK;
}
