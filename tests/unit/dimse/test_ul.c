/* dimse/ul: every cell of PS3.8 table 9-10, what each action does, and hostile streams. */
#include "dimse/ul.h"

#include "base/size.h"
#include "unit.h"

/* Table 9-10 as it is printed: a row per event, columns Sta1 to Sta13; "" is an empty cell. Written
 * from the standard, not from the code. */
static const char *const standard[UL_EVENTS][14] = {
    /* the first column stands for no state */
    [1] = {"", "AE-1", "", "", "", "", "", "", "", "", "", "", "", ""},
    [2] = {"", "", "", "", "AE-2", "", "", "", "", "", "", "", "", ""},
    [3] = {"", "", "AA-1", "AA-8", "", "AE-3", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8",
           "AA-8", "AA-6"},
    [4] = {"", "", "AA-1", "AA-8", "", "AE-4", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8",
           "AA-8", "AA-6"},
    [5] = {"", "AE-5", "", "", "", "", "", "", "", "", "", "", "", ""},
    [6] = {"", "", "AE-6", "AA-8", "", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8",
           "AA-8", "AA-7"},
    [7] = {"", "", "", "AE-7", "", "", "", "", "", "", "", "", "", ""},
    [8] = {"", "", "", "AE-8", "", "", "", "", "", "", "", "", "", ""},
    [9] = {"", "", "", "", "", "", "DT-1", "", "AR-7", "", "", "", "", ""},
    [10] = {"", "", "AA-1", "AA-8", "", "AA-8", "DT-2", "AR-6", "AA-8", "AA-8", "AA-8", "AA-8",
            "AA-8", "AA-6"},
    [11] = {"", "", "", "", "", "", "AR-1", "", "", "", "", "", "", ""},
    [12] = {"", "", "AA-1", "AA-8", "", "AA-8", "AR-2", "AR-8", "AA-8", "AA-8", "AA-8", "AA-8",
            "AA-8", "AA-6"},
    [13] = {"", "", "AA-1", "AA-8", "", "AA-8", "AA-8", "AR-3", "AA-8", "AA-8", "AR-10", "AR-3",
            "AA-8", "AA-6"},
    [14] = {"", "", "", "", "", "", "", "", "AR-4", "AR-9", "", "", "AR-4", ""},
    [15] = {"", "", "", "AA-1", "AA-2", "AA-1", "AA-1", "AA-1", "AA-1", "AA-1", "AA-1", "AA-1",
            "AA-1", ""},
    [16] = {"", "", "AA-2", "AA-3", "", "AA-3", "AA-3", "AA-3", "AA-3", "AA-3", "AA-3", "AA-3",
            "AA-3", "AA-2"},
    [17] = {"", "", "AA-5", "AA-4", "AA-4", "AA-4", "AA-4", "AA-4", "AA-4", "AA-4", "AA-4", "AA-4",
            "AA-4", "AR-5"},
    [18] = {"", "", "AA-2", "", "", "", "", "", "", "", "", "", "", "AA-2"},
    [19] = {"", "", "AA-1", "AA-8", "", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8", "AA-8",
            "AA-8", "AA-7"},
};

static const struct {
    const char *action;
    enum ul_state next;
} nexts[] = {
    {"AE-1", STA4},  {"AE-2", STA5},  {"AE-3", STA6},  {"AE-4", STA1},   {"AE-5", STA2},
    {"AE-6", STA3},  {"AE-7", STA6},  {"AE-8", STA13}, {"DT-1", STA6},   {"DT-2", STA6},
    {"AR-1", STA7},  {"AR-2", STA8},  {"AR-3", STA1},  {"AR-4", STA13},  {"AR-5", STA1},
    {"AR-6", STA7},  {"AR-7", STA8},  {"AR-9", STA11}, {"AR-10", STA12}, {"AA-1", STA13},
    {"AA-2", STA1},  {"AA-3", STA1},  {"AA-4", STA1},  {"AA-5", STA1},   {"AA-6", STA13},
    {"AA-7", STA13}, {"AA-8", STA13},
};

/* A machine, its input and output. */
struct rig {
    struct ul u;
    struct arena arena;
    uint8_t sent[8192];
    struct wr out;
    struct ul_event e;
};

static void rig_init(struct rig *r, enum ul_state state, bool requestor)
{
    r->arena = arena_init(1 << 20);
    r->out = wr_fixed(r->sent, sizeof r->sent);
    ul_init(&r->u, requestor, 16384, 65536, &r->arena);
    r->u.state = state;
    memset(&r->e, 0, sizeof r->e);
}

static enum step feed(struct rig *r, const void *bytes, size_t n)
{
    struct str in = str_of(bytes, n);
    struct ul_event more;
    enum step s = ul_feed(&r->u, &in, &r->out, &r->e);
    while (s == STEP_EVENT && in.n && ul_feed(&r->u, &in, &r->out, &more) == STEP_EVENT)
        ; /* the rest of a PDU that was answered at its header */
    return s;
}

static struct pdu_context contexts[] = {{.id = 1,
                                         .abstract = STR_INIT("1.2.840.10008.1.1"),
                                         .transfers = &(struct str){"1.2.840.10008.1.2", 17},
                                         .n_transfers = 1}};
static const struct pdu_associate request = {.version = 1,
                                             .called = STR_INIT("ARCHIVE"),
                                             .calling = STR_INIT("SCANNER"),
                                             .application = STR_INIT(PDU_APPLICATION_CONTEXT),
                                             .contexts = contexts,
                                             .n_contexts = 1,
                                             .max_pdu = 16384};

/* The bytes that make a PDU event happen; 0 for local events. */
static size_t pdu_of(enum ul_evt event, uint8_t *buf, size_t cap)
{
    struct wr w = wr_fixed(buf, cap);
    const struct pdu_refusal refusal = {1, 1, 1}, abort = {0, 0, 0};
    switch (event) {
    case EVT3:
        pdu_associate_write(&request, PDU_ASSOCIATE_AC, &w);
        break;
    case EVT4:
        pdu_refusal_write(&refusal, PDU_ASSOCIATE_RJ, &w);
        break;
    case EVT6:
        pdu_associate_write(&request, PDU_ASSOCIATE_RQ, &w);
        break;
    case EVT10:
        wr_put(&w, STR("\x04\x00\x00\x00\x00\x08\x00\x00\x00\x04\x01\x03zz"));
        break;
    case EVT12:
        pdu_release_write(PDU_RELEASE_RQ, &w);
        break;
    case EVT13:
        pdu_release_write(PDU_RELEASE_RP, &w);
        break;
    case EVT16:
        pdu_refusal_write(&abort, PDU_ABORT, &w);
        break;
    case EVT19:
        wr_put(&w, STR("\x63\x00\x00\x00\x00\x00"));
        break;
    default:
        break;
    }
    assert_false(w.bad);
    return w.n;
}

static void table_is_the_standards(void **state)
{
    (void)state;
    for (int e = 1; e < UL_EVENTS; e++)
        for (int s = 1; s < UL_STATES; s++) {
            const char *want = standard[e][s][0] ? standard[e][s] : "-";
            assert_string_equal(ul_action_name(ul_table(e, s)), want);
        }
}

static enum step happen(struct rig *r, enum ul_evt event)
{
    uint8_t pdu[4096];
    size_t n = pdu_of(event, pdu, sizeof pdu);
    const struct ul_argument arg = {.associate = &request, .refusal = {1, 1, 1}};
    return n ? feed(r, pdu, n) : ul_do(&r->u, event, &arg, &r->out, &r->e);
}

static enum ul_state next_of(const char *action, bool requestor)
{
    if (strcmp(action, "AR-8") == 0)
        return requestor ? STA9 : STA10;
    for (size_t i = 0; i < COUNT(nexts); i++)
        if (strcmp(nexts[i].action, action) == 0)
            return nexts[i].next;
    fail_msg("no such action: %s", action);
    return STA1;
}

static void walk_cell(int event, int state, bool requestor)
{
    struct rig r;
    rig_init(&r, (enum ul_state)state, requestor);
    enum step s = happen(&r, (enum ul_evt)event);
    const char *action = standard[event][state];
    if (action[0]) {
        assert_true(s == STEP_EVENT || s == STEP_MORE || s == STEP_DONE);
        assert_int_equal(r.u.state, next_of(action, requestor));
    } else {
        assert_true(s == STEP_FAIL || (state == STA1 && s == STEP_DONE));
        assert_int_equal(r.u.state, state);
        assert_int_equal(r.out.n, 0);
    }
    arena_done(&r.arena);
}

static void every_cell_goes_to_the_standards_next_state(void **state)
{
    (void)state;
    for (int e = 1; e < UL_EVENTS; e++)
        for (int s = 1; s < UL_STATES; s++) {
            walk_cell(e, s, true);
            walk_cell(e, s, false);
        }
}

/* What an action sends first: the PDU type, 0 for nothing. And what it does to timer, connection
 * and user. */
static const struct {
    enum ul_evt event;
    enum ul_state state;
    uint8_t sends;
    bool artim, close;
    enum ul_kind tells;
} effects[] = {
    {EVT1, STA1, 0, false, false, UL_NOTHING},              /* AE-1 */
    {EVT2, STA4, 1, false, false, UL_NOTHING},              /* AE-2 */
    {EVT3, STA5, 0, false, false, UL_ASSOCIATE_ACCEPTED},   /* AE-3 */
    {EVT4, STA5, 0, false, true, UL_ASSOCIATE_REJECTED},    /* AE-4 */
    {EVT5, STA1, 0, true, false, UL_NOTHING},               /* AE-5 */
    {EVT6, STA2, 0, false, false, UL_ASSOCIATE_INDICATION}, /* AE-6 */
    {EVT7, STA3, 2, false, false, UL_NOTHING},              /* AE-7 */
    {EVT8, STA3, 3, true, false, UL_NOTHING},               /* AE-8 */
    {EVT10, STA6, 0, false, false, UL_DATA},                /* DT-2 */
    {EVT10, STA7, 0, false, false, UL_DATA},                /* AR-6 */
    {EVT11, STA6, 5, false, false, UL_NOTHING},             /* AR-1 */
    {EVT12, STA6, 0, false, false, UL_RELEASE_INDICATION},  /* AR-2 */
    {EVT13, STA7, 0, false, true, UL_RELEASE_CONFIRMED},    /* AR-3 */
    {EVT14, STA8, 6, true, false, UL_NOTHING},              /* AR-4 */
    {EVT12, STA7, 0, false, false, UL_RELEASE_COLLISION},   /* AR-8 */
    {EVT14, STA9, 6, false, false, UL_NOTHING},             /* AR-9 */
    {EVT13, STA10, 0, false, false, UL_RELEASE_CONFIRMED},  /* AR-10 */
    {EVT15, STA6, 7, true, false, UL_NOTHING},              /* AA-1 */
    {EVT16, STA2, 0, false, true, UL_CLOSED},               /* AA-2 */
    {EVT18, STA13, 0, false, true, UL_CLOSED},              /* AA-2 */
    {EVT16, STA6, 0, false, true, UL_ABORTED},              /* AA-3 */
    {EVT17, STA6, 0, false, false, UL_P_ABORTED},           /* AA-4 */
    {EVT17, STA2, 0, false, false, UL_CLOSED},              /* AA-5 */
    {EVT12, STA13, 0, false, false, UL_NOTHING},            /* AA-6 */
    {EVT6, STA13, 7, false, false, UL_NOTHING},             /* AA-7 */
    {EVT6, STA6, 7, true, false, UL_P_ABORTED},             /* AA-8 */
};

static void every_action_has_its_effects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(effects); i++) {
        struct rig r;
        rig_init(&r, effects[i].state, true);
        happen(&r, effects[i].event);
        assert_int_equal(r.out.n ? r.sent[0] : 0, effects[i].sends);
        assert_int_equal(r.u.artim, effects[i].artim);
        assert_int_equal(r.u.close, effects[i].close);
        assert_int_equal(r.e.kind, effects[i].tells);
        arena_done(&r.arena);
    }
}

static void timer_restarts_with_each_start(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, STA1, false);
    happen(&r, EVT5);
    assert_int_equal(r.u.artim_starts, 1);
    happen(&r, EVT10); /* AA-1: restarts */
    assert_int_equal(r.u.artim_starts, 2);
    assert_true(r.u.artim);
    happen(&r, EVT18);
    assert_false(r.u.artim);
    arena_done(&r.arena);
}

static void expect_abort(const struct rig *r, uint8_t source, uint8_t reason)
{
    const uint8_t pdu[] = {7, 0, 0, 0, 0, 4, 0, 0, source, reason};
    assert_int_equal(r->out.n, sizeof pdu);
    assert_memory_equal(r->sent, pdu, sizeof pdu);
}

static void pdu_of_4_gib_is_aborted_at_its_header(void **state)
{
    (void)state;
    static const enum ul_state at[] = {STA2, STA6};
    static const uint8_t types[] = {1, 4};
    for (size_t i = 0; i < COUNT(at); i++)
        for (size_t t = 0; t < COUNT(types); t++) {
            struct rig r;
            rig_init(&r, at[i], false);
            const uint8_t pdu[] = {types[t], 0, 0xff, 0xff, 0xff, 0xff};
            assert_int_equal(feed(&r, pdu, sizeof pdu), STEP_EVENT);
            assert_int_equal(r.e.kind, UL_P_ABORTED);
            assert_true(r.e.own);
            assert_int_equal(r.u.state, STA13);
            expect_abort(&r, 2, UL_INVALID_PARAMETER);
            arena_done(&r.arena);
        }
}

static void data_longer_than_announced_is_aborted(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, STA6, false);
    const uint8_t fits[] = {4, 0, 0, 0, 0x40, 0}, over[] = {4, 0, 0, 0, 0x40, 1};
    assert_int_equal(feed(&r, fits, sizeof fits), STEP_MORE);
    assert_int_equal(r.u.state, STA6);
    arena_done(&r.arena);
    rig_init(&r, STA6, false);
    assert_int_equal(feed(&r, over, sizeof over), STEP_EVENT);
    expect_abort(&r, 2, UL_INVALID_PARAMETER);
    arena_done(&r.arena);
}

static void abort_names_the_reason(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, STA6, false);
    happen(&r, EVT19);
    expect_abort(&r, 2, UL_UNRECOGNIZED_PDU);
    arena_done(&r.arena);
    rig_init(&r, STA6, false);
    happen(&r, EVT3);
    expect_abort(&r, 2, UL_UNEXPECTED_PDU);
    arena_done(&r.arena);
    rig_init(&r, STA6, false);
    happen(&r, EVT15);
    expect_abort(&r, 0, 0);
    arena_done(&r.arena);
    rig_init(&r, STA2, false);
    happen(&r, EVT10);
    expect_abort(&r, 0, 0);
    arena_done(&r.arena);
}

/* CVE-2022-2121: a PDU for a state that has nothing to do with it reached code that took the rest
 * for granted. */
static void cve_2022_2121_pdus_out_of_order_are_answered_not_followed(void **state)
{
    (void)state;
    static const enum ul_evt pdus[] = {EVT3, EVT4, EVT6, EVT10, EVT12, EVT13, EVT16, EVT19};
    for (size_t first = 0; first < COUNT(pdus); first++)
        for (size_t second = 0; second < COUNT(pdus); second++)
            for (int requestor = 0; requestor < 2; requestor++) {
                struct rig r;
                rig_init(&r, requestor ? STA5 : STA2, requestor);
                happen(&r, pdus[first]);
                happen(&r, pdus[second]);
                happen(&r, pdus[first]);
                assert_true(r.u.state >= STA1 && r.u.state <= STA13);
                arena_done(&r.arena);
            }
    struct rig r;
    rig_init(&r, STA5, true);
    happen(&r, EVT3);
    assert_int_equal(r.u.state, STA6);
    happen(&r, EVT3); /* accepted twice */
    assert_null(r.e.associate);
    expect_abort(&r, 2, UL_UNEXPECTED_PDU);
    arena_done(&r.arena);
}

static void refuses_what_no_provider_may_accept(void **state)
{
    (void)state;
    struct {
        struct pdu_associate rq;
        uint8_t source, reason;
    } cases[] = {{request, 2, 2}, {request, 1, 2}, {request, 1, 3}, {request, 1, 7}};
    cases[0].rq.version = 2;
    cases[1].rq.application = STR("1.2.3");
    cases[2].rq.calling = STR("EVIL\x1b[2J");
    cases[3].rq.called = STR("a\nb");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig r;
        uint8_t pdu[1024];
        struct wr w = wr_fixed(pdu, sizeof pdu);
        pdu_associate_write(&cases[i].rq, PDU_ASSOCIATE_RQ, &w);
        rig_init(&r, STA2, false);
        assert_int_equal(feed(&r, w.p, w.n), STEP_EVENT);
        assert_int_equal(r.e.kind, UL_REFUSED);
        const uint8_t rj[] = {3, 0, 0, 0, 0, 4, 0, 1, cases[i].source, cases[i].reason};
        assert_memory_equal(r.sent, rj, sizeof rj);
        assert_true(r.u.artim);
        assert_int_equal(r.u.state, STA13);
        arena_done(&r.arena);
    }
}

static void context_flood_is_rejected_as_a_local_limit(void **state)
{
    (void)state;
    static struct pdu_context many[200];
    struct pdu_associate rq = request;
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i] = contexts[0];
        many[i].id = (uint8_t)(2 * i + 1);
    }
    rq.contexts = many;
    rq.n_contexts = COUNT(many);
    struct rig r;
    struct wr w = wr_heap(1 << 20);
    pdu_associate_write(&rq, PDU_ASSOCIATE_RQ, &w);
    rig_init(&r, STA2, false);
    assert_int_equal(feed(&r, w.p, w.n), STEP_EVENT);
    assert_int_equal(r.e.kind, UL_REFUSED);
    const uint8_t rj[] = {3, 0, 0, 0, 0, 4, 0, 2, 3, 2};
    assert_memory_equal(r.sent, rj, sizeof rj);
    arena_done(&r.arena);
    wr_done(&w);
}

/* Two PDVs in one PDU, whatever the pieces they come in. */
static void data_is_passed_on_before_its_pdu_is_complete(void **state)
{
    (void)state;
    static const uint8_t pdu[] = {4,   0,   0,   0,   0, 19, 0, 0, 0, 7, 1,   1,  'a',
                                  'b', 'c', 'd', 'e', 0, 0,  0, 4, 3, 2, 'x', 'y'};
    for (size_t cut = 1; cut <= sizeof pdu; cut++) {
        struct rig r;
        char got[16];
        size_t n = 0, lasts = 0;
        rig_init(&r, STA6, false);
        struct str rest = str_of(pdu, 0);
        for (size_t have = 0; have < sizeof pdu;) {
            size_t more = size_min(cut, sizeof pdu - have);
            rest = str_of(pdu + have - rest.n, rest.n + more);
            have += more;
            while (ul_feed(&r.u, &rest, &r.out, &r.e) == STEP_EVENT) {
                assert_int_equal(r.e.kind, UL_DATA);
                assert_int_equal(r.e.pdv.context, n < 5 ? 1 : 3);
                assert_int_equal(r.e.pdv.command, n < 5);
                memcpy(got + n, r.e.pdv.data.p, r.e.pdv.data.n);
                n += r.e.pdv.data.n;
                lasts += r.e.pdv.last;
            }
        }
        assert_int_equal(n, 7);
        assert_memory_equal(got, "abcdexy", 7);
        assert_int_equal(lasts, 1);
        assert_int_equal(r.out.n, 0);
        arena_done(&r.arena);
    }
}

static void data_is_a_view_of_the_input(void **state)
{
    (void)state;
    static const uint8_t pdu[] = {4, 0, 0, 0, 0, 8, 0, 0, 0, 4, 1, 2, 'x', 'y'};
    struct rig r;
    rig_init(&r, STA6, false);
    assert_int_equal(feed(&r, pdu, sizeof pdu), STEP_EVENT);
    assert_ptr_equal(r.e.pdv.data.p, pdu + 12);
    assert_true(r.e.pdv.last);
    arena_done(&r.arena);
}

static void lying_pdv_lengths_are_aborted(void **state)
{
    (void)state;
    static const uint8_t pdus[][14] = {
        {4, 0, 0, 0, 0, 8, 0, 0, 0, 1, 1, 2, 'x', 'y'},             /* no room for its own header */
        {4, 0, 0, 0, 0, 8, 0, 0, 0, 5, 1, 2, 'x', 'y'},             /* past its PDU */
        {4, 0, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 1, 2, 'x', 'y'}, /* wrapping */
        {4, 0, 0, 0, 0, 3, 0, 0, 0, 4, 1, 2, 'x', 'y'},             /* a PDU too short for one */
    };
    for (size_t i = 0; i < COUNT(pdus); i++) {
        struct rig r;
        rig_init(&r, STA6, false);
        assert_int_equal(feed(&r, pdus[i], sizeof pdus[i]), STEP_EVENT);
        assert_int_equal(r.e.kind, UL_P_ABORTED);
        expect_abort(&r, 2, UL_INVALID_PARAMETER);
        arena_done(&r.arena);
    }
}

static void what_follows_an_abort_is_dropped(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, STA6, false);
    uint8_t stream[64] = {4, 0, 0, 0, 0, 20, 0, 0, 0, 16, 1, 2};
    struct str in = str_of(stream, 20);
    assert_int_equal(ul_feed(&r.u, &in, &r.out, &r.e), STEP_EVENT);
    assert_int_equal(ul_do(&r.u, EVT15, NULL, &r.out, &r.e), STEP_MORE);
    in = str_of(stream + 20, 6); /* the rest of the PDU */
    assert_int_equal(ul_feed(&r.u, &in, &r.out, &r.e), STEP_MORE);
    assert_int_equal(in.n, 0);
    assert_int_equal(happen(&r, EVT10), STEP_MORE);
    assert_int_equal(happen(&r, EVT16), STEP_EVENT);
    assert_int_equal(r.e.kind, UL_CLOSED);
    expect_abort(&r, 0, 0);
    arena_done(&r.arena);
}

static void release_collision_ends_on_both_sides(void **state)
{
    (void)state;
    struct rig rq, ac;
    rig_init(&rq, STA6, true);
    rig_init(&ac, STA6, false);
    happen(&rq, EVT11);
    happen(&ac, EVT11);
    happen(&rq, EVT12);
    happen(&ac, EVT12);
    assert_int_equal(rq.u.state, STA9);
    assert_int_equal(ac.u.state, STA10);
    happen(&rq, EVT14);
    assert_int_equal(rq.u.state, STA11);
    happen(&ac, EVT13);
    assert_int_equal(ac.u.state, STA12);
    happen(&ac, EVT14);
    assert_int_equal(ac.u.state, STA13);
    happen(&rq, EVT13);
    assert_int_equal(rq.u.state, STA1);
    assert_true(rq.u.close);
    happen(&ac, EVT17);
    assert_int_equal(ac.u.state, STA1);
    arena_done(&rq.arena);
    arena_done(&ac.arena);
}

static void abort_by_the_provider_is_told_from_the_users(void **state)
{
    (void)state;
    static const uint8_t by_user[] = {7, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    static const uint8_t by_provider[] = {7, 0, 0, 0, 0, 4, 0, 0, 2, 6};
    struct rig r;
    rig_init(&r, STA6, false);
    assert_int_equal(feed(&r, by_user, sizeof by_user), STEP_EVENT);
    assert_int_equal(r.e.kind, UL_ABORTED);
    arena_done(&r.arena);
    rig_init(&r, STA6, false);
    assert_int_equal(feed(&r, by_provider, sizeof by_provider), STEP_EVENT);
    assert_int_equal(r.e.kind, UL_P_ABORTED);
    assert_false(r.e.own);
    assert_int_equal(r.e.refusal.reason, 6);
    arena_done(&r.arena);
}

static void associate_is_wanted_whole(void **state)
{
    (void)state;
    struct rig r;
    uint8_t pdu[1024];
    size_t n = pdu_of(EVT6, pdu, sizeof pdu);
    rig_init(&r, STA2, false);
    for (size_t have = 0; have < n; have++) {
        assert_int_equal(feed(&r, pdu, have), STEP_MORE);
        assert_int_equal(r.u.want, have < 6 ? 6 : n);
    }
    assert_int_equal(feed(&r, pdu, n), STEP_EVENT);
    memset(pdu, 0, n); /* what it says does not lie in the input */
    assert_str(r.e.associate->called, "ARCHIVE");
    assert_str(r.e.associate->contexts[0].abstract, "1.2.840.10008.1.1");
    arena_done(&r.arena);
}

static void malformed_associate_is_an_invalid_pdu(void **state)
{
    (void)state;
    struct rig r;
    uint8_t pdu[80] = {1, 0, 0, 0, 0, 74, 0, 1};
    memcpy(pdu + 74, "\x10\x00\x00\x99", 4); /* an item past the end */
    rig_init(&r, STA2, false);
    assert_int_equal(feed(&r, pdu, sizeof pdu), STEP_EVENT);
    assert_int_equal(r.e.kind, UL_P_ABORTED);
    expect_abort(&r, 2, UL_INVALID_PARAMETER);
    assert_non_null(strstr(r.u.diag.text, "malformed"));
    arena_done(&r.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_standards),
        cmocka_unit_test(every_cell_goes_to_the_standards_next_state),
        cmocka_unit_test(every_action_has_its_effects),
        cmocka_unit_test(timer_restarts_with_each_start),
        cmocka_unit_test(pdu_of_4_gib_is_aborted_at_its_header),
        cmocka_unit_test(data_longer_than_announced_is_aborted),
        cmocka_unit_test(abort_names_the_reason),
        cmocka_unit_test(cve_2022_2121_pdus_out_of_order_are_answered_not_followed),
        cmocka_unit_test(refuses_what_no_provider_may_accept),
        cmocka_unit_test(context_flood_is_rejected_as_a_local_limit),
        cmocka_unit_test(data_is_passed_on_before_its_pdu_is_complete),
        cmocka_unit_test(data_is_a_view_of_the_input),
        cmocka_unit_test(lying_pdv_lengths_are_aborted),
        cmocka_unit_test(what_follows_an_abort_is_dropped),
        cmocka_unit_test(release_collision_ends_on_both_sides),
        cmocka_unit_test(abort_by_the_provider_is_told_from_the_users),
        cmocka_unit_test(associate_is_wanted_whole),
        cmocka_unit_test(malformed_associate_is_an_invalid_pdu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
