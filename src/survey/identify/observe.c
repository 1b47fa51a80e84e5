#include "base/size.h"
#include "survey/identify/fingerprint.h"

/* More rows than one set of raw facts has any reason to match. */
enum { OBSERVED_MAX = 48, OF_ONE_FACT = 16 };

struct observed {
    enum ev_by by;
    struct fp_match match;
};

static size_t look(struct fp_matcher *m, const struct fact *f, struct arena *a,
                   struct observed *ret, size_t cap)
{
    struct fp_match found[OF_ONE_FACT];
    size_t n = fp_match_fact(m, f, a, found, size_min(cap, COUNT(found)));
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct observed){f->by, found[i]};
    return n;
}

/* Raw facts go first, so that a full set has room for what they told. */
err_t observe(struct fp_matcher *m, struct evidence *e)
{
    struct observed seen[OBSERVED_MAX];
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (ev_is_raw(e->facts[i].kind))
            n += look(m, &e->facts[i], e->arena, seen + n, COUNT(seen) - n);
        else
            e->facts[kept++] = e->facts[i];
    }
    e->n = kept;
    for (size_t i = 0; i < n; i++) {
        const struct fp_match *f = &seen[i].match;
        TRY(evidence_addf(e, seen[i].by, EV_match, "%.*s%s%.*s", STR_ARG(f->fp->id),
                          f->version.n ? " " : "", STR_ARG(f->version)));
    }
    return OK;
}
