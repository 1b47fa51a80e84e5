#include "store/keys.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/rd.h"
#include "io/file.h"

/* The file: magic, version, kind, salt, nonce, then the master key, plain or sealed under the key
 * that the passphrase gives. Everything before it is authenticated with it. */
enum { VERSION = 1, PLAIN = 0, WRAPPED = 1, SALT_SIZE = 16, FRONT = 8 + 4 + 4 };
enum { FILE_MAX = FRONT + SALT_SIZE + NONCE_SIZE + KEY_SIZE + TAG_SIZE };

static const char FILE_NAME[] = "master.key", CREDENTIAL[] = "lastra.master";
static const struct str MAGIC = STR_INIT("LstrKey\n");

static err_t write_front(struct wr *w, uint32_t kind)
{
    wr_put(w, MAGIC);
    wr_u32le(w, VERSION);
    wr_u32le(w, kind);
    TRY(crypto_random(wr_reserve(w, SALT_SIZE), SALT_SIZE));
    return crypto_random(wr_reserve(w, NONCE_SIZE), NONCE_SIZE);
}

/* Seals the key at the writer's end under the passphrase. */
static err_t wrap(struct wr *w, struct str passphrase, const struct key *master)
{
    struct key k;
    struct aead *a;
    struct str front = wr_str(w);
    TRY(crypto_stretch(passphrase, str_slice(front, FRONT, SALT_SIZE), &k));
    err_t e = aead_new(&k, &a);
    key_wipe(&k);
    TRY(e);
    e = aead_seal(a, (const uint8_t *)front.p + FRONT + SALT_SIZE, front,
                  str_of(master->bytes, KEY_SIZE), wr_reserve(w, KEY_SIZE + TAG_SIZE));
    aead_free(a);
    return e;
}

static err_t write_file(int dir, struct str passphrase, struct wr *w, struct diag *d)
{
    struct key master;
    TRY(crypto_random(master.bytes, KEY_SIZE));
    err_t e = write_front(w, passphrase.n ? WRAPPED : PLAIN);
    if (e == OK && passphrase.n)
        e = wrap(w, passphrase, &master);
    else if (e == OK)
        wr_bytes(w, master.bytes, KEY_SIZE);
    key_wipe(&master);
    TRY(e);
    return file_save(dir, FILE_NAME, 0600, wr_str(w), d);
}

err_t keys_create(int keys_dir, struct str passphrase, struct diag *d)
{
    struct file_info info;
    uint8_t buf[FILE_MAX];
    struct wr w = wr_fixed(buf, sizeof buf);
    err_t e = file_stat(keys_dir, FILE_NAME, &info, NULL);
    if (e == OK)
        return diag_set(d, E_EXISTS,
                        "there is a master key already: a new one would lose everything "
                        "that the old one opens");
    if (e != E_NOTFOUND)
        return diag_set(d, e, "cannot look at %s: %s", FILE_NAME, err_text(e));
    e = write_file(keys_dir, passphrase, &w, d);
    explicit_bzero(buf, sizeof buf);
    return e;
}

static err_t unwrap(struct str file, struct str passphrase, struct key *ret, struct diag *d)
{
    struct key k;
    struct aead *a;
    size_t front = FRONT + SALT_SIZE + NONCE_SIZE;
    if (passphrase.n == 0)
        return diag_set(d, E_DENIED, "the master key is protected by a passphrase; give it");
    TRY(crypto_stretch(passphrase, str_slice(file, FRONT, SALT_SIZE), &k));
    err_t e = aead_new(&k, &a);
    key_wipe(&k);
    TRY(e);
    e = aead_open(a, (const uint8_t *)file.p + FRONT + SALT_SIZE, str_slice(file, 0, front),
                  str_slice(file, front, file.n), ret->bytes);
    aead_free(a);
    return e == E_DAMAGED ? diag_set(d, E_DENIED, "the passphrase does not open the master key")
                          : e;
}

static err_t parse(struct str file, struct str passphrase, struct key *ret, struct diag *d)
{
    struct rd r = rd_of(file);
    bool magic = str_eq(rd_take(&r, MAGIC.n), MAGIC);
    uint32_t version = rd_u32le(&r), kind = rd_u32le(&r);
    rd_skip(&r, SALT_SIZE + NONCE_SIZE);
    size_t want = kind == WRAPPED ? KEY_SIZE + TAG_SIZE : KEY_SIZE;
    if (magic && !r.bad && (version != VERSION || kind > WRAPPED))
        return diag_set(d, E_UNSUPPORTED,
                        "the master key is in a format that this program does not know");
    if (!magic || r.bad || r.n != want)
        return diag_set(d, E_DAMAGED,
                        "the master key's file is damaged: restore it from its backup");
    if (kind == WRAPPED)
        return unwrap(file, passphrase, ret, d);
    memcpy(ret->bytes, rd_take(&r, KEY_SIZE).p, KEY_SIZE);
    return OK;
}

/* A credential's folder is systemd's to protect; ours must be nobody else's to read. */
static err_t load_from(int dir, const char *name, bool ours, struct str passphrase, struct key *ret,
                       struct diag *d)
{
    struct file_info info;
    TRY(file_stat(dir, name, &info, d));
    if (ours && (info.mode & 077))
        return diag_set(d, E_DENIED,
                        "others can read or change %s (mode %03o): chmod 600 it, and "
                        "consider it known to whoever could",
                        name, (unsigned)info.mode);
    uint8_t buf[FILE_MAX + 1];
    struct wr w = wr_fixed(buf, sizeof buf);
    err_t e = file_load(dir, name, sizeof buf, &w, d);
    if (e == OK)
        e = parse(wr_str(&w), passphrase, ret, d);
    explicit_bzero(buf, sizeof buf);
    return e;
}

static err_t load_master(int keys_dir, struct str passphrase, struct key *ret, struct diag *d)
{
    const char *credentials = secure_getenv("CREDENTIALS_DIRECTORY");
    int dir;
    if (credentials && dir_open(AT_FDCWD, credentials, &dir, NULL) == OK) {
        err_t e = load_from(dir, CREDENTIAL, false, passphrase, ret, d);
        file_close(&dir);
        if (e != E_NOTFOUND)
            return e;
    }
    return load_from(keys_dir, FILE_NAME, true, passphrase, ret, d);
}

err_t keys_load(int keys_dir, struct str passphrase, struct keys *ret, struct diag *d)
{
    struct key master;
    struct keys k;
    TRY(load_master(keys_dir, passphrase, &master, d));
    err_t e = crypto_derive(&master, STR("lastra index"), &k.index);
    if (e == OK)
        e = crypto_derive(&master, STR("lastra packs"), &k.packs);
    if (e == OK)
        e = crypto_derive(&master, STR("lastra chain"), &k.chain);
    key_wipe(&master);
    if (e == OK)
        *ret = k;
    keys_wipe(&k);
    return e;
}

void keys_wipe(struct keys *k)
{
    if (!k)
        return;
    key_wipe(&k->index);
    key_wipe(&k->packs);
    key_wipe(&k->chain);
}
