#include "survey/source/probe/dicom_count.h"

#include "base/rd.h"
#include "base/size.h"
#include "dicom/uid.h"
#include "dimse/command.h"

enum {
    TAG_QUERY_LEVEL = 0x00080052,
    TAG_STUDY_UID = 0x0020000d,
    TAG_STUDY_INSTANCES = 0x00201208,
    IMAGES_MAX = 100000000, /* of one study: more is a lie */
};

/* PS3.8 9.3.5: one P-DATA-TF with one fragment. */
static void write_pdu(struct wr *out, uint8_t context, bool command, struct str data)
{
    wr_u8(out, PDU_DATA_TF);
    wr_u8(out, 0);
    wr_u32be(out, (uint32_t)(PDV_HEADER + data.n));
    pdv_header_write(context, command, true, data.n, out);
    wr_put(out, data);
}

static void write_element(struct wr *w, uint32_t tag, struct str value)
{
    wr_u16le(w, (uint16_t)(tag >> 16));
    wr_u16le(w, (uint16_t)tag);
    wr_u32le(w, (uint32_t)value.n);
    wr_put(w, value);
}

static void write_command(struct wr *out, uint8_t context, const struct dimse_command *c)
{
    uint8_t bytes[256];
    struct wr w = wr_fixed(bytes, sizeof bytes);
    dimse_command_write(c, &w);
    write_pdu(out, context, true, wr_str(&w));
}

void dicom_count_start(struct dicom_count *c, uint8_t context, uint32_t cap, struct wr *out)
{
    uint8_t bytes[64];
    struct wr set = wr_fixed(bytes, sizeof bytes);
    struct dimse_command rq = dimse_command(C_FIND_RQ, COUNT_MESSAGE_ID);
    *c = (struct dicom_count){.context = context, .cap = cap};
    rq.sop_class = STR(UID_StudyRootQueryRetrieveInformationModelFind);
    rq.has_data = true;
    write_element(&set, TAG_QUERY_LEVEL, STR("STUDY "));
    write_element(&set, TAG_STUDY_UID, STR(""));
    write_element(&set, TAG_STUDY_INSTANCES, STR(""));
    write_command(out, context, &rq);
    write_pdu(out, context, false, wr_str(&set));
}

static void write_cancel(struct dicom_count *c, struct wr *out)
{
    struct dimse_command rq = dimse_command(C_CANCEL_RQ, COUNT_MESSAGE_ID);
    write_command(out, c->context, &rq);
    c->cancelled = true;
}

/* Top level of an implicit VR little endian data set. Sequences of undefined length end the
 * reading: nothing that is asked for stands behind one. */
static void count_set(struct dicom_count *c, struct str set)
{
    struct rd r = rd_of(set);
    bool study = false;
    while (r.n >= 8) {
        uint32_t tag = (uint32_t)rd_u16le(&r) << 16;
        tag |= rd_u16le(&r);
        struct str value = rd_take(&r, rd_u32le(&r));
        uint64_t n;
        if (r.bad)
            break;
        value = str_trim(str_unpad(value));
        if (tag == TAG_STUDY_UID)
            study = value.n > 0;
        if (tag == TAG_STUDY_INSTANCES && str_to_u64(value, IMAGES_MAX, &n)) {
            c->images += n;
            c->images_known = true;
        }
    }
    c->studies += study;
}

static enum step on_set(struct dicom_count *c, struct wr *out)
{
    if (c->too_long)
        c->studies++;
    else
        count_set(c, str_of(c->part, c->n));
    c->data_wanted = false;
    if (c->studies < c->cap)
        return STEP_MORE;
    c->more = true;
    write_cancel(c, out);
    return STEP_EVENT;
}

static enum step on_command(struct dicom_count *c)
{
    struct dimse_command rsp;
    if (c->too_long || dimse_command_parse(str_of(c->part, c->n), &rsp, NULL) != OK ||
        rsp.field != C_FIND_RSP)
        return STEP_FAIL;
    c->data_wanted = rsp.has_data;
    if (dimse_is_pending(rsp.status))
        return rsp.has_data ? STEP_MORE : STEP_FAIL;
    c->ended = true;
    c->refused = !dimse_is_success(rsp.status) && !c->cancelled;
    return STEP_DONE;
}

enum step dicom_count_feed(struct dicom_count *c, const struct pdv *piece, struct wr *out)
{
    size_t max = piece->command ? COUNT_COMMAND_MAX : COUNT_SET_MAX;
    if (piece->context != c->context || c->ended || piece->command == c->data_wanted)
        return STEP_FAIL;
    if (c->cancelled && !piece->command) {
        /* What was under way when it was cancelled is not looked at. */
        c->data_wanted = !piece->last;
        return STEP_MORE;
    }
    if (piece->data.n > max - size_min(c->n, max))
        c->too_long = true;
    else if (piece->data.n)
        memcpy(c->part + c->n, piece->data.p, piece->data.n);
    c->n += c->too_long ? 0 : piece->data.n;
    if (!piece->last)
        return STEP_MORE;
    enum step s = piece->command ? on_command(c) : on_set(c, out);
    explicit_bzero(c->part, c->n);
    c->n = 0;
    c->too_long = false;
    return s;
}
