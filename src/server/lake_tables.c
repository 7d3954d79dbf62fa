/* server/lake_tables.c: tables from their logs, with what the workloads say of them. */
#include "server/lake_tables.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "server/server_int.h"
#include "table/catalog.h"
#include "table/log/history.h"
#include "workloads/registry.h"

enum { VERSIONS_MAX = 1000 };

/* ---- what is written of each ---- */

static void add_text(struct buf *b, const char *name, struct str s)
{
	buf_printf(b, ",\"%s\":", name);
	if (s.n > 0)
		buf_json_str(b, s);
	else
		buf_str(b, "null");
}

static void add_known(struct buf *b, const char *name, int64_t v) /* < 0: not known */
{
	buf_printf(b, ",\"%s\":", name);
	if (v >= 0)
		buf_i64(b, v);
	else
		buf_str(b, "null");
}

static void add_time(struct buf *b, const char *name, int64_t ms)
{
	char text[TIME_RFC3339_CHARS];
	time_format(ms * 1000, text);
	add_text(b, name, (struct str){text, TIME_RFC3339_CHARS});
}

/* The workload and its schema of a table of the lake; NULL, NULL: none of ours. */
static const struct table_schema *schema_of(const char *layer, const char *name, const struct workload **w)
{
	*w = NULL;
	for (size_t k = 0; k < registry_workloads.n; k++) {
		for (size_t i = 0; i < registry_workloads.items[k]->n_tables; i++) {
			const struct table_schema *t = registry_workloads.items[k]->tables[i];
			if (strcmp(t->layer, layer) != 0 || strcmp(t->name, name) != 0) continue;
			*w = registry_workloads.items[k];
			return t;
		}
	}
	return NULL;
}

/* Without the brace that ends it. */
static void add_table(struct buf *b, const char *layer, const char *name, const struct delta_snapshot *d)
{
	const struct workload *w;
	const struct table_schema *t = schema_of(layer, name, &w);
	int64_t rows = 0;
	int64_t bytes = 0;
	for (size_t i = 0; i < d->n_files; i++) { /* logs of others may claim any size */
		const int64_t n = delta_add_rows(&d->files[i]);
		if (n < 0 || rows < 0 || __builtin_add_overflow(rows, n, &rows)) rows = -1;
		if (__builtin_add_overflow(bytes, d->files[i].size, &bytes)) bytes = INT64_MAX;
	}
	buf_printf(b, "{\"name\":\"%s.%s\",\"layer\":\"%s\"", layer, name, layer);
	add_text(b, "workload", str_of(w != NULL ? w->name : ""));
	add_text(b, "description", str_of(t != NULL && t->description != NULL ? t->description : ""));
	add_known(b, "rows", rows);
	add_known(b, "bytes", bytes);
	add_known(b, "files", (int64_t)d->n_files);
	add_known(b, "version", d->version);
	add_time(b, "updated_at", d->timestamp_ms);
}

/* ---- the list ---- */

struct list {
	struct store *lake;
	struct buf *out;
	size_t n;
};

/* A table that can't be read is listed, and keeps no other from being told. */
static status list_table(void *arg, const char *layer, const char *name, struct err *err)
{
	struct list *l = arg;
	struct err opened;
	struct delta_snapshot *d = NULL;
	char root[DELTA_ROOT_MAX];
	(void)snprintf(root, sizeof root, "%s/%s", layer, name);
	err_clear(&opened);
	if (l->n++ > 0) buf_char(l->out, ',');
	if (delta_snapshot_open(l->lake, root, DELTA_LATEST, &d, &opened) == OK) {
		add_table(l->out, layer, name, d);
		delta_snapshot_close(d);
	} else {
		buf_printf(l->out, "{\"name\":\"%s.%s\",\"layer\":\"%s\"", layer, name, layer);
		add_text(l->out, "error", str_of(opened.message));
	}
	buf_char(l->out, '}');
	return buf_check(l->out, err);
}

status lake_tables_list(struct server *s, struct request *r, struct response *out, struct err *err)
{
	struct list l = {.lake = s->session->lake, .out = &out->body};
	(void)r;
	out->type = "application/json";
	buf_char(&out->body, '[');
	TRY(delta_catalog_list(l.lake, list_table, &l, err));
	buf_str(&out->body, "]\n");
	return OK;
}

/* ---- one of them ---- */

static status find(struct server *s, const struct request *r, char root[DELTA_ROOT_MAX], struct err *err)
{
	return delta_catalog_find(s->session->lake, r->captures[0].p, root, err);
}

static void add_columns(struct buf *b, const struct delta_snapshot *d, const struct table_schema *t)
{
	buf_str(b, ",\"columns\":[");
	for (size_t i = 0; i < d->schema.n; i++) {
		const struct delta_column *c = &d->schema.columns[i];
		const int at = t != NULL ? schema_column_index(t, c->def.name) : -1;
		const struct column_def *known = at >= 0 ? &t->columns[at] : NULL;
		const char *text = known != NULL ? known->description : c->def.description;
		buf_str(b, i > 0 ? ",{\"name\":" : "{\"name\":");
		buf_json_str(b, str_of(c->def.name));
		add_text(b, "type", str_of(c->type_text));
		buf_printf(b, ",\"nullable\":%s,\"key\":%s", c->def.nullable ? "true" : "false",
			known != NULL && known->key ? "true" : "false");
		add_text(b, "unit", str_of(known != NULL && known->unit != NULL ? known->unit : ""));
		add_text(b, "description", str_of(text != NULL ? text : ""));
		buf_char(b, '}');
	}
	buf_str(b, "],\"partitions\":[");
	for (size_t i = 0; i < d->metadata.partition_columns.n; i++) {
		if (i > 0) buf_char(b, ',');
		buf_json_str(b, d->metadata.partition_columns.items[i]);
	}
	buf_char(b, ']');
}

status lake_tables_show(struct server *s, struct request *r, struct response *out, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	struct delta_snapshot *d = NULL;
	const struct workload *w;
	TRY(find(s, r, root, err));
	TRY(delta_snapshot_open(s->session->lake, root, DELTA_LATEST, &d, err));
	char *slash = strchr(root, '/');
	ASSERT(slash != NULL);
	*slash = '\0';
	add_table(&out->body, root, slash + 1, d);
	add_columns(&out->body, d, schema_of(root, slash + 1, &w));
	buf_str(&out->body, "}\n");
	delta_snapshot_close(d);
	out->type = "application/json";
	return buf_check(&out->body, err);
}

status lake_tables_history(struct server *s, struct request *r, struct response *out, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	struct delta_history h;
	struct buf *b = &out->body;
	TRY(find(s, r, root, err));
	TRY(delta_history_read(s->session->lake, root, VERSIONS_MAX, &h, err));
	buf_char(b, '[');
	for (size_t i = h.n; i-- > 0;) {
		const struct delta_version *v = &h.versions[i];
		buf_printf(b, "%s{\"version\":%lld", i + 1 < h.n ? "," : "", (long long)v->version);
		add_time(b, "at", v->timestamp_ms);
		add_text(b, "operation", v->info.operation);
		add_text(b, "run_id", delta_history_member(v, "\"pqrRunId\":\""));
		add_text(b, "stage", delta_history_member(v, "\"pqrStage\":\""));
		add_known(b, "rows", v->rows_added);
		add_known(b, "bytes", v->bytes_added);
		add_known(b, "files", v->n_added);
		add_known(b, "files_removed", v->n_removed);
		buf_char(b, '}');
	}
	buf_str(b, "]\n");
	delta_history_deinit(&h);
	out->type = "application/json";
	return buf_check(b, err);
}

status lake_tables_files(struct server *s, struct request *r, struct response *out, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	struct delta_snapshot *d = NULL;
	struct buf *b = &out->body;
	TRY(find(s, r, root, err));
	TRY(delta_snapshot_open(s->session->lake, root, DELTA_LATEST, &d, err));
	buf_char(b, '[');
	for (size_t i = 0; i < d->n_files; i++) {
		buf_str(b, i > 0 ? ",{\"path\":" : "{\"path\":");
		buf_json_str(b, d->files[i].path);
		add_known(b, "rows", delta_add_rows(&d->files[i]));
		add_known(b, "bytes", d->files[i].size);
		add_time(b, "modified_at", d->files[i].modified_ms);
		buf_char(b, '}');
	}
	buf_str(b, "]\n");
	delta_snapshot_close(d);
	out->type = "application/json";
	return buf_check(b, err);
}
