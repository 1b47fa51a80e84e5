/* Which endpoints of a host are one system. */
#ifndef LASTRA_SURVEY_IDENTIFY_GROUP_H
#define LASTRA_SURVEY_IDENTIFY_GROUP_H

#include "survey/identify/judge.h"
#include "survey/inventory/inventory.h"

enum { NO_GROUP = -1 };

/* An endpoint with what it points to. The host's own facts (port 0) stand in none. */
struct place {
    const struct endpoint *endpoint;
    struct clues clues;
    struct verdict verdict; /* of this endpoint alone */
    int group;
};

/* Numbers the groups from 0; places without anything medical get NO_GROUP. Returns how many. */
int group_places(struct place *places, size_t n);

#endif
