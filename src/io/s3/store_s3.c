/* io/s3/store_s3.c: the object store on S3.
 *
 * Invariants: 1. put-if-absent is PUT with If-None-Match: *, proved to hold by s3_prove before the first, and for objects in parts
 * (never commits) their completion with the same, proved by s3_prove_parts; 2. a 412 is settled by
 * comparing bytes, so that a put whose answer was lost and then tried again succeeds; 3. what store_put_later took is found by
 * this store's readers, because they wait for it, and its failure is told by every later sync.
 *
 *   put_later: copy -> window (LATER_MAX puts, LATER_BYTES_MAX bytes) -> in flight; finished by later putters, readers, sync
 */
#include "io/s3/store_s3_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/time.h"

enum { SETTLE_TRIES = 3 };
#define YOUNG_US (15 * 60 * US_PER_SECOND)

/* What a put that may have been carried out would have left. */
struct putting {
	struct s3_store *s;
	const char *key;
	struct s3_content content;
};

struct later {
	struct s3_call call;
	char *key;      /* in the lake */
	char *full;     /* in the bucket */
	uint8_t *bytes; /* n */
	size_t n;
	struct putting ours;
	bool taken; /* somebody finishes it */
	struct later *next;
};

static const struct sigv4_header absent[] = {{"if-none-match", "*"}};

status s3_key(const struct s3_store *s, const char *key, char dst[S3_KEY_CHARS_MAX + 1], struct err *err)
{
	const int n = snprintf(
		dst, S3_KEY_CHARS_MAX + 1, "%s%s%s", s->prefix, s->prefix[0] != '\0' && key[0] != '\0' ? "/" : "", key);
	if (n < 0 || n > S3_KEY_CHARS_MAX)
		return fail(err, E_LIMIT, "object key over %d bytes: %.200s", S3_KEY_CHARS_MAX, key);
	return OK;
}

/* ---- looking ---- */

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

static status s3_size(struct store *base, const char *key, int64_t *out, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	struct s3_facts f;
	s3_settle(s, key, false);
	TRY(s3_head(s, key, &f, err));
	*out = f.size;
	return OK;
}

/* ---- putting ---- */

static struct s3_request put_request(const char *full, const void *p, size_t n, bool conditional)
{
	return (struct s3_request){.verb = "write",
		.method = "PUT",
		.key = full,
		.extra = absent,
		.n_extra = conditional ? 1 : 0,
		.body = p,
		.body_n = n,
		.takes = conditional ? S3_TAKES_412 : 0};
}

static status look(void *arg, bool *done, struct err *err)
{
	const struct putting *p = arg;
	struct err now;
	err_clear(&now);
	const status code = s3_same(p->s, p->key, &p->content, done, &now);
	if (code == OK) return OK; /* other bytes: the next try is told so */
	*done = false;
	if (code == E_NOT_FOUND) return OK;
	if (err != NULL) *err = now;
	return code;
}

static status put_plain(struct s3_store *s, const char *full, const void *p, size_t n, struct err *err)
{
	struct s3_call call;
	const struct s3_request q = put_request(full, p, n, false);
	const status code = s3_perform(s->client, &call, &q, err);
	s3_call_deinit(&call);
	return code;
}

/* Something stands at the key. Ours, or equal: then it counts as put now, so that who deletes by age leaves it.
 * E_NOT_FOUND: it went away meanwhile. */
static status settle_exists(
	struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_facts f;
	bool same;
	const struct s3_content want = {p, (int64_t)n, NULL};
	TRY(s3_key(s, key, full, err));
	TRY(s3_head(s, key, &f, err));
	TRY(s3_same(s, key, &want, &same, err));
	if (!same) return fail_at(err, E_EXISTS, key, -1, -1, "cannot create: an object with other bytes is there");
	if (mode == STORE_COMMIT || f.young) return OK;
	return put_plain(s, full, p, n, err);
}

/* Look and put: all that is left where nobody vouches for If-None-Match but the user for being alone. */
static status put_alone(
	struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_facts f;
	struct err now;
	err_clear(&now);
	const status code = s3_head(s, key, &f, &now);
	if (code == OK) return settle_exists(s, key, p, n, mode, err);
	if (code != E_NOT_FOUND) {
		if (err != NULL) *err = now;
		return code;
	}
	TRY(s3_key(s, key, full, err));
	return put_plain(s, full, p, n, err);
}

status s3_put(struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	TRY(s3_key(s, key, full, err));
	if (mode == STORE_COMMIT && n > S3_COMMIT_BYTES_MAX)
		return fail(err, E_LIMIT,
			"cannot commit %s: %zu bytes, and S3 creates at most %zu at once: commit fewer files together",
			key, n, S3_COMMIT_BYTES_MAX);
	if (mode != STORE_COMMIT && n > S3_PUT_BYTES_MAX) return s3_put_parts(s, key, p, n, mode, err);
	if (mode == STORE_REPLACE) return put_plain(s, full, p, n, err);
	if (atomic_load(&s->single_writer)) return put_alone(s, key, p, n, mode, err);
	TRY(s3_prove(s, err));
	status code = OK;
	for (int attempt = 0; attempt < SETTLE_TRIES; attempt++) {
		struct s3_call call;
		struct s3_request q = put_request(full, p, n, true);
		struct putting ours = {s, key, {p, (int64_t)n, NULL}};
		q.look = look;
		q.look_arg = &ours;
		code = s3_perform(s->client, &call, &q, err);
		const bool taken = code == OK && !call.found_done && call.http.status == 412;
		s3_call_deinit(&call);
		if (!taken) return code;
		code = settle_exists(s, key, p, n, mode, err);
		if (code != E_NOT_FOUND) return code;
	}
	return code;
}

static status put_op(
	struct store *base, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, key, false);
	s3_ahead_drop(s, key);
	return s3_put(s, key, p, n, mode, err);
}

/* ---- the window of puts under way ---- */

static void later_free(struct later *l)
{
	if (l == NULL) return;
	mem_free(l->key);
	mem_free(l->full);
	mem_free(l->bytes);
	mem_free(l);
}

/* Finish one that the caller has taken. Not under the lock. */
static void later_finish(struct s3_store *s, struct later *l)
{
	struct err err;
	err_clear(&err);
	status code = s3_call_finish(s->client, &l->call, &err);
	const bool taken = code == OK && !l->call.found_done && l->call.http.status == 412;
	s3_call_deinit(&l->call);
	if (taken) code = s3_put(s, l->key, l->bytes, l->n, STORE_ABSENT, &err);
	(void)pthread_mutex_lock(&s->lock);
	struct later **at = &s->later;
	while (*at != l) at = &(*at)->next;
	*at = l->next;
	s->n_later--;
	s->later_bytes -= l->n;
	atomic_store(&s->n_pending, s->n_later);
	if (code != OK && s->later_failed == OK) {
		s->later_failed = code;
		s->later_err = err;
	}
	(void)pthread_cond_broadcast(&s->freed);
	(void)pthread_mutex_unlock(&s->lock);
	later_free(l);
}

static bool concerns(const struct later *l, const char *key, bool folder)
{
	if (key == NULL || key[0] == '\0') return true;
	const size_t n = strlen(key);
	if (!folder) return strcmp(l->key, key) == 0;
	return strncmp(l->key, key, n) == 0 && l->key[n] == '/';
}

void s3_settle(struct s3_store *s, const char *key, bool folder)
{
	if (atomic_load(&s->n_pending) == 0) return;
	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		struct later *l = s->later;
		bool wait = false;
		for (; l != NULL; l = l->next) {
			if (!concerns(l, key, folder)) continue;
			if (!l->taken) break;
			wait = true;
		}
		if (l != NULL) {
			l->taken = true;
			(void)pthread_mutex_unlock(&s->lock);
			later_finish(s, l);
			(void)pthread_mutex_lock(&s->lock);
		} else if (wait) {
			(void)pthread_cond_wait(&s->freed, &s->lock);
		} else {
			break;
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
}

/* One that is done, or, when room is needed, the oldest; NULL: none, or others have them all. Under the lock. */
static struct later *later_take(struct s3_store *s, bool need)
{
	struct later *first = NULL;
	for (struct later *l = s->later; l != NULL; l = l->next) {
		if (l->taken) continue;
		if (first == NULL) first = l;
		if (!http_done(s3_client_http(s->client), &l->call.http)) continue;
		first = l;
		need = true;
		break;
	}
	if (first == NULL || !need) return NULL;
	first->taken = true;
	return first;
}

/* Finish those that are done, and make room for n bytes more, taken at once. Fails once an earlier put did. */
static status later_room(struct s3_store *s, size_t n, struct err *err)
{
	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		const bool full = s->n_later >= LATER_MAX || (s->n_later > 0 && s->later_bytes + n > LATER_BYTES_MAX);
		struct later *l = later_take(s, full);
		if (l != NULL) {
			(void)pthread_mutex_unlock(&s->lock);
			later_finish(s, l);
			(void)pthread_mutex_lock(&s->lock);
		} else if (full) {
			(void)pthread_cond_wait(&s->freed, &s->lock);
		} else {
			break;
		}
	}
	const status code = s->later_failed;
	if (code != OK && err != NULL) *err = s->later_err;
	(void)pthread_mutex_unlock(&s->lock);
	return code;
}

static struct later *later_create(const char *key, const char *full, const void *p, size_t n)
{
	struct later *l = mem_zalloc(1, sizeof *l);
	if (l == NULL) return NULL;
	l->key = mem_strdup(key);
	l->full = mem_strdup(full);
	l->bytes = mem_alloc(n);
	l->n = n;
	if (l->key == NULL || l->full == NULL || l->bytes == NULL) {
		later_free(l);
		return NULL;
	}
	if (n > 0) memcpy(l->bytes, p, n);
	return l;
}

static status put_later(
	struct store *base, const char *key, const void *p, size_t n, const uint8_t *sha256, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	char full[S3_KEY_CHARS_MAX + 1];
	s3_settle(s, key, false);
	if (n > S3_PUT_BYTES_MAX / 2 || atomic_load(&s->single_writer)) return s3_put(s, key, p, n, STORE_ABSENT, err);
	TRY(s3_prove(s, err));
	TRY(s3_key(s, key, full, err));
	TRY(later_room(s, n, err));
	struct later *l = later_create(key, full, p, n);
	if (l == NULL) return fail_nomem(err);
	struct s3_request q = put_request(l->full, l->bytes, n, true);
	l->ours = (struct putting){s, l->key, {l->bytes, (int64_t)n, NULL}};
	q.look = look;
	q.look_arg = &l->ours;
	q.body_sha256 = sha256;
	s3_call_init(&l->call, &q);
	const status code = s3_call_start(s->client, &l->call, err);
	if (code != OK) {
		s3_call_deinit(&l->call);
		later_free(l);
		return code;
	}
	(void)pthread_mutex_lock(&s->lock);
	struct later **at = &s->later;
	while (*at != NULL) at = &(*at)->next;
	*at = l;
	s->n_later++;
	s->later_bytes += n;
	atomic_store(&s->n_pending, s->n_later);
	(void)pthread_mutex_unlock(&s->lock);
	return OK;
}

static status s3_sync(struct store *base, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, NULL, true);
	s3_ahead_drop(s, NULL); /* a stage is over: what is held won't be opened */
	(void)pthread_mutex_lock(&s->lock);
	const status code = s->later_failed;
	if (code != OK && err != NULL) *err = s->later_err;
	(void)pthread_mutex_unlock(&s->lock);
	return code;
}

/* ---- the rest ---- */

static status s3_delete(struct store *base, const char *key, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_call call;
	s3_settle(s, key, false);
	s3_ahead_drop(s, key);
	TRY(s3_key(s, key, full, err));
	const status code = s3_perform(s->client, &call,
		&(struct s3_request){.verb = "delete", .method = "DELETE", .key = full, .takes = S3_TAKES_404}, err);
	s3_call_deinit(&call);
	return code;
}

static void single_writer(struct store *base)
{
	atomic_store(&((struct s3_store *)base)->single_writer, true);
}

static void s3_close(struct store *base)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, NULL, true);
	s3_ahead_drop(s, NULL);
	s3_client_destroy(s->client);
	(void)pthread_cond_destroy(&s->freed);
	(void)pthread_cond_destroy(&s->fetched);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_mutex_destroy(&s->probe_lock);
	mem_free(s->base.uri);
	mem_free(s);
}

static const struct store_ops s3_ops = {
	.close = s3_close,
	.create = s3_create,
	.put = put_op,
	.put_later = put_later,
	.writer_create = s3_writer_create,
	.object_open = s3_object_open,
	.will_open = s3_will_open,
	.size = s3_size,
	.list = s3_list,
	.list_names = s3_list_names,
	.delete = s3_delete,
	.delete_many = s3_delete_many,
	.sync = s3_sync,
	.sweep = s3_sweep,
	.single_writer = single_writer,
};

static const char *environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static status create(const struct s3_settings *settings, struct s3_store **out, struct err *err)
{
	struct s3_store *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	char uri[S3_BUCKET_CHARS_MAX + S3_KEY_CHARS_MAX + 8];
	(void)snprintf(uri, sizeof uri, "s3://%s%s%s", settings->bucket, settings->prefix[0] != '\0' ? "/" : "",
		settings->prefix);
	s->base = (struct store){.ops = &s3_ops, .uri = mem_strdup(uri)};
	memcpy(s->bucket, settings->bucket, sizeof s->bucket);
	memcpy(s->prefix, settings->prefix, sizeof s->prefix);
	if (!settings->endpoint_given && strcmp(settings->region, "us-east-1") != 0) /* which takes no location */
		memcpy(s->location, settings->region, sizeof s->location);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_mutex_init(&s->probe_lock, NULL);
	(void)pthread_cond_init(&s->freed, NULL);
	(void)pthread_cond_init(&s->fetched, NULL);
	const status code = s->base.uri == NULL ? fail_nomem(err) : s3_client_create(settings, &s->client, err);
	if (code != OK) {
		s3_close(&s->base);
		return code;
	}
	*out = s;
	return OK;
}

status store_s3_open(const char *uri, struct store **out, struct err *err)
{
	struct s3_settings settings;
	struct s3_store *s = NULL;
	TRY(s3_settings_read(uri, environment, NULL, &settings, err));
	const status code = create(&settings, &s, err);
	explicit_bzero(&settings, sizeof settings);
	if (code == OK) *out = &s->base;
	return code;
}
