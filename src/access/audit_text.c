/* Audit messages as lines for people: `lastra audit tail`. */
#include "access/audit_message.h"
#include "access/audit_names.h"
#include "access/stamp.h"

static struct str outcome_word(enum audit_outcome o)
{
    switch (o) {
    case AUDIT_SUCCESS:
        return STR("ok");
    case AUDIT_MINOR:
        return STR("refused");
    case AUDIT_SERIOUS:
        return STR("failed");
    case AUDIT_MAJOR:
        return STR("failed badly");
    }
    return STR("?");
}

static void put_participant(struct wr *w, const struct audit_participant *p)
{
    wr_put(w, p->requestor ? STR(" by ") : STR(" with "));
    wr_printable(w, p->user_id);
    if (p->address.n) {
        wr_u8(w, '@');
        wr_printable(w, p->address);
    }
}

static void put_object(struct wr *w, const struct audit_object *o)
{
    wr_put(w, STR("; "));
    wr_put(w, audit_object_codes[o->kind].word);
    wr_u8(w, ' ');
    wr_printable(w, o->id);
    uint64_t instances = 0;
    for (size_t i = 0; i < o->n_classes; i++)
        instances += o->classes[i].instances;
    if (instances)
        wr_printf(w, ", %llu object%s", (unsigned long long)instances, instances == 1 ? "" : "s");
    for (size_t i = 0; i < AUDIT_DETAILS_MAX && o->details[i].type.n; i++) {
        wr_put(w, STR(": "));
        wr_printable(w, o->details[i].value);
    }
}

void audit_to_text(const struct audit_message *m, struct wr *w)
{
    stamp_write(m->time_us, w);
    wr_u8(w, ' ');
    wr_printable(w, m->id.text);
    if (m->type.text.n) {
        wr_put(w, STR(", "));
        wr_printable(w, m->type.text);
    }
    wr_put(w, STR(": "));
    wr_put(w, outcome_word(m->outcome));
    if (m->outcome_text.n) {
        wr_put(w, STR(" ("));
        wr_printable(w, m->outcome_text);
        wr_u8(w, ')');
    }
    for (size_t i = 0; i < m->n_participants; i++)
        put_participant(w, &m->participants[i]);
    for (size_t i = 0; i < m->n_objects; i++)
        put_object(w, &m->objects[i]);
}
