#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "dicom/tags.h"
#include "dicom/uid.h"
#include "house.h"
#include "io/clock.h"
#include "io/file.h"
#include "scu/query.h"
#include "scu/store.h"

#define CT UID_CTImageStorage
#define FIND UID_StudyRootQueryRetrieveInformationModelFind
#define GET UID_StudyRootQueryRetrieveInformationModelGet
#define ELE UID_ExplicitVRLittleEndian
#define UID_OF_STUDY "1.2.826.0.1.3680043.10.1474.9.%u"

static void count_line(void *ctx, enum log_level level, struct str line)
{
    static const char *const names[] = {
#define LOG(id, lvl, text) text,
#include "base/log.def"
#undef LOG
    };
    struct house *h = ctx;
    (void)level;
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_starts(line, str_z(names[i])) && line.p[strlen(names[i])] == ':')
            atomic_fetch_add(&h->lines[i], 1);
}

static void add_peer(struct house *h, const char *aet, const char *grants)
{
    struct diag d = {{0}};
    struct peer *p = calloc(1, sizeof *p);
    p->limits = PEER_LIMITS_DEFAULT;
    assert_ok(peer_set_aet(p, str_z(aet), &d));
    assert_ok(peer_add_network(p, STR("127.0.0.1"), &d));
    assert_ok(grants_parse(str_z(grants), &p->grants, &d));
    assert_ok(access_add_peer(h->access, p, &d));
    free(p);
}

static void open_data(struct house *h)
{
    struct diag d = {{0}};
    struct sql *sql;
    struct archive_options ao = {.path = h->path, .mode = ARCHIVE_WORK};
    assert_ok(archive_create(h->path, STR(""), &d));
    assert_ok(archive_open(&ao, &h->archive, NULL, &d));
    assert_ok(archive_index_open(h->path, STR(""), false, &sql, &d));
    assert_ok(access_open(&(struct access_options){.sql = sql}, &h->access, &d));
    assert_ok(dir_open(AT_FDCWD, h->path, &h->dir, &d));
    assert_ok(dir_make(h->dir, "audit", &h->audit_dir, &d));
    struct audit_options o = {
        .dir = h->audit_dir, .key = &archive_keys(h->archive)->chain, .source_id = STR("LASTRA")};
    assert_ok(audit_open(&o, &h->audit, &d));
}

void house_build(struct house *h)
{
    memset(h, 0, sizeof *h);
    snprintf(h->path, sizeof h->path, "/tmp/lastra-house-XXXXXX");
    assert_non_null(mkdtemp(h->path));
    open_data(h);
    add_peer(h, "TEST", "echo,store,find,get,move");
    add_peer(h, "READER", "find");
    assert_ok(stop_init(&h->stop));
    h->log = (struct log){LOG_LEVEL_DEBUG, count_line, h};
    h->listen = (struct server_listen){.host = STR("127.0.0.1")};
    h->options = (struct server_options){
        .archive = h->archive,
        .access = h->access,
        .audit = h->audit,
        .log = &h->log,
        .stop = &h->stop,
        .listen = &h->listen,
        .n_listen = 1,
        .ae_title = STR("LASTRA"),
        .limits = {5000, 60000, 10000, 131072, 16},
        .data_limits = DCM_LIMITS_DEFAULT,
        .associations = 100,
        .handshakes = 100,
        .contexts = 128,
        .identifier_size = 1 << 20,
        .query_ms = 60000,
        .pending_ms = 500,
        .move_ms = 5000,
        .operations = 16,
        .stop_ms = 5000,
    };
}

static void serve(void *arg)
{
    struct house *h = arg;
    h->ended = server_run(h->server);
}

void house_open(struct house *h)
{
    struct diag d = {{0}};
    assert_ok(server_new(&h->options, &h->server, &d));
    assert_ok(thread_start(serve, h, "serve", &h->thread));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void house_close(struct house *h)
{
    stop_set(&h->stop);
    thread_join(h->thread);
    assert_ok(h->ended);
    server_free(h->server);
    audit_close(h->audit);
    access_close(h->access);
    archive_close(h->archive);
    file_close(&h->audit_dir);
    file_close(&h->dir);
    stop_done(&h->stop);
    nftw(h->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct scu_peer house_peer(struct house *h, const char *calling)
{
    return (struct scu_peer){
        .host = STR("127.0.0.1"),
        .port = server_port(h->server, 0),
        .called = STR("LASTRA"),
        .calling = str_z(calling),
        .limits = ASSOC_LIMITS_DEFAULT,
    };
}

struct assoc *house_call(struct house *h, const char *calling)
{
    struct str syntax[] = {STR(ELE)};
    struct pdu_context contexts[] = {
        {.id = 1, .abstract = STR(CT), .transfers = syntax, .n_transfers = 1},
        {.id = 3, .abstract = STR(FIND), .transfers = syntax, .n_transfers = 1},
        {.id = 5, .abstract = STR(GET), .transfers = syntax, .n_transfers = 1},
        {.id = 7, .abstract = STR(UID_Verification), .transfers = syntax, .n_transfers = 1},
    };
    struct pdu_role role = {STR(CT), true, true};
    struct pdu_associate rq = {
        .contexts = contexts, .n_contexts = COUNT(contexts), .roles = &role, .n_roles = 1};
    struct scu_peer p = house_peer(h, calling);
    struct assoc *a = NULL;
    struct diag d = {{0}};
    return scu_open_with(&p, &rq, &a, &d) == OK ? a : NULL;
}

/* Tests on many threads: cmocka's assertions belong to the main one, so that these abort. */
static void must(err_t e)
{
    if (e != OK) {
        fprintf(stderr, "unexpected: %s\n", err_text(e));
        abort();
    }
}

static void set(struct dcm_ds *ds, tag_t tag, const char *vr, const char *text)
{
    must(dcm_ds_set(ds, tag, VR(vr[0], vr[1]), str_z(text)));
}

static struct dcm_ds *object(struct arena *arena, unsigned study, unsigned instance, char uid[80])
{
    char text[80];
    static const char pixels[512];
    struct dcm_ds *ds = dcm_ds_new(arena);
    snprintf(uid, 80, UID_OF_STUDY ".1.%u", study, instance);
    set(ds, TAG_SOPClassUID, "UI", CT);
    set(ds, TAG_SOPInstanceUID, "UI", uid);
    set(ds, TAG_PatientName, "PN", "TEST^HOUSE");
    snprintf(text, sizeof text, "P%u", study);
    set(ds, TAG_PatientID, "LO", text);
    snprintf(text, sizeof text, UID_OF_STUDY, study);
    set(ds, TAG_StudyInstanceUID, "UI", text);
    snprintf(text, sizeof text, UID_OF_STUDY ".1", study);
    set(ds, TAG_SeriesInstanceUID, "UI", text);
    must(dcm_ds_set(ds, TAG_PixelData, VR('O', 'W'), str_of(pixels, sizeof pixels)));
    return ds;
}

static err_t whole(void *ctx, struct str *ret_piece, bool *ret_last)
{
    *ret_piece = *(struct str *)ctx;
    *ret_last = true;
    return OK;
}

uint16_t house_store(struct assoc *a, unsigned study, unsigned instance)
{
    char uid[80];
    struct arena arena = arena_init(1 << 20);
    struct wr w = wr_heap(1 << 20);
    dcm_ds_write(object(&arena, study, instance, uid), DCM_EXPLICIT_LE, &w);
    struct str bytes = wr_str(&w);
    struct scu_object o = {.sop_class = STR(CT),
                           .sop_instance = str_z(uid),
                           .transfer_syntax = STR(ELE),
                           .next = whole,
                           .ctx = &bytes};
    struct dimse_command rsp;
    must(scu_store(a, &o, (uint16_t)instance, 0, NULL, NULL));
    must(scu_response(a, C_STORE_RSP, (uint16_t)instance, &rsp));
    wr_done(&w);
    arena_done(&arena);
    return rsp.status;
}

static err_t count_answer(void *ctx, const struct dcm_ds *answer)
{
    (void)answer;
    ++*(size_t *)ctx;
    return OK;
}

uint16_t house_find(struct assoc *a, const char *patient, size_t *ret_answers)
{
    struct arena arena = arena_init(1 << 20);
    struct dcm_ds *keys = dcm_ds_new(&arena);
    struct scu_outcome outcome = {0};
    *ret_answers = 0;
    set(keys, TAG_QueryRetrieveLevel, "CS", "STUDY");
    set(keys, TAG_PatientID, "LO", patient);
    set(keys, TAG_StudyInstanceUID, "UI", "");
    struct scu_query q = {.model = STR(FIND), .keys = keys, .message_id = 7};
    must(scu_find(a, &q, &(struct scu_find_calls){count_answer, ret_answers}, &outcome));
    arena_done(&arena);
    return outcome.status;
}

static err_t sink_begin(void *ctx, const struct dimse_command *rq, struct str transfer_syntax)
{
    (void)ctx;
    (void)rq;
    (void)transfer_syntax;
    return OK;
}

static err_t sink_data(void *ctx, struct str piece)
{
    (void)ctx;
    (void)piece;
    return OK;
}

static err_t sink_end(void *ctx)
{
    ++*(size_t *)ctx;
    return OK;
}

static void sink_drop(void *ctx)
{
    (void)ctx;
}

uint16_t house_get(struct assoc *a, unsigned study, size_t *ret_objects)
{
    struct arena arena = arena_init(1 << 20);
    struct dcm_ds *keys = dcm_ds_new(&arena);
    struct scu_outcome outcome = {0};
    char uid[80];
    *ret_objects = 0;
    snprintf(uid, sizeof uid, UID_OF_STUDY, study);
    set(keys, TAG_QueryRetrieveLevel, "CS", "STUDY");
    set(keys, TAG_StudyInstanceUID, "UI", uid);
    struct scu_query q = {.model = STR(GET), .keys = keys, .message_id = 8};
    struct scu_sink sink = {sink_begin, sink_data, sink_end, sink_drop, ret_objects};
    must(scu_get(a, &q, &sink, NULL, &outcome));
    arena_done(&arena);
    return outcome.status;
}
