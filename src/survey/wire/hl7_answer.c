/* HL7 v2 as evidence. What a message says of itself is kept; what it may say of a patient is not:
 * identifying fields are counted by name, and the text of an acknowledgment is kept only when it is
 * one that a product is known to send. */
#include "survey/wire/hl7_answer.h"

#include "base/size.h"

enum { VT = 0x0b, FS = 0x1c };

static const struct row {
    struct str name;
    char segment[4];
    unsigned field, component;
} rows[] = {
#define HL7_FIELD(id, segment, field, component) {STR_INIT(#id), segment, field, component},
#include "survey/wire/hl7_fields.def"
#undef HL7_FIELD
};

struct str hl7_field_name(enum hl7_field_id id)
{
    return (unsigned)id < HL7_FIELDS ? rows[id].name : STR("");
}

/* More than delimiters, blanks and "", which deletes a value (2.5.1 2.5.3). */
static bool is_filled(const struct hl7_message *m, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c != m->component && c != m->repetition && c != m->sub && c != '"' && c != ' ')
            return true;
    }
    return false;
}

/* The rows of a segment that were not seen yet, into ret; how many. */
static size_t rows_of(struct str segment, const bool seen[HL7_FIELDS], uint8_t ret[HL7_FIELDS])
{
    char name[sizeof rows->segment] = "";
    size_t n = 0;
    _Static_assert(HL7_FIELDS <= 256, "an index is a byte");
    memcpy(name, segment.p, size_min(segment.n, sizeof name - 1));
    for (size_t i = 0; i < HL7_FIELDS; i++)
        if (!seen[i] && memcmp(name, rows[i].segment, sizeof name) == 0)
            ret[n++] = (uint8_t)i;
    return n;
}

/* Each field of the segment is come by once: the rows of a segment stand in the order of its
 * fields. */
static void look_at(const struct hl7_message *m, struct str segment, bool seen[HL7_FIELDS])
{
    uint8_t wanted[HL7_FIELDS];
    struct str rest = segment, field;
    size_t n = rows_of(segment, seen, wanted), i = 0;
    for (unsigned k = 0; i < n && str_split(&rest, m->field, &field); k++) {
        for (; i < n && rows[wanted[i]].field == k; i++) {
            unsigned part = rows[wanted[i]].component;
            seen[wanted[i]] = is_filled(m, part ? hl7_component(m, field, part) : field);
        }
    }
}

void hl7_count_fields(const struct hl7_message *m, uint64_t counts[HL7_FIELDS])
{
    bool seen[HL7_FIELDS] = {false}; /* once a message, however many segments repeat it */
    struct str s;
    size_t at = 0;
    while (hl7_next(m, &at, &s))
        look_at(m, s, seen);
    for (size_t i = 0; i < HL7_FIELDS; i++)
        counts[i] += seen[i];
}

/* The message without its frame. */
static struct str unframed(struct str s, bool *ret_framed)
{
    *ret_framed = s.n && s.p[0] == VT;
    if (*ret_framed)
        s = str_slice(s, 1, str_find(s, FS) - 1);
    return str_trim(s);
}

static struct str header(const struct hl7_message *m, unsigned field)
{
    return str_trim(hl7_get(m, "MSH", field, 1));
}

/* Texts that products send by themselves; any other may name a patient. */
static struct str known_text(struct str text)
{
    static const struct str texts[] = {
        STR_INIT("An Error Occurred Processing Message."),
        STR_INIT("Message Rejected."),
        STR_INIT("Message accepted"),
        STR_INIT("Message Accepted"),
        STR_INIT("Message accepted successfully"),
        STR_INIT("Message received successfully"),
        STR_INIT("Message received"),
        STR_INIT("Success"),
        STR_INIT("Accepted"),
        STR_INIT("OK"),
        STR_INIT("Unsupported message type"),
        STR_INIT("Unsupported event code"),
        STR_INIT("Unsupported processing id"),
        STR_INIT("Unsupported version id"),
        STR_INIT("Required field missing"),
        STR_INIT("Segment sequence error"),
        STR_INIT("Data type error"),
        STR_INIT("Table value not found"),
        STR_INIT("Unknown key identifier"),
        STR_INIT("Duplicate key identifier"),
        STR_INIT("Application record locked"),
        STR_INIT("Application internal error"),
    };
    text = str_trim(text);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (str_eq_nocase(text, texts[i]))
            return text;
    return STR("");
}

static err_t add_ack(const struct hl7_message *m, enum ev_by by, struct evidence *e)
{
    static const char codes[] = "AA AE AR CA CE CR";
    struct str code = hl7_get(m, "MSA", 1, 0);
    struct str text = known_text(hl7_get(m, "MSA", 3, 0));
    if (code.n != 2 || !memmem(codes, sizeof codes - 1, code.p, code.n) || code.p[1] == ' ' ||
        code.p[0] == ' ')
        return OK;
    return evidence_addf(e, by, EV_hl7_ack, "%.*s%s%.*s", STR_ARG(code), text.n ? " " : "",
                         STR_ARG(text));
}

static err_t add_message(const struct hl7_message *m, enum ev_by by, struct evidence *e)
{
    static const struct {
        enum ev_kind kind;
        unsigned field;
    } facts[] = {{EV_hl7_app, 3}, {EV_hl7_facility, 4}, {EV_hl7_version, 12}};
    for (size_t i = 0; i < COUNT(facts); i++) {
        struct str value = header(m, facts[i].field);
        if (value.n)
            TRY(evidence_add(e, by, facts[i].kind, value));
    }
    return add_ack(m, by, e);
}

err_t hl7_answer_bytes(struct str bytes, enum ev_by by, struct evidence *e)
{
    bool framed;
    struct hl7_message m;
    struct str text = unframed(bytes, &framed);
    bool empty = framed && text.n == 0 && str_find(bytes, FS) < bytes.n;
    if (!empty)
        TRY(hl7_parse(text, &m));
    if (!empty)
        TRY(add_message(&m, by, e));
    if (framed)
        TRY(evidence_add(e, by, EV_hl7_mllp, STR("yes")));
    TRY(evidence_add(e, by, EV_protocol, STR("hl7")));
    return evidence_add(e, by, EV_raw_hl7, bytes);
}
