/* io/s3/store_s3_parts.c: one object sent in parts.
 *
 *   part -> in flight (S3_FLIGHT_MAX parts) -> their ETags -> complete: CompleteMultipartUpload, with If-None-Match
 *
 * Invariants: 1. parts finish in the order of their start, so that their ETags stand in order; 2. destroy aborts an upload that was
 * not completed, so that S3 keeps (and bills) nothing of it; 3. a 412 is settled by comparing bytes. Whether the server honours
 * If-None-Match on a completion is not asked here: s3_prove_parts finds out with uploads of this file.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/s3/s3_xml.h"
#include "io/s3/store_s3_int.h"

enum {
	UPLOAD_ID_CHARS_MAX = 2048,
	PARTS_MAX = 10000,         /* S3's limit */
	PARTS_BEFORE_LARGER = 2000 /* then parts double, so that 10000 of them hold 248 GiB */
};

struct part {
	struct s3_call call;
	uint8_t *bytes; /* owned; NULL where the caller's are sent */
	char query[UPLOAD_ID_CHARS_MAX * 3 + 64];
	int number;
	bool busy;
};

struct s3_upload {
	struct s3_store *store;
	char *key, *full;
	enum store_put_mode mode; /* STORE_ABSENT or STORE_REPLACE */
	bool begun;
	char upload_id[UPLOAD_ID_CHARS_MAX]; /* encoded for a query */
	struct part parts[S3_FLIGHT_MAX];
	int n_parts;
	struct buf etags; /* PARTS_MAX XML elements at most */
	struct hash_stream hash;
	int64_t total;
};

static const struct sigv4_header absent[] = {{"if-none-match", "*"}};

static status keep_upload_id(struct s3_upload *u, struct str answer, struct err *err)
{
	struct str inside;
	char id[UPLOAD_ID_CHARS_MAX / 3];
	struct buf b;
	if (!s3_xml_root(answer, "InitiateMultipartUploadResult", &inside) ||
		!s3_xml_text(inside, "UploadId", id, sizeof id) || id[0] == '\0')
		return fail(err, E_IO, "cannot start an upload of %s: S3 gave no upload id", u->key);
	buf_init(&b, UPLOAD_ID_CHARS_MAX);
	buf_percent(&b, str_of(id), "");
	buf_char(&b, '\0');
	const status code = buf_check(&b, err);
	u->begun = code == OK;
	if (u->begun) memcpy(u->upload_id, b.p, b.n);
	buf_deinit(&b);
	return code;
}

static status begin(struct s3_upload *u, struct err *err)
{
	struct s3_call call;
	const struct s3_request q = {
		.verb = "start an upload of", .method = "POST", .key = u->full, .query = "uploads="};
	status code = s3_perform(u->store->client, &call, &q, err);
	if (code == OK) code = keep_upload_id(u, (struct str){(const char *)call.text.p, call.text.n}, err);
	s3_call_deinit(&call);
	return code;
}

static status part_finish(struct s3_upload *u, struct part *p, struct err *err)
{
	if (!p->busy) return OK;
	const status code = s3_call_finish(u->store->client, &p->call, err);
	if (code == OK && p->call.http.etag[0] == '\0') u->etags.failed = true;
	s3_call_deinit(&p->call);
	mem_free(p->bytes);
	p->bytes = NULL;
	p->busy = false;
	if (code == OK)
		buf_printf(&u->etags, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", p->number,
			p->call.http.etag);
	return code;
}

/* An upload that is begun, and the part before in its place done. */
static status part_room(struct s3_upload *u, struct part *p, struct err *err)
{
	if (!u->begun) TRY(begin(u, err));
	TRY(part_finish(u, p, err));
	return u->n_parts < PARTS_MAX ? OK : fail(err, E_LIMIT, "object of more than %d parts: %s", PARTS_MAX, u->key);
}

status s3_upload_part(struct s3_upload *u, uint8_t *bytes, size_t n, bool own, struct err *err)
{
	struct part *p = &u->parts[u->n_parts % S3_FLIGHT_MAX];
	ASSERT(n > 0);
	status code = part_room(u, p, err);
	if (code != OK) {
		if (own) mem_free(bytes);
		return code;
	}
	hash_stream_add(&u->hash, bytes, n);
	u->total += (int64_t)n;
	p->bytes = own ? bytes : NULL;
	p->number = ++u->n_parts;
	(void)snprintf(p->query, sizeof p->query, "partNumber=%d&uploadId=%s", p->number, u->upload_id);
	const struct s3_request q = {.verb = "upload a part of",
		.method = "PUT",
		.key = u->full,
		.query = p->query,
		.body = bytes,
		.body_n = n};
	s3_call_init(&p->call, &q);
	code = s3_call_start(u->store->client, &p->call, err);
	p->busy = code == OK;
	if (code == OK) return OK;
	s3_call_deinit(&p->call);
	mem_free(p->bytes);
	p->bytes = NULL;
	return code;
}

size_t s3_upload_part_bytes(const struct s3_upload *u)
{
	return (size_t)S3_PART_BYTES << (u->n_parts / PARTS_BEFORE_LARGER);
}

static void upload_abort(struct s3_upload *u)
{
	struct s3_call call;
	char query[UPLOAD_ID_CHARS_MAX + 16];
	struct err ignored;
	(void)snprintf(query, sizeof query, "uploadId=%s", u->upload_id);
	const struct s3_request q = {.verb = "abort an upload of",
		.method = "DELETE",
		.key = u->full,
		.query = query,
		.takes = S3_TAKES_404};
	/* What can't be aborted now is left to store_sweep. */
	(void)!(s3_perform(u->store->client, &call, &q, &ignored));
	s3_call_deinit(&call);
	u->begun = false;
}

/* 412 or no such upload: what stands there may be ours, of a try whose answer was lost. E_CONFLICT: nothing does; S3 drops an
 * upload whose completion met another creator's, and wants it sent again from the start. */
static status settle(struct s3_upload *u, struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	bool same;
	hash_stream_final(&u->hash, hash, NULL);
	const struct s3_content want = {NULL, u->total, hash};
	struct err now;
	err_clear(&now);
	status code = s3_same(u->store, u->key, &want, &same, &now);
	if (code == E_NOT_FOUND)
		code = fail(&now, E_CONFLICT,
			"cannot create: S3 gave up the upload: run the same command again, it resumes");
	else if (code == OK && !same)
		code = fail(&now, E_EXISTS, "cannot create: an object with other bytes is there");
	if (code == OK) return OK;
	if (err != NULL) *err = now;
	return err_at(err, code, u->key, -1, -1);
}

/* Nobody vouches for If-None-Match but the user for being alone: look before completing. */
static status complete_alone(struct s3_upload *u, bool *exists, struct err *err)
{
	struct s3_facts f;
	struct err now;
	err_clear(&now);
	const status code = s3_head(u->store, u->key, &f, &now);
	*exists = code == OK;
	if (code == OK) {
		upload_abort(u);
		return settle(u, err);
	}
	if (code == E_NOT_FOUND) return OK;
	if (err != NULL) *err = now;
	return code;
}

static status complete_with(struct s3_upload *u, const struct s3_request *q, struct err *err)
{
	struct s3_call call;
	const status code = s3_perform(u->store->client, &call, q, err);
	const int http_status = call.http.status;
	s3_call_deinit(&call);
	TRY(code);
	if (http_status == 412) upload_abort(u);
	if (http_status != 200) TRY(settle(u, err));
	u->begun = false;
	return OK;
}

status s3_upload_complete(struct s3_upload *u, struct err *err)
{
	struct buf body;
	char query[UPLOAD_ID_CHARS_MAX + 16];
	for (int i = 0; i < S3_FLIGHT_MAX; i++) TRY(part_finish(u, &u->parts[(u->n_parts + i) % S3_FLIGHT_MAX], err));
	if (u->etags.failed) return fail(err, E_IO, "cannot write %s: S3 gave no ETag of a part", u->key);
	const bool alone = atomic_load(&u->store->single_writer);
	if (alone && u->mode != STORE_REPLACE) {
		bool exists;
		TRY(complete_alone(u, &exists, err));
		if (exists) return OK;
	}
	(void)snprintf(query, sizeof query, "uploadId=%s", u->upload_id);
	buf_init(&body, 0);
	buf_str(&body, "<CompleteMultipartUpload>");
	buf_add(&body, u->etags.p, u->etags.n);
	buf_str(&body, "</CompleteMultipartUpload>");
	const struct s3_request q = {.verb = "complete the upload of",
		.method = "POST",
		.key = u->full,
		.query = query,
		.extra = absent,
		.n_extra = u->mode != STORE_REPLACE && !alone ? 1 : 0,
		.body = body.p,
		.body_n = body.n,
		.takes = S3_TAKES_404 | S3_TAKES_412};
	status code = buf_check(&body, err);
	if (code == OK) code = complete_with(u, &q, err);
	buf_deinit(&body);
	return code;
}

bool s3_upload_begun(const struct s3_upload *u)
{
	return u->begun;
}

void s3_upload_destroy(struct s3_upload *u)
{
	struct err ignored;
	if (u == NULL) return;
	for (int i = 0; i < S3_FLIGHT_MAX; i++) (void)!(part_finish(u, &u->parts[i], &ignored));
	if (u->begun) upload_abort(u);
	hash_stream_deinit(&u->hash);
	buf_deinit(&u->etags);
	mem_free(u->key);
	mem_free(u->full);
	mem_free(u);
}

status s3_upload_create(
	struct s3_store *s, const char *key, enum store_put_mode mode, struct s3_upload **out, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	ASSERT(mode != STORE_COMMIT);
	TRY(s3_key(s, key, full, err));
	struct s3_upload *u = mem_zalloc(1, sizeof *u);
	if (u == NULL) return fail_nomem(err);
	u->store = s;
	u->mode = mode;
	u->key = mem_strdup(key);
	u->full = mem_strdup(full);
	buf_init(&u->etags, 1 << 22);
	status code = u->key != NULL && u->full != NULL ? OK : fail_nomem(err);
	if (code == OK) code = hash_stream_init(&u->hash, false, err);
	if (code != OK)
		s3_upload_destroy(u);
	else
		*out = u;
	return code;
}

status s3_upload_all(struct s3_upload *u, const void *p, size_t n, struct err *err)
{
	uint8_t *from = (uint8_t *)(uintptr_t)p; /* sent, not changed; it outlives the upload */
	ASSERT(n > 0);                           /* S3 completes no upload of no part */
	while (n > 0) {
		const size_t some = n < s3_upload_part_bytes(u) ? n : s3_upload_part_bytes(u);
		TRY(s3_upload_part(u, from, some, false, err));
		from += some;
		n -= some;
	}
	return OK;
}
