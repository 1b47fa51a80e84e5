/* Reading large text of a file or standard input as a stream, gzip taken off (by its magic), with
 * bounded memory. Bombs: output past `ratio` times the input (after the first MiB) is E_LIMIT. */
#ifndef LASTRA_SURVEY_CORE_INPUT_H
#define LASTRA_SURVEY_CORE_INPUT_H

#include "base/err.h"
#include "base/str.h"

struct input;
struct stop; /* io/thread.h */

enum { INPUT_BLOCK = 256 << 10, INPUT_LINE_MAX = 4 << 20, INPUT_RATIO = 200 };

/* path "-": standard input. E_NOTFOUND, E_UNSUPPORTED (a folder, a device). */
err_t input_open(const char *path, struct input **ret, struct diag *d) MUST_CHECK;
void input_close(struct input *in); /* NULL is fine */
/* Waits for standard input end with E_STOPPED when it is set. */
void input_set_stop(struct input *in, const struct stop *stop);

/* The next block of bytes, INPUT_BLOCK of them but for the last; a view until the next call; n = 0
 * at the end. A truncated or damaged gzip stream: E_DAMAGED with what was whole given before. */
err_t input_block(struct input *in, struct str *ret, struct diag *d) MUST_CHECK;
/* The next line without its end; false at the end of the text. A line past INPUT_LINE_MAX is passed
 * over: *ret is empty and *long_line true. */
err_t input_line(struct input *in, struct str *ret, bool *ret_more, bool *ret_long,
                 struct diag *d) MUST_CHECK;
/* Puts the block that was given last back, or its end, to be given again: looking at the beginning
 * before any line was read. `bytes` is a part of that block. */
void input_unread(struct input *in, struct str bytes);

/* Bytes of the file read so far, and its size (0: not known), for progress; lines so far. */
uint64_t input_read(const struct input *in);
uint64_t input_size(const struct input *in);
uint64_t input_lines(const struct input *in);
/* What the run is called in the inventory: the file's name without its folder, and its size. */
struct str input_label(const struct input *in);

#endif
