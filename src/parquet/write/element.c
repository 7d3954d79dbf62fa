/* parquet/write/element.c: how a column is stored, and how it and a group stand in the footer's schema. Must not know which others stand
 * beside them. */
#include <string.h>

#include "parquet/nested.h"
#include "parquet/thrift/thrift_write.h"
#include "parquet/write/writer_int.h"

/* parquet.thrift: ConvertedType */
enum {
	CONVERTED_UTF8 = 0,
	CONVERTED_MAP = 1,
	CONVERTED_LIST = 3,
	CONVERTED_DECIMAL = 5,
	CONVERTED_DATE = 6,
	CONVERTED_TIMESTAMP_MICROS = 10
};
/* LogicalType's fields */
enum {
	LOGICAL_STRING = 1,
	LOGICAL_MAP = 2,
	LOGICAL_LIST = 3,
	LOGICAL_DECIMAL = 5,
	LOGICAL_DATE = 6,
	LOGICAL_TIMESTAMP = 8
};

status writer_leaf_make(const char *table, const struct column_def *def, struct writer_leaf *out, struct err *err)
{
	*out = (struct writer_leaf){.def = def, .name_n = strlen(def->name)};
	switch (def->type) {
	case COL_BOOL: out->physical = PHYSICAL_BOOLEAN; return OK;
	case COL_INT32:
	case COL_DATE: out->physical = PHYSICAL_INT32; break;
	case COL_INT64:
	case COL_TIMESTAMP: out->physical = PHYSICAL_INT64; break;
	case COL_DECIMAL: out->physical = def->precision <= 9 ? PHYSICAL_INT32 : PHYSICAL_INT64; break;
	case COL_STRING:
	case COL_BINARY: out->physical = PHYSICAL_BYTE_ARRAY; return OK;
	case COL_FLOAT: out->physical = PHYSICAL_FLOAT; break;
	case COL_DOUBLE: out->physical = PHYSICAL_DOUBLE; break;
	default:
		return fail(err, E_UNSUPPORTED, "unsupported: writing column %s of table %s as type %d", def->name,
			table, (int)def->type);
	}
	out->width = out->physical == PHYSICAL_INT32 || out->physical == PHYSICAL_FLOAT ? 4 : 8;
	return OK;
}

/* SchemaElement field 10, a union of structs. */
static void logical_type(struct thrift_writer *t, const struct column_def *def)
{
	const int outer = thrift_struct_begin(t, 10);
	if (def->type == COL_STRING) thrift_empty_struct(t, LOGICAL_STRING);
	if (def->type == COL_DATE) thrift_empty_struct(t, LOGICAL_DATE);
	if (def->type == COL_DECIMAL) {
		const int inner = thrift_struct_begin(t, LOGICAL_DECIMAL);
		thrift_put_i32(t, 1, def->scale);
		thrift_put_i32(t, 2, def->precision);
		thrift_struct_end(t, inner);
	}
	if (def->type == COL_TIMESTAMP) {
		const int inner = thrift_struct_begin(t, LOGICAL_TIMESTAMP);
		thrift_put_bool(t, 1, true); /* isAdjustedToUTC */
		const int unit = thrift_struct_begin(t, 2);
		thrift_empty_struct(t, 2); /* MICROS */
		thrift_struct_end(t, unit);
		thrift_struct_end(t, inner);
	}
	thrift_struct_end(t, outer);
}

/* SchemaElement: 1 type, 3 repetition_type, 4 name, 5 num_children, 6 converted_type, 7 scale, 8 precision, 10 logicalType. */
void writer_schema_element(struct thrift_writer *t, const struct writer_leaf *leaf, int repetition)
{
	const struct column_def *def = leaf->def;
	const int outer = thrift_element_begin(t);
	thrift_put_i32(t, 1, (int32_t)leaf->physical);
	thrift_put_i32(t, 3, repetition);
	thrift_put_binary(t, 4, def->name, leaf->name_n);
	switch (def->type) {
	case COL_STRING: thrift_put_i32(t, 6, CONVERTED_UTF8); break;
	case COL_TIMESTAMP: thrift_put_i32(t, 6, CONVERTED_TIMESTAMP_MICROS); break;
	case COL_DATE: thrift_put_i32(t, 6, CONVERTED_DATE); break;
	case COL_DECIMAL:
		thrift_put_i32(t, 6, CONVERTED_DECIMAL);
		thrift_put_i32(t, 7, def->scale);
		thrift_put_i32(t, 8, def->precision);
		break;
	default: thrift_struct_end(t, outer); return; /* the physical type says it all */
	}
	logical_type(t, def);
	thrift_struct_end(t, outer);
}

/* SchemaElement of a group: 3 repetition, 4 name, 5 num_children, 6 converted_type, 10 logicalType. */
void writer_group_element(struct thrift_writer *t, const struct parquet_node *node, bool root)
{
	const int outer = thrift_element_begin(t);
	if (!root) thrift_put_i32(t, 3, (int32_t)node->repetition);
	thrift_put_binary(t, 4, node->name, strlen(node->name));
	thrift_put_i32(t, 5, (int32_t)node->n_children);
	if (node->group != PARQUET_GROUP_PLAIN) {
		const bool map = node->group == PARQUET_GROUP_MAP;
		thrift_put_i32(t, 6, map ? CONVERTED_MAP : CONVERTED_LIST);
		const int logical = thrift_struct_begin(t, 10);
		thrift_empty_struct(t, map ? LOGICAL_MAP : LOGICAL_LIST);
		thrift_struct_end(t, logical);
	}
	thrift_struct_end(t, outer);
}
