/* server/keys.c: keys in memory, and when they are read again.
 *
 * Invariants: 1. `lock` guards the keys; who checks a token holds it shared, and nobody holds it while a file or a service is read; 2. a
 * thread of its own reads the set again: no request waits for that; 3. `wanting` guards `wanted` and `stop`.
 */
#include "server/keys.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "io/config/config.h"
#include "io/http.h"
#include "server/jwk.h"

enum { CONNECT_TIMEOUT_MS = 2000, CALL_TIMEOUT_MS = 4000, URL_SHOWN_CHARS = 256 };
static const int64_t fresh_us = 600 * US_PER_SECOND, again_us = 2 * US_PER_SECOND;

/* A set as it was read. */
struct key_set {
	struct arena arena;
	struct jwk_list keys; /* the secret is its first, where there is one */
};

struct keys {
	char *jwks; /* NULL: none */
	char *secret;
	size_t secret_n;
	struct http_pool *pool; /* of an address */
	pthread_rwlock_t lock;
	struct key_set *set;
	/* the thread that reads the set again */
	pthread_t thread;
	bool started;
	int64_t read_at; /* its own: by the monotonic clock, tried or done */
	pthread_mutex_t wanting;
	pthread_cond_t changed;
	bool wanted, stop;
};

static void set_free(struct key_set *s)
{
	if (s == NULL) return;
	arena_deinit(&s->arena);
	mem_free(s);
}

static bool is_address(const char *jwks)
{
	return strncmp(jwks, "http://", 7) == 0 || strncmp(jwks, "https://", 8) == 0;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static status fetch(struct keys *k, struct buf *text, struct err *err)
{
	struct http_call call = {.method = "GET", .url = k->jwks, .text = text, .timeout_ms = CALL_TIMEOUT_MS};
	http_start(k->pool, &call);
	http_wait(k->pool, &call);
	if (call.failure != HTTP_ANSWERED) return fail(err, E_UNREACHABLE, "%s", call.reason);
	return call.status == 200 ? OK : fail(err, E_UNREACHABLE, "answered %d", call.status);
}

static status set_fill(struct keys *k, struct key_set *s, struct buf *text, struct err *err)
{
	const struct token_key secret = {.algorithm = TOKEN_HS256, .key = {k->secret, k->secret_n}};
	s->keys.arena = &s->arena;
	TRY(token_library(err));
	if (k->secret_n > 0) {
		s->keys.items = ARENA_NEW(&s->arena, struct token_key, 1);
		if (s->keys.items == NULL) return fail_nomem(err);
		s->keys.items[s->keys.n++] = secret;
		s->keys.cap = 1;
	}
	if (k->jwks == NULL) return OK;
	TRY(k->pool != NULL ? fetch(k, text, err) : file_read(k->jwks, JWK_SET_BYTES_MAX, text, err));
	return jwk_set_parse((struct str){(const char *)text->p, text->n}, &s->keys, err);
}

static status set_read(struct keys *k, struct key_set **out, struct err *err)
{
	struct buf text;
	struct key_set *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	arena_init(&s->arena, 0);
	buf_init(&text, k->pool != NULL ? JWK_SET_BYTES_MAX : 0); /* file_read bounds it */
	const status code = set_fill(k, s, &text, err);
	buf_deinit(&text);
	if (code != OK)
		set_free(s);
	else
		*out = s;
	return code;
}

static void put_set(struct keys *k, struct key_set *s)
{
	(void)pthread_rwlock_wrlock(&k->lock);
	struct key_set *before = k->set;
	k->set = s;
	(void)pthread_rwlock_unlock(&k->lock);
	set_free(before);
}

static void warn_unread(const struct keys *k, const struct err *why)
{
	char shown[URL_SHOWN_CHARS];
	log_line(LOG_WARN, "the keys that tokens are checked with could not be read", "from",
		config_uri_redact(str_of(k->jwks), shown, sizeof shown), "why", why->message, NULL);
}

static struct timespec at_mono(int64_t us)
{
	return (struct timespec){.tv_sec = us / US_PER_SECOND, .tv_nsec = us % US_PER_SECOND * 1000};
}

/* Until the set is old, or one is wanted and the last look was not just now. false: no more. */
static bool await(struct keys *k, int64_t read_at)
{
	(void)pthread_mutex_lock(&k->wanting);
	for (;;) {
		const int64_t due = read_at + (k->wanted ? again_us : fresh_us);
		const struct timespec until = at_mono(due);
		if (k->stop || time_mono_us() >= due) break;
		(void)pthread_cond_timedwait(&k->changed, &k->wanting, &until);
	}
	const bool more = !k->stop;
	k->wanted = false;
	(void)pthread_mutex_unlock(&k->wanting);
	return more;
}

static void *keys_main(void *arg)
{
	struct keys *k = arg;
	while (await(k, k->read_at)) {
		struct err err;
		struct key_set *s;
		err_clear(&err);
		if (set_read(k, &s, &err) == OK)
			put_set(k, s);
		else
			warn_unread(k, &err);
		k->read_at = time_mono_us();
	}
	return NULL;
}

/* ---- checking --------------------------------------------------------------------------------------------------------- */

static void want(struct keys *k)
{
	if (k->jwks == NULL) return;
	(void)pthread_mutex_lock(&k->wanting);
	k->wanted = true;
	(void)pthread_cond_signal(&k->changed);
	(void)pthread_mutex_unlock(&k->wanting);
}

status keys_verify(struct keys *k, struct str token, struct buf *claims, struct err *err)
{
	(void)pthread_rwlock_rdlock(&k->lock);
	const status code = token_verify(token, k->set->keys.items, k->set->keys.n, claims, err);
	(void)pthread_rwlock_unlock(&k->lock);
	if (code == E_NOT_FOUND) want(k); /* whoever signs has a new key perhaps */
	return code;
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

static status keys_fill(struct keys *k, const struct keys_opts *o, struct err *err)
{
	static const struct http_opts opts = {
		.connect_timeout_ms = CONNECT_TIMEOUT_MS, .stall_timeout_s = 4, .calls_max = 1};
	struct err why;
	const bool named = o->jwks != NULL && o->jwks[0] != '\0';
	k->secret = mem_strndup(o->secret.p != NULL ? o->secret.p : "", o->secret.n);
	k->secret_n = o->secret.n;
	if (k->secret == NULL) return fail_nomem(err);
	if (k->secret_n > 0 && k->secret_n < TOKEN_SECRET_BYTES_MIN)
		return fail(err, E_USAGE, "the secret of tokens has %zu bytes; HS256 wants at least %d, random ones",
			k->secret_n, TOKEN_SECRET_BYTES_MIN);
	if (k->secret_n == 0 && !named)
		return fail(err, E_USAGE, "neither a secret nor a set of keys to check tokens with");
	TRY(set_read(k, &k->set, err)); /* the secret alone */
	if (!named) return OK;
	k->jwks = mem_strdup(o->jwks);
	if (k->jwks == NULL) return fail_nomem(err);
	if (is_address(k->jwks)) TRY(http_pool_create(&opts, &k->pool, err));
	err_clear(&why);
	struct key_set *s;
	const status code = set_read(k, &s, &why);
	k->read_at = time_mono_us();
	if (code == OK)
		put_set(k, s);
	else if (k->pool == NULL)
		return fail(err, E_USAGE, "cannot read the keys of tokens: %s", why.message);
	else
		warn_unread(k, &why);
	const int rc = pthread_create(&k->thread, NULL, keys_main, k);
	k->started = rc == 0;
	return rc == 0 ? OK : fail_errno(err, rc, "cannot start a thread");
}

status keys_open(const struct keys_opts *o, struct keys **out, struct err *err)
{
	pthread_condattr_t attr;
	struct keys *k = mem_zalloc(1, sizeof *k);
	if (k == NULL) return fail_nomem(err);
	(void)pthread_rwlock_init(&k->lock, NULL);
	(void)pthread_mutex_init(&k->wanting, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&k->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	const status code = keys_fill(k, o, err);
	if (code != OK)
		keys_close(k);
	else
		*out = k;
	return code;
}

void keys_close(struct keys *k)
{
	if (k == NULL) return;
	(void)pthread_mutex_lock(&k->wanting);
	k->stop = true;
	(void)pthread_cond_signal(&k->changed);
	(void)pthread_mutex_unlock(&k->wanting);
	if (k->started) (void)pthread_join(k->thread, NULL);
	http_pool_destroy(k->pool);
	set_free(k->set);
	if (k->secret != NULL) explicit_bzero(k->secret, k->secret_n);
	mem_free(k->secret);
	mem_free(k->jwks);
	(void)pthread_rwlock_destroy(&k->lock);
	(void)pthread_cond_destroy(&k->changed);
	(void)pthread_mutex_destroy(&k->wanting);
	mem_free(k);
}
