/* Answers of acceptors as they came over the wire, for the tests of survey/wire. */
#ifndef LASTRA_TESTS_WIRE_ANSWERS_H
#define LASTRA_TESTS_WIRE_ANSWERS_H

#include "base/str.h"

#define ZEROS_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
/* An A-ASSOCIATE-AC of 0xAB bytes after its header: one context in implicit little endian. */
#define ANSWER_HEAD                                                                                \
    "\2\0\0\0\0\xab\0\1\0\0ANY-SCP         FINDSCU         " ZEROS_32 "\x10\0\0\x15"               \
    "1.2.840.10008.3.1.1.1!\0\0\x19\1\0\0\0@\0\0\x11"                                              \
    "1.2.840.10008.1.2"
/* As a search engine published one: maximum length 65000, class UID of 18 bytes, version name. */
#define ANSWER_SYNAPSE                                                                             \
    ANSWER_HEAD "P\0\0\x2dQ\0\0\4\0\0\xfd\xe8R\0\0\x12"                                            \
                "1.2.840.113845.1.1U\0\0\x0bSyn4,4,0,36"

#endif
