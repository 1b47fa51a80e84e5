/* What a capture tells, added up in memory and put into the inventory now and then.
 *
 * Of an endpoint the facts, and what is counted of it since the capture began: put again they say
 * the same. Of a flow (who, to whom, where, in which protocol) what came since it was put last.
 * Both are bounded: gather_full says when it is time to put.
 *
 * Nothing in here is a value of a patient: fields are names and counts, texts are those that name
 * machines and programs, each chosen by its dialect. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_GATHER_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_GATHER_H

#include "survey/source/source.h"
#include "survey/wire/dicom_fields.h"
#include "survey/wire/hl7_answer.h"

enum protocol {
    PROTOCOL_dicom,
    PROTOCOL_hl7,
    PROTOCOL_http,
    PROTOCOL_fhir,
    PROTOCOL_tls,
    PROTOCOL_other,
    PROTOCOLS
};
struct str protocol_name(enum protocol p);

/* Identifying fields of both tables, DICOM's first; where both have a name it is one in the output.
 */
enum { FIELDS = (int)DICOM_FIELDS + (int)HL7_FIELDS };

struct ends {
    struct ip client, server;
    uint16_t port; /* the server's */
};

struct gather;
err_t gather_new(const struct source_run *r, struct gather **ret, struct diag *d) MUST_CHECK;
void gather_free(struct gather *g); /* NULL is fine */

/* The time of what is told from now on. */
void gather_at(struct gather *g, int64_t us);

/* A set to fill, empty; gather_evidence takes it (RAW facts are looked at and dropped). */
struct evidence *gather_scratch(struct gather *g);
void gather_evidence(struct gather *g, const struct ip *ip, uint16_t port);
/* Whether these bytes have not been looked at for this endpoint; they have been from now on. */
bool gather_unseen(struct gather *g, const struct ip *ip, uint16_t port, struct str bytes);

void gather_fact(struct gather *g, const struct ip *ip, uint16_t port, enum ev_kind kind,
                 struct str value);
/* For COUNTED kinds. */
void gather_count(struct gather *g, const struct ip *ip, uint16_t port, enum ev_kind kind,
                  struct str name, uint64_t n);

/* Of a flow; the first time also the server's protocol and transport. */
void gather_flow(struct gather *g, const struct ends *e, enum protocol p, uint64_t connections,
                 uint64_t bytes, uint64_t messages);
/* One more of what `name` says: "STORESCU > PACS C-STORE". */
void gather_detail(struct gather *g, const struct ends *e, enum protocol p, struct str name);
/* Identifying fields, and objects, that passed in clear: of the flow and of its server. */
void gather_fields(struct gather *g, const struct ends *e, enum protocol p,
                   const uint64_t counts[FIELDS]);
void gather_object(struct gather *g, const struct ends *e);
/* A hardware address beside an address of the same segment. One that is seen with many is a
 * router's, and nobody's. */
void gather_mac(struct gather *g, const struct ip *ip, struct str mac);

/* What went wrong since it was made: out of memory. */
err_t gather_error(const struct gather *g);
bool gather_full(const struct gather *g);
/* Puts everything, and makes it durable with the run's position. last: hardware addresses too. */
err_t gather_put(struct gather *g, struct run *run, uint64_t position, bool last) MUST_CHECK;
/* Without putting anything: as if all had been put (it was, by a run that is taken up again). */
void gather_forget(struct gather *g);
/* Endpoints and flows that were put. */
uint64_t gather_endpoints(const struct gather *g);
uint64_t gather_flows(const struct gather *g);

#endif
