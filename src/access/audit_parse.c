/* Audit messages back from their JSON: a table of paths says which member goes where. */
#include "access/audit_message.h"
#include "access/audit_names.h"
#include "access/json_walk.h"
#include "access/stamp.h"
#include "base/size.h"

struct parse {
    struct arena *arena;
    struct audit_message *m;
    struct audit_participant *participants; /* AUDIT_PARTICIPANTS_MAX of them */
    struct audit_object *objects;           /* AUDIT_OBJECTS_MAX */
    struct audit_sop_class *classes;        /* of the last object: AUDIT_CLASSES_MAX, or NULL */
    size_t n_details;                       /* of the last object */
    bool has_id, has_time;
};

static err_t new_participant(struct parse *p)
{
    if (p->m->n_participants == AUDIT_PARTICIPANTS_MAX)
        return E_MALFORMED;
    p->m->n_participants++;
    return OK;
}

static err_t new_object(struct parse *p)
{
    if (p->m->n_objects == AUDIT_OBJECTS_MAX)
        return E_MALFORMED;
    p->m->n_objects++;
    p->classes = NULL;
    p->n_details = 0;
    return OK;
}

/* What is being read: the tables' paths only lead here once one has begun, since a path is what is
 * open around a value. */
static struct audit_object *object(struct parse *p)
{
    return &p->objects[p->m->n_objects - 1];
}

static struct audit_participant *participant(struct parse *p)
{
    return &p->participants[p->m->n_participants - 1];
}

static err_t new_detail(struct parse *p)
{
    if (p->n_details == AUDIT_DETAILS_MAX)
        return E_MALFORMED;
    p->n_details++;
    return OK;
}

static err_t new_class(struct parse *p)
{
    struct audit_object *o = object(p);
    if (!p->classes)
        p->classes = ARENA_ARRAY(p->arena, AUDIT_CLASSES_MAX, struct audit_sop_class);
    if (!p->classes)
        return E_NOMEM;
    if (o->n_classes == AUDIT_CLASSES_MAX)
        return E_MALFORMED;
    o->classes = p->classes;
    o->n_classes++;
    return OK;
}

static err_t set_number(struct str value, uint64_t max, uint64_t *ret)
{
    return str_to_u64(value, max, ret) ? OK : E_MALFORMED;
}

static err_t set_event_code(struct parse *p, struct str v)
{
    p->m->id.code = v;
    p->has_id = true;
    return OK;
}

static err_t set_action(struct parse *p, struct str v)
{
    if (v.n != 1 || !memchr("CRUDE", v.p[0], 5))
        return E_MALFORMED;
    p->m->action = v.p[0];
    return OK;
}

static err_t set_time(struct parse *p, struct str v)
{
    p->has_time = true;
    return stamp_parse(v, &p->m->time_us) ? OK : E_MALFORMED;
}

static err_t set_outcome(struct parse *p, struct str v)
{
    uint64_t n;
    TRY(set_number(v, AUDIT_MAJOR, &n));
    p->m->outcome = (enum audit_outcome)n;
    return n % 4 ? E_MALFORMED : OK;
}

static err_t set_role(struct parse *p, struct str v)
{
    for (unsigned r = 1; r < AUDIT_ROLES; r++)
        if (str_eq(v, audit_role_codes[r].code)) {
            participant(p)->role = (enum audit_role)r;
            return OK;
        }
    return E_MALFORMED;
}

static err_t set_point_type(struct parse *p, struct str v)
{
    uint64_t n;
    TRY(set_number(v, AUDIT_POINT_IP, &n));
    participant(p)->address_is_ip = n == AUDIT_POINT_IP;
    return OK;
}

static err_t set_requestor(struct parse *p, struct str v)
{
    participant(p)->requestor = str_eq(v, STR("true"));
    return OK;
}

static err_t set_kind(struct parse *p, struct str v)
{
    for (unsigned k = 0; k < AUDIT_OBJECT_KINDS; k++)
        if (str_eq(v, audit_object_codes[k].code)) {
            object(p)->kind = (enum audit_object_kind)k;
            return OK;
        }
    return E_MALFORMED;
}

static int base64_digit(char c)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

static err_t set_query(struct parse *p, struct str v)
{
    uint8_t *buf = arena_alloc(p->arena, v.n);
    if (!buf)
        return E_NOMEM;
    while (v.n && v.p[v.n - 1] == '=')
        v.n--;
    struct wr w = wr_fixed(buf, v.n);
    uint32_t bits = 0;
    for (size_t i = 0; i < v.n; i++) {
        int digit = base64_digit(v.p[i]);
        if (digit < 0)
            return E_MALFORMED;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            wr_u8(&w, (uint8_t)(bits >> (2 * (3 - i % 4))));
    }
    object(p)->query = wr_str(&w);
    return OK;
}

static err_t set_detail_type(struct parse *p, struct str v)
{
    object(p)->details[p->n_details - 1].type = v;
    return OK;
}

static err_t set_detail_value(struct parse *p, struct str v)
{
    object(p)->details[p->n_details - 1].value = v;
    return OK;
}

static err_t set_class_uid(struct parse *p, struct str v)
{
    p->classes[object(p)->n_classes - 1].uid = v;
    return OK;
}

static err_t set_class_count(struct parse *p, struct str v)
{
    return set_number(v, UINT64_MAX, &p->classes[object(p)->n_classes - 1].instances);
}

#define EVENT "EventIdentification"
#define WHO "ActiveParticipant"
#define WHAT "ParticipantObjectIdentification"

static const struct {
    struct str path;
    err_t (*begin)(struct parse *p);
} objects[] = {
    {STR_INIT(WHO), new_participant},
    {STR_INIT(WHAT), new_object},
    {STR_INIT(WHAT "/ParticipantObjectDetail"), new_detail},
    {STR_INIT(WHAT "/SOPClass"), new_class},
};

/* Where a plain text goes: an offset into one of the three structs. */
enum target { IN_MESSAGE, IN_PARTICIPANT, IN_OBJECT };
static const struct {
    struct str path;
    enum target target;
    size_t offset;
} texts[] = {
    {STR_INIT(EVENT "/EventID/codeSystemName"), IN_MESSAGE,
     offsetof(struct audit_message, id.scheme)},
    {STR_INIT(EVENT "/EventID/originalText"), IN_MESSAGE, offsetof(struct audit_message, id.text)},
    {STR_INIT(EVENT "/EventTypeCode/csd-code"), IN_MESSAGE,
     offsetof(struct audit_message, type.code)},
    {STR_INIT(EVENT "/EventTypeCode/codeSystemName"), IN_MESSAGE,
     offsetof(struct audit_message, type.scheme)},
    {STR_INIT(EVENT "/EventTypeCode/originalText"), IN_MESSAGE,
     offsetof(struct audit_message, type.text)},
    {STR_INIT(EVENT "/EventOutcomeDescription"), IN_MESSAGE,
     offsetof(struct audit_message, outcome_text)},
    {STR_INIT("AuditSourceIdentification/AuditSourceID"), IN_MESSAGE,
     offsetof(struct audit_message, source_id)},
    {STR_INIT(WHO "/UserID"), IN_PARTICIPANT, offsetof(struct audit_participant, user_id)},
    {STR_INIT(WHO "/AlternativeUserID"), IN_PARTICIPANT,
     offsetof(struct audit_participant, alternative)},
    {STR_INIT(WHO "/UserName"), IN_PARTICIPANT, offsetof(struct audit_participant, name)},
    {STR_INIT(WHO "/NetworkAccessPointID"), IN_PARTICIPANT,
     offsetof(struct audit_participant, address)},
    {STR_INIT(WHAT "/ParticipantObjectID"), IN_OBJECT, offsetof(struct audit_object, id)},
    {STR_INIT(WHAT "/ParticipantObjectName"), IN_OBJECT, offsetof(struct audit_object, name)},
    {STR_INIT(WHAT "/Accession"), IN_OBJECT, offsetof(struct audit_object, accession)},
};

static char *target(struct parse *p, enum target t)
{
    switch (t) {
    case IN_PARTICIPANT:
        return (char *)participant(p);
    case IN_OBJECT:
        return (char *)object(p);
    case IN_MESSAGE:
        break;
    }
    return (char *)p->m;
}

static const struct {
    struct str path;
    err_t (*set)(struct parse *p, struct str value);
} setters[] = {
    {STR_INIT(EVENT "/EventID/csd-code"), set_event_code},
    {STR_INIT(EVENT "/EventActionCode"), set_action},
    {STR_INIT(EVENT "/EventDateTime"), set_time},
    {STR_INIT(EVENT "/EventOutcomeIndicator"), set_outcome},
    {STR_INIT(WHO "/UserIsRequestor"), set_requestor},
    {STR_INIT(WHO "/RoleIDCode/csd-code"), set_role},
    {STR_INIT(WHO "/NetworkAccessPointTypeCode"), set_point_type},
    {STR_INIT(WHAT "/ParticipantObjectIDTypeCode/csd-code"), set_kind},
    {STR_INIT(WHAT "/ParticipantObjectQuery"), set_query},
    {STR_INIT(WHAT "/ParticipantObjectDetail/type"), set_detail_type},
    {STR_INIT(WHAT "/ParticipantObjectDetail/value"), set_detail_value},
    {STR_INIT(WHAT "/SOPClass/UID"), set_class_uid},
    {STR_INIT(WHAT "/SOPClass/NumberOfInstances"), set_class_count},
};

static err_t on_object(void *ctx, struct str path)
{
    for (size_t i = 0; i < COUNT(objects); i++)
        if (str_eq(path, objects[i].path))
            return objects[i].begin(ctx);
    return OK;
}

/* Names that are not known are passed over: a newer version may write more. */
static err_t on_scalar(void *ctx, struct str path, struct str value, bool is_string)
{
    struct parse *p = ctx;
    for (size_t i = 0; i < COUNT(setters); i++)
        if (str_eq(path, setters[i].path))
            return setters[i].set(p, value);
    for (size_t i = 0; is_string && i < COUNT(texts); i++)
        if (str_eq(path, texts[i].path)) {
            memcpy(target(p, texts[i].target) + texts[i].offset, &value, sizeof value);
            return OK;
        }
    return OK;
}

err_t audit_parse(struct str json, struct arena *a, struct audit_message *ret)
{
    struct audit_message m = {.action = 'E'};
    struct parse p = {.arena = a, .m = &m};
    p.participants = ARENA_ARRAY(a, AUDIT_PARTICIPANTS_MAX, struct audit_participant);
    p.objects = ARENA_ARRAY(a, AUDIT_OBJECTS_MAX, struct audit_object);
    if (!p.participants || !p.objects)
        return E_NOMEM;
    m.participants = p.participants;
    m.objects = p.objects;
    TRY(json_walk(json, a, &(struct json_visitor){on_object, on_scalar, &p}));
    if (!p.has_id || !p.has_time)
        return E_MALFORMED;
    *ret = m;
    return OK;
}
