/* Lines of an audit trail: whatever stands there, reading stays in bounds, and what is read is
 * written as text, XML and JSON that reads back to the same. */
#include <assert.h>

#include "access/audit_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct audit_message *m, struct arena *a)
{
    struct wr one = wr_heap(1 << 20), two = wr_heap(1 << 20), other = wr_heap(1 << 20);
    struct audit_message back;
    audit_to_json(m, &one);
    assert(!one.bad && audit_parse(wr_str(&one), a, &back) == OK);
    audit_to_json(&back, &two);
    assert(str_eq(wr_str(&one), wr_str(&two)));
    audit_to_xml(m, &other);
    assert(!other.bad && str_is_utf8(wr_str(&other)));
    wr_clear(&other);
    audit_to_text(m, &other);
    assert(!other.bad);
    wr_done(&one);
    wr_done(&two);
    wr_done(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_init(8 << 20);
    struct audit_message m;
    if (audit_parse(str_of(data, size), &a, &m) == OK)
        check(&m, &a);
    arena_done(&a);
    return 0;
}
