/* pqrs/ingest/ingest_int.h: shared by ingest.c and ingest_plan.c. */
#ifndef PQR_PQRS_INGEST_INT_H
#define PQR_PQRS_INGEST_INT_H

#include "pqrs/ingest/ingest.h"
#include "io/lines.h"

/* A regular file outside the lake. */
struct ingest_file {
	int fd;
	const char *path;
	int64_t bytes;
};
status ingest_file_open(const char *path, struct ingest_file *out,
	struct err *err) MUST_USE; /* E_NOT_FOUND, E_USAGE: a folder, a pipe */
void ingest_file_close(struct ingest_file *f);
struct line_source ingest_file_source(struct ingest_file *f); /* views f */

#endif
