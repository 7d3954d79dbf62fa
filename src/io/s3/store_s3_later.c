/* io/s3/store_s3_later.c: puts under way for others than their starters.
 *
 *   put_later: copy -> window (LATER_MAX puts, LATER_BYTES_MAX bytes) -> in flight; finished by later putters, readers, sync
 *
 * Invariants: 1. what s3_put_later took is found by this store's readers, because they wait for it (s3_settle); 2. its failure is told
 * by every later sync; 3. the lock is never held over a request. Must not know what is fetched ahead.
 */
#include "base/alloc.h"
#include "io/s3/store_s3_int.h"

struct later {
	struct s3_call call;
	char *key;      /* in the lake */
	char *full;     /* in the bucket */
	uint8_t *bytes; /* n */
	size_t n;
	struct s3_putting ours;
	bool taken; /* somebody finishes it */
	struct later *next;
};

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

status s3_put_later(
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
	struct s3_request q = s3_put_request(l->full, l->bytes, n, true);
	l->ours = (struct s3_putting){s, l->key, {l->bytes, (int64_t)n, NULL}};
	q.look = s3_put_look;
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
