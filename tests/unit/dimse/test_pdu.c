/* dimse/pdu: parse(write(x)) == x with every item there is, tolerance, limits, and lies. */
#include "dimse/pdu.h"

#include "base/size.h"
#include "unit.h"

#define ELE "1.2.840.10008.1.2.1"
#define ILE "1.2.840.10008.1.2"
#define CT "1.2.840.10008.5.1.4.1.1.2"

static struct str transfers[] = {STR_INIT(ELE), STR_INIT(ILE)};
static struct str related[] = {STR_INIT("1.2.3"), STR_INIT("1.2.3.4")};
static struct pdu_context contexts[] = {
    {.id = 1, .abstract = STR_INIT(CT), .transfers = transfers, .n_transfers = 2},
    {.id = 255,
     .abstract = STR_INIT("1.2.840.10008.1.1"),
     .transfers = transfers,
     .n_transfers = 1},
};
static struct pdu_role roles[] = {{STR_INIT(CT), true, true}, {STR_INIT("1.2"), false, true}};
static struct pdu_extended extended[] = {{STR_INIT(CT), {"\1\0\1", 3}}};
static struct pdu_common_extended common[] = {
    {STR_INIT("1.2.9"), STR_INIT("1.2.840.10008.4.2"), related, 2}};

static const struct pdu_associate full = {
    .version = 1,
    .called = STR_INIT("SIXTEEN_CHARS_AE"),
    .calling = STR_INIT("US 1"),
    .application = STR_INIT(PDU_APPLICATION_CONTEXT),
    .contexts = contexts,
    .n_contexts = 2,
    .max_pdu = 131072,
    .implementation_uid = STR_INIT("2.25.1"),
    .implementation_version = STR_INIT("LASTRA_TEST"),
    .has_ops = true,
    .ops_invoked = 8,
    .ops_performed = 3,
    .roles = roles,
    .n_roles = 2,
    .extended = extended,
    .n_extended = 1,
    .common = common,
    .n_common = 1,
    .identity_type = 2,
    .identity_reply = true,
    .identity_primary = STR_INIT("name"),
    .identity_secondary = STR_INIT("passcode"),
};

static struct arena arena;
static struct diag diag;

static int setup(void **state)
{
    (void)state;
    arena = arena_init(1 << 20);
    diag.text[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str write_pdu(const struct pdu_associate *p, enum pdu_type type)
{
    struct wr w = wr_heap(1 << 20);
    pdu_associate_write(p, type, &w);
    assert_false(w.bad);
    struct str kept = arena_copy(&arena, wr_str(&w));
    wr_done(&w);
    return kept;
}

static struct str payload_of(struct str pdu)
{
    return str_slice(pdu, PDU_HEADER, pdu.n);
}

static err_t parse(struct str payload, enum pdu_type type, struct pdu_associate *ret)
{
    return pdu_associate_parse(payload, type, &arena, ret, &diag);
}

static void request_with_every_item_is_read_back(void **state)
{
    (void)state;
    struct pdu_associate p;
    struct str pdu = write_pdu(&full, PDU_ASSOCIATE_RQ);
    assert_int_equal(pdu.p[0], PDU_ASSOCIATE_RQ);
    assert_ok(parse(payload_of(pdu), PDU_ASSOCIATE_RQ, &p));
    assert_str(p.called, "SIXTEEN_CHARS_AE");
    assert_str(p.calling, "US 1");
    assert_int_equal(p.n_contexts, 2);
    assert_int_equal(p.contexts[1].id, 255);
    assert_str(p.contexts[0].abstract, CT);
    assert_int_equal(p.contexts[0].n_transfers, 2);
    assert_str(p.contexts[0].transfers[1], ILE);
    assert_int_equal(p.max_pdu, 131072);
    assert_str(p.implementation_version, "LASTRA_TEST");
    assert_true(p.has_ops && p.ops_invoked == 8 && p.ops_performed == 3);
    assert_int_equal(p.n_roles, 2);
    assert_true(p.roles[0].scu && p.roles[0].scp && !p.roles[1].scu && p.roles[1].scp);
    assert_int_equal(p.extended[0].info.n, 3);
    assert_str(p.common[0].service_class, "1.2.840.10008.4.2");
    assert_int_equal(p.common[0].n_related, 2);
    assert_str(p.common[0].related[1], "1.2.3.4");
    assert_int_equal(p.identity_type, 2);
    assert_str(p.identity_secondary, "passcode");
    struct str again = write_pdu(&p, PDU_ASSOCIATE_RQ);
    assert_true(str_eq(pdu, again));
}

static void answer_is_read_back(void **state)
{
    (void)state;
    struct pdu_associate a = full, p;
    struct pdu_context answers[2] = {{.id = 1, .transfers = transfers, .n_transfers = 1},
                                     {.id = 255, .result = PDU_ABSTRACT_NOT_SUPPORTED}};
    a.contexts = answers;
    a.identity_primary = STR("server");
    struct str pdu = write_pdu(&a, PDU_ASSOCIATE_AC);
    assert_ok(parse(payload_of(pdu), PDU_ASSOCIATE_AC, &p));
    assert_int_equal(p.n_contexts, 2);
    assert_int_equal(p.contexts[0].result, PDU_ACCEPTED);
    assert_str(p.contexts[0].transfers[0], ELE);
    assert_int_equal(p.contexts[1].result, PDU_ABSTRACT_NOT_SUPPORTED);
    assert_int_equal(p.contexts[1].n_transfers, 1);
    assert_str(p.identity_primary, "server");
    assert_int_equal(p.n_common, 0);
    assert_true(str_eq(pdu, write_pdu(&p, PDU_ASSOCIATE_AC)));
}

/* A request of the fixed part and these items. */
static struct str by_hand(struct str items)
{
    struct wr w = wr_heap(1 << 20);
    wr_u16be(&w, 1);
    wr_u16be(&w, 0);
    wr_put(&w, str_of("ARCHIVE\0\0\0\0\0\0\0\0\0", 16));
    wr_put(&w, str_of("  SCANNER       ", 16));
    wr_fill(&w, 0, 32);
    wr_put(&w, items);
    struct str s = arena_copy(&arena, wr_str(&w));
    wr_done(&w);
    return s;
}

static void padded_names_and_uids_are_read(void **state)
{
    (void)state;
    struct pdu_associate p;
    struct str items = str_of("\x10\0\0\x16"
                              "1.2.840.10008.3.1.1.1\0"
                              "\x20\0\0\x12\x01\0\0\0"
                              "\x30\0\0\x04"
                              "1.2\0"
                              "\x40\0\0\x02"
                              "1 ",
                              26 + 22);
    assert_ok(parse(by_hand(items), PDU_ASSOCIATE_RQ, &p));
    assert_str(p.called, "ARCHIVE");
    assert_str(p.calling, "SCANNER");
    assert_str(p.application, PDU_APPLICATION_CONTEXT);
    assert_str(p.contexts[0].abstract, "1.2");
    assert_str(p.contexts[0].transfers[0], "1");
}

static void unknown_items_and_trailing_padding_are_passed_over(void **state)
{
    (void)state;
    struct pdu_associate p;
    struct str items = str_of("\x99\0\0\x03xyz"
                              "\x50\0\0\x0f"
                              "\x98\0\0\x03xyz"
                              "\x51\0\0\x04\0\0\x40\0"
                              "\0\0",
                              28);
    assert_ok(parse(by_hand(items), PDU_ASSOCIATE_RQ, &p));
    assert_int_equal(p.max_pdu, 16384);
}

static void lying_lengths_are_malformed(void **state)
{
    (void)state;
    static const struct str lies[] = {
        STR_INIT("\x10\0\xff\xff"),                         /* an item past the PDU */
        STR_INIT("\x20\0\0\x02\x01\0"),                     /* a context without its fixed part */
        STR_INIT("\x20\0\0\x08\x01\0\0\0\x30\0\0\x09"),     /* a sub-item past its context */
        STR_INIT("\x50\0\0\x06\x51\0\0\x02\0\0"),           /* a maximum length of two bytes */
        STR_INIT("\x50\0\0\x08\x54\0\0\x04\0\xff\1\1"),     /* a role whose UID runs past it */
        STR_INIT("\x50\0\0\x06\x53\0\0\x02\0\1"),           /* half a window */
        STR_INIT("\x50\0\0\x07\x58\0\0\x03\1\0\xff"),       /* an identity cut off */
        STR_INIT("\x50\0\0\x06\x56\0\0\x02\0\x09"),         /* extended negotiation */
        STR_INIT("\x50\0\0\x0a\x57\0\0\x06\0\0\0\0\0\x09"), /* common extended: the list's length */
        STR_INIT("\x50\0\0\0\x50\0\0\0"),                   /* user information twice */
    };
    for (size_t i = 0; i < COUNT(lies); i++) {
        struct pdu_associate p;
        diag.text[0] = '\0';
        assert_err(parse(by_hand(lies[i]), PDU_ASSOCIATE_RQ, &p), E_MALFORMED);
        assert_non_null(strstr(diag.text, "A-ASSOCIATE"));
    }
}

static void even_and_repeated_context_ids_are_malformed(void **state)
{
    (void)state;
    struct pdu_associate p;
    struct str even = STR("\x20\0\0\x04\x02\0\0\0");
    struct str twice = STR("\x20\0\0\x04\x01\0\0\0\x20\0\0\x04\x01\0\0\0");
    assert_err(parse(by_hand(even), PDU_ASSOCIATE_RQ, &p), E_MALFORMED);
    assert_err(parse(by_hand(twice), PDU_ASSOCIATE_RQ, &p), E_MALFORMED);
}

static struct str repeated(struct str item, size_t n, uint8_t wrap)
{
    struct wr w = wr_heap(1 << 20);
    if (wrap) {
        wr_u8(&w, wrap);
        wr_u8(&w, 0);
        wr_u16be(&w, (uint16_t)(item.n * n));
    }
    for (size_t i = 0; i < n; i++)
        wr_put(&w, item);
    struct str s = arena_copy(&arena, wr_str(&w));
    wr_done(&w);
    return s;
}

static void floods_are_over_a_limit(void **state)
{
    (void)state;
    struct pdu_associate p;
    struct str role = STR("\x54\0\0\x04\0\0\1\1");
    assert_ok(parse(by_hand(repeated(role, 256, 0x50)), PDU_ASSOCIATE_RQ, &p));
    assert_err(parse(by_hand(repeated(role, 257, 0x50)), PDU_ASSOCIATE_RQ, &p), E_LIMIT);
    struct str context = STR("\x20\0\0\x04\x01\0\0\0");
    assert_err(parse(by_hand(repeated(context, 129, 0)), PDU_ASSOCIATE_RQ, &p), E_LIMIT);
    static struct str many[65];
    struct pdu_context c = {.id = 1, .transfers = many, .n_transfers = COUNT(many)};
    struct pdu_associate a = full;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = STR(ELE);
    a.contexts = &c;
    a.n_contexts = 1;
    assert_err(parse(payload_of(write_pdu(&a, PDU_ASSOCIATE_RQ)), PDU_ASSOCIATE_RQ, &p), E_LIMIT);
    c.n_transfers = 64;
    assert_ok(parse(payload_of(write_pdu(&a, PDU_ASSOCIATE_RQ)), PDU_ASSOCIATE_RQ, &p));
}

static void all_128_contexts_are_read(void **state)
{
    (void)state;
    static struct pdu_context many[128];
    struct pdu_associate a = full, p;
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i] = contexts[0];
        many[i].id = (uint8_t)(2 * i + 1);
    }
    a.contexts = many;
    a.n_contexts = COUNT(many);
    assert_ok(parse(payload_of(write_pdu(&a, PDU_ASSOCIATE_RQ)), PDU_ASSOCIATE_RQ, &p));
    assert_int_equal(p.n_contexts, 128);
    assert_int_equal(p.contexts[127].id, 255);
}

static void every_truncation_is_survived(void **state)
{
    (void)state;
    struct str payload = payload_of(write_pdu(&full, PDU_ASSOCIATE_RQ));
    for (size_t n = 0; n < payload.n; n++) {
        struct arena a = arena_init(1 << 20);
        struct pdu_associate p;
        char *exact = malloc(n ? n : 1); /* so that a sanitizer sees a read past the end */
        memcpy(exact, payload.p, n);
        err_t e = pdu_associate_parse(str_of(exact, n), PDU_ASSOCIATE_RQ, &a, &p, &diag);
        assert_true(n >= 68 ? e == OK || e == E_MALFORMED : e == E_MALFORMED);
        free(exact);
        arena_done(&a);
    }
}

static void small_arena_is_out_of_memory_not_a_crash(void **state)
{
    (void)state;
    struct str payload = payload_of(write_pdu(&full, PDU_ASSOCIATE_RQ));
    err_t e = E_NOMEM;
    for (size_t limit = 0; e != OK; limit += 16) {
        struct arena a = arena_init(limit);
        struct pdu_associate p;
        e = pdu_associate_parse(payload, PDU_ASSOCIATE_RQ, &a, &p, &diag);
        assert_true(e == E_NOMEM || (e == OK && limit > 100));
        arena_done(&a);
    }
}

static void check_finds_what_must_be_refused(void **state)
{
    (void)state;
    struct pdu_refusal r;
    struct pdu_associate p = full;
    assert_ok(pdu_associate_check(&p, &r, &diag));
    p.calling = STR("A\tB");
    assert_err(pdu_associate_check(&p, &r, &diag), E_REJECTED);
    assert_true(r.result == 1 && r.source == 1 && r.reason == 3);
    assert_non_null(strstr(diag.text, "calling"));
    p = full;
    p.calling = pdu_ae_trim(STR("\nADMIN  "));
    assert_err(pdu_associate_check(&p, &r, &diag), E_REJECTED);
    p = full;
    p.called = STR("");
    assert_err(pdu_associate_check(&p, &r, &diag), E_REJECTED);
    assert_true(r.result == 1 && r.source == 1 && r.reason == 7);
}

static void ae_titles_and_uids_are_judged(void **state)
{
    (void)state;
    assert_true(pdu_ae_ok(STR("A")));
    assert_true(pdu_ae_ok(STR("Sixteen chars OK")));
    assert_false(pdu_ae_ok(STR("Seventeen chars !")));
    assert_false(pdu_ae_ok(STR("")));
    assert_false(pdu_ae_ok(STR("  ")));
    assert_false(pdu_ae_ok(STR("A\\B")));
    assert_false(pdu_ae_ok(STR("A\x7f")));
    assert_false(pdu_ae_ok(STR("caf\xc3\xa9")));
    assert_false(pdu_ae_ok(str_of("A\0B", 3)));
    assert_true(pdu_uid_ok(STR("1.2.0.3"), true));
    assert_true(pdu_uid_ok(STR("1.02"), false));
    assert_false(pdu_uid_ok(STR("1.02"), true));
    assert_false(pdu_uid_ok(STR(""), false));
    assert_false(pdu_uid_ok(STR("1."), false));
    assert_false(pdu_uid_ok(STR("1.a"), false));
}

static void refusals_are_read_and_put_in_words(void **state)
{
    (void)state;
    char text[128], bytes[16];
    struct pdu_refusal in = {1, 1, 7}, out;
    struct wr w = wr_fixed(bytes, sizeof bytes);
    pdu_refusal_write(&in, PDU_ASSOCIATE_RJ, &w);
    assert_memory_equal(bytes, "\3\0\0\0\0\4\0\1\1\7", 10);
    assert_ok(pdu_refusal_parse(str_of(bytes + 6, 4), PDU_ASSOCIATE_RJ, &out));
    assert_memory_equal(&in, &out, sizeof in);
    assert_str(pdu_refusal_text(&in, PDU_ASSOCIATE_RJ, text, sizeof text),
               "rejected permanently by the service user: called AE title not recognized");
    in = (struct pdu_refusal){2, 3, 2};
    assert_str(pdu_refusal_text(&in, PDU_ASSOCIATE_RJ, text, sizeof text),
               "rejected for now by the service provider: local limit exceeded");
    in = (struct pdu_refusal){0, 2, 6};
    assert_str(pdu_refusal_text(&in, PDU_ABORT, text, sizeof text),
               "aborted by the service provider: invalid PDU parameter value");
    in = (struct pdu_refusal){0, 0, 99};
    assert_str(pdu_refusal_text(&in, PDU_ABORT, text, sizeof text), "aborted by the service user");
    in = (struct pdu_refusal){1, 9, 8};
    assert_str(pdu_refusal_text(&in, PDU_ASSOCIATE_RJ, text, sizeof text),
               "rejected permanently with source 9, reason 8");
    assert_err(pdu_refusal_parse(STR("abc"), PDU_ABORT, &out), E_MALFORMED);
}

static void pdvs_are_taken_off_one_by_one(void **state)
{
    (void)state;
    struct str payload = str_of("\0\0\0\4\1\3ab\0\0\0\2\3\2", 14);
    struct pdv v;
    err_t e;
    assert_true(pdv_next(&payload, &v, &e));
    assert_true(v.context == 1 && v.command && v.last);
    assert_str(v.data, "ab");
    assert_true(pdv_next(&payload, &v, &e));
    assert_true(v.context == 3 && !v.command && v.last && v.data.n == 0);
    assert_false(pdv_next(&payload, &v, &e));
    assert_ok(e);
    payload = str_of("\0\0\0\1\1\3", 6);
    assert_false(pdv_next(&payload, &v, &e));
    assert_err(e, E_MALFORMED);
    payload = str_of("\xff\xff\xff\xff\1\3", 6);
    assert_false(pdv_next(&payload, &v, &e));
    assert_err(e, E_MALFORMED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(request_with_every_item_is_read_back),
        TEST(answer_is_read_back),
        TEST(padded_names_and_uids_are_read),
        TEST(unknown_items_and_trailing_padding_are_passed_over),
        TEST(lying_lengths_are_malformed),
        TEST(even_and_repeated_context_ids_are_malformed),
        TEST(floods_are_over_a_limit),
        TEST(all_128_contexts_are_read),
        TEST(every_truncation_is_survived),
        TEST(small_arena_is_out_of_memory_not_a_crash),
        TEST(check_finds_what_must_be_refused),
        TEST(ae_titles_and_uids_are_judged),
        TEST(refusals_are_read_and_put_in_words),
        TEST(pdvs_are_taken_off_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
