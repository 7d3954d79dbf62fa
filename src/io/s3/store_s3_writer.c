/* io/s3/store_s3_writer.c: streaming puts.
 *
 *   add -> part buffer --full--> in flight (S3_FLIGHT_MAX parts) -> their ETags -> finish: CompleteMultipartUpload
 *
 * What stays under one part goes up as an ordinary put, and so does a commit of any size (s3_put): tables rest on PutObject alone.
 * That a completion with If-None-Match creates and never replaces is proved before the first upload (s3_prove_parts). States: open -> (add)* -> finished | poisoned; the first failure
 * poisons; destroy aborts an upload that was not completed, so that S3 keeps (and bills) nothing of it.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/s3/s3_xml.h"
#include "io/s3/store_s3_int.h"

enum {
	UPLOAD_ID_CHARS_MAX = 2048,
	UPLOAD_TRIES = 3,
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

struct s3_writer {
	struct store_writer base;
	struct s3_store *store;
	char *key, *full;
	enum store_put_mode mode; /* STORE_ABSENT or STORE_REPLACE */
	bool proving;             /* its completion is what is to be proved */
	bool poisoned, begun, finished;
	struct buf pending;                  /* bytes of the next part */
	char upload_id[UPLOAD_ID_CHARS_MAX]; /* encoded for a query */
	struct part parts[S3_FLIGHT_MAX];
	int n_parts;
	struct buf etags; /* PARTS_MAX XML elements at most */
	struct hash_stream hash;
	int64_t total;
};

static const struct sigv4_header absent[] = {{"if-none-match", "*"}};

static status begin(struct s3_writer *w, struct err *err)
{
	struct s3_call call;
	struct str inside;
	char id[UPLOAD_ID_CHARS_MAX / 3];
	const struct s3_request q = {
		.verb = "start an upload of", .method = "POST", .key = w->full, .query = "uploads="};
	if (w->mode != STORE_REPLACE && !w->proving) TRY(s3_prove_parts(w->store, err));
	status code = s3_perform(w->store->client, &call, &q, err);
	const struct str text = {(const char *)call.text.p, call.text.n};
	if (code == OK && (!s3_xml_root(text, "InitiateMultipartUploadResult", &inside) ||
				  !s3_xml_text(inside, "UploadId", id, sizeof id) || id[0] == '\0'))
		code = fail(err, E_IO, "cannot start an upload of %s: S3 gave no upload id", w->key);
	if (code == OK) {
		struct buf b;
		buf_init(&b, UPLOAD_ID_CHARS_MAX);
		buf_percent(&b, str_of(id), "");
		buf_char(&b, '\0');
		code = buf_check(&b, err);
		if (code == OK) memcpy(w->upload_id, b.p, b.n);
		w->begun = code == OK;
		buf_deinit(&b);
	}
	s3_call_deinit(&call);
	return code;
}

static status part_finish(struct s3_writer *w, struct part *p, struct err *err)
{
	if (!p->busy) return OK;
	const status code = s3_call_finish(w->store->client, &p->call, err);
	if (code == OK && p->call.http.etag[0] == '\0') w->etags.failed = true;
	s3_call_deinit(&p->call);
	mem_free(p->bytes);
	p->bytes = NULL;
	p->busy = false;
	if (code == OK)
		buf_printf(&w->etags, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", p->number,
			p->call.http.etag);
	return code;
}

/* Parts finish in the order of their start, so that their ETags stand in order. bytes are taken when `own`. */
static status part_send(struct s3_writer *w, uint8_t *bytes, size_t n, bool own, struct err *err)
{
	struct part *p = &w->parts[w->n_parts % S3_FLIGHT_MAX];
	status code = w->begun ? OK : begin(w, err);
	if (code == OK) code = part_finish(w, p, err);
	if (code == OK && w->n_parts == PARTS_MAX)
		code = fail(err, E_LIMIT, "object of more than %d parts: %s", PARTS_MAX, w->key);
	if (code != OK) {
		if (own) mem_free(bytes);
		return code;
	}
	p->bytes = own ? bytes : NULL;
	p->number = ++w->n_parts;
	(void)snprintf(p->query, sizeof p->query, "partNumber=%d&uploadId=%s", p->number, w->upload_id);
	const struct s3_request q = {.verb = "upload a part of",
		.method = "PUT",
		.key = w->full,
		.query = p->query,
		.body = bytes,
		.body_n = n};
	s3_call_init(&p->call, &q);
	code = s3_call_start(w->store->client, &p->call, err);
	p->busy = code == OK;
	if (code == OK) return OK;
	s3_call_deinit(&p->call);
	mem_free(p->bytes);
	p->bytes = NULL;
	return code;
}

static size_t part_bytes(const struct s3_writer *w)
{
	return (size_t)S3_PART_BYTES << (w->n_parts / PARTS_BEFORE_LARGER);
}

static status send_pending(struct s3_writer *w, struct err *err)
{
	TRY(buf_check(&w->pending, err));
	uint8_t *bytes = w->pending.p;
	const size_t n = w->pending.n;
	buf_init(&w->pending, w->pending.max); /* the part takes the bytes */
	return part_send(w, bytes, n, true, err);
}

static status add(struct s3_writer *w, const void *p, size_t n, struct err *err)
{
	const uint8_t *from = p;
	hash_stream_add(&w->hash, p, n);
	w->total += (int64_t)n;
	while (n > 0) {
		const size_t room = part_bytes(w) - w->pending.n;
		const size_t some = n < room ? n : room;
		buf_add(&w->pending, from, some);
		from += some;
		n -= some;
		if (w->pending.n == part_bytes(w) || w->pending.failed) TRY(send_pending(w, err));
	}
	return OK;
}

static status writer_add(struct store_writer *base, const void *p, size_t n, struct err *err)
{
	struct s3_writer *w = (struct s3_writer *)base;
	if (w->poisoned) return fail(err, E_IO, "cannot write %s: an earlier write failed", w->key);
	const status code = add(w, p, n, err);
	w->poisoned = code != OK;
	return code;
}

static void upload_abort(struct s3_writer *w)
{
	struct s3_call call;
	char query[UPLOAD_ID_CHARS_MAX + 16];
	struct err ignored;
	(void)snprintf(query, sizeof query, "uploadId=%s", w->upload_id);
	const struct s3_request q = {.verb = "abort an upload of",
		.method = "DELETE",
		.key = w->full,
		.query = query,
		.takes = S3_TAKES_404};
	/* What can't be aborted now is left to store_sweep. */
	(void)!(s3_perform(w->store->client, &call, &q, &ignored));
	s3_call_deinit(&call);
	w->begun = false;
}

/* 412 or no such upload: what stands there may be ours, of a try whose answer was lost. E_CONFLICT: nothing does; S3 drops an
 * upload whose completion met another creator's, and wants it sent again from the start. */
static status settle(struct s3_writer *w, struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	bool same;
	hash_stream_final(&w->hash, hash, NULL);
	const struct s3_content want = {NULL, w->total, hash};
	struct err now;
	err_clear(&now);
	status code = s3_same(w->store, w->key, &want, &same, &now);
	if (code == E_NOT_FOUND)
		code = fail(&now, E_CONFLICT,
			"cannot create: S3 gave up the upload: run the same command again, it resumes");
	else if (code == OK && !same)
		code = fail(&now, E_EXISTS, "cannot create: an object with other bytes is there");
	if (code == OK) return OK;
	if (err != NULL) *err = now;
	return err_at(err, code, w->key, -1, -1);
}

/* Nobody vouches for If-None-Match but the user for being alone: look before completing. */
static status complete_alone(struct s3_writer *w, bool *exists, struct err *err)
{
	struct s3_facts f;
	struct err now;
	err_clear(&now);
	const status code = s3_head(w->store, w->key, &f, &now);
	*exists = code == OK;
	if (code == OK) {
		upload_abort(w);
		return settle(w, err);
	}
	if (code == E_NOT_FOUND) return OK;
	if (err != NULL) *err = now;
	return code;
}

static status complete(struct s3_writer *w, struct err *err)
{
	struct s3_call call;
	struct buf body;
	char query[UPLOAD_ID_CHARS_MAX + 16];
	for (int i = 0; i < S3_FLIGHT_MAX; i++) TRY(part_finish(w, &w->parts[(w->n_parts + i) % S3_FLIGHT_MAX], err));
	if (w->etags.failed) return fail(err, E_IO, "cannot write %s: S3 gave no ETag of a part", w->key);
	const bool alone = atomic_load(&w->store->single_writer);
	if (alone && w->mode != STORE_REPLACE) {
		bool exists;
		TRY(complete_alone(w, &exists, err));
		if (exists) return OK;
	}
	(void)snprintf(query, sizeof query, "uploadId=%s", w->upload_id);
	buf_init(&body, 0);
	buf_str(&body, "<CompleteMultipartUpload>");
	buf_add(&body, w->etags.p, w->etags.n);
	buf_str(&body, "</CompleteMultipartUpload>");
	const struct s3_request q = {.verb = "complete the upload of",
		.method = "POST",
		.key = w->full,
		.query = query,
		.extra = absent,
		.n_extra = w->mode != STORE_REPLACE && !alone ? 1 : 0,
		.body = body.p,
		.body_n = body.n,
		.takes = S3_TAKES_404 | S3_TAKES_412};
	status code = buf_check(&body, err);
	if (code == OK) {
		code = s3_perform(w->store->client, &call, &q, err);
		const int http_status = call.http.status;
		s3_call_deinit(&call);
		if (code == OK && http_status == 412) upload_abort(w);
		if (code == OK && http_status != 200) code = settle(w, err);
		if (code == OK) w->begun = false;
	}
	buf_deinit(&body);
	return code;
}

static status finish(struct s3_writer *w, struct err *err)
{
	TRY(buf_check(&w->pending, err));
	if (!w->begun) return s3_put(w->store, w->key, w->pending.p, w->pending.n, w->mode, err);
	if (w->pending.n > 0) TRY(send_pending(w, err));
	return complete(w, err);
}

static status writer_finish(struct store_writer *base, struct err *err)
{
	struct s3_writer *w = (struct s3_writer *)base;
	if (w->poisoned) return fail(err, E_IO, "cannot finish %s: an earlier write failed", w->key);
	w->poisoned = true;
	return finish(w, err);
}

static void writer_destroy(struct store_writer *base)
{
	struct s3_writer *w = (struct s3_writer *)base;
	struct err ignored;
	for (int i = 0; i < S3_FLIGHT_MAX; i++) (void)!(part_finish(w, &w->parts[i], &ignored));
	if (w->begun) upload_abort(w);
	hash_stream_deinit(&w->hash);
	buf_deinit(&w->pending);
	buf_deinit(&w->etags);
	mem_free(w->key);
	mem_free(w->full);
	mem_free(w);
}

static status create(
	struct s3_store *s, const char *key, enum store_put_mode mode, struct s3_writer **out, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	TRY(s3_key(s, key, full, err));
	struct s3_writer *w = mem_zalloc(1, sizeof *w);
	if (w == NULL) return fail_nomem(err);
	w->base = (struct store_writer){writer_add, writer_finish, writer_destroy};
	w->store = s;
	w->mode = mode;
	w->key = mem_strdup(key);
	w->full = mem_strdup(full);
	buf_init(&w->pending, 0);
	buf_init(&w->etags, 1 << 22);
	status code = w->key != NULL && w->full != NULL ? OK : fail_nomem(err);
	if (code == OK) code = hash_stream_init(&w->hash, false, err);
	if (code == OK && mode != STORE_REPLACE) code = s3_prove(s, err);
	if (code != OK)
		writer_destroy(&w->base);
	else
		*out = w;
	return code;
}

status s3_writer_create(struct store *base, const char *key, struct store_writer **out, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	struct s3_writer *w;
	s3_settle(s, key, false);
	TRY(create(s, key, STORE_ABSENT, &w, err));
	*out = &w->base;
	return OK;
}

/* All parts of p[n], not completed. */
static status send_all(struct s3_writer *w, const void *p, size_t n, struct err *err)
{
	uint8_t *from = (uint8_t *)(uintptr_t)p; /* sent, not changed; it outlives the writer */
	hash_stream_add(&w->hash, p, n);
	w->total = (int64_t)n;
	while (n > 0) {
		const size_t some = n < part_bytes(w) ? n : part_bytes(w);
		TRY(part_send(w, from, some, false, err));
		from += some;
		n -= some;
	}
	return OK;
}

status s3_put_parts(
	struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	ASSERT(mode != STORE_COMMIT);
	ASSERT(n > 0);
	for (int attempt = 1;; attempt++) {
		struct s3_writer *w;
		TRY(create(s, key, mode, &w, err));
		status code = send_all(w, p, n, err);
		if (code == OK) code = complete(w, err);
		writer_destroy(&w->base);
		if (code != E_CONFLICT || attempt == UPLOAD_TRIES) return code;
	}
}

status s3_parts_begin(
	struct s3_store *s, const char *key, const void *p, size_t n, struct store_writer **out, struct err *err)
{
	struct s3_writer *w;
	TRY(create(s, key, STORE_ABSENT, &w, err));
	w->proving = true;
	const status code = send_all(w, p, n, err);
	if (code == OK)
		*out = &w->base;
	else
		writer_destroy(&w->base);
	return code;
}
