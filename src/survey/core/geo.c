#include "survey/core/geo.h"

#include <maxminddb.h>
#include <stdlib.h>

#include "base/size.h"

struct geo {
    MMDB_s db;
};

/* Where the databases that are in use keep the country of an address. */
static const char *const places[][3] = {
    {"country", "iso_code", NULL},
    {"country_code", NULL},
    {"country", NULL},
    {"registered_country", "iso_code", NULL},
};

err_t geo_open(const char *path, struct geo **ret, struct diag *d)
{
    struct geo *g = calloc(1, sizeof *g);
    if (!g)
        return E_NOMEM;
    int s = MMDB_open(path, MMDB_MODE_MMAP, &g->db);
    if (s != MMDB_SUCCESS) {
        free(g);
        return diag_set(d, s == MMDB_FILE_OPEN_ERROR ? E_NOTFOUND : E_DAMAGED,
                        "cannot use %s as a country database: %s", path, MMDB_strerror(s));
    }
    *ret = g;
    return OK;
}

void geo_close(struct geo *g)
{
    if (!g)
        return;
    MMDB_close(&g->db);
    free(g);
}

static bool is_code(const MMDB_entry_data_s *v)
{
    return v->has_data && v->type == MMDB_DATA_TYPE_UTF8_STRING && v->data_size == 2 &&
           v->utf8_string[0] >= 'A' && v->utf8_string[0] <= 'Z' && v->utf8_string[1] >= 'A' &&
           v->utf8_string[1] <= 'Z';
}

bool geo_country(const struct geo *g, const struct ip *ip, char ret[3])
{
    struct addr a;
    int error;
    if (!g)
        return false;
    ip_addr(ip, 0, &a);
    MMDB_lookup_result_s found =
        MMDB_lookup_sockaddr(&g->db, (const struct sockaddr *)&a.sa, &error);
    for (size_t i = 0; error == MMDB_SUCCESS && found.found_entry && i < COUNT(places); i++) {
        MMDB_entry_data_s v;
        if (MMDB_aget_value(&found.entry, &v, places[i]) != MMDB_SUCCESS || !is_code(&v))
            continue;
        memcpy(ret, v.utf8_string, 2);
        ret[2] = '\0';
        return true;
    }
    return false;
}
