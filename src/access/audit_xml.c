/* Audit messages as the XML document of PS3.15 A.5.1, for syslog collectors. */
#include "access/audit_message.h"
#include "access/audit_names.h"
#include "access/stamp.h"

static const struct str mended = STR_INIT("\xef\xbf\xbd"); /* U+FFFD */

/* U+FFFE and U+FFFF are UTF-8 but not XML. */
static bool is_noncharacter(struct str rest)
{
    return rest.n >= 3 && (uint8_t)rest.p[0] == 0xef && (uint8_t)rest.p[1] == 0xbf &&
           (uint8_t)rest.p[2] >= 0xbe;
}

/* One character that is markup, or that XML cannot hold at all; empty: it may stand as it is. */
static struct str replacement(char c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\t':
        return STR("&#9;");
    case '\n':
        return STR("&#10;");
    case '\r':
        return STR("&#13;");
    default:
        return (uint8_t)c < ' ' || c == 0x7f ? mended : STR("");
    }
}

static void put_text(struct wr *w, struct str s)
{
    bool utf8 = str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        struct str other = replacement(s.p[i]);
        if (is_noncharacter(str_slice(s, i, s.n))) {
            wr_put(w, mended);
            i += 2;
        } else if (other.n) {
            wr_put(w, other);
        } else if (!utf8 && (uint8_t)s.p[i] >= 0x80) {
            wr_put(w, mended);
        } else {
            wr_u8(w, (uint8_t)s.p[i]);
        }
    }
}

static void put_attribute(struct wr *w, const char *name, struct str value)
{
    wr_printf(w, " %s=\"", name);
    put_text(w, value);
    wr_u8(w, '"');
}

static void put_optional(struct wr *w, const char *name, struct str value, size_t max)
{
    if (value.n)
        put_attribute(w, name, audit_clip(value, max));
}

static void put_code(struct wr *w, const char *element, struct audit_code code)
{
    if (!code.code.n)
        return;
    wr_printf(w, "<%s", element);
    put_attribute(w, "csd-code", code.code);
    put_attribute(w, "codeSystemName", code.scheme);
    put_attribute(w, "originalText", code.text);
    wr_put(w, STR("/>"));
}

static void put_event(struct wr *w, const struct audit_message *m)
{
    wr_printf(w, "<EventIdentification EventActionCode=\"%c\" EventDateTime=\"", m->action);
    stamp_write(m->time_us, w);
    wr_printf(w, "\" EventOutcomeIndicator=\"%d\">", (int)m->outcome);
    put_code(w, "EventID", m->id);
    put_code(w, "EventTypeCode", m->type);
    if (m->outcome_text.n) {
        wr_put(w, STR("<EventOutcomeDescription>"));
        put_text(w, audit_clip(m->outcome_text, AUDIT_CLIP_TEXT));
        wr_put(w, STR("</EventOutcomeDescription>"));
    }
    wr_put(w, STR("</EventIdentification>"));
}

static void put_participant(struct wr *w, const struct audit_participant *p)
{
    const struct audit_role_code *role = &audit_role_codes[p->role];
    wr_put(w, STR("<ActiveParticipant"));
    put_attribute(w, "UserID", audit_clip(p->user_id, AUDIT_CLIP_NAME));
    put_optional(w, "AlternativeUserID", p->alternative, AUDIT_CLIP_NAME);
    put_optional(w, "UserName", p->name, AUDIT_CLIP_NAME);
    put_attribute(w, "UserIsRequestor", p->requestor ? STR("true") : STR("false"));
    if (p->address.n) {
        put_attribute(w, "NetworkAccessPointID", audit_clip(p->address, AUDIT_CLIP_NAME));
        put_attribute(w, "NetworkAccessPointTypeCode", p->address_is_ip ? STR("2") : STR("1"));
    }
    wr_put(w, STR(">"));
    put_code(w, "RoleIDCode", (struct audit_code){role->code, STR("DCM"), role->text});
    wr_put(w, STR("</ActiveParticipant>"));
}

/* The schema wants either a name or a query: an object without a name is named by its id. */
static void put_name_or_query(struct wr *w, const struct audit_object *o)
{
    if (o->query.n) {
        wr_put(w, STR("<ParticipantObjectQuery>"));
        wr_base64(w, str_slice(o->query, 0, AUDIT_QUERY_MAX));
        wr_put(w, STR("</ParticipantObjectQuery>"));
        return;
    }
    wr_put(w, STR("<ParticipantObjectName>"));
    put_text(w, audit_clip(o->name.n ? o->name : o->id, AUDIT_CLIP_TEXT));
    wr_put(w, STR("</ParticipantObjectName>"));
}

static void put_study(struct wr *w, const struct audit_object *o)
{
    if (o->accession.n) {
        wr_put(w, STR("<Accession"));
        put_attribute(w, "Number", audit_clip(o->accession, AUDIT_CLIP_TEXT));
        wr_put(w, STR("/>"));
    }
    for (size_t i = 0; i < o->n_classes && i < AUDIT_CLASSES_MAX; i++) {
        wr_put(w, STR("<SOPClass"));
        put_attribute(w, "UID", audit_clip(o->classes[i].uid, AUDIT_CLIP_NAME));
        wr_printf(w, " NumberOfInstances=\"%llu\"/>", (unsigned long long)o->classes[i].instances);
    }
}

static void put_object(struct wr *w, const struct audit_object *o)
{
    const struct audit_object_code *code = &audit_object_codes[o->kind];
    wr_put(w, STR("<ParticipantObjectIdentification"));
    put_attribute(w, "ParticipantObjectID", audit_clip(o->id, AUDIT_CLIP_TEXT));
    wr_printf(w, " ParticipantObjectTypeCode=\"%u\" ParticipantObjectTypeCodeRole=\"%u\">",
              code->type, code->role);
    put_code(w, "ParticipantObjectIDTypeCode",
             (struct audit_code){code->code, code->scheme, code->text});
    put_name_or_query(w, o);
    for (size_t i = 0; i < AUDIT_DETAILS_MAX && o->details[i].type.n; i++) {
        wr_put(w, STR("<ParticipantObjectDetail"));
        put_attribute(w, "type", audit_clip(o->details[i].type, AUDIT_CLIP_NAME));
        wr_put(w, STR(" value=\""));
        wr_base64(w, audit_clip(o->details[i].value, AUDIT_CLIP_DETAIL));
        wr_put(w, STR("\"/>"));
    }
    put_study(w, o);
    wr_put(w, STR("</ParticipantObjectIdentification>"));
}

void audit_to_xml(const struct audit_message *m, struct wr *w)
{
    wr_put(w, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>"));
    put_event(w, m);
    for (size_t i = 0; i < m->n_participants && i < AUDIT_PARTICIPANTS_MAX; i++)
        put_participant(w, &m->participants[i]);
    wr_put(w, STR("<AuditSourceIdentification"));
    put_attribute(w, "AuditSourceID", audit_clip(m->source_id, AUDIT_CLIP_NAME));
    wr_put(w, STR("/>"));
    for (size_t i = 0; i < m->n_objects && i < AUDIT_OBJECTS_MAX; i++)
        put_object(w, &m->objects[i]);
    wr_put(w, STR("</AuditMessage>"));
}
