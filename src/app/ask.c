#include "app/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line from a descriptor, byte by byte so that nothing after it is taken. */
static err_t read_line(int fd, char *buf, size_t cap, struct diag *d)
{
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return diag_set(d, E_IO, "cannot read the answer: %s", strerror(errno));
        if (got == 0 || c == '\n')
            break;
        if (n + 1 >= cap)
            return diag_set(d, E_LIMIT, "the answer is longer than %zu bytes", cap - 1);
        buf[n++] = c;
    }
    buf[n] = 0;
    return OK;
}

err_t ask_yes(const char *question, struct diag *d)
{
    if (!isatty(STDIN_FILENO))
        return diag_set(d, E_USAGE, "there is no terminal to ask at; give --yes if you mean it");
    char answer[16];
    fprintf(stderr, "%s [yes/no] ", question);
    TRY(read_line(STDIN_FILENO, answer, sizeof answer, d));
    if (strcmp(answer, "yes") != 0 && strcmp(answer, "y") != 0)
        return diag_set(d, E_CANCELLED, "not done");
    return OK;
}

static err_t secret_from_terminal(int tty, const char *prompt, char *buf, size_t cap,
                                  struct diag *d)
{
    struct termios before, quiet;
    if (tcgetattr(tty, &before) != 0)
        return diag_set(d, E_IO, "cannot use the terminal: %s", strerror(errno));
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    dprintf(tty, "%s: ", prompt);
    tcsetattr(tty, TCSAFLUSH, &quiet);
    err_t e = read_line(tty, buf, cap, d);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    return e;
}

err_t ask_secret(const char *prompt, char *buf, size_t cap, struct diag *d)
{
    if (!isatty(STDIN_FILENO))
        return read_line(STDIN_FILENO, buf, cap, d);
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0)
        return read_line(STDIN_FILENO, buf, cap, d);
    err_t e = secret_from_terminal(tty, prompt, buf, cap, d);
    close(tty);
    return e;
}
