/* table/log/action.c: parse one line of a log. Members in any order; unknown ones skipped; a member that is null counts as not given. */
#include "table/log/action.h"

#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

/* Times are kept within this of the epoch, about 270,000 years, so that differences of two cannot overflow. */
#define TIME_MS_MAX INT64_C(8640000000000000)
enum { DV_TEXT_MAX = 1 << 20 };

struct reader {
	struct json_scan s;
	struct arena *arena;
	status code;     /* of the error in s; OK = E_CORRUPT */
	struct err *err; /* filled already when code is not OK */
	bool lenient;    /* a mistyped member is skipped: commitInfo */
};

/* ---- values ------------------------------------------------------------------------------------------------ */

static bool refuse(struct reader *r, const char *what, const char *at)
{
	(void)json_refuse(&r->s, what, at);
	return false;
}

/* A status of another function, whose message stands in r->err. */
static bool refuse_status(struct reader *r, status code, const char *at)
{
	if (r->s.error == NULL) r->code = code;
	return refuse(r, "", at);
}

static bool no_memory(struct reader *r)
{
	return refuse_status(r, fail_nomem(r->err), r->s.p);
}

static bool text_of(struct reader *r, const struct json_string *from, struct str *out)
{
	if (!from->has_escape) {
		*out = from->raw;
		return true;
	}
	char *dst = arena_alloc(r->arena, from->raw.n, 1);
	if (dst == NULL) return no_memory(r);
	*out = (struct str){dst, json_unescape(from->raw, dst)};
	return true;
}

/* The next member's name; false at the end of the object or on error. */
static bool next_member(struct reader *r, struct str *key)
{
	struct json_string name;
	return json_object_next(&r->s, &name) && text_of(r, &name, key);
}

/* Of another kind than wanted: null counts as absent. true: it was skipped and the member is not given. */
static bool absent(struct reader *r, enum json_kind found, const char *what)
{
	if (found == JSON_NONE) return false;
	if (found != JSON_NULL && !r->lenient) return refuse(r, what, r->s.p);
	return json_skip(&r->s, NULL);
}

static bool take_str(struct reader *r, struct str *out)
{
	const enum json_kind kind = json_peek(&r->s);
	struct json_string string;
	if (kind != JSON_STRING) return absent(r, kind, "expected a string");
	return json_take_string(&r->s, &string) && text_of(r, &string, out);
}

static bool take_i64(struct reader *r, int64_t min, int64_t max, int64_t *out)
{
	const enum json_kind kind = json_peek(&r->s);
	const char *at = r->s.p;
	struct str text;
	int64_t v;
	if (kind != JSON_NUMBER) return absent(r, kind, "expected a whole number");
	if (!json_take_number(&r->s, &text)) return false;
	if (!json_number_i64(text, &v) || v < min || v > max)
		return r->lenient ? true : refuse(r, "number out of range", at);
	*out = v;
	return true;
}

static bool take_ms(struct reader *r, int64_t *out)
{
	return take_i64(r, -TIME_MS_MAX, TIME_MS_MAX, out);
}

/* *given (may be NULL) is set when there was one. */
static bool take_bool(struct reader *r, bool *out, bool *given)
{
	const enum json_kind kind = json_peek(&r->s);
	enum json_kind literal;
	if (kind != JSON_TRUE && kind != JSON_FALSE) return absent(r, kind, "expected true or false");
	if (!json_take_literal(&r->s, &literal)) return false;
	*out = literal == JSON_TRUE;
	if (given != NULL) *given = true;
	return true;
}

static bool take_pairs(struct reader *r, struct delta_pairs *out, bool *given)
{
	const enum json_kind kind = json_peek(&r->s);
	struct {
		struct delta_pair *items;
		size_t n, cap;
	} list = {NULL, 0, 0};
	if (kind != JSON_OBJECT) return absent(r, kind, "expected an object of strings");
	if (!json_object_begin(&r->s)) return false;
	for (struct delta_pair pair; pair.value.p = NULL, pair.value.n = 0, next_member(r, &pair.key);) {
		if (!take_str(r, &pair.value)) return false;
		if (!VEC_ROOM_IN(r->arena, &list, 1)) return no_memory(r);
		list.items[list.n++] = pair;
	}
	*out = (struct delta_pairs){list.items, list.n};
	if (given != NULL) *given = true;
	return r->s.error == NULL;
}

static bool take_strings(struct reader *r, struct delta_strings *out, bool *given)
{
	const enum json_kind kind = json_peek(&r->s);
	struct {
		struct str *items;
		size_t n, cap;
	} list = {NULL, 0, 0};
	if (kind != JSON_ARRAY) return absent(r, kind, "expected an array of strings");
	if (!json_array_begin(&r->s)) return false;
	while (json_array_next(&r->s)) {
		struct str item = {NULL, 0};
		const char *at = r->s.p;
		if (!take_str(r, &item)) return false;
		if (item.p == NULL) return refuse(r, "null in an array of strings", at);
		if (!VEC_ROOM_IN(r->arena, &list, 1)) return no_memory(r);
		list.items[list.n++] = item;
	}
	*out = (struct delta_strings){list.items, list.n};
	if (given != NULL) *given = true;
	return r->s.error == NULL;
}

/* Only the name behind the last '/' when name_only: sidecars stand in one folder, whatever is written before. */
static bool take_path_or_name(struct reader *r, bool name_only, struct str *out)
{
	(void)json_peek(&r->s);
	const char *at = r->s.p;
	struct str text = {NULL, 0};
	if (!take_str(r, &text)) return false;
	if (text.p == NULL) return true; /* found missing at the object's end */
	const char *slash = name_only && text.n > 0 ? memrchr(text.p, '/', text.n) : NULL;
	if (slash != NULL) text = (struct str){slash + 1, (size_t)(text.p + text.n - slash - 1)};
	const status code = path_url_decode(text, r->arena, out, r->err);
	return code == OK ? true : refuse_status(r, code, at);
}

static bool take_path(struct reader *r, struct str *out)
{
	return take_path_or_name(r, false, out);
}

/* "Derived Fields" of a deletion vector: uniqueId. */
static bool take_dv(struct reader *r, struct delta_dv *out)
{
	const enum json_kind kind = json_peek(&r->s);
	const char *at = r->s.p;
	struct str key, type = {NULL, 0}, text = {NULL, 0};
	int64_t offset = -1;
	if (kind != JSON_OBJECT) return absent(r, kind, "expected an object");
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "storageType")      ? take_str(r, &type)
				: str_is(key, "pathOrInlineDv") ? take_str(r, &text)
				: str_is(key, "offset")         ? take_i64(r, 0, INT32_MAX, &offset)
								: json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	if (type.n != 1 || text.p == NULL) return refuse(r, "deletionVector without storageType or pathOrInlineDv", at);
	if (text.n > DV_TEXT_MAX) return refuse(r, "deletionVector of over 1 MiB", at);
	char *id = offset < 0
			   ? arena_printf(r->arena, "%c%.*s", type.p[0], (int)text.n, text.p)
			   : arena_printf(r->arena, "%c%.*s@%lld", type.p[0], (int)text.n, text.p, (long long)offset);
	if (id == NULL) return no_memory(r);
	out->unique_id = str_of(id);
	return true;
}

/* ---- actions ----------------------------------------------------------------------------------------------- */

static bool take_add(struct reader *r, struct delta_add *a)
{
	const char *at = r->s.p;
	bool has_partition = false, has_change = false;
	struct str key;
	*a = (struct delta_add){.size = -1, .modified_ms = INT64_MIN};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "path")               ? take_path(r, &a->path)
				: str_is(key, "partitionValues")  ? take_pairs(r, &a->partition, &has_partition)
				: str_is(key, "size")             ? take_i64(r, 0, INT64_MAX, &a->size)
				: str_is(key, "modificationTime") ? take_ms(r, &a->modified_ms)
				: str_is(key, "dataChange")       ? take_bool(r, &a->data_change, &has_change)
				: str_is(key, "stats")            ? take_str(r, &a->stats)
				: str_is(key, "tags")             ? take_pairs(r, &a->tags, NULL)
				: str_is(key, "deletionVector")   ? take_dv(r, &a->dv)
								  : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	if (a->path.p == NULL) return refuse(r, "add without path", at);
	if (!has_partition) return refuse(r, "add without partitionValues", at);
	if (a->size < 0) return refuse(r, "add without size", at);
	if (a->modified_ms == INT64_MIN) return refuse(r, "add without modificationTime", at);
	return has_change ? true : refuse(r, "add without dataChange", at);
}

static bool take_remove(struct reader *r, struct delta_remove *m)
{
	const char *at = r->s.p;
	bool has_partition = false, has_change = false;
	struct str key;
	*m = (struct delta_remove){.size = -1};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "path")                   ? take_path(r, &m->path)
				: str_is(key, "deletionTimestamp")    ? take_ms(r, &m->deleted_ms)
				: str_is(key, "dataChange")           ? take_bool(r, &m->data_change, &has_change)
				: str_is(key, "extendedFileMetadata") ? take_bool(r, &m->extended, NULL)
				: str_is(key, "partitionValues")      ? take_pairs(r, &m->partition, &has_partition)
				: str_is(key, "size")                 ? take_i64(r, 0, INT64_MAX, &m->size)
				: str_is(key, "deletionVector")       ? take_dv(r, &m->dv)
								      : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	if (m->path.p == NULL) return refuse(r, "remove without path", at);
	m->extended = m->extended && has_partition;
	return has_change ? true : refuse(r, "remove without dataChange", at);
}

static bool take_protocol(struct reader *r, struct delta_protocol *p)
{
	const char *at = r->s.p;
	int64_t reader = 0, writer = 0;
	struct str key;
	*p = (struct delta_protocol){0};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "minReaderVersion")   ? take_i64(r, 1, INT32_MAX, &reader)
				: str_is(key, "minWriterVersion") ? take_i64(r, 1, INT32_MAX, &writer)
				: str_is(key, "readerFeatures")   ? take_strings(r, &p->reader_features, NULL)
				: str_is(key, "writerFeatures")   ? take_strings(r, &p->writer_features, NULL)
								  : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	if (reader == 0 || writer == 0) return refuse(r, "protocol without minReaderVersion or minWriterVersion", at);
	p->min_reader = (int32_t)reader;
	p->min_writer = (int32_t)writer;
	return true;
}

static bool take_format(struct reader *r)
{
	const enum json_kind kind = json_peek(&r->s);
	const char *at = r->s.p;
	struct str key, provider = {NULL, 0};
	if (kind != JSON_OBJECT) return absent(r, kind, "expected an object");
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		if (!(str_is(key, "provider") ? take_str(r, &provider) : json_skip(&r->s, NULL))) return false;
	}
	if (r->s.error != NULL) return false;
	if (provider.p == NULL || str_is(provider, "parquet")) return true;
	const int n = provider.n < 40 ? (int)provider.n : 40;
	return refuse_status(
		r, fail(r->err, E_UNSUPPORTED, "table of %.*s files: only parquet is read", n, provider.p), at);
}

static bool take_metadata(struct reader *r, struct delta_metadata *m)
{
	const char *at = r->s.p;
	bool has_columns = false;
	struct str key;
	*m = (struct delta_metadata){.created_ms = -1};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "id")                 ? take_str(r, &m->id)
				: str_is(key, "name")             ? take_str(r, &m->name)
				: str_is(key, "description")      ? take_str(r, &m->description)
				: str_is(key, "format")           ? take_format(r)
				: str_is(key, "schemaString")     ? take_str(r, &m->schema)
				: str_is(key, "partitionColumns") ? take_strings(r, &m->partition_columns, &has_columns)
				: str_is(key, "configuration")    ? take_pairs(r, &m->configuration, NULL)
				: str_is(key, "createdTime")      ? take_ms(r, &m->created_ms)
								  : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	if (m->id.p == NULL) return refuse(r, "metaData without id", at);
	if (m->schema.p == NULL) return refuse(r, "metaData without schemaString", at);
	return has_columns ? true : refuse(r, "metaData without partitionColumns", at);
}

static bool take_app_txn(struct reader *r, struct delta_app_txn *t)
{
	const char *at = r->s.p;
	struct str key;
	*t = (struct delta_app_txn){.version = INT64_MIN, .updated_ms = -1};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "appId")         ? take_str(r, &t->app_id)
				: str_is(key, "version")     ? take_i64(r, -INT64_MAX, INT64_MAX, &t->version)
				: str_is(key, "lastUpdated") ? take_ms(r, &t->updated_ms)
							     : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	return t->app_id.p != NULL && t->version != INT64_MIN ? true : refuse(r, "txn without appId or version", at);
}

static bool take_domain(struct reader *r, struct delta_domain *d)
{
	const char *at = r->s.p;
	struct str key;
	*d = (struct delta_domain){.removed = false};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "domain")          ? take_str(r, &d->domain)
				: str_is(key, "configuration") ? take_str(r, &d->configuration)
				: str_is(key, "removed")       ? take_bool(r, &d->removed, NULL)
							       : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	return d->domain.p != NULL ? true : refuse(r, "domainMetadata without domain", at);
}

/* "Commit Provenance Information": any JSON, so a member of another type than usual is no error. */
static bool take_info(struct reader *r, struct delta_commit_info *c)
{
	const char *from = r->s.p;
	struct str key;
	*c = (struct delta_commit_info){.timestamp_ms = -1, .in_commit_ms = -1};
	if (!json_object_begin(&r->s)) return false;
	r->lenient = true;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "timestamp")           ? take_ms(r, &c->timestamp_ms)
				: str_is(key, "inCommitTimestamp") ? take_ms(r, &c->in_commit_ms)
				: str_is(key, "operation")         ? take_str(r, &c->operation)
				: str_is(key, "engineInfo")        ? take_str(r, &c->engine)
				: str_is(key, "txnId")             ? take_str(r, &c->txn_id)
								   : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	r->lenient = false;
	c->text = (struct str){from, (size_t)(r->s.p - from)};
	return r->s.error == NULL;
}

static bool take_sidecar(struct reader *r, struct delta_sidecar *c)
{
	const char *at = r->s.p;
	struct str key;
	*c = (struct delta_sidecar){.size = -1};
	if (!json_object_begin(&r->s)) return false;
	while (next_member(r, &key)) {
		const bool ok = str_is(key, "path")          ? take_path_or_name(r, true, &c->path)
				: str_is(key, "sizeInBytes") ? take_i64(r, 0, INT64_MAX, &c->size)
							     : json_skip(&r->s, NULL);
		if (!ok) return false;
	}
	if (r->s.error != NULL) return false;
	return c->path.p != NULL && c->size >= 0 ? true : refuse(r, "sidecar without path or sizeInBytes", at);
}

static bool take_action(struct reader *r, struct str name, struct delta_action *a)
{
	const enum delta_kind before = a->kind;
	const enum json_kind kind = json_peek(&r->s);
	a->kind = str_is(name, "add")                  ? DELTA_ADD
		  : str_is(name, "remove")             ? DELTA_REMOVE
		  : str_is(name, "protocol")           ? DELTA_PROTOCOL
		  : str_is(name, "metaData")           ? DELTA_METADATA
		  : str_is(name, "txn")                ? DELTA_APP_TXN
		  : str_is(name, "domainMetadata")     ? DELTA_DOMAIN
		  : str_is(name, "commitInfo")         ? DELTA_COMMIT_INFO
		  : str_is(name, "cdc")                ? DELTA_CDC
		  : str_is(name, "sidecar")            ? DELTA_SIDECAR
		  : str_is(name, "checkpointMetadata") ? DELTA_CHECKPOINT_METADATA
						       : DELTA_OTHER;
	if (a->kind == DELTA_OTHER || kind == JSON_NULL) {
		a->kind = before;
		return json_skip(&r->s, NULL);
	}
	if (before != DELTA_OTHER) return refuse(r, "two actions in a line", r->s.p);
	switch (a->kind) {
	case DELTA_ADD: return take_add(r, &a->add);
	case DELTA_REMOVE: return take_remove(r, &a->remove);
	case DELTA_PROTOCOL: return take_protocol(r, &a->protocol);
	case DELTA_METADATA: return take_metadata(r, &a->metadata);
	case DELTA_APP_TXN: return take_app_txn(r, &a->app_txn);
	case DELTA_DOMAIN: return take_domain(r, &a->domain);
	case DELTA_COMMIT_INFO: return take_info(r, &a->info);
	case DELTA_SIDECAR: return take_sidecar(r, &a->sidecar);
	default: return json_skip(&r->s, NULL);
	}
}

status delta_action_parse(struct str line, struct arena *arena, struct delta_action *out, struct err *err)
{
	struct reader r = {.arena = arena, .err = err};
	struct delta_action a = {.kind = DELTA_OTHER};
	struct str name;
	if (!utf8_valid(line.p, line.n))
		return fail_at(err, E_CORRUPT, NULL, (int64_t)utf8_valid_prefix(line.p, line.n), -1, "not UTF-8");
	json_start(&r.s, line.p, line.n);
	if (json_object_begin(&r.s)) {
		while (next_member(&r, &name)) {
			if (!take_action(&r, name, &a)) break;
		}
	}
	if (!json_end(&r.s)) {
		const status code = r.code != OK ? r.code : fail(err, E_CORRUPT, "%s", r.s.error);
		return err_at(err, code, NULL, (int64_t)r.s.error_at, -1);
	}
	*out = a;
	return OK;
}
