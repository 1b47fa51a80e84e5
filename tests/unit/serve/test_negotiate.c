#include "unit.h"

#include "access/peer.h"
#include "base/size.h"
#include "dicom/uid.h"
#include "serve/dimse/negotiate.h"

#define CT STR(UID_CTImageStorage)
#define ELE STR(UID_ExplicitVRLittleEndian)
#define ILE STR(UID_ImplicitVRLittleEndian)
#define EBE STR(UID_ExplicitVRBigEndian)
#define JPEG STR("1.2.840.10008.1.2.4.70")
#define STUDY_FIND STR(UID_StudyRootQueryRetrieveInformationModelFind)
#define STUDY_GET STR(UID_StudyRootQueryRetrieveInformationModelGet)

enum {
    ECHO = 1 << GRANT_ECHO,
    STORE = 1 << GRANT_STORE,
    FIND = 1 << GRANT_FIND,
    GET = 1 << GRANT_GET,
    EVERYTHING = ECHO | STORE | FIND | GET | 1 << GRANT_MOVE,
};

struct fixture {
    struct arena arena;
    struct pdu_context contexts[PDU_CONTEXTS_MAX];
    struct str transfers[PDU_CONTEXTS_MAX][4];
    struct pdu_role roles[8];
    struct pdu_extended extended[4];
    struct pdu_associate rq, answer;
    struct negotiate_rules rules;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *f = (struct fixture){.arena = arena_init(1 << 20), .rules = {EVERYTHING, 131072, 128, 16}};
    f->rq = (struct pdu_associate){
        .contexts = f->contexts, .roles = f->roles, .extended = f->extended, .max_pdu = 16384};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    free(f);
    return 0;
}

static void propose(struct fixture *f, struct str abstract, struct str a, struct str b)
{
    size_t i = f->rq.n_contexts++;
    f->transfers[i][0] = a;
    f->transfers[i][1] = b;
    f->contexts[i] = (struct pdu_context){.id = (uint8_t)(2 * i + 1),
                                          .abstract = abstract,
                                          .transfers = f->transfers[i],
                                          .n_transfers = b.n ? 2 : 1};
}

static const struct pdu_context *ask(struct fixture *f)
{
    assert_ok(negotiate(&f->rq, &f->rules, &f->arena, &f->answer));
    assert_int_equal(f->answer.n_contexts, f->rq.n_contexts);
    return f->answer.contexts;
}

static void accepts_every_storage_class_and_keeps_the_syntax_as_sent(void **state)
{
    struct fixture *f = *state;
    propose(f, CT, JPEG, STR(""));
    propose(f, STR("1.2.840.10008.5.1.4.1.1.5"), EBE, STR(""));      /* retired */
    propose(f, STR("1.3.12.2.1107.5.9.1"), STR("1.2.3.4"), STR("")); /* private, and its syntax */
    const struct pdu_context *c = ask(f);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(c[i].result, PDU_ACCEPTED);
        assert_int_equal(c[i].n_transfers, 1);
        assert_true(str_eq(c[i].transfers[0], f->transfers[i][0]));
    }
}

static void refuses_what_no_service_offers(void **state)
{
    struct fixture *f = *state;
    propose(f, STR("1.2.840.10008.5.1.1.9"), ELE, STR("")); /* print */
    propose(f, STR("1.2.840.10008.1.2.1"), ELE, STR(""));   /* not a SOP class at all */
    propose(f, STR("1..2"), ELE, STR(""));
    const struct pdu_context *c = ask(f);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(c[i].result, PDU_ABSTRACT_NOT_SUPPORTED);
}

static void refuses_what_the_peer_was_not_granted(void **state)
{
    struct fixture *f = *state;
    f->rules.grants = FIND;
    propose(f, CT, ELE, STR(""));
    propose(f, STUDY_FIND, ELE, STR(""));
    propose(f, STR(UID_Verification), ELE, STR(""));
    const struct pdu_context *c = ask(f);
    assert_int_equal(c[0].result, PDU_USER_REJECTION);
    assert_int_equal(c[1].result, PDU_ACCEPTED);
    assert_int_equal(c[2].result, PDU_USER_REJECTION);
}

static void queries_come_in_uncompressed_syntaxes_only(void **state)
{
    struct fixture *f = *state;
    propose(f, STUDY_FIND, JPEG, STR(""));
    propose(f, STUDY_FIND, JPEG, EBE);
    const struct pdu_context *c = ask(f);
    assert_int_equal(c[0].result, PDU_TRANSFER_NOT_SUPPORTED);
    assert_int_equal(c[0].n_transfers, 1);
    assert_int_equal(c[1].result, PDU_ACCEPTED);
    assert_true(str_eq(c[1].transfers[0], EBE));
}

static void prefers_explicit_little_endian_among_the_uncompressed(void **state)
{
    struct fixture *f = *state;
    propose(f, CT, ILE, ELE);
    propose(f, CT, EBE, ILE);
    propose(f, CT, JPEG, ELE);
    const struct pdu_context *c = ask(f);
    assert_true(str_eq(c[0].transfers[0], ELE));
    assert_true(str_eq(c[1].transfers[0], ILE));
    assert_true(str_eq(c[2].transfers[0], JPEG));
}

static void gives_the_scp_role_of_storage_for_c_get(void **state)
{
    struct fixture *f = *state;
    f->rules.grants = GET;
    propose(f, STUDY_GET, ELE, STR(""));
    propose(f, CT, ELE, STR(""));
    f->roles[0] = (struct pdu_role){CT, true, true};
    f->rq.n_roles = 1;
    const struct pdu_context *c = ask(f);
    assert_int_equal(c[0].result, PDU_ACCEPTED);
    assert_int_equal(c[1].result, PDU_ACCEPTED);
    assert_int_equal(f->answer.n_roles, 1);
    assert_false(f->answer.roles[0].scu); /* no store grant */
    assert_true(f->answer.roles[0].scp);
}

static void gives_no_scp_role_without_the_get_grant(void **state)
{
    struct fixture *f = *state;
    f->rules.grants = STORE;
    propose(f, CT, ELE, STR(""));
    f->roles[0] = (struct pdu_role){CT, false, true};
    f->rq.n_roles = 1;
    assert_int_equal(ask(f)[0].result, PDU_USER_REJECTION);
    assert_int_equal(f->answer.n_roles, 0);
}

static void accepts_no_more_contexts_than_the_option_says(void **state)
{
    struct fixture *f = *state;
    f->rules.contexts = 3;
    for (size_t i = 0; i < PDU_CONTEXTS_MAX; i++)
        propose(f, CT, ELE, STR(""));
    const struct pdu_context *c = ask(f);
    size_t accepted = 0;
    for (size_t i = 0; i < PDU_CONTEXTS_MAX; i++)
        accepted += c[i].result == PDU_ACCEPTED;
    assert_int_equal(accepted, 3);
    assert_int_equal(c[127].result, PDU_NO_REASON);
}

static void answers_extended_negotiation_truthfully(void **state)
{
    struct fixture *f = *state;
    propose(f, STUDY_FIND, ELE, STR(""));
    propose(f, STUDY_GET, ELE, STR(""));
    propose(f, CT, ELE, STR(""));
    f->extended[0] = (struct pdu_extended){STUDY_FIND, STR("\1\1\1\1\1")};
    f->extended[1] = (struct pdu_extended){STUDY_GET, STR("\0\1")};
    f->extended[2] = (struct pdu_extended){CT, STR("\1\0\1\0\2\0")};
    f->rq.n_extended = 3;
    ask(f);
    assert_int_equal(f->answer.n_extended, 3);
    assert_true(str_eq(f->answer.extended[0].info, STR("\1\1\0\0\0")));
    assert_true(str_eq(f->answer.extended[1].info, STR("\0\0")));
    assert_true(str_eq(f->answer.extended[2].info, STR("\2\0\3\0\0\0")));
    assert_true(negotiated(&f->answer, STUDY_FIND, 0));
    assert_false(negotiated(&f->answer, STUDY_FIND, 2));
    assert_false(negotiated(&f->answer, STUDY_FIND, 7));
    assert_false(negotiated(&f->answer, STUDY_GET, 0));
    assert_false(negotiated(&f->answer, STR(UID_StudyRootQueryRetrieveInformationModelMove), 0));
}

static void an_extended_item_of_any_length_is_cut(void **state)
{
    struct fixture *f = *state;
    static char longest[65535];
    propose(f, STUDY_FIND, ELE, STR(""));
    f->extended[0] = (struct pdu_extended){STUDY_FIND, str_of(longest, sizeof longest)};
    f->extended[1] = (struct pdu_extended){STUDY_FIND, STR("")};
    f->rq.n_extended = 2;
    ask(f);
    assert_int_equal(f->answer.extended[0].info.n, 5);
    assert_int_equal(f->answer.extended[1].info.n, 0);
}

static void the_window_is_never_wider_than_asked_nor_than_ours(void **state)
{
    struct fixture *f = *state;
    propose(f, CT, ELE, STR(""));
    ask(f);
    assert_false(f->answer.has_ops);
    f->rq.has_ops = true;
    f->rq.ops_invoked = 0; /* no limit */
    f->rq.ops_performed = 3;
    ask(f);
    assert_true(f->answer.has_ops);
    assert_int_equal(f->answer.ops_invoked, 16);
    assert_int_equal(f->answer.ops_performed, 3);
}

static void a_user_identity_is_answered_only_where_that_says_nothing(void **state)
{
    struct fixture *f = *state;
    enum { USERNAME = 1, KERBEROS = 3 };
    propose(f, CT, ELE, STR(""));
    f->rq.identity_type = USERNAME;
    ask(f);
    assert_false(f->answer.identity_reply);
    f->rq.identity_reply = true;
    ask(f);
    assert_true(f->answer.identity_reply);
    assert_int_equal(f->answer.identity_primary.n, 0);
    f->rq.identity_type = KERBEROS;
    ask(f);
    assert_false(f->answer.identity_reply);
}

int main(void)
{
#define NEGOTIATION(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        NEGOTIATION(accepts_every_storage_class_and_keeps_the_syntax_as_sent),
        NEGOTIATION(refuses_what_no_service_offers),
        NEGOTIATION(refuses_what_the_peer_was_not_granted),
        NEGOTIATION(queries_come_in_uncompressed_syntaxes_only),
        NEGOTIATION(prefers_explicit_little_endian_among_the_uncompressed),
        NEGOTIATION(gives_the_scp_role_of_storage_for_c_get),
        NEGOTIATION(gives_no_scp_role_without_the_get_grant),
        NEGOTIATION(accepts_no_more_contexts_than_the_option_says),
        NEGOTIATION(answers_extended_negotiation_truthfully),
        NEGOTIATION(an_extended_item_of_any_length_is_cut),
        NEGOTIATION(the_window_is_never_wider_than_asked_nor_than_ours),
        NEGOTIATION(a_user_identity_is_answered_only_where_that_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
