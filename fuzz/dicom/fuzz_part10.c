/* A file: its meta information read whole and from growing heads, written and read back, its data
 * set dumped. Nothing but text comes out of a dump. */
#include "tokens.h"

#include "dicom/dump.h"
#include "dicom/part10.h"
#include "dicom/stream.h"

static err_t only_text(void *ctx, struct str bytes)
{
    (void)ctx;
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t c = (uint8_t)bytes.p[i];
        CHECK((c >= 0x20 || c == '\n') && c != 0x7f);
    }
    return OK;
}

static void dump(const struct dcm_meta *m, struct str data)
{
    uint8_t buf[256];
    struct wr w = wr_sink(buf, sizeof buf, only_text, NULL);
    struct dcm_dump *d = dcm_dump_new(&w, &(struct dcm_dump_options){false});
    struct dcm_limits limits = {8, 1000, 100};
    struct dcm_stream s;
    struct dcm_token t;
    dcm_dump_meta(d, m);
    if (dcm_stream_init(&s, m->ts, &limits) == OK) {
        dcm_stream_end(&s);
        while (dcm_stream_read(&s, &data, &t) == STEP_EVENT)
            dcm_dump_token(d, &t);
        dcm_dump_quirks(d, s.reader.quirks);
    }
    CHECK(wr_flush(&w) == OK);
    dcm_stream_done(&s);
    dcm_dump_free(d);
}

static void write_and_read(const struct dcm_meta *m)
{
    uint8_t buf[2048];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct dcm_meta back;
    dcm_meta_write(m, &w);
    if (w.bad)
        return;
    CHECK(dcm_meta_read(wr_str(&w), true, &back, NULL) == STEP_DONE);
    CHECK(str_eq(back.sop_instance, m->sop_instance));
    CHECK(str_eq(back.transfer_syntax, m->transfer_syntax) && back.ts == m->ts);
    CHECK(back.data_at == w.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str file = str_of(data, size);
    struct dcm_meta whole, grown;
    struct diag d;
    enum step step = dcm_meta_read(file, true, &whole, &d);
    CHECK(step == STEP_DONE || step == STEP_FAIL);
    for (size_t n = 0; n < size; n += 1 + n / 8) {
        enum step early = dcm_meta_read(str_slice(file, 0, n), false, &grown, &d);
        if (early == STEP_MORE)
            continue;
        CHECK(early == step);
        if (early == STEP_DONE)
            CHECK(grown.data_at == whole.data_at && grown.ts == whole.ts);
        break;
    }
    if (step != STEP_DONE)
        return 0;
    CHECK(whole.data_at <= size);
    write_and_read(&whole);
    dump(&whole, str_slice(file, (size_t)whole.data_at, size));
    return 0;
}
