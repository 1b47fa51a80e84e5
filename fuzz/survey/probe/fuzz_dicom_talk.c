/* An acceptor of any kind: the probe says nothing but A-ASSOCIATE-RQ, C-FIND and C-CANCEL where a
 * count was granted, A-RELEASE-RQ, A-ABORT. */
#include "base/rd.h"
#include "dimse/command.h"
#include "dimse/pdu.h"
#include "talk.h"

static void check_data(const struct talk *t, struct str payload)
{
    struct pdv v;
    err_t e = OK;
    assert(t->manner->count);
    while (pdv_next(&payload, &v, &e)) {
        struct dimse_command c;
        if (!v.command)
            continue;
        assert(dimse_command_parse(v.data, &c, NULL) == OK);
        assert(c.field == C_FIND_RQ || c.field == C_CANCEL_RQ);
    }
    assert(e == OK);
}

static void sent(const struct talk *t, struct str out)
{
    struct rd r = rd_of(out);
    while (r.n) {
        uint8_t type = rd_u8(&r);
        rd_skip(&r, 1);
        struct str payload = rd_take(&r, rd_u32be(&r));
        assert(!r.bad);
        if (type == PDU_DATA_TF)
            check_data(t, payload);
        else
            assert(type == PDU_ASSOCIATE_RQ || type == PDU_RELEASE_RQ || type == PDU_ABORT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    talk_run(&dicom_talk, data, size, sent);
    return 0;
}
