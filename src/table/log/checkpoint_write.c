/* table/log/checkpoint_write.c: a snapshot as one Parquet file, and the hint that names it.
 *
 * Columns are built one at a time from the snapshot's actions, in their order, so that the bytes depend on it alone. The checkpoint is durable
 * before the hint names it, and the hint never goes back.
 */
#include <inttypes.h>
#include <stdio.h>

#include "io/json/json_doc.h"
#include "parquet/nested.h"
#include "table/log/checkpoint_int.h"

/* ---- the schema: "Checkpoint Schema", every member optional as Spark has it, so that any reader finds its own --------- */

#define GROUP(name, n)                                            \
	{                                                         \
		name, PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, n, 0 \
	}
#define LEAF(name, type)                                             \
	{                                                            \
		name, PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, type \
	}
#define MAP(name)                                                                                                      \
	{name, PARQUET_OPTIONAL, PARQUET_GROUP_MAP, 1, 0}, {"key_value", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 2, 0}, \
		{"key", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_STRING},                                         \
	{                                                                                                              \
		"value", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_STRING                                          \
	}
#define LIST(name)                                                                                                 \
	{name, PARQUET_OPTIONAL, PARQUET_GROUP_LIST, 1, 0}, {"list", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 1, 0}, \
	{                                                                                                          \
		"element", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_STRING                                    \
	}

static const struct parquet_node NODES[] = {
	{"checkpoint", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 6, 0},
	GROUP("txn", 3),
	LEAF("appId", COL_STRING),
	LEAF("version", COL_INT64),
	LEAF("lastUpdated", COL_INT64),
	GROUP("add", 7),
	LEAF("path", COL_STRING),
	MAP("partitionValues"),
	LEAF("size", COL_INT64),
	LEAF("modificationTime", COL_INT64),
	LEAF("dataChange", COL_BOOL),
	LEAF("stats", COL_STRING),
	MAP("tags"),
	GROUP("remove", 6),
	LEAF("path", COL_STRING),
	LEAF("deletionTimestamp", COL_INT64),
	LEAF("dataChange", COL_BOOL),
	LEAF("extendedFileMetadata", COL_BOOL),
	MAP("partitionValues"),
	LEAF("size", COL_INT64),
	GROUP("metaData", 8),
	LEAF("id", COL_STRING),
	LEAF("name", COL_STRING),
	LEAF("description", COL_STRING),
	GROUP("format", 2),
	LEAF("provider", COL_STRING),
	MAP("options"),
	LEAF("schemaString", COL_STRING),
	LIST("partitionColumns"),
	MAP("configuration"),
	LEAF("createdTime", COL_INT64),
	GROUP("protocol", 4),
	LEAF("minReaderVersion", COL_INT32),
	LEAF("minWriterVersion", COL_INT32),
	LIST("readerFeatures"),
	LIST("writerFeatures"),
	GROUP("domainMetadata", 3),
	LEAF("domain", COL_STRING),
	LEAF("configuration", COL_STRING),
	LEAF("removed", COL_BOOL),
};

/* The leaves of NODES, in its order. A map's value follows its key. */
enum leaf {
	TXN_APP,
	TXN_VERSION,
	TXN_UPDATED,
	ADD_PATH,
	ADD_PARTITION,
	ADD_PARTITION_VALUE,
	ADD_SIZE,
	ADD_MODIFIED,
	ADD_CHANGE,
	ADD_STATS,
	ADD_TAGS,
	ADD_TAGS_VALUE,
	REMOVE_PATH,
	REMOVE_DELETED,
	REMOVE_CHANGE,
	REMOVE_EXTENDED,
	REMOVE_PARTITION,
	REMOVE_PARTITION_VALUE,
	REMOVE_SIZE,
	METADATA_ID,
	METADATA_NAME,
	METADATA_DESCRIPTION,
	FORMAT_PROVIDER,
	FORMAT_OPTIONS,
	FORMAT_OPTIONS_VALUE,
	METADATA_SCHEMA,
	METADATA_PARTITION,
	METADATA_CONFIGURATION,
	METADATA_CONFIGURATION_VALUE,
	METADATA_CREATED,
	PROTOCOL_READER,
	PROTOCOL_WRITER,
	PROTOCOL_READER_FEATURES,
	PROTOCOL_WRITER_FEATURES,
	DOMAIN_NAME,
	DOMAIN_CONFIGURATION,
	DOMAIN_REMOVED,
	N_LEAVES
};
enum { N_NODES = sizeof NODES / sizeof NODES[0], DEPTH_MAX = 8 };

/* ---- columns ---------------------------------------------------------------------------------------------- */

struct column_out {
	enum col_type type;
	uint8_t max_def, max_rep;
	struct buf values;  /* or the bytes of strings */
	struct buf offsets; /* int32; strings */
	struct buf def, rep;
	int64_t n_values;
};
struct columns_out {
	struct column_out leaves[N_LEAVES];
	struct buf path; /* scratch: an encoded path */
};

/* Offsets are int32. */
enum { COLUMN_BYTES_MAX = INT32_MAX };

static void columns_init(struct columns_out *c)
{
	uint32_t left[DEPTH_MAX] = {0};
	uint8_t def[DEPTH_MAX] = {0}, rep[DEPTH_MAX] = {0};
	int depth = 0;
	size_t k = 0;
	for (size_t i = 0; i < N_NODES; i++) {
		const struct parquet_node *node = &NODES[i];
		while (depth > 0 && left[depth] == 0) depth--;
		if (i > 0) left[depth]--;
		const uint8_t d = (uint8_t)(def[depth] + (node->repetition != PARQUET_REQUIRED));
		const uint8_t r = (uint8_t)(rep[depth] + (node->repetition == PARQUET_REPEATED));
		if (node->n_children > 0) {
			depth = i == 0 ? 0 : depth + 1;
			left[depth] = node->n_children;
			def[depth] = d;
			rep[depth] = r;
			continue;
		}
		struct column_out *leaf = &c->leaves[k++];
		*leaf = (struct column_out){.type = node->type, .max_def = d, .max_rep = r};
		buf_init(&leaf->values, COLUMN_BYTES_MAX);
		buf_init(&leaf->offsets, 0);
		buf_init(&leaf->def, 0);
		buf_init(&leaf->rep, 0);
		if (node->type == COL_STRING) buf_add(&leaf->offsets, &(int32_t){0}, sizeof(int32_t));
	}
	ASSERT(k == N_LEAVES);
	buf_init(&c->path, 0);
}

static void columns_deinit(struct columns_out *c)
{
	for (int i = 0; i < N_LEAVES; i++) {
		buf_deinit(&c->leaves[i].values);
		buf_deinit(&c->leaves[i].offsets);
		buf_deinit(&c->leaves[i].def);
		buf_deinit(&c->leaves[i].rep);
	}
	buf_deinit(&c->path);
}

static void put_level(struct column_out *c, unsigned def, unsigned rep)
{
	buf_char(&c->def, (char)def);
	if (c->max_rep > 0) buf_char(&c->rep, (char)rep);
}

/* n rows without the action that leaves [first, last] belong to. */
static void put_absent(struct columns_out *c, enum leaf first, enum leaf last, size_t n)
{
	for (int i = (int)first; i <= (int)last; i++) {
		struct buf *levels[] = {&c->leaves[i].def, c->leaves[i].max_rep > 0 ? &c->leaves[i].rep : NULL};
		for (int k = 0; k < 2 && levels[k] != NULL; k++) {
			uint8_t *dst = buf_reserve(levels[k], n);
			if (dst == NULL) continue;
			memset(dst, 0, n);
			buf_commit(levels[k], n);
		}
	}
}

static void put_string(struct column_out *c, struct str s)
{
	buf_add(&c->values, s.p, s.n);
	const int32_t end = (int32_t)c->values.n;
	buf_add(&c->offsets, &end, sizeof end);
	c->n_values++;
}

static void put_text(struct columns_out *c, enum leaf leaf, struct str s)
{
	struct column_out *out = &c->leaves[leaf];
	put_level(out, out->max_def, 0);
	put_string(out, s);
}

/* A member that is null where it is empty. */
static void put_optional(struct columns_out *c, enum leaf leaf, struct str s)
{
	if (s.n > 0)
		put_text(c, leaf, s);
	else
		put_level(&c->leaves[leaf], c->leaves[leaf].max_def - 1u, 0);
}

static void put_path(struct columns_out *c, enum leaf leaf, struct str path)
{
	buf_reset(&c->path);
	path_url_encode(&c->path, path);
	put_text(c, leaf, (struct str){(const char *)c->path.p, c->path.n});
}

static void put_i64(struct columns_out *c, enum leaf leaf, int64_t v)
{
	struct column_out *out = &c->leaves[leaf];
	put_level(out, out->max_def, 0);
	if (out->type == COL_INT32)
		buf_add(&out->values, &(int32_t){(int32_t)v}, sizeof(int32_t));
	else
		buf_add(&out->values, &v, sizeof v);
	out->n_values++;
}

/* -1: null */
static void put_optional_i64(struct columns_out *c, enum leaf leaf, int64_t v)
{
	if (v != -1)
		put_i64(c, leaf, v);
	else
		put_level(&c->leaves[leaf], c->leaves[leaf].max_def - 1u, 0);
}

static void put_bool(struct columns_out *c, enum leaf leaf, bool v)
{
	struct column_out *out = &c->leaves[leaf];
	put_level(out, out->max_def, 0);
	if ((out->n_values & 7) == 0) buf_char(&out->values, 0);
	if (v && !out->values.failed) bit_set(out->values.p, out->n_values);
	out->n_values++;
}

/* Leaves `key` and the next. Levels of a key at depth d: d - 2 the map is null, d - 1 it is empty, d an entry. null_empty: a map
 * without entries is null. */
static void put_map(struct columns_out *c, enum leaf key, const struct delta_pairs *map, bool null_empty)
{
	struct column_out *k = &c->leaves[key], *v = &c->leaves[key + 1];
	if (map->n == 0) {
		const unsigned def = k->max_def - (null_empty ? 2u : 1u);
		put_level(k, def, 0);
		put_level(v, def, 0);
	}
	for (size_t i = 0; i < map->n; i++) {
		const struct delta_pair *p = &map->items[i];
		put_level(k, k->max_def, i > 0);
		put_string(k, p->key);
		put_level(v, v->max_def - (p->value.p == NULL ? 1u : 0u), i > 0);
		if (p->value.p != NULL) put_string(v, p->value);
	}
}

/* Levels of an element, optional itself: d - 3 the list is null, d - 2 it is empty, d an element. */
static void put_list(struct columns_out *c, enum leaf leaf, const struct delta_strings *list, bool null)
{
	struct column_out *out = &c->leaves[leaf];
	if (null || list->n == 0) {
		put_level(out, out->max_def - (null ? 3u : 2u), 0);
		return;
	}
	for (size_t i = 0; i < list->n; i++) {
		put_level(out, out->max_def, i > 0);
		put_string(out, list->items[i]);
	}
}

/* ---- rows: protocol, metaData, txn, domainMetadata, add, remove --------------------------------------------- */

static void put_protocol(struct columns_out *c, const struct delta_protocol *p)
{
	put_i64(c, PROTOCOL_READER, p->min_reader);
	put_i64(c, PROTOCOL_WRITER, p->min_writer);
	put_list(c, PROTOCOL_READER_FEATURES, &p->reader_features, p->min_reader < 3);
	put_list(c, PROTOCOL_WRITER_FEATURES, &p->writer_features, p->min_writer < 7);
}

static void put_metadata(struct columns_out *c, const struct delta_metadata *m)
{
	put_text(c, METADATA_ID, m->id);
	put_optional(c, METADATA_NAME, m->name);
	put_optional(c, METADATA_DESCRIPTION, m->description);
	put_text(c, FORMAT_PROVIDER, STR("parquet"));
	put_map(c, FORMAT_OPTIONS, &(struct delta_pairs){0}, false);
	put_text(c, METADATA_SCHEMA, m->schema);
	put_list(c, METADATA_PARTITION, &m->partition_columns, false);
	put_map(c, METADATA_CONFIGURATION, &m->configuration, false);
	put_optional_i64(c, METADATA_CREATED, m->created_ms);
}

static void put_app_txn(struct columns_out *c, const struct delta_app_txn *t)
{
	put_text(c, TXN_APP, t->app_id);
	put_i64(c, TXN_VERSION, t->version);
	put_optional_i64(c, TXN_UPDATED, t->updated_ms);
}

static void put_domain(struct columns_out *c, const struct delta_domain *d)
{
	put_text(c, DOMAIN_NAME, d->domain);
	put_text(c, DOMAIN_CONFIGURATION, d->configuration);
	put_bool(c, DOMAIN_REMOVED, d->removed);
}

static void put_add(struct columns_out *c, const struct delta_add *a)
{
	put_path(c, ADD_PATH, a->path);
	put_map(c, ADD_PARTITION, &a->partition, false);
	put_i64(c, ADD_SIZE, a->size);
	put_i64(c, ADD_MODIFIED, a->modified_ms);
	put_bool(c, ADD_CHANGE, a->data_change);
	put_optional(c, ADD_STATS, a->stats);
	put_map(c, ADD_TAGS, &a->tags, true);
}

static void put_remove(struct columns_out *c, const struct delta_remove *a)
{
	put_path(c, REMOVE_PATH, a->path);
	put_i64(c, REMOVE_DELETED, a->deleted_ms);
	put_bool(c, REMOVE_CHANGE, a->data_change);
	put_bool(c, REMOVE_EXTENDED, a->extended);
	put_map(c, REMOVE_PARTITION, &a->partition, !a->extended);
	put_optional_i64(c, REMOVE_SIZE, a->size);
}

/* "Add File and Remove File": a tombstone expires when the current time exceeds the threshold added to its timestamp. */
static bool tombstone_lives(const struct delta_remove *r, int64_t now_ms, int64_t retention_ms)
{
	return r->deleted_ms > 0 && (now_ms < INT64_MIN + retention_ms || r->deleted_ms >= now_ms - retention_ms);
}

static size_t put_removes(struct columns_out *c, const struct delta_snapshot *s, int64_t now_ms)
{
	enum { WEEK_MS = 7 * 86400 * 1000 };
	const int64_t retention_ms = delta_snapshot_interval(s, "delta.deletedFileRetentionDuration", WEEK_MS);
	size_t n = 0;
	for (size_t i = 0; i < s->n_tombstones; i++) {
		if (!tombstone_lives(&s->tombstones[i], now_ms, retention_ms)) continue;
		put_remove(c, &s->tombstones[i]);
		n++;
	}
	return n;
}

/* All rows; returns how many. Leaves of an action are absent in the rows before and after its own. */
static size_t put_rows(struct columns_out *c, const struct delta_snapshot *s, int64_t now_ms)
{
	const size_t txns = 2, domains = txns + s->n_app_txns, adds = domains + s->n_domains;
	const size_t removes = adds + s->n_files;
	put_absent(c, METADATA_ID, METADATA_CREATED, 1);
	put_absent(c, TXN_APP, TXN_UPDATED, txns);
	put_absent(c, DOMAIN_NAME, DOMAIN_REMOVED, domains);
	put_absent(c, ADD_PATH, ADD_TAGS_VALUE, adds);
	put_absent(c, REMOVE_PATH, REMOVE_SIZE, removes);
	put_protocol(c, &s->protocol);
	put_metadata(c, &s->metadata);
	for (size_t i = 0; i < s->n_app_txns; i++) put_app_txn(c, &s->app_txns[i]);
	for (size_t i = 0; i < s->n_domains; i++) put_domain(c, &s->domains[i]);
	for (size_t i = 0; i < s->n_files; i++) put_add(c, &s->files[i]);
	const size_t rows = removes + put_removes(c, s, now_ms);
	put_absent(c, PROTOCOL_READER, PROTOCOL_WRITER_FEATURES, rows - 1);
	put_absent(c, METADATA_ID, METADATA_CREATED, rows - 2);
	put_absent(c, TXN_APP, TXN_UPDATED, rows - domains);
	put_absent(c, DOMAIN_NAME, DOMAIN_REMOVED, rows - adds);
	put_absent(c, ADD_PATH, ADD_TAGS_VALUE, rows - removes);
	return rows;
}

/* ---- the file --------------------------------------------------------------------------------------------- */

/* Features whose state is in protocol, metaData and domainMetadata. Others add members to add and remove (baseRowId,
 * clusteringProvider, deletionVector) that a snapshot does not keep: a checkpoint without them would lose them. */
static bool feature_kept(struct str name)
{
	static const char *const kept[] = {"appendOnly", "invariants", "checkConstraints", "changeDataFeed",
		"generatedColumns", "allowColumnDefaults", "identityColumns", "timestampNtz", "domainMetadata",
		"v2Checkpoint", "vacuumProtocolCheck", "inCommitTimestamp", "icebergCompatV1", "icebergCompatV2"};
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		if (str_is(name, kept[i])) return true;
	}
	return false;
}

static status check_writable(const struct delta_snapshot *s, struct err *err)
{
	if (s->protocol.min_writer > 7)
		return fail(err, E_UNSUPPORTED, "unsupported: checkpoint of a table of writer version %" PRId32,
			s->protocol.min_writer);
	for (size_t i = 0; i < s->protocol.writer_features.n; i++) {
		const struct str name = s->protocol.writer_features.items[i];
		if (!feature_kept(name))
			return fail(err, E_UNSUPPORTED, "unsupported: checkpoint of a table with the feature %.*s",
				(int)(name.n < 100 ? name.n : 100), name.p);
	}
	bool dv = false;
	for (size_t i = 0; i < s->n_files; i++) dv |= s->files[i].dv.unique_id.n > 0;
	for (size_t i = 0; i < s->n_tombstones; i++) dv |= s->tombstones[i].dv.unique_id.n > 0;
	if (dv) return fail(err, E_UNSUPPORTED, "unsupported: checkpoint of a table with deletion vectors");
	return OK;
}

static status columns_levels(const struct columns_out *c, struct parquet_levels *out, struct err *err)
{
	for (int i = 0; i < N_LEAVES; i++) {
		const struct column_out *leaf = &c->leaves[i];
		TRY(buf_check(&leaf->values, err));
		TRY(buf_check(&leaf->offsets, err));
		TRY(buf_check(&leaf->def, err));
		TRY(buf_check(&leaf->rep, err));
		out[i] = (struct parquet_levels){
			.values = {.type = leaf->type, .n = leaf->n_values, .values = leaf->values.p},
			.n = (int64_t)leaf->def.n,
			.def = leaf->def.p,
			.rep = leaf->max_rep > 0 ? leaf->rep.p : NULL,
			.max_def = leaf->max_def,
			.max_rep = leaf->max_rep,
		};
		if (leaf->type != COL_STRING) continue;
		out[i].values.values = NULL;
		out[i].values.offsets = (const void *)leaf->offsets.p;
		out[i].values.data = leaf->values.p;
	}
	return buf_check(&c->path, err);
}

static status encode(const struct delta_snapshot *s, int64_t now_ms, struct buf *out, size_t *rows, struct err *err)
{
	struct columns_out c;
	struct parquet_levels leaves[N_LEAVES];
	columns_init(&c);
	*rows = put_rows(&c, s, now_ms);
	status code = columns_levels(&c, leaves, err);
	if (code == OK) {
		const struct parquet_nested f = {NODES, N_NODES, leaves, N_LEAVES, (int64_t)*rows, true};
		const struct parquet_opts opts = {.codec = PARQUET_SNAPPY};
		code = parquet_nested_write(&f, &opts, out, err);
	}
	columns_deinit(&c);
	return code;
}

/* Somebody else wrote it: how many rows it has, for the hint. */
/* Of the checkpoint that somebody else has written: what it holds. */
static status count_rows(struct store *store, const char *key, struct checkpoint_hint *h, struct err *err)
{
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	TRY(store_object_open(store, key, &object, err));
	h->bytes = store_object_size(object);
	const status code = parquet_reader_open(object, &r, err);
	if (code == OK) h->actions = parquet_reader_rows(r);
	parquet_reader_close(r);
	store_object_close(object);
	return code;
}

static status put_checkpoint(const struct delta_snapshot *s, const char *key, int64_t now_ms, struct buf *file,
	struct checkpoint_hint *h, struct err *err)
{
	size_t rows = 0;
	TRY(err_at(err, encode(s, now_ms, file, &rows, err), key, -1, -1));
	h->actions = (int64_t)rows;
	h->bytes = (int64_t)file->n;
	return store_commit(s->store, key, file->p, file->n, err);
}

status delta_checkpoint_write(const struct delta_snapshot *s, int64_t now_ms, struct err *err)
{
	char name[64], key[DELTA_KEY_MAX];
	(void)snprintf(name, sizeof name, "_delta_log/%020" PRId64 ".checkpoint.parquet", s->version);
	TRY(delta_key(key, s->root, str_of(name), err));
	TRY(err_at(err, check_writable(s, err), s->root, -1, -1));
	struct buf file;
	struct checkpoint_hint h = {.version = s->version, .adds = (int64_t)s->n_files};
	buf_init(&file, 0);
	status code = put_checkpoint(s, key, now_ms, &file, &h, err);
	buf_deinit(&file);
	if (code == E_EXISTS) code = count_rows(s->store, key, &h, err);
	return code == OK ? checkpoint_hint_write(s->store, s->root, &h, err) : code;
}

/* ---- _last_checkpoint --------------------------------------------------------------------------------------- */

static status hint_key(const char *root, char dst[DELTA_KEY_MAX], struct err *err)
{
	return delta_key(dst, root, STR("_delta_log/_last_checkpoint"), err);
}

status checkpoint_hint_version(struct store *store, const char *root, int64_t *version, struct err *err)
{
	enum { HINT_BYTES_MAX = 16 << 20 }; /* Spark embeds the schema of the checkpoint, and of v2 its actions */
	char key[DELTA_KEY_MAX];
	TRY(hint_key(root, key, err));
	struct buf text;
	struct json_doc *doc = NULL;
	struct err ignored;
	*version = -1;
	buf_init(&text, HINT_BYTES_MAX);
	status code = store_get(store, key, &text, err);
	if (code == OK && json_doc_parse((struct str){(const char *)text.p, text.n}, &doc, &ignored) == OK) {
		int64_t v;
		if (json_node_i64(json_node_get(json_doc_root(doc), "version"), &v) && v >= 0) *version = v;
	}
	json_doc_destroy(doc);
	buf_deinit(&text);
	return code == E_NOT_FOUND || code == E_LIMIT ? OK : code;
}

/* The version of the newest complete checkpoint; -1: none. */
static status newest_checkpoint(struct store *store, const char *root, int64_t *version, struct err *err)
{
	struct arena arena;
	struct delta_log_list l;
	arena_init(&arena, 0);
	const status code = delta_log_list_names(store, root, &arena, &l, err);
	if (code == OK) {
		const struct delta_checkpoint_at at = delta_log_checkpoint(&l, INT64_MAX, INT64_MAX);
		*version = at.n > 0 ? at.version : -1;
	}
	arena_deinit(&arena);
	return code;
}

status checkpoint_hint_write(struct store *store, const char *root, const struct checkpoint_hint *h, struct err *err)
{
	char key[DELTA_KEY_MAX], text[256];
	int64_t named, newest;
	TRY(hint_key(root, key, err));
	TRY(checkpoint_hint_version(store, root, &named, err));
	if (named > h->version) {
		/* A hint is worth keeping as long as it leads to something at least as new as what it names. */
		TRY(newest_checkpoint(store, root, &newest, err));
		if (newest >= named) return OK;
	}
	int n = snprintf(text, sizeof text, "{\"version\":%" PRId64 ",\"size\":%" PRId64, h->version, h->actions);
	if (h->parts > 0) n += snprintf(text + n, sizeof text - (size_t)n, ",\"parts\":%" PRId32, h->parts);
	if (h->bytes >= 0) n += snprintf(text + n, sizeof text - (size_t)n, ",\"sizeInBytes\":%" PRId64, h->bytes);
	if (h->adds >= 0) n += snprintf(text + n, sizeof text - (size_t)n, ",\"numOfAddFiles\":%" PRId64, h->adds);
	n += snprintf(text + n, sizeof text - (size_t)n, "}");
	return store_put(store, key, text, (size_t)n, err);
}

bool delta_checkpoint_due(const struct delta_snapshot *s)
{
	if (s->version == s->checkpoint_version) return false;
	if (s->version > 0 && s->version % DELTA_CHECKPOINT_COMMITS == 0) return true;
	const int64_t since = s->checkpoint_version > 0 ? s->checkpoint_version : 0; /* none: count from version 0 */
	return s->version - since >= DELTA_CHECKPOINT_COMMITS || s->log_bytes >= DELTA_CHECKPOINT_LOG_BYTES;
}
