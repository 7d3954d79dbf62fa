/* table/log/action_json.c: actions as the JSON lines of a commit. Members in the order of the protocol's tables; optional ones that are
 * not given are left out. */
#include "table/log/action.h"

static void pairs_json(struct buf *out, const struct delta_pairs *l)
{
	buf_char(out, '{');
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, l->items[i].key);
		buf_char(out, ':');
		if (l->items[i].value.p == NULL)
			buf_str(out, "null");
		else
			buf_json_str(out, l->items[i].value);
	}
	buf_char(out, '}');
}

static void strings_json(struct buf *out, const struct delta_strings *l)
{
	buf_char(out, '[');
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, l->items[i]);
	}
	buf_char(out, ']');
}

static void path_json(struct buf *out, struct str path)
{
	buf_str(out, "\"path\":\"");
	path_url_encode(out, path); /* leaves nothing that JSON escapes */
	buf_char(out, '"');
}

static void i64_member(struct buf *out, const char *name, int64_t v)
{
	buf_printf(out, ",\"%s\":", name);
	buf_i64(out, v);
}

static void str_member(struct buf *out, const char *name, struct str s)
{
	buf_printf(out, ",\"%s\":", name);
	buf_json_str(out, s);
}

static const char *bool_text(bool v)
{
	return v ? "true" : "false";
}

/* The parts of a unique id: "i" + text, or "u", "p" + text [+ "@" + offset]. Size and cardinality are not kept: readers
 * identify the logical file by these members alone. */
static void dv_json(struct buf *out, const struct delta_dv *dv)
{
	struct str text = {dv->unique_id.p + 1, dv->unique_id.n - 1};
	size_t digits = 0;
	while (digits < text.n && text.p[text.n - 1 - digits] >= '0' && text.p[text.n - 1 - digits] <= '9') digits++;
	const bool offset =
		dv->unique_id.p[0] != 'i' && digits > 0 && digits < text.n && text.p[text.n - 1 - digits] == '@';
	buf_str(out, ",\"deletionVector\":{\"storageType\":");
	buf_json_str(out, (struct str){dv->unique_id.p, 1});
	str_member(out, "pathOrInlineDv", (struct str){text.p, offset ? text.n - digits - 1 : text.n});
	if (offset) {
		buf_str(out, ",\"offset\":");
		buf_add(out, text.p + text.n - digits, digits);
	}
	buf_char(out, '}');
}

static void add_json(struct buf *out, const struct delta_add *a)
{
	buf_str(out, "{\"add\":{");
	path_json(out, a->path);
	buf_str(out, ",\"partitionValues\":");
	pairs_json(out, &a->partition);
	i64_member(out, "size", a->size);
	i64_member(out, "modificationTime", a->modified_ms);
	buf_printf(out, ",\"dataChange\":%s", bool_text(a->data_change));
	if (a->stats.n > 0) str_member(out, "stats", a->stats);
	if (a->tags.n > 0) {
		buf_str(out, ",\"tags\":");
		pairs_json(out, &a->tags);
	}
	if (a->dv.unique_id.n > 0) dv_json(out, &a->dv);
	buf_char(out, '}');
}

static void remove_json(struct buf *out, const struct delta_remove *r)
{
	buf_str(out, "{\"remove\":{");
	path_json(out, r->path);
	if (r->deleted_ms != 0) i64_member(out, "deletionTimestamp", r->deleted_ms);
	buf_printf(out, ",\"dataChange\":%s", bool_text(r->data_change));
	if (r->extended) {
		buf_str(out, ",\"extendedFileMetadata\":true,\"partitionValues\":");
		pairs_json(out, &r->partition);
	}
	if (r->size >= 0) i64_member(out, "size", r->size);
	if (r->dv.unique_id.n > 0) dv_json(out, &r->dv);
	buf_char(out, '}');
}

static void protocol_json(struct buf *out, const struct delta_protocol *p)
{
	buf_printf(out, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d", p->min_reader, p->min_writer);
	if (p->min_reader >= 3) {
		buf_str(out, ",\"readerFeatures\":");
		strings_json(out, &p->reader_features);
	}
	if (p->min_writer >= 7) {
		buf_str(out, ",\"writerFeatures\":");
		strings_json(out, &p->writer_features);
	}
	buf_char(out, '}');
}

static void metadata_json(struct buf *out, const struct delta_metadata *m)
{
	buf_str(out, "{\"metaData\":{\"id\":");
	buf_json_str(out, m->id);
	if (m->name.n > 0) str_member(out, "name", m->name);
	if (m->description.n > 0) str_member(out, "description", m->description);
	buf_str(out, ",\"format\":{\"provider\":\"parquet\",\"options\":{}}");
	str_member(out, "schemaString", m->schema);
	buf_str(out, ",\"partitionColumns\":");
	strings_json(out, &m->partition_columns);
	buf_str(out, ",\"configuration\":");
	pairs_json(out, &m->configuration);
	if (m->created_ms >= 0) i64_member(out, "createdTime", m->created_ms);
	buf_char(out, '}');
}

static void app_txn_json(struct buf *out, const struct delta_app_txn *t)
{
	buf_str(out, "{\"txn\":{\"appId\":");
	buf_json_str(out, t->app_id);
	i64_member(out, "version", t->version);
	if (t->updated_ms >= 0) i64_member(out, "lastUpdated", t->updated_ms);
	buf_char(out, '}');
}

static void domain_json(struct buf *out, const struct delta_domain *d)
{
	buf_str(out, "{\"domainMetadata\":{\"domain\":");
	buf_json_str(out, d->domain);
	str_member(out, "configuration", d->configuration);
	buf_printf(out, ",\"removed\":%s}", bool_text(d->removed));
}

void delta_action_json(struct buf *out, const struct delta_action *a)
{
	switch (a->kind) {
	case DELTA_ADD: add_json(out, &a->add); break;
	case DELTA_REMOVE: remove_json(out, &a->remove); break;
	case DELTA_PROTOCOL: protocol_json(out, &a->protocol); break;
	case DELTA_METADATA: metadata_json(out, &a->metadata); break;
	case DELTA_APP_TXN: app_txn_json(out, &a->app_txn); break;
	case DELTA_DOMAIN: domain_json(out, &a->domain); break;
	case DELTA_COMMIT_INFO:
		buf_str(out, "{\"commitInfo\":");
		buf_add(out, a->info.text.p, a->info.text.n);
		break;
	case DELTA_OTHER:
	case DELTA_CDC:
	case DELTA_SIDECAR:
	case DELTA_CHECKPOINT_METADATA: ASSERT(a->kind == DELTA_COMMIT_INFO); /* the others belong in no commit */
	}
	buf_str(out, "}\n");
}
