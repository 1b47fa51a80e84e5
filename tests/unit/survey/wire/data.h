/* Recorded bytes (tests/data/survey/wire). */
#ifndef LASTRA_TESTS_WIRE_DATA_H
#define LASTRA_TESTS_WIRE_DATA_H

#include <stdio.h>

#include "unit.h"

/* The whole file, in the caller's array. */
static inline struct str data_read(const char *name, char *buf, size_t cap)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", WIRE_DATA, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(buf, 1, cap, f);
    assert_true(n > 0 && n < cap);
    fclose(f);
    return str_of(buf, n);
}

#endif
