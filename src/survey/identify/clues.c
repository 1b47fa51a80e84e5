#include "survey/identify/clues.h"

#include "base/size.h"

enum { MATCHES_MAX = 24, SHOWN_MAX = 64 };

err_t clues_init(struct clues *c, size_t cap, struct arena *a)
{
    cap = size_min(cap, CLUES_MAX);
    *c = (struct clues){.at = ARENA_ARRAY(a, cap, struct clue), .cap = cap};
    return c->at ? OK : E_NOMEM;
}

/* Kinds of facts that show a protocol, whatever they say (value NULL) or by how they begin. */
static const struct {
    enum ev_kind kind;
    struct str value;
    enum spoken spoken;
} PROTOCOLS[] = {
    {EV_dicom_answer, STR_INIT("accepted"), SPOKEN_dicom},
    {EV_dicom_answer, STR_INIT("rejected"), SPOKEN_dicom},
    {EV_dicom_answer, STR_INIT("aborted"), SPOKEN_dicom},
    {EV_dicom_class_uid, {NULL, 0}, SPOKEN_dicom},
    {EV_dicom_version_name, {NULL, 0}, SPOKEN_dicom},
    {EV_dicom_context, {NULL, 0}, SPOKEN_dicom},
    {EV_dicom_service, {NULL, 0}, SPOKEN_dicom},
    {EV_dicom_command, {NULL, 0}, SPOKEN_dicom},
    {EV_protocol, STR_INIT("dicom"), SPOKEN_dicom},
    {EV_dicom_client_class_uid, {NULL, 0}, SPOKEN_caller},
    {EV_dicom_client_version, {NULL, 0}, SPOKEN_caller},
    {EV_dicom_client_ae, {NULL, 0}, SPOKEN_caller},
    {EV_hl7_version, {NULL, 0}, SPOKEN_hl7},
    {EV_hl7_app, {NULL, 0}, SPOKEN_hl7},
    {EV_hl7_facility, {NULL, 0}, SPOKEN_hl7},
    {EV_hl7_ack, {NULL, 0}, SPOKEN_hl7},
    {EV_hl7_message, {NULL, 0}, SPOKEN_hl7},
    {EV_hl7_mllp, STR_INIT("yes"), SPOKEN_hl7},
    {EV_protocol, STR_INIT("hl7"), SPOKEN_hl7},
    {EV_fhir_version, {NULL, 0}, SPOKEN_fhir},
    {EV_protocol, STR_INIT("fhir"), SPOKEN_fhir},
    {EV_http_status, {NULL, 0}, SPOKEN_http},
    {EV_http_title, {NULL, 0}, SPOKEN_http},
    {EV_http_path, {NULL, 0}, SPOKEN_http},
    {EV_http_json, {NULL, 0}, SPOKEN_http},
    {EV_protocol, STR_INIT("http"), SPOKEN_http},
    {EV_transport, STR_INIT("tls"), SPOKEN_tls},
    {EV_port_open, {NULL, 0}, SPOKEN_open},
    {EV_banner, {NULL, 0}, SPOKEN_open},
};

/* Abstract syntaxes and words that show a service; both by how they begin. */
static const struct {
    enum ev_kind kind;
    struct str value;
    enum serves serves;
} SERVICES[] = {
    {EV_dicom_service, STR_INIT("query"), SERVES_query},
    {EV_dicom_service, STR_INIT("retrieve"), SERVES_retrieve},
    {EV_dicom_service, STR_INIT("store"), SERVES_store},
    {EV_dicom_service, STR_INIT("print"), SERVES_print},
    {EV_dicom_service, STR_INIT("worklist"), SERVES_worklist},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.1.1"), SERVES_query},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.2.1"), SERVES_query},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.3.1"), SERVES_query},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.1.2"), SERVES_retrieve},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.2.2"), SERVES_retrieve},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.1.3"), SERVES_retrieve},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.2.2.3"), SERVES_retrieve},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.1.1."), SERVES_store},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.1."), SERVES_print},
    {EV_dicom_context, STR_INIT("1.2.840.10008.5.1.4.31"), SERVES_worklist},
    {EV_dicom_command, STR_INIT("C-MOVE"), SERVES_retrieve},
    {EV_dicom_command, STR_INIT("C-GET"), SERVES_retrieve},
    {EV_dicom_command, STR_INIT("C-STORE"), SERVES_store},
};

static size_t place(unsigned bit)
{
    return (size_t)__builtin_ctz(bit);
}

static void show_spoken(struct clues *c, enum spoken bit, const struct fact *f)
{
    c->spoken |= bit;
    if (!c->spoke[place(bit)])
        c->spoke[place(bit)] = f;
}

static void show_served(struct clues *c, enum serves bit, const struct fact *f)
{
    c->serves |= bit;
    if (!c->served[place(bit)])
        c->served[place(bit)] = f;
}

static void look_protocol(struct clues *c, const struct fact *f)
{
    for (size_t i = 0; i < COUNT(PROTOCOLS); i++)
        if (PROTOCOLS[i].kind == f->kind &&
            (!PROTOCOLS[i].value.p || str_starts(f->value, PROTOCOLS[i].value)))
            show_spoken(c, PROTOCOLS[i].spoken, f);
    for (size_t i = 0; i < COUNT(SERVICES); i++)
        if (SERVICES[i].kind == f->kind && str_starts(f->value, SERVICES[i].value))
            show_served(c, SERVICES[i].serves, f);
}

static void look_site(struct clues *c, const struct fact *f)
{
    const struct fact **to = f->kind == EV_role              ? &c->role
                             : f->kind == EV_maker           ? &c->maker
                             : f->kind == EV_model           ? &c->model
                             : f->kind == EV_version         ? &c->version
                             : f->kind == EV_dicom_client_ae ? &c->caller
                                                             : NULL;
    if (to && !*to && f->value.n > 0)
        *to = f;
}

/* What a row is worth when a fact of this kind, told by this party, matches it. An AE title is a
 * name that anybody may choose and, where a search engine or we called, an echo. */
static unsigned points_of(const struct fingerprint *fp, const struct fact *f)
{
    unsigned row = fp->conf == CONF_high     ? POINTS_high
                   : fp->conf == CONF_medium ? POINTS_medium
                                             : 1;
    bool seen = f->by == BY_TRAFFIC || f->by == BY_SITE;
    if (fp->weak)
        row = POINTS_weak;
    switch ((unsigned)f->kind) {
    case EV_said_product:
    case EV_said_cpe:
        return row < POINTS_names ? row : POINTS_names;
    case EV_model:
        return row < POINTS_site ? row : POINTS_site;
    case EV_mac:
        return fp->type == TYPE_modality ? POINTS_names : POINTS_medium;
    case EV_hl7_app:
    case EV_dicom_client_ae:
        return POINTS_weak;
    case EV_dicom_ae:
        return !seen ? 0 : row < POINTS_names ? row : POINTS_names;
    default:
        return row;
    }
}

static void look_rows(struct clues *c, struct fp_matcher *m, const struct fact *f, struct arena *a)
{
    struct fp_match found[MATCHES_MAX];
    size_t n = fp_match_fact(m, f, a, found, COUNT(found));
    for (size_t i = 0; i < n; i++) {
        const struct fingerprint *fp = found[i].fp;
        unsigned points = points_of(fp, f);
        if (fp->role == ROLE_protocol)
            fp->type == TYPE_unknown_dicom ? show_spoken(c, SPOKEN_dicom, f)
            : fp->type == TYPE_unknown_hl7 ? show_spoken(c, SPOKEN_hl7, f)
                                           : show_served(c, SERVES_web, f);
        else if (fp->type == TYPE_fhir && fp->product.n == 0)
            show_spoken(c, SPOKEN_fhir, f);
        else if (points > 0 && fp->role != ROLE_nothing && c->n < c->cap)
            c->at[c->n++] = (struct clue){fp, f, found[i].version, points};
    }
}

/* Somebody else's survey calls too, and is no part of the hospital. */
static void forget_scanner(struct clues *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->at[i].fp->role == ROLE_scanner) {
            c->spoken &= ~(unsigned)SPOKEN_caller;
            c->spoke[place(SPOKEN_caller)] = NULL;
            c->caller = NULL;
        }
    }
}

void clues_look(struct clues *c, struct fp_matcher *m, const struct evidence *e, struct arena *a)
{
    for (size_t i = 0; i < e->n; i++) {
        look_protocol(c, &e->facts[i]);
        look_site(c, &e->facts[i]);
        if (c->n < c->cap)
            look_rows(c, m, &e->facts[i], a);
    }
    if (c->spoken & ~(unsigned)SPOKEN_caller)
        c->spoken |= SPOKEN_open;
    forget_scanner(c);
}

static void take(const struct fact **to, const struct fact *from)
{
    if (!*to)
        *to = from;
}

void clues_join(struct clues *to, const struct clues *from)
{
    for (size_t i = 0; i < from->n && to->n < to->cap; i++)
        to->at[to->n++] = from->at[i];
    to->spoken |= from->spoken;
    to->serves |= from->serves;
    for (size_t i = 0; i < SHOWN_BITS; i++) {
        take(&to->spoke[i], from->spoke[i]);
        take(&to->served[i], from->served[i]);
    }
    take(&to->role, from->role);
    take(&to->maker, from->maker);
    take(&to->model, from->model);
    take(&to->version, from->version);
    take(&to->caller, from->caller);
}

/* A match fact holds the row's id, which is told anyway: the row's layer says where it was seen. */
void clue_text(struct wr *w, const struct fact *f, const struct fingerprint *fp)
{
    struct str v = f->value;
    if (f->kind == EV_match) {
        wr_printf(w, "%.*s (%.*s)", STR_ARG(fp ? fp->layer : STR("page")),
                  STR_ARG(str_slice(v, 0, str_find(v, ' '))));
        return;
    }
    size_t n = size_min(v.n, SHOWN_MAX);
    while (n > 0 && n < v.n && ((uint8_t)v.p[n] & 0xc0) == 0x80)
        n--;
    wr_printf(w, "%.*s %.*s%s", STR_ARG(ev_name(f->kind)), (int)n, v.p, n < v.n ? "..." : "");
    if (fp)
        wr_printf(w, " (%.*s)", STR_ARG(fp->id));
}
