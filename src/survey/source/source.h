/* A source brings evidence into an inventory. Each is one file, one const struct, one word in
 * the meson list of its folder. */
#ifndef LASTRA_SURVEY_SOURCE_SOURCE_H
#define LASTRA_SURVEY_SOURCE_SOURCE_H

#include "io/progress.h"
#include "survey/core/input.h"
#include "survey/identify/fingerprint.h"
#include "survey/inventory/inventory.h"
#include "survey/inventory/journal.h"

/* What every source is given; the caller's. */
struct source_run {
    struct inventory *inventory;
    struct journal *journal; /* NULL: nothing is noted */
    struct survey survey;
    unsigned shard, shards;    /* 0/1: everything; hosts outside ip_shard() are passed over */
    struct str format;         /* of import: which reader, empty: found by looking */
    const char *what;          /* file, "-", or interface; NUL-terminated */
    struct str vantage;        /* capture: where it was taken; a zone of the policy */
    uint64_t limit;            /* capture from an interface: seconds; 0: until stopped */
    const struct stop *stop;   /* NULL: never */
    struct progress *progress; /* NULL: nobody looks */
    /* Told about single bad records, with their place, at most some; more are counted. NULL:
     * nobody. */
    void (*note)(void *ctx, const char *text);
    void *ctx;
};

struct source_sum {
    uint64_t records, bad, endpoints, flows; /* in this call */
    bool resumed, stopped;
};

/* Importers: readers of another program's export, see import/importer.h. `looks`: how sure the
 * first bytes of a file (gzip taken off) are of this format, 0 to 100; NULL: never guessed. */
struct importer_sink;
/* How a kind of text is read; formats that differ only in what they want of it share one. */
struct import_reader {
    /* A reader that brings what it reads into the sink. format: the importer's. */
    err_t (*open)(const void *format, struct importer_sink *s, void **ret);
    void (*close)(void *reader);
    err_t (*line)(void *reader, struct str line); /* NULL: not line by line */
    /* What fails here cannot be gone on with: the place and cause in d. */
    err_t (*block)(void *reader, struct str bytes, struct diag *d);
    err_t (*end)(void *reader, struct diag *d);
};
struct importer {
    const char *name;  /* "shodan", as in --format */
    const char *about; /* one line */
    unsigned (*looks)(struct str head);
    /* Whether each line is a record of its own; else it is one text from begin to end. */
    bool (*by_line)(struct str head);
    const struct import_reader *reader;
    const void *format; /* the reader's own */
};
/* In the order of the list; NULL past the end. */
const struct importer *importer_at(size_t i);

/* Opens, finds the format, resumes, reads. E_UNSUPPORTED: no format fits. A file that breaks off
 * (E_DAMAGED, E_MALFORMED, E_LIMIT) leaves what came before in the inventory. A stop is OK with
 * ret->stopped: the same call again goes on. */
err_t source_import(const struct source_run *r, struct source_sum *ret, struct diag *d) MUST_CHECK;
/* A pcap or pcapng file, or with interface set a network interface. */
err_t source_capture(const struct source_run *r, bool interface, struct source_sum *ret,
                     struct diag *d) MUST_CHECK;
/* A site's own inventory, CSV: importer "hosts" by name, for it is never guessed. */
err_t source_hosts(const struct source_run *r, struct source_sum *ret, struct diag *d) MUST_CHECK;

#endif
