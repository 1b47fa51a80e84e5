/* The files that shall be sent: their heads read, what they are and where their data sets begin. A
 * file costs about 200 bytes; the objects themselves stay on the disk. */
#ifndef LASTRA_SCU_FILES_H
#define LASTRA_SCU_FILES_H

#include "scu/store.h"

struct scu_file {
    const char *path;
    struct str sop_class, sop_instance, transfer_syntax;
    uint64_t size;    /* of the file */
    uint64_t data_at; /* where the data set begins */
    /* For scu/send.h. */
    size_t part;
    unsigned tries;
    uint32_t next;
};

struct scu_files {
    struct arena arena;
    struct scu_file *list;
    size_t n, cap;
    uint64_t bytes;                        /* of all data sets */
    struct str syntaxes[64], classes[512]; /* each text once */
    size_t n_syntaxes, n_classes;
};

void scu_files_init(struct scu_files *f);
void scu_files_done(struct scu_files *f);

/* Reads the file's head and adds it: Part 10, or a bare data set. E_MALFORMED: not DICOM;
 * E_UNSUPPORTED: DICOM but nothing to send (a DICOMDIR, or no SOP Instance UID). The path is opened
 * as the user named it. */
err_t scu_files_add(struct scu_files *f, const char *path, struct diag *d) MUST_CHECK;

#endif
