/* Reads ranges in three steps: alternatives (between ';' or "||"), in each its constraints (between
 * '|' or ','), and of each constraint the words that stand for a comparison. What is left over at
 * any step makes the answer "unknown". */
#include "base/size.h"
#include "survey/assess/version.h"

enum { BOUNDS_MAX = 64, TEXT_MAX = 512 };

enum op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_ALL };

struct bound {
    enum op op;
    struct str version;
};

struct bounds {
    struct bound at[BOUNDS_MAX];
    size_t n;
};

enum tri { NO, YES, MAYBE };

static bool starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_slice(s, 0, prefix.n), prefix);
}

static bool ends_nocase(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq_nocase(str_slice(s, s.n - suffix.n, suffix.n), suffix);
}

static bool is_word_end(struct str s, size_t at)
{
    return at >= s.n || s.p[at] == ' ' || s.p[at] == ':' || s.p[at] == ',';
}

/* Comments in brackets say why, not what. Nested ones too; one that never ends is no comment. */
static bool without_comments(struct str in, char out[TEXT_MAX], struct str *ret)
{
    size_t n = 0, depth = 0;
    if (in.n >= TEXT_MAX)
        return false;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth)
            out[n++] = c == '\t' ? ' ' : c;
    }
    *ret = str_trim(str_of(out, n));
    return depth == 0;
}

static bool add(struct bounds *b, enum op op, struct str version)
{
    version = str_trim(version);
    if (b->n == BOUNDS_MAX || (op != OP_ALL && !version_reads(version)))
        return false;
    b->at[b->n++] = (struct bound){op, version};
    return true;
}

struct phrase {
    struct str words;
    enum op op;
};

static const struct phrase signs[] = {
    {STR_INIT("<="), OP_LE}, {STR_INIT("\xe2\x89\xa4"), OP_LE},
    {STR_INIT(">="), OP_GE}, {STR_INIT("\xe2\x89\xa5"), OP_GE},
    {STR_INIT("!="), OP_NE}, {STR_INIT("=="), OP_EQ},
    {STR_INIT("<"), OP_LT},  {STR_INIT(">"), OP_GT},
    {STR_INIT("="), OP_EQ},
};
static const struct phrase before[] = {
    {STR_INIT("prior to and including"), OP_LE},
    {STR_INIT("up to and including"), OP_LE},
    {STR_INIT("up to, and including,"), OP_LE},
    {STR_INIT("all versions prior to"), OP_LT},
    {STR_INIT("all versions before"), OP_LT},
    {STR_INIT("versions prior to"), OP_LT},
    {STR_INIT("version prior to"), OP_LT},
    {STR_INIT("versions before"), OP_LT},
    {STR_INIT("earlier than"), OP_LT},
    {STR_INIT("older than"), OP_LT},
    {STR_INIT("lower than"), OP_LT},
    {STR_INIT("less than or equal to"), OP_LE},
    {STR_INIT("less than"), OP_LT},
    {STR_INIT("newer than"), OP_GT},
    {STR_INIT("later than"), OP_GT},
    {STR_INIT("greater than or equal to"), OP_GE},
    {STR_INIT("greater than"), OP_GT},
    {STR_INIT("prior to"), OP_LT},
    {STR_INIT("before"), OP_LT},
    {STR_INIT("through"), OP_LE},
};
static const struct phrase after[] = {
    {STR_INIT("and all prior versions"), OP_LE},
    {STR_INIT("and prior versions"), OP_LE},
    {STR_INIT("and earlier versions"), OP_LE},
    {STR_INIT("and older versions"), OP_LE},
    {STR_INIT("and all earlier versions"), OP_LE},
    {STR_INIT("and below"), OP_LE},
    {STR_INIT("and prior"), OP_LE},
    {STR_INIT("and earlier"), OP_LE},
    {STR_INIT("and older"), OP_LE},
    {STR_INIT("or earlier"), OP_LE},
    {STR_INIT("or lower"), OP_LE},
    {STR_INIT("or older"), OP_LE},
    {STR_INIT("or below"), OP_LE},
    {STR_INIT("or prior"), OP_LE},
    {STR_INIT("and lower"), OP_LE},
    {STR_INIT("and later versions"), OP_GE},
    {STR_INIT("and newer versions"), OP_GE},
    {STR_INIT("and above"), OP_GE},
    {STR_INIT("and later"), OP_GE},
    {STR_INIT("and newer"), OP_GE},
    {STR_INIT("and higher"), OP_GE},
    {STR_INIT("or later"), OP_GE},
    {STR_INIT("or newer"), OP_GE},
    {STR_INIT("or above"), OP_GE},
    {STR_INIT("or higher"), OP_GE},
};

/* "all", "all versions", "*", "vers:all/x": on its own, or before a comparison ("All versions <
 * V2.0"). */
static bool take_all(struct str *s)
{
    static const struct str words[] = {
        STR_INIT("all versions"),
        STR_INIT("all_versions"),
        STR_INIT("any version"),
        STR_INIT("every version"),
        STR_INIT("all software versions"),
        STR_INIT("all supported versions"),
        STR_INIT("all models"),
        STR_INIT("all"),
        STR_INIT("*"),
    };
    for (size_t i = 0; i < COUNT(words); i++) {
        if (!starts_nocase(*s, words[i]) || !is_word_end(*s, words[i].n))
            continue;
        *s = str_trim(str_slice(*s, words[i].n, s->n));
        return true;
    }
    return false;
}

static const struct phrase *phrase_at(const struct phrase *t, size_t n, struct str s, bool words)
{
    for (size_t i = 0; i < n; i++)
        if (starts_nocase(s, t[i].words) && (!words || is_word_end(s, t[i].words.n)))
            return &t[i];
    return NULL;
}

static const struct phrase *phrase_behind(struct str s)
{
    for (size_t i = 0; i < COUNT(after); i++)
        if (s.n > after[i].words.n && ends_nocase(s, after[i].words) &&
            s.p[s.n - after[i].words.n - 1] == ' ')
            return &after[i];
    return NULL;
}

static size_t find_nocase(struct str s, struct str what)
{
    for (size_t i = 0; i + what.n <= s.n; i++)
        if (str_eq_nocase(str_slice(s, i, what.n), what))
            return i;
    return s.n;
}

static bool has_dot(struct str s)
{
    return str_find(s, '.') < s.n;
}

static bool add_span(struct bounds *b, struct str from, struct str to, bool including)
{
    from = str_trim(from);
    to = str_trim(to);
    if (!version_reads(from) || !version_reads(to) || version_cmp(from, to) > 0)
        return false;
    return add(b, OP_GE, from) && add(b, including ? OP_LE : OP_LT, to);
}

/* "3.0-3.7.0": a dash between two dotted versions; "5.0.2-5" and "2024-08-30" are one. "from 1.0 to
 * 1.4", "5.0 through 6.1". */
static bool add_spoken_span(struct bounds *b, struct str s)
{
    static const struct {
        struct str word;
        bool including;
    } words[] = {{STR_INIT(" up to and including "), true},
                 {STR_INIT(" through "), true},
                 {STR_INIT(" up to "), true},
                 {STR_INIT(" to "), true},
                 {STR_INIT(" - "), true},
                 {STR_INIT(" before "), false},
                 {STR_INIT(" prior to "), false}};
    if (starts_nocase(s, STR("from ")))
        s = str_slice(s, 5, s.n);
    if (starts_nocase(s, STR("versions ")))
        s = str_slice(s, 9, s.n);
    for (size_t i = 0; i < COUNT(words); i++) {
        size_t at = find_nocase(s, words[i].word);
        if (at < s.n)
            return add_span(b, str_slice(s, 0, at), str_slice(s, at + words[i].word.n, s.n),
                            words[i].including);
    }
    size_t dash = str_find(s, '-');
    struct str from = str_slice(s, 0, dash), to = str_slice(s, dash + 1, s.n);
    return dash < s.n && has_dot(from) && has_dot(to) && str_find(to, '-') == to.n &&
           add_span(b, from, to, true);
}

/* One constraint. */
static bool add_text(struct bounds *b, struct str s)
{
    s = str_trim(s);
    bool all = take_all(&s);
    if (!s.n)
        return all && add(b, OP_ALL, s);
    const struct phrase *p = phrase_at(signs, COUNT(signs), s, false);
    if (p)
        return add(b, p->op, str_slice(s, p->words.n, s.n));
    p = phrase_at(before, COUNT(before), s, true);
    if (p)
        return add(b, p->op, str_slice(s, p->words.n, s.n));
    if (all)
        return false;
    p = phrase_behind(s);
    if (p)
        return add(b, p->op, str_slice(s, 0, s.n - p->words.n));
    return add_spoken_span(b, s) || add(b, OP_EQ, s);
}

/* vers:SCHEME/CONSTRAINTS: without its head. */
static struct str without_scheme(struct str s)
{
    if (!starts_nocase(s, STR("vers:")))
        return s;
    size_t slash = str_find(s, '/');
    return slash < s.n ? str_slice(s, slash + 1, s.n) : STR("");
}

/* ">= 5.01 and < 6.4", ">=1.0 <2.0": where a second comparison begins inside one constraint. */
static size_t second_sign(struct str s)
{
    size_t i = 1;
    while (i < s.n && (s.p[i] == '=' || s.p[i] == ' '))
        i++;
    while (i < s.n && s.p[i] != '<' && s.p[i] != '>')
        i++;
    return i;
}

static bool add_piece(struct bounds *b, struct str s)
{
    s = str_trim(s);
    size_t cut = s.n && (*s.p == '<' || *s.p == '>') ? second_sign(s) : s.n;
    struct str first = str_trim(str_slice(s, 0, cut)), second = str_slice(s, cut, s.n);
    if (second.n && ends_nocase(first, STR(" and")))
        first = str_slice(first, 0, first.n - 4);
    return add_text(b, first) && (!second.n || add_text(b, second));
}

/* One alternative into its constraints. A comma may belong to a date or a phrase, so the text is
 * tried whole first. */
static bool read_bounds(struct str s, struct bounds *ret)
{
    ret->n = 0;
    s = without_scheme(str_trim(s));
    if (!s.n)
        return false;
    bool bars = str_find(s, '|') < s.n;
    if (!bars && add_piece(ret, s))
        return true;
    ret->n = 0;
    struct str part;
    while (str_split(&s, bars ? '|' : ',', &part))
        if (!add_piece(ret, part))
            return false;
    return true;
}

static enum tri of_bool(bool b)
{
    return b ? YES : NO;
}

/* Whether one constraint holds. */
static enum tri holds(const struct bound *b, struct str version)
{
    bool open = false;
    if (b->op == OP_ALL)
        return YES;
    enum version_order o = version_order(version, b->version, &open);
    if (o == ORDER_UNKNOWN || o == ORDER_SHORT)
        return MAYBE;
    /* 5.0.3 to "<= 5.0": many authors mean 5.0 and what belongs to it. */
    if (o == ORDER_WITHIN && !open && b->op != OP_LT && b->op != OP_GE)
        return MAYBE;
    bool same = o == ORDER_SAME || (o == ORDER_WITHIN && open);
    switch (b->op) {
    case OP_EQ:
        return of_bool(same);
    case OP_NE:
        return of_bool(!same);
    case OP_LT:
        return of_bool(o == ORDER_BELOW);
    case OP_LE:
        return of_bool(same || o == ORDER_BELOW);
    case OP_GT:
        return of_bool(o == ORDER_ABOVE);
    case OP_GE:
        return of_bool(o != ORDER_BELOW);
    case OP_ALL:
        break;
    }
    return YES;
}

static enum tri both(enum tri a, enum tri b)
{
    if (a == NO || b == NO)
        return NO;
    return a == YES && b == YES ? YES : MAYBE;
}

static enum tri either(enum tri a, enum tri b)
{
    if (a == YES || b == YES)
        return YES;
    return a == NO && b == NO ? NO : MAYBE;
}

/* The vers algorithm: single versions, then what lies between a lower and the next upper bound; an
 * upper one without a lower reaches down to the first version, a last lower one up to the newest.
 */
static enum tri inside(const struct bounds *b, struct str version)
{
    enum tri answer = NO, low = NO;
    bool lower = false, excluded = false;
    for (size_t i = 0; i < b->n; i++) {
        enum tri t = holds(&b->at[i], version);
        switch (b->at[i].op) {
        case OP_GT:
        case OP_GE:
            low = lower ? both(low, t) : t;
            lower = true;
            break;
        case OP_LT:
        case OP_LE:
            answer = either(answer, lower ? both(low, t) : t);
            lower = false;
            break;
        case OP_NE:
            excluded = excluded || t == NO;
            break;
        case OP_EQ:
        case OP_ALL:
            answer = either(answer, t);
        }
    }
    if (lower)
        answer = either(answer, low);
    return excluded ? NO : answer;
}

static bool reaches_all(const struct bounds *b)
{
    bool zero = b->n == 1 && b->at[0].op == OP_GE && str_eq(b->at[0].version, STR("0"));
    for (size_t i = 0; i < b->n && !zero; i++)
        if (b->at[i].op == OP_ALL)
            return true;
    return zero;
}

/* The next alternative off the front. */
static bool next_alternative(struct str *rest, struct str *ret)
{
    if (!rest->p)
        return false;
    size_t i = 0, gap = 1;
    for (; i < rest->n; i++) {
        if (rest->p[i] == ';')
            break;
        if (rest->p[i] == '|' && i + 1 < rest->n && rest->p[i + 1] == '|') {
            gap = 2;
            break;
        }
    }
    *ret = str_slice(*rest, 0, i);
    *rest = i < rest->n ? str_slice(*rest, i + gap, rest->n) : (struct str){NULL, 0};
    return true;
}

enum range_answer range_has(struct str range, struct str version)
{
    char text[TEXT_MAX];
    struct str rest, part;
    struct bounds b;
    enum tri answer = NO;
    size_t n = 0;
    if (!without_comments(range, text, &rest) || !rest.n)
        return RANGE_UNKNOWN;
    while (next_alternative(&rest, &part)) {
        if (!str_trim(part).n)
            continue;
        n++;
        if (!read_bounds(part, &b))
            answer = either(answer, MAYBE);
        else if (reaches_all(&b))
            return RANGE_ALL;
        else
            answer = either(answer, version.n ? inside(&b, version) : MAYBE);
    }
    if (!n)
        return RANGE_UNKNOWN;
    return answer == YES ? RANGE_INSIDE : answer == NO ? RANGE_OUTSIDE : RANGE_UNKNOWN;
}

bool range_reads(struct str range)
{
    char text[TEXT_MAX];
    struct str rest, part;
    struct bounds b;
    size_t n = 0;
    if (!without_comments(range, text, &rest) || !rest.n)
        return false;
    while (next_alternative(&rest, &part)) {
        if (!str_trim(part).n)
            continue;
        if (!read_bounds(part, &b))
            return false;
        n++;
    }
    return n > 0;
}
