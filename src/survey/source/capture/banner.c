/* Greetings: what a server says first, unasked. What is none of a few well-known ones is looked at
 * for fingerprints and dropped, since a device may greet with its patient's name. */
#include "base/size.h"
#include "survey/source/capture/dialect.h"

enum { LINE_MAX = 200 };

static const struct str greetings[] = {
    STR_INIT("SSH-"), STR_INIT("220 "), STR_INIT("220-"),    STR_INIT("* OK"),
    STR_INIT("+OK"),  STR_INIT("RFB "), STR_INIT("@RSYNCD"),
};

static bool is_greeting(struct str s)
{
    for (size_t i = 0; i < COUNT(greetings); i++)
        if (str_starts(s, greetings[i]))
            return true;
    return false;
}

void banner_tell(struct scene *s, struct str bytes)
{
    struct evidence *e = gather_scratch(s->g);
    struct str line = str_slice(bytes, 0, size_min(str_find(bytes, '\n'), LINE_MAX));
    err_t err = OK;
    if (!gather_unseen(s->g, &s->ends.server, s->ends.port, line))
        return;
    if (is_greeting(bytes))
        err = evidence_keep(e, BY_TRAFFIC, EV_banner, str_trim(line));
    if (err == OK)
        err = evidence_keep(e, BY_TRAFFIC, EV_raw_banner, str_slice(bytes, 0, 1024));
    if (err == OK)
        gather_evidence(s->g, &s->ends.server, s->ends.port);
}
