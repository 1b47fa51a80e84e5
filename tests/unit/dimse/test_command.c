/* dimse/command: parse(write(x)) == x, what is tolerated, and what is refused with which status. */
#include "dimse/command.h"

#include "unit.h"

/* A command set by hand. */
struct set {
    uint8_t bytes[2048];
    struct wr w;
};

static void set_init(struct set *s)
{
    s->w = wr_fixed(s->bytes, sizeof s->bytes);
}

static void put(struct set *s, uint16_t group, uint16_t element, struct str value)
{
    wr_u16le(&s->w, group);
    wr_u16le(&s->w, element);
    wr_u32le(&s->w, (uint32_t)value.n);
    wr_put(&s->w, value);
}

static void put_u16(struct set *s, uint16_t element, uint16_t v)
{
    const uint8_t le[] = {(uint8_t)v, (uint8_t)(v >> 8)};
    put(s, 0, element, str_of(le, 2));
}

/* A C-STORE-RQ but for its class and instance. */
static void store(struct set *s)
{
    set_init(s);
    put_u16(s, 0x0100, C_STORE_RQ);
    put_u16(s, 0x0110, 7);
    put_u16(s, 0x0700, 0);
    put_u16(s, 0x0800, 1);
}

static struct dimse_command parse_ok(struct set *s, struct diag *d)
{
    struct dimse_command c;
    assert_false(s->w.bad);
    assert_ok(dimse_command_parse(wr_str(&s->w), &c, d));
    return c;
}

static void assert_same(const struct dimse_command *a, const struct dimse_command *b)
{
    assert_int_equal(a->field, b->field);
    assert_int_equal(a->message_id, b->message_id);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->has_data, b->has_data);
    assert_int_equal(a->remaining, b->remaining);
    assert_int_equal(a->completed, b->completed);
    assert_int_equal(a->failed, b->failed);
    assert_int_equal(a->warning, b->warning);
    assert_int_equal(a->event_type, b->event_type);
    assert_int_equal(a->action_type, b->action_type);
    assert_int_equal(a->originator_id, b->originator_id);
    assert_true(str_eq(a->sop_class, b->sop_class));
    assert_true(str_eq(a->sop_instance, b->sop_instance));
    assert_true(str_eq(a->move_destination, b->move_destination));
    assert_true(str_eq(a->originator, b->originator));
    assert_true(str_eq(a->comment, b->comment));
    assert_true(str_eq(a->offending, b->offending));
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct dimse_command in[6];
    in[0] = dimse_command(C_STORE_RQ, 0xfffe);
    in[0].priority = 2;
    in[0].has_data = true;
    in[0].sop_class = STR("1.2.840.10008.5.1.4.1.1.2");
    in[0].sop_instance = STR("1.2.3.4");
    in[0].originator = STR("MOVER");
    in[0].originator_id = 9;
    in[1] = dimse_command(C_MOVE_RQ, 1);
    in[1].has_data = true;
    in[1].sop_class = STR("1.2.840.10008.5.1.4.1.2.2.2");
    in[1].move_destination = STR("DEST");
    in[2] = dimse_response(&in[1], DIMSE_PENDING);
    in[2].remaining = 3;
    in[2].completed = 0;
    in[2].failed = 1;
    in[2].warning = 0;
    in[3] = dimse_command(C_CANCEL_RQ, 1);
    in[4] = dimse_command(N_ACTION_RQ, 5);
    in[4].sop_class = STR("1.2.840.10008.1.20.1");
    in[4].sop_instance = STR("1.2.840.10008.1.20.1.1");
    in[4].action_type = 1;
    in[5] = dimse_response(&in[0], DIMSE_OUT_OF_RESOURCES);
    in[5].comment = STR("the disk is full");
    in[5].offending = str_of("\x08\x00\x18\x00", 4);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        uint8_t bytes[512];
        struct wr w = wr_fixed(bytes, sizeof bytes);
        struct dimse_command out;
        struct diag d = {""};
        dimse_command_write(&in[i], &w);
        assert_int_equal(w.n % 2, 0);
        assert_ok(dimse_command_parse(wr_str(&w), &out, &d));
        assert_int_equal(out.refuse, 0);
        assert_same(&in[i], &out);
    }
}

static void echo_is_byte_for_byte_the_standards(void **state)
{
    (void)state;
    static const uint8_t expected[] = "\0\0\0\0\x04\0\0\0\x38\0\0\0"
                                      "\0\0\x02\0\x12\0\0\0"
                                      "1.2.840.10008.1.1\0"
                                      "\0\0\0\x01\x02\0\0\0\x30\0"
                                      "\0\0\x10\x01\x02\0\0\0\x01\0"
                                      "\0\0\0\x08\x02\0\0\0\x01\x01";
    struct dimse_command c = dimse_command(C_ECHO_RQ, 1);
    uint8_t bytes[128];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    c.sop_class = STR("1.2.840.10008.1.1");
    dimse_command_write(&c, &w);
    assert_int_equal(w.n, sizeof expected - 1);
    assert_memory_equal(w.p, expected, w.n);
}

static void lying_group_length_and_unknown_elements_are_passed_over(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    set_init(&s);
    put(&s, 0, 0x0000, str_of("\xff\xff\xff\xff", 4));
    put(&s, 0, 0x0001, str_of("\1\2\3\4", 4));
    put_u16(&s, 0x0100, C_ECHO_RQ);
    put_u16(&s, 0x0110, 3);
    put_u16(&s, 0x0800, 0x0101);
    put(&s, 0, 0x5678, STR("anything"));
    struct dimse_command c = parse_ok(&s, &d);
    assert_int_equal(c.field, C_ECHO_RQ);
    assert_int_equal(c.message_id, 3);
    assert_false(c.has_data);
    assert_int_equal(c.refuse, 0);
}

static void padding_of_either_kind_is_taken_off(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    store(&s);
    put(&s, 0, 0x0002, str_of("1.2.3 ", 6));
    put(&s, 0, 0x1000, str_of("1.2.3.4.5\0", 10));
    put(&s, 0, 0x1030, STR(" MOVER          "));
    struct dimse_command c = parse_ok(&s, &d);
    assert_str(c.sop_class, "1.2.3");
    assert_str(c.sop_instance, "1.2.3.4.5");
    assert_str(c.originator, "MOVER");
    assert_int_equal(c.refuse, 0);
}

static void bad_instance_uids_are_refused_and_not_passed_on(void **state)
{
    (void)state;
    static const struct str bad[] = {
        STR_INIT("1.2.34567890123456789012345678901234567890123456789012345678901234"), /* 65 */
        STR_INIT("1..2"),
        STR_INIT(".1.2"),
        STR_INIT("1.2."),
        STR_INIT("../../etc/passwd"),
        STR_INIT("1.2\0.3"),
        STR_INIT("1.2/3"),
        STR_INIT("%"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct set s;
        struct diag d = {""};
        store(&s);
        put(&s, 0, 0x0002, STR("1.2.840.10008.5.1.4.1.1.2"));
        put(&s, 0, 0x1000, bad[i]);
        struct dimse_command c = parse_ok(&s, &d);
        assert_int_equal(c.refuse, DIMSE_INVALID_SOP_INSTANCE);
        assert_int_equal(c.sop_instance.n, 0);
        assert_non_null(strstr(d.text, "SOP Instance UID"));
    }
}

static void uid_of_64_bytes_and_leading_zeros_are_let_pass(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    store(&s);
    put(&s, 0, 0x0002, STR("1.2.003"));
    put(&s, 0, 0x1000, STR("1.2.3456789012345678901234567890123456789012345678901234567890123"));
    s.w.n -= 1; /* 64 */
    s.bytes[s.w.n - 64 - 4] = 64;
    struct dimse_command c = parse_ok(&s, &d);
    assert_int_equal(c.refuse, 0);
    assert_int_equal(c.sop_instance.n, 64);
}

static void bad_class_uid_is_an_unsupported_class(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    store(&s);
    put(&s, 0, 0x0002, STR("CT Image"));
    put(&s, 0, 0x1000, STR("1.2"));
    assert_int_equal(parse_ok(&s, &d).refuse, DIMSE_SOP_CLASS_NOT_SUPPORTED);
}

static void control_characters_in_ae_titles_are_refused(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    set_init(&s);
    put_u16(&s, 0x0100, C_MOVE_RQ);
    put_u16(&s, 0x0110, 1);
    put_u16(&s, 0x0800, 1);
    put(&s, 0, 0x0002, STR("1.2.840.10008.5.1.4.1.2.2.2"));
    put(&s, 0, 0x0600, STR("DEST\r\nADMIN"));
    struct dimse_command c = parse_ok(&s, &d);
    assert_int_equal(c.refuse, DIMSE_MOVE_DESTINATION_UNKNOWN);
    assert_int_equal(c.move_destination.n, 0);
    store(&s);
    put(&s, 0, 0x0002, STR("1.2"));
    put(&s, 0, 0x1000, STR("1.2"));
    put(&s, 0, 0x1030, STR("A\\B "));
    assert_int_equal(parse_ok(&s, &d).refuse, DIMSE_INVALID_ARGUMENT);
}

static void what_a_request_lacks_is_refused(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    store(&s);
    put(&s, 0, 0x0002, STR("1.2"));
    assert_int_equal(parse_ok(&s, &d).refuse, DIMSE_MISSING_ATTRIBUTE);
    set_init(&s);
    put_u16(&s, 0x0100, C_FIND_RQ);
    put_u16(&s, 0x0110, 1);
    put_u16(&s, 0x0800, 0x0101);
    put(&s, 0, 0x0002, STR("1.2"));
    assert_int_equal(parse_ok(&s, &d).refuse, DIMSE_MISTYPED_ARGUMENT);
}

static void bad_values_in_a_response_are_left_empty(void **state)
{
    (void)state;
    struct set s;
    struct diag d = {""};
    set_init(&s);
    put_u16(&s, 0x0100, C_STORE_RSP);
    put_u16(&s, 0x0120, 7);
    put_u16(&s, 0x0800, 0x0101);
    put_u16(&s, 0x0900, 0);
    put(&s, 0, 0x1000, STR("../.."));
    put(&s, 0, 0x1020, str_of(NULL, 0));
    struct dimse_command c = parse_ok(&s, &d);
    assert_int_equal(c.refuse, 0);
    assert_int_equal(c.sop_instance.n, 0);
    assert_int_equal(c.remaining, -1);
}

static void what_cannot_be_answered_is_malformed(void **state)
{
    (void)state;
    struct dimse_command c;
    struct diag d = {""};
    struct set s;
    set_init(&s);
    put_u16(&s, 0x0100, C_ECHO_RQ);
    assert_err(dimse_command_parse(wr_str(&s.w), &c, &d), E_MALFORMED);
    put_u16(&s, 0x0110, 1);
    assert_err(dimse_command_parse(wr_str(&s.w), &c, &d), E_MALFORMED);
    put_u16(&s, 0x0800, 0x0101);
    assert_ok(dimse_command_parse(wr_str(&s.w), &c, &d));
    put(&s, 0x0010, 0x0010, STR("Doe^John"));
    assert_err(dimse_command_parse(wr_str(&s.w), &c, &d), E_MALFORMED);
    assert_null(strstr(d.text, "Doe"));
    set_init(&s);
    put_u16(&s, 0x0100, C_ECHO_RSP);
    put_u16(&s, 0x0120, 1);
    put_u16(&s, 0x0800, 0x0101);
    assert_err(dimse_command_parse(wr_str(&s.w), &c, &d), E_MALFORMED);
    assert_non_null(strstr(d.text, "Status"));
}

static void every_truncation_is_malformed_or_refused(void **state)
{
    (void)state;
    struct dimse_command c = dimse_command(C_STORE_RQ, 1), out;
    struct diag d;
    uint8_t bytes[512];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    c.has_data = true;
    c.sop_class = STR("1.2.840.10008.5.1.4.1.1.2");
    c.sop_instance = STR("1.2.3.4");
    dimse_command_write(&c, &w);
    for (size_t n = 0; n < w.n; n++) {
        err_t e = dimse_command_parse(str_of(w.p, n), &out, &d);
        assert_true(e == E_MALFORMED || (e == OK && out.refuse));
    }
}

static void comment_is_cut_and_cleaned(void **state)
{
    (void)state;
    struct dimse_command c = dimse_command(C_ECHO_RSP, 1), out;
    struct diag d;
    uint8_t bytes[512];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    c.comment =
        STR("a\\b\nc\xc3\xa4 and so on, much longer than all of the sixty-four characters of LO");
    dimse_command_write(&c, &w);
    assert_ok(dimse_command_parse(wr_str(&w), &out, &d));
    assert_int_equal(out.comment.n, 64);
    assert_memory_equal(out.comment.p, "a?b?c?? and", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(echo_is_byte_for_byte_the_standards),
        cmocka_unit_test(lying_group_length_and_unknown_elements_are_passed_over),
        cmocka_unit_test(padding_of_either_kind_is_taken_off),
        cmocka_unit_test(bad_instance_uids_are_refused_and_not_passed_on),
        cmocka_unit_test(uid_of_64_bytes_and_leading_zeros_are_let_pass),
        cmocka_unit_test(bad_class_uid_is_an_unsupported_class),
        cmocka_unit_test(control_characters_in_ae_titles_are_refused),
        cmocka_unit_test(what_a_request_lacks_is_refused),
        cmocka_unit_test(bad_values_in_a_response_are_left_empty),
        cmocka_unit_test(what_cannot_be_answered_is_malformed),
        cmocka_unit_test(every_truncation_is_malformed_or_refused),
        cmocka_unit_test(comment_is_cut_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
