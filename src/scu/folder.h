/* A sink for C-GET that keeps objects as files in a folder: UID.dcm, Part 10, written whole under
 * another name first. The name is made of a UID that was checked to be digits and dots; nothing
 * else that the other side sent comes near a path (CVE-2022-2119). */
#ifndef LASTRA_SCU_FOLDER_H
#define LASTRA_SCU_FOLDER_H

#include "scu/query.h"

struct scu_folder {
    int dir;                                                   /* the caller's */
    struct diag diag;                                          /* why an object was not kept */
    uint64_t bytes;                                            /* of the objects that were */
    void (*kept)(void *ctx, const char *name, uint64_t bytes); /* may be NULL */
    void *ctx;
    /* The object under way. */
    int fd;
    uint64_t at;
    unsigned counter;
    char part[32], name[80];
};

void scu_folder_init(struct scu_folder *f, int dir);
struct scu_sink scu_folder_sink(struct scu_folder *f);

#endif
