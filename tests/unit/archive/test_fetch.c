#include "archive/fetch.h"

#include <stdio.h>

#include "fixture.h"

#define END                                                                                        \
    {                                                                                              \
        0, NULL, NULL, 0                                                                           \
    }
#define LEVEL(text)                                                                                \
    {                                                                                              \
        TAG_QueryRetrieveLevel, "CS", text, 0                                                      \
    }

static int filled_setup(void **state)
{
    int e = fixture_setup(state);
    struct archive *a = ((struct fixture *)*state)->a;
    const struct slice slices[] = {
        {.patient_id = "P1", .study = "1.1", .series = "1.1.1", .sop = "1.1.1.1", .number = "3"},
        {.patient_id = "P1", .study = "1.1", .series = "1.1.1", .sop = "1.1.1.2", .number = "1"},
        {.patient_id = "P1", .study = "1.1", .series = "1.1.1", .sop = "1.1.1.3", .number = "2"},
        {.patient_id = "P1", .study = "1.1", .series = "1.1.2", .sop = "1.1.2.1"},
        {.patient_id = "P1", .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1"},
        {.patient_id = "P2", .study = "2.1", .series = "2.1.1", .sop = "2.1.1.1"},
    };
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        store_slice(a, &slices[i]);
    return e;
}

/* The instances that an identifier names, joined. */
static void names(struct fixture *f, enum query_model model, bool relational, const struct el *els,
                  const char *expected)
{
    struct arena arena = arena_init(1 << 20);
    struct query_options o = {.model = model, .relational = relational};
    struct fetch *fetch;
    const struct fetch_item *item;
    char got[256] = "";
    struct wr w = wr_fixed(got, sizeof got - 1);
    size_t n = 0;
    assert_ok(fetch_open(f->a, &o, dataset_of(&arena, els), &fetch, NULL, NULL));
    for (;; n++) {
        assert_ok(fetch_next(fetch, &item));
        if (!item)
            break;
        wr_printf(&w, "%s%.*s", n ? "|" : "", STR_ARG(item->sop_instance));
        assert_str(item->sop_class, CT_CLASS);
        assert_str(item->transfer_syntax, LE);
    }
    assert_int_equal(fetch_count(fetch), n);
    got[w.n] = 0;
    assert_string_equal(got, expected);
    fetch_close(fetch);
    arena_done(&arena);
}

static void every_level_names_what_is_below_it(void **state)
{
    struct fixture *f = *state;
    const struct el patient[] = {LEVEL("PATIENT"), {TAG_PatientID, "LO", "P1", 0}, END};
    const struct el study[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "1.1", 0}, END};
    const struct el studies[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "2.1\\1.2", 0}, END};
    const struct el series[] = {LEVEL("SERIES"),
                                {TAG_StudyInstanceUID, "UI", "1.1", 0},
                                {TAG_SeriesInstanceUID, "UI", "1.1.2", 0},
                                END};
    const struct el images[] = {LEVEL("IMAGE"),
                                {TAG_StudyInstanceUID, "UI", "1.1", 0},
                                {TAG_SeriesInstanceUID, "UI", "1.1.1", 0},
                                {TAG_SOPInstanceUID, "UI", "1.1.1.1\\1.1.1.3\\9.9", 0},
                                END};
    names(f, QUERY_PATIENT_ROOT, false, patient, "1.1.1.2|1.1.1.3|1.1.1.1|1.1.2.1|1.2.1.1");
    names(f, QUERY_STUDY_ROOT, false, study, "1.1.1.2|1.1.1.3|1.1.1.1|1.1.2.1");
    names(f, QUERY_STUDY_ROOT, false, studies, "1.2.1.1|2.1.1.1");
    names(f, QUERY_STUDY_ROOT, false, series, "1.1.2.1");
    names(f, QUERY_STUDY_ROOT, false, images, "1.1.1.3|1.1.1.1");
}

static void keys_above_must_fit_too(void **state)
{
    struct fixture *f = *state;
    const struct el els[] = {LEVEL("SERIES"),
                             {TAG_StudyInstanceUID, "UI", "1.2", 0},
                             {TAG_SeriesInstanceUID, "UI", "1.1.2", 0},
                             END};
    names(f, QUERY_STUDY_ROOT, false, els, "");
}

static void relational_retrieval_needs_no_keys_above(void **state)
{
    struct fixture *f = *state;
    const struct el els[] = {LEVEL("IMAGE"), {TAG_SOPInstanceUID, "UI", "2.1.1.1", 0}, END};
    names(f, QUERY_PATIENT_ROOT, true, els, "2.1.1.1");
}

static void other_keys_are_passed_over(void **state)
{
    struct fixture *f = *state;
    const struct el els[] = {LEVEL("STUDY"),
                             {TAG_StudyInstanceUID, "UI", "2.1", 0},
                             {TAG_PatientName, "PN", "Nobody", 0},
                             {TAG_StudyDate, "DA", "nonsense", 0},
                             END};
    names(f, QUERY_STUDY_ROOT, false, els, "2.1.1.1");
}

static void refused(struct fixture *f, const struct el *els, tag_t offending)
{
    struct arena arena = arena_init(1 << 20);
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct fetch *fetch;
    tag_t tag = 0;
    assert_err(fetch_open(f->a, &o, dataset_of(&arena, els), &fetch, &tag, NULL), E_MISMATCH);
    assert_int_equal(tag, offending);
    arena_done(&arena);
}

static void retrieval_names_what_it_wants(void **state)
{
    struct fixture *f = *state;
    const struct el nothing[] = {LEVEL("STUDY"), END};
    const struct el empty[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "", 0}, END};
    const struct el everything[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "*", 0}, END};
    const struct el image[] = {LEVEL("IMAGE"), {TAG_SOPInstanceUID, "UI", "1.1.1.1", 0}, END};
    refused(f, nothing, TAG_StudyInstanceUID);
    refused(f, empty, TAG_StudyInstanceUID);
    refused(f, everything, TAG_StudyInstanceUID);
    refused(f, image, TAG_StudyInstanceUID);
}

static void tells_what_to_propose(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    struct slice implicit = {
        .patient_id = "P1", .study = "1.1", .series = "1.1.1", .sop = "1.1.1.9"};
    struct wr w = slice_bytes(&implicit, IMPLICIT);
    assert_ok(take_in(f->a, wr_str(&w), IMPLICIT, 1 << 20, NULL, NULL));
    wr_done(&w);
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "1.1", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct fetch *fetch;
    const struct fetch_syntax *syntax;
    assert_ok(fetch_open(f->a, &o, dataset_of(&arena, els), &fetch, NULL, NULL));
    assert_int_equal(fetch_syntaxes(fetch, &syntax), 2);
    assert_int_equal(syntax[0].count + syntax[1].count, 5);
    assert_str(syntax[1].transfer_syntax, IMPLICIT);
    fetch_close(fetch);
    arena_done(&arena);
}

/* The item of one object that was stored with these pixels in this syntax. */
static const struct fetch_item *one(struct fixture *f, struct arena *arena, uint32_t pixels,
                                    const char *syntax, struct fetch **ret, struct wr *ret_bytes)
{
    struct slice s = {.study = "8.1", .series = "8.1.1", .sop = "8.1.1.1", .pixels = pixels};
    *ret_bytes = slice_bytes(&s, syntax);
    assert_ok(take_in(f->a, wr_str(ret_bytes), syntax, 1 << 20, NULL, NULL));
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "8.1", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    const struct fetch_item *item;
    assert_ok(fetch_open(f->a, &o, dataset_of(arena, els), ret, NULL, NULL));
    assert_ok(fetch_next(*ret, &item));
    assert_non_null(item);
    return item;
}

static void read_all(struct archive *a, const struct fetch_item *item, const char *syntax,
                     struct wr *w)
{
    struct object *object;
    bool last = false;
    assert_ok(object_open(a, item, str_z(syntax), &object, NULL));
    while (!last) {
        struct str piece;
        assert_ok(object_next(object, &piece, &last));
        assert_true(piece.n <= 256 << 10 || syntax[0]);
        wr_put(w, piece);
    }
    object_free(object);
}

static void converts_between_uncompressed_syntaxes(void **state)
{
    struct fixture *f = *state;
    static const char *const syntaxes[] = {LE, IMPLICIT, BE, DEFLATED};
    for (int from = 0; from < 4; from++) {
        struct arena arena = arena_init(1 << 20);
        struct fetch *fetch;
        struct wr stored, plain = wr_heap(16 << 20);
        const struct fetch_item *item = one(f, &arena, 700000, syntaxes[from], &fetch, &stored);
        struct slice s = {.study = "8.1", .series = "8.1.1", .sop = "8.1.1.1", .pixels = 700000};
        struct wr expected = slice_bytes(&s, LE);
        read_all(f->a, item, LE, &plain);
        assert_int_equal(plain.n, expected.n);
        assert_memory_equal(plain.p, expected.p, expected.n);
        fetch_close(fetch);
        wr_done(&stored);
        wr_done(&plain);
        wr_done(&expected);
        arena_done(&arena);
        fixture_teardown(state);
        fixture_setup(state);
        f = *state;
    }
}

static void does_not_convert_what_is_compressed(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    struct fetch *fetch;
    struct wr stored;
    struct object *object;
    struct diag d = {""};
    const struct fetch_item *item = one(f, &arena, 100, "1.2.840.10008.1.2.4.50", &fetch, &stored);
    assert_err(object_open(f->a, item, STR(LE), &object, &d), E_UNSUPPORTED);
    assert_true(d.text[0] != 0);
    fetch_close(fetch);
    wr_done(&stored);
    arena_done(&arena);
}

static void the_set_is_what_it_was_when_it_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct arena arena = arena_init(1 << 20);
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "1.2", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct fetch *fetch;
    const struct fetch_item *item;
    struct slice later = {.patient_id = "P1", .study = "1.2", .series = "1.2.1", .sop = "1.2.1.2"};
    assert_ok(fetch_open(f->a, &o, dataset_of(&arena, els), &fetch, NULL, NULL));
    store_slice(f->a, &later);
    assert_ok(archive_barrier(f->a));
    assert_ok(fetch_next(fetch, &item));
    assert_str(item->sop_instance, "1.2.1.1");
    assert_str(item->study, "1.2");
    assert_str(item->patient_id, "P1");
    assert_str(item->accession, "A1");
    assert_ok(fetch_next(fetch, &item));
    assert_null(item);
    fetch_close(fetch);
    arena_done(&arena);
}

static void a_large_set_comes_complete(void **state)
{
    struct fixture *f = *state;
    enum { SLICES = 300 };
    struct arena arena = arena_init(1 << 20);
    for (int i = 0; i < SLICES; i++) {
        char sop[32], number[16];
        snprintf(sop, sizeof sop, "9.1.1.%d", i + 1);
        snprintf(number, sizeof number, "%d", SLICES - i);
        struct slice s = {.study = "9.1", .series = "9.1.1", .sop = sop, .number = number};
        store_slice(f->a, &s);
    }
    const struct el els[] = {LEVEL("STUDY"), {TAG_StudyInstanceUID, "UI", "9.1", 0}, END};
    struct query_options o = {.model = QUERY_STUDY_ROOT};
    struct fetch *fetch;
    const struct fetch_item *item;
    assert_ok(fetch_open(f->a, &o, dataset_of(&arena, els), &fetch, NULL, NULL));
    assert_int_equal(fetch_count(fetch), SLICES);
    for (int i = SLICES; i > 0; i--) {
        char sop[32];
        snprintf(sop, sizeof sop, "9.1.1.%d", i);
        assert_ok(fetch_next(fetch, &item));
        assert_str(item->sop_instance, sop);
    }
    fetch_close(fetch);
    arena_done(&arena);
}

int main(void)
{
#define FILLED(test) cmocka_unit_test_setup_teardown(test, filled_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        FILLED(every_level_names_what_is_below_it),
        FILLED(keys_above_must_fit_too),
        FILLED(relational_retrieval_needs_no_keys_above),
        FILLED(other_keys_are_passed_over),
        FILLED(retrieval_names_what_it_wants),
        FILLED(tells_what_to_propose),
        FILLED(converts_between_uncompressed_syntaxes),
        FILLED(does_not_convert_what_is_compressed),
        FILLED(the_set_is_what_it_was_when_it_was_asked_for),
        FILLED(a_large_set_comes_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
