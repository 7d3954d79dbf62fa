#include "flow/commit.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/task_json.h"

void run_key(char dst[RUN_KEY_MAX], int32_t date, const char *run_id, const char *name)
{
	char day[DATE_CHARS + 1] = "";
	date_format(date, day);
	const int n = snprintf(dst, RUN_KEY_MAX, "manifests/day=%.10s/run_id=%s/%s", day, run_id, name);
	ASSERT(n > 0 && n < RUN_KEY_MAX);
}

void commit_key(char dst[RUN_KEY_MAX], int32_t date, const char *run_id, const char *stage)
{
	char name[64];
	const int n = snprintf(name, sizeof name, "stages/%s.json", stage);
	ASSERT(n > 0 && (size_t)n < sizeof name);
	run_key(dst, date, run_id, name);
}

const char *commit_edge_name(char dst[RUN_KEY_MAX], const char *input, const char *output)
{
	(void)snprintf(dst, RUN_KEY_MAX, "lineage:%s>%s", input, output);
	return dst;
}

const char *commit_base(const struct commit *c)
{
	const int64_t known = counter_get(&c->counters, COMMIT_KNOWN);
	return known > 0 && (uint64_t)known <= c->n_history ? c->history[known - 1] : NULL;
}

void commit_json(struct buf *out, const struct commit *c)
{
	buf_str(out, "{\"counters\":");
	counter_list_json(out, &c->counters);
	buf_str(out, ",\"files\":");
	file_list_json(out, &c->files);
	for (size_t i = 0; i < c->n_history; i++) {
		buf_str(out, i == 0 ? ",\"history\":[" : ",");
		buf_json_str(out, str_of(c->history[i]));
	}
	buf_str(out, c->n_history > 0 ? "],\"run\":" : ",\"run\":");
	run_info_json(out, &c->run);
	buf_str(out, ",\"stage\":");
	buf_json_str(out, str_of(c->stage));
	buf_printf(out, ",\"tasks\":%lld,\"version\":", (long long)c->n_tasks);
	buf_json_str(out, str_of(c->version));
	buf_char(out, '}');
}

static status parse_history(const struct json_node *n, struct arena *arena, struct commit *c, struct err *err)
{
	if (n == NULL) return OK;
	const size_t count = json_node_n(n);
	if (json_node_kind(n) != JSON_DOC_ARRAY || count == 0) return fail(err, E_CORRUPT, "not a stage commit");
	const char **runs = ARENA_NEW(arena, const char *, count);
	for (size_t i = 0; i < count; i++) {
		struct str id;
		uint8_t unused[UUID_BYTES];
		if (!json_node_str(json_node_at(n, i), &id) || !uuid_parse(id, unused))
			return fail(err, E_CORRUPT, "not a stage commit");
		if (runs != NULL) runs[i] = arena_strndup(arena, id.p, id.n);
		if (runs == NULL || runs[i] == NULL) return fail_nomem(err);
	}
	c->history = runs;
	c->n_history = count;
	return OK;
}

static status parse(const struct json_node *root, struct arena *arena, struct commit *c, struct err *err)
{
	struct str stage, version;
	if (!json_node_str(json_node_get(root, "stage"), &stage) ||
		!json_node_str(json_node_get(root, "version"), &version) ||
		!json_node_i64(json_node_get(root, "tasks"), &c->n_tasks))
		return fail(err, E_CORRUPT, "not a stage commit");
	c->stage = arena_strndup(arena, stage.p, stage.n);
	c->version = arena_strndup(arena, version.p, version.n);
	if (c->stage == NULL || c->version == NULL) return fail_nomem(err);
	TRY(run_info_parse(json_node_get(root, "run"), arena, &c->run, err));
	TRY(counter_list_parse(json_node_get(root, "counters"), &c->counters, err));
	TRY(parse_history(json_node_get(root, "history"), arena, c, err));
	return file_list_parse(json_node_get(root, "files"), &c->files, err);
}

status commit_parse(struct str text, struct arena *arena, struct commit *out, struct err *err)
{
	struct json_doc *doc = NULL;
	struct commit c = {.files.arena = arena, .counters.arena = arena};
	TRY(json_doc_parse(text, &doc, err));
	const status code = parse(json_doc_root(doc), arena, &c, err);
	json_doc_destroy(doc);
	if (code == OK) *out = c;
	return code;
}

status commit_fail(const char *key, const char *how, struct err *err)
{
	return fail_at(err, E_VERIFY, key, -1, -1,
		"the stage's commit was %s after it was written; restore it from a copy, or start a new run "
		"with --run-id",
		how);
}

/* The text is the canonical form of what it says: what was cut, or edited by hand, seldom is. */
static status check_canonical(const char *key, const struct buf *text, const struct commit *c, struct err *err)
{
	struct buf again;
	buf_init(&again, 0);
	commit_json(&again, c);
	status code = buf_check(&again, err);
	if (code == OK && (again.n != text->n || memcmp(again.p, text->p, text->n) != 0))
		code = commit_fail(key, "changed", err);
	buf_deinit(&again);
	return code;
}

status commit_load(struct store *lake, const char *key, struct arena *arena, struct commit *out, struct err *err)
{
	struct buf text;
	struct commit c = {0};
	uint8_t hash[SHA256_BYTES];
	buf_init(&text, 0);
	status code = store_get(lake, key, &text, err);
	if (code == OK) {
		code = commit_parse((struct str){(const char *)text.p, text.n}, arena, &c, err);
		if (code != OK && code != E_NOMEM) code = commit_fail(key, "damaged", err);
		if (code == OK) code = check_canonical(key, &text, &c, err);
	}
	if (code == OK) {
		hash_sha256(text.p, text.n, hash);
		hex_encode(hash, sizeof hash, c.sha256);
		*out = c;
	}
	buf_deinit(&text);
	return code;
}

struct find {
	const char *run_id;
	int32_t date;
	bool found;
};

static status find_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct find *f = arg;
	const char *key = e->key;
	(void)err;
	const char *day = key + strlen("manifests/");
	char wanted[RUN_KEY_MAX];
	int32_t date;
	if (f->found || strncmp(day, "day=", 4) != 0 ||
		!date_parse((struct str){day + 4, strnlen(day + 4, DATE_CHARS)}, &date))
		return OK;
	run_key(wanted, date, f->run_id, "");
	if (strncmp(key, wanted, strlen(wanted)) != 0) return OK;
	f->date = date;
	f->found = true;
	return OK;
}

status commit_find(struct store *lake, const char *run_id, int32_t *date, struct err *err)
{
	struct find f = {.run_id = run_id};
	TRY(store_list(lake, "manifests", find_visit, &f, err));
	if (!f.found)
		return fail(err, E_NOT_FOUND, "run %s has committed nothing to the lake %s", run_id, store_uri(lake));
	*date = f.date;
	return OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file_ref *)a)->path, ((const struct file_ref *)b)->path);
}

void file_list_sort(struct file_list *l)
{
	if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, by_path);
}

static struct counter *counter_find(struct counter_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->items[i].name, name) == 0) return &l->items[i];
	}
	return NULL;
}

bool counter_list_merge(struct counter_list *a, const struct counter_list *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct counter *from = &b->items[i];
		struct counter *to = counter_find(a, from->name);
		if (to == NULL) {
			if (!counter_add(a, from->name, from->value)) return false;
		} else if (strncmp(from->name, "max_", 4) == 0) {
			if (from->value > to->value) to->value = from->value;
		} else if (strncmp(from->name, "min_", 4) == 0) {
			if (from->value < to->value) to->value = from->value;
		} else {
			to->value += from->value;
		}
	}
	return true;
}
