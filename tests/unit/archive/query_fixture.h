/* Four patients with five studies, for the tests of queries. */
#ifndef LASTRA_TESTS_ARCHIVE_QUERY_FIXTURE_H
#define LASTRA_TESTS_ARCHIVE_QUERY_FIXTURE_H

#include "fixture.h"

/* clang-format off */
#define END {0, NULL, NULL, 0}
#define LEVEL(text) {TAG_QueryRetrieveLevel, "CS", text, 0}
/* clang-format on */

static const struct slice slices[] = {
    {.patient_id = "P1",
     .name = "M\xc3\xbcller^J\xc3\xb6rg",
     .study = "1.1",
     .series = "1.1.1",
     .sop = "1.1.1.1",
     .date = "20200101",
     .time = "080000",
     .accession = "ACC1"},
    {.patient_id = "P1",
     .name = "M\xc3\xbcller^J\xc3\xb6rg",
     .study = "1.1",
     .series = "1.1.2",
     .sop = "1.1.2.1",
     .modality = "SR",
     .date = "20200101",
     .time = "080000",
     .accession = "ACC1"},
    {.patient_id = "P1",
     .name = "M\xc3\xbcller^J\xc3\xb6rg",
     .study = "1.2",
     .series = "1.2.1",
     .sop = "1.2.1.1",
     .modality = "MR",
     .date = "20210630",
     .time = "235959",
     .accession = "ACC2",
     .description = "Knie links"},
    {.patient_id = "P2",
     .name = "Smith^John",
     .study = "2.1",
     .series = "2.1.1",
     .sop = "2.1.1.1",
     .date = "20200102",
     .time = "120000.5",
     .accession = "B%_'1"},
    {.patient_id = "P2",
     .name = "Smith^John",
     .study = "2.1",
     .series = "2.1.1",
     .sop = "2.1.1.2",
     .number = "2",
     .date = "20200102",
     .time = "120000.5",
     .accession = "B%_'1"},
    {.patient_id = "P3%",
     .name = "Yamada^Tarou=\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa\xe9\x83\x8e"
             "=\xe3\x82\x84\xe3\x81\xbe\xe3\x81\xa0^\xe3\x81\x9f\xe3\x82\x8d\xe3\x81\x86",
     .study = "3.1",
     .series = "3.1.1",
     .sop = "3.1.1.1",
     .date = "20191231",
     .accession = ""},
    {.patient_id = "P4_",
     .name = "O'Brien^\"Q\"",
     .study = "4.1",
     .series = "4.1.1",
     .sop = "4.1.1.1",
     .date = "",
     .time = "",
     .accession = "C4",
     .issuer = "HOSP"},
};

static int filled_setup(void **state)
{
    int e = fixture_setup(state);
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        store_slice(((struct fixture *)*state)->a, &slices[i]);
    return e;
}

#define FILLED(test) cmocka_unit_test_setup_teardown(test, filled_setup, fixture_teardown)

#endif
