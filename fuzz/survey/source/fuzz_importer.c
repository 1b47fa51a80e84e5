/* An export from outside, read as one of the formats, by line and as one text (byte 0: in pieces of
 * how many bytes): whatever it holds, what comes of it is evidence that the inventory can keep, and
 * each record is counted once. */
#include <stdlib.h>
#include <string.h>

#include "survey/source/import/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct importer *importer(void)
{
    size_t i = 0;
    while (strcmp(importer_at(i)->name, IMPORTER) != 0)
        i++;
    return importer_at(i);
}

static void check(const struct batch *b)
{
    static struct evidence e, again;
    struct arena a = arena_init(1 << 20);
    struct wr w = wr_heap(1 << 17);
    evidence_init(&again, &a);
    for (uint32_t i = 0; i < b->n_found; i++) {
        evidence_init(&e, &a);
        batch_evidence(b, &b->found[i], &e);
        wr_clear(&w);
        evidence_write(&e, &w);
        if (w.bad || e.n == 0 || evidence_parse(wr_str(&w), &again) != OK || again.n != e.n)
            abort();
    }
    wr_done(&w);
    arena_done(&a);
}

/* A line may hold several records, but none of nothing. */
static void by_line(const struct importer *imp, struct importer_sink *s, struct batch *b,
                    struct str text)
{
    struct str line;
    void *reader;
    uint64_t before = 0;
    if (imp->reader->open(imp->format, s, &reader) != OK)
        return;
    b->text = text;
    while (str_split(&text, '\n', &line)) {
        s->place++;
        if (imp->reader->line(reader, line) != OK)
            abort();
        if (b->records + b->bad > before + line.n)
            abort();
        before = b->records + b->bad;
    }
    imp->reader->close(reader);
}

static void as_one(const struct importer *imp, struct importer_sink *s, struct batch *b,
                   struct str text, size_t piece)
{
    struct diag d = {0};
    void *reader;
    err_t e = OK;
    if (imp->reader->open(imp->format, s, &reader) != OK)
        return;
    for (; text.n && e == OK; text = str_slice(text, piece, text.n)) {
        /* A block is gone when the next one is read. */
        char *block = malloc(piece);
        size_t n = text.n < piece ? text.n : piece;
        if (!block)
            abort();
        memcpy(block, text.p, n);
        e = imp->reader->block(reader, str_of(block, n), &d);
        free(block);
    }
    if (e == OK)
        e = imp->reader->end(reader, &d);
    if (e != OK && !d.text[0] && e != E_NOMEM)
        abort();
    if (s->place != b->records + b->bad)
        abort();
    imp->reader->close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct source_run run = {.shards = 1};
    /* Compiling the patterns takes longer than an input. */
    static struct fp_matcher *matcher;
    const struct importer *imp = importer();
    struct importer_sink s;
    struct batch b;
    if (size < 1 || (!matcher && fp_matcher_new(&matcher, NULL) != OK))
        return 0;
    struct str text = str_of(data + 1, size - 1);
    for (int lines = 0; lines < 2; lines++) {
        if (lines && !imp->reader->line)
            break;
        batch_init(&b);
        s = (struct importer_sink){
            .matcher = matcher, .shards = run.shards, .by_line = lines, .own = arena_init(1 << 20)};
        sink_into(&s, &b);
        if (lines)
            by_line(imp, &s, &b, text);
        else
            as_one(imp, &s, &b, text, 1 + (size_t)data[0] * 4);
        check(&b);
        s.matcher = NULL;
        sink_done(&s);
        batch_done(&b);
    }
    return 0;
}
