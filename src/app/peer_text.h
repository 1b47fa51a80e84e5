/* Peers as text: the list, one in full, JSON, and the line that stands in the audit trail. */
#ifndef LASTRA_APP_PEER_TEXT_H
#define LASTRA_APP_PEER_TEXT_H

#include "access/peer.h"
#include "base/json.h"

/* "TLS with 2 certificates", "cleartext: why", "cleartext from loopback". */
void peer_write_transport(const struct peer *p, struct wr *w);
/* One line: networks, transport, grants, destinations. For the list and the audit trail. */
void peer_write_line(const struct peer *p, struct wr *w);
/* Everything, a "name: value" line each. */
void peer_write_full(const struct peer *p, struct wr *w);
void peer_write_json(const struct peer *p, struct json *j);

#endif
