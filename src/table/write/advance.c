/* table/write/advance.c: appends that move positions. A lost race starts over from the new version, where the positions are compared again;
 * a transaction conflicts with another one of the same application, so that nothing slips in between the look and the commit. */
#include "table/write/advance.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "table/write/replace_int.h"

/* NULL or a snapshot of the newest version. */
static status open_newest(struct store *store, const char *root, struct delta_snapshot **out, struct err *err)
{
	bool exists = false;
	*out = NULL;
	TRY(delta_table_exists(store, root, &exists, err));
	return exists ? delta_snapshot_open(store, root, DELTA_LATEST, out, err) : OK;
}

static int64_t position_of(const struct delta_snapshot *s, struct str app_id)
{
	const struct delta_app_txn *app = s != NULL ? delta_snapshot_app_txn(s, app_id) : NULL;
	return app != NULL ? app->version : -1;
}

static status check_positions(
	const struct delta_snapshot *s, const char *root, const struct delta_advance *a, struct err *err)
{
	for (size_t i = 0; i < a->n_moves; i++) {
		const struct delta_move *m = &a->moves[i];
		const int64_t at = position_of(s, m->app_id);
		if (at == m->from) continue;
		return fail_at(err, E_CONFLICT, root, -1, -1, "%.*s is at %lld there, not at %lld", (int)m->app_id.n,
			m->app_id.p, (long long)at, (long long)m->from);
	}
	return OK;
}

static status set_metadata(
	struct delta_txn *t, const struct delta_snapshot *s, const struct delta_advance *a, struct err *err)
{
	struct delta_metadata m = {.created_ms = -1};
	struct arena arena;
	struct buf schema;
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS];
	if (s != NULL) {
		m = s->metadata;
	} else {
		uuid_random(id);
		uuid_format(id, text);
		m = (struct delta_metadata){.id = {text, sizeof text},
			.name = str_of(a->schema->name),
			.description = str_of(a->schema->description != NULL ? a->schema->description : ""),
			.configuration = {a->properties, a->n_properties},
			.created_ms = time_now_us() / 1000};
		TRY(delta_txn_protocol(t, &(struct delta_protocol){.min_reader = 1, .min_writer = 2}, err));
	}
	arena_init(&arena, 0);
	buf_init(&schema, 0);
	status code = replace_metadata(a->schema, &schema, &arena, &m, err);
	if (code == OK) code = delta_txn_metadata(t, &m, err);
	buf_deinit(&schema);
	arena_deinit(&arena);
	return code;
}

/* A writer with another schema will not do better later: it has lost no race. */
static status check_schema(
	const struct delta_snapshot *s, const struct delta_advance *a, bool *widened, const char *root, struct err *err)
{
	struct err why;
	err_clear(&why);
	const status code = replace_schema_compare(s, a->schema, widened, &why);
	if (code == OK) return OK;
	return fail_at(err, code == E_CONFLICT ? E_UNSUPPORTED : code, root, -1, -1, "%s", why.message);
}

struct attempt {
	struct store *store;
	const char *root;
	const struct delta_advance *a;
	struct delta_snapshot *s; /* NULL: no table yet */
	bool widened;             /* the table's schema is to be written, too */
};

static status commit(const struct attempt *at, int64_t *version, struct err *err)
{
	const struct delta_advance *a = at->a;
	const struct delta_txn_opts opts = {.operation = "STREAMING UPDATE",
		.parameters = "{\"outputMode\":\"Append\"}",
		.info = a->info,
		.reads = DELTA_READS_NOTHING};
	struct delta_txn *t = NULL;
	TRY(delta_txn_begin(at->store, at->root, at->s, &opts, &t, err));
	status code = at->widened ? set_metadata(t, at->s, a, err) : OK;
	for (size_t i = 0; i < a->n_moves && code == OK; i++)
		code = delta_txn_app(t, a->moves[i].app_id, a->moves[i].to, err);
	for (size_t i = 0; i < a->n_files && code == OK; i++) code = delta_txn_add(t, &a->files[i], err);
	if (code == OK) code = delta_txn_commit(t, version, err);
	delta_txn_destroy(t);
	return code;
}

/* *lost: somebody else committed first; on the new version it may succeed. */
static status check_standing(struct attempt *at, struct err *err)
{
	TRY(check_positions(at->s, at->root, at->a, err));
	if (at->s == NULL) return OK;
	return check_schema(at->s, at->a, &at->widened, at->root, err);
}

static status advance_once(struct attempt *at, int64_t *version, bool *lost, struct err *err)
{
	*lost = false;
	at->widened = true;
	TRY(open_newest(at->store, at->root, &at->s, err));
	status code = check_standing(at, err);
	if (code == OK) {
		code = commit(at, version, err);
		*lost = code == E_CONFLICT;
	}
	delta_snapshot_close(at->s);
	return code;
}

status delta_advance(
	struct store *store, const char *root, const struct delta_advance *a, int64_t *version, struct err *err)
{
	struct err after;
	struct attempt at = {.store = store, .root = root, .a = a};
	bool lost = true;
	status code = OK;
	for (int attempt = 0; lost && attempt <= TXN_RETRIES_MAX; attempt++) {
		if (err != NULL) err_clear(err);
		code = advance_once(&at, version, &lost, err);
	}
	TRY(code);
	err_clear(&after);
	if (delta_after_commit(store, root, *version, &after) != OK) {
		char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
		log_line(LOG_WARN, "no checkpoint after the commit; a later one makes up for it", "table", root, "why",
			err_text(&after, text, sizeof text), NULL);
	}
	return OK;
}

status delta_positions(
	struct store *store, const char *root, const struct str *apps, size_t n, int64_t *versions, struct err *err)
{
	struct delta_snapshot *s = NULL;
	TRY(open_newest(store, root, &s, err));
	for (size_t i = 0; i < n; i++) versions[i] = position_of(s, apps[i]);
	delta_snapshot_close(s);
	return OK;
}
