#include "io/pcap.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/size.h"
#include "io/pcap_lib.h"

enum {
    FILE_BUFFER = 256 << 10, /* what is asked of the reader at once */
    SNAPLEN = 262144,        /* whole packets, with what offloading makes of them */
    RING = 16 << 20,         /* the system's buffer of an interface: a burst at 10 Gbit/s */
    HAND_OVER_MS = 100       /* how long the system may gather packets before it hands them over */
};

struct packets {
    struct pcap_lib lib;
    pcap_t *pcap;
    packets_read_fn *read;
    void *ctx;
    err_t read_err;
    char *buffer; /* of the stream */
    int fd;       /* of an interface, else -1 */
};

/* What stdio asks of us in the name of libpcap. */
static ssize_t cookie_read(void *cookie, char *buf, size_t n)
{
    struct packets *p = cookie;
    size_t got = 0;
    if (p->read_err == OK)
        p->read_err = p->read(p->ctx, buf, n, &got);
    if (p->read_err != OK) {
        errno = EIO;
        return -1;
    }
    return (ssize_t)got;
}

static err_t make(struct packets **ret, struct diag *d)
{
    struct packets *p = calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    p->fd = -1;
    err_t e = pcap_lib_load(&p->lib, d);
    if (e != OK) {
        packets_close(p);
        return e;
    }
    *ret = p;
    return OK;
}

static err_t open_stream(struct packets *p, struct diag *d)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    p->buffer = malloc(FILE_BUFFER);
    if (!p->buffer)
        return E_NOMEM;
    FILE *f = fopencookie(p, "rb", (cookie_io_functions_t){.read = cookie_read});
    if (!f)
        return E_NOMEM;
    (void)setvbuf(f, p->buffer, _IOFBF, FILE_BUFFER);
    p->pcap = p->lib.pcap_fopen_offline(f, why); /* which closes f with the capture */
    if (p->pcap)
        return OK;
    (void)fclose(f);
    return p->read_err != OK ? p->read_err : diag_set(d, E_UNSUPPORTED, "not a capture: %s", why);
}

err_t packets_open_stream(packets_read_fn *read, void *ctx, struct packets **ret, struct diag *d)
{
    struct packets *p;
    TRY(make(&p, d));
    p->read = read;
    p->ctx = ctx;
    err_t e = open_stream(p, d);
    if (e != OK)
        packets_close(p);
    else
        *ret = p;
    return e;
}

static err_t activate(struct packets *p, const char *name, struct diag *d)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    p->pcap = p->lib.pcap_create(name, why);
    if (!p->pcap)
        return diag_set(d, E_IO, "%s: %s", name, why);
    (void)p->lib.pcap_set_snaplen(p->pcap, SNAPLEN);
    (void)p->lib.pcap_set_promisc(p->pcap, 0);
    (void)p->lib.pcap_set_timeout(p->pcap, HAND_OVER_MS);
    (void)p->lib.pcap_set_buffer_size(p->pcap, RING);
    int status = p->lib.pcap_activate(p->pcap); /* above 0: a warning */
    if (status == PCAP_ERROR_NO_SUCH_DEVICE)
        return diag_set(d, E_NOTFOUND, "there is no interface %s", name);
    if (status == PCAP_ERROR_PERM_DENIED)
        return diag_set(d, E_DENIED,
                        "capturing from %s needs the right to (CAP_NET_RAW: setcap or root)", name);
    if (status < 0)
        return diag_set(d, E_IO, "%s: %s", name, p->lib.pcap_statustostr(status));
    if (p->lib.pcap_setnonblock(p->pcap, 1, why) != 0)
        return diag_set(d, E_IO, "%s: %s", name, why);
    p->fd = p->lib.pcap_get_selectable_fd(p->pcap);
    return p->fd >= 0 ? OK : diag_set(d, E_UNSUPPORTED, "%s cannot be waited for", name);
}

err_t packets_open_interface(const char *name, struct packets **ret, struct diag *d)
{
    struct packets *p;
    TRY(make(&p, d));
    err_t e = activate(p, name, d);
    if (e != OK)
        packets_close(p);
    else
        *ret = p;
    return e;
}

void packets_close(struct packets *p)
{
    if (!p)
        return;
    if (p->pcap)
        p->lib.pcap_close(p->pcap);
    pcap_lib_done(&p->lib);
    free(p->buffer);
    free(p);
}

enum packets_link packets_link(const struct packets *p)
{
    return (enum packets_link)p->lib.pcap_datalink(p->pcap);
}

const char *packets_link_name(const struct packets *p)
{
    const char *name = p->lib.pcap_datalink_val_to_name(p->lib.pcap_datalink(p->pcap));
    return name ? name : "unknown";
}

static enum step fail(struct packets *p, err_t *ret_err, struct diag *d)
{
    *ret_err = p->read_err;
    if (p->read_err == OK)
        *ret_err = diag_set(d, p->fd >= 0 ? E_IO : E_DAMAGED, "%s", p->lib.pcap_geterr(p->pcap));
    return STEP_FAIL;
}

static void wait_for(const struct packets *p, int wait_ms, const struct stop *stop)
{
    struct pollfd fds[] = {{.fd = p->fd, .events = POLLIN},
                           {.fd = stop ? stop->fd : -1, .events = POLLIN}};
    (void)poll(fds, COUNT(fds), wait_ms);
}

enum step packets_next(struct packets *p, int wait_ms, const struct stop *stop,
                       struct packet_bytes *ret, err_t *ret_err, struct diag *d)
{
    struct pcap_pkthdr *head = NULL;
    const unsigned char *bytes = NULL;
    int got = p->lib.pcap_next_ex(p->pcap, &head, &bytes);
    if (got == 0 && p->fd >= 0) {
        wait_for(p, wait_ms, stop);
        got = p->lib.pcap_next_ex(p->pcap, &head, &bytes);
    }
    if (got == PCAP_ERROR_BREAK)
        return STEP_DONE;
    if (got < 0)
        return fail(p, ret_err, d);
    if (got == 0)
        return STEP_MORE;
    ret->bytes = str_of(bytes, head->caplen);
    ret->wire = head->len;
    ret->us = (int64_t)head->ts.tv_sec * 1000000 + (int64_t)head->ts.tv_usec;
    return STEP_EVENT;
}

uint64_t packets_lost(struct packets *p)
{
    struct pcap_stat s = {0};
    if (p->fd < 0 || p->lib.pcap_stats(p->pcap, &s) != 0)
        return 0;
    return (uint64_t)s.ps_drop + s.ps_ifdrop;
}
