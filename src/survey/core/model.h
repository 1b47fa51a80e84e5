/* What the survey concludes: systems, and findings about them. Plain data, kept by the inventory.
 * All text is from evidence or from our tables; whoever shows it escapes it. */
#ifndef LASTRA_SURVEY_CORE_MODEL_H
#define LASTRA_SURVEY_CORE_MODEL_H

#include "survey/core/ip.h"

enum sys_type {
    TYPE_none, /* nothing medical about it */
#define TYPE(id, en, it) TYPE_##id,
#include "survey/core/model.def"
#undef TYPE
    TYPE_COUNT
};

/* "pacs"; empty for TYPE_none. */
struct str type_name(enum sys_type t);
/* TYPE_none when there is no such name. */
enum sys_type type_by_name(struct str name);

enum confidence { CONF_none, CONF_low, CONF_medium, CONF_high };
struct str confidence_name(enum confidence c);

/* How far a conclusion was verified (DESIGN: port open, protocol spoken, product named, version
 * read). */
enum verification { VER_none, VER_port, VER_protocol, VER_product, VER_version };
struct str verification_name(enum verification v);

enum severity { SEV_info, SEV_low, SEV_medium, SEV_high, SEV_critical, SEV_COUNT };
struct str severity_name(enum severity s);

/* How a vulnerability was matched. */
enum match_state {
    STATE_none,
    STATE_confirmed,    /* the version was read and is in the affected range */
    STATE_potential,    /* the toolkit's banner says so; the product may have mended it */
    STATE_all_versions, /* every version is affected */
    STATE_asserted,     /* a search engine says so */
    STATE_unknown,      /* the product is affected in some versions, ours was not read */
    STATE_COUNT
};
struct str state_name(enum match_state s);

/* A name that was concluded, how surely, and from what:
 * "dicom_class_uid 1.2.276.0.7230010.3.0.3.6.7 (fp001)". */
struct answer {
    struct str vendor, name, version;
    enum confidence conf;
    struct str why;
    bool said; /* the version is the word of a search engine or scanner; not in the inventory */
};

/* One system: the endpoints of one host that are the same product or, where none is named, the same
 * type. */
struct system {
    int64_t id; /* in the inventory; 0 before */
    struct ip ip;
    uint16_t port;    /* the endpoint that tells most */
    struct str ports; /* all of them: "4242/dicom 8042/http" */
    enum sys_type type;
    enum confidence type_conf;
    struct str type_why;
    struct answer product; /* what it is */
    struct answer toolkit; /* what it is built with */
    struct answer vendor;  /* whose it is: only vendor, conf and why are set */
    enum verification level;
    /* Openness, for counting: -1 not known, 0 no, 1 yes. */
    int8_t open_calling, open_called, open_query, open_retrieve, open_store, open_print;
    int8_t cleartext, tls, web_open, is_public;
    int64_t studies, images;              /* -1 not counted */
    uint64_t clear_objects, clear_values; /* seen in clear in traffic */
    struct str clear_fields;              /* "PatientName 12, PatientID 12" */
    /* Of its host. */
    struct str hostname, country, city, site, zone, owner, organisation, maker;
    struct str first_seen, last_seen; /* YYYY-MM-DD; set when read from the inventory */
    struct str changed; /* when its conclusions last differed from the survey before */
    bool stale;         /* in the inventory, but not seen in this survey's last look */
};

struct finding {
    int64_t id, system; /* in the inventory */
    struct str kind;    /* of assess/findings.def: "accepts_any_calling_ae", "vulnerability", ... */
    enum severity severity;
    enum verification level;
    uint16_t port;
    struct str evidence, evidence_it; /* in words, English and Italian; never a patient's value */
    /* Of a vulnerability; else empty. */
    enum match_state state;
    struct str cve, advisory, cvss_source,
        component;         /* component: the toolkit it is in, or empty */
    struct str cves;       /* of a finding that stands for several: theirs, separated by spaces */
    int cvss;              /* times 10; -1 unknown */
    bool exploited;        /* in CISA's catalogue */
    struct str references; /* separated by spaces */
    /* An accepted risk covers it until then; empty: none. */
    struct str accepted_by, accepted_until, accepted_why;
};

/* Who talks to whom, from captures. */
struct flow {
    struct ip client, server;
    uint16_t port;
    struct str protocol; /* dicom hl7 http fhir tls other */
    bool clear;
    uint64_t connections, bytes, messages;
    struct str
        fields; /* identifying fields in clear, with counts: "PatientName 12, PatientID 12" */
    struct str details;                /* AE titles, commands: "STORESCU > PACS C-STORE 12" */
    struct str client_mac, server_mac; /* empty when not in the capture */
    struct str vantage;                /* where the capture was taken */
};

#endif
