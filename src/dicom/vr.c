#include "dicom/vr.h"

#include "base/size.h"

enum {
    K = DCM_VR_KNOWN,
    L = DCM_VR_KNOWN | DCM_VR_LONG,
    T = DCM_VR_KNOWN | DCM_VR_TEXT | DCM_VR_SPACE,
    C = T | DCM_VR_CHARSET,
    M = DCM_VR_MULTI,
};

struct vr_row {
    uint8_t flags, word, size;
};

/* By letters, so that finding a row is one load. */
#define AT_VR(a, b) ((a) - 'A') * 26 + (b) - 'A'
static const struct vr_row rows[26 * 26] = {
    [AT_VR('A', 'E')] = {T | M, 1, 0},     [AT_VR('A', 'S')] = {T | M, 1, 0},
    [AT_VR('A', 'T')] = {K, 2, 4},         [AT_VR('C', 'S')] = {T | M, 1, 0},
    [AT_VR('D', 'A')] = {T | M, 1, 0},     [AT_VR('D', 'S')] = {T | M, 1, 0},
    [AT_VR('D', 'T')] = {T | M, 1, 0},     [AT_VR('F', 'D')] = {K, 8, 8},
    [AT_VR('F', 'L')] = {K, 4, 4},         [AT_VR('I', 'S')] = {T | M, 1, 0},
    [AT_VR('L', 'O')] = {C | M, 1, 0},     [AT_VR('L', 'T')] = {C, 1, 0},
    [AT_VR('O', 'B')] = {L, 1, 1},         [AT_VR('O', 'D')] = {L, 8, 8},
    [AT_VR('O', 'F')] = {L, 4, 4},         [AT_VR('O', 'L')] = {L, 4, 4},
    [AT_VR('O', 'V')] = {L, 8, 8},         [AT_VR('O', 'W')] = {L, 2, 2},
    [AT_VR('P', 'N')] = {C | M, 1, 0},     [AT_VR('S', 'H')] = {C | M, 1, 0},
    [AT_VR('S', 'L')] = {K, 4, 4},         [AT_VR('S', 'Q')] = {L, 1, 0},
    [AT_VR('S', 'S')] = {K, 2, 2},         [AT_VR('S', 'T')] = {C, 1, 0},
    [AT_VR('S', 'V')] = {L, 8, 8},         [AT_VR('T', 'M')] = {T | M, 1, 0},
    [AT_VR('U', 'C')] = {C | L | M, 1, 0}, [AT_VR('U', 'I')] = {K | DCM_VR_TEXT | M, 1, 0},
    [AT_VR('U', 'L')] = {K, 4, 4},         [AT_VR('U', 'N')] = {L, 1, 1},
    [AT_VR('U', 'R')] = {T | L, 1, 0},     [AT_VR('U', 'S')] = {K, 2, 2},
    [AT_VR('U', 'T')] = {C | L, 1, 0},     [AT_VR('U', 'V')] = {L, 8, 8},
};

static struct vr_row row_of(vr_t vr)
{
    unsigned a = (unsigned)(vr >> 8) - 'A', b = (unsigned)(vr & 0xff) - 'A';
    return a < 26 && b < 26 ? rows[a * 26 + b] : (struct vr_row){0, 1, 0};
}

unsigned dcm_vr_flags(vr_t vr)
{
    return row_of(vr).flags;
}

size_t dcm_vr_word(vr_t vr)
{
    return size_max(row_of(vr).word, 1);
}

size_t dcm_vr_size(vr_t vr)
{
    return row_of(vr).size;
}

struct dcm_vr_name dcm_vr_name(vr_t vr)
{
    if (vr == VR_NONE)
        return (struct dcm_vr_name){"--"};
    return (struct dcm_vr_name){{(char)(vr >> 8), (char)vr, 0}};
}
