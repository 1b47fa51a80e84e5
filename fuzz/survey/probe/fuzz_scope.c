/* Any text as a scope file: it is refused with a place, or what it grants keeps to the rules. */
#include <assert.h>

#include "base/wr.h"
#include "survey/source/probe/scope.h"

static void check(const struct scope *s)
{
    const char *why;
    uint64_t hosts = scope_hosts(s), last = 0;
    assert(*s->owner && *s->permission && s->n_ports > 0 && hosts > 0);
    assert(scope_day_allowed(s, "2026-11-22"));
    assert(s->rate >= 1 && s->rate <= 1000);
    for (size_t i = 0; i < s->n_ports; i++) {
        uint16_t port = s->ports[i].port;
        assert(port != 0 && port != 515 && port != 631 && (port < 9100 || port > 9107));
    }
    for (uint64_t i = 0; i < hosts && i < 1000; i++) {
        struct ip ip = scope_host_at(s, i * (hosts / 1000 + 1) % hosts);
        (void)scope_allows(s, &ip, &why);
    }
    struct ip first = scope_host_at(s, 0), end = scope_host_at(s, hosts - 1);
    assert(hosts == 1 || ip_cmp(&first, &end) < 0);
    assert(scope_size(s) / s->n_ports <= hosts);
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scope *s;
    struct diag d = {""};
    err_t e = scope_parse(str_of(data, size), "scope", "2026-11-22", &s, &d);
    if (e != OK) {
        assert(d.text[0] || e == E_NOMEM);
        return 0;
    }
    check(s);
    (void)scope_name_forbidden(s, STR("icu-monitor.example"));
    (void)scope_mac_forbidden(s, STR("00:1a:2b:3c:4d:5e"));
    scope_free(s);
    return 0;
}
