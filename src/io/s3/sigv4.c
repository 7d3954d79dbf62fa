/* io/s3/sigv4.c: the signature of a request (AWS Signature Version 4). Pure: the time comes in, nothing is kept. */
#include "io/s3/sigv4.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"

static void signed_names(const struct sigv4_request *r, struct buf *out)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		if (i > 0) buf_char(out, ';');
		buf_str(out, r->headers[i].name);
	}
}

void sigv4_canonical_request(const struct sigv4_request *r, struct buf *out)
{
	buf_printf(out, "%s\n%s\n%s\n", r->method, r->path, r->query);
	for (size_t i = 0; i < r->n_headers; i++) {
		ASSERT(i == 0 || strcmp(r->headers[i - 1].name, r->headers[i].name) < 0);
		buf_printf(out, "%s:%s\n", r->headers[i].name, r->headers[i].value);
	}
	buf_char(out, '\n');
	signed_names(r, out);
	buf_printf(out, "\n%s", r->payload_sha256);
}

/* kSigning of the AWS documentation: four nested HMACs over day, region, service and "aws4_request". */
static void signing_key(const struct sigv4_request *r, uint8_t out[SHA256_BYTES])
{
	char first[4 + 256];
	const int n = snprintf(first, sizeof first, "AWS4%s", r->secret_key);
	ASSERT(n >= 0 && (size_t)n < sizeof first);
	hash_hmac_sha256(first, (size_t)n, r->date, 8, out);
	hash_hmac_sha256(out, SHA256_BYTES, r->region, strlen(r->region), out);
	hash_hmac_sha256(out, SHA256_BYTES, r->service, strlen(r->service), out);
	hash_hmac_sha256(out, SHA256_BYTES, "aws4_request", 12, out);
	explicit_bzero(first, sizeof first);
}

void sigv4_authorization(const struct sigv4_request *r, struct buf *out)
{
	struct buf text;
	uint8_t hash[SHA256_BYTES], key[SHA256_BYTES];
	char hex[HEX_SHA256_CHARS + 1];
	buf_init(&text, 1 << 16);
	sigv4_canonical_request(r, &text);
	hash_sha256(text.p, text.n, hash);
	hex_encode(hash, sizeof hash, hex);
	if (text.failed) out->failed = true;
	buf_reset(&text);
	buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", r->date, r->date, r->region, r->service,
		hex);
	signing_key(r, key);
	hash_hmac_sha256(key, sizeof key, text.p, text.n, hash);
	explicit_bzero(key, sizeof key);
	hex_encode(hash, sizeof hash, hex);
	if (text.failed) out->failed = true;
	buf_deinit(&text);
	buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=", r->access_key,
		r->date, r->region, r->service);
	signed_names(r, out);
	buf_printf(out, ", Signature=%s", hex);
}

void sigv4_date(int64_t us, char dst[SIGV4_DATE_CHARS + 1])
{
	char t[TIME_RFC3339_CHARS];
	time_format(us, t); /* 2015-08-30T12:36:00.000000Z */
	(void)snprintf(
		dst, SIGV4_DATE_CHARS + 1, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14, t + 17);
}
