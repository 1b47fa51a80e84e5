#include "survey/identify/group.h"

#include "survey/identify/tally.h"

static bool is_medical(const struct place *p)
{
    return p->verdict.type != TYPE_none;
}

/* Something of it has a name, surely or not. */
static bool is_pointed(const struct place *p)
{
    return is_medical(p) && p->verdict.best;
}

static int same_product_before(const struct place *places, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (places[i].group != NO_GROUP && is_pointed(&places[i]) &&
            same_product(places[i].verdict.hinted, places[n].verdict.hinted))
            return places[i].group;
    return NO_GROUP;
}

/* Types that have a DICOM, HL7, FHIR or DICOMweb port of their own. */
static bool type_speaks(enum sys_type t, unsigned spoken)
{
    static const unsigned speaks[TYPE_COUNT] = {
        [TYPE_pacs] = SPOKEN_dicom | SPOKEN_hl7 | SPOKEN_http,
        [TYPE_worklist] = SPOKEN_dicom | SPOKEN_hl7,
        [TYPE_integration_engine] = SPOKEN_hl7 | SPOKEN_fhir,
        [TYPE_emr] = SPOKEN_hl7 | SPOKEN_fhir,
        [TYPE_ris_lis] = SPOKEN_hl7 | SPOKEN_dicom | SPOKEN_fhir,
        [TYPE_printer] = SPOKEN_dicom,
        [TYPE_modality] = SPOKEN_dicom,
        [TYPE_fhir] = SPOKEN_fhir,
        [TYPE_honeypot] = SPOKEN_dicom | SPOKEN_hl7,
    };
    unsigned what = spoken & (SPOKEN_dicom | SPOKEN_hl7 | SPOKEN_fhir);
    return what ? speaks[t] & what : speaks[t] & SPOKEN_http;
}

/* How well a place that has no name of its own fits one that has: 0 not at all. */
static unsigned fits(const struct place *named, const struct place *p)
{
    const struct verdict *v = &named->verdict, *o = &p->verdict;
    if (!type_speaks(v->type, p->clues.spoken))
        return 0;
    if (o->vendor.vendor.n && v->best->vendor.n && !same_maker(o->vendor.vendor, v->best->vendor))
        return 0;
    if (o->toolkit.name.n && v->best->built_with.n)
        return same_product(o->toolkit.name, v->best->built_with) ? 3 : 0;
    if (p->clues.spoken & SPOKEN_hl7)
        return v->type == TYPE_integration_engine ? 3 : v->type == TYPE_pacs ? 1 : 2;
    return 2;
}

/* The one named group that an unnamed place fits best; NO_GROUP when two fit alike. */
static int best_named(const struct place *places, size_t n, size_t i)
{
    unsigned best = 0;
    int group = NO_GROUP;
    bool tied = false;
    for (size_t k = 0; k < n; k++) {
        if (k == i || !is_pointed(&places[k]) || places[k].group == NO_GROUP)
            continue;
        unsigned f = fits(&places[k], &places[i]);
        if (f > best) {
            best = f;
            group = places[k].group;
            tied = false;
        } else if (f > 0 && f == best && places[k].group != group) {
            tied = true;
        }
    }
    return tied ? NO_GROUP : group;
}

/* Two unnamed places are taken for one system when they speak the same and nothing tells them
 * apart. */
static bool alike(const struct place *a, const struct place *b)
{
    enum { MEDICAL = SPOKEN_dicom | SPOKEN_hl7 | SPOKEN_fhir };
    const struct verdict *x = &a->verdict, *y = &b->verdict;
    unsigned s = a->clues.spoken & MEDICAL, t = b->clues.spoken & MEDICAL;
    bool web = (s == 0 && t & SPOKEN_dicom) || (t == 0 && s & SPOKEN_dicom);
    if (!(s & t) && s != t && !web)
        return false;
    if (x->toolkit.name.n && y->toolkit.name.n && !same_product(x->toolkit.name, y->toolkit.name))
        return false;
    return !(x->vendor.vendor.n && y->vendor.vendor.n &&
             !same_maker(x->vendor.vendor, y->vendor.vendor));
}

static int alike_before(const struct place *places, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (k != i && places[k].group != NO_GROUP && is_medical(&places[k]) &&
            !is_pointed(&places[k]) && alike(&places[k], &places[i]))
            return places[k].group;
    return NO_GROUP;
}

int group_places(struct place *places, size_t n)
{
    int groups = 0;
    for (size_t i = 0; i < n; i++)
        places[i].group = NO_GROUP;
    for (size_t i = 0; i < n; i++) {
        if (!is_pointed(&places[i]))
            continue;
        int g = same_product_before(places, i);
        places[i].group = g != NO_GROUP ? g : groups++;
    }
    for (size_t i = 0; i < n; i++)
        if (is_medical(&places[i]) && !is_pointed(&places[i]))
            places[i].group = best_named(places, n, i);
    for (size_t i = 0; i < n; i++) {
        if (!is_medical(&places[i]) || places[i].group != NO_GROUP)
            continue;
        int g = alike_before(places, n, i);
        places[i].group = g != NO_GROUP ? g : groups++;
    }
    return groups;
}
