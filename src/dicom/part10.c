#include "dicom/part10.h"

#include "base/rd.h"
#include "base/size.h"
#include "dicom/dict.h"
#include "dicom/reader.h"
#include "dicom/tags.h"
#include "dicom/vr.h"
#include "dicom/writer.h"

enum { PREFIX = 4, GUESS = 12 };

/* The fields that we read and write, in the order of their tags. */
static const struct {
    tag_t tag;
    vr_t vr;
    size_t at;
} fields[] = {
    {TAG_MediaStorageSOPClassUID, VR('U', 'I'), offsetof(struct dcm_meta, sop_class)},
    {TAG_MediaStorageSOPInstanceUID, VR('U', 'I'), offsetof(struct dcm_meta, sop_instance)},
    {TAG_TransferSyntaxUID, VR('U', 'I'), offsetof(struct dcm_meta, transfer_syntax)},
    {TAG_ImplementationClassUID, VR('U', 'I'), offsetof(struct dcm_meta, implementation_uid)},
    {TAG_ImplementationVersionName, VR('S', 'H'),
     offsetof(struct dcm_meta, implementation_version)},
    {TAG_SourceApplicationEntityTitle, VR('A', 'E'), offsetof(struct dcm_meta, source_ae)},
    {TAG_SendingApplicationEntityTitle, VR('A', 'E'), offsetof(struct dcm_meta, sending_ae)},
    {TAG_ReceivingApplicationEntityTitle, VR('A', 'E'), offsetof(struct dcm_meta, receiving_ae)},
};

static struct str *field_of(struct dcm_meta *m, size_t i)
{
    return (struct str *)((char *)m + fields[i].at);
}

/* ---- guessing (for what has no meta information, or no transfer syntax in it) ---- */

/* Whether a data set may begin with this tag: one of the dictionary, or a private one of the low
 * groups (nearly anything could be private otherwise). */
static bool starts_with(uint16_t group, uint16_t element)
{
    if (group & 1)
        return group < 0x100;
    return group > 0 && group < 0xfffe && dcm_dict_vr(TAG(group, element)) != VR_NONE;
}

static bool fits_explicit(struct rd rd, bool big)
{
    uint16_t group = big ? rd_u16be(&rd) : rd_u16le(&rd);
    uint16_t element = big ? rd_u16be(&rd) : rd_u16le(&rd);
    vr_t vr = rd_u16be(&rd);
    return !rd.bad && dcm_vr_flags(vr) && starts_with(group, element);
}

/* No VR to go by; but the first elements of a data set are short. */
static bool fits_implicit(struct rd rd)
{
    uint16_t group = rd_u16le(&rd);
    uint16_t element = rd_u16le(&rd);
    uint32_t length = rd_u32le(&rd);
    bool sane = length <= 1 << 16 || length == DCM_UNDEFINED;
    return !rd.bad && sane && starts_with(group, element);
}

/* The syntax that the first bytes of a data set look like; NULL: like none. */
static const struct dcm_ts *guess(struct str bytes)
{
    if (fits_explicit(rd_of(bytes), false))
        return dcm_ts_find(STR(UID_ExplicitVRLittleEndian));
    if (fits_explicit(rd_of(bytes), true))
        return dcm_ts_find(STR(UID_ExplicitVRBigEndian));
    if (fits_implicit(rd_of(bytes)))
        return dcm_ts_find(STR(UID_ImplicitVRLittleEndian));
    return NULL;
}

/* ---- reading ---- */

struct meta_parse {
    struct str head;
    bool whole;
    struct dcm_meta *ret;
    struct diag *d;
};

static enum step malformed(struct meta_parse *p, const char *what)
{
    (void)diag_set(p->d, E_MALFORMED, "not a DICOM file that can be read: %s", what);
    return STEP_FAIL;
}

/* More is needed: there is, or there is not. */
static enum step starve(struct meta_parse *p)
{
    if (p->whole)
        return malformed(p, "it ends within its meta information");
    if (p->head.n >= DCM_META_MAX)
        return malformed(p, "its meta information is too long");
    return STEP_MORE;
}

/* Without padding, which an AE title may have on both sides (PS3.5 6.2). */
static void keep(struct meta_parse *p, tag_t tag, struct str value)
{
    value = str_unpad(value);
    while (value.n && value.p[0] == ' ')
        value = str_slice(value, 1, value.n);
    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i].tag == tag)
            *field_of(p->ret, i) = value;
}

static bool is_meta(struct str bytes, size_t at)
{
    struct rd rd = rd_of(str_slice(bytes, at, 2));
    return rd_u16le(&rd) == 0x0002;
}

/* Group 0002, element by element, whatever its group length says: the group ends where another
 * begins. The reader sees by itself when it is in implicit VR. STEP_DONE: ret->data_at is its end.
 */
static enum step read_group(struct meta_parse *p)
{
    struct dcm_reader r;
    struct dcm_token k = {0};
    struct str in = str_slice(p->head, p->ret->data_at, SIZE_MAX);
    uint64_t from = p->ret->data_at;
    enum step step;
    dcm_reader_init(&r, DCM_EXPLICIT_LE, &DCM_LIMITS_DEFAULT);
    for (;;) {
        bool between = r.level == 0 && (r.at == 0 || k.kind == DCM_ELEMENT_END);
        if (between && in.n < 2 && !p->whole)
            return starve(p);
        if (between && !is_meta(in, 0))
            break;
        step = dcm_read(&r, &in, &k);
        if (step == STEP_FAIL)
            return malformed(p, "its meta information is malformed");
        if (step != STEP_EVENT)
            return starve(p);
        if (k.kind == DCM_SEQUENCE)
            return malformed(p, "a sequence stands in its meta information");
        if (k.kind == DCM_VALUE && k.value.n == k.length)
            keep(p, k.tag, k.value);
    }
    p->ret->present = true;
    p->ret->data_at = from + r.at;
    return STEP_DONE;
}

/* Where group 0002 or, failing that, the data set begins. */
static enum step find_start(struct meta_parse *p)
{
    struct str at_prefix = str_slice(p->head, DCM_PREAMBLE, PREFIX);
    if (p->head.n < DCM_PREAMBLE + PREFIX && !p->whole)
        return STEP_MORE;
    p->ret->prefix = str_eq(at_prefix, STR("DICM"));
    if (p->ret->prefix)
        p->ret->data_at = DCM_PREAMBLE + PREFIX;
    else if (str_starts(p->head, STR("DICM"))) /* the preamble was forgotten */
        p->ret->data_at = PREFIX;
    return STEP_DONE;
}

static enum step settle_syntax(struct meta_parse *p)
{
    struct dcm_meta *m = p->ret;
    struct str data = str_slice(p->head, m->data_at, GUESS);
    if (m->transfer_syntax.n) {
        m->ts = dcm_ts_guess(m->transfer_syntax);
        return STEP_DONE;
    }
    if (data.n < GUESS && !p->whole)
        return starve(p);
    m->ts = guess(data);
    m->guessed = true;
    if (!m->ts && m->prefix && data.n == 0) /* nothing but meta information */
        m->ts = dcm_ts_find(STR(UID_ExplicitVRLittleEndian));
    if (!m->ts)
        return malformed(p, "its first bytes are no data set");
    m->transfer_syntax = m->ts->uid;
    return STEP_DONE;
}

enum step dcm_meta_read(struct str head, bool whole, struct dcm_meta *ret, struct diag *d)
{
    struct dcm_meta m = {0};
    struct meta_parse p = {.head = head, .whole = whole, .ret = &m, .d = d};
    for (size_t i = 0; i < COUNT(fields); i++)
        *field_of(&m, i) = str_of("", 0);
    enum step step = find_start(&p);
    if (step == STEP_DONE && is_meta(head, m.data_at))
        step = read_group(&p);
    if (step == STEP_DONE)
        step = settle_syntax(&p);
    if (step == STEP_DONE)
        *ret = m;
    return step;
}

/* ---- writing ---- */

void dcm_meta_write(const struct dcm_meta *m, struct wr *w)
{
    struct dcm_meta full = *m;
    struct dcm_writer d;
    if (full.implementation_uid.n == 0) {
        full.implementation_uid = STR(LASTRA_IMPLEMENTATION_UID);
        full.implementation_version = STR(LASTRA_IMPLEMENTATION_VERSION);
    }
    wr_fill(w, 0, DCM_PREAMBLE);
    wr_put(w, STR("DICM"));
    dcm_writer_init(&d, w, DCM_EXPLICIT_LE);
    /* Group length, then version 1; the elements that have 16-bit lengths take 8 bytes and their
     * padded value. */
    uint32_t length = 14;
    for (size_t i = 0; i < COUNT(fields); i++) {
        size_t n = field_of(&full, i)->n;
        length += n ? (uint32_t)(8 + n + (n & 1)) : 0;
        w->bad = w->bad || n > DCM_UID_MAX;
    }
    dcm_write_u32(&d, TAG_FileMetaInformationGroupLength, length);
    dcm_write(&d, TAG_FileMetaInformationVersion, VR('O', 'B'), str_of("\0\1", 2));
    for (size_t i = 0; i < COUNT(fields); i++)
        if (field_of(&full, i)->n)
            dcm_write(&d, fields[i].tag, fields[i].vr, *field_of(&full, i));
}
