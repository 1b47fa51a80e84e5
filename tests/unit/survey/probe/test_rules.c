/* The safety rules 1, 2 and 5 by their numbers, on loopback: what servers saw. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "acceptor.h"
#include "base/size.h"
#include "io/clock.h"

static void rule_1_nothing_goes_where_the_scope_does_not_say(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "exclude = 127.9.0.1\n");
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 0);
    assert_int_equal(rig.sum.packets_out, 0);
    assert_int_equal(rig.sum.planned, 0);
    rig_scope(&rig, scope_lines("127.9.0.0/30", "dicom", "exclude = 127.9.0.2\n"));
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 3);
    assert_string_equal(rig_facts(&rig, "127.9.0.2", server.port, text), "");
    rules_end();
}

static void rule_1_the_plan_is_told_and_sends_nothing(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "exclude = 127.9.0.64/26\n");
    rig_scope(&rig, scope_lines("127.9.0.0/24", "dicom", "exclude = 127.9.0.64/26\nrate = 2\n"));
    rig_know(&rig, "127.9.0.7", EV_role, "infusion_pump");
    rig.options.unlimited = false;
    struct wr w = wr_fixed(text, sizeof text - 1);
    assert_ok(probe_plan(&rig.run, &rig.options, &w, &rig.diag));
    text[w.n] = 0;
    assert_non_null(strstr(text, "permission      the test itself"));
    assert_non_null(strstr(text, "127.9.0.0/24"));
    assert_non_null(strstr(text, "127.9.0.64/26"));
    assert_non_null(strstr(text, "at most 192"));
    assert_non_null(strstr(text, "2 connections a second"));
    assert_non_null(strstr(text, "at least 2 min"));
    assert_non_null(strstr(text, "1 hosts known"));
    assert_int_equal(server_count(&server), 0);
    assert_string_equal(rig_journal(&rig, text, sizeof text), "");
    rules_end();
}

static void rule_2_one_connection_for_each_host_and_port_and_no_more(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.0.0/26", "dicom", "network = 127.9.0.0/28\n"));
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 64);
    assert_int_equal(rig.sum.done, 64);
    assert_int_equal(rig.sum.open, 64);
    rules_end();
}

/* How many connections of one host stood at once. */
static unsigned at_once, most_at_once;

static void counts_at_once(int fd, struct server *s)
{
    unsigned now = __atomic_add_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
    if (now > most_at_once)
        most_at_once = now;
    usleep(30000);
    __atomic_sub_fetch(&at_once, 1, __ATOMIC_SEQ_CST);
    rig_drain(fd, s);
}

static void rule_2_serial_per_host(void **state)
{
    (void)state;
    struct server more[3];
    rules_begin(counts_at_once, "dicom", "");
    for (size_t i = 0; i < COUNT(more); i++)
        server_start(&more[i], "0.0.0.0", counts_at_once);
    snprintf(lines, sizeof lines, "network = 127.9.0.1\nports = %u, %u, %u, %u\n", server.port,
             more[0].port, more[1].port, more[2].port);
    rig_scope(&rig, lines);
    rig.options.answer_ms = 100;
    assert_ok(rig_probe(&rig));
    assert_int_equal(rig.sum.open, 4);
    assert_int_equal(most_at_once, 1);
    for (size_t i = 0; i < COUNT(more); i++) {
        assert_int_equal(server_count(&more[i]), 1);
        server_stop(&more[i]);
    }
    rules_end();
}

static void rule_2_a_global_rate_that_can_only_be_lowered(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.0.0/29", "dicom", "rate = 10\n"));
    rig.options.unlimited = false;
    rig.options.rate = 11;
    assert_err(rig_probe(&rig), E_DENIED);
    assert_int_equal(server_count(&server), 0);
    rig.options.rate = 0;
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    assert_in_range(clock_ms() - begun, 690, 1500);
    assert_int_equal(server_count(&server), 8);
    rules_end();
}

static void rule_2_unlimited_is_for_loopback(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "network = 10.255.255.1\n");
    assert_err(rig_probe(&rig), E_DENIED);
    assert_non_null(strstr(rig.diag.text, "loopback"));
    assert_int_equal(server_count(&server), 0);
    rules_end();
}

static void rule_2_a_pause_between_two_connections_to_a_host(void **state)
{
    (void)state;
    struct server second;
    rules_begin(accepts, "dicom", "");
    server_start(&second, "0.0.0.0", accepts);
    snprintf(lines, sizeof lines, "network = 127.9.0.1\nports = %u, %u\nrate = 100\npause = 1\n",
             server.port, second.port);
    rig_scope(&rig, lines);
    rig.options.unlimited = false;
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    assert_in_range(clock_ms() - begun, 1000, 2000);
    assert_int_equal(server_count(&second), 1);
    server_stop(&second);
    rules_end();
}

static void cuts(int fd, struct server *s)
{
    struct linger l = {1, 0};
    (void)s;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

static void rule_2_a_subnet_in_trouble_is_left_alone(void **state)
{
    (void)state;
    rules_begin(cuts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.5.0/24", "dicom", ""));
    rig.options.batch = 1; /* one after another, to see the count */
    rig.options.rest_ms = 10;
    assert_ok(rig_probe(&rig));
    assert_int_equal(rig.sum.broken_subnets, 1);
    /* Four rests and the last straw: eight cuts each. */
    assert_int_equal(server_count(&server), 40);
    assert_int_equal(rig.sum.skipped, 256 - 40);
    assert_non_null(strstr(rig.notes, "127.9.5.0/24 given up"));
    assert_non_null(strstr(rig_journal(&rig, text, sizeof text), "127.9.5.0/24"));
    rules_end();
}

static void *touch_soon(void *path)
{
    usleep(300000);
    FILE *f = fopen(path, "w");
    if (f)
        fclose(f);
    return NULL;
}

static void rule_2_a_time_window(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "");
    /* A window of one minute, twelve hours from now. */
    time_t now = time(NULL);
    struct tm tm;
    char window[64];
    localtime_r(&now, &tm);
    snprintf(window, sizeof window, "window = %02d:%02d-%02d:%02d\n", (tm.tm_hour + 12) % 24,
             tm.tm_min, (tm.tm_hour + 12) % 24 + (tm.tm_min == 59), (tm.tm_min + 1) % 60);
    rig_scope(&rig, scope_lines("127.9.0.1", "dicom", window));
    char stop_file[96];
    snprintf(stop_file, sizeof stop_file, "%s/stop", rig.folder);
    rig.options.stop_file = stop_file;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, touch_soon, stop_file), 0);
    assert_ok(rig_probe(&rig));
    pthread_join(t, NULL);
    assert_int_equal(server_count(&server), 0);
    assert_true(rig.sum.sum.stopped);
    assert_non_null(strstr(rig.notes, "waiting for the window"));
    rules_end();
}

static void *stop_soon(void *arg)
{
    usleep(300000);
    stop_set(arg);
    return NULL;
}

static void rule_2_the_stop_switch_ends_it_and_the_rest_is_done_later(void **state)
{
    (void)state;
    pthread_t t;
    rules_begin(accepts, "dicom", "");
    rig_scope(&rig, scope_lines("127.9.0.0/27", "dicom", "rate = 20\n"));
    rig.options.unlimited = false;
    assert_int_equal(pthread_create(&t, NULL, stop_soon, &rig.stop), 0);
    int64_t begun = clock_ms();
    assert_ok(rig_probe(&rig));
    pthread_join(t, NULL);
    assert_in_range(clock_ms() - begun, 250, 1500);
    assert_true(rig.sum.sum.stopped);
    unsigned first = server_count(&server);
    assert_in_range(first, 2, 31);
    stop_done(&rig.stop);
    assert_ok(stop_init(&rig.stop));
    rig.options.rate = 0;
    rig_scope(&rig, scope_lines("127.9.0.0/27", "dicom", "rate = 500\n"));
    assert_ok(rig_probe(&rig));
    assert_true(rig.sum.sum.resumed);
    assert_false(rig.sum.sum.stopped);
    assert_int_equal(server_count(&server), 32);
    rules_end();
}

static void rule_5_known_devices_get_no_packet(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "");
    rig_scope(&rig,
              scope_lines("127.9.0.0/28", "dicom", "never-name = *icu*\nnever-mac = 02:00:5e\n"));
    rig_know(&rig, "127.9.0.1", EV_role, "Monitor paziente");
    rig_know(&rig, "127.9.0.2", EV_hostname, "bed4.ICU.example");
    rig_know(&rig, "127.9.0.3", EV_mac, "02:00:5e:00:00:07");
    rig_know(&rig, "127.9.0.4", EV_never_probe, "asked by clinical engineering");
    rig_know(&rig, "127.9.0.5", EV_role, "pacs");
    rig_know(&rig, "127.9.0.6", EV_role, "infusion_pump");
    rig_know(&rig, "127.9.0.7", EV_hostname, "pacs.example");
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 16 - 5);
    assert_int_equal(rig.sum.skipped, 5);
    assert_int_equal(rig.sum.done, 11);
    rig_journal(&rig, text, sizeof text);
    for (int i = 1; i <= 7; i++) {
        char skip[128];
        snprintf(skip, sizeof skip, "\"what\":\"skip\",\"where\":\"127.9.0.%d\"", i);
        assert_int_equal(strstr(text, skip) != NULL, i != 5 && i != 7);
    }
    rules_end();
}

static void rule_5_by_the_makers_of_hardware_addresses(void **state)
{
    (void)state;
    const struct fingerprint *monitor = NULL;
    char mac[18];
    for (size_t i = 0; i < fingerprint_count() && !monitor; i++)
        if (str_eq(fingerprint_at(i)->layer, STR("oui")) && fingerprint_at(i)->never_probe)
            monitor = fingerprint_at(i);
    assert_non_null(monitor);
    rules_begin(accepts, "dicom", "");
    snprintf(mac, sizeof mac, "%.8s:00:00:01", monitor->example.p);
    assert_non_null(fp_never_probe_mac(str_z(mac)));
    rig_know(&rig, "127.9.0.1", EV_mac, mac);
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 0);
    assert_int_equal(rig.sum.packets_out, 0);
    rules_end();
}

static void rule_5_what_an_older_survey_knew_counts(void **state)
{
    (void)state;
    rules_begin(accepts, "dicom", "");
    rig_know(&rig, "127.9.0.1", EV_role, "ventilator");
    assert_ok(inventory_survey(rig.inventory, STR("next year"), &rig.survey, &rig.diag));
    rig.run.survey = rig.survey;
    assert_ok(rig_probe(&rig));
    assert_int_equal(server_count(&server), 0);
    rules_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_nothing_goes_where_the_scope_does_not_say),
        cmocka_unit_test(rule_1_the_plan_is_told_and_sends_nothing),
        cmocka_unit_test(rule_2_one_connection_for_each_host_and_port_and_no_more),
        cmocka_unit_test(rule_2_serial_per_host),
        cmocka_unit_test(rule_2_a_global_rate_that_can_only_be_lowered),
        cmocka_unit_test(rule_2_unlimited_is_for_loopback),
        cmocka_unit_test(rule_2_a_pause_between_two_connections_to_a_host),
        cmocka_unit_test(rule_2_a_subnet_in_trouble_is_left_alone),
        cmocka_unit_test(rule_2_a_time_window),
        cmocka_unit_test(rule_2_the_stop_switch_ends_it_and_the_rest_is_done_later),
        cmocka_unit_test(rule_5_known_devices_get_no_packet),
        cmocka_unit_test(rule_5_by_the_makers_of_hardware_addresses),
        cmocka_unit_test(rule_5_what_an_older_survey_knew_counts),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
