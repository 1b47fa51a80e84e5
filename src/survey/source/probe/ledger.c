#include "survey/source/probe/ledger.h"

enum { ENTRY_MAX = 256 };

void ledger_init(struct ledger *l, struct journal *j)
{
    *l = (struct ledger){j, wr_heap(LEDGER_LINE_MAX), wr_heap(LEDGER_LINE_MAX)};
}

void ledger_done(struct ledger *l)
{
    wr_done(&l->connects);
    wr_done(&l->messages);
}

static err_t write_line(struct ledger *l, const char *what, struct wr *w)
{
    if (w->bad)
        return E_NOMEM;
    if (w->n == 0)
        return OK;
    const struct str pairs[] = {STR("to"), wr_str(w)};
    err_t e = journal_note(l->journal, what, pairs, 2);
    wr_clear(w);
    return e;
}

static err_t make_room(struct ledger *l, const char *what, struct wr *w)
{
    return w->n + ENTRY_MAX > LEDGER_LINE_MAX ? write_line(l, what, w) : OK;
}

static void put_endpoint(struct wr *w, const struct ip *ip, uint16_t port)
{
    char text[IP_TEXT_MAX];
    bool v4 = ip_is_v4(ip);
    if (w->n)
        wr_put(w, STR(", "));
    wr_put(w, v4 ? STR("") : STR("["));
    wr_put(w, ip_text(ip, text));
    wr_printf(w, "%s:%u", v4 ? "" : "]", port);
}

err_t ledger_connect(struct ledger *l, const struct ip *ip, const struct scope_port *p)
{
    TRY(make_room(l, "connect", &l->connects));
    put_endpoint(&l->connects, ip, p->port);
    wr_u8(&l->connects, '/');
    wr_put(&l->connects, probe_kind_name(p->kind));
    return l->connects.bad ? E_NOMEM : OK;
}

err_t ledger_message(struct ledger *l, const struct ip *ip, uint16_t port, const char *const *said,
                     unsigned n_said, size_t bytes)
{
    TRY(make_room(l, "sent", &l->messages));
    put_endpoint(&l->messages, ip, port);
    for (unsigned i = 0; i < n_said; i++)
        wr_printf(&l->messages, "%s%s", i ? "+" : " ", said[i]);
    wr_printf(&l->messages, " %u", (unsigned)bytes);
    return l->messages.bad ? E_NOMEM : OK;
}

err_t ledger_skip(struct ledger *l, struct str where, const char *why)
{
    const struct str pairs[] = {STR("where"), where, STR("why"), str_z(why)};
    return journal_note(l->journal, "skip", pairs, 4);
}

err_t ledger_write(struct ledger *l, bool synced)
{
    TRY(write_line(l, "connect", &l->connects));
    TRY(write_line(l, "sent", &l->messages));
    return synced ? journal_sync(l->journal) : OK;
}
