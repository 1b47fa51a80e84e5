/* A storage SCP on a thread of its own that takes what the tests send, and misbehaves as it is
 * told; and objects to send. */
#ifndef LASTRA_TESTS_SCU_SCP_H
#define LASTRA_TESTS_SCU_SCP_H

#include <stdatomic.h>

#include "../assoc/rig.h"

struct scp {
    struct rig rig;
    struct stop stop;
    struct crew *crew;
    struct str only; /* accepts this transfer syntax alone, where proposed; empty: the first */
    atomic_int refuse_now;    /* so many associations are rejected for now */
    atomic_bool refuse;       /* all of them, for good */
    atomic_int busy;          /* so many objects are answered Out of Resources */
    atomic_int abort_at;      /* the object with which it aborts, counted down; 0: none */
    atomic_int fail_instance; /* instances ending in this number are refused: Cannot Understand */
    atomic_int associations, objects, at_once, most_at_once;
    atomic_ullong bytes;
};

void scp_start(struct scp *s);
void scp_stop(struct scp *s);
struct scu_peer scp_peer(const struct scp *s);

/* A small CT data set in explicit little endian with so many bytes of pixels: into w. */
void make_dataset(struct wr *w, const char *instance, size_t pixels, enum dcm_encoding encoding);
/* The same as a Part 10 file in a folder. */
void make_file(int dir, const char *name, const char *instance, size_t pixels);

/* A new folder under /tmp; removed with all in it by remove_folder. */
int make_folder(char path[64]);
void remove_folder(const char *path, int dir);

#endif
