/* Item types of the A-ASSOCIATE PDUs (PS3.8 9.3.2, 9.3.3; PS3.7 annex D.3.3) and the bits of a
 * PDV's message control header (PS3.8 E.2): for the codecs' own files. */
#ifndef LASTRA_DIMSE_PDU_ITEM_H
#define LASTRA_DIMSE_PDU_ITEM_H

enum pdu_item {
    ITEM_APPLICATION = 0x10,
    ITEM_CONTEXT_RQ = 0x20,
    ITEM_CONTEXT_AC = 0x21,
    ITEM_ABSTRACT = 0x30,
    ITEM_TRANSFER = 0x40,
    ITEM_USER = 0x50,
    ITEM_MAX_LENGTH = 0x51,
    ITEM_IMPLEMENTATION = 0x52,
    ITEM_OPERATIONS = 0x53,
    ITEM_ROLE = 0x54,
    ITEM_VERSION = 0x55,
    ITEM_EXTENDED = 0x56,
    ITEM_COMMON = 0x57,
    ITEM_IDENTITY = 0x58,
    ITEM_IDENTITY_ANSWER = 0x59,
};

enum pdv_bits { PDV_COMMAND = 1, PDV_LAST = 2 };

#endif
