/* What the inventory's tests share: a folder of its own, evidence, systems. */
#ifndef LASTRA_TESTS_INVENTORY_TEST_H
#define LASTRA_TESTS_INVENTORY_TEST_H

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "survey/inventory/inventory.h"

struct site {
    char path[64];
};

static inline void site_make(struct site *s)
{
    snprintf(s->path, sizeof s->path, "/tmp/lastra-inventory-XXXXXX");
    assert_non_null(mkdtemp(s->path));
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void site_done(struct site *s)
{
    remove_tree(s->path);
}

static inline struct inventory *site_open(const struct site *s, enum inventory_mode mode)
{
    struct diag d = {""};
    struct inventory *v = NULL;
    err_t e = inventory_open(s->path, mode, STR(""), &v, NULL, &d);
    if (e != OK)
        print_error("%s\n", d.text);
    assert_ok(e);
    return v;
}

static inline struct survey survey_of(struct inventory *v, const char *name)
{
    struct survey s;
    assert_ok(inventory_survey(v, str_z(name), &s, NULL));
    return s;
}

static inline struct run run_of(struct inventory *v, int64_t survey, const char *input)
{
    struct run r;
    assert_ok(inventory_run_begin(v, survey, STR("import"), str_z(input), STR(""), &r, NULL));
    return r;
}

static inline struct ip ip_z(const char *text)
{
    struct ip ip;
    assert_ok(ip_parse(str_z(text), &ip));
    return ip;
}

/* One fact put at an endpoint. */
static inline void put(struct inventory *v, struct run *r, const char *ip, uint16_t port,
                       enum ev_by by, enum ev_kind kind, const char *value, int64_t when_us)
{
    struct arena a = arena_init(1 << 16);
    struct evidence e;
    struct ip at = ip_z(ip);
    evidence_init(&e, &a);
    assert_ok(evidence_add(&e, by, kind, str_z(value)));
    assert_ok(inventory_put(v, r, &at, port, &e, when_us));
    arena_done(&a);
}

/* Everything of a survey's hosts as text: "10.0.0.7:104 dicom_answer=accepted;\n". */
static inline err_t write_host(void *ctx, const struct host *h)
{
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < h->n; i++) {
        wr_printf(ctx, "%.*s:%u", STR_ARG(ip_text(&h->ip, text)), h->endpoints[i].port);
        for (size_t k = 0; k < h->endpoints[i].e->n; k++) {
            const struct fact *f = &h->endpoints[i].e->facts[k];
            wr_printf(ctx, " %.*s=%.*s;", STR_ARG(ev_name(f->kind)), STR_ARG(f->value));
        }
        wr_u8(ctx, '\n');
    }
    return OK;
}

static inline void hosts_text(struct inventory *v, int64_t survey, struct wr *w)
{
    wr_clear(w);
    assert_ok(inventory_hosts(v, survey, write_host, w));
    wr_u8(w, 0);
    assert_false(w->bad);
}

#define assert_hosts(v, survey, expected)                                                          \
    do {                                                                                           \
        char buf_[8192];                                                                           \
        struct wr w_ = wr_fixed(buf_, sizeof buf_);                                                \
        hosts_text((v), (survey), &w_);                                                            \
        assert_string_equal(buf_, (expected));                                                     \
    } while (0)

/* A system with every text empty and nothing known. */
static inline struct system system_at(const char *ip, uint16_t port, enum sys_type type)
{
    return (struct system){.ip = ip_z(ip),
                           .port = port,
                           .type = type,
                           .open_calling = -1,
                           .open_called = -1,
                           .open_query = -1,
                           .open_retrieve = -1,
                           .open_store = -1,
                           .open_print = -1,
                           .cleartext = -1,
                           .tls = -1,
                           .web_open = -1,
                           .is_public = -1,
                           .studies = -1,
                           .images = -1,
                           .level = VER_version};
}

#endif
