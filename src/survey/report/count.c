#include "survey/report/counts.h"

#include <stdlib.h>

#include "base/size.h"
#include "survey/report/clean.h"
#include "survey/report/words.h"

bool finding_accepted(const struct report *r, const struct finding *f)
{
    return f->accepted_until.n && str_cmp(f->accepted_until, r->today) >= 0;
}

bool system_speaks(const struct system *s, const char *protocol)
{
    struct str rest = s->ports, part, want = str_z(protocol);
    while (str_split(&rest, ' ', &part)) {
        size_t slash = str_find(part, '/');
        struct str what = str_slice(part, slash + 1, part.n);
        if (slash < part.n && str_starts(what, want))
            return true;
    }
    return false;
}

bool next_count(struct str *rest, struct str *ret_name, uint64_t *ret_count)
{
    struct str part;
    while (str_split(rest, ',', &part)) {
        part = str_trim(part);
        size_t at = part.n;
        while (at && part.p[at - 1] != ' ')
            at--;
        if (at && str_to_u64(str_slice(part, at, part.n), UINT64_MAX / 2, ret_count)) {
            *ret_name = str_trim(str_slice(part, 0, at));
            return true;
        }
    }
    return false;
}

static bool open_to_anyone(const struct system *s)
{
    return s->open_calling == 1 || s->open_query == 1 || s->open_retrieve == 1 ||
           s->open_store == 1 || s->open_print == 1 || s->web_open == 1 || s->studies > 0;
}

/* Which of the kinds of match a vulnerability counts as. */
static enum counter match_counter(const struct finding *f)
{
    if (f->state == STATE_asserted)
        return N_asserted;
    if (f->state == STATE_unknown)
        return N_unknown;
    if (f->component.n || f->state == STATE_potential)
        return N_component;
    return N_strict;
}

static void mark_findings(const struct report *r, const struct finding *f, size_t n,
                          uint8_t marks[COUNTERS])
{
    for (size_t i = 0; i < n; i++) {
        if (f[i].severity >= SEV_high && !finding_accepted(r, &f[i]))
            marks[N_severe] = 1;
        if (f[i].state == STATE_none)
            continue;
        enum counter c = match_counter(&f[i]);
        marks[c] = 1;
        if (c != N_unknown)
            marks[N_any] = 1;
        if (f[i].exploited && (c == N_strict || c == N_component))
            marks[N_exploited] = 1;
    }
}

void system_marks(const struct report *r, const struct system *s, const struct finding *f, size_t n,
                  uint8_t marks[COUNTERS])
{
    memset(marks, 0, COUNTERS);
    marks[N_systems] = 1;
    marks[N_open] = open_to_anyone(s);
    marks[N_clear] = s->cleartext == 1;
    marks[N_public] = s->is_public == 1;
    marks[N_dicom] = system_speaks(s, "dicom");
    marks[N_clear_only] = s->cleartext == 1 && s->tls != 1;
    marks[N_clear_tls] = s->cleartext == 1 && s->tls == 1;
    marks[N_tls_only] = s->cleartext != 1 && s->tls == 1;
    marks[N_no_transport] = s->cleartext != 1 && s->tls != 1;
    mark_findings(r, f, n, marks);
}

uint32_t system_score(const struct report *r, const struct system *s, const struct finding *f,
                      size_t n)
{
    uint32_t worst = 0, severe = 0;
    for (size_t i = 0; i < n; i++) {
        if (finding_accepted(r, &f[i]))
            continue;
        worst = f[i].severity > worst ? f[i].severity : worst;
        severe += f[i].severity >= SEV_high && severe < 99;
    }
    uint32_t open = (uint32_t)open_to_anyone(s) + (s->studies > 0) + (s->is_public == 1);
    return worst * 1000 + open * 200 + severe;
}

static void add_marks(uint64_t *n, const uint8_t *marks)
{
    for (size_t i = 0; i < COUNTERS; i++)
        n[i] += marks[i];
}

static void count_access(struct totals *t, const struct system *s, const uint8_t *marks)
{
    const int8_t given[ACCESSES] = {
        [A_calling] = s->open_calling,   [A_called] = s->open_called, [A_query] = s->open_query,
        [A_retrieve] = s->open_retrieve, [A_store] = s->open_store,   [A_print] = s->open_print,
        [A_web] = s->web_open,
    };
    bool web = s->web_open >= 0 || system_speaks(s, "http") || system_speaks(s, "fhir");
    t->web += web;
    for (size_t a = 0; a < ACCESSES; a++) {
        bool asked = a == A_web ? web : marks[N_dicom] || given[a] >= 0;
        if (asked)
            t->access[a][given[a] < 0    ? TERNARY_unknown
                         : given[a] == 0 ? TERNARY_no
                                         : TERNARY_yes]++;
    }
}

static void count_records(struct report *r, const struct system *s)
{
    struct totals *t = &r->t;
    t->archives += s->open_query == 1 || s->open_retrieve == 1 || s->studies > 0;
    if (s->studies >= 0) {
        t->archives_counted++;
        t->studies += (uint64_t)s->studies;
    }
    if (s->images >= 0) {
        t->images_counted++;
        t->images += (uint64_t)s->images;
    }
    t->clear_objects += s->clear_objects;
    t->clear_systems += s->clear_fields.n > 0 || s->clear_values > 0;
    struct str rest = s->clear_fields, name;
    uint64_t count;
    while (next_count(&rest, &name, &count)) {
        struct tally_row *row = tally_row(&r->fields, name);
        row->n[N_systems]++;
        row->n[N_values] += count;
        t->clear_values += count;
    }
}

static void note_violation(struct report *r, const struct system *s, const struct finding *f,
                           uint64_t seq)
{
    r->violations_all++;
    if (r->n_violations == VIOLATION_ROWS)
        return;
    struct violation *v = &r->violations[r->n_violations];
    *v = (struct violation){
        {seq, s->ip, f->port ? f->port : s->port}, f->severity, finding_accepted(r, f), STR("")};
    if (!r->redact)
        v->evidence =
            arena_copy(&r->arena, str_slice(finding_evidence(f, r->language), 0, CLEAN_MAX));
    r->n_violations++;
}

static void count_kind(struct report *r, const struct system *s, const struct finding *f,
                       uint64_t seq)
{
    const struct finding_kind *kind = finding_by_name(f->kind);
    size_t at = kind ? (size_t)(kind - finding_at(0)) : r->n_kinds - 1;
    struct kind_row *row = &r->kinds[at];
    row->findings++;
    r->t.findings++;
    r->t.by_severity[(unsigned)f->severity < SEV_COUNT ? f->severity : SEV_info]++;
    if (finding_accepted(r, f)) {
        row->accepted++;
        r->t.accepted++;
        return;
    }
    row->worst = f->severity > row->worst ? f->severity : row->worst;
    if (row->seq_open == seq)
        return;
    row->seq_open = seq;
    row->systems++;
    if (row->n_examples < EXAMPLES_MAX)
        row->examples[row->n_examples++] =
            (struct example){seq, s->ip, f->port ? f->port : s->port};
}

enum { CVSS_SEVERE = 70 }; /* high and critical of CVSS */

static void count_cve(struct report *r, const struct system *s, const struct finding *f,
                      struct str product)
{
    /* What a search engine asserts and what is merely possible come summed up, without a CVE. */
    enum counter match = match_counter(f);
    if (!f->cve.n || f->state == STATE_none || (match != N_strict && match != N_component))
        return;
    r->t.vulns++;
    r->t.vulns_severe += f->cvss >= CVSS_SEVERE;
    r->t.vulns_unscored += f->cvss < 0;
    struct tally_row *row = tally_row(&r->cves, f->cve);
    if (row == &r->cves.others)
        return;
    /* A system may have the same CVE by several ways; each way counts it once. */
    row->n[N_systems]++;
    row->n[match]++;
    row->exploited |= f->exploited;
    row->cvss = f->cvss > row->cvss ? f->cvss : row->cvss;
    row->n[N_values] = (uint64_t)(row->cvss + 1) + (row->exploited ? 1000 : 0);
    struct str what = name_safe(r, s, f->component.n ? f->component : product);
    what = str_slice(what, 0, TALLY_KEY_MAX);
    if (!row->note.n)
        row->note = arena_copy(&r->arena, what);
    else if (what.n && !str_eq(row->note, what))
        row->note = word(r->language, W_several);
}

/* The smallest score stands at the top of the heap until there are more systems than rows. */
static bool worse(const struct rank *a, const struct rank *b)
{
    return a->score != b->score ? a->score > b->score : a->seq < b->seq;
}

static void sift_down(struct rank *h, size_t n, size_t i)
{
    for (;;) {
        size_t low = i, l = 2 * i + 1;
        for (size_t c = l; c < n && c < l + 2; c++)
            if (worse(&h[low], &h[c]))
                low = c;
        if (low == i)
            return;
        struct rank t = h[i];
        h[i] = h[low];
        h[low] = t;
        i = low;
    }
}

static void rank(struct report *r, struct rank new)
{
    if (r->n_ranks < INVENTORY_ROWS) {
        r->ranks[r->n_ranks++] = new;
        for (size_t i = r->n_ranks == INVENTORY_ROWS ? INVENTORY_ROWS / 2 : 0; i-- > 0;)
            sift_down(r->ranks, r->n_ranks, i);
    } else if (worse(&new, &r->ranks[0])) {
        r->ranks[0] = new;
        sift_down(r->ranks, r->n_ranks, 0);
    }
}

static void keep_address(struct report *r, const struct ip *ip)
{
    size_t n = r->n_addresses;
    if (n && ip_cmp(&r->addresses[n - 1], ip) == 0)
        return;
    r->t.hosts++;
    if (n == r->cap_addresses) {
        size_t cap = n ? n * 2 : 1024;
        struct ip *more =
            cap <= SYSTEM_ADDRESSES_MAX ? realloc(r->addresses, cap * sizeof *more) : NULL;
        if (!more)
            return;
        r->addresses = more;
        r->cap_addresses = cap;
    }
    r->addresses[r->n_addresses++] = *ip;
}

static void count_places(struct report *r, const struct system *s, const uint8_t *marks,
                         struct str product)
{
    add_marks(tally_row(&r->countries, s->country)->n, marks);
    add_marks(tally_row(&r->sites, s->site)->n, marks);
    add_marks(tally_row(&r->zones, s->zone)->n, marks);
    if (product.n)
        add_marks(tally_row(&r->products, name_safe(r, s, product))->n, marks);
    if (s->toolkit.name.n)
        add_marks(tally_row(&r->toolkits, name_safe(r, s, s->toolkit.name))->n, marks);
}

static err_t count_one(struct walk *walk, const struct system *s, const struct finding *f, size_t n)
{
    struct report *r = walk->r;
    uint8_t marks[COUNTERS];
    char buf[NAME_MAX_TEXT];
    struct str product = name_product(&s->product, buf);
    enum sys_type type = (unsigned)s->type < TYPE_COUNT ? s->type : TYPE_none;
    system_marks(r, s, f, n, marks);
    struct type_row *row = &r->types[type];
    add_marks(row->n, marks);
    row->levels[(unsigned)s->level <= VER_version ? s->level : VER_none]++;
    rank(r, (struct rank){system_score(r, s, f, n), walk->seq});
    for (size_t i = 0; i < n; i++) {
        count_kind(r, s, &f[i], walk->seq);
        if (str_eq(f[i].kind, STR("segmentation_violation")))
            note_violation(r, s, &f[i], walk->seq);
    }
    keep_address(r, &s->ip);
    r->t.stale += s->stale;
    if (type == TYPE_honeypot) {
        r->t.honeypots++;
        return OK;
    }
    add_marks(r->t.n, marks);
    r->t.levels[(unsigned)s->level <= VER_version ? s->level : VER_none]++;
    r->t.component_only += marks[N_component] && !marks[N_strict];
    r->t.asserted_only += marks[N_asserted] && !marks[N_strict] && !marks[N_component];
    for (size_t i = 0; i < n; i++)
        count_cve(r, s, &f[i], product);
    count_access(&r->t, s, marks);
    count_records(r, s);
    count_places(r, s, marks, product);
    return OK;
}

static int by_count(const void *a, const void *b)
{
    const struct type_row *x = a, *y = b;
    bool honey_x = x->type == TYPE_honeypot, honey_y = y->type == TYPE_honeypot;
    if (honey_x != honey_y)
        return honey_x - honey_y;
    if (x->n[N_systems] != y->n[N_systems])
        return x->n[N_systems] < y->n[N_systems] ? 1 : -1;
    return (int)x->type - (int)y->type;
}

static int by_rank(const void *a, const void *b)
{
    return worse(a, b) ? -1 : 1;
}

static void order_kinds(struct report *r)
{
    for (size_t i = 0; i < r->n_kinds; i++)
        r->order[i] = i;
    /* Insertion: a few dozen, stable. What is critical or high before the rest, then as the table
     * says; what it lacks last. */
    for (size_t i = 1; i < r->n_kinds; i++) {
        size_t at = i, k = r->order[i];
        const struct kind_row *row = &r->kinds[k];
        for (; at; at--) {
            const struct kind_row *b = &r->kinds[r->order[at - 1]];
            unsigned x = row->kind ? row->kind->first : 9999, y = b->kind ? b->kind->first : 9999;
            if (tier_of(b->worst) < tier_of(row->worst) ||
                (tier_of(b->worst) == tier_of(row->worst) && y <= x))
                break;
            r->order[at] = r->order[at - 1];
        }
        r->order[at] = k;
    }
}

static void sort_all(struct report *r)
{
    qsort(r->types, TYPE_COUNT, sizeof *r->types, by_count);
    for (size_t i = 0; i < TYPE_COUNT && i < 10; i++) {
        if (r->types[i].type == TYPE_honeypot)
            break;
        r->t.ten_systems += r->types[i].n[N_systems];
        r->t.ten_any += r->types[i].n[N_any];
        r->t.ten_strict += r->types[i].n[N_strict];
    }
    qsort(r->ranks, r->n_ranks, sizeof *r->ranks, by_rank);
    struct tally *const by_systems[] = {&r->countries, &r->sites, &r->zones, &r->products,
                                        &r->toolkits};
    for (size_t i = 0; i < COUNT(by_systems); i++)
        tally_sort(by_systems[i], N_systems);
    tally_sort(&r->fields, N_values);
    tally_sort(&r->cves, N_values);
    order_kinds(r);
}

err_t count_systems(struct report *r)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        r->types[i].type = (enum sys_type)i;
    struct walk walk = {.r = r, .each = count_one};
    TRY(walk_systems(&walk));
    sort_all(r);
    return OK;
}
