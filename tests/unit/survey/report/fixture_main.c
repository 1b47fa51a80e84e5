/* survey_report_fixture KIND OUT [LANGUAGE] [redact]: writes every format of a made-up survey into
 * the folder OUT, for the end-to-end tests. KIND: study, secret, empty, hostile:TEXT, many:N. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "fixture.h"
#include "survey/report/report.h"

static err_t to_file(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n ? OK : E_IO;
}

static const struct {
    const char *name;
    err_t (*write)(struct report *r, struct wr *w, struct diag *d);
} formats[] = {{"report.html", report_html},   {"report.json", report_json},
               {"systems.csv", report_csv},    {"findings.csv", report_csv_findings},
               {"report.sarif", report_sarif}, {"report.txt", report_text}};

static err_t write_all(struct report *r, const char *out, struct diag *d)
{
    static char buf[65536];
    char path[4096];
    for (size_t i = 0; i < COUNT(formats); i++) {
        snprintf(path, sizeof path, "%s/%s", out, formats[i].name);
        FILE *f = fopen(path, "w");
        if (!f)
            return E_IO;
        struct wr w = wr_sink(buf, sizeof buf, to_file, f);
        err_t e = formats[i].write(r, &w, d);
        if (e == OK)
            e = wr_flush(&w);
        if (fclose(f) != 0 || e != OK)
            return e != OK ? e : E_IO;
    }
    return OK;
}

static bool is_given(int argc, char **argv, const char *what)
{
    for (int i = 4; i < argc; i++)
        if (strcmp(argv[i], what) == 0)
            return true;
    return false;
}

static err_t to_pdf(const char *out, struct diag *d)
{
    char html[4096], pdf[4096];
    snprintf(html, sizeof html, "%s/report.html", out);
    snprintf(pdf, sizeof pdf, "%s/report.pdf", out);
    return report_pdf(html, pdf, d);
}

static err_t fill(struct inventory *v, const char *kind)
{
    if (strcmp(kind, "study") == 0)
        return fixture_study(v);
    if (strcmp(kind, "secret") == 0)
        return fixture_secret(v);
    if (strcmp(kind, "empty") == 0)
        return fixture_empty(v);
    if (strncmp(kind, "many:", 5) == 0)
        return fixture_many(v, (uint32_t)strtoul(kind + 5, NULL, 10));
    return fixture_hostile(v, str_z(kind + 8));
}

/* Of this program alone: getrusage() counts what the process was before it became this one. */
static void print_peak(void)
{
    char line[128];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            printf("memory %ld KiB\n", strtol(line + 6, NULL, 10));
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    char folder[FIXTURE_PATH];
    struct inventory *v = NULL;
    struct report *r = NULL;
    struct diag d = {""};
    if (argc < 3)
        return 2;
    struct report_options o = {.language = argc > 3 && argv[3][0] == 'i' ? LANG_it : LANG_en,
                               .redact = is_given(argc, argv, "redact"),
                               .today = "2026-11-22"};
    err_t e = fixture_open(folder, &v);
    if (e == OK)
        e = fill(v, argv[1]);
    if (e == OK)
        e = report_new(v, STR(""), &o, &r, &d);
    if (e == OK)
        e = write_all(r, argv[2], &d);
    if (e == OK && is_given(argc, argv, "pdf"))
        e = to_pdf(argv[2], &d);
    if (e != OK)
        fprintf(stderr, "%s; %s\n", diag_text(&d, e), v ? diag_text(inventory_diag(v), OK) : "");
    report_free(r);
    fixture_close(folder, v);
    print_peak();
    return e == OK ? 0 : 1;
}
