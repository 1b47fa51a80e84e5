#include "survey/source/capture/macs.h"

#include <stdio.h>
#include <stdlib.h>

err_t macs_init(struct macs *m)
{
    m->n = 0;
    m->table = calloc(MACS_MAX, sizeof *m->table);
    return m->table ? OK : E_NOMEM;
}

void macs_done(struct macs *m)
{
    free(m->table);
    m->table = NULL;
}

/* Its entry, or the free one where it belongs; NULL when the table is full. */
static struct mac_entry *find(const struct macs *m, struct str mac)
{
    size_t at = str_hash(mac) % MACS_MAX;
    for (size_t i = 0; i < 64; i++) {
        struct mac_entry *e = &m->table[(at + i) % MACS_MAX];
        if (!e->used || memcmp(e->mac, mac.p, MAC_SIZE) == 0)
            return e;
    }
    return NULL;
}

static bool add(struct ip *list, uint8_t *n, unsigned max, const struct ip *ip)
{
    for (unsigned i = 0; i < *n; i++)
        if (ip_cmp(&list[i], ip) == 0)
            return true;
    if (*n == max)
        return false;
    list[(*n)++] = *ip;
    return true;
}

void macs_note(struct macs *m, struct str mac, const struct ip *ip)
{
    static const char none[MAC_SIZE];
    if (mac.n != MAC_SIZE || mac.p[0] & 1 || memcmp(mac.p, none, MAC_SIZE) == 0)
        return;
    struct mac_entry *e = find(m, mac);
    if (!e || e->router)
        return;
    if (!e->used) {
        e->used = true;
        memcpy(e->mac, mac.p, MAC_SIZE);
        m->n++;
    }
    bool fits =
        ip_is_v4(ip) ? add(e->v4, &e->n_v4, MAC_V4_MAX, ip) : add(e->v6, &e->n_v6, MAC_V6_MAX, ip);
    e->router = !fits;
}

struct str macs_text(const struct macs *m, struct str mac, char buf[MAC_TEXT])
{
    if (mac.n != MAC_SIZE)
        return STR("");
    const struct mac_entry *e = find(m, mac);
    if (!e || !e->used || e->router)
        return STR("");
    const uint8_t *b = e->mac;
    int n = snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
                     b[5]);
    return str_of(buf, (size_t)n);
}
