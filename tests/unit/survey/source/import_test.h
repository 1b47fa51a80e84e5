/* What the tests of importers share: a file, an inventory in a folder of its own, and what came of
 * it as text, a fact a line: "10.0.0.7:104 search engine dicom_class_uid=1.2.3\n". */
#ifndef LASTRA_TESTS_IMPORT_TEST_H
#define LASTRA_TESTS_IMPORT_TEST_H

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/wr.h"
#include "survey/source/source.h"

struct site {
    char folder[64], file[96], inventory[96];
    struct inventory *v;
    struct source_run r;
    struct source_sum sum;
    struct diag d;
    struct wr notes, text;
};

static inline int site_remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st, (void)kind, (void)f;
    return remove(path);
}

static inline void site_note(void *ctx, const char *text)
{
    struct site *s = ctx;
    wr_printf(&s->notes, "%s\n", text);
}

static inline int site_setup(void **state)
{
    struct site *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    snprintf(s->folder, sizeof s->folder, "/tmp/core-import-XXXXXX");
    if (!mkdtemp(s->folder))
        return 1;
    snprintf(s->file, sizeof s->file, "%s/export", s->folder);
    snprintf(s->inventory, sizeof s->inventory, "%s/site", s->folder);
    s->notes = wr_heap(1 << 20);
    s->text = wr_heap(32 << 20);
    assert_ok(inventory_open(s->inventory, INVENTORY_CREATE, STR(""), &s->v, NULL, &s->d));
    assert_ok(inventory_survey(s->v, STR("test"), &s->r.survey, &s->d));
    s->r.inventory = s->v;
    s->r.shards = 1;
    s->r.what = s->file;
    s->r.note = site_note;
    s->r.ctx = s;
    *state = s;
    return 0;
}

static inline int site_teardown(void **state)
{
    struct site *s = *state;
    inventory_close(s->v);
    nftw(s->folder, site_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    wr_done(&s->notes);
    wr_done(&s->text);
    free(s);
    return 0;
}

static inline void site_append(struct site *s, struct str bytes)
{
    FILE *f = fopen(s->file, "ab");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    fclose(f);
}

static inline err_t site_dump_host(void *ctx, const struct host *h)
{
    struct wr *w = ctx;
    char buf[IP_TEXT_MAX];
    struct str ip = ip_text(&h->ip, buf);
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < h->endpoints[i].e->n; k++) {
            const struct fact *f = &h->endpoints[i].e->facts[k];
            wr_printf(w, "%.*s:%u %.*s %.*s=%.*s\n", STR_ARG(ip), h->endpoints[i].port,
                      STR_ARG(ev_by_text(f->by)), STR_ARG(ev_name(f->kind)), STR_ARG(f->value));
        }
    return OK;
}

/* The inventory as text, with a NUL. */
static inline const char *site_dump(struct site *s)
{
    wr_clear(&s->text);
    assert_ok(inventory_hosts(s->v, s->r.survey.id, site_dump_host, &s->text));
    wr_u8(&s->text, '\0');
    return (const char *)s->text.p;
}

static inline const char *site_notes(struct site *s)
{
    wr_u8(&s->notes, '\0');
    s->notes.n--;
    return (const char *)s->notes.p;
}

/* The file holds this; it is imported. */
static inline err_t site_import(struct site *s, const char *format, struct str bytes)
{
    s->r.format = str_z(format);
    site_append(s, bytes);
    return source_import(&s->r, &s->sum, &s->d);
}

static inline void has(struct site *s, const char *line)
{
    char with_end[600];
    const char *text = site_dump(s);
    snprintf(with_end, sizeof with_end, "%s\n", line);
    if (!strstr(text, with_end))
        fail_msg("missing: %sin:\n%s", with_end, text);
}

static inline void has_not(struct site *s, const char *part)
{
    const char *text = site_dump(s);
    if (strstr(text, part))
        fail_msg("not wanted: %s in:\n%s", part, text);
}

#define WITH_SITE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

#endif
