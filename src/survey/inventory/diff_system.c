#include "survey/inventory/diff_system.h"

#include "base/size.h"
#include "base/wr.h"

enum { TEXT_SIZE = 1024 };

err_t teller_row(struct teller *t, const struct diff_row *r)
{
    t->sum->counts[r->what]++;
    return t->each ? t->each(t->ctx, r) : OK;
}

static void put_words(struct wr *w, struct str a, struct str b)
{
    wr_put(w, a);
    if (a.n && b.n)
        wr_u8(w, ' ');
    wr_put(w, b);
}

void system_words(const struct system *s, struct wr *w)
{
    wr_put(w, type_name(s->type));
    if (s->product.name.n) {
        wr_put(w, STR(", "));
        put_words(w, s->product.name, s->product.version);
    } else if (s->toolkit.name.n) {
        wr_put(w, STR(", built with "));
        put_words(w, s->toolkit.name, s->toolkit.version);
    }
    if (s->ports.n) {
        wr_put(w, STR(", "));
        wr_put(w, s->ports);
    }
}

static bool same_finding(const struct finding *a, const struct finding *b)
{
    return str_eq(a->kind, b->kind) && str_eq_nocase(a->cve, b->cve);
}

/* The first of the same kind and CVE: the most severe. */
static const struct finding *counterpart(const struct found *in, const struct finding *f)
{
    for (size_t i = 0; i < in->n; i++)
        if (same_finding(&in->findings[i], f))
            return &in->findings[i];
    return NULL;
}

/* Accesses, and the findings that tell of each. */
static const struct access {
    struct str kinds[4];
    const char *words;
    size_t at;
} accesses[] = {
    {{STR_INIT("accepts_any_calling_ae")},
     "any calling AE title",
     offsetof(struct system, open_calling)},
    {{STR_INIT("accepts_any_called_ae")},
     "any called AE title",
     offsetof(struct system, open_called)},
    {{STR_INIT("query_open"), STR_INIT("studies_reachable")},
     "query",
     offsetof(struct system, open_query)},
    {{STR_INIT("retrieve_open")}, "retrieve", offsetof(struct system, open_retrieve)},
    {{STR_INIT("store_open")}, "store", offsetof(struct system, open_store)},
    {{STR_INIT("print_open")}, "print", offsetof(struct system, open_print)},
    {{STR_INIT("web_without_signin")},
     "web interface without sign-in",
     offsetof(struct system, web_open)},
    {{STR_INIT("public_address")}, "public address", offsetof(struct system, is_public)},
    {{STR_INIT("cleartext_dicom"), STR_INIT("cleartext_hl7"), STR_INIT("cleartext_http")},
     "cleartext",
     offsetof(struct system, cleartext)},
};

static bool tells_of(const struct access *a, struct str kind)
{
    for (size_t i = 0; i < COUNT(a->kinds) && a->kinds[i].n; i++)
        if (str_eq(a->kinds[i], kind))
            return true;
    return false;
}

static int access_of(const struct system *s, const struct access *a)
{
    return *(const int8_t *)((const char *)s + a->at);
}

/* Whether the later survey could have seen the finding again. What passed in clear is not seen by
 * a probe: only encryption ends it for certain. */
static bool looked(const struct system *after, const struct finding *f)
{
    if (after->stale)
        return false;
    /* What is in a toolkit is judged by the toolkit's version, whatever is known of the product. */
    if (str_eq(f->kind, STR("vulnerable_toolkit")))
        return after->toolkit.version.n > 0;
    if (after->level < f->level)
        return false;
    if (str_eq(f->kind, STR("patient_data_in_clear")))
        return after->cleartext == 0;
    if (str_eq(f->kind, STR("studies_reachable")))
        return after->studies >= 0 || after->open_query == 0;
    for (size_t i = 0; i < COUNT(accesses); i++)
        if (tells_of(&accesses[i], f->kind))
            return access_of(after, &accesses[i]) >= 0;
    return true;
}

struct pair {
    struct teller *teller;
    const struct found *before, *after;
};

static err_t tell(const struct pair *p, enum diff_what what, struct str finding,
                  const struct wr *text)
{
    const struct diff_row row = {.what = what,
                                 .before = &p->before->system,
                                 .after = &p->after->system,
                                 .finding = finding,
                                 .text = wr_str(text)};
    return teller_row(p->teller, &row);
}

static err_t tell_finding(const struct pair *p, enum diff_what what, const struct finding *f,
                          const struct finding *was)
{
    char name[192], words[TEXT_SIZE];
    struct wr n = wr_fixed(name, sizeof name), w = wr_fixed(words, sizeof words);
    put_words(&n, str_slice(f->kind, 0, 96), str_slice(f->cve, 0, 64));
    wr_put(&w, wr_str(&n));
    if (what == DIFF_fixed)
        wr_put(&w, STR(": not there any more"));
    else if (was)
        wr_printf(&w, ": %.*s now, was %.*s", STR_ARG(severity_name(f->severity)),
                  STR_ARG(severity_name(was->severity)));
    else
        wr_printf(&w, ": new, %.*s", STR_ARG(severity_name(f->severity)));
    return tell(p, what, wr_str(&n), &w);
}

static err_t tell_fixed(const struct pair *p)
{
    for (size_t i = 0; i < p->before->n; i++) {
        const struct finding *f = &p->before->findings[i];
        if (counterpart(p->before, f) == f && !counterpart(p->after, f) &&
            looked(&p->after->system, f))
            TRY(tell_finding(p, DIFF_fixed, f, NULL));
    }
    return OK;
}

static err_t tell_new_findings(const struct pair *p)
{
    for (size_t i = 0; i < p->after->n; i++) {
        const struct finding *f = &p->after->findings[i];
        if (counterpart(p->after, f) != f || f->accepted_until.n)
            continue;
        const struct finding *was = counterpart(p->before, f);
        if (!was || was->severity < f->severity)
            TRY(tell_finding(p, DIFF_worse, f, was));
    }
    return OK;
}

static err_t tell_count(const struct pair *p, const char *what, int64_t before, int64_t after)
{
    char words[TEXT_SIZE];
    struct wr w = wr_fixed(words, sizeof words);
    if (before < 0 || after <= before)
        return OK;
    wr_printf(&w, "%lld %s within reach, were %lld", (long long)after, what, (long long)before);
    return tell(p, DIFF_worse, STR(""), &w);
}

static bool is_told(const struct found *f, const struct access *a)
{
    for (size_t i = 0; i < f->n; i++)
        if (tells_of(a, f->findings[i].kind))
            return true;
    return false;
}

/* An access that opened, unless its finding has said so. */
static err_t tell_opened(const struct pair *p)
{
    for (size_t i = 0; i < COUNT(accesses); i++) {
        char words[TEXT_SIZE];
        struct wr w = wr_fixed(words, sizeof words);
        if (access_of(&p->before->system, &accesses[i]) != 0 ||
            access_of(&p->after->system, &accesses[i]) != 1 || is_told(p->after, &accesses[i]))
            continue;
        wr_printf(&w, "%s: open now, was closed", accesses[i].words);
        TRY(tell(p, DIFF_worse, STR(""), &w));
    }
    return OK;
}

static void put_change(struct wr *w, const char *what, struct str before, struct str after)
{
    static const struct str none = STR_INIT("none");
    if (str_eq(before, after))
        return;
    if (w->n)
        wr_put(w, STR("; "));
    before = before.n ? str_slice(before, 0, 120) : none;
    after = after.n ? str_slice(after, 0, 120) : none;
    wr_printf(w, "%s %.*s, was %.*s", what, STR_ARG(after), STR_ARG(before));
}

static void put_answers(struct wr *w, const char *what, const struct answer *before,
                        const struct answer *after)
{
    char then[256], now[256];
    struct wr b = wr_fixed(then, sizeof then), a = wr_fixed(now, sizeof now);
    put_words(&b, str_slice(before->name, 0, 120), str_slice(before->version, 0, 120));
    put_words(&a, str_slice(after->name, 0, 120), str_slice(after->version, 0, 120));
    put_change(w, what, wr_str(&b), wr_str(&a));
}

static err_t tell_changed(const struct pair *p)
{
    const struct system *b = &p->before->system, *a = &p->after->system;
    char words[2 * TEXT_SIZE];
    struct wr w = wr_fixed(words, sizeof words);
    put_change(&w, "type", type_name(b->type), type_name(a->type));
    put_answers(&w, "product", &b->product, &a->product);
    put_answers(&w, "toolkit", &b->toolkit, &a->toolkit);
    put_change(&w, "vendor", b->vendor.vendor, a->vendor.vendor);
    put_change(&w, "ports", b->ports, a->ports);
    for (size_t i = 0; i < COUNT(accesses); i++)
        if (access_of(b, &accesses[i]) == 1 && access_of(a, &accesses[i]) == 0)
            wr_printf(&w, "%s%s: closed now, was open", w.n ? "; " : "", accesses[i].words);
    return w.n ? tell(p, DIFF_changed, STR(""), &w) : OK;
}

err_t diff_pair(struct teller *t, const struct found *before, const struct found *after)
{
    const struct pair p = {t, before, after};
    const struct system *b = &before->system, *a = &after->system;
    TRY(tell_fixed(&p));
    TRY(tell_new_findings(&p));
    TRY(tell_count(&p, "studies", b->studies, a->studies));
    TRY(tell_count(&p, "images", b->images, a->images));
    TRY(tell_opened(&p));
    return tell_changed(&p);
}
