#include "access/audit_names.h"

const struct audit_role_code audit_role_codes[AUDIT_ROLES] = {
    [AUDIT_NO_ROLE] = {STR_INIT(""), STR_INIT("")},
    [AUDIT_APPLICATION] = {STR_INIT("110150"), STR_INIT("Application")},
    [AUDIT_LAUNCHER] = {STR_INIT("110151"), STR_INIT("Application Launcher")},
    [AUDIT_DESTINATION] = {STR_INIT("110152"), STR_INIT("Destination Role ID")},
    [AUDIT_SOURCE] = {STR_INIT("110153"), STR_INIT("Source Role ID")},
    [AUDIT_DESTINATION_MEDIA] = {STR_INIT("110154"), STR_INIT("Destination Media")},
    [AUDIT_SOURCE_MEDIA] = {STR_INIT("110155"), STR_INIT("Source Media")},
};

const struct audit_object_code audit_object_codes[AUDIT_OBJECT_KINDS] = {
    [AUDIT_PATIENT] = {1, 1, STR_INIT("2"), STR_INIT("RFC-3881"), STR_INIT("Patient Number"),
                       STR_INIT("patient")},
    [AUDIT_STUDY] = {2, 3, STR_INIT("110180"), STR_INIT("DCM"), STR_INIT("Study Instance UID"),
                     STR_INIT("study")},
    [AUDIT_SOP_CLASS_QUERIED] = {2, 3, STR_INIT("110181"), STR_INIT("DCM"),
                                 STR_INIT("SOP Class UID"), STR_INIT("asked")},
    [AUDIT_NODE] = {2, 13, STR_INIT("110182"), STR_INIT("DCM"), STR_INIT("Node ID"),
                    STR_INIT("node")},
    [AUDIT_USER] = {2, 13, STR_INIT("11"), STR_INIT("RFC-3881"), STR_INIT("User Identifier"),
                    STR_INIT("user")},
    [AUDIT_LOG] = {2, 13, STR_INIT("12"), STR_INIT("RFC-3881"), STR_INIT("URI"), STR_INIT("log")},
};

struct str audit_clip(struct str s, size_t max)
{
    if (s.n <= max)
        return s;
    s.n = max;
    while (s.n && ((uint8_t)s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}
