#include "serve/dimse/trail.h"

#include "base/size.h"

static void check(const struct trail *t, err_t e)
{
    if (e != OK)
        log_event(t->log, LOG_AUDIT_FAILED, "event=transfer why=%s", err_text(e));
}

void trail_start(struct trail *t, struct audit *audit, const struct log *log,
                 const struct audit_participant *source,
                 const struct audit_participant *destination, const struct audit_participant *third)
{
    *t = (struct trail){.audit = audit, .log = log, .who = {*source, *destination}, .n_who = 2};
    if (third)
        t->who[t->n_who++] = *third;
    check(t, transfer_new(audit, source, destination, third, &t->transfer));
}

/* Of the last few studies: one that comes again after many others begins anew. */
static bool is_new(struct trail *t, const struct trail_object *o)
{
    uint64_t hash = str_hash(o->study) ^ str_hash(o->patient_id) << 1;
    for (size_t i = 0; i < size_min(t->n_begun, TRAIL_REMEMBERED); i++)
        if (t->begun[i] == hash)
            return false;
    t->begun[t->n_begun++ % TRAIL_REMEMBERED] = hash;
    return true;
}

static err_t write_begin(struct trail *t, const struct trail_object *o)
{
    const struct audit_object what[] = {
        {.kind = AUDIT_STUDY, .id = o->study, .accession = o->accession},
        {.kind = AUDIT_PATIENT, .id = o->patient_id},
    };
    const struct audit_event event = {
        .kind = AUDIT_TRANSFER_BEGIN,
        .participants = t->who,
        .n_participants = t->n_who,
        .objects = what,
        .n_objects = COUNT(what),
    };
    return audit_write(t->audit, &event);
}

void trail_add(struct trail *t, enum transfer_result result, const struct trail_object *o)
{
    if (!t->transfer)
        return;
    if (is_new(t, o))
        check(t, write_begin(t, o));
    check(t,
          transfer_add(t->transfer, result, o->study, o->patient_id, o->accession, o->sop_class));
}

void trail_end(struct trail *t)
{
    if (t->transfer)
        check(t, transfer_end(t->transfer));
    t->transfer = NULL;
}
