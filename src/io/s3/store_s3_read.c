/* io/s3/store_s3_read.c: objects of the S3 store: looking at them and reading them.
 *
 * Opening fetches the object's head: HEAD_BYTES, or, where a hint told the size, up to HEAD_BYTES_MAX. One request tells the size
 * and, of most objects, brings all there is; servers send whole objects with less work than parts. Other small reads fetch
 * WINDOW_BYTES around them; large ones are cut into pieces that come in parallel, straight to their place. All of one object
 * carry If-Match, so that bytes of two versions never mix. Objects of one head share it.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/time.h"
#include "io/s3/store_s3_int.h"

enum {
	HEAD_BYTES = 1 << 20,
	HEAD_BYTES_MAX = 4 << 20,
	WINDOW_BYTES = 1 << 20,
	TAIL_BYTES = 1 << 18,
	PIECE_BYTES = 8 << 20, /* each is a request: 4 MiB cost a server half as much again */
	SAME_BYTES = 4 << 20
};

/* The first bytes of an object; constant and shared once they are there. */
struct head {
	_Atomic int n_owners;
	int64_t size;                     /* of the object */
	char etag[HTTP_HEADER_CHARS_MAX]; /* "" = the server gave none */
	uint8_t *p;
	size_t n, room;
};

struct window {
	uint8_t *p;
	int64_t start;
	size_t n;
};

struct s3_object {
	struct store_object base;
	struct s3_store *store;
	char *full;
	struct head *head;    /* shared */
	pthread_mutex_t lock; /* guards window */
	struct window window;
};

#define YOUNG_US (15 * 60 * US_PER_SECOND)

status s3_key(const struct s3_store *s, const char *key, char dst[S3_KEY_CHARS_MAX + 1], struct err *err)
{
	const int n = snprintf(
		dst, S3_KEY_CHARS_MAX + 1, "%s%s%s", s->prefix, s->prefix[0] != '\0' && key[0] != '\0' ? "/" : "", key);
	if (n < 0 || n > S3_KEY_CHARS_MAX)
		return fail(err, E_LIMIT, "object key over %d bytes: %.200s", S3_KEY_CHARS_MAX, key);
	return OK;
}

status s3_head(struct s3_store *s, const char *key, struct s3_facts *out, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_call call;
	TRY(s3_key(s, key, full, err));
	status code = s3_perform(
		s->client, &call, &(struct s3_request){.verb = "look at", .method = "HEAD", .key = full}, err);
	const struct http_call *h = &call.http;
	if (code == OK && h->length < 0) code = fail_at(err, E_IO, key, -1, -1, "S3 gave no size of the object");
	if (code == OK)
		*out = (struct s3_facts){h->length, h->modified_us != INT64_MIN && h->date_us != INT64_MIN &&
							    h->date_us - h->modified_us < YOUNG_US};
	s3_call_deinit(&call);
	return code;
}

static bool window_has(const struct window *w, int64_t offset, size_t n)
{
	return w->p != NULL && offset >= w->start && (uint64_t)(offset - w->start) + n <= w->n;
}

struct piece {
	struct s3_call call;
	char range[64];
	struct sigv4_header extra[2];
};

static status piece_start(struct s3_object *o, struct piece *p, int64_t offset, uint8_t *dst, size_t n, struct err *err)
{
	(void)snprintf(
		p->range, sizeof p->range, "bytes=%lld-%lld", (long long)offset, (long long)offset + (long long)n - 1);
	p->extra[0] = (struct sigv4_header){"range", p->range};
	p->extra[1] = (struct sigv4_header){"if-match", o->head->etag};
	const struct s3_request q = {.verb = "read",
		.method = "GET",
		.key = o->full,
		.extra = p->extra,
		.n_extra = o->head->etag[0] != '\0' ? 2 : 1,
		.dst = dst,
		.dst_max = n};
	s3_call_init(&p->call, &q);
	return s3_call_start(o->store->client, &p->call, err);
}

static status piece_finish(struct s3_object *o, struct piece *p, int64_t offset, size_t n, struct err *err)
{
	status code = p->call.started ? s3_call_finish(o->store->client, &p->call, err) : OK;
	if (code == E_CONFLICT)
		code = fail(err, E_CONFLICT, "the object was replaced while it was read");
	else if (code == OK && p->call.http.dst_n != n)
		code = fail(err, E_CORRUPT, "truncated: expected %zu bytes, S3 sent %zu", n, p->call.http.dst_n);
	s3_call_deinit(&p->call);
	return err_at(err, code, o->base.key, offset, -1);
}

/* offset and n lie in the object; n > 0. */
static status fetch(struct s3_object *o, int64_t offset, uint8_t *dst, size_t n, struct err *err)
{
	struct piece *pieces = mem_zalloc(S3_FLIGHT_MAX, sizeof *pieces);
	if (pieces == NULL) return fail_nomem(err);
	const size_t count = (n + PIECE_BYTES - 1) / PIECE_BYTES;
	status code = OK;
	size_t started = 0;
	for (size_t finished = 0; finished < count; finished++) {
		for (; code == OK && started < count && started < finished + S3_FLIGHT_MAX; started++) {
			const size_t at = started * PIECE_BYTES;
			code = piece_start(o, &pieces[started % S3_FLIGHT_MAX], offset + (int64_t)at, dst + at,
				n - at < PIECE_BYTES ? n - at : PIECE_BYTES, err);
		}
		if (finished == started) break;
		const size_t at = finished * PIECE_BYTES;
		struct piece *p = &pieces[finished % S3_FLIGHT_MAX];
		const status one = piece_finish(o, p, offset + (int64_t)at, n - at < PIECE_BYTES ? n - at : PIECE_BYTES,
			code == OK ? err : NULL);
		if (code == OK) code = one;
	}
	mem_free(pieces);
	return code;
}

/* A small read that no window has: fetch more than it asks, for the next ones. At the object's end that is what lies before
 * (footers are read backwards), elsewhere what follows. */
static status read_window(struct s3_object *o, int64_t offset, void *dst, size_t n, struct err *err)
{
	const int64_t size = o->base.size;
	int64_t start = offset;
	if (offset + (int64_t)n > size - TAIL_BYTES) start = size - TAIL_BYTES < offset ? size - TAIL_BYTES : offset;
	if (start < 0) start = 0;
	const size_t bytes = size - start < WINDOW_BYTES ? (size_t)(size - start) : WINDOW_BYTES;
	struct window w = {mem_alloc(bytes), start, bytes};
	if (w.p == NULL) return fail_nomem(err);
	const status code = fetch(o, start, w.p, bytes, err);
	if (code != OK) {
		mem_free(w.p);
		return code;
	}
	memcpy(dst, w.p + (offset - start), n);
	(void)pthread_mutex_lock(&o->lock);
	const struct window old = o->window;
	o->window = w;
	(void)pthread_mutex_unlock(&o->lock);
	mem_free(old.p);
	return OK;
}

static bool read_held(struct s3_object *o, int64_t offset, void *dst, size_t n)
{
	if ((uint64_t)offset + n <= o->head->n) {
		if (n > 0) memcpy(dst, o->head->p + offset, n);
		return true;
	}
	(void)pthread_mutex_lock(&o->lock);
	const bool has = window_has(&o->window, offset, n);
	if (has && n > 0) memcpy(dst, o->window.p + (offset - o->window.start), n);
	(void)pthread_mutex_unlock(&o->lock);
	return has;
}

static status object_read_at(struct store_object *base, int64_t offset, void *dst, size_t n, struct err *err)
{
	struct s3_object *o = (struct s3_object *)base;
	if (offset < 0 || offset > base->size || n > (uint64_t)(base->size - offset))
		return fail_at(err, E_CORRUPT, base->key, offset, -1,
			"truncated: expected %zu bytes, the object has %lld", n, (long long)base->size);
	if (n == 0 || read_held(o, offset, dst, n)) return OK;
	/* A read from the start, as of a whole object, has its first part already. */
	uint8_t *to = dst;
	if (offset < (int64_t)o->head->n) {
		const size_t held = o->head->n - (size_t)offset;
		memcpy(to, o->head->p + offset, held);
		offset += (int64_t)held;
		to += held;
		n -= held;
	}
	return n <= WINDOW_BYTES / 2 ? read_window(o, offset, to, n, err) : fetch(o, offset, to, n, err);
}

/* ---- heads and objects ---- */

size_t s3_head_bytes(int64_t bytes)
{
	return bytes <= 0 ? HEAD_BYTES : bytes < HEAD_BYTES_MAX ? (size_t)bytes : HEAD_BYTES_MAX;
}

static struct head *head_create(int64_t bytes)
{
	struct head *h = mem_zalloc(1, sizeof *h);
	if (h == NULL) return NULL;
	h->n_owners = 1;
	h->room = s3_head_bytes(bytes);
	h->p = mem_alloc(h->room);
	if (h->p != NULL) return h;
	mem_free(h);
	return NULL;
}

static struct head *head_share(struct head *h)
{
	atomic_fetch_add(&h->n_owners, 1);
	return h;
}

static void head_release(struct head *h)
{
	if (h == NULL || atomic_fetch_sub(&h->n_owners, 1) > 1) return;
	mem_free(h->p);
	mem_free(h);
}

static void object_close(struct store_object *base)
{
	struct s3_object *o = (struct s3_object *)base;
	(void)pthread_mutex_destroy(&o->lock);
	head_release(o->head);
	mem_free(o->window.p);
	mem_free(o->full);
	mem_free(o->base.key);
	mem_free(o);
}

/* The answer to the first request: the size, and the first bytes. */
static status take_head(struct head *h, const struct http_call *http, const struct buf *text, struct err *err)
{
	const bool partial = http->status == 206;
	if (http->status == 416) { /* no byte to give: empty */
		if (http->range_total > 0) return fail(err, E_IO, "S3 refused the first bytes of the object");
		h->size = 0;
		h->n = 0;
		return OK;
	}
	h->size = http->range_total;
	if (!partial) { /* the whole object: a server may answer so where that is what the range covers */
		if (text->n > h->room) return fail(err, E_UNSUPPORTED, "the S3 server does not give ranges of objects");
		if (text->n > 0) memcpy(h->p, text->p, text->n);
		h->size = (int64_t)text->n;
	}
	const size_t got = partial ? http->dst_n : text->n;
	const int64_t want = h->size < (int64_t)h->room ? h->size : (int64_t)h->room;
	if (h->size < 0) return fail(err, E_IO, "S3 gave no size of the object");
	if ((int64_t)got != want)
		return fail(err, E_CORRUPT, "truncated: expected %lld bytes, S3 sent %zu", (long long)want, got);
	h->n = got;
	memcpy(h->etag, http->etag, sizeof h->etag);
	if (h->n < h->room) {
		uint8_t *less = mem_realloc(h->p, h->n > 0 ? h->n : 1);
		if (less != NULL) h->p = less;
	}
	return OK;
}

/* An object without a head. */
static status object_create(struct s3_store *s, const char *key, struct s3_object **out, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	TRY(s3_key(s, key, full, err));
	struct s3_object *o = mem_zalloc(1, sizeof *o);
	if (o == NULL) return fail_nomem(err);
	o->base = (struct store_object){object_read_at, object_close, mem_strdup(key), 0};
	o->store = s;
	o->full = mem_strdup(full);
	(void)pthread_mutex_init(&o->lock, NULL);
	if (o->base.key == NULL || o->full == NULL) {
		object_close(&o->base);
		return fail_nomem(err);
	}
	*out = o;
	return OK;
}

static void opening_deinit(struct s3_opening *p)
{
	s3_call_deinit(&p->call);
	if (p->object != NULL) object_close(&p->object->base);
	p->object = NULL;
}

status s3_opening_start(struct s3_store *s, const char *key, int64_t bytes, struct s3_opening *p, struct err *err)
{
	struct s3_object *o;
	TRY(object_create(s, key, &o, err));
	struct head *h = o->head = head_create(bytes);
	if (h == NULL) {
		object_close(&o->base);
		return fail_nomem(err);
	}
	(void)snprintf(p->range, sizeof p->range, "bytes=0-%zu", h->room - 1);
	p->object = o;
	p->extra = (struct sigv4_header){"range", p->range};
	const struct s3_request q = {.verb = "read",
		.method = "GET",
		.key = o->full,
		.extra = &p->extra,
		.n_extra = 1,
		.dst = h->p,
		.dst_max = h->room,
		.takes = S3_TAKES_416};
	s3_call_init(&p->call, &q);
	const status code = s3_call_start(s->client, &p->call, err);
	if (code != OK) opening_deinit(p);
	return code;
}

status s3_opening_finish(struct s3_opening *p, struct store_object **out, struct err *err)
{
	struct s3_object *o = p->object;
	status code = s3_call_finish(o->store->client, &p->call, err);
	if (code == OK) code = err_at(err, take_head(o->head, &p->call.http, &p->call.text, err), o->base.key, -1, -1);
	if (code == OK) {
		o->base.size = o->head->size;
		*out = &o->base;
		p->object = NULL;
	}
	opening_deinit(p);
	return code;
}

void s3_opening_discard(struct s3_opening *p)
{
	http_wait(s3_client_http(p->object->store->client), &p->call.http);
	p->call.started = false;
	opening_deinit(p);
}

status s3_object_again(struct store_object *base, struct store_object **out, struct err *err)
{
	const struct s3_object *o = (const struct s3_object *)base;
	struct s3_object *more;
	TRY(object_create(o->store, base->key, &more, err));
	more->head = head_share(o->head);
	more->base.size = base->size;
	*out = &more->base;
	return OK;
}

status s3_open_now(struct s3_store *s, const char *key, int64_t bytes, struct store_object **out, struct err *err)
{
	struct s3_opening p;
	TRY(s3_opening_start(s, key, bytes, &p, err));
	return s3_opening_finish(&p, out, err);
}

/* Waits for no put under way: the one that asks may be among them. */
/* Read the object in pieces through chunk[SAME_BYTES] until a byte differs. */
static status compare_object(
	struct store_object *o, const struct s3_content *want, uint8_t *chunk, bool *same, struct err *err)
{
	struct hash_stream hash;
	uint8_t found[XXH128_BYTES];
	TRY(hash_stream_init(&hash, false, err));
	status code = OK;
	for (int64_t at = 0; code == OK && *same && at < want->n;) {
		const size_t n = want->n - at < SAME_BYTES ? (size_t)(want->n - at) : SAME_BYTES;
		code = store_object_read_at(o, at, chunk, n, err);
		if (want->xxh128 == NULL)
			*same = code == OK && memcmp(chunk, (const uint8_t *)want->p + at, n) == 0;
		else
			hash_stream_add(&hash, chunk, n);
		at += (int64_t)n;
	}
	hash_stream_final(&hash, found, NULL);
	hash_stream_deinit(&hash);
	if (want->xxh128 != NULL) *same = *same && memcmp(found, want->xxh128, sizeof found) == 0;
	return code;
}

status s3_same(struct s3_store *s, const char *key, const struct s3_content *want, bool *same, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	struct store_object *object = NULL;
	*same = false;
	TRY(s3_key(s, key, full, err));
	TRY(s3_open_now(s, key, want->n, &object, err));
	uint8_t *chunk = mem_alloc(SAME_BYTES);
	*same = object->size == want->n;
	const status code = chunk != NULL ? compare_object(object, want, chunk, same, err) : fail_nomem(err);
	mem_free(chunk);
	store_object_close(object);
	return code;
}
