#include "archive/entry.h"

#include "archive/attrs.h"
#include "archive/extra.h"
#include "fixture.h"

static struct entry made(struct arena *a, const struct el *els)
{
    struct entry e;
    assert_ok(entry_of(dataset_of(a, els), STR(LE), NULL, a, &e));
    return e;
}

static struct str of_level(const struct entry *e, enum entry_text level, tag_t tag)
{
    return extra_get(e->text[level], attr_find(tag)->code);
}

static void texts_become_utf8_whatever_came(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    static const struct {
        const char *set, *name;
    } cases[] = {{"ISO_IR 100", "M\xfcller^J\xf6rg"}, {"ISO_IR 192", "M\xc3\xbcller^J\xc3\xb6rg"}};
    for (size_t i = 0; i < 2; i++) {
        const struct el els[] = {{TAG_SpecificCharacterSet, "CS", cases[i].set, 0},
                                 {TAG_PatientName, "PN", cases[i].name, 0},
                                 {0, NULL, NULL, 0}};
        struct entry e = made(&a, els);
        assert_str(of_level(&e, ENTRY_PATIENT, TAG_PatientName), "M\xc3\xbcller^J\xc3\xb6rg");
        assert_str(e.text[ENTRY_NAMES], "muller^jorg");
    }
    arena_done(&a);
}

static void dates_and_numbers_keep_what_columns_cannot_say(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    const struct el plain[] = {{TAG_StudyDate, "DA", "20240229", 0},
                               {TAG_StudyTime, "TM", "235959", 0},
                               {TAG_SeriesNumber, "IS", "7", 0},
                               {0, NULL, NULL, 0}};
    const struct el odd[] = {{TAG_StudyDate, "DA", "1997.01.31", 0},
                             {TAG_StudyTime, "TM", "101112.5", 0},
                             {TAG_SeriesNumber, "IS", "007", 0},
                             {0, NULL, NULL, 0}};
    const struct el bad[] = {{TAG_StudyDate, "DA", "20240230", 0},
                             {TAG_StudyTime, "TM", "noon", 0},
                             {TAG_SeriesNumber, "IS", "seven", 0},
                             {0, NULL, NULL, 0}};
    struct entry e = made(&a, plain);
    assert_int_equal(e.number[ENTRY_STUDY_DATE], 20240229);
    assert_int_equal(e.number[ENTRY_STUDY_TIME], 86399);
    assert_int_equal(e.number[ENTRY_SERIES_NUMBER], 7);
    assert_int_equal(of_level(&e, ENTRY_STUDY, TAG_StudyDate).n, 0);
    assert_int_equal(of_level(&e, ENTRY_SERIES, TAG_SeriesNumber).n, 0);
    e = made(&a, odd);
    assert_int_equal(e.number[ENTRY_STUDY_DATE], 19970131);
    assert_int_equal(e.number[ENTRY_SERIES_NUMBER], 7);
    assert_str(of_level(&e, ENTRY_STUDY, TAG_StudyDate), "1997.01.31");
    assert_str(of_level(&e, ENTRY_STUDY, TAG_StudyTime), "101112.5");
    assert_str(of_level(&e, ENTRY_SERIES, TAG_SeriesNumber), "007");
    e = made(&a, bad);
    assert_false(e.has[ENTRY_STUDY_DATE] || e.has[ENTRY_STUDY_TIME] || e.has[ENTRY_SERIES_NUMBER]);
    assert_str(of_level(&e, ENTRY_STUDY, TAG_StudyDate), "20240230");
    assert_str(of_level(&e, ENTRY_SERIES, TAG_SeriesNumber), "seven");
    arena_done(&a);
}

static void equipment_stands_by_itself(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    const struct el els[] = {{TAG_Manufacturer, "LO", "Maker", 0},
                             {TAG_StationName, "SH", "CT01", 0},
                             {TAG_SeriesDescription, "LO", "Scout", 0},
                             {0, NULL, NULL, 0}};
    struct entry e = made(&a, els);
    assert_str(of_level(&e, ENTRY_EQUIPMENT, TAG_StationName), "CT01");
    assert_str(of_level(&e, ENTRY_SERIES, TAG_SeriesDescription), "Scout");
    arena_done(&a);
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    struct arena a = arena_init(1 << 20);
    const struct el els[] = {
        {TAG_PatientID, "LO", "P1", 0}, {TAG_AccessionNumber, "SH", "ACC", 0}, {0, NULL, NULL, 0}};
    struct entry e = made(&a, els);
    struct entry *copy = entry_dup(&e);
    arena_done(&a);
    assert_str(copy->text[ENTRY_PATIENT_ID], "P1");
    assert_str(copy->text[ENTRY_ACCESSION], "ACC");
    assert_int_equal(copy->text[ENTRY_SERIES_UID].n, 0);
    free(copy);
}

static void codes_are_unique_in_their_place(void **state)
{
    (void)state;
    bool seen[LEVELS][3][256] = {{{false}}};
    const struct attr *at;
    for (size_t i = 0; (at = attr_at(i)); i++) {
        assert_true(attr_find(at->tag) == at);
        if (!at->code)
            continue;
        bool *mine = &seen[at->level][at->place == ATTR_EQUIPMENT][at->code];
        assert_false(*mine);
        *mine = true;
    }
}

static void hostile_sizes_stay_within_limits(void **state)
{
    (void)state;
    struct arena a = arena_init(8 << 20);
    char *text = malloc(60001);
    memset(text, 'x', 60000);
    text[60000] = 0;
    const struct el els[] = {{TAG_PatientID, "LO", text, 0},
                             {TAG_PatientName, "PN", text, 0},
                             {TAG_PatientComments, "LT", text, 0},
                             {TAG_AccessionNumber, "SH", text, 0},
                             {0, NULL, NULL, 0}};
    struct entry e = made(&a, els);
    assert_true(e.text[ENTRY_PATIENT_ID].n <= ENTRY_TEXT_MAX);
    assert_true(e.text[ENTRY_ACCESSION].n <= ENTRY_TEXT_MAX);
    assert_true(e.text[ENTRY_NAMES].n <= 3 * ENTRY_TEXT_MAX);
    assert_true(e.text[ENTRY_PATIENT].n <= EXTRA_MAX);
    free(text);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_utf8_whatever_came),
        cmocka_unit_test(dates_and_numbers_keep_what_columns_cannot_say),
        cmocka_unit_test(equipment_stands_by_itself),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(codes_are_unique_in_their_place),
        cmocka_unit_test(hostile_sizes_stay_within_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
