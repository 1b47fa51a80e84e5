/* How much of the disk's own rate the packs keep: bare write+fdatasync against pack writers, the
 * same bytes in the same run. pack_bench DIR SIZE COUNT [THREADS] prints one JSON line; the packs
 * it makes stay in DIR. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/clock.h"
#include "io/file.h"
#include "io/thread.h"
#include "store/pack.h"

enum { ROUNDS = 5, HEAD = 2000, PIECE = 16000, THREADS_MAX = 64 };

struct job {
    struct packs *packs;
    const char *bytes;
    size_t size, count;
    int fd; /* bare: its own file */
    bool reserve;
    err_t error;
    struct diag diag;
};

static void run_bare(void *arg)
{
    struct job *j = arg;
    uint64_t at = 0, held = 0;
    for (size_t i = 0; i < j->count && j->error == OK; i++, at += j->size) {
        if (j->reserve && at + j->size > held) {
            j->error = file_reserve(j->fd, held, 64 << 20, &j->diag);
            held += 64 << 20;
        }
        if (j->error == OK)
            j->error = file_write_at(j->fd, at, j->bytes, j->size, &j->diag);
        if (j->error == OK)
            j->error = file_sync(j->fd, &j->diag);
    }
}

static err_t write_one(struct job *j)
{
    struct pack_writer *w;
    struct pack_info info;
    static const uint8_t digest[DIGEST_SIZE];
    struct str body = str_of(j->bytes + HEAD, j->size - HEAD);
    TRY(pack_begin(j->packs, &w, &j->diag));
    err_t e = pack_head(w, str_of(j->bytes, HEAD));
    /* As they come from an association: PDVs of 16 kB. */
    for (size_t at = 0; e == OK && at < body.n; at += PIECE)
        e = pack_body(w, str_slice(body, at, PIECE));
    if (e == OK)
        return pack_commit(w, digest, 0, &info, &j->diag);
    pack_abandon(w);
    return e;
}

static void run_pack(void *arg)
{
    struct job *j = arg;
    for (size_t i = 0; i < j->count && j->error == OK; i++)
        j->error = write_one(j);
}

static double run_all(struct job *jobs, size_t n, void (*run)(void *arg))
{
    struct thread *threads[THREADS_MAX];
    int64_t start = clock_us();
    for (size_t i = 0; i < n; i++)
        if (thread_start(run, &jobs[i], "bench", &threads[i]) != OK)
            exit(1);
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        thread_join(threads[i]);
        total += jobs[i].count;
        if (jobs[i].error != OK) {
            fprintf(stderr, "%s\n", diag_text(&jobs[i].diag, jobs[i].error));
            exit(1);
        }
    }
    return (double)total / ((double)(clock_us() - start) / 1e6);
}

static double bare(int dir, const struct job *like, size_t n, bool reserve)
{
    struct job jobs[THREADS_MAX];
    char name[32];
    for (size_t i = 0; i < n; i++) {
        jobs[i] = *like;
        jobs[i].reserve = reserve;
        snprintf(name, sizeof name, "bare-%zu", i);
        if (file_open(dir, name, FILE_OPEN_OR_CREATE, &jobs[i].fd, &jobs[i].diag) != OK)
            exit(1);
    }
    double rate = run_all(jobs, n, run_bare);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "bare-%zu", i);
        file_close(&jobs[i].fd);
        if (file_remove(dir, name, NULL) != OK)
            exit(1);
    }
    return rate;
}

static err_t remove_one(void *ctx, const char *name)
{
    return file_remove(*(int *)ctx, name, NULL);
}

static double packed(int dir, const struct job *like, size_t n)
{
    struct job jobs[THREADS_MAX];
    struct key key = {{1}};
    struct packs_options o = {.dir = dir, .key = &key};
    struct packs *p;
    struct diag d = {0};
    if (packs_open(&o, &p, &d) != OK) {
        fprintf(stderr, "%s\n", d.text);
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        jobs[i] = *like;
        jobs[i].packs = p;
    }
    double rate = run_all(jobs, n, run_pack);
    packs_close(p);
    /* As the bare files are: blocks that were in use a moment ago are not the same as new ones. */
    if (dir_each(dir, remove_one, &dir, &d) != OK)
        exit(1);
    return rate;
}

static int order(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof *v, order);
    return v[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    uint64_t size, count, threads = 1;
    struct diag d = {0};
    int dir;
    if (argc < 4 || !str_to_u64(str_z(argv[2]), 1 << 30, &size) || size < HEAD ||
        !str_to_u64(str_z(argv[3]), 1 << 30, &count) ||
        (argc > 4 && (!str_to_u64(str_z(argv[4]), THREADS_MAX, &threads) || threads == 0))) {
        fprintf(stderr, "use: pack_bench DIR SIZE COUNT [THREADS]\n");
        return 2;
    }
    if (dir_make(AT_FDCWD, argv[1], &dir, &d) != OK) {
        fprintf(stderr, "%s\n", d.text);
        return 1;
    }
    char *bytes = malloc(size);
    if (!bytes || crypto_random(bytes, size) != OK)
        return 1;
    struct job job = {.bytes = bytes, .size = size, .count = count / threads};
    double plain[ROUNDS], held[ROUNDS], pack[ROUNDS];
    /* Interleaved, since the disk has moods; the median round counts. */
    for (int i = 0; i < ROUNDS; i++) {
        plain[i] = bare(dir, &job, threads, false);
        held[i] = bare(dir, &job, threads, true);
        pack[i] = packed(dir, &job, threads);
    }
    double b = median(plain), h = median(held), p = median(pack);
    printf("{\"size\":%zu,\"threads\":%zu,\"bare\":%.0f,\"bare_reserved\":%.0f,\"pack\":%.0f,"
           "\"pack_to_bare\":%.2f,\"pack_to_bare_reserved\":%.2f}\n",
           (size_t)size, (size_t)threads, b, h, p, p / b, p / h);
    free(bytes);
    file_close(&dir);
    return 0;
}
