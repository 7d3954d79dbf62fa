/* io/store_s3_read.c: objects of the S3 store.
 *
 * Opening fetches the first HEAD_BYTES: one request tells the size and, of most objects, brings all there is. Other small
 * reads fetch WINDOW_BYTES around them; large ones are cut into pieces that come in parallel, straight to their place. All of
 * one object carry If-Match, so that bytes of two versions never mix.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/store_s3_int.h"

enum {
	HEAD_BYTES = 1 << 20,
	WINDOW_BYTES = 1 << 20,
	TAIL_BYTES = 1 << 18,
	PIECE_BYTES = 4 << 20,
	SAME_BYTES = 4 << 20
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
	struct sigv4_header match; /* If-Match; value "" = the server gave no ETag */
	char etag[HTTP_HEADER_CHARS_MAX];
	struct window head;   /* constant after open */
	pthread_mutex_t lock; /* guards window */
	struct window window;
};

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
	p->extra[1] = o->match;
	const struct s3_request q = {.verb = "read",
		.method = "GET",
		.key = o->full,
		.extra = p->extra,
		.n_extra = o->match.value[0] != '\0' ? 2 : 1,
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
	if (pieces == NULL) return fail(err, E_NOMEM, "out of memory reading %s", o->base.key);
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
	if (w.p == NULL) return fail(err, E_NOMEM, "out of memory reading %s", o->base.key);
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
	if (window_has(&o->head, offset, n)) {
		if (n > 0) memcpy(dst, o->head.p + offset, n);
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
		return err_at(err,
			fail(err, E_CORRUPT, "truncated: expected %zu bytes, the object has %lld", n,
				(long long)base->size),
			base->key, offset, -1);
	if (n == 0 || read_held(o, offset, dst, n)) return OK;
	/* A read from the start, as of a whole object, has its first part already. */
	uint8_t *to = dst;
	if (offset < (int64_t)o->head.n) {
		const size_t held = o->head.n - (size_t)offset;
		memcpy(to, o->head.p + offset, held);
		offset += (int64_t)held;
		to += held;
		n -= held;
	}
	return n <= WINDOW_BYTES / 2 ? read_window(o, offset, to, n, err) : fetch(o, offset, to, n, err);
}

static void object_close(struct store_object *base)
{
	struct s3_object *o = (struct s3_object *)base;
	(void)pthread_mutex_destroy(&o->lock);
	mem_free(o->head.p);
	mem_free(o->window.p);
	mem_free(o->full);
	mem_free(o->base.key);
	mem_free(o);
}

/* The answer to the first request: the size, and the first bytes. */
static status take_head(struct s3_object *o, const struct http_call *h, const struct buf *text, struct err *err)
{
	const bool partial = h->status == 206;
	if (h->status == 416) { /* no byte to give: empty */
		if (h->range_total > 0) return fail(err, E_IO, "S3 refused the first bytes of the object");
		o->base.size = 0;
		o->head.n = 0;
		return OK;
	}
	o->base.size = h->range_total;
	if (!partial) { /* the whole object: a server may answer so where that is what the range covers */
		if (text->n > HEAD_BYTES)
			return fail(err, E_UNSUPPORTED, "the S3 server does not give ranges of objects");
		if (text->n > 0) memcpy(o->head.p, text->p, text->n);
		o->base.size = (int64_t)text->n;
	}
	const size_t got = partial ? h->dst_n : text->n;
	const int64_t want = o->base.size < HEAD_BYTES ? o->base.size : HEAD_BYTES;
	if (o->base.size < 0) return fail(err, E_IO, "S3 gave no size of the object");
	if ((int64_t)got != want)
		return fail(err, E_CORRUPT, "truncated: expected %lld bytes, S3 sent %zu", (long long)want, got);
	o->head.n = got;
	memcpy(o->etag, h->etag, sizeof o->etag);
	if (o->head.n < HEAD_BYTES) {
		uint8_t *less = mem_realloc(o->head.p, o->head.n > 0 ? o->head.n : 1);
		if (less != NULL) o->head.p = less;
	}
	return OK;
}

static struct s3_request head_request(struct s3_object *o)
{
	static const struct sigv4_header first[] = {{"range", "bytes=0-1048575"}};
	_Static_assert(HEAD_BYTES == 1048576, "the range is of HEAD_BYTES");
	return (struct s3_request){.verb = "read",
		.method = "GET",
		.key = o->full,
		.extra = first,
		.n_extra = 1,
		.dst = o->head.p,
		.dst_max = HEAD_BYTES,
		.takes = S3_TAKES_416};
}

static status object_create(struct s3_store *s, const char *key, struct s3_object **out, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	TRY(s3_key(s, key, full, err));
	struct s3_object *o = mem_zalloc(1, sizeof *o);
	if (o == NULL) return fail(err, E_NOMEM, "out of memory opening %s", key);
	o->base = (struct store_object){object_read_at, object_close, mem_strdup(key), 0};
	o->store = s;
	o->full = mem_strdup(full);
	o->match = (struct sigv4_header){"if-match", o->etag};
	o->head.p = mem_alloc(HEAD_BYTES);
	(void)pthread_mutex_init(&o->lock, NULL);
	if (o->base.key == NULL || o->full == NULL || o->head.p == NULL) {
		object_close(&o->base);
		return fail(err, E_NOMEM, "out of memory opening %s", key);
	}
	*out = o;
	return OK;
}

/* The call was started. The object is taken, also on failure. */
static status object_finish(struct s3_object *o, struct s3_call *call, struct store_object **out, struct err *err)
{
	status code = s3_call_finish(o->store->client, call, err);
	if (code == OK) code = err_at(err, take_head(o, &call->http, &call->text, err), o->base.key, -1, -1);
	s3_call_deinit(call);
	if (code != OK)
		object_close(&o->base);
	else
		*out = &o->base;
	return code;
}

static status open_now(struct s3_store *s, const char *key, struct store_object **out, struct err *err)
{
	struct s3_object *o;
	struct s3_call call;
	TRY(object_create(s, key, &o, err));
	const struct s3_request q = head_request(o);
	s3_call_init(&call, &q);
	const status code = s3_call_start(s->client, &call, err);
	if (code == OK) return object_finish(o, &call, out, err);
	s3_call_deinit(&call);
	object_close(&o->base);
	return code;
}

/* ---- ahead of opening ---- */

struct ahead {
	struct s3_object *object;
	struct s3_call call;
	uint64_t hint; /* its number */
	struct ahead *next;
};

/* The entry of that key, or the oldest (NULL), out of the list. Under the lock. */
static struct ahead *ahead_take(struct s3_store *s, const char *key)
{
	for (struct ahead **at = &s->ahead; *at != NULL; at = &(*at)->next) {
		struct ahead *a = *at;
		if (key != NULL && strcmp(a->object->base.key, key) != 0) continue;
		*at = a->next;
		s->n_ahead--;
		return a;
	}
	return NULL;
}

static struct ahead *ahead_take_locked(struct s3_store *s, const char *key)
{
	(void)pthread_mutex_lock(&s->lock);
	struct ahead *a = ahead_take(s, key);
	(void)pthread_mutex_unlock(&s->lock);
	return a;
}

static void ahead_discard(struct s3_store *s, struct ahead *a)
{
	http_wait(s3_client_http(s->client), &a->call.http);
	a->call.started = false;
	s3_call_deinit(&a->call);
	object_close(&a->object->base);
	mem_free(a);
}

void s3_ahead_drop(struct s3_store *s, const char *key)
{
	for (struct ahead *a = ahead_take_locked(s, key); a != NULL; a = ahead_take_locked(s, key)) ahead_discard(s, a);
}

/* Room for one more? An entry that nobody came for while four times as many as there may be were asked for goes. */
static bool ahead_room(struct s3_store *s, const char *key, struct ahead **stale)
{
	bool known = false;
	(void)pthread_mutex_lock(&s->lock);
	*stale = NULL;
	for (const struct ahead *a = s->ahead; a != NULL; a = a->next) known |= strcmp(a->object->base.key, key) == 0;
	s->n_hints++;
	if (s->n_ahead == AHEAD_MAX && s->n_hints - s->ahead->hint > 4 * (uint64_t)AHEAD_MAX)
		*stale = ahead_take(s, NULL);
	const bool room = !known && s->n_ahead < AHEAD_MAX;
	(void)pthread_mutex_unlock(&s->lock);
	return room;
}

void s3_will_open(struct store *base, const char *key)
{
	struct s3_store *s = (struct s3_store *)base;
	struct ahead *stale;
	const bool room = ahead_room(s, key, &stale);
	if (stale != NULL) ahead_discard(s, stale);
	struct ahead *a = room ? mem_zalloc(1, sizeof *a) : NULL;
	if (a == NULL || object_create(s, key, &a->object, NULL) != OK) {
		mem_free(a);
		return;
	}
	s3_settle(s, key, false);
	const struct s3_request q = head_request(a->object);
	s3_call_init(&a->call, &q);
	if (s3_call_start(s->client, &a->call, NULL) != OK) {
		s3_call_deinit(&a->call);
		object_close(&a->object->base);
		mem_free(a);
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	struct ahead **at = &s->ahead;
	while (*at != NULL) at = &(*at)->next;
	*at = a;
	a->hint = s->n_hints;
	s->n_ahead++;
	(void)pthread_mutex_unlock(&s->lock);
}

status s3_object_open(struct store *base, const char *key, struct store_object **out, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, key, false);
	struct ahead *a = ahead_take_locked(s, key);
	if (a == NULL) return open_now(s, key, out, err);
	const status code = object_finish(a->object, &a->call, out, err);
	mem_free(a);
	return code;
}

/* Waits for no put under way: the one that asks may be among them. */
status s3_same(struct s3_store *s, const char *key, const struct s3_content *want, bool *same, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	struct store_object *object = NULL;
	struct hash_stream hash;
	uint8_t found[XXH128_BYTES];
	TRY(s3_key(s, key, full, err));
	TRY(hash_stream_init(&hash, false, err));
	status code = open_now(s, key, &object, err);
	uint8_t *chunk = code == OK ? mem_alloc(SAME_BYTES) : NULL;
	if (code == OK && chunk == NULL) code = fail(err, E_NOMEM, "out of memory comparing %s", key);
	*same = code == OK && object->size == want->n;
	for (int64_t at = 0; code == OK && *same && at < want->n;) {
		const size_t n = want->n - at < SAME_BYTES ? (size_t)(want->n - at) : SAME_BYTES;
		code = store_object_read_at(object, at, chunk, n, err);
		if (code == OK && want->xxh128 == NULL)
			*same = memcmp(chunk, (const uint8_t *)want->p + at, n) == 0;
		else if (code == OK)
			hash_stream_add(&hash, chunk, n);
		at += (int64_t)n;
	}
	if (code == OK && *same && want->xxh128 != NULL) {
		hash_stream_final(&hash, found, NULL);
		*same = memcmp(found, want->xxh128, sizeof found) == 0;
	}
	hash_stream_deinit(&hash);
	mem_free(chunk);
	store_object_close(object);
	return code;
}
