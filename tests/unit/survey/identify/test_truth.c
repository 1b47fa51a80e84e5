/* Ground truth: hosts with their facts and what they are (tests/data/survey/identify), against what
 * identify_host makes of them. Prints recall and precision by type; arguments: the files. */
#include "survey/identify/identify.h"

#include <stdio.h>

#include "survey/identify/tally.h"
#include "unit.h"

enum { LINE_MAX = 2048, PORTS_MAX = 16, TRUTHS_MAX = 8, TEXT_MAX = 96 };

struct truth {
    char name[TEXT_MAX], type[TEXT_MAX], vendor[TEXT_MAX], product[TEXT_MAX], version[TEXT_MAX],
        toolkit[TEXT_MAX];
    bool found;
};

struct score {
    unsigned right, missed, wrong;
};

struct all {
    struct fp_matcher *m;
    struct arena arena;
    struct truth truths[TRUTHS_MAX];
    size_t n_truths;
    struct endpoint endpoints[PORTS_MAX];
    size_t n_endpoints;
    struct score types[TYPE_COUNT], products;
    unsigned hosts, decoys, faults;
};

static int n_files;
static char **files;

static struct str unescaped(struct str s, struct arena *a)
{
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    assert_non_null(to);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : 0;
        if (c != '\\' || !next) {
            to[n++] = c;
        } else if (next == 'x' && i + 3 < s.n) {
            char hex[3] = {s.p[i + 2], s.p[i + 3], 0};
            to[n++] = (char)strtoul(hex, NULL, 16);
            i += 3;
        } else {
            to[n++] = next == 'r' ? '\r' : next == 'n' ? '\n' : next;
            i++;
        }
    }
    return str_of(to, n);
}

static struct evidence *endpoint_of(struct all *t, uint16_t port)
{
    size_t at = 0;
    while (at < t->n_endpoints && t->endpoints[at].port < port)
        at++;
    if (at < t->n_endpoints && t->endpoints[at].port == port)
        return t->endpoints[at].e;
    assert_in_range(t->n_endpoints, 0, PORTS_MAX - 1);
    memmove(&t->endpoints[at + 1], &t->endpoints[at],
            (t->n_endpoints - at) * sizeof(*t->endpoints));
    t->n_endpoints++;
    t->endpoints[at] = (struct endpoint){.port = port, .e = ARENA_NEW(&t->arena, struct evidence)};
    assert_non_null(t->endpoints[at].e);
    evidence_init(t->endpoints[at].e, &t->arena);
    return t->endpoints[at].e;
}

static enum ev_by by_of(struct str s)
{
    static const char *const names[] = {"engine", "site", "traffic", "probe"};
    for (unsigned i = 0; i < 4; i++)
        if (str_eq(s, str_z(names[i])))
            return (enum ev_by)(BY_ENGINE + i);
    fail_msg("who is %.*s?", STR_ARG(s));
    return BY_NOBODY;
}

static void read_fact(struct all *t, struct str line)
{
    struct str f[4];
    uint64_t port;
    for (size_t i = 0; i < 3; i++)
        assert_true(str_split(&line, '\t', &f[i]));
    f[3] = line;
    assert_true(str_to_u64(f[0], UINT16_MAX, &port));
    enum ev_kind kind = ev_by_name(f[2]);
    if (kind == EV_NONE)
        fail_msg("no such fact: %.*s", STR_ARG(f[2]));
    assert_ok(evidence_keep(endpoint_of(t, (uint16_t)port), by_of(f[1]), kind,
                            unescaped(f[3], &t->arena)));
}

static void read_truth(struct all *t, struct str line)
{
    struct truth *r = &t->truths[t->n_truths++];
    char *const fields[] = {r->name, r->type, r->vendor, r->product, r->version, r->toolkit};
    assert_in_range(t->n_truths, 1, TRUTHS_MAX);
    *r = (struct truth){0};
    for (size_t i = 0; i < 6; i++) {
        struct str one;
        assert_true(str_split(&line, '\t', &one));
        assert_true(str_to_z(one, fields[i], TEXT_MAX));
    }
}

static void complain(struct all *t, const char *what, const char *expected, struct str got,
                     struct str why)
{
    t->faults++;
    print_message("  %s: %s should be '%s', is '%.*s' (%.*s)\n", t->truths[0].name, what, expected,
                  STR_ARG(got), STR_ARG(why));
}

static void check_product(struct all *t, const struct truth *r, const struct system *s)
{
    bool named = s->product.name.n > 0, wanted = r->product[0] != 0;
    bool right = named && wanted && str_eq(s->product.name, str_z(r->product));
    t->products.right += right;
    t->products.missed += wanted && !right;
    t->products.wrong += named && !right;
    if (right != wanted || named != wanted)
        complain(t, "product", r->product, s->product.name, s->product.why);
    if (right && !str_eq(s->product.version, str_z(r->version)))
        complain(t, "version", r->version, s->product.version, s->product.why);
    if (r->vendor[0] && !str_eq(s->vendor.vendor, str_z(r->vendor)))
        complain(t, "vendor", r->vendor, s->vendor.vendor, s->vendor.why);
    if (!str_eq(s->toolkit.name, str_z(r->toolkit)) && r->toolkit[0])
        complain(t, "toolkit", r->toolkit, s->toolkit.name, s->toolkit.why);
    if (named && (s->product.conf == CONF_none || s->product.why.n == 0))
        complain(t, "reason", "some", s->product.why, s->product.name);
    if (s->type_conf == CONF_none || s->type_why.n == 0)
        complain(t, "reason of the type", "some", s->type_why, type_name(s->type));
}

static void judge_host(struct all *t)
{
    static struct system found[HOST_SYSTEMS_MAX];
    struct host h = {.endpoints = t->endpoints, .n = t->n_endpoints};
    size_t n;
    for (size_t i = 0; i < t->n_endpoints; i++)
        assert_ok(observe(t->m, t->endpoints[i].e));
    assert_ok(identify_host(t->m, &h, &t->arena, found, HOST_SYSTEMS_MAX, &n));
    for (size_t i = 0; i < n; i++) {
        struct truth *r = NULL;
        for (size_t k = 0; k < t->n_truths && !r; k++)
            if (!t->truths[k].found && str_eq(type_name(found[i].type), str_z(t->truths[k].type)))
                r = &t->truths[k];
        if (!r) {
            t->types[found[i].type].wrong++;
            t->products.wrong += found[i].product.name.n > 0;
            complain(t, "type", t->truths[0].type, type_name(found[i].type), found[i].type_why);
            continue;
        }
        r->found = true;
        t->types[found[i].type].right++;
        check_product(t, r, &found[i]);
    }
    for (size_t k = 0; k < t->n_truths; k++) {
        const struct truth *r = &t->truths[k];
        if (r->found || str_eq(str_z(r->type), STR("none")))
            continue;
        enum sys_type type = type_by_name(str_z(r->type));
        assert_int_not_equal(type, TYPE_none);
        t->types[type].missed++;
        t->products.missed += r->product[0] != 0;
        complain(t, "system", r->type, STR("not found"), STR(""));
    }
    t->hosts++;
    t->decoys += str_eq(str_z(t->truths[0].type), STR("none"));
}

static void end_host(struct all *t)
{
    if (t->n_truths)
        judge_host(t);
    t->n_truths = t->n_endpoints = 0;
    arena_reset(&t->arena);
}

static void read_file(struct all *t, const char *path)
{
    static char line[LINE_MAX];
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("cannot read %s", path);
    while (fgets(line, sizeof(line), f)) {
        struct str rest = str_z(line), word;
        assert_true(rest.n > 0 && rest.p[rest.n - 1] == '\n');
        rest.n--;
        if (rest.n == 0 || rest.p[0] == '#')
            continue;
        assert_true(str_split(&rest, '\t', &word));
        if (str_eq(word, STR("host")))
            end_host(t);
        if (str_eq(word, STR("fact")))
            read_fact(t, rest);
        else
            read_truth(t, rest);
    }
    end_host(t);
    (void)fclose(f);
}

static double ratio(unsigned part, unsigned other)
{
    return part + other ? (double)part / (part + other) : 1.0;
}

static void show(const char *name, const struct score *s)
{
    print_message("  %-20s recall %.3f precision %.3f (%u right, %u missed, %u wrong)\n", name,
                  ratio(s->right, s->missed), ratio(s->right, s->wrong), s->right, s->missed,
                  s->wrong);
}

static void hosts_are_what_they_are(void **state)
{
    struct all *t = calloc(1, sizeof(*t));
    struct score sum = {0};
    struct diag d = {""};
    (void)state;
    assert_non_null(t);
    assert_ok(fp_matcher_new(&t->m, &d));
    t->arena = arena_init(64 << 20);
    for (int i = 0; i < n_files; i++)
        read_file(t, files[i]);
    print_message("%u hosts, %u of them nothing medical\n", t->hosts, t->decoys);
    for (unsigned i = 1; i < TYPE_COUNT; i++) {
        const struct score *s = &t->types[i];
        if (s->right + s->missed + s->wrong)
            show(type_name((enum sys_type)i).p, s);
        sum.right += s->right;
        sum.missed += s->missed;
        sum.wrong += s->wrong;
    }
    show("types, all", &sum);
    show("products, all", &t->products);
    assert_true(t->hosts >= 150);
    assert_true(ratio(sum.right, sum.missed) >= 0.98 && ratio(sum.right, sum.wrong) >= 0.98);
    assert_true(ratio(t->products.right, t->products.missed) >= 0.95);
    assert_true(ratio(t->products.right, t->products.wrong) >= 0.95);
    assert_in_range(t->faults, 0, 2);
    fp_matcher_free(t->m);
    arena_done(&t->arena);
    free(t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hosts_are_what_they_are)};
    n_files = argc - 1;
    files = argv + 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
