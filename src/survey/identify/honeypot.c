#include "survey/identify/honeypot.h"

#include "base/size.h"
#include "base/wr.h"
#include "survey/identify/tally.h"

enum {
    MANY_PORTS = 8,      /* so many ports with the same answer are no product's; four or five are */
    MANY_IDENTITIES = 3, /* so many makers' DICOM systems do not share an address */
    IDENTITIES_MAX = 8
};

enum sign { SIGN_protocols, SIGN_makers, SIGN_ports };
static const struct {
    const char *en, *it;
} signs[] = {
    [SIGN_protocols] = {"one port speaks several protocols", "una porta parla più protocolli"},
    [SIGN_makers] = {"DICOM systems of several makers at one address",
                     "sistemi DICOM di più produttori a un solo indirizzo"},
    [SIGN_ports] = {"the same answer on many ports", "la stessa risposta su molte porte"},
};

static void tell(struct wr *w, const char *sign)
{
    wr_printf(w, "%s%s", w->n ? ", " : "", sign);
}

void honeypot_why_it(struct str why, struct wr *w)
{
    while (why.n) {
        size_t known = 0;
        for (size_t i = 0; i < COUNT(signs) && !known; i++) {
            struct str sign = str_z(signs[i].en);
            if (!str_starts(why, sign))
                continue;
            wr_put(w, str_z(signs[i].it));
            known = sign.n;
        }
        if (!known)
            wr_u8(w, (uint8_t)*why.p);
        why = str_slice(why, known ? known : 1, why.n);
    }
}

static bool says_honeypot(struct str tag)
{
    for (size_t i = 0; i + 8 <= tag.n; i++)
        if (str_eq_nocase(str_slice(tag, i, 8), STR("honeypot")))
            return true;
    return false;
}

/* Rows of the table, and what a search engine says. A row of low confidence is no sign alone. */
static unsigned known_signs(const struct place *p, struct wr *w)
{
    unsigned points = p->verdict.best && p->verdict.best->role == ROLE_honeypot &&
                              p->verdict.points >= POINTS_medium
                          ? p->verdict.points
                          : 0;
    const struct fact *f;
    size_t i = 0;
    if (points) {
        tell(w, "");
        wr_put(w, p->verdict.type_why);
    }
    while ((f = evidence_next(p->endpoint->e, EV_said_tag, &i))) {
        if (says_honeypot(f->value)) {
            points += POINTS_medium;
            tell(w, "");
            clue_text(w, f, NULL);
        }
    }
    return points;
}

/* No server takes DICOM, HL7 and web pages on one port. */
static unsigned spoken_at_once(const struct place *p, struct wr *w)
{
    unsigned s = p->clues.spoken;
    unsigned kinds =
        !!(s & SPOKEN_dicom) + !!(s & SPOKEN_hl7) + !!(s & (SPOKEN_http | SPOKEN_fhir));
    if (kinds < 2)
        return 0;
    tell(w, signs[SIGN_protocols].en);
    return POINTS_medium;
}

static struct str identity(const struct place *p)
{
    const struct verdict *v = &p->verdict;
    return v->product.name.n    ? v->product.name
           : v->vendor.vendor.n ? v->vendor.vendor
                                : v->toolkit.name;
}

static unsigned many_identities(const struct place *places, size_t n, struct wr *w)
{
    struct str seen[IDENTITIES_MAX];
    size_t different = 0;
    for (size_t i = 0; i < n; i++) {
        struct str id = identity(&places[i]);
        bool known = id.n == 0 || !(places[i].clues.spoken & SPOKEN_dicom);
        for (size_t k = 0; k < different && !known; k++)
            known = same_product(seen[k], id);
        if (!known && different < IDENTITIES_MAX)
            seen[different++] = id;
    }
    if (different < MANY_IDENTITIES)
        return 0;
    tell(w, signs[SIGN_makers].en);
    return POINTS_medium;
}

/* The same DICOM or HL7 answer whichever port is asked. */
static unsigned same_everywhere(const struct place *places, size_t n, struct wr *w)
{
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        unsigned medical = places[i].clues.spoken & (SPOKEN_dicom | SPOKEN_hl7);
        for (size_t k = 0; k < n && medical; k++)
            same += (places[k].clues.spoken & medical) == medical &&
                    str_eq(identity(&places[k]), identity(&places[i]));
        if (same >= MANY_PORTS) {
            tell(w, signs[SIGN_ports].en);
            return POINTS_medium;
        }
    }
    return 0;
}

unsigned honeypot_points(const struct place *places, size_t n, struct wr *w)
{
    unsigned points = 0;
    for (size_t i = 0; i < n; i++) {
        points += known_signs(&places[i], w);
        points += spoken_at_once(&places[i], w);
    }
    points += many_identities(places, n, w);
    points += same_everywhere(places, n, w);
    return points;
}
