/* DATA/keys/master.key and what is derived from it: one key each for the index, the packs and the
 * chained logs. */
#ifndef LASTRA_STORE_KEYS_H
#define LASTRA_STORE_KEYS_H

#include "io/crypto.h"

struct keys {
    struct key index, packs, chain;
};

/* Makes a new master key (0600). With a passphrase it is encrypted under a key that scrypt makes of
 * it. E_EXISTS when there is one. */
err_t keys_create(int keys_dir, struct str passphrase, struct diag *d) MUST_CHECK;

/* Loads it: from the systemd credential "lastra.master" (the same file format) when
 * CREDENTIALS_DIRECTORY has it, else from the file. E_DENIED when the passphrase is missing or
 * wrong, or when the file can be read by others; E_NOTFOUND when there is none. */
err_t keys_load(int keys_dir, struct str passphrase, struct keys *ret, struct diag *d) MUST_CHECK;
void keys_wipe(struct keys *k);

#endif
