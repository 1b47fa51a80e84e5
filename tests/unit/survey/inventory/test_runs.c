#include "inventory_test.h"

#include <signal.h>
#include <sys/wait.h>

/* Runs, batches, resuming, flows. */

enum { SECOND = 1000000 };

struct fixture {
    struct site site;
    struct inventory *v;
    struct survey survey;
    struct run run;
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    site_make(&f->site);
    f->v = site_open(&f->site, INVENTORY_CREATE);
    f->survey = survey_of(f->v, "spring");
    f->run = run_of(f->v, f->survey.id, "export.json 1000");
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    inventory_close(f->v);
    site_done(&f->site);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    inventory_close(f->v);
    f->v = site_open(&f->site, INVENTORY_WORK);
}

static void tells_hosts_in_address_order_with_port_0_first(void **state)
{
    struct fixture *f = *state;
    put(f->v, &f->run, "10.0.0.9", 104, BY_PROBE, EV_dicom_answer, "accepted", SECOND);
    put(f->v, &f->run, "fd00::1", 2762, BY_PROBE, EV_transport, "tls", SECOND);
    put(f->v, &f->run, "10.0.0.9", 0, BY_SITE, EV_owner, "Radiologia", SECOND);
    put(f->v, &f->run, "10.0.0.9", 80, BY_PROBE, EV_port_open, "yes", SECOND);
    put(f->v, &f->run, "9.255.0.1", 104, BY_PROBE, EV_port_open, "yes", SECOND);
    assert_hosts(f->v, f->survey.id,
                 "9.255.0.1:104 port_open=yes;\n10.0.0.9:0 owner=Radiologia;\n"
                 "10.0.0.9:80 port_open=yes;\n10.0.0.9:104 dicom_answer=accepted;\n"
                 "fd00::1:2762 transport=tls;\n");
}

static void evidence_of_one_endpoint_is_joined(void **state)
{
    struct fixture *f = *state;
    static const char expected[] =
        "10.0.0.1:104 dicom_answer=accepted; dicom_version_name=OFFIS_DCMTK_367; "
        "dicom_command=C-STORE 12;\n";
    put(f->v, &f->run, "10.0.0.1", 104, BY_ENGINE, EV_dicom_answer, "silent", 5 * SECOND);
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_dicom_answer, "accepted", 2 * SECOND);
    put(f->v, &f->run, "10.0.0.1", 104, BY_TRAFFIC, EV_dicom_command, "C-STORE 12", SECOND);
    assert_ok(inventory_run_mark(f->v, &f->run));
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_dicom_version_name, "OFFIS_DCMTK_367",
        3 * SECOND);
    put(f->v, &f->run, "10.0.0.1", 104, BY_TRAFFIC, EV_dicom_command, "C-STORE 9", 4 * SECOND);
    assert_hosts(f->v, f->survey.id, expected);
    reopen(f);
    assert_hosts(f->v, f->survey.id, expected);
}

static void the_newer_of_equal_standing_stays_whatever_the_order(void **state)
{
    struct fixture *f = *state;
    put(f->v, &f->run, "10.0.0.1", 80, BY_PROBE, EV_http_status, "200", 9 * SECOND);
    put(f->v, &f->run, "10.0.0.1", 80, BY_PROBE, EV_http_status, "401", 3 * SECOND);
    assert_hosts(f->v, f->survey.id, "10.0.0.1:80 http_status=200;\n");
    put(f->v, &f->run, "10.0.0.1", 80, BY_PROBE, EV_http_status, "500", 4 * SECOND);
    assert_hosts(f->v, f->survey.id, "10.0.0.1:80 http_status=200;\n");
    put(f->v, &f->run, "10.0.0.1", 80, BY_PROBE, EV_http_status, "302", 10 * SECOND);
    assert_hosts(f->v, f->survey.id, "10.0.0.1:80 http_status=302;\n");
}

static err_t take_times(void *ctx, const struct host *h)
{
    int64_t *times = ctx;
    assert_int_equal(h->n, 1);
    times[0] = h->endpoints[0].first_us;
    times[1] = h->endpoints[0].last_us;
    return OK;
}

static void first_seen_is_over_all_surveys(void **state)
{
    struct fixture *f = *state;
    int64_t times[2];
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", 5 * SECOND);
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", 7 * SECOND);
    struct survey later = survey_of(f->v, "autumn");
    struct run r = run_of(f->v, later.id, "again");
    put(f->v, &r, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", 100 * SECOND);
    assert_ok(inventory_hosts(f->v, f->survey.id, take_times, times));
    assert_int_equal(times[0], 5 * SECOND);
    assert_int_equal(times[1], 7 * SECOND);
    assert_ok(inventory_hosts(f->v, later.id, take_times, times));
    assert_int_equal(times[0], 5 * SECOND);
    assert_int_equal(times[1], 100 * SECOND);
}

static err_t count_host(void *ctx, const struct host *h)
{
    size_t *n = ctx;
    n[0]++;
    n[1] = h->n;
    n[2] = h->more;
    return OK;
}

static void a_host_with_every_port_open_is_told_in_part(void **state)
{
    struct fixture *f = *state;
    size_t n[3] = {0};
    for (unsigned port = 1; port <= 3000; port++)
        put(f->v, &f->run, "10.0.0.1", (uint16_t)port, BY_ENGINE, EV_port_open, "yes", SECOND);
    assert_ok(inventory_hosts(f->v, f->survey.id, count_host, n));
    assert_int_equal(n[0], 1);
    assert_int_equal(n[1], HOST_ENDPOINTS_MAX);
    assert_int_equal(n[2], 3000 - HOST_ENDPOINTS_MAX);
}

/* Runs. */

static void a_run_that_was_not_finished_is_taken_up_again(void **state)
{
    struct fixture *f = *state;
    assert_false(f->run.resumed);
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", SECOND);
    f->run.position = 4096;
    f->run.records = 7;
    f->run.bad = 1;
    f->run.packets = 12;
    f->run.bytes_out = 900;
    assert_ok(inventory_run_mark(f->v, &f->run));
    reopen(f);
    struct run r = run_of(f->v, f->survey.id, "export.json 1000");
    assert_true(r.resumed);
    assert_int_equal(r.id, f->run.id);
    assert_int_equal(r.position, 4096);
    assert_int_equal(r.records, 7);
    assert_int_equal(r.bad, 1);
    assert_int_equal(r.packets, 12);
    assert_int_equal(r.bytes_out, 900);
    assert_ok(inventory_run_end(f->v, &r, STR("7 records, 1 malformed")));
    struct run next = run_of(f->v, f->survey.id, "export.json 1000");
    assert_false(next.resumed);
    assert_true(next.again);
    assert_int_not_equal(next.id, r.id);
    assert_int_equal(next.position, 0);
}

static void runs_differ_by_source_input_shard_and_survey(void **state)
{
    struct fixture *f = *state;
    struct run r;
    assert_ok(inventory_run_begin(f->v, f->survey.id, STR("capture"), STR("export.json 1000"),
                                  STR(""), &r, NULL));
    assert_false(r.resumed);
    assert_ok(inventory_run_begin(f->v, f->survey.id, STR("import"), STR("export.json 1000"),
                                  STR("1/4"), &r, NULL));
    assert_false(r.resumed);
    assert_false(run_of(f->v, survey_of(f->v, "other").id, "export.json 1000").resumed);
    assert_true(run_of(f->v, f->survey.id, "export.json 1000").resumed);
}

static err_t write_run(void *ctx, const struct run_info *r)
{
    wr_printf(ctx, "%.*s|%.*s|%.*s|%llu|%d|%d ", STR_ARG(r->source), STR_ARG(r->input),
              STR_ARG(r->note), (unsigned long long)r->run.records, r->run.finished,
              r->ended_us != 0);
    return OK;
}

static void tells_its_runs(void **state)
{
    struct fixture *f = *state;
    char buf[512];
    struct wr w = wr_fixed(buf, sizeof buf);
    f->run.records = 3;
    assert_ok(inventory_run_end(f->v, &f->run, STR("3 records\x1b[31m")));
    (void)run_of(f->v, f->survey.id, "b");
    assert_ok(inventory_runs(f->v, f->survey.id, write_run, &w));
    assert_str(wr_str(&w), "import|export.json 1000|3 records [31m|3|1|1 import|b||0|0|0 ");
}

static bool has(struct fixture *f, const struct run *r, const char *ip, uint16_t port)
{
    struct ip at = ip_z(ip);
    bool yes = false;
    assert_ok(inventory_has(f->v, r, &at, port, &yes));
    return yes;
}

static void touch(struct fixture *f, const char *ip, uint16_t port)
{
    struct ip at = ip_z(ip);
    assert_ok(inventory_run_touch(f->v, &f->run, &at, port));
}

static void knows_what_was_done_in_a_run(void **state)
{
    struct fixture *f = *state;
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", SECOND);
    touch(f, "10.0.0.2", 104);
    for (int stored = 0; stored < 2; stored++) {
        assert_true(has(f, &f->run, "10.0.0.1", 104));
        assert_true(has(f, &f->run, "10.0.0.2", 104));
        assert_false(has(f, &f->run, "10.0.0.2", 105));
        assert_false(has(f, &f->run, "10.0.0.3", 104));
        assert_ok(inventory_run_mark(f->v, &f->run));
    }
    reopen(f);
    assert_true(has(f, &f->run, "10.0.0.2", 104));
    struct run other = run_of(f->v, f->survey.id, "other");
    assert_false(has(f, &other, "10.0.0.1", 104));
    assert_false(has(f, &other, "10.0.0.2", 104));
    /* Another run's put does not make a touched endpoint undone. */
    put(f->v, &other, "10.0.0.2", 104, BY_ENGINE, EV_port_open, "yes", SECOND);
    assert_ok(inventory_run_mark(f->v, &other));
    assert_true(has(f, &f->run, "10.0.0.2", 104));
}

static void a_touch_alone_is_no_evidence(void **state)
{
    struct fixture *f = *state;
    struct survey y;
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_ok(inventory_conclude_end(f->v, NULL));
    touch(f, "10.0.0.2", 104);
    assert_ok(inventory_run_mark(f->v, &f->run));
    assert_hosts(f->v, f->survey.id, "");
    assert_ok(inventory_find(f->v, STR("spring"), &y));
    assert_true(y.concluded);
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", SECOND);
    assert_ok(inventory_run_mark(f->v, &f->run));
    assert_ok(inventory_find(f->v, STR("spring"), &y));
    assert_false(y.concluded);
}

static void what_was_not_marked_is_not_there(void **state)
{
    struct fixture *f = *state;
    put(f->v, &f->run, "10.0.0.1", 104, BY_PROBE, EV_port_open, "yes", SECOND);
    f->run.position = 100;
    assert_ok(inventory_run_mark(f->v, &f->run));
    put(f->v, &f->run, "10.0.0.2", 104, BY_PROBE, EV_port_open, "yes", SECOND);
    f->run.position = 200;
    reopen(f);
    assert_hosts(f->v, f->survey.id, "10.0.0.1:104 port_open=yes;\n");
    assert_int_equal(run_of(f->v, f->survey.id, "export.json 1000").position, 100);
}

/* Record n is one host with two endpoints; the position is the number of records put. */
static void put_record(struct inventory *v, struct run *r, uint32_t n, size_t bytes)
{
    char ip[32], text[256];
    memset(text, 'a' + (int)(n % 26), bytes);
    text[bytes] = 0;
    snprintf(ip, sizeof ip, "10.%u.%u.%u", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
    put(v, r, ip, 0, BY_ENGINE, EV_hostname, text + bytes / 2, SECOND);
    put(v, r, ip, 104, BY_ENGINE, EV_banner, text, SECOND);
    r->position = n + 1;
    r->records = n + 1;
}

static err_t count_whole(void *ctx, const struct host *h)
{
    uint64_t *n = ctx;
    assert_int_equal(h->n, 2);
    n[0]++;
    return OK;
}

static void a_batch_that_fills_up_is_written_at_a_record(void **state)
{
    struct fixture *f = *state;
    uint64_t hosts = 0;
    for (uint32_t n = 0; n < 40000; n++)
        put_record(f->v, &f->run, n, 200);
    struct inventory *look = site_open(&f->site, INVENTORY_LOOK);
    assert_ok(inventory_hosts(look, f->survey.id, count_whole, &hosts));
    inventory_close(look);
    assert_true(hosts > 10000 && hosts < 40000);
    reopen(f);
    assert_int_equal(run_of(f->v, f->survey.id, "export.json 1000").position, hosts);
}

/* Killed at some moment while it puts and marks: what is there afterwards is the state of one
 * mark, and going on from it brings everything. */
static void put_until_killed(const struct site *s, int64_t survey, int ready)
{
    struct inventory *v = site_open(s, INVENTORY_WORK);
    struct run r = run_of(v, survey, "killed");
    for (uint32_t n = (uint32_t)r.position; n < 1000000; n++) {
        put_record(v, &r, n, 100);
        if (n % 50 == 0) {
            assert_ok(inventory_run_mark(v, &r));
            assert_int_equal(write(ready, "x", 1), 1);
        }
    }
    _exit(1);
}

static uint64_t kill_one(struct fixture *f, unsigned marks)
{
    int ends[2];
    char c;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0)
        put_until_killed(&f->site, f->survey.id, ends[1]);
    close(ends[1]);
    for (unsigned i = 0; i < marks; i++)
        assert_int_equal(read(ends[0], &c, 1), 1);
    usleep(marks * 137 % 900);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    uint64_t hosts = 0;
    struct inventory *v = site_open(&f->site, INVENTORY_WORK);
    assert_ok(inventory_hosts(v, f->survey.id, count_whole, &hosts));
    struct run r = run_of(v, f->survey.id, "killed");
    assert_int_equal(r.position, hosts);
    assert_int_equal(r.records, hosts);
    inventory_close(v);
    return hosts;
}

static void killed_anywhere_it_is_the_state_of_one_mark(void **state)
{
    struct fixture *f = *state;
    uint64_t before = 0;
    inventory_close(f->v);
    for (unsigned i = 1; i <= 25; i++) {
        uint64_t now = kill_one(f, i % 7 + 1);
        assert_true(now >= before + (i % 7) * 50);
        before = now;
    }
    f->v = site_open(&f->site, INVENTORY_WORK);
}

/* Flows. */

static struct flow flow_of(const char *client, const char *server, uint16_t port)
{
    return (struct flow){.client = ip_z(client),
                         .server = ip_z(server),
                         .port = port,
                         .protocol = STR("dicom"),
                         .clear = true,
                         .connections = 1,
                         .bytes = 1000,
                         .messages = 2,
                         .fields = STR("PatientName 2, PatientID 1"),
                         .details = STR("CT1 > PACS C-STORE 2"),
                         .client_mac = STR("00:11:22:33:44:55"),
                         .server_mac = STR(""),
                         .vantage = STR("radiology")};
}

static err_t write_flow_text(void *ctx, const struct flow *f)
{
    char c[IP_TEXT_MAX], s[IP_TEXT_MAX];
    wr_printf(ctx, "%.*s>%.*s:%u %.*s %d %llu %llu %llu [%.*s] [%.*s] %.*s %.*s\n",
              STR_ARG(ip_text(&f->client, c)), STR_ARG(ip_text(&f->server, s)), f->port,
              STR_ARG(f->protocol), f->clear, (unsigned long long)f->connections,
              (unsigned long long)f->bytes, (unsigned long long)f->messages, STR_ARG(f->fields),
              STR_ARG(f->details), STR_ARG(f->client_mac), STR_ARG(f->vantage));
    return OK;
}

#define assert_flows(f, expected)                                                                  \
    do {                                                                                           \
        char buf_[4096];                                                                           \
        struct wr w_ = wr_fixed(buf_, sizeof buf_);                                                \
        assert_ok(inventory_flows((f)->v, (f)->survey.id, write_flow_text, &w_));                  \
        wr_u8(&w_, 0);                                                                             \
        assert_string_equal(buf_, (expected));                                                     \
    } while (0)

static void flows_with_one_key_are_added_up(void **state)
{
    struct fixture *f = *state;
    struct flow a = flow_of("10.0.0.5", "10.0.0.1", 104), b = a, c = a;
    b.fields = STR("PatientID 4, AccessionNumber 3");
    b.details = STR("CT2 > PACS C-STORE 1, CT1 > PACS C-STORE 1");
    c.clear = false;
    assert_ok(inventory_put_flow(f->v, &f->run, &a));
    assert_ok(inventory_put_flow(f->v, &f->run, &b));
    assert_ok(inventory_run_mark(f->v, &f->run));
    assert_ok(inventory_put_flow(f->v, &f->run, &a));
    assert_ok(inventory_put_flow(f->v, &f->run, &c));
    struct run other = run_of(f->v, f->survey.id, "other.pcap");
    assert_ok(inventory_put_flow(f->v, &other, &a));
    assert_flows(
        f, "10.0.0.5>10.0.0.1:104 dicom 0 1 1000 2 [PatientName 2, PatientID 1] [CT1 > PACS "
           "C-STORE 2] 00:11:22:33:44:55 radiology\n"
           "10.0.0.5>10.0.0.1:104 dicom 1 4 4000 8 [PatientName 6, PatientID 7, AccessionNumber 3] "
           "[CT1 > PACS C-STORE 7, CT2 > PACS C-STORE 1] 00:11:22:33:44:55 radiology\n");
}

static void a_flows_texts_are_cleaned(void **state)
{
    struct fixture *f = *state;
    struct flow a = flow_of("10.0.0.5", "10.0.0.1", 104);
    a.details = STR("A\x1b]0;x\x07 > B 1");
    a.fields = STR("");
    assert_ok(inventory_put_flow(f->v, &f->run, &a));
    assert_flows(f, "10.0.0.5>10.0.0.1:104 dicom 1 1 1000 2 [] [A ]0;x  > B 1] "
                    "00:11:22:33:44:55 radiology\n");
}

static void many_flows_do_not_fill_the_memory(void **state)
{
    struct fixture *f = *state;
    char ip[32];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(ip, sizeof ip, "10.1.%u.%u", i >> 8, i & 0xff);
        struct flow a = flow_of(ip, "10.0.0.1", 104);
        assert_ok(inventory_put_flow(f->v, &f->run, &a));
    }
    char *buf = malloc(1 << 20);
    struct wr w = wr_fixed(buf, 1 << 20);
    assert_ok(inventory_flows(f->v, f->survey.id, write_flow_text, &w));
    size_t lines = 0;
    for (size_t i = 0; i < w.n; i++)
        lines += buf[i] == '\n';
    assert_int_equal(lines, 5000);
    free(buf);
}

static void nothing_is_put_while_looking_or_concluding(void **state)
{
    struct fixture *f = *state;
    struct ip ip = ip_z("10.0.0.1");
    struct evidence e;
    evidence_init(&e, NULL);
    struct inventory *look = site_open(&f->site, INVENTORY_LOOK);
    assert_err(inventory_put(look, &f->run, &ip, 104, &e, 1), E_DENIED);
    assert_err(inventory_run_mark(look, &f->run), E_DENIED);
    inventory_close(look);
    assert_ok(inventory_conclude_begin(f->v, f->survey.id));
    assert_err(inventory_put(f->v, &f->run, &ip, 104, &e, 1), E_INTERNAL);
    assert_ok(inventory_conclude_end(f->v, NULL));
}

#define RUNS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNS_TEST(tells_hosts_in_address_order_with_port_0_first),
        RUNS_TEST(evidence_of_one_endpoint_is_joined),
        RUNS_TEST(the_newer_of_equal_standing_stays_whatever_the_order),
        RUNS_TEST(first_seen_is_over_all_surveys),
        RUNS_TEST(a_host_with_every_port_open_is_told_in_part),
        RUNS_TEST(a_run_that_was_not_finished_is_taken_up_again),
        RUNS_TEST(runs_differ_by_source_input_shard_and_survey),
        RUNS_TEST(tells_its_runs),
        RUNS_TEST(knows_what_was_done_in_a_run),
        RUNS_TEST(a_touch_alone_is_no_evidence),
        RUNS_TEST(what_was_not_marked_is_not_there),
        RUNS_TEST(a_batch_that_fills_up_is_written_at_a_record),
        RUNS_TEST(killed_anywhere_it_is_the_state_of_one_mark),
        RUNS_TEST(flows_with_one_key_are_added_up),
        RUNS_TEST(a_flows_texts_are_cleaned),
        RUNS_TEST(many_flows_do_not_fill_the_memory),
        RUNS_TEST(nothing_is_put_while_looking_or_concluding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
