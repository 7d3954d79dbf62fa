/* table/log/checkpoint_rows.c: one file of a checkpoint: its columns, decoded row group by row group, then put together to actions row by row. */
#include <inttypes.h>
#include <stdio.h>

#include "io/utf8.h"
#include "parquet/nested.h"
#include "table/log/checkpoint_int.h"

#define TIME_MS_MAX INT64_C(8640000000000000) /* as table/log/action.c: times a thousand it still fits */

enum shape { ONE, LIST, MAP };
enum content { TEXT, NUMBER };

/* The members that are read, each kind's first one says whether a row has that action. */
enum field {
	ADD_PATH,
	ADD_PARTITION,
	ADD_SIZE,
	ADD_MODIFIED,
	ADD_CHANGE,
	ADD_STATS,
	ADD_TAGS,
	ADD_DV_TYPE,
	ADD_DV_PATH,
	ADD_DV_OFFSET,
	REMOVE_PATH,
	REMOVE_DELETED,
	REMOVE_CHANGE,
	REMOVE_EXTENDED,
	REMOVE_PARTITION,
	REMOVE_SIZE,
	REMOVE_DV_TYPE,
	REMOVE_DV_PATH,
	REMOVE_DV_OFFSET,
	PROTOCOL_READER,
	PROTOCOL_WRITER,
	PROTOCOL_READER_FEATURES,
	PROTOCOL_WRITER_FEATURES,
	METADATA_ID,
	METADATA_NAME,
	METADATA_DESCRIPTION,
	METADATA_SCHEMA,
	METADATA_PARTITION,
	METADATA_CONFIGURATION,
	METADATA_CREATED,
	TXN_APP,
	TXN_VERSION,
	TXN_UPDATED,
	DOMAIN_NAME,
	DOMAIN_CONFIGURATION,
	DOMAIN_REMOVED,
	SIDECAR_PATH,
	SIDECAR_SIZE,
	N_FIELDS
};
static const struct {
	const char *name;
	enum delta_kind kind;
	enum shape shape;
	enum content content;
	bool first;
} FIELDS[N_FIELDS] = {
	[ADD_PATH] = {"add.path", DELTA_ADD, ONE, TEXT, true},
	[ADD_PARTITION] = {"add.partitionValues", DELTA_ADD, MAP, TEXT, false},
	[ADD_SIZE] = {"add.size", DELTA_ADD, ONE, NUMBER, false},
	[ADD_MODIFIED] = {"add.modificationTime", DELTA_ADD, ONE, NUMBER, false},
	[ADD_CHANGE] = {"add.dataChange", DELTA_ADD, ONE, NUMBER, false},
	[ADD_STATS] = {"add.stats", DELTA_ADD, ONE, TEXT, false},
	[ADD_TAGS] = {"add.tags", DELTA_ADD, MAP, TEXT, false},
	[ADD_DV_TYPE] = {"add.deletionVector.storageType", DELTA_ADD, ONE, TEXT, false},
	[ADD_DV_PATH] = {"add.deletionVector.pathOrInlineDv", DELTA_ADD, ONE, TEXT, false},
	[ADD_DV_OFFSET] = {"add.deletionVector.offset", DELTA_ADD, ONE, NUMBER, false},
	[REMOVE_PATH] = {"remove.path", DELTA_REMOVE, ONE, TEXT, true},
	[REMOVE_DELETED] = {"remove.deletionTimestamp", DELTA_REMOVE, ONE, NUMBER, false},
	[REMOVE_CHANGE] = {"remove.dataChange", DELTA_REMOVE, ONE, NUMBER, false},
	[REMOVE_EXTENDED] = {"remove.extendedFileMetadata", DELTA_REMOVE, ONE, NUMBER, false},
	[REMOVE_PARTITION] = {"remove.partitionValues", DELTA_REMOVE, MAP, TEXT, false},
	[REMOVE_SIZE] = {"remove.size", DELTA_REMOVE, ONE, NUMBER, false},
	[REMOVE_DV_TYPE] = {"remove.deletionVector.storageType", DELTA_REMOVE, ONE, TEXT, false},
	[REMOVE_DV_PATH] = {"remove.deletionVector.pathOrInlineDv", DELTA_REMOVE, ONE, TEXT, false},
	[REMOVE_DV_OFFSET] = {"remove.deletionVector.offset", DELTA_REMOVE, ONE, NUMBER, false},
	[PROTOCOL_READER] = {"protocol.minReaderVersion", DELTA_PROTOCOL, ONE, NUMBER, true},
	[PROTOCOL_WRITER] = {"protocol.minWriterVersion", DELTA_PROTOCOL, ONE, NUMBER, false},
	[PROTOCOL_READER_FEATURES] = {"protocol.readerFeatures", DELTA_PROTOCOL, LIST, TEXT, false},
	[PROTOCOL_WRITER_FEATURES] = {"protocol.writerFeatures", DELTA_PROTOCOL, LIST, TEXT, false},
	[METADATA_ID] = {"metaData.id", DELTA_METADATA, ONE, TEXT, true},
	[METADATA_NAME] = {"metaData.name", DELTA_METADATA, ONE, TEXT, false},
	[METADATA_DESCRIPTION] = {"metaData.description", DELTA_METADATA, ONE, TEXT, false},
	[METADATA_SCHEMA] = {"metaData.schemaString", DELTA_METADATA, ONE, TEXT, false},
	[METADATA_PARTITION] = {"metaData.partitionColumns", DELTA_METADATA, LIST, TEXT, false},
	[METADATA_CONFIGURATION] = {"metaData.configuration", DELTA_METADATA, MAP, TEXT, false},
	[METADATA_CREATED] = {"metaData.createdTime", DELTA_METADATA, ONE, NUMBER, false},
	[TXN_APP] = {"txn.appId", DELTA_APP_TXN, ONE, TEXT, true},
	[TXN_VERSION] = {"txn.version", DELTA_APP_TXN, ONE, NUMBER, false},
	[TXN_UPDATED] = {"txn.lastUpdated", DELTA_APP_TXN, ONE, NUMBER, false},
	[DOMAIN_NAME] = {"domainMetadata.domain", DELTA_DOMAIN, ONE, TEXT, true},
	[DOMAIN_CONFIGURATION] = {"domainMetadata.configuration", DELTA_DOMAIN, ONE, TEXT, false},
	[DOMAIN_REMOVED] = {"domainMetadata.removed", DELTA_DOMAIN, ONE, NUMBER, false},
	[SIDECAR_PATH] = {"sidecar.path", DELTA_SIDECAR, ONE, TEXT, true},
	[SIDECAR_SIZE] = {"sidecar.sizeInBytes", DELTA_SIDECAR, ONE, NUMBER, false},
};

/* A field in the row group that is being read. */
struct slot {
	int leaf[2];                     /* [1]: a map's values; -1: the file has no such column */
	struct parquet_levels levels[2]; /* of the leaves */
	int64_t next[2];                 /* the next value of each */
	const int64_t *numbers;          /* NUMBER: the values */
	const int64_t *starts;           /* LIST, MAP: the first entry of each row, and one more */
	struct delta_pair *pairs;        /* MAP: room for all of the row group, the first `used` are given away */
	struct str *strings;             /* LIST */
	size_t used;
};

struct rows {
	struct parquet_reader *r;
	const char *key;
	const struct checkpoint_visit *v;
	struct arena scratch; /* of one row group: numbers, kinds, starts */
	struct slot slots[N_FIELDS];
	int64_t first_row; /* of the row group in the file, for messages */
	int64_t n_rows;
	uint8_t *kinds; /* [n_rows] enum delta_kind */
};

static status nomem(const struct rows *w, struct err *err)
{
	return err_at(err, fail_nomem(err), w->key, -1, -1);
}

static status corrupt(const struct rows *w, enum field f, const char *what, struct err *err)
{
	return fail_at(err, E_CORRUPT, w->key, -1, -1, "checkpoint column %s: %s", FIELDS[f].name, what);
}

static status corrupt_row(const struct rows *w, int64_t row, enum field f, const char *what, struct err *err)
{
	return fail_at(err, E_CORRUPT, w->key, -1, -1, "checkpoint row %" PRId64 ", %s: %s", w->first_row + row,
		FIELDS[f].name, what);
}

/* ---- columns ---------------------------------------------------------------------------------------------- */

/* Writers name the groups inside lists and maps differently (list.element, bag.array, key_value, entries): a leaf belongs to
 * the field whose name its path begins with, a map's key comes first. */
static bool leaf_matches(enum field f, const char *leaf)
{
	const size_t n = strlen(FIELDS[f].name);
	if (strncmp(leaf, FIELDS[f].name, n) != 0) return false;
	return leaf[n] == '\0' ? FIELDS[f].shape != MAP : leaf[n] == '.' && FIELDS[f].shape != ONE;
}

static status find_leaves(struct rows *w, struct err *err)
{
	for (enum field f = 0; f < N_FIELDS; f++) w->slots[f].leaf[0] = w->slots[f].leaf[1] = -1;
	for (size_t i = 0; i < parquet_reader_n_columns(w->r); i++) {
		const char *name = parquet_reader_column(w->r, i)->name;
		for (enum field f = 0; f < N_FIELDS; f++) {
			struct slot *s = &w->slots[f];
			if ((w->v->kinds & CHECKPOINT_KIND(FIELDS[f].kind)) == 0 || !leaf_matches(f, name)) continue;
			const int at = s->leaf[0] < 0 ? 0 : 1;
			if (s->leaf[at] >= 0 || (at == 1 && FIELDS[f].shape != MAP))
				return corrupt(w, f, "more columns than its type has", err);
			s->leaf[at] = (int)i;
		}
	}
	for (enum field f = 0; f < N_FIELDS; f++) {
		if (FIELDS[f].shape == MAP && w->slots[f].leaf[0] >= 0 && w->slots[f].leaf[1] < 0)
			return corrupt(w, f, "no map: it has keys only", err);
	}
	return OK;
}

/* Every string is UTF-8: all of them together are, and none begins inside a character. */
static bool strings_valid(const struct column *c)
{
	if (c->n == 0) return true;
	bool begins = true;
	for (int64_t i = 0; i < c->n; i++)
		begins &= c->offsets[i] == c->offsets[i + 1] || (c->data[c->offsets[i]] & 0xC0) != 0x80;
	return begins && utf8_valid((const char *)c->data + c->offsets[0], (size_t)(c->offsets[c->n] - c->offsets[0]));
}

static status read_numbers(struct rows *w, enum field f, struct err *err)
{
	struct slot *s = &w->slots[f];
	const struct column *c = &s->levels[0].values;
	if (c->type == COL_INT64 || c->type == COL_TIMESTAMP) {
		s->numbers = c->values;
		return OK;
	}
	int64_t *numbers = ARENA_NEW(&w->scratch, int64_t, c->n);
	if (numbers == NULL) return nomem(w, err);
	if (c->type == COL_BOOL) {
		for (int64_t i = 0; i < c->n; i++) numbers[i] = bit_get(c->values, i);
	} else if (c->type == COL_INT32) {
		for (int64_t i = 0; i < c->n; i++) numbers[i] = ((const int32_t *)c->values)[i];
	} else {
		return corrupt(w, f, "expected a number", err);
	}
	s->numbers = numbers;
	return OK;
}

/* Where the rows of a repeated column begin, and room for what they hold. */
static status read_repeated(struct rows *w, enum field f, struct err *err)
{
	struct slot *s = &w->slots[f];
	const struct parquet_levels *l = &s->levels[0];
	if (l->n < w->n_rows) return corrupt(w, f, "fewer rows than the row group", err);
	int64_t *starts = ARENA_NEW(&w->scratch, int64_t, w->n_rows + 1);
	if (starts == NULL) return nomem(w, err);
	int64_t row = 0;
	for (int64_t e = 0; e < l->n; e++) {
		if (l->rep[e] != 0) continue;
		if (row == w->n_rows) return corrupt(w, f, "more rows than the row group", err);
		starts[row++] = e;
	}
	if (row != w->n_rows || (row > 0 && starts[0] != 0)) return corrupt(w, f, "other rows than the row group", err);
	starts[row] = l->n;
	s->starts = starts;
	s->used = 0;
	if (FIELDS[f].shape == LIST) {
		s->strings = ARENA_NEW(w->v->arena, struct str, l->values.n);
		return s->strings == NULL ? nomem(w, err) : OK;
	}
	const struct parquet_levels *v = &s->levels[1];
	if (v->n != l->n || v->max_rep != 1 || memcmp(v->rep, l->rep, (size_t)l->n) != 0)
		return corrupt(w, f, "its keys and values do not pair up", err);
	s->pairs = ARENA_NEW(w->v->arena, struct delta_pair, l->values.n);
	return s->pairs == NULL ? nomem(w, err) : OK;
}

static status read_field(struct rows *w, size_t group, enum field f, struct err *err)
{
	struct slot *s = &w->slots[f];
	const bool text = FIELDS[f].content == TEXT;
	for (int i = 0; i < 2; i++) {
		s->next[i] = 0;
		if (s->leaf[i] < 0) continue;
		struct parquet_levels *l = &s->levels[i];
		struct arena *arena = text ? w->v->arena : &w->scratch;
		TRY(err_at(err, parquet_reader_levels(w->r, group, s->leaf[i], arena, l, err), w->key, -1, -1));
		if (l->max_rep != (FIELDS[f].shape == ONE ? 0 : 1)) return corrupt(w, f, "not of its type", err);
		if (FIELDS[f].shape == ONE && l->n != w->n_rows)
			return corrupt(w, f, "other rows than the row group", err);
		const struct column *c = &l->values;
		if (text && c->type != COL_STRING && c->type != COL_BINARY) return corrupt(w, f, "expected text", err);
		if (text && !strings_valid(c)) return corrupt(w, f, "no valid UTF-8", err);
	}
	if (s->leaf[0] < 0) return OK;
	if (!text) return read_numbers(w, f, err);
	return FIELDS[f].shape == ONE ? OK : read_repeated(w, f, err);
}

static bool has(const struct slot *s, int64_t row)
{
	const struct parquet_levels *l = &s->levels[0];
	return s->leaf[0] >= 0 && (l->max_def == 0 || l->def[row] == l->max_def);
}

/* Which action each row holds; DELTA_OTHER: one that is not read. */
static status find_kinds(struct rows *w, struct err *err)
{
	w->kinds = NULL;
	for (enum field f = 0; f < N_FIELDS; f++) {
		const struct slot *s = &w->slots[f];
		if (!FIELDS[f].first || s->leaf[0] < 0) continue;
		/* Only now: a column of that many rows was read, so the number is no lie. */
		if (w->kinds == NULL) w->kinds = arena_zalloc(&w->scratch, (size_t)w->n_rows, 1);
		if (w->kinds == NULL) return nomem(w, err);
		for (int64_t row = 0; row < w->n_rows; row++) {
			if (!has(s, row)) continue;
			if (w->kinds[row] != DELTA_OTHER) return corrupt_row(w, row, f, "a second action", err);
			w->kinds[row] = (uint8_t)FIELDS[f].kind;
		}
	}
	return OK;
}

/* ---- values of a row, to be taken once and in order -------------------------------------------------------- */

/* Value i; never a null pointer, which means null. */
static struct str text_at(const struct column *c, int64_t i)
{
	const struct str s = column_str(c, i);
	return s.n > 0 ? s : (struct str){"", 0};
}

static bool take_text(struct rows *w, enum field f, int64_t row, struct str *out)
{
	struct slot *s = &w->slots[f];
	*out = (struct str){NULL, 0};
	if (!has(s, row)) return false;
	*out = text_at(&s->levels[0].values, s->next[0]++);
	return true;
}

static bool take_number(struct rows *w, enum field f, int64_t row, int64_t absent, int64_t *out)
{
	struct slot *s = &w->slots[f];
	*out = absent;
	if (!has(s, row)) return false;
	*out = s->numbers[s->next[0]++];
	return true;
}

static bool take_flag(struct rows *w, enum field f, int64_t row)
{
	int64_t v;
	return take_number(w, f, row, 0, &v) && v != 0;
}

static struct delta_pairs take_map(struct rows *w, enum field f, int64_t row)
{
	struct slot *s = &w->slots[f];
	if (s->leaf[0] < 0) return (struct delta_pairs){0};
	const struct parquet_levels *key = &s->levels[0], *value = &s->levels[1];
	const struct delta_pair *first = s->pairs + s->used;
	const size_t before = s->used;
	for (int64_t e = s->starts[row]; e < s->starts[row + 1]; e++) {
		if (key->def[e] != key->max_def) continue; /* an empty map, or none */
		struct delta_pair *p = &s->pairs[s->used++];
		p->key = text_at(&key->values, s->next[0]++);
		p->value = (struct str){NULL, 0};
		if (value->def[e] == value->max_def) p->value = text_at(&value->values, s->next[1]++);
	}
	return (struct delta_pairs){first, s->used - before};
}

static struct delta_strings take_list(struct rows *w, enum field f, int64_t row)
{
	struct slot *s = &w->slots[f];
	if (s->leaf[0] < 0) return (struct delta_strings){0};
	const struct parquet_levels *l = &s->levels[0];
	const struct str *first = s->strings + s->used;
	const size_t before = s->used;
	for (int64_t e = s->starts[row]; e < s->starts[row + 1]; e++) {
		if (l->def[e] == l->max_def) s->strings[s->used++] = text_at(&l->values, s->next[0]++);
	}
	return (struct delta_strings){first, s->used - before};
}

static status take_path(struct rows *w, enum field f, int64_t row, struct str *out, struct err *err)
{
	struct str text;
	(void)take_text(w, f, row, &text);
	return err_at(err, path_url_decode(text, w->v->arena, out, err), w->key, -1, -1);
}

/* "Derived Fields": uniqueId. type is the first of the three members. */
static status take_dv(struct rows *w, enum field type, int64_t row, struct delta_dv *out, struct err *err)
{
	struct str kind, path;
	int64_t offset;
	const bool some = take_text(w, type, row, &kind), has_path = take_text(w, type + 1, row, &path);
	const bool has_offset = take_number(w, type + 2, row, 0, &offset);
	*out = (struct delta_dv){0};
	if (!some) return OK;
	if (!has_path) return corrupt_row(w, row, type + 1, "missing", err);
	char tail[24] = "";
	if (has_offset) (void)snprintf(tail, sizeof tail, "@%" PRId64, offset);
	const size_t n = kind.n + path.n + strlen(tail);
	char *id = arena_alloc(w->v->arena, n + 1, 1);
	if (id == NULL) return nomem(w, err);
	memcpy(id, kind.p, kind.n);
	memcpy(id + kind.n, path.p, path.n);
	memcpy(id + kind.n + path.n, tail, strlen(tail) + 1);
	out->unique_id = (struct str){id, n};
	return OK;
}

static status take_required(struct rows *w, enum field f, int64_t row, int64_t max, int64_t *out, struct err *err)
{
	const int64_t min = FIELDS[f].kind == DELTA_PROTOCOL ? 1 : 0;
	if (!take_number(w, f, row, 0, out)) return corrupt_row(w, row, f, "missing", err);
	if (*out < min || *out > max) return corrupt_row(w, row, f, "out of range", err);
	return OK;
}

/* Milliseconds in the range that a line of a log may have too. */
static status take_ms(struct rows *w, enum field f, int64_t row, int64_t absent, int64_t *out, struct err *err)
{
	if (take_number(w, f, row, absent, out) && (*out < -TIME_MS_MAX || *out > TIME_MS_MAX))
		return corrupt_row(w, row, f, "out of range", err);
	return OK;
}

/* ---- actions ---------------------------------------------------------------------------------------------- */

static status read_add(struct rows *w, int64_t row, struct delta_add *a, struct err *err)
{
	TRY(take_path(w, ADD_PATH, row, &a->path, err));
	a->partition = take_map(w, ADD_PARTITION, row);
	TRY(take_required(w, ADD_SIZE, row, INT64_MAX, &a->size, err));
	TRY(take_ms(w, ADD_MODIFIED, row, INT64_MIN, &a->modified_ms, err));
	if (a->modified_ms == INT64_MIN) return corrupt_row(w, row, ADD_MODIFIED, "missing", err);
	a->data_change = take_flag(w, ADD_CHANGE, row);
	(void)take_text(w, ADD_STATS, row, &a->stats);
	a->tags = take_map(w, ADD_TAGS, row);
	return take_dv(w, ADD_DV_TYPE, row, &a->dv, err);
}

static status read_remove(struct rows *w, int64_t row, struct delta_remove *a, struct err *err)
{
	TRY(take_path(w, REMOVE_PATH, row, &a->path, err));
	TRY(take_ms(w, REMOVE_DELETED, row, 0, &a->deleted_ms, err));
	a->data_change = take_flag(w, REMOVE_CHANGE, row);
	a->extended = take_flag(w, REMOVE_EXTENDED, row);
	a->partition = take_map(w, REMOVE_PARTITION, row);
	(void)take_number(w, REMOVE_SIZE, row, -1, &a->size);
	if (a->size < -1) return corrupt_row(w, row, REMOVE_SIZE, "out of range", err);
	return take_dv(w, REMOVE_DV_TYPE, row, &a->dv, err);
}

static status read_protocol(struct rows *w, int64_t row, struct delta_protocol *a, struct err *err)
{
	int64_t reader, writer;
	TRY(take_required(w, PROTOCOL_READER, row, INT32_MAX, &reader, err));
	TRY(take_required(w, PROTOCOL_WRITER, row, INT32_MAX, &writer, err));
	a->min_reader = (int32_t)reader;
	a->min_writer = (int32_t)writer;
	a->reader_features = take_list(w, PROTOCOL_READER_FEATURES, row);
	a->writer_features = take_list(w, PROTOCOL_WRITER_FEATURES, row);
	return OK;
}

static status read_metadata(struct rows *w, int64_t row, struct delta_metadata *a, struct err *err)
{
	(void)take_text(w, METADATA_ID, row, &a->id);
	(void)take_text(w, METADATA_NAME, row, &a->name);
	(void)take_text(w, METADATA_DESCRIPTION, row, &a->description);
	if (!take_text(w, METADATA_SCHEMA, row, &a->schema))
		return corrupt_row(w, row, METADATA_SCHEMA, "missing", err);
	a->partition_columns = take_list(w, METADATA_PARTITION, row);
	a->configuration = take_map(w, METADATA_CONFIGURATION, row);
	return take_ms(w, METADATA_CREATED, row, -1, &a->created_ms, err);
}

static status read_app_txn(struct rows *w, int64_t row, struct delta_app_txn *a, struct err *err)
{
	(void)take_text(w, TXN_APP, row, &a->app_id);
	if (!take_number(w, TXN_VERSION, row, 0, &a->version)) return corrupt_row(w, row, TXN_VERSION, "missing", err);
	return take_ms(w, TXN_UPDATED, row, -1, &a->updated_ms, err);
}

static status read_domain(struct rows *w, int64_t row, struct delta_domain *a)
{
	(void)take_text(w, DOMAIN_NAME, row, &a->domain);
	(void)take_text(w, DOMAIN_CONFIGURATION, row, &a->configuration);
	a->removed = take_flag(w, DOMAIN_REMOVED, row);
	return OK;
}

/* Sidecars stand in one folder: the name behind the last '/' counts, whatever is written before. */
static status read_sidecar(struct rows *w, int64_t row, struct delta_sidecar *a, struct err *err)
{
	struct str text;
	(void)take_text(w, SIDECAR_PATH, row, &text);
	const char *slash = text.n > 0 ? memrchr(text.p, '/', text.n) : NULL;
	if (slash != NULL) text = (struct str){slash + 1, (size_t)(text.p + text.n - slash - 1)};
	(void)take_number(w, SIDECAR_SIZE, row, -1, &a->size);
	return err_at(err, path_url_decode(text, w->v->arena, &a->path, err), w->key, -1, -1);
}

static status read_action(struct rows *w, int64_t row, struct delta_action *a, struct err *err)
{
	*a = (struct delta_action){.kind = w->kinds[row]};
	switch (a->kind) {
	case DELTA_ADD: return read_add(w, row, &a->add, err);
	case DELTA_REMOVE: return read_remove(w, row, &a->remove, err);
	case DELTA_PROTOCOL: return read_protocol(w, row, &a->protocol, err);
	case DELTA_METADATA: return read_metadata(w, row, &a->metadata, err);
	case DELTA_APP_TXN: return read_app_txn(w, row, &a->app_txn, err);
	case DELTA_DOMAIN: return read_domain(w, row, &a->domain);
	case DELTA_SIDECAR: return read_sidecar(w, row, &a->sidecar, err);
	default: return OK;
	}
}

/* A value that no action took stood in a row without its action: every value after it went to the wrong one. */
static status check_taken(const struct rows *w, struct err *err)
{
	for (enum field f = 0; f < N_FIELDS; f++) {
		const struct slot *s = &w->slots[f];
		for (int i = 0; i < 2; i++) {
			if (s->leaf[i] >= 0 && s->next[i] != s->levels[i].values.n)
				return corrupt(w, f, "a value in a row without the action", err);
		}
	}
	return OK;
}

static status read_group(struct rows *w, size_t group, struct err *err)
{
	w->n_rows = parquet_reader_row_group_rows(w->r, group);
	arena_reset(&w->scratch);
	for (enum field f = 0; f < N_FIELDS; f++) TRY(read_field(w, group, f, err));
	TRY(find_kinds(w, err));
	for (int64_t row = 0; row < w->n_rows && w->kinds != NULL; row++) {
		struct delta_action a;
		if (w->kinds[row] == DELTA_OTHER) continue;
		TRY(read_action(w, row, &a, err));
		TRY(w->v->to.visit(w->v->to.arg, &a, err));
	}
	TRY(check_taken(w, err));
	w->first_row += w->n_rows;
	return OK;
}

status checkpoint_rows_read(
	struct parquet_reader *r, const char *key, const struct checkpoint_visit *v, struct err *err)
{
	struct rows w = {.r = r, .key = key, .v = v};
	arena_init(&w.scratch, 0);
	status code = find_leaves(&w, err);
	for (size_t group = 0; group < parquet_reader_n_row_groups(r) && code == OK; group++)
		code = read_group(&w, group, err);
	arena_deinit(&w.scratch);
	return code;
}
