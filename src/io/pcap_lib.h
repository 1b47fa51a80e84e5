/* Inside of io only: libpcap, loaded when a capture is opened rather than with the program
 * (unpack_lib.h says why). */
#ifndef LASTRA_IO_PCAP_LIB_H
#define LASTRA_IO_PCAP_LIB_H

#include <stdio.h>
#include <sys/time.h>

#include <pcap/pcap.h>

#include "base/err.h"

#define PCAP_LIB_CALLS(CALL)                                                                       \
    CALL(pcap_activate)                                                                            \
    CALL(pcap_close)                                                                               \
    CALL(pcap_create)                                                                              \
    CALL(pcap_datalink)                                                                            \
    CALL(pcap_datalink_val_to_name)                                                                \
    CALL(pcap_fopen_offline)                                                                       \
    CALL(pcap_get_selectable_fd)                                                                   \
    CALL(pcap_geterr)                                                                              \
    CALL(pcap_next_ex)                                                                             \
    CALL(pcap_set_buffer_size)                                                                     \
    CALL(pcap_set_promisc)                                                                         \
    CALL(pcap_set_snaplen)                                                                         \
    CALL(pcap_set_timeout)                                                                         \
    CALL(pcap_setnonblock)                                                                         \
    CALL(pcap_stats)                                                                               \
    CALL(pcap_statustostr)

struct pcap_lib {
    void *handle; /* NULL: not loaded */
#define CALL(name) __typeof__(name) *name;
    PCAP_LIB_CALLS(CALL)
#undef CALL
};

/* E_UNSUPPORTED: it is not installed. */
err_t pcap_lib_load(struct pcap_lib *l, struct diag *d) MUST_CHECK;
/* Also on a zeroed one. */
void pcap_lib_done(struct pcap_lib *l);

#endif
