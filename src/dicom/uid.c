#include "dicom/uid.h"

#include "base/size.h"

struct uid_row {
    uint32_t text; /* the UID, the keyword, the name */
    uint8_t uid_n, keyword_n, name_n;
    uint8_t type, retired, storage;
};

#include "dicom/uid_table.h"

static struct str uid_of(const struct uid_row *r)
{
    return str_of(uid_text + r->text, r->uid_n);
}

static struct str keyword_of(const struct uid_row *r)
{
    return str_of(uid_text + r->text + r->uid_n, r->keyword_n);
}

static const struct uid_row *by_uid(size_t i)
{
    return &uid_rows[i];
}

static const struct uid_row *by_keyword(size_t i)
{
    return &uid_rows[uid_by_keyword[i]];
}

static const struct uid_row *search(struct str key, const struct uid_row *(*at)(size_t),
                                    struct str (*of)(const struct uid_row *))
{
    size_t low = 0, high = COUNT(uid_rows);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = str_cmp(key, of(at(mid)));
        if (c == 0)
            return at(mid);
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static struct dcm_uid entry_of(const struct uid_row *r)
{
    struct str uid = uid_of(r), keyword = keyword_of(r);
    return (struct dcm_uid){
        .uid = uid,
        .keyword = keyword,
        .name = r->name_n ? str_of(keyword.p + keyword.n, r->name_n) : uid,
        .type = r->type,
        .retired = r->retired,
        .storage = r->storage,
    };
}

bool dcm_uid_find(struct str uid, struct dcm_uid *ret)
{
    const struct uid_row *r = search(uid, by_uid, uid_of);
    if (r)
        *ret = entry_of(r);
    return r;
}

bool dcm_uid_keyword(struct str keyword, struct dcm_uid *ret)
{
    const struct uid_row *r = keyword.n ? search(keyword, by_keyword, keyword_of) : NULL;
    if (r)
        *ret = entry_of(r);
    return r;
}

size_t dcm_uid_count(void)
{
    return COUNT(uid_rows);
}

struct dcm_uid dcm_uid_at(size_t i)
{
    return entry_of(&uid_rows[i]);
}

bool dcm_uid_is_storage(struct str uid)
{
    const struct uid_row *r = search(uid, by_uid, uid_of);
    return r && r->storage;
}

struct str dcm_uid_name(struct str uid)
{
    struct dcm_uid entry;
    return dcm_uid_find(uid, &entry) ? entry.name : uid;
}

bool dcm_uid_valid(struct str uid)
{
    struct str rest = uid, part;
    if (uid.n == 0 || uid.n > DCM_UID_MAX)
        return false;
    while (str_split(&rest, '.', &part)) {
        if (part.n == 0 || (part.n > 1 && part.p[0] == '0'))
            return false;
        for (size_t i = 0; i < part.n; i++)
            if (part.p[i] < '0' || part.p[i] > '9')
                return false;
    }
    return true;
}

struct dcm_uid_text dcm_uid_generate(const uint8_t random[16])
{
    __extension__ unsigned __int128 v = 0;
    struct dcm_uid_text ret = {"2.25."};
    char digits[40];
    size_t n = 0, at = 5;
    for (size_t i = 0; i < 16; i++) {
        uint8_t b = random[i];
        if (i == 6)
            b = (b & 0x0f) | 0x40; /* RFC 4122: version 4 */
        if (i == 8)
            b = (b & 0x3f) | 0x80; /* and its variant */
        v = v << 8 | b;
    }
    for (; v; v /= 10)
        digits[n++] = (char)('0' + (int)(v % 10));
    while (n)
        ret.text[at++] = digits[--n];
    return ret;
}
