/* survey_import N [gz]: writes an export of N banners as a search engine gives them (about a
 * kilobyte each), imports it into an encrypted inventory in a new folder, and prints how fast that
 * went and the most memory it took. With FILE in place of N it imports that file. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/str.h"
#include "io/clock.h"
#include "survey/source/source.h"

enum { PATH_ROOM = 256 };

static const char *const classes[][2] = {
    {"1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367"},
    {"1.2.40.0.13.1.3", "dcm4che-1.4.35"},
    {"1.2.276.0.7230010.3.0.3.6.4", "OFFIS_DCMTK_364"},
    {"1.2.826.0.1.3680043.9.3811.2.0.2", "PYNETDICOM_202"},
};

/* What Shodan says of every host. */
static void write_common(gzFile f, unsigned long i, const char *module, int port)
{
    unsigned a = 11 + (unsigned)(i * 2654435761u >> 8) % 180, b = (i >> 13) & 255,
             c = (i >> 5) & 255, d = (i * 7 & 255);
    gzprintf(
        f,
        "{\"hash\": %ld, \"asn\": \"AS%lu\", \"os\": null, \"timestamp\": "
        "\"2026-11-%02luT10:%02lu:31.207461\", \"isp\": \"Example Telecom %lu\", \"transport\": "
        "\"tcp\", \"_shodan\": {\"region\": \"eu\", \"module\": \"%s\", \"ptr\": true, "
        "\"options\": "
        "{}, \"id\": \"7a1c9f0e-2c55-4c33-9d52-%012lx\", \"crawler\": "
        "\"d905ab419aeb10e9c57a336c7e1aa9629ae4a733\"}, \"hostnames\": [\"host%lu.example.net\"], "
        "\"location\": {\"city\": \"Milano\", \"region_code\": \"25\", \"area_code\": null, "
        "\"longitude\": 9.18951, \"latitude\": 45.46427, \"country_code\": \"IT\", "
        "\"country_name\": \"Italy\"}, \"ip\": %u, \"domains\": [\"example.net\"], \"org\": "
        "\"Azienda Ospedaliera %lu\", \"port\": %d, \"opts\": {}, \"ip_str\": \"%u.%u.%u.%u\", ",
        (long)(i * 48271 % 2147483647), 3000 + i % 900, 1 + i % 28, i % 60, i % 40, module, i, i,
        a << 24 | b << 16 | c << 8 | d, i % 700, port, a, b, c, d);
}

static void write_dicom(gzFile f, unsigned long i)
{
    const char *const *id = classes[i % 4];
    size_t user = 8 + 4 + strlen(id[0]) + 4 + strlen(id[1]);
    write_common(f, i, "dicom", i % 3 ? 104 : 11112);
    gzprintf(
        f, "\"data\": \"DICOM Server Response\\n\\\\x02\\\\x00\\\\x00\\\\x00\\\\x%02x\\\\x%02x",
        (unsigned)((68 + 25 + 29 + 4 + user) >> 8), (unsigned)((68 + 25 + 29 + 4 + user) & 255));
    gzprintf(f, "\\\\x00\\\\x01\\\\x00\\\\x00ANY-SCP         ECHOSCU         ");
    for (int k = 0; k < 32; k++)
        gzprintf(f, "\\\\x00");
    gzprintf(f,
             "\\\\x10\\\\x00\\\\x00\\\\x151.2.840.10008.3.1.1.1!\\\\x00\\\\x00\\\\x19\\\\x01\\\\x00"
             "\\\\x00\\\\x00@\\\\x00\\\\x00\\\\x111.2.840.10008.1.2P\\\\x00\\\\x00\\\\x%02x",
             (unsigned)user);
    gzprintf(f,
             "Q\\\\x00\\\\x00\\\\x04\\\\x00\\\\x00@\\\\x00R\\\\x00\\\\x00\\\\x%02x%sU\\\\x00\\\\x00"
             "\\\\x%02x%s\", \"tags\": [\"medical\"]}\n",
             (unsigned)strlen(id[0]), id[0], (unsigned)strlen(id[1]), id[1]);
}

static void write_page(gzFile f, unsigned long i)
{
    write_common(f, i, "http", 8042);
    gzprintf(
        f,
        "\"http\": {\"status\": 200, \"title\": \"Orthanc Explorer\", \"server\": null, \"host\": "
        "\"host\", \"location\": \"/app/explorer.html\", \"html\": "
        "\"<html><head><title>Orthanc Explorer</title></head></html>\", \"favicon\": {\"hash\": "
        "-1499940355}, \"html_hash\": %lu}, \"data\": \"HTTP/1.1 200 OK\\r\\nConnection: "
        "close\\r\\nContent-Type: text/html\\r\\nContent-Length: 4471\\r\\n\\r\\n\", \"product\": "
        "\"Orthanc\", \"version\": \"1.%lu.%lu\", \"cpe\": [\"cpe:/a:orthanc-server:orthanc\"], "
        "\"vulns\": {\"CVE-2023-33466\": {\"verified\": false, \"cvss\": 8.8}}}\n",
        i, 5 + i % 8, i % 5);
}

static void write_hl7(gzFile f, unsigned long i)
{
    write_common(f, i, "hl7", 2575);
    gzprintf(f,
             "\"data\": \"\\u000bMSH|^~\\\\&|MIRTH|HOSPITAL|||20261122||ACK|%lu|P|2.3\\rMSA|AE|1\\r"
             "\\u001c\\r\", \"product\": null, \"info\": null, \"tags\": []}\n",
             i);
}

static void generate(const char *path, unsigned long n, bool gz)
{
    gzFile f = gzopen(path, gz ? "wb1" : "wbT");
    if (!f)
        exit(1);
    for (unsigned long i = 0; i < n; i++)
        (i % 10 < 6 ? write_dicom : i % 10 < 9 ? write_page : write_hl7)(f, i);
    gzclose(f);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int run(const char *folder, const char *path)
{
    struct inventory *v;
    struct diag d = {0};
    struct source_sum sum;
    struct source_run r = {.shards = 1, .what = path};
    if (inventory_open(folder, INVENTORY_CREATE, STR(""), &v, NULL, &d) != OK ||
        inventory_survey(v, STR("bench"), &r.survey, &d) != OK) {
        fprintf(stderr, "%s\n", d.text);
        return 1;
    }
    r.inventory = v;
    double cpu = cpu_seconds();
    int64_t began = clock_us();
    err_t e = source_import(&r, &sum, &d);
    double s = (double)(clock_us() - began) / 1e6;
    cpu = cpu_seconds() - cpu;
    inventory_close(v);
    if (e != OK) {
        fprintf(stderr, "%s\n", d.text);
        return 1;
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%llu records (%llu malformed), %llu endpoints in %.2f s: %.0f records/s, CPU %.2f s, "
           "peak %.1f MiB\n",
           (unsigned long long)sum.records, (unsigned long long)sum.bad,
           (unsigned long long)sum.endpoints, s, (double)sum.records / s, cpu,
           (double)u.ru_maxrss / 1024);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st, (void)kind, (void)f;
    return remove(path);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/survey-import-XXXXXX", path[PATH_ROOM], site[PATH_ROOM];
    if (argc < 2 || !mkdtemp(folder)) {
        fprintf(stderr, "usage: survey_import RECORDS|FILE [gz]\n");
        return 2;
    }
    char *end;
    unsigned long n = strtoul(argv[1], &end, 10);
    snprintf(path, sizeof path, *end ? "%s" : "%s/export.json", *end ? argv[1] : folder);
    snprintf(site, sizeof site, "%s/site", folder);
    if (!*end)
        generate(path, n, argc > 2);
    struct stat st;
    if (stat(path, &st) == 0 && n)
        printf("%.0f bytes a record%s\n", (double)st.st_size / (double)n,
               argc > 2 ? " (gzip)" : "");
    int status = run(site, path);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}
