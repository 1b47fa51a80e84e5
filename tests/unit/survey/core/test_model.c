#include "unit.h"

#include "survey/core/model.h"

static void each_type_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned t = TYPE_none + 1; t < TYPE_COUNT; t++) {
        assert_true(type_name((enum sys_type)t).n > 0);
        assert_int_equal(type_by_name(type_name((enum sys_type)t)), t);
    }
    assert_str(type_name(TYPE_pacs), "pacs");
    assert_str(type_name(TYPE_none), "");
    assert_int_equal(type_by_name(STR("")), TYPE_none);
    assert_int_equal(type_by_name(STR("PACS")), TYPE_none);
}

static void each_word_has_its_text(void **state)
{
    (void)state;
    assert_str(confidence_name(CONF_high), "high");
    assert_str(verification_name(VER_protocol), "protocol spoken");
    assert_str(severity_name(SEV_critical), "critical");
    assert_str(state_name(STATE_all_versions), "all versions");
    for (unsigned s = 0; s < STATE_COUNT; s++)
        assert_true(state_name((enum match_state)s).n > 0);
    for (unsigned s = 0; s < SEV_COUNT; s++)
        assert_true(severity_name((enum severity)s).n > 0);
    assert_str(severity_name((enum severity)200), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_found_by_its_name),
        cmocka_unit_test(each_word_has_its_text),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
