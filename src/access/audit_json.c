/* Audit messages as lines of JSON: the names are the schema's own, attributes and elements alike.
 */
#include "access/audit_message.h"
#include "access/audit_names.h"
#include "access/stamp.h"
#include "base/json.h"

static void put_clipped(struct json *j, struct str name, struct str value, size_t max)
{
    if (value.n)
        json_member(j, name, audit_clip(value, max));
}

static void put_code(struct json *j, struct str name, struct audit_code code)
{
    if (!code.code.n)
        return;
    json_key(j, name);
    json_open_object(j);
    json_member(j, STR("csd-code"), code.code);
    json_member(j, STR("codeSystemName"), code.scheme);
    json_member(j, STR("originalText"), code.text);
    json_end(j);
}

static void put_event(struct json *j, const struct audit_message *m)
{
    char time[32], action[1] = {m->action};
    struct wr w = wr_fixed(time, sizeof time);
    stamp_write(m->time_us, &w);
    json_key(j, STR("EventIdentification"));
    json_open_object(j);
    put_code(j, STR("EventID"), m->id);
    put_code(j, STR("EventTypeCode"), m->type);
    json_member(j, STR("EventActionCode"), str_of(action, 1));
    json_member(j, STR("EventDateTime"), wr_str(&w));
    json_member_u64(j, STR("EventOutcomeIndicator"), (uint64_t)m->outcome);
    put_clipped(j, STR("EventOutcomeDescription"), m->outcome_text, AUDIT_CLIP_TEXT);
    json_end(j);
}

static void put_participant(struct json *j, const struct audit_participant *p)
{
    const struct audit_role_code *role = &audit_role_codes[p->role];
    json_open_object(j);
    json_member(j, STR("UserID"), audit_clip(p->user_id, AUDIT_CLIP_NAME));
    put_clipped(j, STR("AlternativeUserID"), p->alternative, AUDIT_CLIP_NAME);
    put_clipped(j, STR("UserName"), p->name, AUDIT_CLIP_NAME);
    json_member_bool(j, STR("UserIsRequestor"), p->requestor);
    put_code(j, STR("RoleIDCode"), (struct audit_code){role->code, STR("DCM"), role->text});
    if (p->address.n) {
        json_member(j, STR("NetworkAccessPointID"), audit_clip(p->address, AUDIT_CLIP_NAME));
        json_member_u64(j, STR("NetworkAccessPointTypeCode"),
                        p->address_is_ip ? AUDIT_POINT_IP : AUDIT_POINT_NAME);
    }
    json_end(j);
}

static void put_details(struct json *j, const struct audit_object *o)
{
    if (!o->details[0].type.n)
        return;
    json_key(j, STR("ParticipantObjectDetail"));
    json_open_array(j);
    for (size_t i = 0; i < AUDIT_DETAILS_MAX && o->details[i].type.n; i++) {
        json_open_object(j);
        json_member(j, STR("type"), audit_clip(o->details[i].type, AUDIT_CLIP_NAME));
        json_member(j, STR("value"), audit_clip(o->details[i].value, AUDIT_CLIP_DETAIL));
        json_end(j);
    }
    json_end(j);
}

static void put_classes(struct json *j, const struct audit_object *o)
{
    if (!o->n_classes)
        return;
    json_key(j, STR("SOPClass"));
    json_open_array(j);
    for (size_t i = 0; i < o->n_classes && i < AUDIT_CLASSES_MAX; i++) {
        json_open_object(j);
        json_member(j, STR("UID"), audit_clip(o->classes[i].uid, AUDIT_CLIP_NAME));
        json_member_u64(j, STR("NumberOfInstances"), o->classes[i].instances);
        json_end(j);
    }
    json_end(j);
}

static void put_object(struct json *j, const struct audit_object *o)
{
    const struct audit_object_code *code = &audit_object_codes[o->kind];
    json_open_object(j);
    json_member(j, STR("ParticipantObjectID"), audit_clip(o->id, AUDIT_CLIP_TEXT));
    json_member_u64(j, STR("ParticipantObjectTypeCode"), code->type);
    json_member_u64(j, STR("ParticipantObjectTypeCodeRole"), code->role);
    put_code(j, STR("ParticipantObjectIDTypeCode"),
             (struct audit_code){code->code, code->scheme, code->text});
    put_clipped(j, STR("ParticipantObjectName"), o->name, AUDIT_CLIP_TEXT);
    if (o->query.n) {
        json_key(j, STR("ParticipantObjectQuery"));
        json_base64(j, str_slice(o->query, 0, AUDIT_QUERY_MAX));
    }
    put_details(j, o);
    put_clipped(j, STR("Accession"), o->accession, AUDIT_CLIP_TEXT);
    put_classes(j, o);
    json_end(j);
}

void audit_to_json(const struct audit_message *m, struct wr *w)
{
    struct json j = json_of(w);
    json_open_object(&j);
    put_event(&j, m);
    json_key(&j, STR("ActiveParticipant"));
    json_open_array(&j);
    for (size_t i = 0; i < m->n_participants && i < AUDIT_PARTICIPANTS_MAX; i++)
        put_participant(&j, &m->participants[i]);
    json_end(&j);
    json_key(&j, STR("AuditSourceIdentification"));
    json_open_object(&j);
    json_member(&j, STR("AuditSourceID"), audit_clip(m->source_id, AUDIT_CLIP_NAME));
    json_end(&j);
    if (m->n_objects) {
        json_key(&j, STR("ParticipantObjectIdentification"));
        json_open_array(&j);
        for (size_t i = 0; i < m->n_objects && i < AUDIT_OBJECTS_MAX; i++)
            put_object(&j, &m->objects[i]);
        json_end(&j);
    }
    json_end(&j);
}
