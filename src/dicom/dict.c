#include "dicom/dict.h"

#include "base/size.h"

struct dict_row {
    tag_t tag;
    uint32_t text; /* the keyword, then the name */
    vr_t vr;
    uint8_t keyword_n, name_n, vm;
    uint8_t retired;
};

struct dict_range {
    uint16_t row, last_group, last_element;
};

#include "dicom/dict_table.h"

static const struct str group_length_keyword = STR_INIT("GenericGroupLength");
static const struct str group_length_name = STR_INIT("Group Length");
static const struct str creator_keyword = STR_INIT("PrivateCreator");
static const struct str creator_name = STR_INIT("Private Creator");

static bool in_range(const struct dict_range *r, tag_t tag)
{
    tag_t first = dict_rows[r->row].tag;
    uint16_t g = TAG_GROUP(tag), e = TAG_ELEMENT(tag);
    return g >= TAG_GROUP(first) && g <= r->last_group && e >= TAG_ELEMENT(first) &&
           e <= r->last_element;
}

/* Groups that repeat, and (0020,31xx): few, and looked at only when the tag has no row of its own.
 */
static const struct dict_row *find_range(tag_t tag)
{
    uint16_t g = TAG_GROUP(tag);
    if ((g < 0x5000 || g > 0x7fff) && g != 0x0020)
        return NULL;
    for (size_t i = 0; i < COUNT(dict_ranges); i++)
        if (in_range(&dict_ranges[i], tag))
            return &dict_rows[dict_ranges[i].row];
    return NULL;
}

static const struct dict_row *find(tag_t tag)
{
    if (TAG_IS_PRIVATE(tag))
        return NULL;
    uint32_t at = (uint32_t)(tag * DICT_HASH_FACTOR) >> (32 - DICT_HASH_BITS);
    for (; dict_places[at]; at = (at + 1) % COUNT(dict_places))
        if (dict_rows[dict_places[at] - 1].tag == tag)
            return &dict_rows[dict_places[at] - 1];
    return find_range(tag);
}

static bool is_creator(tag_t tag)
{
    return TAG_IS_PRIVATE(tag) && TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xff;
}

static struct dcm_dict entry_of(const struct dict_row *row, tag_t tag)
{
    const char *text = dict_text + row->text;
    return (struct dcm_dict){
        .tag = tag,
        .vr = row->vr,
        .retired = row->retired,
        .vm = dict_vms[row->vm],
        .keyword = str_of(text, row->keyword_n),
        .name = str_of(text + row->keyword_n, row->name_n),
    };
}

static bool find_rule(tag_t tag, struct dcm_dict *ret)
{
    if (TAG_ELEMENT(tag) == 0)
        *ret = (struct dcm_dict){tag,      VR('U', 'L'),         false,
                                 STR("1"), group_length_keyword, group_length_name};
    else if (is_creator(tag))
        *ret = (struct dcm_dict){tag, VR('L', 'O'), false, STR("1"), creator_keyword, creator_name};
    else
        return false;
    return true;
}

bool dcm_dict_find(tag_t tag, struct dcm_dict *ret)
{
    const struct dict_row *row = find(tag);
    if (!row)
        return find_rule(tag, ret);
    *ret = entry_of(row, tag);
    return true;
}

bool dcm_dict_keyword(struct str keyword, struct dcm_dict *ret)
{
    size_t low = 0, high = COUNT(dict_by_keyword);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct dict_row *row = &dict_rows[dict_by_keyword[mid]];
        int c = str_cmp(keyword, str_of(dict_text + row->text, row->keyword_n));
        if (c == 0) {
            *ret = entry_of(row, row->tag);
            return true;
        }
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

vr_t dcm_dict_vr(tag_t tag)
{
    const struct dict_row *row = find(tag);
    if (row)
        return row->vr;
    if (TAG_ELEMENT(tag) == 0)
        return VR('U', 'L');
    return is_creator(tag) ? VR('L', 'O') : VR_NONE;
}

vr_t dcm_vr_resolve(vr_t vr, bool pixel_signed)
{
    switch (vr) {
    case VR_US_OR_SS:
        return pixel_signed ? VR('S', 'S') : VR('U', 'S');
    case VR_OB_OR_OW:
    case VR_PIXELS:
    case VR_US_OR_OW:
        return VR('O', 'W');
    case VR_OFFSET:
        return VR('U', 'L');
    case VR_STRUCTURE:
    case VR_NONE:
        return VR('U', 'N');
    default:
        return vr;
    }
}

static bool hex_digit(char c, unsigned *ret)
{
    if (c >= '0' && c <= '9')
        *ret = (unsigned)(c - '0');
    else if ((c | 32) >= 'a' && (c | 32) <= 'f')
        *ret = (unsigned)((c | 32) - 'a' + 10);
    else
        return false;
    return true;
}

/* Eight digits with an optional comma in the middle, in optional parentheses. */
static bool parse_numbers(struct str s, tag_t *ret)
{
    if (s.n >= 2 && s.p[0] == '(' && s.p[s.n - 1] == ')')
        s = str_slice(s, 1, s.n - 2);
    tag_t tag = 0;
    size_t digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit;
        if (s.p[i] == ',' && i == 4)
            continue;
        if (!hex_digit(s.p[i], &digit) || digits == 8)
            return false;
        tag = tag << 4 | digit;
        digits++;
    }
    if (digits != 8)
        return false;
    *ret = tag;
    return true;
}

bool dcm_tag_parse(struct str s, tag_t *ret)
{
    struct dcm_dict entry;
    if (parse_numbers(s, ret))
        return true;
    if (!dcm_dict_keyword(s, &entry))
        return false;
    *ret = entry.tag;
    return true;
}
