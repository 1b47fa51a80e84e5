#include "serve/dimse/service.h"

#include "base/size.h"

static const struct service *const services[] = {
#define SERVICE(word) &service_##word,
#include "serve/dimse/services.def"
#undef SERVICE
};

const struct service *service_at(size_t i)
{
    return i < COUNT(services) ? services[i] : NULL;
}

const struct service_class *service_class_of(const struct service *s, struct str sop_class)
{
    for (size_t i = 0; i < s->n_classes; i++)
        if (str_eq(s->classes[i].uid, sop_class))
            return &s->classes[i];
    return NULL;
}

static bool offers(const struct service *s, struct str sop_class)
{
    return service_class_of(s, sop_class) || (s->takes && s->takes(sop_class));
}

const struct service *service_for(uint16_t field, struct str abstract_syntax)
{
    for (size_t i = 0; i < COUNT(services); i++)
        if (services[i]->field == field && offers(services[i], abstract_syntax))
            return services[i];
    return NULL;
}
