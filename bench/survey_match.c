/* survey_match [ADVISORIES [SYSTEMS]]: writes an NVD feed of so many vulnerabilities (50,000) of a
 * tenth as many products, loads it beside our own table, holds so many identified systems (50,000)
 * against them, and prints how long each took and the most memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/clock.h"
#include "survey/assess/advisory.h"

struct tally {
    unsigned long hits, states[STATE_COUNT];
};

static void write_feed(const char *path, unsigned long n)
{
    FILE *f = fopen(path, "w");
    if (!f)
        exit(1);
    fputs("{\"format\":\"NVD_CVE\",\"version\":\"2.0\",\"vulnerabilities\":[", f);
    for (unsigned long i = 0; i < n; i++)
        fprintf(
            f,
            "%s{\"cve\":{\"id\":\"CVE-2025-%lu\",\"sourceIdentifier\":\"cve@example.org\","
            "\"vulnStatus\":\"Analyzed\",\"descriptions\":[{\"lang\":\"en\",\"value\":\"A "
            "vulnerability of some product that lets somebody do something.\"}],\"metrics\":{"
            "\"cvssMetricV31\":[{\"cvssData\":{\"version\":\"3.1\",\"baseScore\":%lu.%lu}}]},"
            "\"weaknesses\":[{\"description\":[{\"lang\":\"en\",\"value\":\"CWE-%lu\"}]}],"
            "\"configurations\":[{\"nodes\":[{\"operator\":\"OR\",\"cpeMatch\":[{"
            "\"vulnerable\":true,\"criteria\":\"cpe:2.3:a:maker%lu:product%lu:*:*:*:*:*:*:*:*\","
            "\"versionStartIncluding\":\"%lu.0\",\"versionEndExcluding\":\"%lu.%lu.4\"}]}]}]}}",
            i ? "," : "", 10000 + i, 3 + i % 7, i % 10, 20 + i % 900, i / 10 % 997, i / 10,
            1 + i % 4, 2 + i % 4, i % 9);
    fputs("]}\n", f);
    if (fclose(f))
        exit(1);
}

static err_t on_hit(void *ctx, const struct advisory_hit *h)
{
    struct tally *t = ctx;
    t->hits++;
    t->states[h->state]++;
    return OK;
}

static double since(int64_t us)
{
    return (double)(clock_us() - us) / 1e6;
}

static void match_all(const struct advisories *a, unsigned long systems, unsigned long products)
{
    struct tally t = {0};
    int64_t began = clock_us();
    for (unsigned long i = 0; i < systems; i++) {
        char vendor[32], product[32], version[32];
        unsigned long p = i * 7919 % products;
        int nv = snprintf(vendor, sizeof vendor, "Maker%lu", p % 997);
        int np = snprintf(product, sizeof product, "Product%lu", p);
        int nn = snprintf(version, sizeof version, "%lu.%lu.%lu", 1 + i % 5, i % 11, i % 7);
        if (i % 10 == 0)
            nv = snprintf(vendor, sizeof vendor, "OFFIS"),
            np = snprintf(product, sizeof product, "DCMTK"),
            nn = snprintf(version, sizeof version, "3.6.%lu", i % 10);
        if (advisories_match(a, str_of(vendor, (size_t)nv), str_of(product, (size_t)np),
                             str_of(version, (size_t)nn), false, on_hit, &t) != OK)
            exit(1);
    }
    printf("matched %lu systems in %.2f s: %lu hits (%lu confirmed, %lu potential, %lu unknown)\n",
           systems, since(began), t.hits, t.states[STATE_confirmed], t.states[STATE_potential],
           t.states[STATE_unknown]);
}

int main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000;
    unsigned long systems = argc > 2 ? strtoul(argv[2], NULL, 10) : 50000;
    char path[] = "/tmp/lastra-match-XXXXXX";
    struct advisories *a;
    struct advisory_sum sum;
    struct diag d = {0};
    struct rusage u;
    int fd = mkstemp(path);
    if (fd < 0 || n < 10)
        return 1;
    write_feed(path, n);
    int64_t began = clock_us();
    if (advisories_new(&a, &d) != OK)
        return 1;
    printf("our own table: %zu rows in %.3f s\n", advisories_count(a), since(began));
    began = clock_us();
    err_t e = advisories_load(a, path, &sum, &d);
    (void)close(fd);
    (void)unlink(path);
    if (e != OK) {
        fprintf(stderr, "%s\n", diag_text(&d, e));
        return 1;
    }
    printf("loaded %llu records, %zu rows in %.2f s\n", (unsigned long long)sum.records,
           advisories_count(a), since(began));
    match_all(a, systems, n / 10);
    (void)getrusage(RUSAGE_SELF, &u);
    printf("most memory: %ld MiB\n", u.ru_maxrss / 1024);
    advisories_free(a);
    return 0;
}
