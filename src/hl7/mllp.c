#include "hl7/mllp.h"

#include "base/size.h"

enum { VT = 0x0b, FS = 0x1c, CR = 0x0d };

void mllp_init(struct mllp *m, size_t max)
{
    *m = (struct mllp){.max = max ? max : MLLP_MESSAGE_MAX};
    m->message = wr_heap(m->max);
}

void mllp_done(struct mllp *m)
{
    wr_done(&m->message);
}

/* A message begins; what came of another before it was none. */
static void begin(struct mllp *m)
{
    if (m->inside && !m->skipping)
        m->stray += m->message.n + m->fs;
    wr_clear(&m->message);
    m->inside = true;
    m->fs = m->skipping = false;
}

/* Bytes of a message, unless there are too many. */
static void keep(struct mllp *m, struct str bytes)
{
    if (m->skipping)
        return;
    if (bytes.n > m->max - m->message.n) {
        m->skipping = true;
        m->too_long++;
        return;
    }
    wr_put(&m->message, bytes);
}

static void take(struct str *in, size_t n)
{
    *in = str_slice(*in, n, in->n);
}

/* Outside a frame: everything up to the next beginning is passed over. */
static void find_begin(struct mllp *m, struct str *in)
{
    size_t n = str_find(*in, VT);
    m->stray += n;
    if (n < in->n) {
        begin(m);
        n++;
    }
    take(in, n);
}

/* What follows <FS>: <CR> ends the message; so does the next <VT>, for some forget the <CR>;
 * anything else means that <FS> was part of the message. */
static bool ends(struct mllp *m, struct str *in)
{
    m->fs = false;
    if (in->p[0] != CR && in->p[0] != VT) {
        keep(m, STR("\x1c"));
        return false;
    }
    if (in->p[0] == CR)
        take(in, 1);
    m->inside = false;
    return true;
}

/* Inside a frame, up to what may be its end. A <VT> can be no part of a message (HL7 C.4.2): one
 * whose end got lost is given up. */
static void fill(struct mllp *m, struct str *in)
{
    size_t fs = str_find(*in, FS);
    size_t vt = str_find(str_slice(*in, 0, fs), VT);
    struct str bytes = str_slice(*in, 0, size_min(fs, vt));
    keep(m, bytes);
    take(in, bytes.n);
    if (!in->n)
        return;
    if (in->p[0] == VT)
        begin(m);
    else
        m->fs = true;
    take(in, 1);
}

/* A message that lies in the input whole is given as it lies there. */
static bool whole(struct mllp *m, struct str *in, struct str *ret)
{
    size_t fs = str_find(*in, FS);
    if (m->message.n || m->skipping || fs > m->max || fs + 1 >= in->n || in->p[fs + 1] != CR ||
        str_find(str_slice(*in, 0, fs), VT) < fs)
        return false;
    *ret = str_slice(*in, 0, fs);
    take(in, fs + 2);
    m->inside = false;
    return true;
}

enum step mllp_feed(struct mllp *m, struct str *in, struct str *ret)
{
    if (!m->inside)
        wr_clear(&m->message); /* the one that was given before */
    while (in->n) {
        if (!m->inside) {
            find_begin(m, in);
            continue;
        }
        if (m->fs) {
            bool skipped = m->skipping;
            if (!ends(m, in) || skipped)
                continue;
            *ret = wr_str(&m->message);
            return STEP_EVENT;
        }
        if (whole(m, in, ret))
            return STEP_EVENT;
        fill(m, in);
        if (m->message.bad)
            return STEP_FAIL;
    }
    return STEP_MORE;
}
