/* io/s3/store_s3_probe.c: does put-if-absent hold at this store? (CONTRACTS section 9)
 *
 * RACERS requests create one fresh key at the same time; exactly one may succeed, what stands there must be its bytes, a
 * later creator must fail, and a listing must show the key. A server that ignores If-None-Match would let two committers of a
 * table overwrite each other, so it is refused by name. Before the first object that goes up in parts the same is asked of
 * CompleteMultipartUpload: some servers honour the header in PutObject alone. Nothing is remembered beyond the process: a bucket may move to another
 * server, and the proof costs a few round trips.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/thread.h"
#include "io/s3/store_s3_int.h"

enum { RACERS = 8, PROBE_TRIES = 3, BODY_CHARS = UUID_CHARS + 16 };

static const struct sigv4_header absent[] = {{"if-none-match", "*"}};

struct probe {
	struct s3_store *s;
	char key[UUID_CHARS + 32];
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_call calls[RACERS];
	char bodies[RACERS + 1][BODY_CHARS]; /* the last is of the one that comes late */
	int winners, winner;
};

static status refuse(const struct probe *p, const char *what, struct err *err)
{
	return err_advise(err,
		fail(err, E_UNSUPPORTED,
			"the S3 server of %s %s, so two writers could overwrite each other's commits: use a server "
			"that "
			"honours If-None-Match",
			p->s->base.uri, what),
		ADVICE_SINGLE_WRITER, NULL);
}

static status name_key(struct probe *p, struct err *err)
{
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS];
	uuid_random(id);
	uuid_format(id, text);
	(void)snprintf(p->key, sizeof p->key, ".pqr-probe/%.*s", UUID_CHARS, text);
	for (int i = 0; i <= RACERS; i++)
		(void)snprintf(p->bodies[i], sizeof p->bodies[i], "%.*s %d", UUID_CHARS, text, i);
	return s3_key(p->s, p->key, p->full, err);
}

static status race(struct probe *p, struct err *err)
{
	status code = OK;
	int started = 0;
	p->winners = 0;
	for (; started < RACERS && code == OK; started++) {
		const struct s3_request q = {.verb = "try put-if-absent on",
			.method = "PUT",
			.key = p->full,
			.extra = absent,
			.n_extra = 1,
			.body = p->bodies[started],
			.body_n = strlen(p->bodies[started]),
			.takes = S3_TAKES_412};
		s3_call_init(&p->calls[started], &q);
		code = s3_call_start(p->s->client, &p->calls[started], err);
	}
	for (int i = 0; i < started; i++) {
		struct s3_call *call = &p->calls[i];
		const status one = call->started ? s3_call_finish(p->s->client, call, code == OK ? err : NULL) : code;
		if (one == OK && call->http.status != 412) {
			p->winners++;
			p->winner = i;
		}
		if (code == OK) code = one;
		s3_call_deinit(call);
	}
	return code;
}

struct sight {
	const char *key;
	bool seen;
};

static status seen(void *arg, const struct store_entry *e, struct err *err)
{
	struct sight *look = arg;
	(void)err;
	look->seen = look->seen || strcmp(e->key, look->key) == 0;
	return OK;
}

/* After a race with one winner. */
static status aftermath(struct probe *p, struct err *err)
{
	bool same;
	struct sight look = {p->key, false};
	const char *body = p->bodies[p->winner];
	const struct s3_content want = {body, (int64_t)strlen(body), NULL};
	TRY(s3_same(p->s, p->key, &want, &same, err));
	if (!same) return refuse(p, "let a put replace an object that If-None-Match protected", err);
	struct s3_call call;
	const struct s3_request late = {.verb = "try put-if-absent on",
		.method = "PUT",
		.key = p->full,
		.extra = absent,
		.n_extra = 1,
		.body = "late",
		.body_n = 4,
		.takes = S3_TAKES_412};
	const status code = s3_perform(p->s->client, &call, &late, err);
	const int http_status = call.http.status;
	s3_call_deinit(&call);
	TRY(code);
	if (http_status != 412) return refuse(p, "ignores If-None-Match", err);
	TRY(s3_list(p->s, ".pqr-probe", seen, &look, err));
	return look.seen ? OK : refuse(p, "does not list an object that was put", err);
}

static status probe_once(struct probe *p, bool *settled, struct err *err)
{
	TRY(name_key(p, err));
	TRY(race(p, err));
	*settled = p->winners != 0;
	if (p->winners > 1) {
		char what[80];
		(void)snprintf(what, sizeof what, "ignores If-None-Match (%d of %d racing creators succeeded)",
			p->winners, RACERS);
		return refuse(p, what, err);
	}
	return p->winners == 1 ? aftermath(p, err) : OK;
}

static void clean_up(const struct probe *p)
{
	struct s3_call call;
	struct err ignored;
	const struct s3_request q = {.verb = "delete", .method = "DELETE", .key = p->full, .takes = S3_TAKES_404};
	(void)!(s3_perform(p->s->client, &call, &q, &ignored)); /* a few bytes stay: no harm */
	s3_call_deinit(&call);
}

static status prove(struct s3_store *s, struct err *err)
{
	struct probe *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	p->s = s;
	bool settled = false;
	status code = OK;
	/* No winner: the answer of the one was lost, and its second try met its own object. */
	for (int i = 0; code == OK && !settled && i < PROBE_TRIES; i++) {
		code = probe_once(p, &settled, err);
		if (p->full[0] != '\0' && code != E_UNREACHABLE && code != E_CANCELLED) clean_up(p);
	}
	if (code == OK && !settled) code = refuse(p, "lets nobody create an object with If-None-Match", err);
	mem_free(p);
	return code;
}

/* Once a store. */
static status prove_once(
	struct s3_store *s, _Atomic bool *proved, status (*proof)(struct s3_store *, struct err *), struct err *err)
{
	if (atomic_load(proved) || atomic_load(&s->single_writer)) return OK;
	(void)pthread_mutex_lock(&s->probe_lock);
	const status code = atomic_load(proved) ? OK : proof(s, err);
	if (code == OK) atomic_store(proved, true);
	(void)pthread_mutex_unlock(&s->probe_lock);
	return code;
}

status s3_prove(struct s3_store *s, struct err *err)
{
	return prove_once(s, &s->proved, prove, err);
}

/* ---- uploads in parts ---- */

struct parts_probe {
	struct probe common;
	struct s3_upload *uploads[RACERS + 1]; /* the last one comes late */
	_Atomic int winners, winner;
};

static status upload(void *arg, size_t i, int worker, struct err *err)
{
	struct parts_probe *p = arg;
	const char *body = p->common.bodies[i];
	(void)worker;
	TRY(s3_upload_create(p->common.s, p->common.key, STORE_ABSENT, &p->uploads[i], err));
	return s3_upload_all(p->uploads[i], body, strlen(body), err);
}

static status complete(void *arg, size_t i, int worker, struct err *err)
{
	struct parts_probe *p = arg;
	(void)worker;
	const status code = s3_upload_complete(p->uploads[i], err);
	if (code == OK) {
		atomic_fetch_add(&p->winners, 1);
		atomic_store(&p->winner, (int)i);
	}
	return code == E_EXISTS || code == E_CONFLICT ? OK : code;
}

static status parts_race(struct parts_probe *p, struct err *err)
{
	bool same;
	char what[96];
	TRY(thread_for(RACERS + 1, RACERS + 1, upload, p, err));
	TRY(thread_for(RACERS, RACERS, complete, p, err));
	if (atomic_load(&p->winners) > 1) {
		(void)snprintf(what, sizeof what,
			"ignores If-None-Match for uploads in parts (%d of %d racing creators succeeded)",
			atomic_load(&p->winners), RACERS);
		return refuse(&p->common, what, err);
	}
	if (atomic_load(&p->winners) == 0) return OK;
	const char *body = p->common.bodies[atomic_load(&p->winner)];
	const struct s3_content want = {body, (int64_t)strlen(body), NULL};
	TRY(s3_same(p->common.s, p->common.key, &want, &same, err));
	if (!same) return refuse(&p->common, "damages objects that several create in parts", err);
	TRY(complete(p, RACERS, 0, err));
	return atomic_load(&p->winners) == 1 ? OK
					     : refuse(&p->common, "ignores If-None-Match for uploads in parts", err);
}

static status parts_once(struct parts_probe *p, struct err *err)
{
	TRY(name_key(&p->common, err));
	const status code = parts_race(p, err);
	for (size_t i = 0; i <= RACERS; i++) {
		s3_upload_destroy(p->uploads[i]);
		p->uploads[i] = NULL;
	}
	if (code != E_UNREACHABLE && code != E_CANCELLED) clean_up(&p->common);
	return code;
}

static status prove_parts(struct s3_store *s, struct err *err)
{
	struct parts_probe *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	p->common.s = s;
	status code = OK;
	for (int i = 0; code == OK && atomic_load(&p->winners) == 0 && i < PROBE_TRIES; i++) code = parts_once(p, err);
	if (code == OK && atomic_load(&p->winners) == 0)
		code = refuse(&p->common, "lets nobody create an object in parts with If-None-Match", err);
	mem_free(p);
	return code;
}

status s3_prove_parts(struct s3_store *s, struct err *err)
{
	TRY(s3_prove(s, err));
	return prove_once(s, &s->proved_parts, prove_parts, err);
}
