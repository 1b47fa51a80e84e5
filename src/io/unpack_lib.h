/* Inside of io only: libarchive, loaded when an archive is opened rather than with the program. It
 * brings libraries for XML, Unicode and C++ along, a sixth of what an idle server would hold in
 * memory, and a server never unpacks anything. */
#ifndef LASTRA_IO_UNPACK_LIB_H
#define LASTRA_IO_UNPACK_LIB_H

#include <archive.h>
#include <archive_entry.h>

#include "base/err.h"

#define UNPACK_LIB_CALLS(CALL)                                                                     \
    CALL(archive_entry_filetype)                                                                   \
    CALL(archive_entry_hardlink)                                                                   \
    CALL(archive_entry_is_encrypted)                                                               \
    CALL(archive_entry_pathname)                                                                   \
    CALL(archive_entry_pathname_utf8)                                                              \
    CALL(archive_entry_size)                                                                       \
    CALL(archive_entry_size_is_set)                                                                \
    CALL(archive_entry_symlink)                                                                    \
    CALL(archive_error_string)                                                                     \
    CALL(archive_filter_code)                                                                      \
    CALL(archive_filter_count)                                                                     \
    CALL(archive_read_data)                                                                        \
    CALL(archive_read_data_block)                                                                  \
    CALL(archive_read_free)                                                                        \
    CALL(archive_read_new)                                                                         \
    CALL(archive_read_next_header)                                                                 \
    CALL(archive_read_open1)                                                                       \
    CALL(archive_read_set_callback_data)                                                           \
    CALL(archive_read_set_read_callback)                                                           \
    CALL(archive_read_set_seek_callback)                                                           \
    CALL(archive_read_set_skip_callback)                                                           \
    CALL(archive_read_support_filter_bzip2)                                                        \
    CALL(archive_read_support_filter_gzip)                                                         \
    CALL(archive_read_support_filter_xz)                                                           \
    CALL(archive_read_support_filter_zstd)                                                         \
    CALL(archive_read_support_format_tar)                                                          \
    CALL(archive_read_support_format_zip)                                                          \
    CALL(archive_set_error)

struct unpack_lib {
    void *handle; /* NULL: not loaded */
#define CALL(name) __typeof__(name) *name;
    UNPACK_LIB_CALLS(CALL)
#undef CALL
};

/* E_UNSUPPORTED: it is not installed. */
err_t unpack_lib_load(struct unpack_lib *l, struct diag *d) MUST_CHECK;
/* Also on a zeroed one. */
void unpack_lib_done(struct unpack_lib *l);

#endif
