#include "archive/attrs.h"

#include "base/size.h"

#define VR_OF(text) VR((text)[0], (text)[1])
#define EXTRA(level, keyword, vr, code)                                                            \
    {TAG_##keyword, VR_OF(vr), LEVEL_##level, ATTR_EXTRA, code, COLUMN_NONE},
#define EQUIPMENT(keyword, vr, code)                                                               \
    {TAG_##keyword, VR_OF(vr), LEVEL_SERIES, ATTR_EQUIPMENT, code, COLUMN_NONE},
#define COLUMN(level, keyword, vr, column, code)                                                   \
    {TAG_##keyword, VR_OF(vr), LEVEL_##level, ATTR_COLUMN, code, COLUMN_##column},

static const struct attr attrs[] = {
#include "archive/attrs.def"
};

const struct attr *attr_find(tag_t tag)
{
    for (size_t i = 0; i < COUNT(attrs); i++)
        if (attrs[i].tag == tag)
            return &attrs[i];
    return NULL;
}

const struct attr *attr_at(size_t i)
{
    return i < COUNT(attrs) ? &attrs[i] : NULL;
}
