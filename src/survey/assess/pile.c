#include "survey/assess/pile.h"

#include "base/size.h"

enum { NAMED_MAX = 12 };

void pile_clear(struct pile *p)
{
    p->n = p->exploited = 0;
    p->kept = p->len = 0;
    p->worst = -1;
    p->worst_source = STR("");
}

static struct str all_of(const struct pile *p)
{
    return str_of(p->text, p->len);
}

bool pile_has(const struct pile *p, struct str cve)
{
    struct str rest = all_of(p), one;
    while (rest.n && str_split(&rest, ' ', &one))
        if (str_eq_nocase(one, cve))
            return true;
    return false;
}

void pile_add(struct pile *p, struct str cve, int cvss, struct str source, bool exploited)
{
    cve = str_slice(cve, 0, PILE_CVE_MAX);
    if (!cve.n)
        return;
    if (p->kept < PILE_MAX) {
        struct wr w = wr_fixed(p->text + p->len, sizeof p->text - p->len);
        wr_printf(&w, "%s%.*s", p->kept ? " " : "", STR_ARG(cve));
        p->len += w.n;
        p->kept++;
    }
    p->n++;
    p->exploited += exploited;
    if (cvss > p->worst) {
        p->worst = cvss;
        p->worst_source = source;
    }
}

void pile_say(const struct pile *p, struct said *words)
{
    struct str rest = all_of(p), one;
    say(words, "%llu", "%llu", (unsigned long long)p->n);
    if (p->worst >= 0)
        say(words, ", worst CVSS %d.%d", ", CVSS peggiore %d,%d", p->worst / 10, p->worst % 10);
    say(words, ", %llu known to be exploited: ", ", %llu già sfruttate: ",
        (unsigned long long)p->exploited);
    for (size_t i = 0; i < NAMED_MAX && rest.n && str_split(&rest, ' ', &one); i++)
        say(words, i ? ", %.*s" : "%.*s", i ? ", %.*s" : "%.*s", STR_ARG(one));
    if (p->n > NAMED_MAX)
        say(words, " and others", " e altre");
}

err_t pile_tell(const struct look *l, const struct pile *p, struct finding f,
                const struct said *words)
{
    f.cves = arena_copy(l->a, all_of(p));
    if (!f.cves.p)
        return E_NOMEM;
    f.cvss = p->worst;
    f.cvss_source = p->worst_source;
    f.exploited = p->exploited > 0;
    if (f.exploited)
        f.severity = SEV_medium;
    return look_said(l, f, words);
}

bool told_has(const struct told *t, struct str cve)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_eq_nocase(t->cve[i], cve))
            return true;
    return false;
}
