/* Inside of assess only: what the looks at one system share. */
#ifndef LASTRA_SURVEY_ASSESS_INSIDE_H
#define LASTRA_SURVEY_ASSESS_INSIDE_H

#include "survey/assess/assess.h"

struct look {
    const struct assess_options *o;
    struct system *s;
    const struct host *h;
    struct arena *a;
    err_t (*each)(void *ctx, const struct finding *f);
    void *ctx;
};

/* Tells a finding and, in both languages, what it stands on; severity and references where *f
 * leaves them open (references NULL, severity below 0 as SEV_OF_KIND) are those of its kind. */
#define SEV_OF_KIND ((enum severity)SEV_COUNT)
err_t look_tell(const struct look *l, struct finding f, const char *en, const char *it,
                ...) MUST_CHECK PRINTF_LIKE(3, 5) PRINTF_LIKE(4, 5);

/* Evidence that is said in several pieces, each in both languages with the same arguments. */
enum { EVIDENCE_MAX = 1200 };
struct said {
    char text[LANGUAGES][EVIDENCE_MAX];
    struct wr w[LANGUAGES];
};
void said_begin(struct said *s);
void say(struct said *s, const char *en, const char *it, ...) PRINTF_LIKE(2, 4) PRINTF_LIKE(3, 4);
err_t look_said(const struct look *l, struct finding f, const struct said *s) MUST_CHECK;

/* Endpoints of this system, by its ports ("4242/dicom 8042/http"); the next from *i on; NULL at the
 * end. */
const struct endpoint *look_next(const struct look *l, size_t *i);
/* Whether a fact of this kind is there at all, or one of any of the kinds. */
bool has(const struct evidence *e, enum ev_kind kind);
bool has_any(const struct evidence *e, const enum ev_kind *kinds, size_t n);
/* Whether anything about it was said by this party. */
bool said_by(const struct evidence *e, enum ev_by by);
/* What it spoke: dicom, hl7, http, fhir; empty when nothing was spoken. With "-tls"/"s" when it was
 * encrypted. */
struct str service_of(const struct evidence *e);
bool spoke_dicom(const struct evidence *e);
bool spoke_hl7(const struct evidence *e);
bool spoke_http(const struct evidence *e);
bool is_clear(const struct evidence *e);

/* The looks, one file each. */
err_t look_at_dicom(const struct look *l) MUST_CHECK;
err_t look_at_tls(const struct look *l) MUST_CHECK;
err_t look_at_web(const struct look *l) MUST_CHECK;
err_t look_at_place(const struct look *l) MUST_CHECK;
err_t look_at_advisories(const struct look *l) MUST_CHECK;
err_t look_at_zones(const struct look *l) MUST_CHECK;

/* 9.8 as critical; -1 as medium: nobody scored it. */
enum severity severity_of_cvss(int cvss);

#endif
