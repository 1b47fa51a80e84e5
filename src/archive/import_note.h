/* What an import has taken so far, on disk, so that it can go on: 8-byte keys, appended. Losing the
 * end of it only means that some files are read once more. From any thread. */
#ifndef LASTRA_ARCHIVE_IMPORT_NOTE_H
#define LASTRA_ARCHIVE_IMPORT_NOTE_H

#include "base/err.h"
#include "base/str.h"

struct import_note;

/* The note of a source under DATA/import, named by a digest of the source's path. afresh: begin
 * anew. */
err_t import_note_open(int data_dir, struct str source, bool afresh, struct import_note **ret,
                       struct diag *d) MUST_CHECK;
bool import_note_has(struct import_note *n, uint64_t key);
err_t import_note_add(struct import_note *n, uint64_t key) MUST_CHECK;
/* finished: the note is removed. NULL is fine. */
void import_note_close(struct import_note *n, bool finished);

/* A file's key: what tells it from another, and from itself when it has changed. */
err_t import_note_key(struct str label, uint64_t size, int64_t modified_us,
                      uint64_t *ret) MUST_CHECK;

#endif
