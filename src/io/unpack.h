/* Reading zip and tar archives (tar plain or under gzip, bzip2, xz, zstd) over libarchive: the
 * entries one after another, each as a stream. Nothing is written to disk and no path is made: the
 * name inside an archive is only a label to show. Archives are hostile: the counts and sizes are
 * bounded, and so is the ratio of what comes out to what went in (a "zip bomb").
 *
 *     while ((e = unpack_next(u, &entry, &more)) == OK && more)
 *         while ((e = unpack_read(u, buf, sizeof buf, &n)) == OK && n) ...
 */
#ifndef LASTRA_IO_UNPACK_H
#define LASTRA_IO_UNPACK_H

#include "base/err.h"
#include "base/str.h"

struct unpack_limits {
    uint64_t entries;     /* how many files */
    uint64_t entry_bytes; /* of one file, unpacked */
    uint64_t total_bytes; /* of all files, unpacked */
    unsigned ratio;       /* unpacked bytes for each byte of the archive, past the first MiB */
};
/* The ratio is just past what deflate can do: a black image packs that well, a bomb in xz or zstd
 * better by far. */
#define UNPACK_LIMITS_DEFAULT                                                                      \
    ((struct unpack_limits){1000000, (uint64_t)16 << 30, (uint64_t)1 << 40, 1100})

struct unpack;

/* Whether the first bytes of a file (UNPACK_HEAD are enough) look like an archive that this can
 * read. A DICOM file never does, whatever its preamble holds. */
enum { UNPACK_HEAD = 512 };
bool unpack_looks_so(struct str head);

/* From an open file, which stays the caller's and must outlive it; or from memory. E_MALFORMED when
 * it is none of the formats, else by unpack_next. */
err_t unpack_open(int fd, const struct unpack_limits *l, struct unpack **ret,
                  struct diag *d) MUST_CHECK;
err_t unpack_memory(struct str bytes, const struct unpack_limits *l, struct unpack **ret,
                    struct diag *d) MUST_CHECK;
void unpack_free(struct unpack *u);

/* The next regular file; folders, links and devices are passed over, and so is what was not read of
 * the file before. more is false at the end. label: valid until the next call, any bytes. E_LIMIT,
 * E_MALFORMED (damaged), E_UNSUPPORTED (encrypted), E_IO: the archive cannot be read further. */
struct unpack_entry {
    struct str label;
    bool has_size;
    uint64_t size; /* as the archive says; what comes is what counts */
};
err_t unpack_next(struct unpack *u, struct unpack_entry *ret, bool *ret_more) MUST_CHECK;

/* Up to n bytes of the file; 0 only at its end. Errors as unpack_next; E_MALFORMED may concern this
 * file alone (a wrong checksum): unpack_next can be tried. */
err_t unpack_read(struct unpack *u, void *buf, size_t n, size_t *ret_n) MUST_CHECK;

/* What went wrong. */
const struct diag *unpack_diag(const struct unpack *u);

#endif
