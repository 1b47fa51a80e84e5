#include "access/transfer.h"

#include <stdlib.h>

#include "access/audit_names.h"
#include "base/size.h"
#include "io/clock.h"

struct class_count {
    char uid[AUDIT_CLIP_NAME + 1];
    uint64_t instances[TRANSFER_RESULTS];
};

/* One study of one patient. */
struct study {
    char uid[AUDIT_CLIP_NAME + 1], patient[AUDIT_CLIP_TEXT + 1], accession[AUDIT_CLIP_NAME + 1];
    struct class_count classes[TRANSFER_CLASSES];
    size_t n_classes;
    uint64_t last;    /* the transfer's count when something was last added */
    int64_t begun_ms; /* when it was opened */
};

struct transfer {
    struct audit *audit;
    struct audit_participant who[3];
    size_t n_who;
    bool incoming;
    struct study *studies[TRANSFER_STUDIES]; /* packed to the front */
    size_t n;
    uint64_t count;
    int64_t hold_ms;
};

err_t transfer_new(struct audit *a, const struct audit_participant *source,
                   const struct audit_participant *destination,
                   const struct audit_participant *third, struct transfer **ret)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return E_NOMEM;
    t->audit = a;
    t->hold_ms = TRANSFER_HOLD_MS;
    t->who[t->n_who++] = *source;
    t->who[t->n_who++] = *destination;
    if (third)
        t->who[t->n_who++] = *third;
    t->incoming = str_eq(destination->user_id, audit_self(a, AUDIT_DESTINATION).user_id);
    *ret = t;
    return OK;
}

void transfer_set_hold(struct transfer *t, int64_t ms)
{
    t->hold_ms = ms;
}

/* The event of one result: only the classes that have it. */
static err_t write_result(struct transfer *t, const struct study *s, enum transfer_result result)
{
    static const enum audit_kind kinds[] = {
        [TRANSFER_STORED] = AUDIT_INSTANCES_STORED,
        [TRANSFER_HELD] = AUDIT_INSTANCES_HELD,
        [TRANSFER_SENT] = AUDIT_INSTANCES_SENT,
    };
    struct audit_sop_class classes[TRANSFER_CLASSES];
    size_t n = 0;
    for (size_t i = 0; i < s->n_classes; i++)
        if (s->classes[i].instances[result])
            classes[n++] =
                (struct audit_sop_class){str_z(s->classes[i].uid), s->classes[i].instances[result]};
    if (!n)
        return OK;
    bool failed = result == TRANSFER_FAILED;
    const struct audit_object what[] = {{.kind = AUDIT_STUDY,
                                         .id = str_z(s->uid),
                                         .accession = str_z(s->accession),
                                         .classes = classes,
                                         .n_classes = n},
                                        {.kind = AUDIT_PATIENT, .id = str_z(s->patient)}};
    return audit_write(t->audit, &(struct audit_event){
                                     .kind = !failed       ? kinds[result]
                                             : t->incoming ? AUDIT_INSTANCES_STORED
                                                           : AUDIT_INSTANCES_SENT,
                                     .outcome = failed ? AUDIT_SERIOUS : AUDIT_SUCCESS,
                                     .outcome_text = failed ? STR("not transferred") : STR(""),
                                     .participants = t->who,
                                     .n_participants = t->n_who,
                                     .objects = what,
                                     .n_objects = COUNT(what),
                                 });
}

/* Writes a study's events and forgets it. */
static err_t write_study(struct transfer *t, size_t place)
{
    struct study *s = t->studies[place];
    err_t first = OK;
    for (unsigned r = 0; r < TRANSFER_RESULTS; r++) {
        err_t e = write_result(t, s, (enum transfer_result)r);
        first = first == OK ? e : first;
    }
    free(s);
    t->studies[place] = t->studies[--t->n];
    return first;
}

static size_t quietest(const struct transfer *t)
{
    size_t best = 0;
    for (size_t i = 1; i < t->n; i++)
        if (t->studies[i]->last < t->studies[best]->last)
            best = i;
    return best;
}

/* What is kept of a text from outside: cut, and without what a NUL would hide. */
static struct str kept(struct str s, size_t max)
{
    s.n = str_find(s, '\0');
    return audit_clip(s, max);
}

static void copy(char *to, size_t max, struct str from)
{
    (void)str_to_z(kept(from, max), to, max + 1);
}

static bool is_study(const struct study *s, struct str uid, struct str patient)
{
    return str_eq(str_z(s->uid), kept(uid, AUDIT_CLIP_NAME)) &&
           str_eq(str_z(s->patient), kept(patient, AUDIT_CLIP_TEXT));
}

/* One that has been open for too long, if there is one: an association may go on for days. */
static err_t write_old(struct transfer *t, int64_t now)
{
    for (size_t i = 0; i < t->n; i++)
        if (now - t->studies[i]->begun_ms >= t->hold_ms)
            return write_study(t, i);
    return OK;
}

static struct study *find_study(struct transfer *t, struct str uid, struct str patient)
{
    for (size_t i = 0; i < t->n; i++)
        if (is_study(t->studies[i], uid, patient))
            return t->studies[i];
    return NULL;
}

/* A study's place, made if it is new. The error is that of an event that was written to make room;
 * the study is there all the same, unless memory is short. */
static err_t study_place(struct transfer *t, struct str uid, struct str patient,
                         struct str accession, struct study **ret)
{
    int64_t now = clock_ms();
    err_t e = write_old(t, now);
    *ret = find_study(t, uid, patient);
    if (*ret)
        return e;
    if (t->n == TRANSFER_STUDIES)
        e = write_study(t, quietest(t));
    struct study *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    s->begun_ms = now;
    copy(s->uid, AUDIT_CLIP_NAME, uid);
    copy(s->patient, AUDIT_CLIP_TEXT, patient);
    copy(s->accession, AUDIT_CLIP_NAME, accession);
    t->studies[t->n++] = s;
    *ret = s;
    return e;
}

/* A class's place; past the table's end the last one stands for all others. */
static struct class_count *class_of(struct study *s, struct str uid)
{
    struct str clipped = kept(uid, AUDIT_CLIP_NAME);
    for (size_t i = 0; i < s->n_classes; i++)
        if (str_eq(str_z(s->classes[i].uid), clipped))
            return &s->classes[i];
    bool last = s->n_classes >= TRANSFER_CLASSES - 1;
    if (s->n_classes == TRANSFER_CLASSES)
        return &s->classes[TRANSFER_CLASSES - 1];
    struct class_count *c = &s->classes[s->n_classes++];
    copy(c->uid, AUDIT_CLIP_NAME, last ? STR("other") : clipped);
    return c;
}

err_t transfer_add(struct transfer *t, enum transfer_result result, struct str study_uid,
                   struct str patient_id, struct str accession, struct str sop_class)
{
    struct study *s;
    err_t e = study_place(t, study_uid, patient_id, accession, &s);
    if (s) {
        s->last = ++t->count;
        class_of(s, sop_class)->instances[result]++;
    }
    return e;
}

err_t transfer_end(struct transfer *t)
{
    if (!t)
        return OK;
    err_t first = OK;
    while (t->n) {
        err_t e = write_study(t, t->n - 1);
        first = first == OK ? e : first;
    }
    free(t);
    return first;
}
