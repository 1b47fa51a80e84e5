#include "survey/identify/judge.h"

#include "base/size.h"
#include "base/wr.h"
#include "survey/identify/correlate.h"
#include "survey/identify/role.h"
#include "survey/identify/tally.h"

/* One judgement in the making. */
struct bench {
    const struct clues *c;
    struct arena *a;
    struct verdict *v;
    struct tally products, toolkits, vendors;
    bool clash; /* something speaks against the product */
    char text[WHY_MAX];
    struct wr why;
};

static bool names_product(const struct clue *c, struct str *ret_vendor, struct str *ret_name)
{
    *ret_vendor = c->fp->vendor;
    *ret_name = c->fp->product;
    return (c->fp->role == ROLE_system || c->fp->role == ROLE_honeypot) && c->fp->product.n > 0;
}

/* What a program says of itself in an association names the toolkit that the row is built with. */
static bool names_toolkit(const struct clue *c, struct str *ret_vendor, struct str *ret_name)
{
    bool own = str_starts(c->fp->layer, STR("dicom_class")) ||
               str_starts(c->fp->layer, STR("dicom_version"));
    bool within = own && c->fp->role != ROLE_toolkit && c->fp->built_with.n > 0;
    *ret_vendor = within ? STR("") : c->fp->vendor;
    *ret_name = within ? c->fp->built_with : c->fp->product;
    return within || c->fp->role == ROLE_toolkit;
}

/* Whose the device is: roots of UIDs and hardware addresses; products are asked elsewhere. */
static bool names_vendor(const struct clue *c, struct str *ret_vendor, struct str *ret_name)
{
    bool device = c->fp->role == ROLE_system && c->fp->product.n == 0 && c->fp->vendor.n > 0;
    *ret_vendor = *ret_name = c->fp->vendor;
    return device || c->fp->role == ROLE_vendor;
}

static void begin(struct bench *b)
{
    b->why = wr_fixed(b->text, sizeof(b->text));
}

/* What did not fit is left out; the beginning tells most. */
static struct str end(struct bench *b)
{
    struct str s = arena_copy(b->a, wr_str(&b->why));
    return s.p ? s : STR("");
}

static enum confidence lowered(enum confidence c)
{
    return c > CONF_low ? (enum confidence)(c - 1) : c;
}

/* A protocol that such a system speaks is a signal of its own. */
static bool protocol_agrees(const struct clues *c, enum sys_type t)
{
    static const unsigned wants[TYPE_COUNT] = {
        [TYPE_pacs] = SPOKEN_dicom,
        [TYPE_worklist] = SPOKEN_dicom,
        [TYPE_printer] = SPOKEN_dicom,
        [TYPE_modality] = SPOKEN_dicom | SPOKEN_caller,
        [TYPE_viewer] = SPOKEN_dicom | SPOKEN_caller,
        [TYPE_integration_engine] = SPOKEN_hl7,
        [TYPE_ris_lis] = SPOKEN_hl7 | SPOKEN_dicom,
        [TYPE_emr] = SPOKEN_hl7 | SPOKEN_fhir,
        [TYPE_fhir] = SPOKEN_fhir,
    };
    return c->spoken & wants[t];
}

/* Only where the clue itself is not of that protocol: an AE title says no more for being sent. */
static bool second_signal(const struct clues *c, const struct clue *best)
{
    enum ev_kind k = best->fact->kind;
    bool page = str_starts(best->fp->layer, STR("http")) ||
                str_starts(best->fp->layer, STR("favicon")) || k == EV_said_product ||
                k == EV_said_cpe;
    return page && protocol_agrees(c, best->fp->type);
}

/* The strongest other product that cannot be a part of this one. A viewer, or a FHIR interface, may
 * well stand in front of another system. */
static const struct entry *rival(const struct bench *b)
{
    const struct entry *first = &b->products.at[0];
    for (size_t i = 1; i < b->products.n; i++) {
        const struct entry *e = &b->products.at[i];
        enum sys_type t = e->best->fp->type;
        bool part = (t == TYPE_viewer || t == TYPE_fhir) && first->best->fp->type != t;
        if (e->points >= POINTS_medium && !part)
            return e;
    }
    return NULL;
}

static const struct entry *foreign_toolkit(const struct bench *b, struct str built_with)
{
    for (size_t i = 0; i < b->toolkits.n && built_with.n; i++)
        if (b->toolkits.at[i].points >= POINTS_medium &&
            !same_product(b->toolkits.at[i].name, built_with))
            return &b->toolkits.at[i];
    return NULL;
}

static struct str known_toolkit(const struct bench *b, const struct entry *e)
{
    for (size_t i = 0; i < b->c->n; i++)
        if (b->c->at[i].fp->built_with.n && same_product(b->c->at[i].fp->product, e->name))
            return b->c->at[i].fp->built_with;
    return STR("");
}

static void tell_against(struct bench *b, const struct entry *against, tally_name *name)
{
    b->clash = true;
    wr_printf(&b->why, "; against it: ");
    tally_why(&b->why, b->c, name, against);
}

static void weigh_product(struct bench *b, struct entry *e)
{
    const struct entry *other = rival(b), *foreign;
    struct str toolkit = known_toolkit(b, e);
    foreign = foreign_toolkit(b, toolkit);
    for (size_t i = 0; i < b->toolkits.n; i++)
        if (toolkit.n && e->points < POINTS_medium && same_product(b->toolkits.at[i].name, toolkit))
            e->points += 1;
    if (e->points < POINTS_names && second_signal(b->c, e->best))
        e->points += 1;
    begin(b);
    tally_why(&b->why, b->c, names_product, e);
    if (other)
        tell_against(b, other, names_product);
    if (foreign)
        tell_against(b, foreign, names_toolkit);
    if (e->clash) {
        b->clash = true;
        wr_printf(&b->why, "; versions differ");
    }
}

/* A name that only an AE title tells does not stand against the toolkit that was read. */
static bool is_named(const struct bench *b, const struct entry *e)
{
    return e->points >= POINTS_names && !(b->clash && e->points < POINTS_medium);
}

static void judge_product(struct bench *b)
{
    struct entry *e = &b->products.at[0];
    struct verdict *v = b->v;
    if (b->products.n == 0)
        return;
    weigh_product(b, e);
    v->best = e->best->fp;
    v->points = e->points;
    v->hinted = e->name;
    if (!is_named(b, e))
        return;
    if (!e->version.n)
        correlate_text(&b->why, e->name, &v->toolkit);
    v->product = (struct answer){e->vendor, e->name,        e->version, tally_confidence(e->points),
                                 end(b),    e->version_said};
    if (b->clash)
        v->product.conf = lowered(v->product.conf);
}

static void judge_toolkit(struct bench *b)
{
    struct entry *e = &b->toolkits.at[0];
    if (b->toolkits.n == 0)
        return;
    begin(b);
    tally_why(&b->why, b->c, names_toolkit, e);
    b->v->toolkit = (struct answer){
        e->vendor, e->name, e->version, tally_confidence(e->points), STR(""), e->version_said};
    if (b->toolkits.n > 1 && b->toolkits.at[1].points >= POINTS_medium) {
        wr_printf(&b->why, "; against it: ");
        tally_why(&b->why, b->c, names_toolkit, &b->toolkits.at[1]);
        b->v->toolkit.conf = lowered(b->v->toolkit.conf);
    } else if (e->clash) {
        wr_printf(&b->why, "; versions differ");
        b->v->toolkit.conf = lowered(b->v->toolkit.conf);
    }
    b->v->toolkit.why = end(b);
}

static void tell_maker(struct bench *b)
{
    const struct fact *f = b->c->maker;
    struct answer *vendor = &b->v->vendor;
    begin(b);
    clue_text(&b->why, f, NULL);
    if (vendor->vendor.n == 0) {
        *vendor = (struct answer){.vendor = f->value, .conf = CONF_medium, .why = end(b)};
    } else if (!same_maker(vendor->vendor, f->value)) {
        begin(b);
        wr_printf(&b->why, "%.*s; against it: ", STR_ARG(vendor->why));
        clue_text(&b->why, f, NULL);
        vendor->conf = lowered(vendor->conf);
        vendor->why = end(b);
    }
}

static void judge_vendor(struct bench *b)
{
    const struct entry *e = &b->vendors.at[0];
    struct verdict *v = b->v;
    if (v->product.name.n && v->product.vendor.n) {
        v->vendor = (struct answer){
            .vendor = v->product.vendor, .conf = v->product.conf, .why = v->product.why};
    } else if (b->vendors.n > 0) {
        begin(b);
        tally_why(&b->why, b->c, names_vendor, e);
        v->vendor = (struct answer){
            .vendor = e->vendor, .conf = tally_confidence(e->points), .why = end(b)};
    }
    if (b->c->maker)
        tell_maker(b);
}

/* The site's own name for a thing that nothing else names. */
static void take_site_model(struct bench *b)
{
    const struct clues *c = b->c;
    struct verdict *v = b->v;
    if (v->product.name.n || !c->model || (v->best && v->points >= POINTS_medium))
        return;
    struct str maker = c->maker ? c->maker->value : STR("");
    if (b->vendors.n > 0 && (!maker.n || same_maker(maker, b->vendors.at[0].vendor)))
        maker = b->vendors.at[0].vendor;
    begin(b);
    clue_text(&b->why, c->model, NULL);
    v->product =
        (struct answer){maker,       c->model->value, c->version ? c->version->value : STR(""),
                        CONF_medium, end(b),          false};
}

static void set_type(struct verdict *v, enum sys_type t, enum confidence conf, struct str why)
{
    v->type = t;
    v->type_conf = conf;
    v->type_why = why;
}

static struct str why_fact(struct bench *b, const struct fact *f)
{
    begin(b);
    if (f)
        clue_text(&b->why, f, NULL);
    return end(b);
}

static const struct fact *served(const struct clues *c, enum serves bit)
{
    return c->served[__builtin_ctz(bit)];
}

static const struct fact *spoke(const struct clues *c, enum spoken bit)
{
    return c->spoke[__builtin_ctz(bit)];
}

/* What a DICOM system offers tells its part, though not its name. */
static bool type_by_services(struct bench *b)
{
    static const struct {
        enum serves served, not ;
        enum sys_type type;
    } t[] = {{SERVES_query, 0, TYPE_pacs},
             {SERVES_retrieve, 0, TYPE_pacs},
             {SERVES_print, SERVES_query, TYPE_printer},
             {SERVES_worklist, SERVES_query, TYPE_worklist},
             {SERVES_web, 0, TYPE_pacs}};
    for (size_t i = 0; i < COUNT(t); i++) {
        if (b->c->serves & t[i].served && !(b->c->serves & t[i].not )) {
            set_type(b->v, t[i].type, CONF_medium, why_fact(b, served(b->c, t[i].served)));
            return true;
        }
    }
    return false;
}

/* A device by its maker's hardware address. */
static const struct clue *device_clue(const struct clues *c)
{
    const struct clue *best = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].fp->role == ROLE_system && c->at[i].fp->product.n == 0 &&
            (!best || c->at[i].points > best->points))
            best = &c->at[i];
    return best;
}

static bool type_by_device(struct bench *b)
{
    const struct clue *c = device_clue(b->c);
    if (!c)
        return false;
    unsigned more = protocol_agrees(b->c, c->fp->type) ? 1 : 0;
    begin(b);
    clue_text(&b->why, c->fact, c->fp);
    set_type(b->v, c->fp->type, tally_confidence(c->points + more), end(b));
    return true;
}

/* It was only seen calling: a modality that sends or a workstation that asks. */
static bool type_by_calling(struct bench *b)
{
    const struct clues *c = b->c;
    if (!(c->spoken & SPOKEN_caller) || c->spoken & SPOKEN_dicom)
        return false;
    enum sys_type hint = c->caller ? ae_type(c->caller->value) : TYPE_none;
    if (hint == TYPE_none && b->vendors.n > 0)
        hint = TYPE_modality;
    begin(b);
    wr_printf(&b->why, "it only calls: ");
    clue_text(&b->why, c->caller ? c->caller : spoke(c, SPOKEN_caller), NULL);
    if (hint != TYPE_none)
        set_type(b->v, hint, CONF_low, end(b));
    return hint != TYPE_none;
}

static bool type_by_toolkit(struct bench *b)
{
    if (b->v->toolkit.name.n == 0 || b->vendors.n > 0)
        return false;
    set_type(b->v, TYPE_dicom_toolkit, b->v->toolkit.conf, b->v->toolkit.why);
    return true;
}

static bool type_by_protocol(struct bench *b)
{
    static const struct {
        enum spoken spoken;
        enum sys_type type;
        enum confidence conf;
    } t[] = {{SPOKEN_dicom, TYPE_unknown_dicom, CONF_high},
             {SPOKEN_fhir, TYPE_fhir, CONF_high},
             {SPOKEN_hl7, TYPE_unknown_hl7, CONF_high},
             {SPOKEN_caller, TYPE_unknown_dicom, CONF_low}};
    for (size_t i = 0; i < COUNT(t); i++) {
        if (b->c->spoken & t[i].spoken) {
            set_type(b->v, t[i].type, t[i].conf, why_fact(b, spoke(b->c, t[i].spoken)));
            return true;
        }
    }
    return false;
}

static bool type_by_product(struct bench *b)
{
    const struct verdict *v = b->v;
    enum confidence conf;
    /* One row of low confidence on a page, or the title of an AE that a honeypot has too, is not
     * even a kind of system. */
    if (!v->best || (v->points < POINTS_names && v->best->conf == CONF_low) ||
        (v->points < POINTS_medium && (v->best->role == ROLE_honeypot || b->clash)))
        return false;
    conf = v->product.name.n && v->product.conf > CONF_low ? v->product.conf
                                                           : tally_confidence(v->points);
    begin(b);
    tally_why(&b->why, b->c, names_product, &b->products.at[0]);
    set_type(b->v, v->best->type, b->clash ? lowered(conf) : conf, end(b));
    return true;
}

/* The site's own word stands unless something surer speaks against it. */
static void hear_site(struct bench *b)
{
    const struct fact *f = b->c->role;
    enum sys_type said = f ? role_type(f->value) : TYPE_none;
    struct verdict *v = b->v;
    if (said == TYPE_none || said == v->type)
        return;
    if (v->type == TYPE_honeypot || (v->best && v->points >= POINTS_high && v->product.name.n)) {
        begin(b);
        wr_printf(&b->why, "%.*s; against it: ", STR_ARG(v->type_why));
        clue_text(&b->why, f, NULL);
        set_type(v, v->type, lowered(v->type_conf), end(b));
        return;
    }
    set_type(v, said, CONF_high, why_fact(b, f));
}

void judge(const struct clues *c, struct arena *a, struct verdict *ret)
{
    static bool (*const ways[])(struct bench *) = {type_by_product, type_by_services,
                                                   type_by_device,  type_by_calling,
                                                   type_by_toolkit, type_by_protocol};
    struct bench bench = {.c = c, .a = a, .v = ret}, *b = &bench;
    *ret = (struct verdict){0};
    tally_count(&b->products, c, names_product);
    tally_count(&b->toolkits, c, names_toolkit);
    tally_count(&b->vendors, c, names_vendor);
    judge_toolkit(b);
    judge_product(b);
    for (size_t i = 0; i < COUNT(ways); i++)
        if (ways[i](b))
            break;
    hear_site(b);
    if (ret->type != TYPE_none)
        take_site_model(b);
    judge_vendor(b);
}
