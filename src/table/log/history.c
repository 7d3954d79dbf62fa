/* table/log/history.c: what the commits of a log say of themselves, and which version stood at a time.
 *
 * One commit is in memory at a time. A commit that a clean-up took meanwhile is left out, like those it took before.
 */
#include "table/log/history.h"

#include "base/time.h"
#include "table/log/log_int.h"

/* ---- history ----------------------------------------------------------------------------------------------- */

static status count_visit(void *arg, const struct delta_action *a, struct err *err)
{
	struct delta_version *v = arg;
	(void)err;
	if (a->kind == DELTA_COMMIT_INFO) {
		v->info = a->info;
	} else if (a->kind == DELTA_REMOVE) {
		v->n_removed++;
		v->data_change = v->data_change || a->remove.data_change;
	} else if (a->kind == DELTA_ADD) {
		const int64_t rows = delta_add_rows(&a->add);
		v->n_added++;
		v->data_change = v->data_change || a->add.data_change;
		/* Sums saturate: sizes are only known to fit one by one. */
		if (__builtin_add_overflow(v->bytes_added, a->add.size, &v->bytes_added)) v->bytes_added = INT64_MAX;
		if (rows < 0 || v->rows_added < 0 || __builtin_add_overflow(v->rows_added, rows, &v->rows_added))
			v->rows_added = -1;
	}
	return OK;
}

/* scratch is reset for each commit, so that a history costs the memory of its largest one. */
static status version_read(struct store *store, const struct delta_log_file *f, struct buf *text, struct arena *scratch,
	struct delta_history *h, struct err *err)
{
	struct delta_version *v = &h->versions[h->n];
	*v = (struct delta_version){.version = f->version, .info = {.timestamp_ms = -1, .in_commit_ms = -1}};
	buf_reset(text);
	arena_reset(scratch);
	TRY(delta_log_read(store, f->key, text, scratch, &(struct delta_visitor){count_visit, v}, err));
	TRY(delta_info_copy(&v->info, &h->arena, err));
	v->timestamp_ms = delta_info_ms(&v->info, f->modified_ms);
	if (h->n > 0 && v->timestamp_ms < v[-1].timestamp_ms) v->timestamp_ms = v[-1].timestamp_ms;
	h->n++;
	return OK;
}

static status history_read(struct store *store, const char *root, const struct delta_log_list *l, size_t limit,
	struct delta_history *h, struct err *err)
{
	struct arena scratch;
	struct buf text;
	size_t n = 0, skip = 0;
	if (delta_log_range(l).latest < 0)
		return fail(err, E_NOT_FOUND, "no Delta table at %s", root[0] != '\0' ? root : ".");
	for (size_t i = 0; i < l->n; i++) n += l->files[i].kind == DELTA_LOG_COMMIT;
	if (limit > 0 && limit < n) skip = n - limit;
	h->versions = ARENA_NEW(&h->arena, struct delta_version, n - skip);
	if (h->versions == NULL) return fail_nomem(err);
	arena_init(&scratch, 0);
	buf_init(&text, 0);
	status code = OK;
	for (size_t i = 0; code == OK && i < l->n; i++) {
		if (l->files[i].kind != DELTA_LOG_COMMIT || (skip > 0 && skip-- > 0)) continue;
		code = version_read(store, &l->files[i], &text, &scratch, h, err);
		if (code == E_NOT_FOUND) code = OK; /* cleaned up meanwhile */
	}
	buf_deinit(&text);
	arena_deinit(&scratch);
	return code;
}

static status history_open(struct store *store, const char *root, size_t limit, struct arena *scratch,
	struct delta_history *h, struct err *err)
{
	struct delta_log_list l;
	TRY(delta_log_list(store, root, scratch, &l, err));
	return history_read(store, root, &l, limit, h, err);
}

status delta_history_read(
	struct store *store, const char *root, size_t limit, struct delta_history *out, struct err *err)
{
	struct delta_history h = {.n = 0};
	struct arena scratch;
	arena_init(&h.arena, 0);
	arena_init(&scratch, 0);
	const status code = history_open(store, root, limit, &scratch, &h, err);
	arena_deinit(&scratch);
	if (code == OK)
		*out = h;
	else
		delta_history_deinit(&h);
	return code;
}

void delta_history_deinit(struct delta_history *h)
{
	arena_deinit(&h->arena);
	h->versions = NULL;
	h->n = 0;
}

/* ---- a version by time --------------------------------------------------------------------------------------- */

static void time_text(int64_t ms, char dst[TIME_RFC3339_CHARS + 1])
{
	int64_t us;
	if (__builtin_mul_overflow(ms, 1000, &us)) us = ms < 0 ? INT64_MIN : INT64_MAX;
	time_format(us, dst);
	dst[TIME_RFC3339_CHARS] = '\0';
}

struct at_find {
	int64_t at_ms;
	int64_t version;         /* newest at or before at_ms; -1 = none yet */
	int64_t first, first_ms; /* oldest commit there is; first -1 = none */
	struct delta_log_range range;
};

/* The first commit later than at_ms ends the search: times never go backwards. */
static status at_search(struct store *store, const struct delta_log_list *l, struct at_find *f, struct err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		struct arena scratch;
		struct delta_commit_info info;
		if (l->files[i].kind != DELTA_LOG_COMMIT) continue;
		arena_init(&scratch, 0);
		const status code = delta_log_info(store, l->files[i].key, &scratch, &info, err);
		const int64_t ms = code == OK ? delta_info_ms(&info, l->files[i].modified_ms) : 0;
		arena_deinit(&scratch);
		if (code == E_NOT_FOUND) continue; /* cleaned up meanwhile */
		TRY(code);
		if (f->first < 0 || l->files[i].version == f->range.oldest) {
			f->first = l->files[i].version;
			f->first_ms = ms;
		}
		if (ms > f->at_ms) return OK;
		f->version = l->files[i].version;
	}
	return OK;
}

/* There is no version that was written by then. */
static status written_later(const struct at_find *f, const char *root, struct err *err)
{
	char at[TIME_RFC3339_CHARS + 1], first[TIME_RFC3339_CHARS + 1];
	time_text(f->at_ms, at);
	time_text(f->first_ms, first);
	if (f->first < 0)
		return fail(err, E_NOT_FOUND,
			"table %s keeps no commit that tells its time; versions %lld to %lld can be read", root,
			(long long)f->range.oldest, (long long)f->range.latest);
	const status code =
		f->range.oldest == 0
			? fail(err, E_NOT_FOUND, "table %s did not exist at %s: its version 0 was written at %s", root,
				  at, first)
			: fail(err, E_NOT_FOUND,
				  "the version of table %s at %s was cleaned up: the oldest that can be read is %lld, "
				  "of %s",
				  root, at, (long long)f->range.oldest, first);
	return err_advise(err, code, ADVICE_WRITTEN, NULL);
}

static status at_find(struct store *store, const char *root, struct arena *arena, struct at_find *f, struct err *err)
{
	struct delta_log_list l;
	TRY(delta_log_list(store, root, arena, &l, err));
	f->range = delta_log_range(&l);
	if (f->range.latest < 0) return fail(err, E_NOT_FOUND, "no Delta table at %s", root[0] != '\0' ? root : ".");
	return at_search(store, &l, f, err);
}

status delta_version_at(struct store *store, const char *root, int64_t at_ms, int64_t *version, struct err *err)
{
	struct arena arena;
	struct at_find f = {.at_ms = at_ms, .version = -1, .first = -1};
	arena_init(&arena, 0);
	const status code = at_find(store, root, &arena, &f, err);
	arena_deinit(&arena);
	TRY(code);
	if (f.version >= f.range.oldest) {
		*version = f.version;
		return OK;
	}
	return written_later(&f, root, err);
}

struct str delta_history_member(const struct delta_version *v, const char *quoted_name)
{
	const struct str text = v->info.text;
	const char *at = text.n > 0 ? memmem(text.p, text.n, quoted_name, strlen(quoted_name)) : NULL;
	if (at == NULL) return STR("");
	const char *from = at + strlen(quoted_name), *end = text.p + text.n;
	const char *to = memchr(from, '"', (size_t)(end - from));
	return to != NULL ? (struct str){from, (size_t)(to - from)} : STR("");
}
