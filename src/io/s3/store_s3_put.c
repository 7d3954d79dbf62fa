/* io/s3/store_s3_put.c: one PutObject: replacing, creating if absent, committing.
 *
 * Invariants: 1. put-if-absent is PUT with If-None-Match: *, proved to hold by s3_prove before the first; 2. a 412 is settled by
 * comparing bytes, so that a put whose answer was lost and then tried again succeeds. Must not know uploads in parts or what is under
 * way for others.
 */
#include "io/s3/store_s3_int.h"

enum { SETTLE_TRIES = 3 };

static const struct sigv4_header absent[] = {{"if-none-match", "*"}};

struct s3_request s3_put_request(const char *full, const void *p, size_t n, bool conditional)
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

status s3_put_look(void *arg, bool *done, struct err *err)
{
	const struct s3_putting *p = arg;
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
	const struct s3_request q = s3_put_request(full, p, n, false);
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
	if (mode == STORE_REPLACE) return put_plain(s, full, p, n, err);
	if (atomic_load(&s->single_writer)) return put_alone(s, key, p, n, mode, err);
	TRY(s3_prove(s, err));
	status code = OK;
	for (int attempt = 0; attempt < SETTLE_TRIES; attempt++) {
		struct s3_call call;
		struct s3_request q = s3_put_request(full, p, n, true);
		struct s3_putting ours = {s, key, {p, (int64_t)n, NULL}};
		q.look = s3_put_look;
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
