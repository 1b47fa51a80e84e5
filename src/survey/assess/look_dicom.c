/* What a DICOM port lets strangers do: the answers to our own association requests, or to a search
 * engine's. */
#include "base/size.h"
#include "survey/assess/inside.h"

/* 1 wins over 0 over not known, whichever endpoint said it. */
static void set(int8_t *to, bool yes)
{
    *to = yes ? 1 : *to == 1 ? 1 : 0;
}

/* "rejected 1/1/3": the reason, of the service user. 0 when it is another answer (PS3.8 9.3.4). */
static uint64_t user_reason(struct str answer)
{
    struct str rest = answer, part;
    uint64_t source, reason;
    if (!str_starts(answer, STR("rejected ")))
        return 0;
    rest = str_slice(answer, 9, answer.n);
    rest = str_slice(rest, 0, str_find(rest, ' '));
    if (!str_split(&rest, '/', &part) || !str_split(&rest, '/', &part) ||
        !str_to_u64(part, 9, &source) || !str_to_u64(rest, 99, &reason))
        return 0;
    return source == 1 ? reason : 0;
}

enum { REASON_CALLING = 3, REASON_CALLED = 7 };

static err_t titles(const struct look *l, const struct endpoint *p)
{
    const struct evidence *e = p->e;
    uint64_t reason = user_reason(evidence_get(e, EV_dicom_answer));
    if (reason == REASON_CALLING)
        set(&l->s->open_calling, false);
    if (reason == REASON_CALLED || evidence_is(e, EV_dicom_any_called, STR("no")))
        set(&l->s->open_called, false);
    if (evidence_is(e, EV_dicom_any_calling, STR("yes"))) {
        set(&l->s->open_calling, true);
        TRY(look_tell(l,
                      (struct finding){.kind = STR("accepts_any_calling_ae"),
                                       .severity = SEV_OF_KIND,
                                       .level = VER_protocol,
                                       .port = p->port},
                      "port %u: an association of an AE title that it cannot know was accepted",
                      "porta %u: accettata un'associazione da un AE title che non può conoscere",
                      p->port));
    }
    if (!evidence_is(e, EV_dicom_any_called, STR("yes")))
        return OK;
    set(&l->s->open_called, true);
    return look_tell(l,
                     (struct finding){.kind = STR("accepts_any_called_ae"),
                                      .severity = SEV_OF_KIND,
                                      .level = VER_protocol,
                                      .port = p->port},
                     "port %u: a called AE title that is not its own was accepted",
                     "porta %u: accettato un AE title chiamato che non è il suo", p->port);
}

static const struct {
    struct str service, kind;
    size_t field; /* of struct system; 0: none is kept */
} services[] = {
    {STR_INIT("query"), STR_INIT("query_open"), offsetof(struct system, open_query)},
    {STR_INIT("retrieve"), STR_INIT("retrieve_open"), offsetof(struct system, open_retrieve)},
    {STR_INIT("store"), STR_INIT("store_open"), offsetof(struct system, open_store)},
    {STR_INIT("print"), STR_INIT("print_open"), offsetof(struct system, open_print)},
    {STR_INIT("worklist"), STR_INIT("worklist_open"), 0},
};

static err_t service(const struct look *l, const struct endpoint *p, struct str value)
{
    bool refused = value.n && *value.p == '-';
    struct str name = refused ? str_slice(value, 1, value.n) : value;
    for (size_t i = 0; i < COUNT(services); i++) {
        if (!str_eq(name, services[i].service))
            continue;
        if (services[i].field)
            set((int8_t *)l->s + services[i].field, !refused);
        if (refused)
            return OK;
        return look_tell(l,
                         (struct finding){.kind = services[i].kind,
                                          .severity = SEV_OF_KIND,
                                          .level = VER_protocol,
                                          .port = p->port},
                         "port %u: the presentation context for %.*s was accepted from an unknown "
                         "AE title; no command was sent",
                         "porta %u: il contesto di presentazione per %.*s è stato accettato da un "
                         "AE title sconosciuto; nessun comando è stato inviato",
                         p->port, STR_ARG(name));
    }
    return OK;
}

/* "1200" or "1200+"; -1 when there is none. */
static int64_t counted(const struct evidence *e, enum ev_kind kind, bool *ret_more)
{
    struct str s = evidence_get(e, kind);
    uint64_t n;
    *ret_more = s.n && s.p[s.n - 1] == '+';
    if (*ret_more)
        s.n--;
    return str_to_u64(s, INT64_MAX, &n) ? (int64_t)n : -1;
}

static err_t counts(const struct look *l, const struct endpoint *p)
{
    bool more, more_images;
    int64_t studies = counted(p->e, EV_dicom_studies, &more);
    int64_t images = counted(p->e, EV_dicom_images, &more_images);
    if (studies > l->s->studies)
        l->s->studies = studies;
    if (images > l->s->images)
        l->s->images = images;
    if (studies <= 0 && images <= 0)
        return OK;
    struct finding f = {.kind = STR("studies_reachable"),
                        .severity = SEV_OF_KIND,
                        .level = VER_protocol,
                        .port = p->port};
    struct said words;
    said_begin(&words);
    say(&words, "port %u: ", "porta %u: ", p->port);
    if (more)
        say(&words, "at least ", "almeno ");
    say(&words, "%lld studies", "%lld studi", (long long)studies);
    if (images > 0)
        say(&words, more_images ? " and at least %lld images" : " and %lld images",
            more_images ? " e almeno %lld immagini" : " e %lld immagini", (long long)images);
    say(&words, " counted by an unknown AE title", " contati da un AE title sconosciuto");
    return look_said(l, f, &words);
}

static err_t transport(const struct look *l, const struct endpoint *p)
{
    if (!is_clear(p->e)) {
        if (evidence_is(p->e, EV_transport, STR("tls")))
            l->s->tls = 1;
        return OK;
    }
    set(&l->s->cleartext, true);
    return look_tell(l,
                     (struct finding){.kind = STR("cleartext_dicom"),
                                      .severity = ip_is_public(&l->h->ip) ? SEV_high : SEV_OF_KIND,
                                      .level = VER_protocol,
                                      .port = p->port},
                     "port %u: DICOM was spoken without TLS", "porta %u: DICOM parlato senza TLS",
                     p->port);
}

err_t look_at_dicom(const struct look *l)
{
    const struct endpoint *p;
    const struct fact *f;
    size_t i = 0, k;
    while ((p = look_next(l, &i))) {
        if (!spoke_dicom(p->e))
            continue;
        TRY(titles(l, p));
        for (k = 0; (f = evidence_next(p->e, EV_dicom_service, &k));)
            TRY(service(l, p, f->value));
        TRY(counts(l, p));
        TRY(transport(l, p));
    }
    return OK;
}
