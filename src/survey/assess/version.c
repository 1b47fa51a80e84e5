#include "survey/assess/version.h"

#include "base/size.h"

enum { PARTS_MAX = 24, WORD_MAX = 15 };

/* A number, or a word in small letters. */
struct part {
    bool number, opaque; /* opaque: a commit or other hash, which has no order */
    bool dot;            /* a '.' stands behind it */
    uint64_t n;
    char word[WORD_MAX + 1];
};

struct version {
    struct part parts[PARTS_MAX];
    size_t n;
    bool open; /* ended in wildcards */
    bool date; /* year, month and day */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_break(char c)
{
    return c == '.' || c == '-' || c == '_' || c == '+' || c == '~' || c == ' ' || c == ':';
}

/* "v", "version", ... before the number say nothing. */
static struct str without_prefix(struct str s)
{
    static const struct str words[] = {STR_INIT("versions"), STR_INIT("version"), STR_INIT("ver"),
                                       STR_INIT("v")};
    s = str_trim(s);
    for (size_t i = 0; i < COUNT(words); i++) {
        if (s.n <= words[i].n || !str_eq_nocase(str_slice(s, 0, words[i].n), words[i]))
            continue;
        struct str rest = str_slice(s, words[i].n, s.n);
        while (rest.n && (*rest.p == '.' || *rest.p == ' '))
            rest = str_slice(rest, 1, rest.n);
        if (rest.n && (is_digit(*rest.p) || words[i].n > 1))
            return rest;
    }
    return s;
}

/* Seven or more hexadecimal digits, letters and numbers mixed. */
static bool is_hash(struct str s)
{
    bool digit = false, letter = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        digit = digit || is_digit(c);
        letter = letter || !is_digit(c);
    }
    return s.n >= 7 && digit && letter;
}

static bool is_wild(struct str run)
{
    return run.n == 1 && (lower(*run.p) == 'x' || *run.p == '*');
}

static size_t run_of(struct str s, bool (*is)(char c))
{
    size_t n = 0;
    while (n < s.n && is(s.p[n]))
        n++;
    return n;
}

static bool add_number(struct version *v, struct str digits)
{
    struct part *p = &v->parts[v->n];
    *p = (struct part){.number = true};
    if (!str_to_u64(digits, UINT64_MAX / 2, &p->n))
        return false;
    v->n++;
    return true;
}

static bool add_word(struct version *v, struct str letters)
{
    if (letters.n > WORD_MAX)
        return false;
    struct part *p = &v->parts[v->n++];
    *p = (struct part){0};
    for (size_t i = 0; i < letters.n; i++)
        p->word[i] = lower(letters.p[i]);
    return true;
}

/* What stands between two breaks: "5p7", "R4", "x", "9d9eff4". */
static bool add_run(struct version *v, struct str run)
{
    if (v->open)
        return is_wild(run);
    if (is_wild(run) && v->n) {
        v->open = true;
        return true;
    }
    if (is_hash(run) && v->n < PARTS_MAX) {
        v->parts[v->n++] = (struct part){.opaque = true};
        return true;
    }
    while (run.n) {
        if (v->n == PARTS_MAX)
            return false;
        size_t n = run_of(run, is_digit);
        bool number = n > 0;
        if (!number)
            n = run_of(run, is_letter);
        struct str part = str_slice(run, 0, n);
        /* "0x" hides a digit and not a part. */
        if (!n || (!number && v->n && run.n == n && is_wild(part)))
            return false;
        if (number ? !add_number(v, part) : !add_word(v, part))
            return false;
        run = str_slice(run, n, run.n);
    }
    return true;
}

static bool plausible_date(uint64_t y, uint64_t m, uint64_t d)
{
    return y >= 1990 && y <= 2100 && m >= 1 && m <= 12 && d <= 31;
}

static void set_date(struct version *v, uint64_t y, uint64_t m, uint64_t d)
{
    *v = (struct version){.n = 3, .date = true};
    const uint64_t parts[] = {y, m, d};
    for (size_t i = 0; i < COUNT(parts); i++)
        v->parts[i] = (struct part){.number = true, .n = parts[i]};
}

static uint64_t month_of(const char *word)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (size_t i = 0; i < 12 && strlen(word) >= 3; i++)
        if (memcmp(months + 3 * i, word, 3) == 0)
            return i + 1;
    return 0;
}

/* "2024-08-30", "july 1 2017", "may 2018". */
static void look_for_date(struct version *v, char third)
{
    const struct part *p = v->parts;
    if (v->open || v->n < 2 || v->n > 3)
        return;
    if (v->n == 3 && p[0].number && p[1].number && p[2].number && third == '-' &&
        plausible_date(p[0].n, p[1].n, p[2].n))
        v->date = true;
    else if (v->n == 3 && month_of(p[0].word) && p[1].number && p[2].number &&
             plausible_date(p[2].n, 1, p[1].n))
        set_date(v, p[2].n, month_of(p[0].word), p[1].n);
    else if (v->n == 2 && month_of(p[0].word) && p[1].number && plausible_date(p[1].n, 1, 1))
        set_date(v, p[1].n, month_of(p[0].word), 1);
}

/* "8/30/2024" as American advisories write it. */
static bool parse_slashes(struct str s, struct version *ret)
{
    uint64_t n[3];
    struct str rest = s, part;
    for (size_t i = 0; i < COUNT(n); i++)
        if (!str_split(&rest, '/', &part) || !str_to_u64(part, 9999, &n[i]))
            return false;
    if (rest.p || !plausible_date(n[2], n[0], n[1]))
        return false;
    set_date(ret, n[2], n[0], n[1]);
    return true;
}

/* Words of a version with spaces: "14.0.1 Build 2024-02-28", "4.20 SR1", "3.0 D15"; anything else
 * is a sentence. */
static bool is_version_word(struct str run)
{
    static const struct str words[] = {STR_INIT("build"), STR_INIT("sr"),      STR_INIT("sp"),
                                       STR_INIT("patch"), STR_INIT("service"), STR_INIT("pack"),
                                       STR_INIT("rev"),   STR_INIT("update"),  STR_INIT("hotfix"),
                                       STR_INIT("hf"),    STR_INIT("rc"),      STR_INIT("beta"),
                                       STR_INIT("alpha"), STR_INIT("release")};
    struct str letters = str_slice(run, 0, run_of(run, is_letter));
    if (letters.n <= 1 && run.n > letters.n)
        return true;
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq_nocase(letters, words[i]))
            return true;
    return false;
}

static bool parse_runs(struct str s, struct version *ret)
{
    bool spaced = false;
    char first_break = 0;
    while (s.n) {
        size_t n = 0;
        while (n < s.n && !is_break(s.p[n]))
            n++;
        struct str run = str_slice(s, 0, n);
        if (run.n && spaced && !is_version_word(run) && !month_of(ret->parts[0].word))
            return false;
        if (run.n && !add_run(ret, run))
            return false;
        if (n < s.n && ret->n) {
            ret->parts[ret->n - 1].dot = s.p[n] == '.';
            first_break = first_break ? first_break : s.p[n];
        }
        spaced = n < s.n && s.p[n] == ' ';
        s = str_slice(s, n + 1, s.n);
    }
    look_for_date(ret, first_break);
    return true;
}

static bool parse(struct str text, struct version *ret)
{
    *ret = (struct version){0};
    struct str s = without_prefix(text);
    if (!s.n || s.n > 96 || (!is_digit(*s.p) && !is_letter(*s.p)))
        return false;
    if (parse_slashes(s, ret))
        return true;
    if (!parse_runs(s, ret))
        return false;
    for (size_t i = 0; i < ret->n; i++)
        if (ret->parts[i].number)
            return true;
    return ret->n == 1 && s.n == 1; /* revision N */
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* What comes before the release of its name: below it; other words: above. */
static int before_release(const struct part *p)
{
    static const char *const words[] = {"dev", "snapshot", "alpha", "beta", "pre", "preview", "rc"};
    for (size_t i = 0; i < COUNT(words) && !p->number; i++)
        if (same(p->word, words[i]))
            return (int)i - (int)COUNT(words);
    return 0;
}

static int sign(int64_t n)
{
    return (n > 0) - (n < 0);
}

static int cmp_parts(const struct part *a, const struct part *b)
{
    if (a->number && b->number)
        return (a->n > b->n) - (a->n < b->n);
    int early_a = before_release(a), early_b = before_release(b);
    if (early_a != early_b)
        return sign(early_a - early_b);
    if (a->number != b->number)
        return a->number ? -1 : 1;
    return sign(strcmp(a->word, b->word));
}

static const struct part *part_at(const struct version *v, size_t i)
{
    static const struct part none = {.number = true};
    return i < v->n ? &v->parts[i] : &none;
}

static int cmp_all(const struct version *a, const struct version *b, size_t *ret_where)
{
    size_t n = size_max(a->n, b->n);
    for (size_t i = 0; i < n; i++) {
        int c = cmp_parts(part_at(a, i), part_at(b, i));
        *ret_where = i;
        if (c || part_at(a, i)->opaque || part_at(b, i)->opaque)
            return c;
    }
    *ret_where = n;
    return 0;
}

int version_cmp(struct str a, struct str b)
{
    struct version va, vb;
    bool ok_a = parse(a, &va), ok_b = parse(b, &vb);
    size_t where;
    if (ok_a && ok_b)
        return cmp_all(&va, &vb, &where);
    return ok_a != ok_b ? (ok_a ? 1 : -1) : sign(str_cmp(a, b));
}

/* Versions that begin with letters compare with their like only: B.06 with C.03, R8 with R9; L81 of
 * one line with D25 of another does not. */
static bool comparable(const struct version *a, const struct version *b)
{
    const struct part *pa = &a->parts[0], *pb = &b->parts[0];
    if (a->date != b->date || pa->number != pb->number || pa->opaque || pb->opaque)
        return false;
    if (pa->number || same(pa->word, pb->word))
        return true;
    return strlen(pa->word) == 1 && strlen(pb->word) == 1 && (pa->dot || a->n == 1) &&
           (pb->dot || b->n == 1);
}

enum version_order version_order(struct str version, struct str bound, bool *ret_open)
{
    struct version v, b;
    size_t where;
    if (!parse(version, &v) || !parse(bound, &b) || v.open || !comparable(&v, &b))
        return ORDER_UNKNOWN;
    if (ret_open)
        *ret_open = b.open;
    if (b.open) {
        if (v.n < b.n)
            b.n = v.n; /* 12 to 12.2.x: as far as it goes, then short */
        struct version cut = v;
        cut.n = b.n;
        int c = cmp_all(&cut, &b, &where);
        struct version whole;
        (void)parse(bound, &whole);
        if (c)
            return c < 0 ? ORDER_BELOW : ORDER_ABOVE;
        return v.n < whole.n ? ORDER_SHORT : ORDER_WITHIN;
    }
    int c = cmp_all(&v, &b, &where);
    if (part_at(&v, where)->opaque || part_at(&b, where)->opaque)
        return ORDER_UNKNOWN;
    if (!c)
        return ORDER_SAME;
    bool early = before_release(part_at(&v, where)) || before_release(part_at(&b, where));
    if (where >= b.n && !early)
        return ORDER_WITHIN;
    if (where >= v.n && !early)
        return ORDER_SHORT;
    return c < 0 ? ORDER_BELOW : ORDER_ABOVE;
}

bool version_reads(struct str text)
{
    struct version v;
    return parse(text, &v);
}
