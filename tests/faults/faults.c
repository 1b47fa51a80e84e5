/* Fault injection by LD_PRELOAD: the n-th call of a class fails, is cut short, or is the process's
 * last. The program under test is the one that is shipped; nothing in it knows of this.
 *
 *   LASTRA_FAULT=RULE[,RULE...]      RULE is CLASS:N:WHAT[:on]
 *       CLASS  write read sync truncate allocate open rename remove memory heap thread accept
 *       N      from 1
 *       WHAT   an errno name (EIO, ENOSPC, ...), or
 *              kill   SIGKILL instead of the call
 *              tear   write: half of the bytes, then SIGKILL
 *              short  write, read: half of the bytes, and success
 *       on     every call from the n-th; else only that one
 *   LASTRA_FAULT_PATH=TEXT           only files whose path has TEXT in it are counted and hit
 *   LASTRA_FAULT_WHILE=FILE          only while FILE is there
 *   LASTRA_FAULT_COUNT=FILE          at the end: "CLASS COUNT" lines, so that a test can loop over
 * all n
 *
 * write, read, sync and truncate concern regular files only: a log line on standard error or a
 * socket's byte is not counted. `memory` is what the program itself allocates, `heap` is that and
 * what libraries do: some of those (GMP, libarchive) end the process when there is none, and that
 * is theirs to change. Both count from the start of main, or nearly. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpedantic" /* the C library declares them with attributes */

enum class {
    CLASS_WRITE,
    CLASS_READ,
    CLASS_SYNC,
    CLASS_TRUNCATE,
    CLASS_ALLOCATE,
    CLASS_OPEN,
    CLASS_RENAME,
    CLASS_REMOVE,
    CLASS_MEMORY,
    CLASS_HEAP,
    CLASS_THREAD,
    CLASS_ACCEPT,
    CLASS_COUNT
};

static const char *const class_names[CLASS_COUNT] = {
    [CLASS_WRITE] = "write",       [CLASS_READ] = "read",         [CLASS_SYNC] = "sync",
    [CLASS_TRUNCATE] = "truncate", [CLASS_ALLOCATE] = "allocate", [CLASS_OPEN] = "open",
    [CLASS_RENAME] = "rename",     [CLASS_REMOVE] = "remove",     [CLASS_MEMORY] = "memory",
    [CLASS_HEAP] = "heap",         [CLASS_THREAD] = "thread",     [CLASS_ACCEPT] = "accept"};

static const struct {
    const char *name;
    int value;
} errno_names[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT},
                   {"EFBIG", EFBIG},   {"ENOMEM", ENOMEM}, {"EACCES", EACCES},
                   {"EPERM", EPERM},   {"EROFS", EROFS},   {"EMFILE", EMFILE},
                   {"ENFILE", ENFILE}, {"EINTR", EINTR},   {"EAGAIN", EAGAIN},
                   {"ENOENT", ENOENT}, {"EXDEV", EXDEV},   {"EOPNOTSUPP", EOPNOTSUPP}};

enum { WHAT_KILL = -1, WHAT_TEAR = -2, WHAT_SHORT = -3, RULES_MAX = 8, TEXT_MAX = 512 };

struct rule {
    enum class class;
    unsigned long n;
    int what; /* an errno, or one of WHAT_ */
    bool on;
};

static struct rule rules[RULES_MAX];
static unsigned rule_count;
static char path_filter[TEXT_MAX], count_file[TEXT_MAX], while_file[TEXT_MAX];
static atomic_ulong counts[CLASS_COUNT];
static atomic_bool armed;
static uintptr_t program_from, program_to; /* where its code is loaded */

/* Nothing of the process runs on after this, not even the way back from a signal. */
static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void complain(const char *rule)
{
    fprintf(stderr, "faults: cannot understand \"%s\"\n", rule);
    _exit(99);
}

static int parse_what(const char *text, const char *rule)
{
    if (strcmp(text, "kill") == 0)
        return WHAT_KILL;
    if (strcmp(text, "tear") == 0)
        return WHAT_TEAR;
    if (strcmp(text, "short") == 0)
        return WHAT_SHORT;
    for (size_t i = 0; i < sizeof errno_names / sizeof *errno_names; i++)
        if (strcmp(text, errno_names[i].name) == 0)
            return errno_names[i].value;
    complain(rule);
    return 0;
}

static enum class parse_class(const char *text, const char *rule) {
    for (int c = 0; c < CLASS_COUNT;
         c++) if (strcmp(text, class_names[c]) == 0) return (enum class)c;
    complain(rule);
    return CLASS_COUNT;
}

static void parse_rule(const char *text)
{
    char class[16], what[16], on[4] = "";
    unsigned long n;
    int fields = sscanf(text, "%15[a-z]:%lu:%15[A-Za-z]:%3s", class, &n, what, on);
    if (fields < 3 || n == 0 || (fields == 4 && strcmp(on, "on") != 0) || rule_count == RULES_MAX)
        complain(text);
    rules[rule_count++] = (struct rule){.class = parse_class(class, text),
                                        .n = n,
                                        .what = parse_what(what, text),
                                        .on = fields == 4};
}

/* The first object is the program itself. */
static int note_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
            program_from = info->dlpi_addr + p->p_vaddr;
            program_to = program_from + p->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    dl_iterate_phdr(note_program, NULL);
    const char *text = getenv("LASTRA_FAULT"), *path = getenv("LASTRA_FAULT_PATH"),
               *count = getenv("LASTRA_FAULT_COUNT"), *during = getenv("LASTRA_FAULT_WHILE");
    snprintf(while_file, sizeof while_file, "%s", during ? during : "");
    snprintf(path_filter, sizeof path_filter, "%s", path ? path : "");
    snprintf(count_file, sizeof count_file, "%s", count ? count : "");
    while (text && *text) {
        char one[64];
        size_t n = strcspn(text, ",");
        if (n >= sizeof one)
            complain(text);
        memcpy(one, text, n);
        one[n] = '\0';
        parse_rule(one);
        text += n + (text[n] == ',');
    }
    atomic_store(&armed, true);
}

__attribute__((destructor)) static void end(void)
{
    atomic_store(&armed, false);
    FILE *f = count_file[0] ? fopen(count_file, "w") : NULL;
    if (!f)
        return;
    for (int c = 0; c < CLASS_COUNT; c++)
        fprintf(f, "%s %lu\n", class_names[c], atomic_load(&counts[c]));
    fclose(f);
}

/* Whether calls count now. */
static bool is_on(void)
{
    if (!atomic_load_explicit(&armed, memory_order_relaxed))
        return false;
    int saved = errno;
    bool on = !while_file[0] || access(while_file, F_OK) == 0;
    errno = saved;
    return on;
}

/* The verdict on one more call: 0 to let it pass, else an errno or one of WHAT_. */
static int judge(enum class class)
{
    if (!is_on())
        return 0;
    unsigned long n = atomic_fetch_add(&counts[class], 1) + 1;
    for (unsigned i = 0; i < rule_count; i++) {
        const struct rule *r = &rules[i];
        if (r->class != class || (r->on ? n < r->n : n != r->n))
            continue;
        if (r->what == WHAT_KILL)
            die();
        return r->what;
    }
    return 0;
}

static int judge_path(enum class class, const char *path)
{
    return strstr(path, path_filter) ? judge(class) : 0;
}

static int judge_fd(enum class class, int fd)
{
    struct stat st;
    char link[64], path[PATH_MAX];
    int saved = errno;
    bool counts_here = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    if (counts_here && path_filter[0]) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        path[n > 0 ? n : 0] = '\0';
        counts_here = strstr(path, path_filter) != NULL;
    }
    errno = saved;
    return counts_here ? judge(class) : 0;
}

/* A failing call's answer. tear and short make no sense where there are no bytes. */
static int refused(int what)
{
    errno = what > 0 ? what : EIO;
    return -1;
}

/* The function that this one stands before, as `next`. */
#define NEXT(name, type, ...)                                                                      \
    static type (*next)(__VA_ARGS__);                                                              \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, name)

/* ---- bytes ---- */

typedef ssize_t (*move_fn)(int, void *, size_t, off_t);

static ssize_t do_write(int fd, void *p, size_t n, off_t at)
{
    NEXT("write", ssize_t, int, const void *, size_t);
    (void)at;
    return next(fd, p, n);
}

static ssize_t do_pwrite(int fd, void *p, size_t n, off_t at)
{
    NEXT("pwrite64", ssize_t, int, const void *, size_t, off_t);
    return next(fd, p, n, at);
}

static ssize_t do_read(int fd, void *p, size_t n, off_t at)
{
    NEXT("read", ssize_t, int, void *, size_t);
    (void)at;
    return next(fd, p, n);
}

static ssize_t do_pread(int fd, void *p, size_t n, off_t at)
{
    NEXT("pread64", ssize_t, int, void *, size_t, off_t);
    return next(fd, p, n, at);
}

static ssize_t judged(enum class class, move_fn move, int fd, void *p, size_t n, off_t at)
{
    int what = judge_fd(class, fd);
    if (what == 0)
        return move(fd, p, n, at);
    if (what == WHAT_SHORT)
        return move(fd, p, n > 1 ? n / 2 : n, at);
    if (what == WHAT_TEAR) {
        move(fd, p, n / 2, at);
        die();
    }
    return refused(what);
}

ssize_t write(int fd, const void *p, size_t n)
{
    return judged(CLASS_WRITE, do_write, fd, (void *)(uintptr_t)p, n, 0);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return judged(CLASS_WRITE, do_pwrite, fd, (void *)(uintptr_t)p, n, at);
}

ssize_t read(int fd, void *p, size_t n)
{
    return judged(CLASS_READ, do_read, fd, p, n, 0);
}

ssize_t pread64(int fd, void *p, size_t n, off_t at)
{
    return judged(CLASS_READ, do_pread, fd, p, n, at);
}

/* A vector is judged as one call; cut short it is its first part. */
ssize_t writev(int fd, const struct iovec *v, int n)
{
    NEXT("writev", ssize_t, int, const struct iovec *, int);
    int what = judge_fd(CLASS_WRITE, fd);
    if (what == 0)
        return next(fd, v, n);
    if (what == WHAT_SHORT || what == WHAT_TEAR) {
        ssize_t put = next(fd, v, 1);
        if (what == WHAT_TEAR)
            die();
        return put;
    }
    return refused(what);
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
    NEXT("pwritev64", ssize_t, int, const struct iovec *, int, off_t);
    int what = judge_fd(CLASS_WRITE, fd);
    if (what == 0)
        return next(fd, v, n, at);
    if (what == WHAT_SHORT || what == WHAT_TEAR) {
        ssize_t put = next(fd, v, 1, at);
        if (what == WHAT_TEAR)
            die();
        return put;
    }
    return refused(what);
}

/* ---- what lasts ---- */

int fsync(int fd)
{
    NEXT("fsync", int, int);
    int what = judge_fd(CLASS_SYNC, fd);
    return what ? refused(what) : next(fd);
}

int fdatasync(int fd)
{
    NEXT("fdatasync", int, int);
    int what = judge_fd(CLASS_SYNC, fd);
    return what ? refused(what) : next(fd);
}

int ftruncate64(int fd, off_t n)
{
    NEXT("ftruncate64", int, int, off_t);
    int what = judge_fd(CLASS_TRUNCATE, fd);
    return what ? refused(what) : next(fd, n);
}

int fallocate64(int fd, int mode, off_t at, off_t n)
{
    NEXT("fallocate64", int, int, int, off_t, off_t);
    int what = judge_fd(CLASS_ALLOCATE, fd);
    return what ? refused(what) : next(fd, mode, at, n);
}

int posix_fallocate64(int fd, off_t at, off_t n)
{
    NEXT("posix_fallocate64", int, int, off_t, off_t);
    int what = judge_fd(CLASS_ALLOCATE, fd);
    return what > 0 ? what : what < 0 ? EIO : next(fd, at, n);
}

/* ---- names ---- */

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

static int open_judged(int at, const char *name, int flags, mode_t mode)
{
    NEXT("openat64", int, int, const char *, int, ...);
    int what = judge_path(CLASS_OPEN, name);
    return what ? refused(what) : next(at, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return open_judged(AT_FDCWD, name, flags, mode);
}

int openat64(int at, const char *name, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return open_judged(at, name, flags, mode);
}

/* What the fortified headers call where the flags ask for no mode. */
int __open64_2(const char *name, int flags)
{
    return open_judged(AT_FDCWD, name, flags, 0);
}

int __openat64_2(int at, const char *name, int flags)
{
    return open_judged(at, name, flags, 0);
}

int rename(const char *from, const char *to)
{
    NEXT("rename", int, const char *, const char *);
    int what = judge_path(CLASS_RENAME, to);
    return what ? refused(what) : next(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    NEXT("renameat", int, int, const char *, int, const char *);
    int what = judge_path(CLASS_RENAME, to);
    return what ? refused(what) : next(from_dir, from, to_dir, to);
}

int unlink(const char *name)
{
    NEXT("unlink", int, const char *);
    int what = judge_path(CLASS_REMOVE, name);
    return what ? refused(what) : next(name);
}

int unlinkat(int dir, const char *name, int flags)
{
    NEXT("unlinkat", int, int, const char *, int);
    int what = judge_path(CLASS_REMOVE, name);
    return what ? refused(what) : next(dir, name, flags);
}

/* ---- memory: by glibc's own names, since dlsym itself allocates ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static bool no_memory(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    bool own = at >= program_from && at < program_to;
    int what = own ? judge(CLASS_MEMORY) : 0;
    if (judge(CLASS_HEAP) == 0 && what == 0)
        return false;
    errno = ENOMEM;
    return true;
}

#define NO_MEMORY() no_memory(__builtin_return_address(0))

void *malloc(size_t n)
{
    return NO_MEMORY() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    return NO_MEMORY() ? NULL : __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    return NO_MEMORY() ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return NO_MEMORY() ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **ret, size_t align, size_t n)
{
    void *p = NO_MEMORY() ? NULL : __libc_memalign(align, n);
    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

/* ---- the rest ---- */

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    NEXT("pthread_create", int, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int what = judge(CLASS_THREAD);
    return what > 0 ? what : what < 0 ? EAGAIN : next(id, attr, run, arg);
}

int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    NEXT("accept4", int, int, struct sockaddr *, socklen_t *, int);
    int what = judge(CLASS_ACCEPT);
    return what ? refused(what) : next(fd, a, n, flags);
}

/* Programs that were not built for large files use the short names, which on a 64-bit machine are
 * the same functions; fortified ones have names of their own for reading. */
#define ALIAS(of) __attribute__((alias(of)))
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) ALIAS("pwrite64");
ssize_t pread(int fd, void *p, size_t n, off_t at) ALIAS("pread64");
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at) ALIAS("pwritev64");
int ftruncate(int fd, off_t n) ALIAS("ftruncate64");
int fallocate(int fd, int mode, off_t at, off_t n) ALIAS("fallocate64");
int posix_fallocate(int fd, off_t at, off_t n) ALIAS("posix_fallocate64");
int open(const char *name, int flags, ...) ALIAS("open64");
int openat(int at, const char *name, int flags, ...) ALIAS("openat64");
int __open_2(const char *name, int flags) ALIAS("__open64_2");
int __openat_2(int at, const char *name, int flags) ALIAS("__openat64_2");

ssize_t __read_chk(int fd, void *p, size_t n, size_t room)
{
    return n <= room ? read(fd, p, n) : refused(EFAULT);
}

ssize_t __pread64_chk(int fd, void *p, size_t n, off_t at, size_t room)
{
    return n <= room ? pread64(fd, p, n, at) : refused(EFAULT);
}
