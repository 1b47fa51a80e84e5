/* scu/proposal: what is proposed, and how it is cut into associations. */
#include <stdio.h>

#include "scp.h"
#include "scu/store.h"

static struct scu_proposal *p;

static int setup(void **state)
{
    (void)state;
    assert_ok(scu_proposal_new(&p));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scu_proposal_free(p);
    return 0;
}

static size_t add(const char *sop_class, const char *syntax)
{
    size_t part = 99;
    assert_ok(scu_proposal_add(p, str_z(sop_class), str_z(syntax), &part));
    return part;
}

static void native_pairs_have_something_to_convert_to(void **state)
{
    (void)state;
    struct pdu_associate rq;
    add(CT, UID_ExplicitVRLittleEndian);
    add(CT, UID_ExplicitVRLittleEndian);
    add(CT, UID_JPEG2000Lossless);
    add(CT, UID_ExplicitVRBigEndian);
    assert_ok(scu_proposal_part(p, 0, &rq));
    assert_int_equal(rq.n_contexts, 5);
    assert_str(rq.contexts[0].transfers[0], UID_ExplicitVRLittleEndian);
    assert_int_equal(rq.contexts[0].n_transfers, 1);
    assert_str(rq.contexts[1].transfers[0], UID_ImplicitVRLittleEndian);
    assert_int_equal(rq.contexts[1].n_transfers, 1);
    assert_str(rq.contexts[2].transfers[0], UID_JPEG2000Lossless);
    assert_str(rq.contexts[3].transfers[0], UID_ExplicitVRBigEndian);
    assert_int_equal(rq.contexts[4].n_transfers, 2);
    for (size_t i = 0; i < rq.n_contexts; i++)
        assert_int_equal(rq.contexts[i].id, 2 * i + 1);
}

static void more_than_128_contexts_make_another_association(void **state)
{
    (void)state;
    struct pdu_associate rq;
    char uid[32];
    for (int i = 0; i < 130; i++) {
        snprintf(uid, sizeof uid, "1.2.3.%d", i);
        assert_int_equal(add(uid, UID_JPEGBaseline8Bit), i < 128 ? 0 : 1);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(uid, sizeof uid, "1.2.4.%d", i);
        assert_int_equal(add(uid, UID_ImplicitVRLittleEndian), i < 63 ? 1 : 2);
    }
    assert_int_equal(scu_proposal_parts(p), 3);
    assert_ok(scu_proposal_part(p, 0, &rq));
    assert_int_equal(rq.n_contexts, 128);
    assert_int_equal(rq.contexts[127].id, 255);
    assert_ok(scu_proposal_part(p, 1, &rq));
    assert_int_equal(rq.n_contexts, 128);
    assert_ok(scu_proposal_part(p, 2, &rq));
    assert_int_equal(rq.n_contexts, 2 * 37);
    assert_err(scu_proposal_part(p, 3, &rq), E_NOTFOUND);
    assert_int_equal(add("1.2.3.0", UID_JPEGBaseline8Bit), 0); /* known: where it was */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(native_pairs_have_something_to_convert_to),
        TEST(more_than_128_contexts_make_another_association),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
