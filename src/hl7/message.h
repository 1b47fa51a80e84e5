/* An HL7 v2 message (v2.5.1 chapter 2): segments, fields, components by position, as views;
 * delimiters from MSH-1 and MSH-2. */
#ifndef LASTRA_HL7_MESSAGE_H
#define LASTRA_HL7_MESSAGE_H

#include "base/err.h"
#include "base/str.h"

struct hl7_message {
    struct str text;
    char field, component, repetition, escape, sub;
};

/* E_MALFORMED: it does not begin with MSH and sane delimiters. */
err_t hl7_parse(struct str text, struct hl7_message *ret) MUST_CHECK;

/* Segments one after another; CR, LF or both end one. *at starts 0. False at the end. */
bool hl7_next(const struct hl7_message *m, size_t *at, struct str *ret_segment);
/* Field n (from 1) of a segment; empty when not there. In MSH field 1 is the delimiter itself. */
struct str hl7_field(const struct hl7_message *m, struct str segment, unsigned n);
/* Part n (from 1) of a field, by its first repetition. */
struct str hl7_component(const struct hl7_message *m, struct str field, unsigned n);
/* The first segment of a name; empty when there is none. */
struct str hl7_segment(const struct hl7_message *m, const char *name);
/* Field `n` of the first segment `name`, component c (0: the whole field). */
struct str hl7_get(const struct hl7_message *m, const char *name, unsigned n, unsigned c);

#endif
