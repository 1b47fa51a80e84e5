#include "unit.h"

#include "access/transfer.h"
#include "audit_fixture.h"
#include "base/size.h"
#include "io/clock.h"

static struct transfer *incoming(struct trail *t)
{
    struct transfer *r;
    const struct audit_participant peer = {
        .user_id = STR("CT1"), .requestor = true, .role = AUDIT_SOURCE};
    const struct audit_participant us = audit_self(t->audit, AUDIT_DESTINATION);
    assert_ok(transfer_new(t->audit, &peer, &us, NULL, &r));
    return r;
}

static void add(struct transfer *t, enum transfer_result result, const char *study,
                const char *sop_class)
{
    assert_ok(transfer_add(t, result, str_z(study), STR("P1"), STR("A1"), str_z(sop_class)));
}

static void one_event_a_study_however_many_objects(void **state)
{
    struct trail *t = *state;
    struct transfer *r = incoming(t);
    for (int i = 0; i < 500; i++)
        add(r, TRANSFER_STORED, i % 2 ? "1.2.1" : "1.2.2", "1.2.840.10008.5.1.4.1.1.2");
    add(r, TRANSFER_STORED, "1.2.1", "1.2.840.10008.5.1.4.1.1.7");
    assert_ok(transfer_end(r));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 2);
    assert_int_equal(lines_count(&l, "\"NumberOfInstances\":250"), 2);
    assert_int_equal(lines_count(&l, "\"NumberOfInstances\":1}"), 1);
    assert_int_equal(lines_count(&l, "\"ParticipantObjectID\":\"P1\""), 2);
    assert_int_equal(lines_count(&l, "\"Accession\":\"A1\""), 2);
    assert_int_equal(lines_count(&l, "\"EventActionCode\":\"C\""), 2);
    wr_done(&l.w);
}

static void each_result_is_an_event_of_its_own(void **state)
{
    struct trail *t = *state;
    struct transfer *r = incoming(t);
    add(r, TRANSFER_STORED, "1.2.1", "1.2.3");
    add(r, TRANSFER_HELD, "1.2.1", "1.2.3");
    add(r, TRANSFER_FAILED, "1.2.1", "1.2.3");
    assert_ok(transfer_end(r));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 3);
    assert_int_equal(lines_count(&l, "\"EventActionCode\":\"C\""), 2);
    assert_int_equal(lines_count(&l, "\"EventActionCode\":\"R\""), 1);
    assert_int_equal(lines_count(&l, "\"EventOutcomeIndicator\":8"), 1);
    wr_done(&l.w);
}

static void what_is_sent_for_another_names_all_three(void **state)
{
    struct trail *t = *state;
    struct transfer *r;
    const struct audit_participant us = audit_self(t->audit, AUDIT_SOURCE),
                                   to = {.user_id = STR("WS1"), .role = AUDIT_DESTINATION},
                                   third = {.user_id = STR("CT1"), .requestor = true};
    assert_ok(transfer_new(t->audit, &us, &to, &third, &r));
    add(r, TRANSFER_SENT, "1.2.1", "1.2.3");
    add(r, TRANSFER_FAILED, "1.2.1", "1.2.3");
    assert_ok(transfer_end(r));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 2);
    assert_int_equal(lines_count(&l, "\"EventActionCode\":\"R\""), 2);
    assert_int_equal(lines_count(&l, "\"UserID\":\"CT1\",\"UserIsRequestor\":true"), 2);
    assert_int_equal(lines_count(&l, "\"UserID\":\"WS1\""), 2);
    wr_done(&l.w);
}

static void a_flood_of_studies_stays_bounded_and_loses_nothing(void **state)
{
    struct trail *t = *state;
    struct transfer *r = incoming(t);
    enum { MANY = 10 * TRANSFER_STUDIES };
    for (int i = 0; i < MANY; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        add(r, TRANSFER_STORED, uid, "1.2.3");
        /* one study comes again and again: it is never the quietest */
        add(r, TRANSFER_STORED, "1.9", "1.2.3");
    }
    assert_ok(transfer_end(r));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, MANY + 1);
    char busy[64];
    snprintf(busy, sizeof busy, "\"NumberOfInstances\":%d}", MANY);
    assert_int_equal(lines_count(&l, busy), 1);
    wr_done(&l.w);
}

static void a_flood_of_sop_classes_stays_bounded(void **state)
{
    struct trail *t = *state;
    struct transfer *r = incoming(t);
    for (int i = 0; i < 100; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        add(r, TRANSFER_STORED, "1.9", uid);
    }
    assert_ok(transfer_end(r));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 1);
    assert_int_equal(lines_count(&l, "\"NumberOfInstances\""), TRANSFER_CLASSES);
    assert_true(lines_have(&l, "\"UID\":\"other\",\"NumberOfInstances\":85}"));
    wr_done(&l.w);
}

static void hostile_identifiers_are_cut_and_counted_together(void **state)
{
    struct trail *t = *state;
    struct transfer *r = incoming(t);
    static char huge[5000];
    memset(huge, '1', sizeof huge);
    for (int i = 0; i < 10; i++) {
        assert_ok(transfer_add(r, TRANSFER_STORED, str_of(huge, sizeof huge),
                               str_of(huge, sizeof huge), str_of(huge, sizeof huge),
                               str_of(huge, sizeof huge)));
        assert_ok(transfer_add(r, TRANSFER_STORED, STR("1\0002"), STR("a\0b"), STR(""), STR("")));
    }
    assert_ok(transfer_end(r));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 2);
    assert_int_equal(lines_count(&l, "\"NumberOfInstances\":10}"), 2);
    wr_done(&l.w);
}

static void a_long_association_writes_as_it_goes(void **state)
{
    struct trail *t = *state;
    struct transfer *r = incoming(t);
    transfer_set_hold(r, 50);
    add(r, TRANSFER_STORED, "1.2.1", "1.2.3");
    add(r, TRANSFER_STORED, "1.2.1", "1.2.3");
    clock_sleep_ms(60);
    add(r, TRANSFER_STORED, "1.2.2", "1.2.3");
    assert_ok(audit_sync(t->audit));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 1);
    assert_int_equal(lines_count(&l, "\"NumberOfInstances\":2}"), 1);
    wr_done(&l.w);
    add(r, TRANSFER_STORED, "1.2.1", "1.2.3");
    assert_ok(transfer_end(r));
    l = trail_lines(t);
    assert_int_equal(l.n, 3);
    wr_done(&l.w);
}

static void nothing_transferred_is_no_event(void **state)
{
    struct trail *t = *state;
    assert_ok(transfer_end(incoming(t)));
    assert_ok(transfer_end(NULL));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 0);
    wr_done(&l.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_event_a_study_however_many_objects),
        CASE(each_result_is_an_event_of_its_own),
        CASE(what_is_sent_for_another_names_all_three),
        CASE(a_flood_of_studies_stays_bounded_and_loses_nothing),
        CASE(a_flood_of_sop_classes_stays_bounded),
        CASE(hostile_identifiers_are_cut_and_counted_together),
        CASE(a_long_association_writes_as_it_goes),
        CASE(nothing_transferred_is_no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
