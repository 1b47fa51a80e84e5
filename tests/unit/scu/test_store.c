/* scu/store: one object over an association: as stored, converted, refused, broken off. */
#include "dicom/tags.h"
#include "scp.h"
#include "scu/scu.h"
#include "scu/store.h"

static const struct assoc_limits plain = {3000, 3000, 3000, 16384, 1};

/* An object in memory, in pieces; it can fail after some of them. */
struct source {
    struct str rest;
    size_t piece;
    int good; /* pieces until it fails; -1: never */
};

static err_t next(void *ctx, struct str *ret_piece, bool *ret_last)
{
    struct source *s = ctx;
    if (s->good == 0)
        return E_IO;
    s->good -= s->good > 0;
    *ret_piece = str_slice(s->rest, 0, s->piece);
    s->rest = str_slice(s->rest, ret_piece->n, s->rest.n);
    *ret_last = s->rest.n == 0;
    return OK;
}

/* What the other side received. */
struct taken {
    struct wr bytes;
    struct dimse_command c;
    char instance[65], originator[17], syntax[65];
    err_t end;
};

static void copy(struct str s, char *to, size_t cap)
{
    assert_true(str_to_z(s, to, cap));
}

static void serve(struct assoc *a, void *ctx)
{
    struct taken *t = ctx;
    while ((t->end = assoc_next(a, 0, &t->c)) == OK) {
        struct str piece;
        bool last = false;
        copy(t->c.sop_instance, t->instance, sizeof t->instance);
        copy(t->c.originator, t->originator, sizeof t->originator);
        copy(assoc_context(a, t->c.context)->transfer_syntax, t->syntax, sizeof t->syntax);
        while (!last && (t->end = assoc_data(a, &piece, &last)) == OK)
            wr_put(&t->bytes, piece);
        if (t->end != OK)
            return;
        struct dimse_command rsp = dimse_response(&t->c, DIMSE_SUCCESS);
        assert_ok(assoc_send(a, t->c.context, &rsp));
    }
}

static struct rig r;
static struct taken taken;
static struct wr object;

/* An association whose other side accepts the contexts of CT with these syntaxes, one each. */
static void open_with(const char *first, const char *second)
{
    static struct str syntaxes[2];
    struct pdu_context contexts[2] = {
        {.id = 1, .abstract = STR(CT), .transfers = &syntaxes[0], .n_transfers = 1},
        {.id = 3, .abstract = STR(CT), .transfers = &syntaxes[1], .n_transfers = 1}};
    struct pdu_associate rq = rig_request();
    syntaxes[0] = str_z(first);
    syntaxes[1] = str_z(second);
    rq.contexts = contexts;
    rq.n_contexts = second ? 2 : 1;
    rig_pair(&r, &plain, &rq, &plain, serve, &taken);
}

static int setup(void **state)
{
    (void)state;
    object = wr_heap(32 << 20);
    taken = (struct taken){.bytes = wr_heap(32 << 20)};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wr_done(&object);
    wr_done(&taken.bytes);
    return 0;
}

static err_t store(struct source *s, const char *syntax, const struct scu_origin *origin,
                   struct diag *d)
{
    struct scu_object o = {STR(CT), STR("1.2.3.4"), str_z(syntax), next, s};
    struct dimse_command rsp;
    TRY(scu_store(r.assoc, &o, 7, 0, origin, d));
    assert_ok(scu_response(r.assoc, C_STORE_RSP, 7, &rsp));
    assert_int_equal(rsp.status, DIMSE_SUCCESS);
    return OK;
}

static void close_all(void)
{
    if (assoc_is_open(r.assoc))
        assert_ok(assoc_release(r.assoc));
    rig_close(&r);
}

static void object_goes_as_it_is_stored(void **state)
{
    (void)state;
    struct diag d = {""};
    struct scu_origin origin = {STR("MOVER"), 42};
    open_with(UID_ImplicitVRLittleEndian, UID_ExplicitVRLittleEndian);
    make_dataset(&object, "1.2.3.4", 300000, DCM_EXPLICIT_LE);
    struct source s = {wr_str(&object), 50000, -1};
    assert_ok(store(&s, UID_ExplicitVRLittleEndian, &origin, &d));
    close_all();
    assert_string_equal(taken.syntax, UID_ExplicitVRLittleEndian);
    assert_true(str_eq(wr_str(&taken.bytes), wr_str(&object)));
    assert_string_equal(taken.originator, "MOVER");
    assert_string_equal(taken.instance, "1.2.3.4");
    assert_err(taken.end, E_CLOSED);
}

static void uncompressed_object_is_converted_where_it_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        enum dcm_encoding in, out;
    } ways[] = {
        {UID_ExplicitVRLittleEndian, UID_ImplicitVRLittleEndian, DCM_EXPLICIT_LE, DCM_IMPLICIT_LE},
        {UID_ImplicitVRLittleEndian, UID_ExplicitVRLittleEndian, DCM_IMPLICIT_LE, DCM_EXPLICIT_LE},
        {UID_ExplicitVRBigEndian, UID_ImplicitVRLittleEndian, DCM_EXPLICIT_BE, DCM_IMPLICIT_LE},
    };
    for (size_t i = 0; i < 3; i++) {
        struct diag d = {""};
        struct wr expected = wr_heap(32 << 20);
        wr_clear(&object);
        wr_clear(&taken.bytes);
        open_with(ways[i].to, NULL);
        make_dataset(&object, "1.2.3.4", 200000, ways[i].in);
        make_dataset(&expected, "1.2.3.4", 200000, ways[i].out);
        struct source s = {wr_str(&object), 7777, -1};
        assert_ok(store(&s, ways[i].from, NULL, &d));
        close_all();
        assert_string_equal(taken.syntax, ways[i].to);
        assert_true(str_eq(wr_str(&taken.bytes), wr_str(&expected)));
        wr_done(&expected);
    }
}

static void compressed_object_is_not_sent_as_something_else(void **state)
{
    (void)state;
    struct diag d = {""};
    open_with(UID_ExplicitVRLittleEndian, UID_ImplicitVRLittleEndian);
    struct source s = {STR("fragments"), 100, -1};
    assert_err(store(&s, UID_JPEGBaseline8Bit, NULL, &d), E_UNSUPPORTED);
    assert_non_null(strstr(d.text, "JPEG"));
    assert_true(assoc_is_open(r.assoc)); /* nothing was sent: the next one may */
    make_dataset(&object, "1.2.3.4", 100, DCM_EXPLICIT_LE);
    s = (struct source){wr_str(&object), 100, -1};
    assert_ok(store(&s, UID_ExplicitVRLittleEndian, NULL, &d));
    close_all();
}

static void unreadable_object_costs_nothing_before_its_first_byte(void **state)
{
    (void)state;
    struct diag d = {""};
    open_with(UID_ExplicitVRLittleEndian, NULL);
    struct source s = {STR("x"), 1, 0};
    assert_err(store(&s, UID_ExplicitVRLittleEndian, NULL, &d), E_IO);
    assert_true(d.text[0]);
    assert_true(assoc_is_open(r.assoc));
    close_all();
    assert_int_equal(taken.bytes.n, 0);
}

static void object_that_breaks_off_aborts_and_is_never_whole(void **state)
{
    (void)state;
    struct diag d = {""};
    open_with(UID_ExplicitVRLittleEndian, NULL);
    make_dataset(&object, "1.2.3.4", 300000, DCM_EXPLICIT_LE);
    struct source s = {wr_str(&object), 50000, 3};
    assert_err(store(&s, UID_ExplicitVRLittleEndian, NULL, &d), E_IO);
    assert_false(assoc_is_open(r.assoc));
    close_all();
    assert_err(taken.end, E_REJECTED); /* an abort, and not the last fragment */
}

static void malformed_object_cannot_be_converted(void **state)
{
    (void)state;
    struct diag d = {""};
    open_with(UID_ImplicitVRLittleEndian, NULL);
    make_dataset(&object, "1.2.3.4", 100, DCM_EXPLICIT_LE);
    object.n -= 50;
    struct source s = {wr_str(&object), 1000, -1};
    assert_err(store(&s, UID_ExplicitVRLittleEndian, NULL, &d), E_MALFORMED);
    assert_false(assoc_is_open(r.assoc));
    close_all();
}

static void peers_are_named_in_one_word(void **state)
{
    (void)state;
    struct scu_peer p = {0};
    struct diag d = {""};
    assert_ok(scu_peer_parse(STR("ARCHIVE@pacs.example:11112"), &p, &d));
    assert_str(p.called, "ARCHIVE");
    assert_str(p.host, "pacs.example");
    assert_int_equal(p.port, 11112);
    assert_ok(scu_peer_parse(STR("A B@[::1]:104"), &p, &d));
    assert_str(p.called, "A B");
    assert_str(p.host, "::1");
    static const char *const bad[] = {
        "",        "A",          "A@",         "A@host",
        "A@:104",  "A@host:",    "A@host:0",   "A@host:65536",
        "@host:1", "A\n@host:1", "A@host:10x", "SEVENTEEN_LETTERS@h:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(scu_peer_parse(str_z(bad[i]), &p, &d), E_USAGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(object_goes_as_it_is_stored),
        TEST(uncompressed_object_is_converted_where_it_must_be),
        TEST(compressed_object_is_not_sent_as_something_else),
        TEST(unreadable_object_costs_nothing_before_its_first_byte),
        TEST(object_that_breaks_off_aborts_and_is_never_whole),
        TEST(malformed_object_cannot_be_converted),
        TEST(peers_are_named_in_one_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
