/* Hosts made of any facts. A fact: a byte for its port, one for who says so, one for its kind, one
 * for its length, its bytes. What comes out must be whole: every answer has its reason. */
#include <stdlib.h>

#include "base/rd.h"
#include "survey/identify/identify.h"

enum { PORTS = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fp_matcher *matcher(void)
{
    static struct fp_matcher *m;
    if (!m && fp_matcher_new(&m, NULL) != OK)
        abort();
    return m;
}

static void must(bool true_of_it)
{
    if (!true_of_it)
        abort();
}

static void check_answer(const struct answer *a, bool named)
{
    must(!named || (a->conf != CONF_none && a->why.n > 0));
}

static void check(const struct system *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        must(s[i].type != TYPE_none && s[i].type_conf != CONF_none && s[i].type_why.n > 0);
        check_answer(&s[i].product, s[i].product.name.n > 0);
        check_answer(&s[i].toolkit, s[i].toolkit.name.n > 0);
        check_answer(&s[i].vendor, s[i].vendor.vendor.n > 0);
        must(s[i].port == 0 || identify_owner(s, n, s[i].port) == (int)i);
    }
}

static void add(struct endpoint *ports, struct rd *r)
{
    uint8_t port = rd_u8(r) % PORTS, by = (uint8_t)(BY_ENGINE + rd_u8(r) % 4), kind = rd_u8(r);
    struct str value = rd_take(r, rd_u8(r));
    if (!r->bad && ev_name((enum ev_kind)kind).n)
        must(evidence_keep(ports[port].e, (enum ev_by)by, (enum ev_kind)kind, value) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct system found[HOST_SYSTEMS_MAX];
    static const uint16_t numbers[PORTS] = {0, 104, 2575, 4242, 8042, 11112};
    struct arena a = arena_init(32 << 20);
    struct endpoint ports[PORTS];
    struct rd r = rd_of(str_of(data, size));
    struct host h = {.endpoints = ports, .n = PORTS};
    size_t n = 0;
    for (size_t i = 0; i < PORTS; i++) {
        ports[i] = (struct endpoint){.port = numbers[i], .e = ARENA_NEW(&a, struct evidence)};
        must(ports[i].e != NULL);
        evidence_init(ports[i].e, &a);
    }
    while (r.n > 0 && !r.bad)
        add(ports, &r);
    for (size_t i = 0; i < PORTS; i++)
        must(observe(matcher(), ports[i].e) == OK);
    must(identify_host(matcher(), &h, &a, found, HOST_SYSTEMS_MAX, &n) == OK);
    must(n <= HOST_SYSTEMS_MAX);
    check(found, n);
    arena_done(&a);
    return 0;
}
