/* table/log/txn_commit.c: the commit: one put of the next version, and what is looked at when it does not succeed plainly. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/seal.h"
#include "base/time.h"
#include "table/log/checkpoint.h"
#include "table/log/log_int.h"
#include "table/log/txn_int.h"

enum {
	PUT_TRIES = 4, /* of one version, when answers are lost */
};

struct commit {
	struct delta_txn *t;
	struct buf body; /* the actions after commitInfo: the same at each version */
	struct buf text; /* of the version at hand: the same at each try, so that a late put of it is the same commit */
	int64_t floor_ms; /* the commit is later than this */
	char key[DELTA_KEY_MAX];
};

/* ---- text ------------------------------------------------------------------------------------------------- */

static int add_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct delta_add *)a)->path, ((const struct delta_add *)b)->path);
}

static status twice(struct str path, struct err *err)
{
	const int n = path.n < 200 ? (int)path.n : 200;
	return fail(err, E_USAGE, "file named twice in one transaction: %.*s", n, path.p);
}

/* "Delta Log Entries": no two actions of one commit reconcile with each other. Sorts the lists, so that equal transactions
 * write equal bytes. */
static status files_check(struct delta_txn *t, struct err *err)
{
	struct delta_add *adds = (struct delta_add *)(void *)t->adds.p;
	struct delta_remove *removes = (struct delta_remove *)(void *)t->removes.p;
	const size_t n = t->adds.n / sizeof *adds, m = t->removes.n / sizeof *removes;
	if (n > 1) qsort(adds, n, sizeof *adds, add_cmp);
	if (m > 1) qsort(removes, m, sizeof *removes, txn_remove_cmp);
	for (size_t i = 1; i < n; i++) {
		if (str_eq(adds[i - 1].path, adds[i].path)) return twice(adds[i].path, err);
	}
	for (size_t i = 1; i < m; i++) {
		if (str_eq(removes[i - 1].path, removes[i].path)) return twice(removes[i].path, err);
	}
	for (size_t i = 0, j = 0; i < n && j < m;) {
		const int c = str_cmp(adds[i].path, removes[j].path);
		if (c == 0) return twice(adds[i].path, err);
		c < 0 ? i++ : j++;
	}
	return OK;
}

static void body_write(struct buf *out, const struct delta_txn *t, int64_t now_ms)
{
	const struct delta_add *adds = (const struct delta_add *)(const void *)t->adds.p;
	const struct delta_remove *removes = (const struct delta_remove *)(const void *)t->removes.p;
	if (t->has_protocol)
		delta_action_json(out, &(struct delta_action){.kind = DELTA_PROTOCOL, .protocol = t->protocol});
	if (t->has_metadata)
		delta_action_json(out, &(struct delta_action){.kind = DELTA_METADATA, .metadata = t->metadata});
	for (size_t i = 0; i < t->apps.n; i++) {
		struct delta_action a = {.kind = DELTA_APP_TXN, .app_txn = t->apps.items[i]};
		a.app_txn.updated_ms = now_ms;
		delta_action_json(out, &a);
	}
	for (size_t i = 0; i < t->removes.n / sizeof *removes; i++) {
		struct delta_action a = {.kind = DELTA_REMOVE, .remove = removes[i]};
		a.remove.deleted_ms = now_ms;
		delta_action_json(out, &a);
	}
	for (size_t i = 0; i < t->adds.n / sizeof *adds; i++)
		delta_action_json(out, &(struct delta_action){.kind = DELTA_ADD, .add = adds[i]});
}

/* Spark reads operationParameters as a map of strings: opts.parameters must be one. */
static void text_write(struct commit *c, int64_t now_ms)
{
	const struct delta_txn *t = c->t;
	struct buf *out = &c->text;
	const bool blind = t->opts.reads == DELTA_READS_NOTHING && t->removes.n == 0;
	buf_reset(out);
	buf_printf(out, "{\"commitInfo\":{\"timestamp\":%lld,\"operation\":", (long long)now_ms);
	buf_json_str(out, str_of(t->opts.operation));
	buf_printf(out, ",\"operationParameters\":%s", t->opts.parameters != NULL ? t->opts.parameters : "{}");
	if (t->s != NULL) buf_printf(out, ",\"readVersion\":%lld", (long long)t->s->version);
	buf_printf(out, ",\"isolationLevel\":\"Serializable\",\"isBlindAppend\":%s", blind ? "true" : "false");
	if (t->opts.metrics != NULL) buf_printf(out, ",\"operationMetrics\":%s", t->opts.metrics);
	buf_printf(out, "," LOG_ENGINE "%s\",\"txnId\":\"%s\"," LOG_SEAL, PQR_VERSION, t->id);
	const size_t seal = seal_blank(out);
	buf_char(out, '"');
	if (t->opts.info != NULL) buf_printf(out, ",%s", t->opts.info);
	buf_str(out, "}}\n");
	buf_add(out, c->body.p, c->body.n);
	seal_close(out, 0, seal);
}

/* ---- settling ----------------------------------------------------------------------------------------------- */

enum outcome { ABSENT, OURS, PASSED, CONFLICT };

/* Who has the version at c->key, and does it stand against us? */
static status look(struct commit *c, enum outcome *out, struct err *err)
{
	struct txn_winner w = {.t = c->t, .info = {.timestamp_ms = -1, .in_commit_ms = -1}};
	struct arena arena;
	struct buf text;
	arena_init(&arena, 0);
	buf_init(&text, 0);
	const status code =
		delta_log_read(c->t->store, c->key, &text, &arena, &(struct delta_visitor){txn_winner_visit, &w}, err);
	*out = code == E_NOT_FOUND ? ABSENT : w.ours ? OURS : w.conflict != NULL ? CONFLICT : PASSED;
	if (code == OK && *out == CONFLICT)
		(void)fail_at(err, E_CONFLICT, c->key, -1, -1, "another commit %s%.*s", w.conflict,
			w.what.n < 200 ? (int)w.what.n : 200, w.what.p);
	const int64_t ms = delta_info_ms(&w.info, INT64_MIN);
	if (code == OK && ms > c->floor_ms) c->floor_ms = ms;
	buf_deinit(&text);
	arena_deinit(&arena);
	return code == E_NOT_FOUND ? OK : code;
}

static bool may_pass(const struct err *err)
{
	return err->class == ERR_UNKNOWN || err->class == ERR_RETRY;
}

/* Put the text, until it is known who has the version. A put that failed may have taken effect: what stands there decides; and one of
 * ours that stands there is put again, which writes nothing and makes sure that it is durable. */
static status put(struct commit *c, enum outcome *out, struct err *err)
{
	struct err first = {.code = OK};
	for (int attempt = 1;; attempt++) {
		struct err now;
		err_clear(&now);
		status code = store_commit(c->t->store, c->key, c->text.p, c->text.n, &now);
		if (code == OK) {
			*out = OURS;
			return OK;
		}
		if (first.code == OK) first = now;
		const bool again = code == E_EXISTS || may_pass(&now);
		struct err looked;
		err_clear(&looked);
		code = look(c, out, &looked);
		if (code != OK && !(may_pass(&looked) && attempt < PUT_TRIES)) {
			if (err != NULL) *err = looked;
			if (first.code != E_EXISTS) err_set_class(err, ERR_UNKNOWN); /* it may stand there */
			return code;
		}
		if (code != OK) continue;
		if (*out == CONFLICT && err != NULL) *err = looked;
		if (*out == CONFLICT) return E_CONFLICT;
		if (*out == PASSED || (*out == OURS && now.class == ERR_UNKNOWN)) return OK;
		if (attempt < PUT_TRIES && (*out == OURS || again)) continue;
		if (err != NULL) *err = first;
		if (*out == OURS || first.class == ERR_UNKNOWN) err_set_class(err, ERR_UNKNOWN);
		return first.code;
	}
}

/* A clean-up takes old commits away, so that an old version's name may be free again while newer ones stand. */
static status newest_check(const struct delta_txn *t, struct err *err)
{
	struct arena arena;
	struct delta_log_list l;
	char key[DELTA_KEY_MAX];
	int64_t bytes;
	const int64_t read = t->s != NULL ? t->s->version : -1;
	if (t->s != NULL) {
		TRY(delta_commit_key(key, t->root, read, err));
		if (store_size(t->store, key, &bytes, NULL) == OK) return OK; /* the next one's name was never free */
	}
	arena_init(&arena, 0);
	const status code = delta_log_list_names(t->store, t->root, &arena, &l, err);
	const int64_t latest = code == OK ? delta_log_range(&l).latest : -1;
	arena_deinit(&arena);
	TRY(code);
	if (latest <= read) return OK;
	return fail(err, E_CONFLICT, "table %s is at version %lld already", t->root, (long long)latest);
}

static status commit_all(struct commit *c, int64_t *version, struct err *err)
{
	struct delta_txn *t = c->t;
	enum outcome outcome = ABSENT;
	c->floor_ms = t->s != NULL ? t->s->timestamp_ms : INT64_MIN;
	TRY(files_check(t, err));
	TRY(newest_check(t, err));
	body_write(&c->body, t, time_now_us() / 1000);
	TRY(buf_check(&c->body, err));
	for (int64_t v = t->s != NULL ? t->s->version : -1; v < INT64_MAX;) {
		v++;
		TRY(delta_commit_key(c->key, t->root, v, err));
		const int64_t now_ms = time_now_us() / 1000;
		text_write(c, now_ms > c->floor_ms ? now_ms : c->floor_ms + 1);
		TRY(buf_check(&c->text, err));
		TRY(put(c, &outcome, err));
		if (outcome != OURS) continue;
		*version = v;
		return OK;
	}
	return fail(err, E_LIMIT, "table %s has no version left", t->root);
}

status delta_txn_commit(struct delta_txn *t, int64_t *version, struct err *err)
{
	ASSERT(!t->done);
	ASSERT(t->s != NULL || (t->has_metadata && t->has_protocol));
	if (t->failed != OK) return fail(err, t->failed, "an earlier step of the transaction failed");
	struct commit c = {.t = t};
	buf_init(&c.body, 0);
	buf_init(&c.text, 0);
	t->done = true;
	const status code = commit_all(&c, version, err);
	buf_deinit(&c.body);
	buf_deinit(&c.text);
	return code;
}

status delta_after_commit(struct store *store, const char *root, int64_t version, struct err *err)
{
	struct delta_snapshot *s = NULL;
	const int64_t now_ms = time_now_us() / 1000;
	TRY(delta_snapshot_open(store, root, version, &s, err));
	status code = OK;
	if (delta_checkpoint_due(s)) {
		code = delta_checkpoint_write(s, now_ms, err);
		if (code == OK) code = delta_log_clean(store, root, now_ms, NULL, err);
	}
	delta_snapshot_close(s);
	return code;
}
