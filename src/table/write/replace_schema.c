/* table/write/replace_schema.c: is the schema of a table the wanted one, or an older one that new columns or fields widen? */
#include "table/log/schema.h"
#include "table/write/replace_int.h"

static status cannot_add(const struct column_def *c, struct err *err)
{
	return fail(err, E_CONFLICT, "column '%s' cannot be added to the table: only nullable ones can", c->name);
}

/* *want_i is the wanted column that stands where the table has `have`; wanted ones before it are new. */
static status match(const struct delta_column *have, const struct table_schema *want, size_t *want_i, bool *widened,
	struct err *err)
{
	for (; *want_i < want->n_columns; ++*want_i) {
		const struct column_def *c = &want->columns[*want_i];
		if (strcmp(c->name, have->def.name) == 0) {
			const enum delta_fit fit = delta_type_fit(have, c);
			if (fit == DELTA_TYPE_OTHER || c->nullable != have->def.nullable)
				return fail(err, E_CONFLICT,
					"column '%s' of the table is %s%s: another one is to be written", c->name,
					have->type_text, have->def.nullable ? "" : " not null");
			*widened |= fit == DELTA_TYPE_WIDER;
			++*want_i;
			return OK;
		}
		/* New columns stand behind the files' old ones, that is before the first partition column. */
		if (c->partition || !have->def.partition) break;
		if (!c->nullable) return cannot_add(c, err);
		*widened = true;
	}
	return fail(err, E_CONFLICT, "column '%s' of the table is not where it is to be written", have->def.name);
}

status replace_schema_compare(
	const struct delta_snapshot *s, const struct table_schema *want, bool *widened, struct err *err)
{
	size_t i = 0, n_partition = 0;
	*widened = false;
	for (size_t have = 0; have < s->schema.n; have++) TRY(match(&s->schema.columns[have], want, &i, widened, err));
	for (; i < want->n_columns; i++) {
		const struct column_def *c = &want->columns[i];
		if (!c->nullable || c->partition) return cannot_add(c, err);
		*widened = true;
	}
	for (size_t c = 0; c < want->n_columns; c++) {
		if (!want->columns[c].partition) continue;
		const bool same = n_partition < s->metadata.partition_columns.n &&
				  str_is(s->metadata.partition_columns.items[n_partition], want->columns[c].name);
		if (!same)
			return fail(err, E_CONFLICT, "the table is not partitioned by '%s' as it is to be written",
				want->columns[c].name);
		n_partition++;
	}
	if (n_partition != s->metadata.partition_columns.n)
		return fail(err, E_CONFLICT, "the table has %zu partition columns, %zu are to be written",
			s->metadata.partition_columns.n, n_partition);
	return OK;
}

status replace_metadata(const struct table_schema *want, struct buf *schema, struct arena *arena,
	struct delta_metadata *m, struct err *err)
{
	struct str *names = ARENA_NEW(arena, struct str, want->n_columns);
	size_t n = 0;
	if (names == NULL) return fail_nomem(err);
	for (size_t i = 0; i < want->n_columns; i++) {
		if (want->columns[i].partition) names[n++] = str_of(want->columns[i].name);
	}
	delta_schema_text(schema, want);
	TRY(buf_check(schema, err));
	m->schema = (struct str){(const char *)schema->p, schema->n};
	m->partition_columns = (struct delta_strings){names, n};
	return OK;
}
