/* table/log/log.c: the names in a table's _delta_log, which of them form a checkpoint, and the lines of a commit file.
 *
 * A name that is none of the protocol's is listed as DELTA_LOG_OTHER and never an error: other writers keep their own files here. The list is
 * complete at the end of the log alone if the store's listing is; holes that a listing leaves are asked for by name. Must not know which action wins.
 */
#include "table/log/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/seal.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "table/log/log_int.h"

enum { VERSION_DIGITS = 20, PART_DIGITS = 10 };

/* ---- keys ---------------------------------------------------------------------------------------------------- */

status delta_key(char dst[DELTA_KEY_MAX], const char *root, struct str path, struct err *err)
{
	const size_t n = strlen(root), slash = n > 0;
	if (n + slash + path.n >= DELTA_KEY_MAX)
		return fail(err, E_LIMIT, "path of %zu bytes in table %s: at most %d", path.n, root, DELTA_KEY_MAX - 1);
	memcpy(dst, root, n);
	if (slash) dst[n] = '/';
	memcpy(dst + n + slash, path.p, path.n);
	dst[n + slash + path.n] = '\0';
	return OK;
}

status delta_commit_key(char dst[DELTA_KEY_MAX], const char *root, int64_t version, struct err *err)
{
	char name[64];
	const int n = snprintf(name, sizeof name, "_delta_log/%020lld.json", (long long)version);
	return delta_key(dst, root, (struct str){name, (size_t)n}, err);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

/* Exactly n digits at *p as a number, *p moved behind them. */
static bool take_digits(const char **p, int n, int64_t *out)
{
	int64_t v = 0;
	for (int i = 0; i < n; i++) {
		const int digit = (*p)[i] - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*p += n;
	*out = v;
	return true;
}

/* <uuid>.parquet or <uuid>.json; any letters, digits and '-' count as one. */
static bool v2_name(const char *rest)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	const size_t n = strspn(rest, plain);
	return n > 0 && (strcmp(rest + n, ".parquet") == 0 || strcmp(rest + n, ".json") == 0);
}

/* "Checkpoint Naming Scheme"; rest is what follows "<version>.checkpoint.". */
static void checkpoint_name(const char *rest, struct delta_log_file *f)
{
	int64_t part, parts;
	const char *p = rest;
	if (strcmp(rest, "parquet") == 0) {
		f->kind = DELTA_LOG_CHECKPOINT;
	} else if (take_digits(&p, PART_DIGITS, &part) && *p++ == '.' && take_digits(&p, PART_DIGITS, &parts) &&
		   strcmp(p, ".parquet") == 0) {
		if (part < 1 || part > parts || parts > INT32_MAX) return;
		f->kind = DELTA_LOG_PART;
		f->part = (int32_t)part;
		f->parts = (int32_t)parts;
	} else if (v2_name(rest)) {
		f->kind = DELTA_LOG_V2;
	}
}

static void name_parse(const char *name, struct delta_log_file *f)
{
	const char *p = name;
	int64_t version;
	if (!take_digits(&p, VERSION_DIGITS, &version) || *p != '.') return;
	f->version = version;
	if (strcmp(p, ".json") == 0)
		f->kind = DELTA_LOG_COMMIT;
	else if (strncmp(p, ".checkpoint.", 12) == 0)
		checkpoint_name(p + 12, f);
}

/* ---- listing ----------------------------------------------------------------------------------------------- */

struct listing {
	struct arena *arena;
	struct delta_log_file *items; /* in arena */
	size_t n, cap;
	const char *folder; /* "<root>/_delta_log" */
	size_t prefix;      /* bytes of it, and a slash */
};

static status list_add(struct listing *l, struct delta_log_file f, const char *key, struct err *err)
{
	f.key = arena_strndup(l->arena, key, strlen(key));
	if (f.key == NULL || !VEC_ROOM_IN(l->arena, l, 1)) return fail_nomem(err);
	l->items[l->n++] = f;
	return OK;
}

static status list_entry(void *arg, const struct store_entry *e, struct err *err)
{
	struct listing *l = arg;
	struct delta_log_file f = {
		.kind = DELTA_LOG_OTHER, .version = -1, .bytes = e->bytes, .modified_ms = e->modified_us / 1000};
	const char *name = e->key + l->prefix;
	const char *slash = strchr(name, '/');
	if (slash == NULL)
		name_parse(name, &f);
	else if (strncmp(name, "_sidecars/", 10) == 0 && strchr(slash + 1, '/') == NULL)
		f.kind = DELTA_LOG_SIDECAR;
	else
		return OK;
	return list_add(l, f, e->key, err);
}

static status list_name(void *arg, const char *name, bool is_folder, struct err *err)
{
	struct listing *l = arg;
	char key[DELTA_KEY_MAX];
	struct delta_log_file f = {.kind = DELTA_LOG_OTHER, .version = -1, .bytes = -1, .modified_ms = -1};
	if (is_folder) return OK;
	TRY(delta_key(key, l->folder, str_of(name), err));
	name_parse(name, &f);
	return list_add(l, f, key, err);
}

static int file_cmp(const void *a, const void *b)
{
	const struct delta_log_file *x = a, *y = b;
	if (x->version != y->version) return x->version < y->version ? -1 : 1;
	if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
	if (x->parts != y->parts) return x->parts < y->parts ? -1 : 1;
	if (x->part != y->part) return x->part < y->part ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* The commits between two that the listing has. A folder that is read piece by piece while commits are made may show one and not
 * the one before it: its name was put where the reading had passed. The first that is not there ends the search. */
static status add_missed(struct store *store, const char *root, struct listing *l, int64_t before,
	const struct delta_log_file *next, struct err *err)
{
	char key[DELTA_KEY_MAX];
	for (int64_t v = before + 1; v < next->version; v++) {
		struct err absent;
		struct delta_log_file f = {.kind = DELTA_LOG_COMMIT, .version = v, .modified_ms = next->modified_ms};
		err_clear(&absent);
		TRY(delta_commit_key(key, root, v, err));
		const status code = store_size(store, key, &f.bytes, &absent);
		if (code == E_NOT_FOUND) return OK;
		if (code != OK && err != NULL) *err = absent;
		TRY(code);
		TRY(list_add(l, f, key, err));
	}
	return OK;
}

static void sort(struct listing *l)
{
	if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, file_cmp);
}

static status sort_and_complete(struct store *store, const char *root, struct listing *l, struct err *err)
{
	const size_t n = l->n;
	int64_t before = INT64_MAX;
	sort(l);
	for (size_t i = 0; i < n; i++) {
		const struct delta_log_file f = l->items[i];
		if (f.kind != DELTA_LOG_COMMIT) continue;
		if (before < f.version - 1) TRY(add_missed(store, root, l, before, &f, err));
		before = f.version;
	}
	if (l->n > n) sort(l);
	return OK;
}

status delta_log_list(
	struct store *store, const char *root, struct arena *arena, struct delta_log_list *out, struct err *err)
{
	char folder[DELTA_KEY_MAX];
	TRY(delta_key(folder, root, STR("_delta_log"), err));
	struct listing l = {.arena = arena, .folder = folder, .prefix = strlen(folder) + 1};
	TRY(store_list(store, folder, list_entry, &l, err));
	TRY(sort_and_complete(store, root, &l, err));
	*out = (struct delta_log_list){l.items, l.n};
	return OK;
}

status delta_log_list_names(
	struct store *store, const char *root, struct arena *arena, struct delta_log_list *out, struct err *err)
{
	char folder[DELTA_KEY_MAX];
	TRY(delta_key(folder, root, STR("_delta_log"), err));
	struct listing l = {.arena = arena, .folder = folder, .prefix = strlen(folder) + 1};
	TRY(store_list_names(store, folder, list_name, &l, err));
	TRY(sort_and_complete(store, root, &l, err));
	*out = (struct delta_log_list){l.items, l.n};
	return OK;
}

/* Is files[i] the first of a complete checkpoint? Its number of files, or 0. */
static size_t checkpoint_files(const struct delta_log_list *l, size_t i)
{
	const struct delta_log_file *f = &l->files[i];
	if (f->kind == DELTA_LOG_CHECKPOINT || f->kind == DELTA_LOG_V2) return 1;
	if (f->kind != DELTA_LOG_PART || f->part != 1 || l->n - i < (size_t)f->parts) return 0;
	for (int32_t part = 2; part <= f->parts; part++) {
		const struct delta_log_file *g = &f[part - 1];
		if (g->kind != DELTA_LOG_PART || g->version != f->version || g->parts != f->parts || g->part != part)
			return 0;
	}
	return (size_t)f->parts;
}

struct delta_checkpoint_at delta_log_checkpoint(const struct delta_log_list *l, int64_t version, int64_t skip)
{
	struct delta_checkpoint_at best = {.version = -1};
	for (size_t i = l->n; i-- > 0 && (best.n == 0 || l->files[i].version == best.version);) {
		const struct delta_log_file *f = &l->files[i];
		if (f->version < 0 || f->version > version || f->version >= skip) continue;
		const size_t n = checkpoint_files(l, i);
		/* On to lower kinds of that version: classic before parts before v2. */
		if (n > 0) best = (struct delta_checkpoint_at){f->version, f, n};
	}
	return best;
}

struct delta_log_range delta_log_range(const struct delta_log_list *l)
{
	struct delta_log_range r = {0, delta_log_checkpoint(l, INT64_MAX, INT64_MAX).version};
	bool has_first = false;
	for (size_t i = 0; i < l->n; i++) {
		if (l->files[i].kind != DELTA_LOG_COMMIT) continue;
		has_first = has_first || l->files[i].version == 0;
		if (l->files[i].version > r.latest) r.latest = l->files[i].version;
	}
	if (has_first) return r;
	for (struct delta_checkpoint_at c = {.version = INT64_MAX};
		;) { /* down to the oldest checkpoint; 0 where there is none */
		c = delta_log_checkpoint(l, INT64_MAX, c.version);
		if (c.n == 0) return r;
		r.oldest = c.version;
	}
}

const struct delta_log_file *delta_log_commit(const struct delta_log_list *l, int64_t version)
{
	size_t low = 0, high = l->n;
	while (low < high) { /* the first of that version: commits sort before their checkpoints */
		const size_t middle = low + (high - low) / 2;
		if (l->files[middle].version < version)
			low = middle + 1;
		else
			high = middle;
	}
	const bool found = low < l->n && l->files[low].version == version && l->files[low].kind == DELTA_LOG_COMMIT;
	return found ? &l->files[low] : NULL;
}

/* ---- commit files ------------------------------------------------------------------------------------------ */

status delta_log_lines(
	struct str text, const char *key, struct arena *arena, const struct delta_visitor *v, struct err *err)
{
	const char *p = text.p, *end = text.p + text.n;
	for (int64_t line = 1; p < end; line++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline != NULL ? newline : end;
		struct str one = {p, (size_t)(stop - p)};
		struct delta_action a;
		p = stop + 1;
		if (one.n > 0 && one.p[one.n - 1] == '\r') one.n--;
		if (one.n == 0) continue;
		status code = delta_action_parse(one, arena, &a, err);
		if (code == OK) code = v->visit(v->arg, &a, err);
		if (code != OK) return err_at(err, code, key, -1, line);
	}
	return OK;
}

bool delta_log_seal_holds(uint8_t *p, size_t n)
{
	const uint8_t *found = n > 0 ? memmem(p, n, LOG_SEAL, sizeof LOG_SEAL - 1) : NULL;
	if (found == NULL) return n == 0 || memmem(p, n, LOG_ENGINE, sizeof LOG_ENGINE - 1) == NULL;
	return seal_holds(p, n, (size_t)(found - p) + sizeof LOG_SEAL - 1);
}

status delta_log_read(struct store *store, const char *key, struct buf *text, struct arena *arena,
	const struct delta_visitor *v, struct err *err)
{
	const size_t from = text->n;
	TRY(store_get(store, key, text, err));
	uint8_t *padding = buf_reserve(text, JSON_SCAN_PADDING);
	if (padding == NULL) return err_at(err, buf_check(text, err), key, -1, -1);
	memset(padding, 0, JSON_SCAN_PADDING);
	return delta_log_lines((struct str){(const char *)text->p + from, text->n - from}, key, arena, v, err);
}

struct info_find {
	struct delta_commit_info *out;
	bool found;
};

static status info_visit(void *arg, const struct delta_action *a, struct err *err)
{
	struct info_find *f = arg;
	(void)err;
	if (a->kind != DELTA_COMMIT_INFO) return OK;
	*f->out = a->info;
	f->found = true;
	return OK;
}

/* The first line when it is a commitInfo, as our commits and Spark's have it: one small read of a file that may be large. */
static status info_head(
	struct store *store, const char *key, struct arena *arena, struct info_find *find, struct err *err)
{
	enum { HEAD = 16 * 1024 };
	struct store_object *o = NULL;
	struct delta_action a;
	TRY(store_object_open(store, key, &o, err));
	const size_t n = store_object_size(o) < HEAD ? (size_t)store_object_size(o) : HEAD;
	char *head = arena_zalloc(arena, HEAD + JSON_SCAN_PADDING, 1);
	status code = head == NULL ? fail_nomem(err) : store_object_read_at(o, 0, head, n, err);
	store_object_close(o);
	TRY(code);
	const char *newline = memchr(head, '\n', n);
	if (newline == NULL || strncmp(head, "{\"commitInfo\":", 14) != 0) return OK;
	TRY(err_at(err, delta_action_parse((struct str){head, (size_t)(newline - head)}, arena, &a, err), key, -1, 1));
	return info_visit(find, &a, err);
}

status delta_log_info(
	struct store *store, const char *key, struct arena *arena, struct delta_commit_info *out, struct err *err)
{
	struct info_find find = {.out = out};
	*out = (struct delta_commit_info){.timestamp_ms = -1, .in_commit_ms = -1};
	TRY(info_head(store, key, arena, &find, err));
	if (find.found) return OK;
	struct buf text;
	buf_init(&text, 0);
	status code = delta_log_read(store, key, &text, arena, &(struct delta_visitor){info_visit, &find}, err);
	if (code == OK && find.found) code = delta_info_copy(out, arena, err);
	buf_deinit(&text);
	return code;
}

static bool copy_str(struct str *s, struct arena *arena)
{
	if (s->n == 0) return true;
	s->p = arena_strndup(arena, s->p, s->n);
	return s->p != NULL;
}

status delta_info_copy(struct delta_commit_info *info, struct arena *arena, struct err *err)
{
	const bool ok = copy_str(&info->operation, arena) && copy_str(&info->engine, arena) &&
			copy_str(&info->txn_id, arena) && copy_str(&info->text, arena);
	return ok ? OK : fail_nomem(err);
}

int64_t delta_info_ms(const struct delta_commit_info *info, int64_t modified_ms)
{
	if (info->in_commit_ms >= 0) return info->in_commit_ms;
	return info->timestamp_ms >= 0 ? info->timestamp_ms : modified_ms;
}
