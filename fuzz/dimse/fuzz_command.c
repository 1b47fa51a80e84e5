/* Command sets: what is read and need not be refused can be written, and reads the same again. */
#include <assert.h>

#include "dimse/command.h"
#include "dimse/pdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dimse_command c, again;
    struct diag d;
    if (dimse_command_parse(str_of(data, size), &c, &d) != OK)
        return 0;
    assert(c.sop_instance.n == 0 || pdu_uid_ok(c.sop_instance, false));
    assert(c.sop_class.n == 0 || pdu_uid_ok(c.sop_class, false));
    assert(c.move_destination.n == 0 || pdu_ae_ok(c.move_destination));
    struct wr w = wr_heap(1 << 20);
    dimse_command_write(&c, &w);
    if (!w.bad) {
        assert(dimse_command_parse(wr_str(&w), &again, &d) == OK);
        assert(again.field == c.field && again.message_id == c.message_id);
        assert(str_eq(again.sop_instance, c.sop_instance));
    }
    wr_done(&w);
    return 0;
}
