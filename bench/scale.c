/* The index at size: studies as a hospital makes them go in by the ingest path, without pixel data;
 * then queries of each kind are timed. Prints a curve, so that growth can be seen.
 *
 *     scale DIR [studies [threads [queries]]]         objects are not synced, to get there in hours
 *     SCALE_SYNC=1 scale ...                          they are
 *
 * DIR must not exist yet, or hold an archive that this program filled: then only queries run. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "archive/ingest.h"
#include "archive/query.h"
#include "base/size.h"
#include "dicom/tags.h"
#include "io/clock.h"
#include "io/thread.h"
#include "scale_data.h"

enum { THREADS_MAX = 16, STEP = 100000, SYNC_PROBE = 2000 };

static bool sync_objects = true;

/* Stands in for the library's while filling: what is measured there is the index. */
int fdatasync(int fd)
{
    return sync_objects ? (int)syscall(SYS_fdatasync, fd) : 0;
}

struct filler {
    struct archive *a;
    uint64_t first, end, step, studies; /* every step-th study from first */
    uint64_t objects;
};

static void must(err_t e, const struct diag *d, const char *what)
{
    if (e == OK)
        return;
    fprintf(stderr, "scale: %s: %s\n", what, diag_text(d, e));
    exit(1);
}

static void put_object(struct ingest *in, const struct scale_study *s, unsigned series,
                       unsigned instance, struct wr *w)
{
    struct ingest_request rq = {.transfer_syntax = STR("1.2.840.10008.1.2.1"),
                                .source = STR("MODALITY")};
    struct ingest_result result;
    wr_clear(w);
    scale_object(s, series, instance, w);
    err_t e = ingest_begin(in, &rq);
    if (e == OK)
        e = ingest_data(in, wr_str(w));
    if (e == OK)
        e = ingest_end(in, &result);
    must(e, ingest_diag(in), "ingest");
}

static void fill(void *arg)
{
    struct filler *f = arg;
    struct ingest *in;
    struct wr w = wr_heap(1 << 16);
    must(ingest_new(f->a, &in), NULL, "ingest");
    for (uint64_t n = f->first; n < f->end; n += f->step) {
        struct scale_study s = scale_study(n, f->studies);
        for (unsigned series = 0; series < s.series; series++)
            for (unsigned i = 0; i < s.per_series; i++, f->objects++)
                put_object(in, &s, series, i + 1, &w);
    }
    ingest_free(in);
    wr_done(&w);
}

static uint64_t file_bytes(const char *dir, const char *name)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static unsigned long rss_kib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %lu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

/* Of this process: what the clock on the wall says of a busy machine is not ours. */
static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Studies from..to with so many threads; objects a second. */
static double fill_part(struct archive *a, uint64_t from, uint64_t to, uint64_t studies,
                        unsigned threads, uint64_t *ret_objects)
{
    struct filler f[THREADS_MAX];
    struct thread *t[THREADS_MAX];
    int64_t start = clock_us();
    for (unsigned i = 0; i < threads; i++) {
        f[i] = (struct filler){a, from + i, to, threads, studies, 0};
        must(thread_start(fill, &f[i], "fill", &t[i]), NULL, "thread");
    }
    *ret_objects = 0;
    for (unsigned i = 0; i < threads; i++) {
        thread_join(t[i]);
        *ret_objects += f[i].objects;
    }
    must(archive_barrier(a), NULL, "barrier");
    return (double)*ret_objects * 1e6 / (double)(clock_us() - start);
}

static void fill_all(struct archive *a, const char *dir, uint64_t studies, unsigned threads)
{
    uint64_t total = 0, objects, part = STEP / 10, at = 0;
    printf("%12s %10s %12s %14s %12s %12s %10s\n", "objects", "studies", "objects/s",
           "synced, 1 thr", "CPU us/obj", "index B/obj", "RSS KiB");
    while (at < studies) {
        uint64_t end = at + part < studies ? at + part : studies,
                 probe = end - size_min(end - at, 200);
        int64_t cpu = cpu_us();
        double rate = fill_part(a, at, probe, studies, threads, &objects);
        double each = objects ? (double)(cpu_us() - cpu) / (double)objects : 0;
        total += objects;
        sync_objects = true;
        double synced = fill_part(a, probe, end, studies, 1, &objects);
        total += objects;
        sync_objects = getenv("SCALE_SYNC") != NULL;
        printf("%12llu %10llu %12.0f %14.0f %12.1f %12.1f %10lu\n", (unsigned long long)total,
               (unsigned long long)end, rate, synced, each,
               (double)file_bytes(dir, "index.db") / (double)total, rss_kib());
        fflush(stdout);
        at = end;
    }
}

/* Queries. */

struct question {
    const char *name, *level;
    tag_t tag;
    vr_t vr;
    void (*key)(const struct scale_study *s, char *text);
};

static void by_patient_id(const struct scale_study *s, char *text)
{
    snprintf(text, SCALE_TEXT, "%s", s->patient_id);
}

static void by_accession(const struct scale_study *s, char *text)
{
    snprintf(text, SCALE_TEXT, "%s", s->accession);
}

static void by_study(const struct scale_study *s, char *text)
{
    snprintf(text, SCALE_TEXT, "%s", s->uid);
}

static void by_name_prefix(const struct scale_study *s, char *text)
{
    size_t caret = str_find(str_z(s->name), '^');
    snprintf(text, SCALE_TEXT, "%.*s*", (int)caret + 3, s->name);
}

static void by_family_prefix(const struct scale_study *s, char *text)
{
    size_t caret = str_find(str_z(s->name), '^');
    snprintf(text, SCALE_TEXT, "%.*s*", (int)caret, s->name);
}

static void by_day(const struct scale_study *s, char *text)
{
    snprintf(text, SCALE_TEXT, "%s", s->date);
}

static void by_leading_wildcard(const struct scale_study *s, char *text)
{
    size_t caret = str_find(str_z(s->name), '^');
    snprintf(text, SCALE_TEXT, "*%.*s*", (int)(caret > 7 ? 7 : caret),
             s->name + caret - (caret > 7 ? 7 : caret));
}

static void by_description(const struct scale_study *s, char *text)
{
    snprintf(text, SCALE_TEXT, "*%llu nothing*", (unsigned long long)s->number);
}

static void by_given_name(const struct scale_study *s, char *text)
{
    size_t caret = str_find(str_z(s->name), '^');
    snprintf(text, SCALE_TEXT, "*%.*s^%.3s*", 5, s->name + (caret > 5 ? caret - 5 : 0),
             s->name + caret + 1);
}

static const struct question questions[] = {
    {"PatientID", "STUDY", TAG_PatientID, VR('L', 'O'), by_patient_id},
    {"AccessionNumber", "STUDY", TAG_AccessionNumber, VR('S', 'H'), by_accession},
    {"StudyInstanceUID", "STUDY", TAG_StudyInstanceUID, VR('U', 'I'), by_study},
    {"series of a study", "SERIES", TAG_StudyInstanceUID, VR('U', 'I'), by_study},
    {"name prefix, Family^Gi*", "STUDY", TAG_PatientName, VR('P', 'N'), by_name_prefix},
    {"name prefix, Family*", "STUDY", TAG_PatientName, VR('P', 'N'), by_family_prefix},
    {"a day's studies", "STUDY", TAG_StudyDate, VR('D', 'A'), by_day},
    {"leading wildcard *amily*", "STUDY", TAG_PatientName, VR('P', 'N'), by_leading_wildcard},
    {"leading wildcard *mily^Giv*", "STUDY", TAG_PatientName, VR('P', 'N'), by_given_name},
};

/* Looks at every study. */
static const struct question no_index = {"no index, whole archive", "STUDY", TAG_StudyDescription,
                                         VR('L', 'O'), by_description};

static struct dcm_ds *identifier(struct arena *a, const struct question *q, const char *key)
{
    static const tag_t returned[] = {
        TAG_StudyDate,
        TAG_StudyTime,
        TAG_AccessionNumber,
        TAG_ModalitiesInStudy,
        TAG_ReferringPhysicianName,
        TAG_StudyDescription,
        TAG_PatientName,
        TAG_PatientID,
        TAG_PatientBirthDate,
        TAG_PatientSex,
        TAG_StudyInstanceUID,
        TAG_StudyID,
        TAG_NumberOfStudyRelatedSeries,
        TAG_NumberOfStudyRelatedInstances,
    };
    struct dcm_ds *ds = dcm_ds_new(a);
    err_t e = ds ? OK : E_NOMEM;
    for (size_t i = 0; e == OK && i < COUNT(returned); i++)
        e = dcm_ds_set(ds, returned[i], VR('L', 'O'), STR(""));
    if (e == OK)
        e = dcm_ds_set(ds, TAG_SpecificCharacterSet, VR('C', 'S'), STR("ISO_IR 192"));
    if (e == OK)
        e = dcm_ds_set(ds, TAG_QueryRetrieveLevel, VR('C', 'S'), str_z(q->level));
    if (e == OK)
        e = dcm_ds_set(ds, q->tag, q->vr, str_z(key));
    must(e, NULL, "identifier");
    return ds;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static uint64_t answer_all(struct archive *a, const struct dcm_ds *ds)
{
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct query *q;
    struct dcm_ds *answer;
    struct diag d = {""};
    must(query_open(a, &o, ds, &q, NULL, &d), &d, "query");
    for (;;) {
        must(query_next(q, &answer), NULL, "query");
        if (!answer)
            break;
    }
    uint64_t n = query_answers(q);
    query_close(q);
    return n;
}

static void time_question(struct archive *a, const struct question *q, uint64_t studies, size_t n)
{
    double *ms = calloc(n, sizeof *ms);
    int64_t cpu = cpu_us();
    uint64_t answers = 0;
    for (size_t i = 0; ms && i < n; i++) {
        char key[SCALE_TEXT];
        struct arena arena = arena_init(1 << 20);
        struct scale_study s = scale_study(scale_random(i * 31 + 7) % studies, studies);
        q->key(&s, key);
        struct dcm_ds *ds = identifier(&arena, q, key);
        int64_t start = clock_us();
        answers += answer_all(a, ds);
        ms[i] = (double)(clock_us() - start) / 1000;
        arena_done(&arena);
    }
    if (!ms)
        exit(1);
    qsort(ms, n, sizeof *ms, by_size);
    printf("%-30s %10.2f %10.2f %10.2f %12.1f %12.2f\n", q->name, ms[n / 2], ms[n * 99 / 100],
           ms[n - 1], (double)answers / (double)n, (double)(cpu_us() - cpu) / 1000 / (double)n);
    fflush(stdout);
    free(ms);
}

static void time_state(struct archive *a)
{
    struct archive_state state;
    int64_t start = clock_us();
    must(archive_get_state(a, &state), NULL, "state");
    printf("%llu patients, %llu studies, %llu series, %llu instances, counted in %.1f ms\n",
           (unsigned long long)state.patients, (unsigned long long)state.studies,
           (unsigned long long)state.series, (unsigned long long)state.instances,
           (double)(clock_us() - start) / 1000);
}

static struct archive *open_timed(const char *dir)
{
    struct archive_options o = {.path = dir, .reserve = 1 << 20};
    struct archive *a;
    struct archive_recovery r;
    struct diag d = {""};
    int64_t start = clock_us();
    must(archive_open(&o, &a, &r, &d), &d, "open");
    printf("opened in %.1f ms, %llu records replayed, %llu skipped, RSS %lu KiB\n",
           (double)(clock_us() - start) / 1000, (unsigned long long)r.replayed,
           (unsigned long long)r.skipped, rss_kib());
    return a;
}

static uint64_t number_arg(int argc, char **argv, int i, uint64_t otherwise)
{
    uint64_t v = otherwise;
    return i < argc && str_to_u64(str_z(argv[i]), UINT32_MAX, &v) && v ? v : otherwise;
}

int main(int argc, char **argv)
{
    struct diag d = {""};
    if (argc < 2) {
        fprintf(stderr, "usage: scale DIR [studies [threads [queries]]]\n");
        return 2;
    }
    uint64_t studies = number_arg(argc, argv, 2, 10000);
    unsigned threads = (unsigned)size_min(number_arg(argc, argv, 3, 2), THREADS_MAX);
    size_t queries = number_arg(argc, argv, 4, 1000);
    err_t e = archive_create(argv[1], STR(""), &d);
    struct archive *a;
    sync_objects = getenv("SCALE_SYNC") != NULL;
    if (e == OK) {
        a = open_timed(argv[1]);
        fill_all(a, argv[1], studies, threads);
        archive_close(a);
    } else if (e != E_EXISTS) {
        must(e, &d, "create");
    }
    sync_objects = true;
    a = open_timed(argv[1]);
    printf("%-30s %10s %10s %10s %12s %12s\n", "query, ms", "p50", "p99", "max", "answers",
           "CPU, mean");
    for (size_t i = 0; i < COUNT(questions); i++)
        time_question(a, &questions[i], studies, queries);
    time_question(a, &no_index, studies, 2);
    time_state(a);
    printf("RSS %lu KiB\n", rss_kib());
    archive_close(a);
    return 0;
}
