/* The reports that a verb's options ask for, each written whole or not at all (0600: an unredacted
 * report says where a hospital is open). */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "app/site.h"
#include "io/file.h"
#include "survey/report/report.h"

enum { OUT_BUFFER = 64 << 10, PATH_CAP = 4096 };

/* Where a report goes: a file that takes its name at the end, or standard output. */
struct outlet {
    int fd; /* -1: standard output */
    uint64_t at;
    char temporary[PATH_CAP];
    const char *path;
    struct diag *d;
};

static err_t outlet_write(void *ctx, struct str bytes)
{
    struct outlet *o = ctx;
    if (o->fd < 0)
        return fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n
                   ? OK
                   : diag_set(o->d, E_IO, "cannot write to standard output");
    err_t e = file_write_at(o->fd, o->at, bytes.p, bytes.n, o->d);
    o->at += bytes.n;
    return e;
}

static err_t outlet_open(struct outlet *o, const char *path, struct diag *d)
{
    *o = (struct outlet){.fd = -1, .path = path, .d = d};
    if (strcmp(path, "-") == 0)
        return OK;
    struct wr w = wr_fixed(o->temporary, sizeof o->temporary - 1);
    wr_printf(&w, "%s.new", path);
    if (w.bad)
        return diag_set(d, E_LIMIT, "%s: the name is too long", path);
    TRY(file_open(AT_FDCWD, o->temporary, FILE_OPEN_OR_CREATE, &o->fd, d));
    return file_truncate(o->fd, 0, d);
}

static err_t outlet_close(struct outlet *o, err_t e, struct diag *d)
{
    if (o->fd < 0)
        return e == OK && fflush(stdout) != 0 ? E_IO : e;
    if (e == OK)
        e = file_sync(o->fd, d);
    file_close(&o->fd);
    if (e == OK)
        return file_rename(AT_FDCWD, o->temporary, o->path, d);
    struct diag unused = {""};
    if (file_remove(AT_FDCWD, o->temporary, &unused) != OK)
        fprintf(stderr, "note: %s was left behind\n", o->temporary);
    return e;
}

typedef err_t writer(struct report *r, struct wr *w, struct diag *d);

static err_t write_to(struct report *r, writer *write, const char *path, struct diag *d)
{
    uint8_t buf[OUT_BUFFER];
    struct outlet o;
    TRY(outlet_open(&o, path, d));
    struct wr w = wr_sink(buf, sizeof buf, outlet_write, &o);
    err_t e = write(r, &w, d);
    if (e == OK)
        e = wr_flush(&w);
    return outlet_close(&o, e, d);
}

static const struct {
    size_t option;
    writer *write;
} formats[] = {
    {SITE_OUT, report_html},    {SITE_JSON, report_json},
    {SITE_CSV, report_csv},     {SITE_CSV_FINDINGS, report_csv_findings},
    {SITE_SARIF, report_sarif},
};

bool site_wants_report(const struct cmd_args *a)
{
    for (size_t i = 0; i < COUNT(formats); i++) {
        if (cmd_text(a, formats[i].option).p)
            return true;
    }
    return cmd_text(a, SITE_PDF).p != NULL;
}

/* The browser reads a page from a file: one beside the PDF, which is taken away again. */
static err_t write_pdf(struct report *r, const char *path, struct diag *d)
{
    char page[PATH_CAP];
    struct wr w = wr_fixed(page, sizeof page - 1);
    struct diag unused = {""};
    wr_printf(&w, "%s.page.html", path);
    page[w.n] = 0;
    if (w.bad)
        return diag_set(d, E_LIMIT, "%s: the name is too long", path);
    TRY(write_to(r, report_html, page, d));
    err_t e = report_pdf(page, path, d);
    if (file_remove(AT_FDCWD, page, &unused) != OK)
        fprintf(stderr, "note: %s was left behind\n", page);
    return e;
}

static err_t write_asked(struct site *s, struct report *r, bool text, struct diag *d)
{
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct str path = cmd_text(s->args, formats[i].option);
        if (!path.p)
            continue;
        TRY(write_to(r, formats[i].write, path.p, d));
        TRY(SITE_NOTE(s, "report", STR("file"), path));
    }
    struct str pdf = cmd_text(s->args, SITE_PDF);
    if (pdf.p) {
        TRY(write_pdf(r, pdf.p, d));
        TRY(SITE_NOTE(s, "report", STR("file"), pdf));
    }
    return text && !s->quiet ? write_to(r, report_text, "-", d) : OK;
}

static err_t choose_language(const struct cmd_args *a, enum language *ret, struct diag *d)
{
    struct str l = cmd_text(a, SITE_LANGUAGE);
    if (!l.p || str_eq(l, STR("en")))
        *ret = LANG_en;
    else if (str_eq(l, STR("it")))
        *ret = LANG_it;
    else
        return diag_set(d, E_USAGE, "--language %.*s: there are en and it", STR_ARG(l));
    return OK;
}

static err_t make(struct site *s, struct inventory *other, bool text, struct diag *d)
{
    struct report *r;
    struct report_options o = {.redact = cmd_flag(s->args, SITE_REDACT),
                               .before = cmd_text(s->args, SITE_BEFORE),
                               .other = other,
                               .title = cmd_text(s->args, SITE_TITLE),
                               .today = s->today,
                               .stop = s->args->stop};
    TRY(choose_language(s->args, &o.language, d));
    TRY(report_new(s->inventory, str_z(s->survey.name), &o, &r, d));
    err_t e = write_asked(s, r, text, d);
    report_free(r);
    return e;
}

err_t site_report(struct site *s, bool text, struct diag *d)
{
    struct inventory *other = NULL;
    struct str path = cmd_text(s->args, SITE_OTHER);
    if (!site_wants_report(s->args) && (!text || s->quiet))
        return OK;
    if (path.p)
        TRY(site_other(path, &other, d));
    err_t e = make(s, other, text, d);
    inventory_close(other);
    return e;
}
