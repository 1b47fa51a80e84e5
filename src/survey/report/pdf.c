/* HTML to PDF by a browser of this machine. It is started without a shell, with an environment and
 * a profile of its own and the network off, and it is ended when it takes too long. Scripts are off
 * by the policy in the page itself: the browser prints with one of its own. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "io/clock.h"
#include "io/file.h"
#include "survey/report/report.h"

enum { PDF_TIMEOUT_MS = 180000, PDF_POLL_MS = 50, COPY_BLOCK = 65536, URL_MAX = PATH_MAX * 3 + 8 };

static const char *const browsers[] = {"chromium", "chromium-browser", "google-chrome"};

/* The first of the browsers in the first folder of PATH that has one. */
static bool find_browser(char path[PATH_MAX])
{
    struct str rest, folder;
    for (size_t i = 0; i < COUNT(browsers); i++)
        for (rest = str_z(getenv("PATH")); rest.n && str_split(&rest, ':', &folder);) {
            int n = snprintf(path, PATH_MAX, "%.*s/%s", STR_ARG(folder), browsers[i]);
            if (folder.n && folder.p[0] == '/' && n > 0 && n < PATH_MAX && access(path, X_OK) == 0)
                return true;
        }
    return false;
}

/* A file: URL of an absolute path. */
static err_t url_of(const char *path, char url[URL_MAX], struct diag *d)
{
    char full[PATH_MAX];
    if (!realpath(path, full))
        return diag_set(d, E_NOTFOUND, "cannot find %s: %s", path, strerror(errno));
    struct wr w = wr_fixed(url, URL_MAX - 1);
    wr_put(&w, STR("file://"));
    for (const char *p = full; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("/-_.~", *p);
        if (plain)
            wr_u8(&w, (uint8_t)*p);
        else
            wr_printf(&w, "%%%02X", (unsigned char)*p);
    }
    url[w.n] = 0;
    return w.bad ? E_LIMIT : OK;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    (void)remove(path); /* what will not go does not keep the rest */
    return 0;
}

static void remove_folder(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static err_t wait_for(pid_t child, struct diag *d)
{
    int64_t deadline = clock_deadline(PDF_TIMEOUT_MS);
    for (;;) {
        int status;
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got < 0 && errno != EINTR)
            return diag_set(d, E_IO, "lost the browser: %s", strerror(errno));
        if (got == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return OK;
        if (got == child)
            return diag_set(d, E_IO, "the browser could not make the PDF (status %d)",
                            WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
        if (clock_left(deadline) <= 0) {
            (void)kill(-child, SIGKILL);
            (void)waitpid(child, &status, 0);
            return diag_set(d, E_TIMEOUT, "the browser took too long to make the PDF");
        }
        clock_sleep_ms(PDF_POLL_MS);
    }
}

static err_t start(const char *browser, char *const argv[], char *const env[], pid_t *ret,
                   struct diag *d)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&files) != 0)
        return E_NOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return E_NOMEM;
    }
    sigset_t none;
    (void)sigemptyset(&none);
    int bad = 0;
    for (int fd = 0; fd < 3; fd++)
        bad |=
            posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
    /* A group of its own, so that its helpers end with it. */
    bad |= posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    bad |= posix_spawnattr_setpgroup(&attributes, 0);
    bad |= posix_spawnattr_setsigmask(&attributes, &none);
    if (!bad)
        bad = posix_spawn(ret, browser, &files, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return bad ? diag_set(d, E_IO, "cannot start %s: %s", browser, strerror(bad)) : OK;
}

static err_t print(const char *browser, const char *profile, const char *url, const char *pdf,
                   struct diag *d)
{
    char profile_arg[PATH_MAX + 32], pdf_arg[PATH_MAX + 32], home[PATH_MAX + 16],
        tmp[PATH_MAX + 16];
    char path[PATH_MAX];
    snprintf(profile_arg, sizeof profile_arg, "--user-data-dir=%s", profile);
    snprintf(pdf_arg, sizeof pdf_arg, "--print-to-pdf=%s", pdf);
    snprintf(home, sizeof home, "HOME=%s", profile);
    snprintf(tmp, sizeof tmp, "TMPDIR=%s", profile);
    snprintf(path, sizeof path, "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    const char *const fixed[] = {
        browser,
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-extensions",
        "--disable-sync",
        "--disable-component-update",
        "--disable-background-networking",
        "--disable-default-apps",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--proxy-server=127.0.0.1:9",
        "--no-pdf-header-footer",
        profile_arg,
        pdf_arg,
        /* The browser refuses its sandbox to root. The page has no script and may fetch nothing. */
        geteuid() == 0 ? "--no-sandbox" : "--disable-print-preview",
        url,
    };
    char *argv[COUNT(fixed) + 1], *env[] = {path, home, tmp, NULL};
    memcpy(argv, fixed, sizeof fixed);
    argv[COUNT(fixed)] = NULL;
    pid_t child;
    TRY(start(browser, argv, env, &child, d));
    return wait_for(child, d);
}

static err_t copy(int in, int out, struct diag *d)
{
    char block[COPY_BLOCK];
    for (uint64_t at = 0;;) {
        size_t n;
        TRY(file_read_some(in, at, block, sizeof block, &n, d));
        if (!n)
            return at ? file_sync(out, d) : diag_set(d, E_IO, "the browser made an empty PDF");
        TRY(file_write_at(out, at, block, n, d));
        at += n;
    }
}

static err_t take(const char *from, const char *to, struct diag *d)
{
    int in = -1, out = -1;
    err_t e = file_open(AT_FDCWD, from, FILE_READ, &in, d);
    if (e == E_NOTFOUND)
        e = diag_set(d, E_IO, "the browser made no PDF");
    if (e == OK)
        e = file_open(AT_FDCWD, to, FILE_OPEN_OR_CREATE, &out, d);
    if (e == OK)
        e = file_truncate(out, 0, d);
    if (e == OK)
        e = copy(in, out, d);
    file_close(&in);
    file_close(&out);
    return e;
}

err_t report_pdf(const char *html_path, const char *pdf_path, struct diag *d)
{
    char browser[PATH_MAX], url[URL_MAX], profile[PATH_MAX], made[PATH_MAX + 16];
    const char *tmp = getenv("TMPDIR");
    if (!find_browser(browser))
        return diag_set(d, E_UNSUPPORTED,
                        "no chromium, chromium-browser or google-chrome on PATH: open %s in a "
                        "browser and print it",
                        html_path);
    TRY(url_of(html_path, url, d));
    int n = snprintf(profile, sizeof profile, "%s/lastra-pdf-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof profile || !mkdtemp(profile))
        return diag_set(d, E_IO, "cannot make a folder for the browser: %s", strerror(errno));
    snprintf(made, sizeof made, "%s/report.pdf", profile);
    err_t e = print(browser, profile, url, made, d);
    if (e == OK)
        e = take(made, pdf_path, d);
    remove_folder(profile);
    return e;
}
