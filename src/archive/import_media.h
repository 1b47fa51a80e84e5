/* What a DICOMDIR (PS3.3 F, PS3.10 8) names but its medium lacks: a scratched disc or a half-copied
 * folder is told, not passed over. The names in it are only ever looked at, as components without
 * a slash below the medium's folder. */
#ifndef LASTRA_ARCHIVE_IMPORT_MEDIA_H
#define LASTRA_ARCHIVE_IMPORT_MEDIA_H

#include "base/err.h"

/* path: the DICOMDIR. missing is called with each file's path. E_MALFORMED, E_LIMIT: it cannot be
 * read. */
err_t import_media_check(const char *path, void (*missing)(void *ctx, const char *file), void *ctx,
                         struct diag *d) MUST_CHECK;

#endif
