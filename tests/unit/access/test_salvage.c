#include "unit.h"

#include "access/salvage.h"
#include "access/user.h"
#include "registry_fixture.h"

/* Every table of the registry, as text: what is not carried over shows as a difference. */
static void dump_table(struct sql *s, const char *name, struct wr *w)
{
    struct sql_stmt *columns, *rows;
    char text[256];
    int n = 0;
    bool row;
    snprintf(text, sizeof text, "SELECT name FROM pragma_table_info('%s')", name);
    assert_ok(sql_prepare(s, str_z(text), &columns, &d));
    while (assert_ok(sql_step(columns, &row)), row)
        n++;
    sql_free(columns);
    assert_true(n > 0);
    snprintf(text, sizeof text, "SELECT * FROM %s ORDER BY 1, 2", name);
    assert_ok(sql_prepare(s, str_z(text), &rows, &d));
    while (assert_ok(sql_step(rows, &row)), row) {
        wr_printf(w, "%s", name);
        for (int i = 0; i < n; i++)
            wr_printf(w, "|%.*s", STR_ARG(sql_text(rows, i)));
        wr_u8(w, '\n');
    }
    sql_free(rows);
}

static struct wr dump(const char *uri)
{
    struct sql *s;
    struct sql_stmt *tables;
    struct wr w = wr_heap(1 << 20);
    bool row;
    assert_ok(
        sql_open(&(struct sql_options){.uri = uri, .key = &fixture_key, .busy_ms = 5000}, &s, &d));
    assert_ok(sql_prepare(
        s, STR("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"), &tables, &d));
    while (assert_ok(sql_step(tables, &row)), row) {
        char name[64];
        assert_true(str_to_z(sql_text(tables, 0), name, sizeof name));
        dump_table(s, name, &w);
    }
    sql_free(tables);
    sql_close(s);
    return w;
}

static void fill(struct access *a)
{
    struct peer p = peer_new();
    assert_ok(peer_set_aet(&p, STR("CT1"), &d));
    assert_ok(peer_add_network(&p, STR("10.1.2.3"), &d));
    assert_ok(peer_add_network(&p, STR("fd00::/16"), &d));
    assert_ok(peer_add_cert(&p, (uint8_t[FINGERPRINT_SIZE]){1}, 77, &d));
    assert_ok(peer_add_cert(&p, (uint8_t[FINGERPRINT_SIZE]){2}, 0, &d));
    assert_ok(peer_set_cleartext(&p, STR("why"), &d));
    assert_ok(peer_set_host(&p, STR("ws1"), 104, &d));
    p.grants = 1U << GRANT_MOVE;
    assert_ok(peer_add_destination(&p, STR("WS1"), &d));
    p.limits = (struct peer_limits){5, 6, 7};
    assert_ok(access_add_peer(a, &p, &d));
    p.n_certs = 1;
    assert_ok(access_change_peer(a, &p, &d)); /* withdraws one */
    assert_ok(user_add(a, STR("anna"), ROLE_AUDITOR, STR("correct horse battery"), &d));
    assert_ok(user_set_locked(a, STR("anna"), true, &d));
}

static void every_row_is_carried_over(void **state)
{
    struct registry_fixture *f = *state, other = {0};
    struct sql *from, *to;
    fill(f->access);
    snprintf(other.uri, sizeof other.uri, "sqlcipher:%s/other.db", f->path);
    other.access = fixture_open(&other);
    access_close(other.access);
    struct sql_options o = {.uri = f->uri, .key = &fixture_key, .busy_ms = 5000};
    assert_ok(sql_open(&o, &from, &d));
    o.uri = other.uri;
    assert_ok(sql_open(&o, &to, &d));
    assert_ok(access_salvage(from, to, &d));
    sql_close(from);
    sql_close(to);
    struct wr a = dump(f->uri), b = dump(other.uri);
    if (a.n != b.n)
        print_error("%.*s---\n%.*s", STR_ARG(wr_str(&a)), STR_ARG(wr_str(&b)));
    assert_true(a.n > 200);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    wr_done(&a);
    wr_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(every_row_is_carried_over)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
