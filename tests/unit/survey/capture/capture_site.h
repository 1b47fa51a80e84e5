/* A survey folder of a test's own, captures taken into it, and everything it holds as text. */
#ifndef LASTRA_TESTS_SURVEY_CAPTURE_SITE_H
#define LASTRA_TESTS_SURVEY_CAPTURE_SITE_H

#include "survey/capture/pcap_make.h"
#include "survey/source/source.h"

struct capture_site {
    char dir[64], file[80];
    struct inventory *v;
    struct source_run run;
    struct source_sum sum; /* of the last capture */
    struct diag diag;
    struct wr notes; /* what was said, a line each */
    struct wr text;  /* of capture_site_text */
};

void capture_site_open(struct capture_site *s);
void capture_site_close(struct capture_site *s);
/* Takes these bytes as a file named NAME. */
err_t capture_site_take(struct capture_site *s, const char *name, struct str capture);
/* The whole inventory, a line a fact and a line a flow, NUL-terminated:
 *     10.0.0.2:104 dicom_ae PACS
 *     flow 10.0.0.1 10.0.0.2:104 dicom clear connections 1 messages 3 fields PatientName 2 details
 * ... */
const char *capture_site_text(struct capture_site *s);
bool capture_site_has(struct capture_site *s, const char *line_part);

#endif
