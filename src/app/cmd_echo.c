/* lastra echo: is somebody there (C-ECHO, PS3.4 A). */
#include <stdio.h>

#include "app/client.h"
#include "base/json.h"
#include "dicom/uid.h"
#include "io/clock.h"

enum { OPT_COUNT = CLIENT_OPTIONS };

static const struct cmd_option options[] = {
    CLIENT_ROWS,
    [OPT_COUNT] = {.name = "count",
                   .letter = 'n',
                   .arg = "N",
                   .type = CMD_NUMBER,
                   .min = 1,
                   .max = 60000,
                   .help = "how many times, on one association (1)"},
};

struct echo {
    struct client client;
    struct assoc *a;
    int64_t open_us, echo_us; /* the association; all echoes */
    uint16_t count, status;
};

static err_t echo_all(struct echo *e, struct diag *d)
{
    int64_t start = clock_us();
    TRY(scu_open(&e->client.peer, STR(UID_Verification), false, &e->a, d));
    e->open_us = clock_us() - start;
    start = clock_us();
    for (uint16_t id = 1; id <= e->count; id++) {
        err_t err = scu_echo(e->a, id, &e->status);
        if (err != OK)
            return client_failed(e->a, err, "C-ECHO", d);
        if (!dimse_is_success(e->status))
            break;
    }
    e->echo_us = clock_us() - start;
    err_t err = assoc_release(e->a);
    return err == OK ? OK : client_failed(e->a, err, "release", d);
}

static void put_json(const struct echo *e, struct wr *w)
{
    const struct pdu_associate *answer = assoc_answer(e->a);
    struct json j = json_of(w);
    json_open_object(&j);
    json_member(&j, STR("called"), e->client.peer.called);
    json_member_u64(&j, STR("status"), e->status);
    json_member_u64(&j, STR("count"), e->count);
    json_member_u64(&j, STR("open_us"), (uint64_t)e->open_us);
    json_member_u64(&j, STR("echo_us"), (uint64_t)(e->echo_us / e->count));
    json_member(&j, STR("implementation_uid"), answer->implementation_uid);
    json_member(&j, STR("implementation_version"), answer->implementation_version);
    json_member_bool(&j, STR("tls"), e->client.tls != NULL);
    json_end(&j);
    wr_u8(w, '\n');
}

static void put_text(const struct echo *e, struct wr *w)
{
    const struct pdu_associate *answer = assoc_answer(e->a);
    struct str name = answer->implementation_version.n ? answer->implementation_version
                                                       : answer->implementation_uid;
    wr_put(w, e->client.peer.called);
    wr_printf(w, " answers: %s; association %.1f ms, echo %.2f ms; it is ",
              dimse_status_text(e->status), (double)e->open_us / 1e3,
              (double)e->echo_us / 1e3 / e->count);
    wr_printable(w, name);
    wr_u8(w, '\n');
}

static err_t run(const struct cmd_args *a, struct diag *d)
{
    struct echo e = {.count = (uint16_t)cmd_number(a, OPT_COUNT, 1)};
    struct wr w = wr_heap(65536);
    TRY(client_init(&e.client, a, d));
    err_t err = echo_all(&e, d);
    if (err == OK) {
        if (e.client.json)
            put_json(&e, &w);
        else
            put_text(&e, &w);
        err = client_print(&w, d);
    }
    if (err == OK && !dimse_is_success(e.status))
        err = diag_set(d, E_REJECTED, "C-ECHO: %s (%04X)", dimse_status_text(e.status), e.status);
    wr_done(&w);
    assoc_free(e.a);
    client_done(&e.client);
    return err;
}

const struct cmd cmd_echo = {
    .name = "echo",
    .summary = "ask whether an application entity answers",
    .args = "AE@HOST:PORT",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .n_options = COUNT(options),
    .about =
        "Opens an association for Verification, sends C-ECHO and says how long it took and what "
        "the other side says it is.",
    .examples =
        "lastra echo ARCHIVE@127.0.0.1:11112\n"
        "lastra echo ARCHIVE@pacs.example:2762 --trust ca.pem --cert us.pem --cert-key us.key\n",
    .run = run,
};
