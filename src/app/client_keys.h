/* The identifier of a query from the command line: --level, --model, and -k KEY=VALUE. */
#ifndef LASTRA_APP_CLIENT_KEYS_H
#define LASTRA_APP_CLIENT_KEYS_H

#include "app/client.h"
#include "dicom/dataset.h"

enum client_level { LEVEL_PATIENT, LEVEL_STUDY, LEVEL_SERIES, LEVEL_IMAGE, LEVELS };
enum client_model { MODEL_PATIENT, MODEL_STUDY, MODEL_PATIENT_STUDY, MODELS };
enum client_verb { VERB_FIND, VERB_MOVE, VERB_GET, VERBS };

/* Where the three options stand among a command's. */
struct client_key_options {
    size_t level, model, key;
};

/* Rows for them. */
/* clang-format off */
#define CLIENT_KEY_ROWS(LEVEL, MODEL, KEY)                                                         \
    [LEVEL] = {.name = "level", .letter = 'l', .arg = "LEVEL",                                     \
               .help = "patient, study, series or image (by the keys)"},                           \
    [MODEL] = {.name = "model", .arg = "MODEL",                                                    \
               .help = "patient, study or patient-study root (study; patient at that level)"},     \
    [KEY] = {.name = "key", .letter = 'k', .arg = "KEY=VALUE", .type = CMD_LIST,                   \
             .help = "a key by keyword or gggg,eeee; in a sequence: SEQUENCE.KEY=VALUE"}
/* clang-format on */

struct client_keys {
    enum client_level level;
    enum client_model model;
    struct str sop_class; /* of the model, for the verb */
    struct dcm_ds *ds;
    tag_t *columns; /* keys of the top level, in the order of the command line */
    size_t n_columns;
};

/* Builds it in the arena. with_usual: adds the return keys that a person wants to see at this level
 * before those of the command line. Values are UTF-8, and said to be so where they are not ASCII.
 */
err_t client_keys(const struct cmd_args *a, const struct client_key_options *o,
                  enum client_verb verb, bool with_usual, struct arena *arena,
                  struct client_keys *ret, struct diag *d) MUST_CHECK;

#endif
