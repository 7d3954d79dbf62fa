/* server/static_files.h: the dashboard's files, which are part of the program (web/dist; the table is made by CMakeLists.txt). */
#ifndef PQR_SERVER_STATIC_FILES_H
#define PQR_SERVER_STATIC_FILES_H

#include "server/exchange.h"

struct static_file {
	const char *path; /* "/assets/index-1a2b.js" */
	const char *start, *end;
	const char *tag; /* of its content */
};
extern const struct static_file static_files_all[];
extern const size_t static_files_n;

/* The file of that path ("/app.js"); p == NULL: there is none. */
struct str static_file_get(const char *path);
/* Answers with the file of the path; a path without a dot is a page of the dashboard, which is one file. false: there is none. */
bool static_file_answer(const struct request *r, struct response *out) MUST_USE;

#endif
