#include "survey/report/run_note.h"

#include "base/size.h"

/* A phrase before any that it begins with. */
static const struct {
    struct str en, it;
} phrases[] = {
    {STR_INIT("records"), STR_INIT("record")},
    {STR_INIT("malformed"), STR_INIT("malformati")},
    {STR_INIT("packets lost by the system"), STR_INIT("pacchetti persi dal sistema")},
    {STR_INIT("packets"), STR_INIT("pacchetti")},
    {STR_INIT("of TCP"), STR_INIT("di TCP")},
    {STR_INIT("fragments passed over"), STR_INIT("frammenti tralasciati")},
    {STR_INIT("cut short by the capture"), STR_INIT("troncati dalla cattura")},
    {STR_INIT("gaps in connections"), STR_INIT("lacune nelle connessioni")},
    {STR_INIT("connections dropped for want of room"),
     STR_INIT("connessioni tralasciate per mancanza di spazio")},
    {STR_INIT("connections that came again and were not counted twice"),
     STR_INIT("connessioni tornate e non contate due volte")},
    {STR_INIT("the capture breaks off there"), STR_INIT("la cattura si interrompe lì")},
    {STR_INIT("what was whole counts"), STR_INIT("ciò che era intero conta")},
    {STR_INIT("taken before"), STR_INIT("già letto prima")},
    {STR_INIT("not counted twice"), STR_INIT("non contato due volte")},
    {STR_INIT("endpoints"), STR_INIT("punti di accesso")},
    {STR_INIT("open"), STR_INIT("aperti")},
    {STR_INIT("refused"), STR_INIT("rifiutati")},
    {STR_INIT("silent"), STR_INIT("muti")},
    {STR_INIT("passed over"), STR_INIT("tralasciati")},
    {STR_INIT("subnets given up"), STR_INIT("sottoreti abbandonate")},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* How much of the note's beginning is a phrase, and which. */
static size_t phrase_at(struct str note, struct str *ret)
{
    for (size_t i = 0; i < COUNT(phrases); i++) {
        struct str en = phrases[i].en;
        if (!str_starts(note, en) || (note.n > en.n && is_letter(note.p[en.n])))
            continue;
        *ret = phrases[i].it;
        return en.n;
    }
    return 0;
}

void run_note(enum language l, struct str note, struct wr *w)
{
    bool in_word = false;
    while (note.n) {
        struct str words;
        size_t n = l == LANG_it && !in_word ? phrase_at(note, &words) : 0;
        if (n)
            wr_put(w, words);
        else
            wr_u8(w, (uint8_t)*note.p);
        in_word = n || is_letter(*note.p);
        note = str_slice(note, n ? n : 1, note.n);
    }
}
