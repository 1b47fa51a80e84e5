/* Which names are the same maker and product: data/products.tsv. Fingerprints, advisories, CPEs and
 * site lists write "OFFIS DCMTK", "offis:dcmtk" and "DCMTK"; here they get one key. */
#ifndef LASTRA_SURVEY_ASSESS_NAMES_H
#define LASTRA_SURVEY_ASSESS_NAMES_H

#include "base/err.h"
#include "base/str.h"

struct names;
err_t names_new(struct names **ret, struct diag *d) MUST_CHECK;
/* The same from a text of our table's form; for tests. */
err_t names_parse(struct str text, struct names **ret, struct diag *d) MUST_CHECK;
void names_free(struct names *n); /* NULL is fine */

struct named {
    uint64_t key; /* the same for all writings; 0: there is no name */
    bool known;   /* the product stands in the table */
    bool toolkit;
    bool vendor_known;
};
/* vendor may be empty: then a product that stands in the table once is found by its name alone. */
struct named names_find(const struct names *n, struct str vendor, struct str product);

/* The members of a family ("IntelliSpace"), by key; 0 when it is none. */
enum { NAMES_MEMBERS_MAX = 16 };
size_t names_members(const struct names *n, uint64_t key, uint64_t ret[NAMES_MEMBERS_MAX]);

/* "Philips Vue PACS": into a maker that we know and the rest; else the maker is empty. */
void names_split(const struct names *n, struct str text, struct str *ret_vendor,
                 struct str *ret_product);

/* "cpe:/a:vendor:product:version", "cpe:2.3:a:vendor:product:version:..."; false for what is not
 * one. What stands for any or none is empty. Views. */
struct cpe {
    struct str vendor, product, version;
};
bool names_cpe(struct str text, struct cpe *ret);

/* Small letters and digits, everything else one space; cut at cap. Returns a view of buf. */
struct str names_fold(struct str s, char *buf, size_t cap);

#endif
