/* A visit: one admitted association of a peer, from access_admit to visit_end. It holds the peer as
 * it was when it was admitted, and enforces the peer's limits together with its other visits. A
 * visit belongs to one thread. */
#ifndef LASTRA_ACCESS_VISIT_H
#define LASTRA_ACCESS_VISIT_H

#include "access/peer.h"
#include "io/thread.h"

struct visit;

const struct peer *visit_peer(const struct visit *v);
bool visit_may(const struct visit *v, enum grant g);

/* The peer that a C-MOVE names, as it was at admission: where to send. NULL when the visitor may
 * not move there or nobody knows where that is. */
const struct peer *visit_destination(const struct visit *v, struct str aet);

/* Counts objects and bytes against the peer's limits, and waits as long as it is ahead of them: the
 * peer is slowed down, nothing is refused. Costs nothing where there is no limit. E_STOPPED. */
err_t visit_pace(struct visit *v, uint32_t objects, uint64_t bytes,
                 const struct stop *stop) MUST_CHECK;

void visit_end(struct visit *v); /* NULL is fine */

#endif
