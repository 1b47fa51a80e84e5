/* Up to where each pack is in the index. Records are handed to the committer by the threads that
 * wrote them, and two records of one pack may come in either order: the mark moves only over what
 * is in the index without a gap, since start-up replays nothing before it. */
#ifndef LASTRA_ARCHIVE_MARKS_H
#define LASTRA_ARCHIVE_MARKS_H

#include "base/err.h"
#include "store/pack.h"

enum { MARKS_AHEAD = 64 };

struct mark_span {
    uint64_t from, to;
};

/* One pack: whole up to `done`, and spans in the index beyond a gap. */
struct mark {
    uint32_t pack;
    uint64_t done;
    struct mark_span ahead[MARKS_AHEAD];
    size_t n_ahead;
    bool looked; /* what stands at looked_at is a record that will be handed over */
    uint64_t looked_at;
};

struct marks {
    struct mark *at;
    size_t n, cap;
};

void marks_done(struct marks *m);

/* The mark of a pack; NULL when it is not known yet. */
struct mark *marks_find(struct marks *m, uint32_t pack);
/* A new one; NULL when out of memory. */
struct mark *marks_add(struct marks *m, uint32_t pack, uint64_t done);
void marks_clear(struct marks *m);

/* A record is in the index. The mark moves over it and over what stood ahead, as far as there is no
 * gap; removed records and tombstones, which nobody hands over, are no gap (the packs are asked).
 */
void mark_record(struct mark *m, struct packs *packs, uint64_t from, uint64_t to);

#endif
