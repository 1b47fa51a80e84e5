/* How fast an inventory takes endpoints: inventory_bench SITE COUNT [EVIDENCE_BYTES]. Addresses
 * come in an order as random as an export's. Prints puts a second, the database's size, and the
 * memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "io/clock.h"
#include "survey/inventory/diff.h"
#include "survey/inventory/journal.h"

static void check(err_t e, const struct diag *d)
{
    if (e == OK)
        return;
    fprintf(stderr, "inventory_bench: %s\n", diag_text(d, e));
    exit(1);
}

/* Every number below 2^bits once, in no order (a Feistel network of three rounds over 32 bits). */
static uint32_t scatter(uint32_t n)
{
    uint32_t l = n >> 16, r = n & 0xffff;
    for (uint32_t i = 1; i <= 3; i++) {
        uint32_t f = (r * 40503u + i * 7919u) ^ (r >> 5);
        uint32_t next = (l ^ f) & 0xffff;
        l = r;
        r = next;
    }
    return l << 16 | r;
}

static struct ip address(uint32_t n)
{
    struct ip ip = {{[10] = 0xff, [11] = 0xff}};
    uint32_t a = scatter(n);
    for (int i = 0; i < 4; i++)
        ip.b[12 + i] = (uint8_t)(a >> (24 - 8 * i));
    return ip;
}

static void fill(struct evidence *e, char *text, size_t bytes, uint32_t n)
{
    evidence_init(e, e->arena);
    int len = snprintf(text, 64, "OFFIS_DCMTK_%03u", n % 370);
    check(evidence_add(e, BY_ENGINE, EV_dicom_answer, STR("accepted")), NULL);
    check(evidence_add(e, BY_ENGINE, EV_dicom_version_name, str_of(text, (size_t)len)), NULL);
    check(evidence_add(e, BY_ENGINE, EV_dicom_class_uid, STR("1.2.276.0.7230010.3.0.3.6.7")), NULL);
    check(evidence_add(e, BY_ENGINE, EV_transport, STR("clear")), NULL);
    check(evidence_add(e, BY_ENGINE, EV_country, STR("IT")), NULL);
    check(evidence_add(e, BY_ENGINE, EV_organisation, STR("Azienda Ospedaliera di Prova")), NULL);
    size_t so_far = 130;
    memset(text + 64, 'x', 256);
    if (bytes > so_far)
        check(evidence_add(e, BY_ENGINE, EV_banner, str_of(text + 64, bytes - so_far)), NULL);
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

struct reading {
    uint64_t hosts, facts;
};

static err_t on_host(void *ctx, const struct host *h)
{
    struct reading *r = ctx;
    r->hosts++;
    for (size_t i = 0; i < h->n; i++)
        r->facts += h->endpoints[i].e->n;
    return OK;
}

static void put_all(struct inventory *v, struct run *r, uint32_t count, size_t bytes)
{
    char text[512];
    struct evidence e;
    evidence_init(&e, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct ip ip = address(i);
        r->position = i;
        fill(&e, text, bytes, i);
        check(inventory_put(v, r, &ip, 104, &e, 1700000000000000 + i), inventory_diag(v));
    }
    r->position = count;
}

/* Conclusions: a system with five findings of each host, up to 50,000. */
struct concluding {
    struct inventory *v;
    uint32_t systems;
};

static err_t conclude_host(void *ctx, const struct host *h)
{
    struct concluding *c = ctx;
    struct system s = {.ip = h->ip,
                       .port = 104,
                       .ports = STR("104/dicom"),
                       .type = TYPE_pacs,
                       .product = {.name = STR("Orthanc"), .version = STR("1.12.6")}};
    struct finding f = {.kind = STR("vulnerability"),
                        .evidence = STR("Orthanc 1.12.6, read at /system"),
                        .cve = STR("CVE-2024-0001")};
    if (c->systems++ >= 50000)
        return E_CANCELLED;
    TRY(inventory_put_system(c->v, &s));
    f.system = s.id;
    for (f.severity = SEV_info; f.severity < SEV_COUNT; f.severity++)
        TRY(inventory_put_finding(c->v, &f));
    return OK;
}

static void conclusions(struct inventory *v, int64_t survey)
{
    struct concluding c = {v, 0};
    struct diff_sum sum;
    int64_t t0 = clock_us();
    check(inventory_conclude_begin(v, survey), inventory_diag(v));
    err_t e = inventory_hosts(v, survey, conclude_host, &c);
    check(e == E_CANCELLED ? OK : e, inventory_diag(v));
    check(inventory_conclude_end(v, NULL), NULL);
    double write_s = (double)(clock_us() - t0) / 1e6;
    t0 = clock_us();
    check(diff_surveys(v, survey, v, survey, NULL, NULL, &sum, NULL), inventory_diag(v));
    printf("%llu systems concluded in %.2f s, compared in %.2f s\n",
           (unsigned long long)sum.systems_after, write_s, (double)(clock_us() - t0) / 1e6);
}

static void journal_lines(struct inventory *v, uint32_t count)
{
    struct diag d = {""};
    struct journal *j;
    check(journal_open(v, &j, &d), &d);
    int64_t t0 = clock_us();
    for (uint32_t i = 0; i < count; i++) {
        char endpoint[IP_TEXT_MAX + 40];
        char text[IP_TEXT_MAX];
        struct ip ip = address(i);
        struct wr w = wr_fixed(endpoint, sizeof endpoint);
        wr_put(&w, ip_text(&ip, text));
        wr_put(&w, STR(":104 A-ASSOCIATE-RQ 212"));
        const struct str pairs[] = {STR("to"), wr_str(&w)};
        check(journal_note(j, "sent", pairs, 2), NULL);
    }
    check(journal_sync(j), NULL);
    printf("%u journal lines: %.0f/s\n", count, count / ((double)(clock_us() - t0) / 1e6));
    journal_close(j);
}

int main(int argc, char **argv)
{
    struct diag d = {""};
    struct inventory *v;
    struct survey s;
    struct run r;
    uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
    size_t bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 250;
    if (argc < 2)
        return 2;
    long before = peak_kib();
    check(inventory_open(argv[1], INVENTORY_CREATE, STR(""), &v, NULL, &d), &d);
    check(inventory_survey(v, argc > 4 ? str_z(argv[4]) : STR("bench"), &s, &d), &d);
    check(inventory_run_begin(v, s.id, STR("bench"), STR("numbers"), STR(""), &r, &d), &d);
    int64_t t0 = clock_us();
    put_all(v, &r, count, bytes);
    check(inventory_run_end(v, &r, STR("")), inventory_diag(v));
    double put_s = (double)(clock_us() - t0) / 1e6;
    long put_kib = peak_kib();
    struct reading read = {0, 0};
    t0 = clock_us();
    check(inventory_hosts(v, s.id, on_host, &read), inventory_diag(v));
    double read_s = (double)(clock_us() - t0) / 1e6;
    printf("%u puts in %.2f s: %.0f/s; %llu hosts read in %.2f s: %.0f/s; memory %ld MiB more, "
           "%ld MiB after reading\n",
           count, put_s, count / put_s, (unsigned long long)read.hosts, read_s,
           (double)read.hosts / read_s, (put_kib - before) >> 10, peak_kib() >> 10);
    conclusions(v, s.id);
    journal_lines(v, 50000);
    inventory_close(v);
    return 0;
}
