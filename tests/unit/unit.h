/* What every unit test includes: cmocka with the headers it wants before it, and our own checks. */
#ifndef LASTRA_TESTS_UNIT_H
#define LASTRA_TESTS_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include "base/err.h"
#include "base/str.h"

/* An err_t that must be OK. */
#define assert_ok(expr) assert_string_equal(err_text(expr), err_text(OK))
/* An err_t that must be this one. */
#define assert_err(expr, expected) assert_string_equal(err_text(expr), err_text(expected))
/* A view that must hold this text. */
#define assert_str(s, literal)                                                                     \
    do {                                                                                           \
        struct str got_ = (s);                                                                     \
        assert_int_equal(got_.n, strlen(literal));                                                 \
        assert_memory_equal(got_.p, literal, got_.n);                                              \
    } while (0)

#endif
