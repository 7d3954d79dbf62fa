/* control/postgres.c: a control plane in PostgreSQL: opening, parameters, transactions. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "control/postgres_int.h"
#include "io/utf8.h"

enum { CONFLICTS_MAX = 20 };

/* ---- parameters -------------------------------------------------------------------------------------------------- */

void postgres_args_deinit(struct postgres_args *a)
{
	for (int i = 0; i < a->n; i++) mem_free(a->mended[i]);
	a->n = 0;
}

static int next_arg(struct postgres_args *a)
{
	ASSERT(a->n < POSTGRES_ARGS_MAX);
	const int i = a->n++;
	a->value[i] = NULL;
	a->length[i] = a->format[i] = 0;
	a->mended[i] = NULL;
	return i;
}

void postgres_arg_int(struct postgres_args *a, int64_t v)
{
	const int i = next_arg(a);
	(void)snprintf(a->room[i], sizeof a->room[i], "%lld", (long long)v);
	a->value[i] = a->room[i];
}

void postgres_arg_count(struct postgres_args *a, int64_t v)
{
	if (v >= 0)
		postgres_arg_int(a, v);
	else
		(void)next_arg(a);
}

void postgres_arg_u64(struct postgres_args *a, uint64_t v)
{
	const int i = next_arg(a);
	(void)snprintf(a->room[i], sizeof a->room[i], "%llu", (unsigned long long)v);
	a->value[i] = a->room[i];
}

size_t postgres_text_valid(struct str s)
{
	const size_t n = utf8_valid_prefix(s.p, s.n);
	const void *nul = n > 0 ? memchr(s.p, '\0', n) : NULL;
	return nul != NULL ? (size_t)((const char *)nul - s.p) : n;
}

/* Each byte that can't stay becomes U+FFFD, three bytes. */
static char *mend(struct str s, size_t *n_out)
{
	size_t cap, n = 0;
	char *dst = mul_size(s.n, 3, &cap) ? mem_alloc(cap) : NULL;
	if (dst == NULL) return NULL;
	while (s.n > 0) {
		const size_t good = postgres_text_valid(s);
		memcpy(dst + n, s.p, good);
		n += good;
		s = (struct str){s.p + good, s.n - good};
		if (s.n == 0) break;
		memcpy(dst + n, "\xef\xbf\xbd", 3);
		n += 3;
		s = (struct str){s.p + 1, s.n - 1};
	}
	*n_out = n;
	return dst;
}

void postgres_arg_str(struct postgres_args *a, struct str s)
{
	const int i = next_arg(a);
	if (s.n > INT32_MAX / 3) {
		a->failed = true;
		return;
	}
	if (s.n > 0 && postgres_text_valid(s) < s.n) {
		a->mended[i] = mend(s, &s.n);
		a->failed |= a->mended[i] == NULL;
		s.p = a->mended[i];
	}
	a->value[i] = s.n > 0 ? s.p : "";
	a->length[i] = (int)s.n;
	a->format[i] = 1;
}

void postgres_arg_text(struct postgres_args *a, const char *s)
{
	if (s != NULL)
		postgres_arg_str(a, str_of(s));
	else
		(void)next_arg(a);
}

void postgres_arg_time(struct postgres_args *a, int64_t us)
{
	const int i = next_arg(a);
	if (us == INT64_MIN) return;
	time_format(us, a->room[i]);
	a->room[i][TIME_RFC3339_CHARS] = '\0';
	a->value[i] = a->room[i];
}

void postgres_arg_date(struct postgres_args *a, int32_t date)
{
	const int i = next_arg(a);
	if (date == INT32_MIN) return;
	date_format(date, a->room[i]);
	a->room[i][DATE_CHARS] = '\0';
	a->value[i] = a->room[i];
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

status postgres_transact_end(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	status code = body(s, arg, err);
	const bool poll = s->poll_cancel;
	s->poll_cancel = poll && code == OK;
	if (code == OK) code = postgres_exec(s, "COMMIT", NULL, NULL, err);
	s->poll_cancel = false;
	if (code != OK && !postgres_lost(s) && postgres_exec(s, "ROLLBACK", NULL, NULL, NULL) != OK)
		postgres_disconnect(s);
	s->poll_cancel = poll;
	return code;
}

status postgres_transact_once(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	ASSERT(!s->publishing);
	TRY(postgres_exec(s, POSTGRES_BEGIN, NULL, NULL, err));
	return postgres_transact_end(s, body, arg, err);
}

/* May the body be tried once more? Counts attempts of the two kinds. */
static status again(struct control_postgres *s, status code, int *lost, int *conflicts, struct err *err)
{
	if (code == E_UNREACHABLE) {
		postgres_disconnect(s);
		s->given_up |= ++*lost >= POSTGRES_ATTEMPTS_AGAIN;
		if (!s->given_up) return postgres_pause(*lost, err);
	}
	if (code == E_CONFLICT && ++*conflicts < CONFLICTS_MAX) return OK;
	return code;
}

static status connected(struct control_postgres *s, struct err *err)
{
	if (!postgres_lost(s)) return OK;
	TRY(postgres_connect(s, 1, err));
	s->given_up = false;
	return OK;
}

status postgres_transact(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	ASSERT(!s->publishing);
	for (int lost = 0, conflicts = 0;;) {
		status code = connected(s, err);
		if (code == OK) code = postgres_transact_once(s, body, arg, err);
		if (code == OK) return OK;
		TRY(again(s, code, &lost, &conflicts, err));
	}
}

status postgres_read(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	ASSERT(!s->publishing);
	for (int lost = 0, conflicts = 0;;) {
		status code = connected(s, err);
		if (code == OK) code = body(s, arg, err);
		if (code == OK) return OK;
		TRY(again(s, code, &lost, &conflicts, err));
	}
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void close_plane(struct control *c)
{
	struct control_postgres *s = postgres_of(c);
	postgres_disconnect(s);
	mem_free(s->conninfo);
	mem_free(s->place);
	mem_free(s);
}

static const struct control_ops postgres_ops = {
	.is_server = true,
	.close = close_plane,
	.lease_acquire = postgres_lease_acquire,
	.lease_renew = postgres_lease_renew,
	.lease_release = postgres_lease_release,
	.run_begin = postgres_run_begin,
	.run_update = postgres_run_update,
	.run_get = postgres_run_get,
	.task_start = postgres_task_start,
	.task_finish = postgres_task_finish,
	.task_results = postgres_task_results,
	.task_forget = postgres_task_forget,
	.quality_put = postgres_quality_put,
	.quality_counts = postgres_quality_counts,
	.stage_commit = postgres_stage_commit,
	.stage_get = postgres_stage_get,
	.publish_begin = postgres_publish_begin,
	.query = postgres_query,
};

static status open_plane(struct control_postgres *s, const char *uri, struct err *err)
{
	/* "postgresql:" alone: libpq's environment variables and defaults say everything. */
	const char *rest = strchr(uri, ':') + 1;
	s->conninfo = mem_strdup(*rest != '\0' ? uri : "postgresql://");
	if (s->conninfo == NULL) return fail_nomem(err);
	TRY(postgres_check_uri(s->conninfo, err));
	TRY(postgres_connect(s, POSTGRES_ATTEMPTS_FIRST, err));
	return postgres_migrate(s, err);
}

status control_postgres_open(const char *uri, struct control **out, char **place, struct err *err)
{
	struct control_postgres *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->base.ops = &postgres_ops;
	(void)pthread_mutex_init(&s->base.lock, NULL);
	status code = open_plane(s, uri, err);
	if (code == OK) *place = mem_strdup(s->place);
	if (code == OK && *place == NULL) code = fail_nomem(err);
	if (code != OK) {
		control_close(&s->base);
		return code;
	}
	*out = &s->base;
	return OK;
}
