/* io/store_open.c: which kind of store a URI names. The only file that knows every kind. */
#include "io/store_int.h"

status store_open(const char *uri, struct store **out, struct err *err)
{
	if (strncmp(uri, "s3://", 5) == 0) return store_s3_open(uri, out, err);
	if (strncmp(uri, "file://", 7) == 0) {
		if (uri[7] != '/') return fail(err, E_USAGE, "lake %s: expected file:///absolute/path", uri);
		return store_local_open(uri + 7, out, err);
	}
	if (strstr(uri, "://") != NULL)
		return fail(err, E_USAGE, "lake %s: expected a directory, file:///path or s3://bucket/prefix", uri);
	if (uri[0] == '\0') return fail(err, E_USAGE, "lake: expected a directory, found an empty name");
	return store_local_open(uri, out, err);
}
