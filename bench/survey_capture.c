/* `survey_capture [MEGABYTES [FOLDER [LOAD]]]`: makes captures of that size and reads them into a
 * survey folder, and prints seconds and memory of each reading. Asked for: 1000 MB in 4 s, 100 MiB.
 *
 *   segments  C-STORE of 512 kB objects in segments of 1448 bytes
 *   joined    the same in segments of 64 KiB, as a card that joins them hands them over
 *   small     C-STORE of 8 kB objects, ten an association
 *   hl7       ADT messages and their acknowledgements
 *   http      pages of 20 kB, ten a connection
 *   other     connections of a protocol that is none of ours
 *   flood     connections of a few bytes, each between other addresses
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"
#include "survey/capture/pcap_make.h"
#include "survey/source/source.h"

enum { CHUNK = 1 << 20 };

struct out {
    int fd;
    uint64_t n;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static err_t to_file(void *ctx, struct str bytes)
{
    struct out *o = ctx;
    while (bytes.n) {
        ssize_t n = write(o->fd, bytes.p, bytes.n);
        if (n <= 0)
            die("write");
        o->n += (uint64_t)n;
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

static struct make_conn next_conn(uint32_t i, uint16_t port)
{
    struct make_conn c = make_conn(0x0a000000 + i % 199, 0x0a010000 + i % 23, port);
    c.client_port = (uint16_t)(1024 + i % 60000);
    c.seq[0] = i * 7919;
    return c;
}

static void add_store(struct make *m, uint32_t i, size_t pixels, unsigned n)
{
    struct make_conn c = next_conn(i, 104);
    make_association(m, &c, "BENCH^PATIENT", n, pixels);
}

static void add_large(struct make *m, uint32_t i)
{
    add_store(m, i, 512 << 10, 20);
}

static void add_small(struct make *m, uint32_t i)
{
    add_store(m, i, 8000, 10);
}

static void add_hl7(struct make *m, uint32_t i)
{
    struct make_conn c = next_conn(i, 2575);
    make_open(m, &c);
    for (int k = 0; k < 50; k++) {
        make_say(m, &c, 0,
                 STR("\x0bMSH|^~\\&|REGIST|SANLUCA|HIS|SANLUCA|20260101||ADT^A01|1|P|2.5\r"
                     "EVN|A01|20260101\rPID|1||4711^^^H||BENCH^PATIENT||19700101|F|||Street 1\r"
                     "PV1|1|I|W^389^1^UABH||||12345^MORGAN^REX^J|||SUR||||ADM|A0\r\x1c\r"));
        make_say(m, &c, 1,
                 STR("\x0bMSH|^~\\&|HIS|SANLUCA|REGIST|SANLUCA|20260101||ACK^A01|1|P|2.5\r"
                     "MSA|AA|1\r\x1c\r"));
    }
    make_close(m, &c);
}

static void add_http(struct make *m, uint32_t i)
{
    static char body[20000];
    struct make_conn c = next_conn(i, 80);
    memset(body, 'x', sizeof body);
    make_open(m, &c);
    for (int k = 0; k < 10; k++) {
        make_say(m, &c, 0, STR("GET /page HTTP/1.1\r\nHost: server\r\nCookie: a=b\r\n\r\n"));
        make_say(m, &c, 1,
                 STR("HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/html\r\n"
                     "Content-Length: 20000\r\n\r\n"));
        make_say(m, &c, 1, str_of(body, sizeof body));
    }
    make_close(m, &c);
}

static void add_other(struct make *m, uint32_t i)
{
    static char body[1 << 20];
    struct make_conn c = next_conn(i, 445);
    make_open(m, &c);
    make_say(m, &c, 0, STR("\xffhello, this is nothing that is known"));
    make_say(m, &c, 1, str_of(body, sizeof body));
    make_close(m, &c);
}

static void add_flood(struct make *m, uint32_t i)
{
    struct make_conn c = next_conn(i, 104);
    c.client = 0x0b000000 + i;
    c.server = 0x0c000000 + i;
    make_open(m, &c);
    make_say(m, &c, 0, STR("x"));
}

static const struct load {
    const char *name;
    void (*add)(struct make *m, uint32_t i);
    size_t segment;
} loads[] = {
    {"segments", add_large, 1448}, {"joined", add_large, 65000}, {"small", add_small, 1448},
    {"hl7", add_hl7, 1448},        {"http", add_http, 1448},     {"other", add_other, 1448},
    {"flood", add_flood, 1448},
};

static void make_capture(const char *path, const struct load *l, uint64_t bytes)
{
    struct out o = {open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 0};
    uint8_t *buf = malloc(CHUNK);
    if (o.fd < 0 || !buf)
        die(path);
    struct make m = make_begin(LINK_ETHERNET, false, CHUNK);
    struct wr sink = wr_sink(buf, CHUNK, to_file, &o);
    wr_put(&sink, wr_str(&m.w));
    make_done(&m);
    m.w = sink;
    m.segment = l->segment;
    for (uint32_t i = 0; o.n < bytes; i++)
        l->add(&m, i);
    if (wr_flush(&m.w) != OK || close(o.fd) != 0)
        die(path);
    free(buf);
}

static void read_capture(const char *path, const char *site, const char *name)
{
    struct source_run r = {.shards = 1, .what = path};
    struct source_sum sum = {0};
    struct diag d = {""};
    int64_t begun = clock_us();
    err_t e = inventory_open(site, INVENTORY_CREATE, STR(""), &r.inventory, NULL, &d);
    if (e == OK)
        e = inventory_survey(r.inventory, STR("bench"), &r.survey, &d);
    if (e == OK)
        e = source_capture(&r, false, &sum, &d);
    inventory_close(r.inventory);
    double seconds = (double)(clock_us() - begun) / 1e6;
    struct rusage u;
    struct stat st = {0};
    if (e != OK || getrusage(RUSAGE_SELF, &u) != 0 || stat(path, &st) != 0) {
        fprintf(stderr, "%s: %s\n", name, diag_text(&d, e));
        exit(1);
    }
    printf("%-9s %6.0f MB %9llu packets %6.2f s %6.0f MB/s %5.1f MiB  %llu endpoints, %llu flows\n",
           name, (double)st.st_size / 1e6, (unsigned long long)sum.records, seconds,
           (double)st.st_size / 1e6 / seconds, (double)u.ru_maxrss / 1024,
           (unsigned long long)sum.endpoints, (unsigned long long)sum.flows);
}

/* Each step in a process of its own, so that memory is that of the step. */
static void apart(void (*step)(const char *path, const char *site, const struct load *l,
                               uint64_t bytes),
                  const char *path, const char *site, const struct load *l, uint64_t bytes)
{
    int status;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        step(path, site, l, bytes);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

static void step_make(const char *path, const char *site, const struct load *l, uint64_t bytes)
{
    (void)site;
    make_capture(path, l, bytes);
}

static void step_read(const char *path, const char *site, const struct load *l, uint64_t bytes)
{
    (void)bytes;
    read_capture(path, site, l->name);
}

int main(int argc, char **argv)
{
    uint64_t megabytes = 1000;
    char path[300], site[300];
    const char *folder = argc > 2 ? argv[2] : "/tmp";
    if (argc > 1 && !str_to_u64(str_z(argv[1]), 100000, &megabytes))
        die("megabytes");
    for (size_t i = 0; i < COUNT(loads); i++) {
        if (argc > 3 && strcmp(argv[3], loads[i].name) != 0)
            continue;
        snprintf(path, sizeof path, "%s/survey-capture-%d.pcap", folder, (int)getpid());
        snprintf(site, sizeof site, "%s/survey-capture-%d.site-%zu", folder, (int)getpid(), i);
        apart(step_make, path, site, &loads[i], megabytes * 1000000);
        apart(step_read, path, site, &loads[i], 0);
        (void)unlink(path);
    }
    printf("survey folders: %s/survey-capture-%d.site-*\n", folder, (int)getpid());
    return 0;
}
