/* Studies as a hospital makes them, by number: the same number gives the same study. */
#ifndef LASTRA_BENCH_SCALE_DATA_H
#define LASTRA_BENCH_SCALE_DATA_H

#include "base/wr.h"

enum { SCALE_TEXT = 80, SCALE_SERIES_MAX = 4 };

struct scale_study {
    uint64_t number, patient;
    char uid[SCALE_TEXT], accession[SCALE_TEXT], patient_id[SCALE_TEXT], name[SCALE_TEXT];
    char date[16], time[16], birth[16], referring[SCALE_TEXT];
    const char *description, *modality, *sop_class;
    unsigned device, series, per_series; /* per_series: instances in each */
};

/* studies: of how many, so that their dates spread over ten years in order. */
struct scale_study scale_study(uint64_t number, uint64_t studies);

/* A family name with its accents, for queries. */
const char *scale_family(uint64_t i);

/* One instance's data set in explicit little endian, without pixel data. */
void scale_object(const struct scale_study *s, unsigned series, unsigned instance, struct wr *w);

uint64_t scale_random(uint64_t seed);

#endif
