#include "unit.h"

#include <arpa/inet.h>

#include "audit_fixture.h"
#include "base/size.h"
#include "io/thread.h"

static struct addr address(const char *text, uint16_t port)
{
    struct addr a = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&a.sa;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.sa;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        *four = (struct sockaddr_in){AF_INET, htons(port), four->sin_addr, {0}};
        a.n = sizeof *four;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        a.n = sizeof *six;
    }
    return a;
}

static void write_n(struct trail *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char id[16];
        snprintf(id, sizeof id, "PEER%u", i);
        assert_ok(audit_admin(t->audit, AUDIT_NETWORK_CONFIGURED, STR("root"), AUDIT_NODE,
                              str_z(id), STR("peer added")));
    }
}

static void each_kind_is_written_with_its_codes(void **state)
{
    struct trail *t = *state;
    static const struct {
        const char *id, *type;
    } codes[] = {
#define AUDIT(name, id, event, type, type_text, action, sync) {#id, #type},
#include "access/audit.def"
#undef AUDIT
    };
    struct audit_participant who = audit_self(t->audit, AUDIT_APPLICATION);
    for (unsigned k = 0; k < AUDIT_KINDS; k++) {
        struct audit_event e = {
            .kind = (enum audit_kind)k, .participants = &who, .n_participants = 1};
        assert_ok(audit_write(t->audit, &e));
        assert_true(audit_event_text((enum audit_kind)k).n > 0);
    }
    assert_ok(audit_sync(t->audit));
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, AUDIT_KINDS);
    struct str rest = wr_str(&l.w), line;
    for (unsigned k = 0; k < AUDIT_KINDS; k++) {
        struct arena a = arena_init(1 << 20);
        struct audit_message m;
        assert_true(str_split(&rest, '\n', &line));
        assert_ok(audit_parse(line, &a, &m));
        assert_true(str_eq(m.id.code, str_z(codes[k].id)));
        assert_true(
            str_eq(m.type.code, strcmp(codes[k].type, "0") ? str_z(codes[k].type) : STR("")));
        assert_str(m.source_id, "LASTRA");
        assert_true(m.time_us > 0);
        arena_done(&a);
    }
    wr_done(&l.w);
}

static void a_query_names_who_asked_and_what(void **state)
{
    struct trail *t = *state;
    char buf[ADDR_TEXT_MAX];
    struct addr from = address("10.1.2.3", 50123);
    struct audit_participant peer = audit_peer(STR("WS1"), &from, buf, AUDIT_SOURCE, true);
    assert_ok(audit_query(t->audit, &peer, STR("1.2.840.10008.5.1.4.1.2.2.1"),
                          STR("1.2.840.10008.1.2"), STR("identifier\0bytes"), AUDIT_SUCCESS));
    assert_ok(audit_sync(t->audit));
    struct lines l = trail_lines(t);
    struct arena a = arena_init(1 << 20);
    struct audit_message m;
    assert_ok(audit_parse(str_slice(wr_str(&l.w), 0, l.w.n - 1), &a, &m));
    assert_str(m.id.code, "110112");
    assert_int_equal(m.action, 'E');
    assert_int_equal(m.n_participants, 2);
    assert_str(m.participants[0].user_id, "WS1");
    assert_str(m.participants[0].address, "10.1.2.3");
    assert_true(m.participants[0].address_is_ip);
    assert_true(m.participants[0].requestor);
    assert_int_equal(m.participants[0].role, AUDIT_SOURCE);
    assert_str(m.participants[1].user_id, "LASTRA");
    assert_str(m.participants[1].alternative, "AETITLES=LASTRA");
    assert_int_equal(m.participants[1].role, AUDIT_DESTINATION);
    assert_int_equal(m.n_objects, 1);
    assert_int_equal(m.objects[0].kind, AUDIT_SOP_CLASS_QUERIED);
    assert_str(m.objects[0].id, "1.2.840.10008.5.1.4.1.2.2.1");
    assert_true(str_eq(m.objects[0].query, STR("identifier\0bytes")));
    assert_str(m.objects[0].details[0].type, "TransferSyntax");
    assert_str(m.objects[0].details[0].value, "1.2.840.10008.1.2");
    arena_done(&a);
    wr_done(&l.w);
}

static void addresses_stand_without_port_and_brackets(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.1.2.3", "fd00:1::7", "::1"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        char buf[ADDR_TEXT_MAX];
        struct addr a = address(texts[i], 104);
        struct audit_participant p = audit_peer(STR("X"), &a, buf, AUDIT_NO_ROLE, false);
        assert_true(str_eq(p.address, str_z(texts[i])));
    }
}

/* Knocking fast fills no disk, and is told. */
static void a_flood_of_refusals_is_counted_not_written(void **state)
{
    struct trail *t = *state;
    struct addr from = address("10.1.2.3", 5);
    for (int i = 0; i < 5000; i++)
        assert_ok(audit_refused(t->audit, &from, STR("EVIL"), STR("no peer has that title")));
    assert_ok(audit_sync(t->audit));
    struct lines l = trail_lines(t);
    assert_in_range(l.n, 5, 200);
    wr_done(&l.w);
    usleep(250000);
    assert_ok(audit_refused(t->audit, &from, STR(""), STR("no peer has that title")));
    assert_ok(audit_sync(t->audit));
    l = trail_lines(t);
    assert_true(lines_have(&l, "more refusals before this one"));
    assert_true(lines_have(&l, "\"UserID\":\"unknown\""));
    wr_done(&l.w);
}

static void an_event_with_many_objects_becomes_several_lines(void **state)
{
    struct trail *t = *state;
    enum { MANY = 1000 };
    static struct audit_object objects[MANY];
    static char ids[MANY][200];
    struct audit_participant who = audit_person(STR("root"));
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "id-%04d-%0180d", i, 7);
        objects[i] =
            (struct audit_object){.kind = AUDIT_STUDY, .id = str_z(ids[i]), .name = str_z(ids[i])};
    }
    assert_ok(audit_write(t->audit, &(struct audit_event){.kind = AUDIT_EXPORT,
                                                          .participants = &who,
                                                          .n_participants = 1,
                                                          .objects = objects,
                                                          .n_objects = MANY}));
    struct lines l = trail_lines(t);
    assert_in_range(l.n, MANY / AUDIT_OBJECTS_MAX, MANY / 8);
    assert_int_equal(lines_count(&l, "\"ParticipantObjectID\":\"id-"), MANY);
    assert_true(lines_have(&l, "id-0000-"));
    assert_true(lines_have(&l, "id-0999-"));
    wr_done(&l.w);
}

static void two_processes_write_one_chain(void **state)
{
    struct trail *t = *state;
    struct trail other = {.dir = t->dir};
    trail_open_with(&other, &trail_key);
    for (int i = 0; i < 20; i++) {
        write_n(t, 1);
        write_n(&other, 1);
    }
    trail_close(&other);
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 40);
    wr_done(&l.w);
}

static void write_some(void *arg)
{
    write_n(arg, 25);
}

static void many_threads_write_one_chain(void **state)
{
    struct trail *t = *state;
    struct thread *threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_ok(thread_start(write_some, t, "writer", &threads[i]));
    for (size_t i = 0; i < COUNT(threads); i++)
        thread_join(threads[i]);
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 100);
    wr_done(&l.w);
}

/* A trail of twenty lines, closed, and its bytes. */
static struct str twenty(struct trail *t, char *buf, size_t cap)
{
    int fd = -1;
    size_t n;
    write_n(t, 20);
    trail_close(t);
    assert_ok(file_open(t->dir, FIRST_LOG, FILE_READ, &fd, &d));
    assert_ok(file_read_some(fd, 0, buf, cap, &n, &d));
    file_close(&fd);
    assert_true(n < cap);
    return str_of(buf, n);
}

/* The n-th line (from 1) with its newline. */
static struct str line(struct str all, unsigned n)
{
    struct str rest = all, l = {NULL, 0};
    for (unsigned i = 0; i < n; i++)
        assert_true(str_split(&rest, '\n', &l));
    return str_of(l.p, l.n + 1);
}

static void put_back(struct trail *t, const struct str *parts, size_t n)
{
    struct wr w = wr_heap(1 << 20);
    for (size_t i = 0; i < n; i++)
        wr_put(&w, parts[i]);
    assert_ok(file_save(t->dir, FIRST_LOG, 0600, wr_str(&w), &d));
    wr_done(&w);
}

static void assert_breaks_at(struct trail *t, uint64_t expected)
{
    struct chain_report r = {0};
    assert_err(chain_verify(t->dir, &trail_key, NULL, NULL, &r, &d), E_DAMAGED);
    assert_int_equal(r.bad_line, expected);
}

static char bytes[1 << 18], changed[1 << 18];

static void verify_names_a_line_that_was_changed(void **state)
{
    struct trail *t = *state;
    struct str all = twenty(t, bytes, sizeof bytes);
    memcpy(changed, bytes, all.n);
    char *name = memmem(changed, all.n, "PEER6\"", 6);
    assert_non_null(name);
    name[4] = '9';
    put_back(t, &(struct str){changed, all.n}, 1);
    assert_breaks_at(t, 7);
}

static void verify_names_the_place_where_a_line_was_cut_out(void **state)
{
    struct trail *t = *state;
    struct str all = twenty(t, bytes, sizeof bytes), gone = line(all, 12);
    struct str parts[] = {str_of(all.p, (size_t)(gone.p - all.p)),
                          str_of(gone.p + gone.n, all.n - (size_t)(gone.p + gone.n - all.p))};
    put_back(t, parts, 2);
    assert_breaks_at(t, 12);
}

static void verify_names_the_place_where_lines_were_exchanged(void **state)
{
    struct trail *t = *state;
    struct str all = twenty(t, bytes, sizeof bytes), a = line(all, 4), b = line(all, 5);
    struct str parts[] = {str_of(all.p, (size_t)(a.p - all.p)), b, a,
                          str_of(b.p + b.n, all.n - (size_t)(b.p + b.n - all.p))};
    put_back(t, parts, 4);
    assert_breaks_at(t, 4);
}

static void verify_tells_that_the_end_was_cut_off(void **state)
{
    struct trail *t = *state;
    struct str all = twenty(t, bytes, sizeof bytes), last = line(all, 18);
    put_back(t, &(struct str){all.p, (size_t)(last.p - all.p)}, 1);
    assert_breaks_at(t, 18);
}

static void verify_names_a_line_that_was_added_without_the_key(void **state)
{
    struct trail *t = *state;
    struct str all = twenty(t, bytes, sizeof bytes);
    static const struct key wrong = {{1}};
    int fd = -1;
    struct trail forger = {0};
    snprintf(forger.path, sizeof forger.path, "/tmp/lastra-forger-XXXXXX");
    assert_non_null(mkdtemp(forger.path));
    assert_ok(dir_open(AT_FDCWD, forger.path, &forger.dir, &d));
    trail_open_with(&forger, &wrong);
    write_n(&forger, 21);
    trail_close(&forger);
    size_t n;
    assert_ok(file_open(forger.dir, FIRST_LOG, FILE_READ, &fd, &d));
    assert_ok(file_read_some(fd, 0, changed, sizeof changed, &n, &d));
    file_close(&fd);
    struct str parts[] = {all, line(str_of(changed, n), 21)};
    put_back(t, parts, 2);
    assert_breaks_at(t, 21);
    assert_ok(dir_each(forger.dir, trail_remove_one, &forger.dir, &d));
    file_close(&forger.dir);
    rmdir(forger.path);
}

static void verify_tells_that_a_whole_file_is_gone(void **state)
{
    struct trail *t = *state;
    trail_close(t);
    assert_ok(audit_open(
        &(struct audit_options){
            .dir = t->dir, .key = &trail_key, .source_id = STR("LASTRA"), .file_max = 4096},
        &t->audit, &d));
    write_n(t, 40);
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 40);
    wr_done(&l.w);
    trail_close(t);
    assert_ok(file_remove(t->dir, "00000002.log", &d));
    struct chain_report r = {0};
    assert_err(chain_verify(t->dir, &trail_key, NULL, NULL, &r, &d), E_DAMAGED);
    assert_true(r.bad_line > 1);
}

/* A line too long for the chain cannot be written. */
static void what_could_not_be_written_is_told_by_the_next_event(void **state)
{
    struct trail *t = *state;
    write_n(t, 1);
    static char huge[100000];
    struct audit_participant who[AUDIT_PARTICIPANTS_MAX];
    memset(huge, 1, sizeof huge);
    struct audit_sop_class classes[AUDIT_CLASSES_MAX];
    for (size_t i = 0; i < COUNT(classes); i++)
        classes[i] = (struct audit_sop_class){str_of(huge, 64), 1};
    for (size_t i = 0; i < COUNT(who); i++)
        who[i] = (struct audit_participant){.user_id = str_of(huge, 64),
                                            .alternative = str_of(huge, 64),
                                            .name = str_of(huge, 64),
                                            .address = str_of(huge, 64)};
    struct audit_object o = {.id = str_of(huge, 256),
                             .query = str_of(huge, AUDIT_QUERY_MAX),
                             .classes = classes,
                             .n_classes = COUNT(classes)};
    for (size_t i = 0; i < AUDIT_DETAILS_MAX; i++)
        o.details[i] = (struct audit_detail){str_of(huge, 64), str_of(huge, 512)};
    struct audit_event e = {.kind = AUDIT_QUERY,
                            .participants = who,
                            .n_participants = COUNT(who),
                            .objects = &o,
                            .n_objects = 1};
    assert_err(audit_write(t->audit, &e), E_LIMIT);
    write_n(t, 1);
    write_n(t, 1);
    struct lines l = trail_lines(t);
    assert_int_equal(l.n, 4);
    assert_int_equal(lines_count(&l, "events that could not be written: 1"), 1);
    assert_int_equal(lines_count(&l, "\"csd-code\":\"110133\""), 1);
    wr_done(&l.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_kind_is_written_with_its_codes),
        CASE(a_query_names_who_asked_and_what),
        cmocka_unit_test(addresses_stand_without_port_and_brackets),
        CASE(a_flood_of_refusals_is_counted_not_written),
        CASE(an_event_with_many_objects_becomes_several_lines),
        CASE(two_processes_write_one_chain),
        CASE(many_threads_write_one_chain),
        CASE(verify_names_a_line_that_was_changed),
        CASE(verify_names_the_place_where_a_line_was_cut_out),
        CASE(verify_names_the_place_where_lines_were_exchanged),
        CASE(verify_tells_that_the_end_was_cut_off),
        CASE(verify_names_a_line_that_was_added_without_the_key),
        CASE(verify_tells_that_a_whole_file_is_gone),
        CASE(what_could_not_be_written_is_told_by_the_next_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
