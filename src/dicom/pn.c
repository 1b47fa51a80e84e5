#include "dicom/pn.h"

#include "base/size.h"
#include "dicom/fold.h"

/* Room on the stack for folding, enough for three groups of 64 letters of Latin. */
enum { SMALL = 768 };

/* Spaces at both ends say nothing (PS3.5 6.2), nor does the ideographic one or a NUL as padding. */
static struct str trim(struct str s)
{
    static const struct str wide = STR_INIT("\xe3\x80\x80");
    for (;;) {
        if (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\0'))
            s.n--;
        else if (s.n && s.p[0] == ' ')
            s = str_slice(s, 1, s.n);
        else if (str_ends(s, wide))
            s.n -= wide.n;
        else if (str_starts(s, wide))
            s = str_slice(s, wide.n, s.n);
        else
            return s;
    }
}

static void parse_group(struct str text, struct str part[PN_COMPONENTS])
{
    for (unsigned c = 0; c + 1 < PN_COMPONENTS; c++) {
        struct str component;
        if (!str_split(&text, '^', &component))
            return;
        part[c] = trim(component);
    }
    if (text.p)
        part[PN_SUFFIX] = trim(text);
}

struct pn pn_parse(struct str utf8)
{
    struct pn pn = {0};
    struct str group;
    for (unsigned g = 0; g < PN_GROUPS && str_split(&utf8, '=', &group); g++)
        parse_group(group, pn.part[g]);
    return pn;
}

/* Components or groups up to the last that is not empty. */
static unsigned used_components(const struct pn *pn, unsigned group)
{
    unsigned n = PN_COMPONENTS;
    while (n && pn->part[group][n - 1].n == 0)
        n--;
    return n;
}

static unsigned used_groups(const struct pn *pn)
{
    unsigned n = PN_GROUPS;
    while (n && used_components(pn, n - 1) == 0)
        n--;
    return n;
}

void pn_format_group(const struct pn *pn, enum pn_group group, struct wr *out)
{
    for (unsigned c = 0; c < used_components(pn, group); c++) {
        if (c)
            wr_u8(out, '^');
        wr_put(out, pn->part[group][c]);
    }
}

void pn_format(const struct pn *pn, struct wr *out)
{
    for (unsigned g = 0; g < used_groups(pn); g++) {
        if (g)
            wr_u8(out, '=');
        pn_format_group(pn, g, out);
    }
}

void pn_display(const struct pn *pn, struct wr *out)
{
    static const uint8_t order[] = {PN_PREFIX, PN_GIVEN, PN_MIDDLE, PN_FAMILY, PN_SUFFIX};
    unsigned group = 0;
    while (group + 1 < PN_GROUPS && used_components(pn, group) == 0)
        group++;
    bool first = true;
    for (size_t i = 0; i < COUNT(order); i++) {
        struct str part = pn->part[group][order[i]];
        if (part.n == 0)
            continue;
        if (!first)
            wr_u8(out, ' ');
        wr_put(out, part);
        first = false;
    }
}

/* Folded first, since folding makes spaces of other blanks and leaves nothing of some characters;
 * it neither makes nor removes separators. */
void pn_fold(struct str utf8, struct wr *out)
{
    uint8_t small[SMALL];
    bool fits = utf8.n <= sizeof small / FOLD_GROWTH_MAX;
    struct wr w = fits ? wr_fixed(small, sizeof small) : wr_heap(SIZE_MAX / 2);
    fold(utf8, &w);
    struct pn pn = pn_parse(wr_str(&w));
    if (w.bad)
        out->bad = true;
    else
        pn_format(&pn, out);
    wr_done(&w);
}

struct str pn_fold_text(struct str utf8, struct arena *a)
{
    uint8_t small[SMALL];
    bool fits = utf8.n <= sizeof small / FOLD_GROWTH_MAX;
    struct wr w = fits ? wr_fixed(small, sizeof small) : wr_heap(SIZE_MAX / 2);
    pn_fold(utf8, &w);
    struct str text = w.bad ? str_of(NULL, 0) : arena_copy(a, wr_str(&w));
    wr_done(&w);
    return text;
}

struct str pn_group_of(struct str canonical, enum pn_group group)
{
    struct str part = STR("");
    for (unsigned g = 0; g <= group; g++)
        if (!str_split(&canonical, '=', &part))
            return STR("");
    return part;
}

unsigned pn_groups(struct str utf8)
{
    struct pn pn = pn_parse(utf8);
    return (unsigned)size_max(used_groups(&pn), 1);
}
