/* Verification (PS3.4 A). */
#include "base/size.h"
#include "dicom/uid.h"
#include "serve/dimse/service.h"
#include "serve/dimse/session.h"

static const struct service_class classes[] = {{STR_INIT(UID_Verification), 0}};

static err_t perform(struct session *s, const struct dimse_command *rq)
{
    return session_answer(s, rq, DIMSE_SUCCESS, STR(""));
}

const struct service service_echo = {
    .name = "echo",
    .field = C_ECHO_RQ,
    .grant = GRANT_ECHO,
    .classes = classes,
    .n_classes = COUNT(classes),
    .perform = perform,
};
