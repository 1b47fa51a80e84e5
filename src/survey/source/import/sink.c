#include "survey/source/import/sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/clock.h"

enum {
    BATCH_ARENA_MAX = 24 << 20,
    RECORD_ARENA_MAX = 12 << 20,
    FIRST_CAP = 256,
    KEPT_CAP = 1 << 14
};

/* Room for `more` in an array that grows by doubling. */
static err_t grow(void **p, uint32_t n, uint32_t *cap, uint32_t more, size_t size)
{
    uint32_t want = *cap ? *cap : FIRST_CAP;
    if (more > UINT32_MAX / 4 - n)
        return E_LIMIT;
    while (want < n + more)
        want *= 2;
    if (want == *cap)
        return OK;
    void *bigger = realloc(*p, want * size);
    if (!bigger)
        return E_NOMEM;
    *p = bigger;
    *cap = want;
    return OK;
}

/* Empty again; what one large record needed is not kept. */
static void shrink(void **p, uint32_t *n, uint32_t *cap)
{
    *n = 0;
    if (*cap <= KEPT_CAP)
        return;
    free(*p);
    *p = NULL;
    *cap = 0;
}

void batch_init(struct batch *b)
{
    *b = (struct batch){.arena = arena_init(BATCH_ARENA_MAX)};
}

void batch_done(struct batch *b)
{
    arena_done(&b->arena);
    free(b->facts);
    free(b->found);
}

void batch_clear(struct batch *b)
{
    arena_reset(&b->arena);
    shrink((void **)&b->facts, &b->n_facts, &b->cap_facts);
    shrink((void **)&b->found, &b->n_found, &b->cap_found);
    b->records = b->bad = 0;
    b->n_notes = 0;
    b->text = STR("");
}

void batch_evidence(const struct batch *b, const struct found *f, struct evidence *ret)
{
    ret->n = f->n;
    ret->full = false;
    memcpy(ret->facts, b->facts + f->facts, f->n * sizeof *ret->facts);
}

err_t sink_init(struct importer_sink *s, const struct source_run *r, bool by_line)
{
    *s = (struct importer_sink){.shard = r->shard,
                                .shards = r->shards,
                                .now_us = clock_wall_us(),
                                .by_line = by_line,
                                .own = arena_init(RECORD_ARENA_MAX)};
    return fp_matcher_new(&s->matcher, NULL);
}

void sink_done(struct importer_sink *s)
{
    fp_matcher_free(s->matcher);
    arena_done(&s->own);
    free(s->facts);
    free(s->found);
}

void sink_into(struct importer_sink *s, struct batch *b)
{
    s->out = b;
}

/* Lines are whole within their batch, and so are the records in them. */
static struct arena *sink_arena(struct importer_sink *s)
{
    return s->by_line ? &s->out->arena : &s->own;
}

struct str sink_stable(struct importer_sink *s, struct str text)
{
    uintptr_t p = (uintptr_t)text.p, from = (uintptr_t)s->out->text.p;
    if (s->by_line && p >= from && p < from + s->out->text.n)
        return text;
    return arena_copy(sink_arena(s), text);
}

struct evidence *sink_evidence(struct importer_sink *s)
{
    evidence_init(&s->e, sink_arena(s));
    return &s->e;
}

err_t sink_endpoint(struct importer_sink *s, uint16_t port, int64_t when_us)
{
    if (s->e.n == 0)
        return OK;
    if (s->n_found >= SINK_ENDPOINTS_MAX)
        return E_LIMIT;
    TRY(observe(s->matcher, &s->e));
    TRY(grow((void **)&s->facts, s->n_facts, &s->cap_facts, (uint32_t)s->e.n, sizeof *s->facts));
    TRY(grow((void **)&s->found, s->n_found, &s->cap_found, 1, sizeof *s->found));
    memcpy(s->facts + s->n_facts, s->e.facts, s->e.n * sizeof *s->facts);
    s->found[s->n_found++] = (struct found){.port = port,
                                            .when_us = when_us ? when_us : s->now_us,
                                            .facts = s->n_facts,
                                            .n = (uint32_t)s->e.n};
    s->n_facts += (uint32_t)s->e.n;
    s->e.n = 0;
    return OK;
}

bool sink_wants(const struct importer_sink *s, const struct ip *ip)
{
    return (s->by_line || s->place >= s->skip) &&
           (s->shards <= 1 || ip_shard(ip, s->shards) == s->shard);
}

static void forget(struct importer_sink *s)
{
    shrink((void **)&s->facts, &s->n_facts, &s->cap_facts);
    shrink((void **)&s->found, &s->n_found, &s->cap_found);
    s->e.n = 0;
    if (s->by_line)
        return;
    s->place++;
    arena_reset(&s->own);
}

/* Values of a record that may outlive its block move into the batch. */
static err_t copy_values(struct importer_sink *s)
{
    for (uint32_t i = 0; !s->by_line && i < s->n_facts; i++) {
        s->facts[i].value = arena_copy(&s->out->arena, s->facts[i].value);
        if (!s->facts[i].value.p)
            return E_NOMEM;
    }
    return OK;
}

static err_t commit(struct importer_sink *s, const struct ip *ip)
{
    struct batch *b = s->out;
    TRY(copy_values(s));
    TRY(grow((void **)&b->facts, b->n_facts, &b->cap_facts, s->n_facts, sizeof *b->facts));
    TRY(grow((void **)&b->found, b->n_found, &b->cap_found, s->n_found, sizeof *b->found));
    memcpy(b->facts + b->n_facts, s->facts, s->n_facts * sizeof *b->facts);
    for (uint32_t i = 0; i < s->n_found; i++) {
        struct found *f = &b->found[b->n_found++];
        *f = s->found[i];
        f->ip = *ip;
        f->facts += b->n_facts;
    }
    b->n_facts += s->n_facts;
    return OK;
}

err_t sink_host(struct importer_sink *s, const struct ip *ip)
{
    bool mine = sink_wants(s, ip);
    if (mine && s->n_found)
        TRY(commit(s, ip));
    s->out->records += s->by_line || s->place >= s->skip;
    forget(s);
    return OK;
}

void sink_bad(struct importer_sink *s, const char *fmt, ...)
{
    struct batch *b = s->out;
    va_list ap;
    if (s->by_line || s->place >= s->skip) {
        b->bad++;
        if (b->n_notes < NOTES_MAX) {
            va_start(ap, fmt);
            vsnprintf(b->notes[b->n_notes].text, NOTE_MAX, fmt, ap);
            va_end(ap);
            b->notes[b->n_notes++].place = s->by_line ? s->place : s->place + 1;
        }
    }
    forget(s);
}
