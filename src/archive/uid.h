/* UIDs as the index keeps them: two characters a byte, and a short key of fixed size for the one
 * index that has a row per instance. Layout: docs/formats.md, "Index". */
#ifndef LASTRA_ARCHIVE_UID_H
#define LASTRA_ARCHIVE_UID_H

#include "base/str.h"
#include "dicom/uid.h"

/* 1 to 64 digits and dots, no empty component. Leading zeros in a component, which PS3.5 9.1
 * forbids, are let pass: they are common, and harm nobody. */
bool uid_ok(struct str uid);

struct uid_packed {
    uint8_t n;
    uint8_t bytes[DCM_UID_MAX + 1];
};

/* Packs text of up to 64 bytes: dot 1, digits 2 to 11, end 0, so that packed UIDs sort as their
 * text does. Other text is kept raw behind a byte 0xff. Longer text is cut. */
struct uid_packed uid_pack(struct str uid);

static inline struct str uid_packed_str(const struct uid_packed *u)
{
    return str_of(u->bytes, u->n);
}

struct uid_text {
    uint8_t n;
    char text[DCM_UID_MAX + 1];
};

/* And back; what is not a packed UID gives as many characters as it has. */
struct uid_text uid_unpack(struct str packed);

static inline struct str uid_text_str(const struct uid_text *u)
{
    return str_of(u->text, u->n);
}

enum { UID_SEED_SIZE = 16 };

/* 48 bits for an instance's UID: the upper half from the text without its last six characters, so
 * that what one device makes in one go lies together in the index (a new object then touches pages
 * that are at hand); the lower half from all of it. Keyed (SipHash-1-3 with the index's seed), so
 * that nobody can make UIDs that collide. Not unique: the row has the last word. */
int64_t uid_key(const uint8_t seed[UID_SEED_SIZE], struct str uid);

#endif
