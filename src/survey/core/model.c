#include "survey/core/model.h"

#include "base/size.h"

static const struct str types[TYPE_COUNT] = {
#define TYPE(id, en, it) [TYPE_##id] = STR_INIT(#id),
#include "survey/core/model.def"
#undef TYPE
};

static const struct str confidences[] = {
    [CONF_none] = STR_INIT("none"),
    [CONF_low] = STR_INIT("low"),
    [CONF_medium] = STR_INIT("medium"),
    [CONF_high] = STR_INIT("high"),
};

static const struct str verifications[] = {
    [VER_none] = STR_INIT("none"),
    [VER_port] = STR_INIT("port open"),
    [VER_protocol] = STR_INIT("protocol spoken"),
    [VER_product] = STR_INIT("product named"),
    [VER_version] = STR_INIT("version read"),
};

static const struct str severities[SEV_COUNT] = {
    [SEV_info] = STR_INIT("info"),         [SEV_low] = STR_INIT("low"),
    [SEV_medium] = STR_INIT("medium"),     [SEV_high] = STR_INIT("high"),
    [SEV_critical] = STR_INIT("critical"),
};

static const struct str states[STATE_COUNT] = {
    [STATE_none] = STR_INIT("none"),           [STATE_confirmed] = STR_INIT("confirmed"),
    [STATE_potential] = STR_INIT("potential"), [STATE_all_versions] = STR_INIT("all versions"),
    [STATE_asserted] = STR_INIT("asserted"),   [STATE_unknown] = STR_INIT("unknown version"),
};

static struct str of(const struct str *table, size_t n, unsigned i)
{
    return i < n && table[i].p ? table[i] : STR("");
}

struct str type_name(enum sys_type t)
{
    return of(types, COUNT(types), t);
}

enum sys_type type_by_name(struct str name)
{
    for (unsigned t = TYPE_none + 1; t < TYPE_COUNT; t++)
        if (str_eq(types[t], name))
            return (enum sys_type)t;
    return TYPE_none;
}

struct str confidence_name(enum confidence c)
{
    return of(confidences, COUNT(confidences), c);
}

struct str verification_name(enum verification v)
{
    return of(verifications, COUNT(verifications), v);
}

struct str severity_name(enum severity s)
{
    return of(severities, COUNT(severities), s);
}

struct str state_name(enum match_state s)
{
    return of(states, COUNT(states), s);
}
