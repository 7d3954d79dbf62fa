/* io/s3/sigv4.h: AWS Signature Version 4: the Authorization header of a request. Computes only; knows no clock and no network. */
#ifndef PQR_IO_S3_SIGV4_H
#define PQR_IO_S3_SIGV4_H

#include "base/buf.h"

#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
enum { SIGV4_DATE_CHARS = 16 }; /* 20150830T123600Z */

struct sigv4_header {
	const char *name;  /* lower case */
	const char *value; /* without white space around it, and no two blanks in a row */
};

struct sigv4_request {
	const char *method;
	const char *path;  /* absolute, as sent: percent-encoded once */
	const char *query; /* as sent: names in byte order, each with '=', percent-encoded; "" = none */
	const struct sigv4_header *headers; /* in byte order of the names; host among them; all are signed */
	size_t n_headers;
	const char *payload_sha256; /* lower-case hex, or UNSIGNED-PAYLOAD */
	const char *date;           /* YYYYMMDDTHHMMSSZ, as in x-amz-date */
	const char *region;
	const char *service; /* "s3" */
	const char *access_key;
	const char *secret_key;
};

/* Append the value of the Authorization header to out. buf_check tells of failure. */
void sigv4_authorization(const struct sigv4_request *r, struct buf *out);
/* The canonical request by itself, for tests and for explaining a refused signature. */
void sigv4_canonical_request(const struct sigv4_request *r, struct buf *out);
void sigv4_date(int64_t us, char dst[SIGV4_DATE_CHARS + 1]);

#endif
