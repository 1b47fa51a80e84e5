#include "survey/identify/fp_version.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str part(struct str dotted, size_t n)
{
    struct str one = {NULL, 0};
    while (n-- > 0)
        if (!str_split(&dotted, '.', &one))
            return (struct str){NULL, 0};
    return one;
}

/* Behind signs and words for "version": a digit, then letters, digits and what joins them. */
static struct str next_version(struct str after)
{
    static const struct str words[] = {STR_INIT("server"), STR_INIT("version"), STR_INIT("v")};
    for (;;) {
        size_t skip = 0, before = after.n;
        while (skip < after.n && memchr(" :/_-,;(", after.p[skip], 8))
            skip++;
        after = str_slice(after, skip, after.n);
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
            if (str_eq_nocase(str_slice(after, 0, words[i].n), words[i]))
                after = str_slice(after, words[i].n, after.n);
        if (after.n == before)
            break;
    }
    size_t n = 0;
    while (n < after.n && (is_alnum(after.p[n]) || memchr(".+-_", after.p[n], 4)))
        n++;
    while (n > 0 && !is_alnum(after.p[n - 1]))
        n--;
    return n && is_digit(after.p[0]) ? str_slice(after, 0, n) : (struct str){NULL, 0};
}

/* The reference that stands at the front of *rule, which is passed over; false when there is none.
 */
static bool take_reference(struct str *rule, const struct fp_caught *c, struct str *ret)
{
    if (rule->n >= 2 && rule->p[0] == '\\' && is_digit(rule->p[1])) {
        *ret = c->groups[rule->p[1] - '0'];
        *rule = str_slice(*rule, 2, rule->n);
        return true;
    }
    if (rule->n >= 3 && rule->p[0] == '{' && is_digit(rule->p[1]) && rule->p[2] == '}') {
        *ret = part(c->after, (size_t)(rule->p[1] - '0'));
        *rule = str_slice(*rule, 3, rule->n);
        return true;
    }
    if (str_starts(*rule, STR("{next}"))) {
        *ret = next_version(c->after);
        *rule = str_slice(*rule, 6, rule->n);
        return true;
    }
    return false;
}

bool fp_version(struct str rule, const struct fp_caught *c, struct wr *w)
{
    size_t before = w->n;
    bool there = rule.n > 0;
    if (str_starts(rule, STR("="))) {
        wr_put(w, str_slice(rule, 1, rule.n));
        rule.n = 0;
    }
    while (there && rule.n > 0) {
        struct str value;
        if (take_reference(&rule, c, &value)) {
            there = value.n > 0;
            wr_put(w, value);
        } else {
            wr_u8(w, (uint8_t)rule.p[0]);
            rule = str_slice(rule, 1, rule.n);
        }
    }
    if (w->bad || w->n == before)
        there = false;
    if (!there)
        w->n = before;
    return there;
}
