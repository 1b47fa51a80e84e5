/* HL7 v2 messages: segments, fields and components by position, whatever the delimiters. */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>

#include "base/size.h"
#include "hl7/message.h"

#define ADT                                                                                        \
    "MSH|^~\\&|RIS|HOSP|PACS|RAD|20261122||ADT^A01^ADT_A01|42|P|2.5.1\r"                           \
    "PID|1||4711^^^HOSP^PI~77^^^SSN||Rossi^Maria\r"                                                \
    "NK1|1|Rossi^Anna\rNK1|2|Rossi^Carlo\r"

static struct hl7_message parse(const char *text)
{
    struct hl7_message m;
    assert_ok(hl7_parse(str_z(text), &m));
    return m;
}

static void fields_and_components_are_found_by_position(void **state)
{
    (void)state;
    struct hl7_message m = parse(ADT);
    assert_str(hl7_get(&m, "MSH", 1, 0), "|");
    assert_str(hl7_get(&m, "MSH", 2, 0), "^~\\&");
    assert_str(hl7_get(&m, "MSH", 3, 0), "RIS");
    assert_str(hl7_get(&m, "MSH", 9, 2), "A01");
    assert_str(hl7_get(&m, "MSH", 12, 0), "2.5.1");
    assert_str(hl7_get(&m, "PID", 3, 1), "4711"); /* of its first repetition */
    assert_str(hl7_get(&m, "PID", 3, 5), "PI");
    assert_str(hl7_get(&m, "PID", 5, 2), "Maria");
    assert_str(hl7_get(&m, "NK1", 2, 2), "Anna"); /* of the first segment */
    assert_int_equal(hl7_get(&m, "PID", 3, 6).n, 0);
    assert_int_equal(hl7_get(&m, "PID", 99, 0).n, 0);
    assert_int_equal(hl7_get(&m, "PID", 0, 0).n, 0);
    assert_int_equal(hl7_get(&m, "ZZZ", 1, 0).n, 0);
}

static void any_line_end_ends_a_segment(void **state)
{
    (void)state;
    static const char *const ends[] = {"\r", "\n", "\r\n", "\r\r\n\n"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char text[256];
        snprintf(text, sizeof text, "MSH|^~\\&|A%sPID|1%sPV1|1", ends[i], ends[i]);
        struct hl7_message m = parse(text);
        struct str s;
        size_t at = 0, n = 0;
        while (hl7_next(&m, &at, &s))
            n++;
        assert_int_equal(n, 3);
        assert_str(s, "PV1|1");
    }
}

static void other_delimiters_are_taken_from_the_header(void **state)
{
    (void)state;
    struct hl7_message m = parse("MSH$:*!%$APP:1$HOSP\rPID$1$$a:b*c\r");
    assert_str(hl7_get(&m, "MSH", 3, 1), "APP");
    assert_str(hl7_get(&m, "PID", 3, 2), "b");
    m = parse("MSH|^|APP\rPID|1||a^b~c"); /* the rest are the usual ones */
    assert_str(hl7_get(&m, "PID", 3, 2), "b");
    assert_int_equal(m.repetition, '~');
    m = parse("MSH|^~\\&#|APP"); /* with a truncation character (2.7) */
    assert_str(hl7_get(&m, "MSH", 3, 0), "APP");
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    static const struct str texts[] = {
        STR_INIT(""),
        STR_INIT("MSH"),
        STR_INIT("MSH|"),
        STR_INIT("MSH||A"),
        STR_INIT("MSHA^~\\&AB"),
        STR_INIT("PID|1"),
        STR_INIT("MSH|^^\\&|"),
        STR_INIT("MSH\r\n~~"),
        STR_INIT("MSH|A~\\&|X"),
        STR_INIT(" MSH|^~\\&"),
        STR_INIT("MSH|^~\\&1234567890|X"),
    };
    struct hl7_message m;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_err(hl7_parse(texts[i], &m), E_MALFORMED);
}

static void a_message_cut_after_its_delimiters_is_one(void **state)
{
    (void)state;
    struct hl7_message m = parse("MSH|^~\\&");
    assert_str(hl7_get(&m, "MSH", 2, 0), "^~\\&");
    assert_int_equal(hl7_get(&m, "MSH", 3, 0).n, 0);
}

static void many_lines_are_walked_in_linear_time(void **state)
{
    (void)state;
    static const char ends[] = "\r\n";
    for (int k = 0; k < 2; k++) {
        size_t n = 8 << 20;
        char *text = malloc(n);
        memset(text, 'x', n);
        memcpy(text, "MSH|^~\\&|", 9);
        for (size_t i = 9; i < n; i += 4)
            text[i] = ends[k];
        struct hl7_message m;
        assert_ok(hl7_parse(str_of(text, n), &m));
        struct str s;
        size_t at = 0, lines = 0;
        while (hl7_next(&m, &at, &s))
            lines++;
        assert_true(lines > n / 5);
        free(text);
    }
}

/* Every message that lies in the folder: it has a type, a control id and a patient or an order. */
static void sample_messages_are_read(void **state)
{
    (void)state;
    const char *folder = getenv("HL7_SAMPLES");
    DIR *d = folder ? opendir(folder) : NULL;
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        static char text[1 << 20];
        struct hl7_message m;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        size_t size = fread(text, 1, sizeof text, f);
        fclose(f);
        assert_ok(hl7_parse(str_of(text, size), &m));
        assert_true(hl7_get(&m, "MSH", 9, 1).n >= 3);
        assert_true(str_starts(hl7_get(&m, "MSH", 12, 1), STR("2.")));
        assert_true(hl7_get(&m, "PID", 3, 1).n > 0 || hl7_get(&m, "MRG", 1, 1).n > 0);
        assert_true(hl7_get(&m, "PID", 5, 1).n > 0);
        n++;
    }
    if (d)
        closedir(d);
    if (!n)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_components_are_found_by_position),
        cmocka_unit_test(any_line_end_ends_a_segment),
        cmocka_unit_test(other_delimiters_are_taken_from_the_header),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_message_cut_after_its_delimiters_is_one),
        cmocka_unit_test(many_lines_are_walked_in_linear_time),
        cmocka_unit_test(sample_messages_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
