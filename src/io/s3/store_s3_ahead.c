/* io/s3/store_s3_ahead.c: objects of the S3 store that are fetched before they are opened.
 *
 *   will_open -> FLIGHT --open, by one of several readers--> FINISHING -> HELD --open, by the last of them--> gone
 *                  \--open, by the only reader--> gone                      \--room for others, sync--> gone
 *
 * Tasks that walk the same files side by side thus fetch each once. What is HELD is at most AHEAD_BYTES_MAX with all else here,
 * and goes when the stage syncs; a put or delete of the key by this store drops it.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "io/s3/store_s3_int.h"

enum { STALE_HINTS = 128 }; /* after so many more, nobody will come for what was asked for */

enum ahead_state { FLIGHT, FINISHING, HELD };

struct ahead {
	enum ahead_state state;
	struct s3_opening opening;   /* FLIGHT, FINISHING */
	struct store_object *object; /* HELD: owned */
	char *key;
	uint64_t hash; /* of key: lists are walked often */
	size_t bytes;
	int readers;   /* that have not come yet */
	bool dropped;  /* while FINISHING: not to be held */
	uint64_t hint; /* its number */
	struct ahead *next;
};

/* ---- the list; under the lock ---- */

static struct ahead *find(struct s3_store *s, const char *key)
{
	const uint64_t hash = hash_xxh3(key, strlen(key));
	struct ahead *a = s->ahead;
	while (a != NULL && (a->hash != hash || strcmp(a->key, key) != 0)) a = a->next;
	return a;
}

static void unlink_entry(struct s3_store *s, struct ahead *a)
{
	struct ahead **at = &s->ahead;
	while (*at != a) at = &(*at)->next;
	*at = a->next;
	s->n_ahead--;
	s->ahead_bytes -= a->bytes;
}

/* The oldest of that key (NULL: of any) that nobody finishes, out of the list; those that are being finished won't be held. */
static struct ahead *take(struct s3_store *s, const char *key)
{
	for (struct ahead *a = s->ahead; a != NULL; a = a->next) {
		if (key != NULL && strcmp(a->key, key) != 0) continue;
		if (a->state == FINISHING) {
			a->dropped = true;
			continue;
		}
		unlink_entry(s, a);
		return a;
	}
	return NULL;
}

/* The oldest that may go when others need the room. */
static struct ahead *take_stale(struct s3_store *s)
{
	struct ahead *a = s->ahead;
	while (a != NULL && a->state != HELD && (a->state == FINISHING || s->n_hints - a->hint <= STALE_HINTS))
		a = a->next;
	if (a != NULL) unlink_entry(s, a);
	return a;
}

/* ---- entries out of the list ---- */

static void entry_free(struct ahead *a)
{
	if (a == NULL) return;
	store_object_close(a->object);
	mem_free(a->key);
	mem_free(a);
}

static void discard(struct ahead *a)
{
	if (a->state == FLIGHT) s3_opening_discard(&a->opening);
	entry_free(a);
}

void s3_ahead_drop(struct s3_store *s, const char *key)
{
	for (;;) {
		(void)pthread_mutex_lock(&s->lock);
		struct ahead *a = take(s, key);
		(void)pthread_mutex_unlock(&s->lock);
		if (a == NULL) return;
		discard(a);
	}
}

/* ---- hints ---- */

/* Is it to be fetched, and is there room for so many bytes more? Those who have nothing to come for make some. */
static bool wanted(struct s3_store *s, const struct store_hint *hint, size_t bytes)
{
	for (;;) {
		struct ahead *stale = NULL;
		(void)pthread_mutex_lock(&s->lock);
		const bool known = find(s, hint->key) != NULL;
		const bool room = s->n_ahead < AHEAD_MAX && s->ahead_bytes + bytes <= AHEAD_BYTES_MAX;
		if (!known && !room) stale = take_stale(s);
		/* What is refused counts too, or flights that nobody comes for would keep the room for good. */
		s->n_hints += !known && !room && stale == NULL;
		(void)pthread_mutex_unlock(&s->lock);
		if (stale == NULL) return !known && room;
		discard(stale);
	}
}

static struct ahead *entry_start(struct s3_store *s, const struct store_hint *hint)
{
	struct ahead *a = mem_zalloc(1, sizeof *a);
	if (a == NULL) return NULL;
	a->key = mem_strdup(hint->key);
	if (a->key == NULL || s3_opening_start(s, hint->key, hint->bytes, &a->opening, NULL) != OK) {
		entry_free(a);
		return NULL;
	}
	a->hash = hash_xxh3(a->key, strlen(a->key));
	a->bytes = s3_head_bytes(hint->bytes);
	a->readers = hint->readers;
	return a;
}

void s3_will_open(struct store *base, const struct store_hint *hint)
{
	struct s3_store *s = (struct s3_store *)base;
	if (!wanted(s, hint, s3_head_bytes(hint->bytes))) return;
	s3_settle(s, hint->key, false);
	struct ahead *a = entry_start(s, hint);
	if (a == NULL) return;
	(void)pthread_mutex_lock(&s->lock);
	a->hint = s->n_hints++;
	const bool twice = find(s, a->key) != NULL; /* by another thread meanwhile */
	if (!twice) {
		struct ahead **at = &s->ahead;
		while (*at != NULL) at = &(*at)->next;
		*at = a;
		s->n_ahead++;
		s->ahead_bytes += a->bytes;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (twice) discard(a);
}

/* ---- opening ---- */

/* Finish one for all its readers; the caller made it FINISHING and is the first of them. */
static status finish_shared(struct s3_store *s, struct ahead *a, struct store_object **out, struct err *err)
{
	struct store_object *mine = NULL;
	status code = s3_opening_finish(&a->opening, &mine, err);
	if (code == OK) code = s3_object_again(mine, &a->object, err);
	(void)pthread_mutex_lock(&s->lock);
	a->state = HELD;
	const bool gone = code != OK || a->dropped || a->readers <= 0;
	if (gone) unlink_entry(s, a);
	(void)pthread_cond_broadcast(&s->fetched);
	(void)pthread_mutex_unlock(&s->lock);
	if (gone) entry_free(a);
	if (code == OK)
		*out = mine;
	else
		store_object_close(mine);
	return code;
}

status s3_object_open(struct store *base, const char *key, struct store_object **out, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	status code = OK;
	s3_settle(s, key, false);
	(void)pthread_mutex_lock(&s->lock);
	struct ahead *a = find(s, key);
	for (; a != NULL && a->state == FINISHING; a = find(s, key)) (void)pthread_cond_wait(&s->fetched, &s->lock);
	const bool held = a != NULL && a->state == HELD;
	const bool last = a != NULL && --a->readers <= 0;
	if (held) code = s3_object_again(a->object, out, err);
	if (last)
		unlink_entry(s, a);
	else if (a != NULL && !held)
		a->state = FINISHING;
	(void)pthread_mutex_unlock(&s->lock);
	if (a == NULL) return s3_open_now(s, key, 0, out, err);
	if (!held) code = last ? s3_opening_finish(&a->opening, out, err) : finish_shared(s, a, out, err);
	if (last) entry_free(a);
	return code;
}
