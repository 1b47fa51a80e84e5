/* Flows with the same key, and names with counts, added up. */
#include "base/size.h"
#include "survey/inventory/pending.h"

/* The next item of "A 2, B 3"; a semicolon separates too. */
static bool next_item(struct str *rest, struct str *ret)
{
    while (rest->n) {
        size_t end = 0;
        while (end < rest->n && rest->p[end] != ',' && rest->p[end] != ';')
            end++;
        *ret = str_trim(str_slice(*rest, 0, end));
        *rest = str_slice(*rest, end + (end < rest->n), rest->n);
        if (ret->n)
            return true;
    }
    return false;
}

/* A count of 0 is part of the name: what is written is read back as it was. */
static struct str split_count(struct str item, uint64_t *ret_count)
{
    size_t space = item.n;
    uint64_t count = 0;
    while (space > 0 && item.p[space - 1] != ' ')
        space--;
    if (space < 2 || !str_to_u64(str_slice(item, space, item.n), UINT64_MAX, &count) || !count) {
        *ret_count = 0;
        return item;
    }
    *ret_count = count;
    return str_trim(str_slice(item, 0, space - 1));
}

/* Whether the list has the name, and with which count. */
static bool find_name(struct str list, struct str name, uint64_t *ret_count)
{
    struct str item;
    while (next_item(&list, &item))
        if (str_eq(split_count(item, ret_count), name))
            return true;
    *ret_count = 0;
    return false;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void put_item(struct wr *w, struct str name, uint64_t count, char separator)
{
    enum { DIGITS = 24 };
    if (w->cap - w->n < name.n + DIGITS)
        return;
    if (w->n)
        wr_printf(w, "%c ", separator);
    wr_put(w, name);
    if (count)
        wr_printf(w, " %llu", (unsigned long long)count);
}

err_t counts_add(struct arena *a, struct str to, struct str from, struct str *ret)
{
    char buf[FLOW_TEXT_MAX];
    struct wr w = wr_fixed(buf, sizeof buf);
    struct str rest = to, item;
    uint64_t count, more;
    char separator = str_find(to.n ? to : from, ';') < (to.n ? to.n : from.n) ? ';' : ',';
    while (next_item(&rest, &item)) {
        struct str name = split_count(item, &count);
        (void)find_name(from, name, &more);
        put_item(&w, name, plus(count, more), separator);
    }
    for (rest = from; next_item(&rest, &item);) {
        struct str name = split_count(item, &count);
        if (!find_name(to, name, &more))
            put_item(&w, name, count, separator);
    }
    struct str kept = arena_copy(a, wr_str(&w));
    if (!kept.p)
        return E_NOMEM;
    *ret = kept;
    return OK;
}

err_t flow_add(struct arena *a, struct flow *to, const struct flow *from)
{
    to->connections = plus(to->connections, from->connections);
    to->bytes = plus(to->bytes, from->bytes);
    to->messages = plus(to->messages, from->messages);
    if (from->fields.n)
        TRY(counts_add(a, to->fields, from->fields, &to->fields));
    if (from->details.n)
        TRY(counts_add(a, to->details, from->details, &to->details));
    if (!to->client_mac.n)
        to->client_mac = from->client_mac;
    if (!to->server_mac.n)
        to->server_mac = from->server_mac;
    return OK;
}
