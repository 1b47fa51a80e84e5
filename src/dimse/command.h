/* DIMSE command sets (PS3.7 9, annex E): group 0000, implicit VR little endian. */
#ifndef LASTRA_DIMSE_COMMAND_H
#define LASTRA_DIMSE_COMMAND_H

#include "base/err.h"
#include "base/str.h"
#include "base/wr.h"

/* Command Field values (PS3.7 E.1). */
enum dimse_field {
    C_STORE_RQ = 0x0001,
    C_STORE_RSP = 0x8001,
    C_GET_RQ = 0x0010,
    C_GET_RSP = 0x8010,
    C_FIND_RQ = 0x0020,
    C_FIND_RSP = 0x8020,
    C_MOVE_RQ = 0x0021,
    C_MOVE_RSP = 0x8021,
    C_ECHO_RQ = 0x0030,
    C_ECHO_RSP = 0x8030,
    N_EVENT_REPORT_RQ = 0x0100,
    N_EVENT_REPORT_RSP = 0x8100,
    N_GET_RQ = 0x0110,
    N_GET_RSP = 0x8110,
    N_SET_RQ = 0x0120,
    N_SET_RSP = 0x8120,
    N_ACTION_RQ = 0x0130,
    N_ACTION_RSP = 0x8130,
    N_CREATE_RQ = 0x0140,
    N_CREATE_RSP = 0x8140,
    N_DELETE_RQ = 0x0150,
    N_DELETE_RSP = 0x8150,
    C_CANCEL_RQ = 0x0fff,
};

/* One struct for all messages: a field that a message lacks is zero, empty or -1. Text is unpadded.
 */
struct dimse_command {
    uint16_t field;          /* (0000,0100) */
    uint16_t message_id;     /* (0000,0110) in requests, (0000,0120) in responses and C-CANCEL */
    uint16_t priority;       /* (0000,0700) */
    uint16_t status;         /* (0000,0900), responses */
    bool has_data;           /* (0000,0800) is not 0101H */
    uint8_t context;         /* presentation context id it came on; not part of the set */
    uint16_t refuse;         /* requests: the status with which it must be refused; 0: none */
    struct str sop_class;    /* Affected or Requested SOP Class UID */
    struct str sop_instance; /* Affected or Requested SOP Instance UID */
    struct str move_destination; /* (0000,0600) */
    struct str originator;       /* (0000,1030) Move Originator AE Title */
    uint16_t originator_id;      /* (0000,1031) */
    struct str comment;          /* (0000,0902) Error Comment, at most 64 characters are sent */
    struct str offending; /* (0000,0901) Offending Element: tags as 4 bytes each, little endian */
    int remaining, completed, failed, warning; /* (0000,1020) to (0000,1023); -1: not there */
    uint16_t event_type, action_type;
};

/* An empty command of this field, counts at -1. */
struct dimse_command dimse_command(uint16_t field, uint16_t message_id);

/* The response to a request with this status: field, id, class and instance taken over. */
struct dimse_command dimse_response(const struct dimse_command *rq, uint16_t status);

/* Reads a command set; views into `bytes`. A lying group length and unknown elements are passed
 * over. E_MALFORMED when it cannot even be answered (not a command set; no Command Field, Message
 * ID, Data Set Type or Status). A request with a value that is missing or must not go further (a
 * UID of 65 bytes or with an empty component, a control character in an AE title, no data set where
 * one belongs) is OK with ret->refuse set and that value left empty; in a response such a value is
 * only left empty. d says which it was. */
err_t dimse_command_parse(struct str bytes, struct dimse_command *ret, struct diag *d) MUST_CHECK;

/* Writes it with its group length. */
void dimse_command_write(const struct dimse_command *c, struct wr *w);

/* Whether a message of this Command Field is a request (C-CANCEL counts as one). */
bool dimse_is_request(uint16_t field);
/* "C-STORE-RQ"; "unknown command" otherwise. */
const char *dimse_field_text(uint16_t field);

/* Status codes (PS3.7 annex C, PS3.4): names, and their class. */
enum dimse_status {
#define STATUS(name, code, text) DIMSE_##name = code,
#include "dimse/status.def"
#undef STATUS
};
bool dimse_is_pending(uint16_t status);
bool dimse_is_warning(uint16_t status);
bool dimse_is_success(uint16_t status);
/* In words, for people; "unknown status" otherwise. */
const char *dimse_status_text(uint16_t status);

#endif
