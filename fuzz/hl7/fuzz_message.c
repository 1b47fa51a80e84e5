/* HL7 messages: every part of one lies inside it, and the segments are all of it but line ends. */
#include <assert.h>
#include <stdint.h>

#include "hl7/message.h"

static void inside(struct str part, struct str whole)
{
    assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size), s;
    struct hl7_message m;
    size_t at = 0, total = 0, ends = 0;
    if (hl7_parse(text, &m) != OK)
        return 0;
    while (hl7_next(&m, &at, &s)) {
        total += s.n;
        inside(s, text);
        for (unsigned n = 0; n < 8; n++) {
            struct str field = hl7_field(&m, s, n);
            inside(field, s);
            inside(hl7_component(&m, field, n), s);
        }
    }
    for (size_t i = 0; i < size; i++)
        ends += data[i] == '\r' || data[i] == '\n';
    assert(total + ends == size);
    inside(hl7_get(&m, "PID", 5, 2), text);
    return 0;
}
