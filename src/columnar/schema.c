/* columnar/schema.c: questions about a schema. Partition columns stand last, which schema_n_data_columns relies on. */
#include "columnar/schema.h"

#include <string.h>

size_t schema_n_data_columns(const struct table_schema *s)
{
	size_t n = s->n_columns;
	while (n > 0 && s->columns[n - 1].partition) n--;
	return n;
}

int schema_column_index(const struct table_schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		if (strcmp(s->columns[i].name, name) == 0) return (int)i;
	}
	return -1;
}

int schema_part_column(const struct table_schema *s)
{
	for (size_t i = schema_n_data_columns(s); i < s->n_columns; i++) {
		if (strcmp(s->columns[i].name, "run_id") != 0) return (int)i;
	}
	return -1;
}

status schema_served(const struct table_schema *s, struct arena *arena, struct table_schema *out, struct err *err)
{
	struct column_def *columns = ARENA_NEW(arena, struct column_def, s->n_columns);
	if (columns == NULL) return fail_nomem(err);
	*out = *s;
	out->columns = columns;
	out->n_columns = 0;
	for (size_t i = 0; i < s->n_columns; i++) {
		if (!s->columns[i].lake_only) columns[out->n_columns++] = s->columns[i];
	}
	return OK;
}

const char *col_type_name(enum col_type type)
{
	static const char *const names[] = {"bool", "int32", "int64", "float", "double", "string", "binary",
		"timestamp", "date", "decimal", "decimal128", "list", "struct", "map"};
	ASSERT((size_t)type < sizeof names / sizeof names[0]);
	return names[type];
}

size_t col_type_width(enum col_type type)
{
	switch (type) {
	case COL_INT32:
	case COL_FLOAT:
	case COL_DATE: return 4;
	case COL_INT64:
	case COL_DOUBLE:
	case COL_TIMESTAMP:
	case COL_DECIMAL: return 8;
	case COL_DECIMAL128: return 16;
	default: return 0;
	}
}

bool col_type_nested(enum col_type type)
{
	return type == COL_LIST || type == COL_STRUCT || type == COL_MAP;
}
