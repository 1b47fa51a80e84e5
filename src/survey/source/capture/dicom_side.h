/* One direction of a DICOM upper layer in a capture (PS3.8 9.3), walked as it comes: associations
 * and command sets are kept until they are whole, of data sets only what their reader wants. After
 * a gap it finds its way again where a PDU begins. */
#ifndef LASTRA_SURVEY_SOURCE_CAPTURE_DICOM_SIDE_H
#define LASTRA_SURVEY_SOURCE_CAPTURE_DICOM_SIDE_H

#include "dimse/pdu.h"
#include "survey/source/capture/dialect.h"

enum {
    ASSOCIATE_MAX = 128 << 10,
    COMMAND_MAX = 16 << 10,
    PDU_LENGTH_MAX = 256 << 20, /* longer: a lie */
};

enum dicom_at {
    AT_LOST, /* in the middle of something */
    AT_HEAD, /* a PDU's first bytes */
    AT_BODY, /* of any PDU but P-DATA-TF */
    AT_PDV,  /* a PDV's first bytes, or the end of its PDU */
    AT_DATA, /* its data */
};

struct dicom_side {
    enum dicom_at at;
    uint8_t head[PDV_HEADER];
    uint8_t n_head, type;
    uint32_t pdu_left, pdv_left; /* pdu_left: behind the PDV that is being read */
    struct pdv pdv;              /* data is not used */
    bool broken;                 /* a part of this PDV, or of its message, is missing */
    struct wr kept;              /* an association's PDU, or a command set */
};

/* What a side tells. */
struct dicom_calls {
    void (*pdu)(void *ctx, enum side side, enum pdu_type type, struct str payload);
    void (*command)(void *ctx, enum side side, uint8_t context, struct str set);
    /* More of a data set; an empty one with last set: a part of it is missing, it is over. */
    void (*data)(void *ctx, enum side side, uint8_t context, struct str bytes, bool last);
    void *ctx;
};

/* At a PDU's begin, or lost. */
void dicom_side_init(struct dicom_side *s, bool lost);
void dicom_side_done(struct dicom_side *s);
void dicom_side_bytes(struct dicom_side *s, enum side side, struct str bytes,
                      const struct dicom_calls *calls);
void dicom_side_gap(struct dicom_side *s, enum side side, uint32_t n,
                    const struct dicom_calls *calls);

/* Whether a PDU begins here, and whose it is. first: the connection's first bytes. */
enum looks dicom_looks(struct str head, bool first);

#endif
