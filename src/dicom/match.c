#include "dicom/match.h"

#include <stdlib.h>

#include "base/size.h"
#include "dicom/fold.h"
#include "dicom/match_nfa.h"
#include "dicom/vr.h"

enum {
    RUN_MIN = 3, /* what a trigram index can use */

    V_WILD = 1 << 0,    /* '*' and '?' are wildcards (PS3.4 C.2.2.2.4) */
    V_RANGE = 1 << 1,   /* dates and times */
    V_NUMBER = 1 << 2,  /* compared as numbers */
    V_LEADING = 1 << 3, /* leading spaces count (PS3.5 6.2) */
};

static const struct vr_rule {
    vr_t vr;
    uint8_t flags;
} vr_rules[] = {
    {VR('A', 'E'), V_WILD},
    {VR('A', 'S'), 0},
    {VR('A', 'T'), 0},
    {VR('C', 'S'), V_WILD},
    {VR('D', 'A'), V_RANGE},
    {VR('D', 'S'), V_NUMBER},
    {VR('D', 'T'), V_RANGE},
    {VR('F', 'D'), V_NUMBER},
    {VR('F', 'L'), V_NUMBER},
    {VR('I', 'S'), V_NUMBER},
    {VR('L', 'O'), V_WILD},
    {VR('L', 'T'), V_WILD | V_LEADING},
    {VR('P', 'N'), V_WILD},
    {VR('S', 'H'), V_WILD},
    {VR('S', 'L'), V_NUMBER},
    {VR('S', 'S'), V_NUMBER},
    {VR('S', 'T'), V_WILD | V_LEADING},
    {VR('S', 'V'), V_NUMBER},
    {VR('T', 'M'), V_RANGE},
    {VR('U', 'C'), V_WILD | V_LEADING},
    {VR('U', 'I'), 0},
    {VR('U', 'L'), V_NUMBER},
    {VR('U', 'R'), V_WILD | V_LEADING},
    {VR('U', 'S'), V_NUMBER},
    {VR('U', 'T'), V_WILD | V_LEADING},
    {VR('U', 'V'), V_NUMBER},
};

static const struct vr_rule *rule_of(vr_t vr)
{
    for (size_t i = 0; i < COUNT(vr_rules); i++)
        if (vr_rules[i].vr == vr)
            return &vr_rules[i];
    return NULL;
}

static struct str trim(unsigned flags, struct str s)
{
    s = str_unpad(s);
    while (!(flags & V_LEADING) && s.n && s.p[0] == ' ')
        s = str_slice(s, 1, s.n);
    return s;
}

/* Takes a value off the front; VRs with one value only take all. Binary numbers come as text with
 * separators too. */
static bool next_value(const struct vr_rule *rule, struct str *rest, struct str *ret)
{
    bool one = dcm_vr_flags(rule->vr) & DCM_VR_TEXT && !(dcm_vr_flags(rule->vr) & DCM_VR_MULTI);
    if (!one)
        return str_split(rest, '\\', ret);
    if (!rest->p)
        return false;
    *ret = *rest;
    *rest = str_of(NULL, 0);
    return true;
}

/* A decimal number; nothing else that strtod would take (hexadecimal, "inf"). */
static bool parse_number(struct str s, double *ret)
{
    char text[64], *end;
    for (size_t i = 0; i < s.n; i++)
        if (!memchr("0123456789+-.eE", s.p[i], 15))
            return false;
    if (s.n == 0 || !str_to_z(s, text, sizeof text))
        return false;
    *ret = strtod(text, &end);
    return *end == '\0';
}

static bool has_wild(struct str s)
{
    return str_find(s, '*') < s.n || str_find(s, '?') < s.n;
}

static bool all_stars(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '*')
            return false;
    return true;
}

static size_t wild_find(struct str s)
{
    return size_min(str_find(s, '*'), str_find(s, '?'));
}

static size_t count_runes(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* A name's missing components match an empty pattern, so separators at a run's end need not be
 * there. */
static struct str without_carets(vr_t vr, struct str s)
{
    while (vr == VR('P', 'N') && s.n && s.p[s.n - 1] == '^')
        s.n--;
    return s;
}

/* Keeps the longest runs, longest first. */
static void add_run(struct match_value *v, struct str run)
{
    if (count_runes(run) < RUN_MIN)
        return;
    size_t at = 0;
    while (at < v->n_runs && v->runs[at].n >= run.n)
        at++;
    if (at == MATCH_RUNS_MAX)
        return;
    v->n_runs = size_min(v->n_runs + 1, MATCH_RUNS_MAX);
    for (size_t i = v->n_runs - 1; i > at; i--)
        v->runs[i] = v->runs[i - 1];
    v->runs[at] = run;
}

static void find_runs(vr_t vr, struct match_value *v, struct str pattern)
{
    while (pattern.n) {
        size_t n = wild_find(pattern);
        add_run(v, without_carets(vr, str_slice(pattern, 0, n)));
        pattern = str_slice(pattern, n + 1, pattern.n);
    }
}

/* What the SQL can use of a wildcard pattern; `first` is its text or a name's first group. */
static void find_literals(vr_t vr, struct match_value *v, struct str first)
{
    size_t wild = wild_find(first);
    struct str literal = str_slice(first, 0, wild);
    v->prefix = without_carets(vr, literal);
    v->prefix_only =
        v->prefix.n == literal.n && wild < first.n && all_stars(str_slice(first, wild, first.n));
}

static err_t compile_text(struct arena *a, vr_t vr, struct match_value *v, struct diag *d)
{
    bool name = vr == VR('P', 'N');
    v->kind = has_wild(v->text) ? MATCH_WILDCARD : MATCH_TEXT;
    v->n_groups = name ? pn_groups(v->text) : 1;
    for (unsigned g = 0; g < v->n_groups; g++) {
        struct str group = name ? pn_group_of(v->text, (enum pn_group)g) : v->text;
        v->group[g] = group;
        if (count_runes(group) > MATCH_KEY_MAX)
            return diag_set(d, E_LIMIT, "a key is longer than %d characters", MATCH_KEY_MAX);
        if (v->kind != MATCH_WILDCARD || (name && v->n_groups > 1 && group.n == 0))
            continue;
        find_runs(vr, v, group);
        v->nfa[g] = match_nfa_new(a, group);
        if (!v->nfa[g])
            return E_NOMEM;
    }
    if (v->kind == MATCH_WILDCARD)
        find_literals(vr, v, v->group[0]);
    else
        v->prefix = v->group[0];
    v->prefix_only = v->prefix_only && v->n_groups == 1;
    return OK;
}

static err_t compile_value(struct arena *a, const struct vr_rule *rule, bool folded,
                           struct match_options options, struct str key, struct match_value *v,
                           struct diag *d)
{
    vr_t vr = rule->vr;
    struct dcm_vr_name name = dcm_vr_name(vr);
    if (rule->flags & V_RANGE) {
        v->kind = MATCH_RANGE;
        return dt_range(vr, key, options.zone, &v->span)
                   ? OK
                   : diag_set(d, E_MALFORMED, "a key is no %s value or range", name.text);
    }
    if (rule->flags & V_NUMBER) {
        v->kind = MATCH_NUMBER;
        return parse_number(key, &v->number)
                   ? OK
                   : diag_set(d, E_MALFORMED, "a key is no number (%s)", name.text);
    }
    v->text = vr == VR('P', 'N') ? pn_fold_text(key, a)
              : folded           ? fold_text(key, a)
                                 : arena_copy(a, key);
    if (!v->text.p)
        return E_NOMEM;
    v->text = trim(rule->flags, v->text); /* folding makes spaces of other blanks */
    if (rule->flags & V_WILD)
        return compile_text(a, vr, v, d);
    v->kind = MATCH_TEXT;
    v->group[0] = v->prefix = v->text;
    v->n_groups = 1;
    return count_runes(v->text) > MATCH_KEY_MAX ? E_LIMIT : OK;
}

/* Takes the next value of a key that says something; a name of separators alone does not. */
static bool next_key(const struct vr_rule *rule, struct str *rest, struct str *ret)
{
    while (next_value(rule, rest, ret)) {
        struct str s = *ret = trim(rule->flags, *ret);
        while (rule->vr == VR('P', 'N') && s.n && memchr("^= ", s.p[0], 3))
            s = str_slice(s, 1, s.n);
        if (s.n)
            return true;
    }
    return false;
}

/* How many values a key has that say something; 0 when it is universal. */
static size_t count_values(const struct vr_rule *rule, struct str key)
{
    size_t n = 0;
    struct str value;
    for (; next_key(rule, &key, &value); n++)
        if (all_stars(value))
            return 0;
    return n;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(((const struct match_value *)a)->text, ((const struct match_value *)b)->text);
}

static err_t compile_values(struct arena *a, const struct vr_rule *rule,
                            struct match_options options, struct str key, struct match *m,
                            struct diag *d)
{
    struct str value;
    m->values = ARENA_ARRAY(a, m->n, struct match_value);
    if (!m->values)
        return E_NOMEM;
    for (size_t i = 0; i < m->n && next_key(rule, &key, &value); i++) {
        TRY(compile_value(a, rule, m->folded, options, value, &m->values[i], d));
        if (i == 0 || m->values[i].kind == MATCH_WILDCARD)
            m->kind = m->values[i].kind;
    }
    if (m->vr == VR('U', 'I'))
        qsort(m->values, m->n, sizeof *m->values, by_text);
    return OK;
}

err_t match_compile(struct arena *a, vr_t vr, struct str key, struct match_options options,
                    struct match **ret, struct diag *d)
{
    const struct vr_rule *rule = rule_of(vr);
    if (!rule)
        return diag_set(d, E_UNSUPPORTED, "a key of VR %s cannot be matched", dcm_vr_name(vr).text);
    struct match *m = ARENA_NEW(a, struct match);
    if (!m)
        return E_NOMEM;
    m->vr = vr;
    m->zone = options.zone;
    m->folded = vr == VR('P', 'N') || (options.fold && rule->flags & V_WILD);
    key = key.p ? key : STR("");
    if (options.empty && str_eq(trim(0, key), STR("\"\""))) {
        m->kind = MATCH_EMPTY;
    } else {
        size_t max = vr == VR('U', 'I') ? MATCH_UIDS_MAX : MATCH_VALUES_MAX;
        m->n = count_values(rule, key);
        if (m->n > max)
            return diag_set(d, E_LIMIT, "a key has more than %zu values", max);
        if (m->n)
            TRY(compile_values(a, rule, options, key, m, d));
    }
    *ret = m;
    return OK;
}

static bool test_text(const struct match_value *v, struct str value)
{
    return v->kind == MATCH_WILDCARD ? match_nfa_test(v->nfa[0], value, false)
                                     : str_eq(v->text, value);
}

static bool test_name_group(const struct match_value *v, unsigned key_group, struct str group)
{
    return v->kind == MATCH_WILDCARD ? match_nfa_test(v->nfa[key_group], group, true)
                                     : str_eq(v->group[key_group], group);
}

/* A key of one group may match any of the value's; of several, each its own. */
static bool test_canonical_name(const struct match_value *v, struct str name)
{
    bool any = v->n_groups == 1;
    for (unsigned g = 0; g < PN_GROUPS; g++) {
        struct str group = pn_group_of(name, (enum pn_group)g);
        if (any) {
            if ((g == 0 || group.n) && test_name_group(v, 0, group))
                return true;
        } else if (v->group[g].n && !test_name_group(v, g, group)) {
            return false;
        }
    }
    return !any;
}

static bool test_folded(const struct match *m, const struct match_value *v, struct str value)
{
    uint8_t small[768];
    bool name = m->vr == VR('P', 'N'), fits = value.n <= sizeof small / FOLD_GROWTH_MAX;
    struct wr w = fits ? wr_fixed(small, sizeof small) : wr_heap(SIZE_MAX / 2);
    (name ? pn_fold : fold)(value, &w);
    struct str text = wr_str(&w);
    bool hit = !w.bad && (name ? test_canonical_name(v, text)
                               : test_text(v, trim(rule_of(m->vr)->flags, text)));
    wr_done(&w);
    return hit;
}

static bool test_range(const struct match *m, const struct match_value *v, struct str value)
{
    struct dt_span span;
    int32_t date;
    if (m->vr == VR('D', 'A')) {
        if (!da_parse(value, &date))
            return false;
        span.lo = date;
    } else if (!(m->vr == VR('T', 'M') ? tm_parse(value, &span)
                                       : dt_parse(value, m->zone, &span))) {
        return false;
    }
    return span.lo >= v->span.lo && span.lo <= v->span.hi;
}

static bool test_one(const struct match *m, const struct match_value *v, struct str value)
{
    double number;
    switch (v->kind) {
    case MATCH_RANGE:
        return test_range(m, v, value);
    case MATCH_NUMBER:
        return parse_number(value, &number) && number == v->number;
    case MATCH_TEXT:
    case MATCH_WILDCARD:
        return m->folded ? test_folded(m, v, value) : test_text(v, value);
    case MATCH_UNIVERSAL:
    case MATCH_EMPTY:
        return false;
    }
    return false;
}

static bool test_any(const struct match *m, struct str value)
{
    struct match_value uid = {.text = value};
    if (m->vr == VR('U', 'I'))
        return bsearch(&uid, m->values, m->n, sizeof uid, by_text) != NULL;
    for (size_t i = 0; i < m->n; i++)
        if (test_one(m, &m->values[i], value))
            return true;
    return false;
}

bool match_test(const struct match *m, struct str value)
{
    const struct vr_rule *rule = rule_of(m->vr);
    struct str rest = value.p ? value : STR(""), one;
    if (m->kind == MATCH_UNIVERSAL)
        return true;
    if (m->kind == MATCH_EMPTY)
        return trim(0, rest).n == 0;
    while (next_value(rule, &rest, &one))
        if (test_any(m, trim(rule->flags, one)))
            return true;
    return false;
}

bool match_test_moment(const struct match *m, int64_t value)
{
    for (size_t i = 0; i < m->n; i++)
        if (value >= m->values[i].span.lo && value <= m->values[i].span.hi)
            return true;
    return m->kind == MATCH_UNIVERSAL;
}
